/* Which evaluations are compared, and whether they may be. */
#include "api/comparison.h"

#include "io/yaml.h"

enum { CONFIG_LONGEST = 1024 * 1024 };

static medley_status keep(comparison *c, const char *bytes, size_t length, const char **out, medley_error *err)
{
    return arena_text(&c->texts, bytes, length, out, err);
}

/* ---- Which runs ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static medley_status add_run(comparison *c, const char *word, size_t length, medley_error *err)
{
    while (length > 1 && word[length - 1] == '/')
        length--;
    if (length == 0)
        return fail(err, MEDLEY_E_CONFIG,
                    "runs: '%.200s' has an empty name; folders separated by commas are accepted", c->choices.runs);
    if (c->run_count == COMPARISON_RUNS_MOST)
        return fail(err, MEDLEY_E_LIMIT, "runs: more than %d of them", COMPARISON_RUNS_MOST);
    compared_run *run = &c->runs[c->run_count++];
    TRY(keep(c, word, length, &run->path, err));
    for (int64_t i = 0; i + 1 < c->run_count; i++)
        if (strcmp(c->runs[i].path, run->path) == 0)
            return fail(err, MEDLEY_E_CONFIG, "runs: '%s' is named twice", run->path);
    return MEDLEY_OK;
}

static medley_status name_runs(comparison *c, medley_error *err)
{
    TRY(mem_alloc_zero(c->rt, COMPARISON_RUNS_MOST, sizeof *c->runs, &c->runs, err));
    for (const char *at = c->choices.runs;;) {
        const size_t length = strcspn(at, ",");
        TRY(add_run(c, at, length, err));
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    for (int64_t i = 0; i < c->run_count; i++) {
        c->runs[i].label = last_part(c->runs[i].path);
        for (int64_t j = 0; j < c->run_count; j++)
            if (j != i && strcmp(last_part(c->runs[j].path), last_part(c->runs[i].path)) == 0)
                c->runs[i].label = c->runs[i].path;
    }
    return MEDLEY_OK;
}

/* ---- Which evaluation ---- */

static bool has_file(const medley_runtime *rt, const char *folder, const char *name, bool *found,
                     medley_error *err)
{
    char *path;
    *found = false;
    if (file_join(rt, folder, name, &path, err) != MEDLEY_OK)
        return false;
    *found = file_exists(path);
    mem_free(path);
    return true;
}

/* Names are shared when each run has them; a run that is itself an evaluation has them all. */
typedef struct shared_names {
    char **names; /* of the first run that is not itself an evaluation */
    bool *shared; /* [count] */
    int64_t count;
    text said; /* what each run has, for the message */
} shared_names;

static bool is_finished(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL || strcmp(dot, ".partial") != 0;
}

