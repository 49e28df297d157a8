#include "api/recommendation.h"

#include "api/list_file.h"
#include "io/json.h"
#include "io/save.h"

enum { BUFFER_BYTES = 256 * 1024 };

struct recommendation_writer {
    recommendation_target to;
    save *file; /* NULL: the report */
    text lines;
    int64_t rows;
};

static const char *title_of(const recommendation_writer *w, uint32_t item)
{
    const char *title = w->to.store->item_titles[item];
    return title != NULL ? title : "";
}

/* ---- forms: one line each ---- */

static medley_status add_tsv(recommendation_writer *w, const recommendation *r, medley_error *err)
{
    char number[40];
    number_format(list_score(r->score), number, sizeof number);
    text_add_plain(&w->lines, r->whose);
    text_format(&w->lines, "\t%lld\t", (long long)r->rank);
    text_add_plain(&w->lines, w->to.store->item_ids[r->item]);
    text_format(&w->lines, "\t%s\t", number);
    if (w->to.with_novelty) {
        number_format(r->novelty, number, sizeof number);
        text_format(&w->lines, "%s\t", number);
    }
    text_add_plain(&w->lines, title_of(w, r->item));
    text_add(&w->lines, "\n");
    (void)err;
    return MEDLEY_OK;
}

static medley_status check_word(const char *id, medley_error *err)
{
    for (const char *p = id; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return fail(
                err, MEDLEY_E_FORMAT,
                "out_format: trec has no room for the id '%.100s', which holds a space; accepted: tsv|jsonl", id);
    return MEDLEY_OK;
}

/* "user Q0 item rank score tag", as trec_eval reads it. */
static medley_status add_trec(recommendation_writer *w, const recommendation *r, medley_error *err)
{
    char score[40];
    const char *item = w->to.store->item_ids[r->item];
    TRY(check_word(r->whose, err));
    TRY(check_word(item, err));
    number_format(list_score(r->score), score, sizeof score);
    text_format(&w->lines, "%s Q0 %s %lld %s %s\n", r->whose, item, (long long)r->rank, score, w->to.tag);
    return MEDLEY_OK;
}

static medley_status add_json(recommendation_writer *w, const recommendation *r, medley_error *err)
{
    json *row = json_new_object();
    json_set_text(row, w->to.whose, r->whose);
    json_set_int(row, "rank", r->rank);
    json_set_text(row, "item", w->to.store->item_ids[r->item]);
    json_set_real(row, "score", list_score(r->score));
    if (w->to.with_novelty)
        json_set_real(row, "novelty", r->novelty);
    if (w->to.store->item_titles[r->item] != NULL)
        json_set_text(row, "title", title_of(w, r->item));
    const medley_status status = json_render(row, 0, &w->lines, err);
    json_free(row);
    text_add(&w->lines, "\n");
    return status;
}

static medley_status add_line(recommendation_writer *w, const recommendation *r, medley_error *err)
{
    switch (w->to.form) {
    case RECOMMENDATION_TSV:
        return add_tsv(w, r, err);
    case RECOMMENDATION_TREC:
        return add_trec(w, r, err);
    case RECOMMENDATION_JSONL:
        return add_json(w, r, err);
    }
    return MEDLEY_OK;
}

static void add_to_report(const recommendation_writer *w, const recommendation *r)
{
    report_string(w->to.report, NULL, r->whose);
    report_int(w->to.report, NULL, r->rank);
    report_string(w->to.report, NULL, w->to.store->item_ids[r->item]);
    report_real(w->to.report, NULL, list_score(r->score));
    if (w->to.with_novelty)
        report_real(w->to.report, NULL, r->novelty);
    report_string(w->to.report, NULL, w->to.store->item_titles[r->item]);
}

/* ---- life ---- */

static medley_status flush(recommendation_writer *w, medley_error *err)
{
    TRY(text_status(&w->lines, err));
    TRY(save_write(w->file, w->lines.bytes, (size_t)w->lines.length, err));
    w->lines.length = 0;
    return MEDLEY_OK;
}

medley_status recommendation_open(const recommendation_target *target, recommendation_writer **out,
                                  medley_error *err)
{
    char columns[128];
    recommendation_writer *w;
    *out = NULL;
    TRY(mem_alloc_zero(target->store->rt, 1, sizeof *w, &w, err));
    w->to = *target;
    w->lines.rt = target->store->rt;
    number_print(columns, sizeof columns, "%s|rank|item|score|%stitle", target->whose,
                 target->with_novelty ? "novelty|" : "");
    if (target->path[0] == '\0') {
        char title[64];
        number_print(title, sizeof title, "%c%s", target->table[0] & ~32, target->table + 1);
        report_table(target->report, target->table, title, columns);
    } else {
        const medley_status status = save_open(target->store->rt, target->path, &w->file, err);
        if (status != MEDLEY_OK) {
            recommendation_abandon(w);
            return status;
        }
    }
    for (char *p = columns; target->form == RECOMMENDATION_TSV && *p != '\0'; p++)
        if (*p == '|')
            *p = '\t';
    if (w->file != NULL && target->form == RECOMMENDATION_TSV)
        text_format(&w->lines, "%s\n", columns);
    *out = w;
    return MEDLEY_OK;
}

medley_status recommendation_add(recommendation_writer *w, const recommendation *row, medley_error *err)
{
    w->rows++;
    if (w->file != NULL) {
        TRY(add_line(w, row, err));
        return w->lines.length < BUFFER_BYTES ? MEDLEY_OK : flush(w, err);
    }
    if (w->rows > RECOMMENDATIONS_IN_REPORT)
        return fail(err, MEDLEY_E_LIMIT, "out: more than %d rows are too many to print; name a file for them",
                    RECOMMENDATIONS_IN_REPORT);
    add_to_report(w, row);
    return MEDLEY_OK;
}

medley_status recommendation_commit(recommendation_writer *w, medley_error *err)
{
    medley_status status = MEDLEY_OK;
    if (w->file != NULL) {
        status = flush(w, err);
        if (status == MEDLEY_OK) {
            status = save_commit(w->file, err);
            w->file = NULL;
        }
    }
    recommendation_abandon(w);
    return status;
}

void recommendation_abandon(recommendation_writer *w)
{
    if (w == NULL)
        return;
    save_abandon(w->file);
    text_release(&w->lines);
    mem_free(w);
}
