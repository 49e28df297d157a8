/* Which runs are one system, which is the baseline, and which columns are shown. */
#include "api/comparison.h"

enum { SYSTEMS_MOST = 60 };

static medley_status keep_text(comparison *c, text *t, const char **out, medley_error *err)
{
    medley_status status = text_status(t, err);
    if (status == MEDLEY_OK)
        status = arena_text(&c->texts, t->bytes, (size_t)t->length, out, err);
    text_release(t);
    return status;
}

/* ---- Systems ---- */

static const char *setting_of(const compared_run *run, const char *key)
{
    for (int64_t i = 0; i < run->setting_count; i++)
        if (strcmp(run->settings[i].key, key) == 0)
            return run->settings[i].value;
    return NULL;
}

/* Where the data lie and the run went says nothing: the split's fingerprint is the same. */
static bool is_of_model(const char *key)
{
    static const char *const others[] = {"seed", "run", "store", "split", "force"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(key, others[i]) == 0)
            return false;
    return true;
}

static bool has_settings_of(const compared_run *a, const compared_run *b)
{
    for (int64_t i = 0; i < a->setting_count; i++) {
        const char *other = setting_of(b, a->settings[i].key);
        if (is_of_model(a->settings[i].key) && (other == NULL || strcmp(other, a->settings[i].value) != 0))
            return false;
    }
    return true;
}

/* Equal but for the seed. */
static bool is_sibling(const compared_run *a, const compared_run *b)
{
    const char *seed_a = setting_of(a, "seed"), *seed_b = setting_of(b, "seed");
    return seed_a != NULL && seed_b != NULL && strcmp(seed_a, seed_b) != 0 &&
           strcmp(a->file.model, b->file.model) == 0 && has_settings_of(a, b) && has_settings_of(b, a);
}

/* Whether the run differs in its seed from every run of the system. */
static bool belongs_to(const comparison *c, const compared_run *run, int64_t system)
{
    for (const compared_run *other = c->runs; other < run; other++)
        if (other->system == system && !is_sibling(other, run))
            return false;
    return true;
}

/* What the labels of its runs begin with, and how many these are. What they number themselves by goes: of "ease-1" and
 * "ease-2" the '-', but nothing of "top10", where the others are "top10-seed1" and so on. */
static medley_status label_system(comparison *c, compared_system *s, medley_error *err)
{
    const char *first = c->runs[s->first].label;
    size_t common = strlen(first);
    bool whole = true;
    text label = {.rt = c->rt};
    for (int64_t i = s->first + 1; i < c->run_count; i++)
        if (c->runs[i].system == s - c->systems) {
            while (common > 0 && strncmp(first, c->runs[i].label, common) != 0)
                common--;
            whole = whole && first[common] == '\0' && c->runs[i].label[common] == '-';
        }
    while (!whole && s->runs > 1 && common > 0 && strchr("-_. /0123456789", first[common - 1]) != NULL)
        common--;
    text_append(&label, first, common > 0 ? common : strlen(first));
    if (s->runs > 1)
        text_format(&label, " (%lld seeds)", (long long)s->runs);
    for (int64_t i = 0; i < label.length && !label.failed; i++)
        if (label.bytes[i] == '|')
            label.bytes[i] = '_'; /* it parts the columns of a report */
    return keep_text(c, &label, &s->label, err);
}

/* Two groups can begin alike, and a column is called metric. */
static medley_status make_labels_differ(comparison *c, medley_error *err)
{
    for (int64_t i = 0; i < c->system_count; i++) {
        compared_system *s = &c->systems[i];
        bool taken = strcmp(s->label, "metric") == 0;
        for (int64_t j = 0; j < i; j++)
            taken = taken || strcmp(c->systems[j].label, s->label) == 0;
        text label = {.rt = c->rt};
        text_format(&label, taken ? "%s #%lld" : "%s", s->label, (long long)i + 1);
        TRY(keep_text(c, &label, &s->label, err));
    }
    return MEDLEY_OK;
}