static bool is_among(char *const *names, int64_t count, const char *name)
{
    for (int64_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static medley_status intersect(const medley_runtime *rt, shared_names *s, char **names, int64_t count,
                               medley_error *err)
{
    if (s->names != NULL) {
        for (int64_t i = 0; i < s->count; i++)
            s->shared[i] = s->shared[i] && is_among(names, count, s->names[i]);
        file_names_free(names, count);
        return MEDLEY_OK;
    }
    s->names = names;
    s->count = count;
    TRY(mem_alloc(rt, count, sizeof *s->shared, &s->shared, err));
    for (int64_t i = 0; i < count; i++)
        s->shared[i] = is_finished(names[i]);
    return MEDLEY_OK;
}

static medley_status look_into(comparison *c, const compared_run *run, shared_names *s, medley_error *err)
{
    char *folder, **names;
    int64_t count;
    TRY(file_join(c->rt, run->path, EVALUATIONS_FOLDER, &folder, err));
    const bool there = file_is_folder(folder);
    const medley_status status =
        there ? file_list(c->rt, folder, &names, &count, err)
              : fail(err, MEDLEY_E_NOT_FOUND, "runs: '%s' has no evaluation (see medley evaluate)", run->path);
    mem_free(folder);
    TRY(status);
    text_format(&s->said, "%s'%s' has", s->said.length > 0 ? "; " : "", run->path);
    for (int64_t i = 0; i < count; i++)
        if (is_finished(names[i]))
            text_format(&s->said, " %s", names[i]);
    return intersect(c->rt, s, names, count, err);
}

static medley_status choose(comparison *c, const shared_names *s, medley_error *err)
{
    text several = {.rt = c->rt};
    int64_t count = 0;
    for (int64_t i = 0; i < s->count; i++)
        if (s->shared[i]) {
            text_format(&several, "%s%s", count++ > 0 ? ", " : "", s->names[i]);
            if (count == 1)
                TRY(keep(c, s->names[i], strlen(s->names[i]), &c->evaluation, err));
        }
    medley_status status = text_status(&several, err);
    if (status == MEDLEY_OK && count > 1)
        status = fail(err, MEDLEY_E_CONFIG, "evaluation: the runs share %s; say which", several.bytes);
    if (status == MEDLEY_OK && count == 0 && s->names != NULL)
        status = fail(err, MEDLEY_E_CONFIG, "evaluation: the runs share none: %s", s->said.bytes);
    text_release(&several);
    return status;
}

/* What all runs have, when nothing is said. */
static medley_status choose_evaluation(comparison *c, const bool *itself, medley_error *err)
{
    shared_names s = {.said = {.rt = c->rt}};
    medley_status status = MEDLEY_OK;
    c->evaluation = c->choices.evaluation;
    if (c->evaluation[0] != '\0')
        return MEDLEY_OK;
    for (int64_t i = 0; i < c->run_count; i++)
        if (!itself[i])
            TRY_DONE(look_into(c, &c->runs[i], &s, err));
    TRY_DONE(text_status(&s.said, err));
    status = choose(c, &s, err);
done:
    text_release(&s.said);
    mem_free(s.shared);
    if (s.names != NULL)
        file_names_free(s.names, s.count);
    return status;
}

/* ---- Reading ---- */

static medley_status load_run(comparison *c, compared_run *run, bool itself, medley_error *err)
{
    char *evaluations = NULL, *folder = NULL;
    medley_status status = MEDLEY_OK;
    if (itself)
        return evaluation_load(c->rt, run->path, &run->file, err);
    TRY_DONE(file_join(c->rt, run->path, EVALUATIONS_FOLDER, &evaluations, err));
    TRY_DONE(file_join(c->rt, evaluations, c->evaluation, &folder, err));
    if (!file_is_folder(folder))
        status = fail(err, MEDLEY_E_NOT_FOUND, "evaluation: '%s' has no evaluation '%s' (see medley evaluate)",
                      run->path, c->evaluation);
    else
        status = evaluation_load(c->rt, folder, &run->file, err);
done:
    mem_free(folder);
    mem_free(evaluations);
    return status;
}

typedef struct settings_reader {
    comparison *c;
    compared_run *run;
} settings_reader;

static medley_status take_setting(void *context, const char *key, const char *value, int line, medley_error *err)
{
    const settings_reader *r = context;
    compared_run *run = r->run;
    (void)line;
    TRY(mem_reserve(r->c->rt, &run->settings, &run->setting_capacity, run->setting_count + 1,
                    sizeof *run->settings, err));
    compared_setting *s = &run->settings[run->setting_count];
    TRY(keep(r->c, key, strlen(key), &s->key, err));
    TRY(keep(r->c, value, strlen(value), &s->value, err));
    run->setting_count++;
    return MEDLEY_OK;
}

/* Lists from elsewhere have no config.yaml. */
static medley_status read_settings(comparison *c, compared_run *run, bool itself, medley_error *err)
{
    settings_reader reader = {c, run};
    char *path = NULL, *bytes = NULL;
    size_t length;
    medley_status status;
    TRY_DONE(file_join(c->rt, run->path, itself ? "../../config.yaml" : "config.yaml", &path, err));
    if (!file_exists(path))
        goto done;
    TRY_DONE(file_read_whole(c->rt, path, CONFIG_LONGEST, &bytes, &length, err));
    status = yaml_read(c->rt, path, bytes, length, take_setting, &reader, err);
done:
    mem_free(bytes);
    mem_free(path);
    return status;
}

/* ---- May they be compared? ---- */

const char *comparison_fact(const json *protocol, const char *key, char buffer[64])
{
    const char *words = json_text(protocol, key);
    int64_t integer;
    double real;
    bool yes;
    if (words != NULL)
        return words;
    buffer[0] = '\0';
    if (json_int(protocol, key, &integer))
        snprintf(buffer, 64, "%lld", (long long)integer);
    else if (json_real(protocol, key, &real))
        number_format(real, buffer, 64);
    else if (json_bool(protocol, key, &yes))
        snprintf(buffer, 64, "%s", yes ? "true" : "false");
    return buffer;
}

const char *comparison_cutoff(const char *column)
{
    const char *at = strchr(column, '@');
    return at != NULL ? at : "";
}

static medley_status refuse_pair(const compared_run *a, const compared_run *b, const char *fact, const char *of_a,
                                 const char *of_b, medley_error *err)
{
    return fail(err, MEDLEY_E_ARGUMENT, "runs: '%s' and '%s' do not compare: %s is '%.200s' and '%.200s'", a->path,
                b->path, fact, of_a, of_b);
}

/* What readers can act upon comes first; the fingerprint catches the rest. */
static medley_status check_facts(const compared_run *a, const compared_run *b, medley_error *err)
{
    static const char *const facts[] = {"task",        "part",    "split_fingerprint", "candidates",
                                        "masked",      "history", "relevant_from",     "cold_threshold",
                                        "predictions", "space",   "attribute",         "primitive",
                                        "users",       "targets", "judged_fingerprint"};
    const json *of_a = json_member(a->file.root, "protocol"), *of_b = json_member(b->file.root, "protocol");
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        char shown_a[64], shown_b[64];
        if (json_member(of_a, facts[i]) == NULL || json_member(of_b, facts[i]) == NULL)
            continue; /* lists from elsewhere have no history, and not all metrics need a space */
        const char *x = comparison_fact(of_a, facts[i], shown_a), *y = comparison_fact(of_b, facts[i], shown_b);
        if (strcmp(x, y) != 0)
            return refuse_pair(a, b, facts[i], x, y, err);
    }
    return MEDLEY_OK;
}

/* "@5 @10", each once, as the columns have them. */
static void list_cutoffs(const evaluation_file *f, text *out)
{
    for (int64_t i = 0; i < f->column_count; i++) {
        const char *cutoff = comparison_cutoff(f->columns[i].name);
        bool said = cutoff[0] == '\0';
        for (int64_t j = 0; j < i && !said; j++)
            said = strcmp(comparison_cutoff(f->columns[j].name), cutoff) == 0;
        if (!said)
            text_format(out, "%s%s", out->length > 0 ? " " : "", cutoff);
    }
}

static medley_status check_cutoffs(const comparison *c, const compared_run *a, const compared_run *b,
                                   medley_error *err)
{
    text of_a = {.rt = c->rt}, of_b = {.rt = c->rt};
    list_cutoffs(&a->file, &of_a);
    list_cutoffs(&b->file, &of_b);
    medley_status status = text_status(&of_a, err);
    if (status == MEDLEY_OK)
        status = text_status(&of_b, err);
    if (status == MEDLEY_OK && of_a.length > 0 && of_b.length > 0 && strcmp(of_a.bytes, of_b.bytes) != 0)
        status = refuse_pair(a, b, "cutoffs", of_a.bytes, of_b.bytes, err);
    text_release(&of_a);
    text_release(&of_b);
    return status;
}

/* Fingerprints say so already, unless a file was changed. */
static medley_status check_users(const compared_run *a, const compared_run *b, medley_error *err)
{
    bool same = a->file.users == b->file.users;
    for (int64_t u = 0; same && u < a->file.users; u++)
        same = a->file.user[u] == b->file.user[u] && strcmp(a->file.user_ids[u], b->file.user_ids[u]) == 0;
    return same ? MEDLEY_OK
                : fail(err, MEDLEY_E_FORMAT, "runs: '%s' and '%s' have other users, with one judged_fingerprint",
                       a->path, b->path);
}

medley_status comparison_read(comparison *c, medley_error *err)
{
    bool itself[COMPARISON_RUNS_MOST];
    TRY(name_runs(c, err));
    for (int64_t i = 0; i < c->run_count; i++)
        if (!has_file(c->rt, c->runs[i].path, "per_user.safetensors", &itself[i], err))
            return MEDLEY_E_NOMEM;
    TRY(choose_evaluation(c, itself, err));
    for (int64_t i = 0; i < c->run_count; i++) {
        compared_run *run = &c->runs[i];
        TRY(load_run(c, run, itself[i], err));
        TRY(read_settings(c, run, itself[i], err));
        if (i == 0)
            continue;
        TRY(check_facts(&c->runs[0], run, err));
        TRY(check_cutoffs(c, &c->runs[0], run, err));
        TRY(check_users(&c->runs[0], run, err));
    }
    c->users = c->runs[0].file.users;
    if (c->evaluation == NULL || c->evaluation[0] == '\0')
        c->evaluation = c->runs[0].file.name;
    return MEDLEY_OK;
}
