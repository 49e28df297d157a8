#include <medley/model.h>

#include "api/list_file.h"
#include "api/model_access.h"
#include "api/operation.h"
#include "recommend/ranking.h"

typedef struct recommend_params {
    const char *run, *users, *out, *store;
    bool all;
    int64_t top_k, seed;
    int known;
} recommend_params;

static const medley_param table[] = {
    MEDLEY_TEXT(recommend_params, run, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the run to rank with"),
    MEDLEY_TEXT(recommend_params, users, "", .help = "user ids separated by commas"),
    MEDLEY_BOOL(recommend_params, all, "false", .help = "all users of the store"),
    MEDLEY_INT(recommend_params, top_k, "10", 1, 100000, .help = "items a user"),
    MEDLEY_ENUM(recommend_params, known, "all", "train|train_val|all",
                .help = "the interactions that are scored from and left out of the list"),
    MEDLEY_TEXT(recommend_params, out, "", .flags = MEDLEY_PARAM_PATH,
                .help = "TSV file for the lists; empty: the report"),
    MEDLEY_INT(recommend_params, seed, "0", 0, 9e15, .help = "of the hash that orders ties"),
    MEDLEY_TEXT(recommend_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store, when it is not where the run was trained"),
    MEDLEY_PARAMS_END,
};

/* All queries' lists. */
typedef struct list_table {
    const medley_model *model;
    uint32_t *users;
    int64_t queries, capacity, k;
    topk_entry *entries; /* [queries, k] */
    int64_t *count;      /* [queries] */
} list_table;

static medley_status add_user(list_table *t, int64_t user, medley_error *err)
{
    TRY(mem_reserve(t->model->rt, &t->users, &t->capacity, t->queries + 1, sizeof *t->users, err));
    t->users[t->queries++] = (uint32_t)user;
    return MEDLEY_OK;
}

static medley_status add_named_users(list_table *t, const char *names, medley_error *err)
{
    const idmap *map = &t->model->store->user_map;
    for (const char *at = names;;) {
        const size_t length = strcspn(at, ",");
        const uint32_t user = idmap_find(map, at, length);
        if (user == IDMAP_NONE)
            return fail(err, MEDLEY_E_NOT_FOUND,
                        "users: '%.*s' is no user of the store, which has %lld, '%s' for one",
                        length < 100 ? (int)length : 100, at, (long long)t->model->store->users,
                        t->model->store->user_ids[0]);
        TRY(add_user(t, user, err));
        if (at[length] == '\0')
            return MEDLEY_OK;
        at += length + 1;
    }
}

static medley_status choose_users(list_table *t, const recommend_params *p, medley_error *err)
{
    if (p->all == (p->users[0] != '\0'))
        return fail(err, MEDLEY_E_CONFIG, "users: give either users or all");
    if (!p->all)
        return add_named_users(t, p->users, err);
    for (int64_t u = 0; u < t->model->store->users; u++)
        TRY(add_user(t, u, err));
    return MEDLEY_OK;
}

static medley_status keep_list(void *context, const ranked *result, int worker, medley_error *err)
{
    const list_table *t = context;
    memcpy(t->entries + result->query * t->k, result->entries, (size_t)result->count * sizeof *t->entries);
    t->count[result->query] = result->count;
    (void)worker;
    (void)err;
    return MEDLEY_OK;
}

static void tell_lists(const list_table *t, medley_report *r)
{
    const medley_store *s = t->model->store;
    report_table(r, "recommendations", "Recommendations", "user|rank|item|score|title");
    for (int64_t q = 0; q < t->queries; q++)
        for (int64_t i = 0; i < t->count[q]; i++) {
            const topk_entry *e = &t->entries[q * t->k + i];
            report_string(r, NULL, s->user_ids[t->users[q]]);
            report_int(r, NULL, i + 1);
            report_string(r, NULL, s->item_ids[e->item]);
            report_real(r, NULL, list_score(e->score));
            report_string(r, NULL, s->item_titles[e->item]);
        }
}

static medley_status write_lists(const list_table *t, const char *path, medley_report *report, medley_error *err)
{
    list_file *lists;
    medley_status status = list_file_open(t->model->store, path, &lists, err);
    for (int64_t q = 0; status == MEDLEY_OK && q < t->queries; q++)
        for (int64_t i = 0; status == MEDLEY_OK && i < t->count[q]; i++) {
            const topk_entry *e = &t->entries[q * t->k + i];
            status = list_file_add(lists, t->users[q], i + 1, e->item, e->score, err);
        }
    if (status != MEDLEY_OK) {
        list_file_abandon(lists);
        return status;
    }
    report_facts(report, "lists", "Lists");
    report_string(report, "out", path);
    report_int(report, "users", t->queries);
    return list_file_commit(lists, err);
}

static medley_status rank(const medley_runtime *rt, const recommend_params *p, list_table *t, const csr *known,
                          const left_sides *left, medley_error *err)
{
    t->k = p->top_k < t->model->store->items ? p->top_k : t->model->store->items;
    const ranking_request request = {
        .how = &t->model->how,
        .queries = t->queries,
        .user = t->users,
        .seed = (uint64_t)p->seed,
        .k = t->k,
        .left = left,
        .excluded = known,
    };
    TRY(mem_alloc(rt, t->queries * t->k, sizeof *t->entries, &t->entries, err));
    TRY(mem_alloc_zero(rt, t->queries, sizeof *t->count, &t->count, err));
    return ranking_run(rt, &request, "ranking", keep_list, t, err);
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const recommend_params *p = s->values;
    medley_model *model = NULL;
    csr_owner known = {0};
    left_sides left = {0};
    list_table t = {0};
    medley_status status = MEDLEY_OK;
    TRY_DONE(model_open(rt, p->run, p->store, true, &model, err));
    t.model = model;
    TRY_DONE(choose_users(&t, p, err));
    TRY_DONE(model_known(model, (known_parts)(p->known + 1), &known, err));
    TRY_DONE(model_left_known(model, (known_parts)(p->known + 1), &left, err));
    TRY_DONE(rank(rt, p, &t, &known.view, &left, err));
    if (p->out[0] != '\0')
        status = write_lists(&t, p->out, report, err);
    else
        tell_lists(&t, report);
done:
    mem_free(t.users);
    mem_free(t.entries);
    mem_free(t.count);
    csr_release(&known);
    left_sides_release(&left);
    medley_model_free(model);
    return status;
}

const operation_class operation_recommend = {
    .name = "recommend",
    .summary = "rank items for users, with titles",
    .details =
        "Lists come from the same path as evaluation: with known train_val they are the lists that evaluate judges "
        "on test.",
    .table = table,
    .size = sizeof(recommend_params),
    .run = run,
};

medley_status medley_recommend(medley_runtime *rt, medley_config *config, medley_report **report,
                               medley_error *err)
{
    return operation_run(&operation_recommend, rt, config, report, err);
}