static medley_status group_runs(comparison *c, medley_error *err)
{
    TRY(mem_alloc_zero(c->rt, SYSTEMS_MOST, sizeof *c->systems, &c->systems, err));
    for (int64_t i = 0; i < c->run_count; i++) {
        int64_t s = 0;
        while (s < c->system_count && !belongs_to(c, &c->runs[i], s))
            s++;
        if (s == SYSTEMS_MOST)
            return fail(err, MEDLEY_E_LIMIT, "runs: more than %d systems to compare", SYSTEMS_MOST);
        if (s == c->system_count) {
            c->systems[c->system_count++] = (compared_system){.first = i, .model = c->runs[i].file.model};
        }
        c->runs[i].system = s;
        c->systems[s].runs++;
    }
    if (c->system_count < 2)
        return fail(err, MEDLEY_E_ARGUMENT, "runs: '%.200s' is one system; two or more are compared",
                    c->choices.runs);
    for (int64_t s = 0; s < c->system_count; s++)
        TRY(label_system(c, &c->systems[s], err));
    return make_labels_differ(c, err);
}

static medley_status find_baseline(comparison *c, medley_error *err)
{
    const char *names[COMPARISON_RUNS_MOST], *wanted = c->choices.baseline;
    int64_t count = 0;
    if (wanted[0] == '\0')
        return MEDLEY_OK; /* the first */
    for (int64_t i = 0; i < c->run_count; i++) {
        names[count++] = c->runs[i].label;
        if (strcmp(wanted, c->runs[i].path) == 0 || strcmp(wanted, c->runs[i].label) == 0 ||
            strcmp(wanted, c->systems[c->runs[i].system].label) == 0) {
            c->baseline = c->runs[i].system;
            return MEDLEY_OK;
        }
    }
    const char *nearest = medley_nearest(wanted, names, count);
    return nearest != NULL ? fail(err, MEDLEY_E_CONFIG, "baseline: '%s' is none of the runs (did you mean '%s'?)",
                                  wanted, nearest)
                           : fail(err, MEDLEY_E_CONFIG, "baseline: '%s' is none of the runs; the first is '%s'",
                                  wanted, c->runs[0].label);
}

/* ---- Which columns ---- */

static bool all_have(const comparison *c, const char *column)
{
    for (int64_t i = 1; i < c->run_count; i++)
        if (evaluation_file_find(&c->runs[i].file, column) < 0)
            return false;
    return true;
}

/* Whether "ndcg" or "ndcg@10" means the column. */
static bool means(const char *word, size_t length, const char *column)
{
    return strncmp(word, column, length) == 0 && (column[length] == '\0' || column[length] == '@');
}

static bool is_wanted(const comparison *c, const char *column)
{
    const char *at = c->choices.metrics;
    if (strcmp(at, "all") == 0)
        return true;
    for (;; at++) {
        const size_t length = strcspn(at, ",");
        if (length > 0 && means(at, length, column))
            return true;
        at += length;
        if (*at == '\0')
            return false;
    }
}

/* The names of the columns, and what they are without their cutoffs, each once. */
static medley_status name_all(arena *texts, const char *const *columns, int64_t count, const char **names,
                              int64_t *bare, medley_error *err)
{
    *bare = 0;
    for (int64_t i = 0; i < count; i++) {
        const size_t length = strcspn(columns[i], "@");
        bool said = false;
        for (int64_t n = 0; n < *bare && !said; n++)
            said = strlen(names[n]) == length && memcmp(names[n], columns[i], length) == 0;
        if (!said)
            TRY(arena_text(texts, columns[i], length, &names[(*bare)++], err));
    }
    for (int64_t i = 0; i < count; i++)
        names[*bare + i] = columns[i];
    return MEDLEY_OK;
}

static medley_status refuse_metric(const medley_runtime *rt, const char *word, const char *const *columns,
                                   int64_t count, medley_error *err)
{
    arena texts = {.rt = rt};
    text list = {.rt = rt};
    const char **names = NULL;
    int64_t bare;
    medley_status status;
    TRY_DONE(mem_alloc(rt, 2 * count, sizeof *names, &names, err));
    TRY_DONE(name_all(&texts, columns, count, names, &bare, err));
    const char *nearest = medley_nearest(word, names, bare + count);
    for (int64_t n = 0; n < bare; n++)
        text_format(&list, "%s%s", n > 0 ? ", " : "", names[n]);
    TRY_DONE(text_status(&list, err));
    status =
        nearest != NULL
            ? fail(err, MEDLEY_E_CONFIG, "metrics: not every run has '%s' (did you mean '%s'?)", word, nearest)
            : fail(err, MEDLEY_E_CONFIG, "metrics: not every run has '%s'; all have %.800s", word, list.bytes);
done:
    mem_free(names);
    text_release(&list);
    arena_release(&texts);
    return status;
}

