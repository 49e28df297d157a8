#include "api/list_file.h"

#include "io/save.h"

enum { BUFFER_BYTES = 256 * 1024 };

struct list_file {
    const medley_store *store;
    list_form form;
    const char *tag;
    save *target;
    text rows;
};

double list_score(float score)
{
    char digits[32];
    double shown = (double)score;
    const int length = number_print(digits, sizeof digits, "%.9g", shown);
    return number_real(digits, (size_t)length, &shown) ? shown : (double)score;
}

medley_status list_file_open(const medley_store *store, const char *path, list_form form, const char *tag,
                             list_file **out, medley_error *err)
{
    list_file *f;
    *out = NULL;
    TRY(mem_alloc_zero(store->rt, 1, sizeof *f, &f, err));
    f->store = store;
    f->form = form;
    f->tag = tag;
    f->rows.rt = store->rt;
    const medley_status status = save_open(store->rt, path, &f->target, err);
    if (status != MEDLEY_OK) {
        list_file_abandon(f);
        return status;
    }
    if (form == LIST_TSV)
        text_add(&f->rows, "user\trank\titem\tscore\ttitle\n");
    *out = f;
    return MEDLEY_OK;
}

static medley_status flush(list_file *f, medley_error *err)
{
    TRY(text_status(&f->rows, err));
    TRY(save_write(f->target, f->rows.bytes, (size_t)f->rows.length, err));
    f->rows.length = 0;
    return MEDLEY_OK;
}

static void add_tsv(list_file *f, int64_t user, int64_t rank, int64_t item, const char *score)
{
    const char *title = f->store->item_titles[item];
    text_add_plain(&f->rows, f->store->user_ids[user]);
    text_format(&f->rows, "\t%lld\t", (long long)rank);
    text_add_plain(&f->rows, f->store->item_ids[item]);
    text_format(&f->rows, "\t%s\t", score);
    text_add_plain(&f->rows, title != NULL ? title : "");
    text_add(&f->rows, "\n");
}

static medley_status check_word(const char *id, medley_error *err)
{
    return id[0] != '\0' && strpbrk(id, " \t\n\v\f\r") == NULL
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG,
                      "id '%s' is empty or has white space, which TREC runs cannot hold; write TSV", id);
}

static medley_status add_trec(list_file *f, int64_t user, int64_t rank, int64_t item, const char *score,
                              medley_error *err)
{
    TRY(check_word(f->store->user_ids[user], err));
    TRY(check_word(f->store->item_ids[item], err));
    text_format(&f->rows, "%s Q0 %s %lld %s %s\n", f->store->user_ids[user], f->store->item_ids[item],
                (long long)rank, score, f->tag);
    return MEDLEY_OK;
}

medley_status list_file_add(list_file *f, int64_t user, int64_t rank, int64_t item, float score, medley_error *err)
{
    char shown[40];
    number_format(list_score(score), shown, sizeof shown);
    if (f->form == LIST_TREC)
        TRY(add_trec(f, user, rank, item, shown, err));
    else
        add_tsv(f, user, rank, item, shown);
    return f->rows.length < BUFFER_BYTES ? MEDLEY_OK : flush(f, err);
}

medley_status list_file_commit(list_file *f, medley_error *err)
{
    medley_status status = flush(f, err);
    if (status == MEDLEY_OK) {
        status = save_commit(f->target, err);
        f->target = NULL;
    }
    list_file_abandon(f);
    return status;
}

void list_file_abandon(list_file *f)
{
    if (f == NULL)
        return;
    save_abandon(f->target);
    text_release(&f->rows);
    mem_free(f);
}