medley_status comparison_check_metrics(const medley_runtime *rt, const char *wanted, const char *const *columns,
                                       int64_t count, medley_error *err)
{
    if (strcmp(wanted, "all") == 0)
        return MEDLEY_OK;
    for (const char *at = wanted;; at++) {
        const size_t length = strcspn(at, ",");
        char word[64];
        bool found = false;
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : 63, at);
        for (int64_t i = 0; i < count; i++)
            found = found || means(at, length, columns[i]);
        if (!found)
            return refuse_metric(rt, word, columns, count, err);
        at += length;
        if (*at == '\0')
            return MEDLEY_OK;
    }
}

static const metric_class *metric_of(const char *column)
{
    const size_t length = strcspn(column, "@");
    for (int m = 0; metric_classes[m] != NULL; m++)
        if (strlen(metric_classes[m]->name) == length && strncmp(metric_classes[m]->name, column, length) == 0)
            return metric_classes[m];
    return NULL;
}

static compared_column describe_column(const compared_run *run, int64_t column)
{
    const evaluation_file_column *from = &run->file.columns[column];
    const metric_class *metric = metric_of(from->name);
    const char *definition =
        json_text(json_at(json_member(run->file.root, "columns"), column, NULL), "definition");
    return (compared_column){
        .name = from->name,
        .definition = definition != NULL ? definition : "",
        .more_is_better = from->more_is_better,
        .per_user = from->per_user,
        .pooled = metric != NULL && metric->add != NULL,
    };
}

/* Said in `left_out`: what not all have. */
static medley_status choose_columns(comparison *c, medley_error *err)
{
    const evaluation_file *first = &c->runs[0].file;
    text left = {.rt = c->rt};
    const char **shared = NULL; /* what all have */
    int64_t shared_count = 0;
    medley_status status;
    TRY_DONE(mem_alloc(c->rt, first->column_count, sizeof *shared, &shared, err));
    TRY_DONE(mem_alloc(c->rt, first->column_count, sizeof *c->columns, &c->columns, err));
    for (int64_t i = 0; i < first->column_count; i++) {
        const char *name = first->columns[i].name;
        if (!all_have(c, name)) {
            text_format(&left, "%s%s", left.length > 0 ? ", " : "", name);
            continue;
        }
        shared[shared_count++] = name;
        if (is_wanted(c, name))
            c->columns[c->column_count++] = describe_column(&c->runs[0], i);
    }
    for (int64_t r = 1; r < c->run_count; r++)
        for (int64_t i = 0; i < c->runs[r].file.column_count; i++) {
            const char *name = c->runs[r].file.columns[i].name;
            bool said = evaluation_file_find(first, name) >= 0;
            for (int64_t before = 1; before < r; before++)
                said = said || evaluation_file_find(&c->runs[before].file, name) >= 0;
            if (!said)
                text_format(&left, "%s%s", left.length > 0 ? ", " : "", name);
        }
    TRY_DONE(text_status(&left, err));
    if (shared_count == 0) {
        status = fail(err, MEDLEY_E_ARGUMENT, "runs: they share no metric: %.400s", left.bytes);
        goto done;
    }
    TRY_DONE(comparison_check_metrics(c->rt, c->choices.metrics, shared, shared_count, err));
    status = arena_text(&c->texts, left.bytes, (size_t)left.length, &c->left_out, err);
done:
    text_release(&left);
    mem_free(shared);
    return status;
}

medley_status comparison_group(comparison *c, medley_error *err)
{
    TRY(group_runs(c, err));
    TRY(find_baseline(c, err));
    return choose_columns(c, err);
}
