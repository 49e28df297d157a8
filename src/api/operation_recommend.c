#include <medley/model.h>

#include <math.h>

#include "api/listing.h"
#include "api/model_access.h"
#include "api/operation.h"
#include "api/recommendation.h"
#include "api/request_file.h"

typedef struct recommend_params {
    const char *run, *users, *user_file, *history_file;
    bool all;
    int64_t sample;
    const char *candidates, *exclude, *where, *space;
    bool exclude_seen;
    double diversity;
    int64_t pool, top_k, seed;
    int known, out_format;
    const char *out, *store;
} recommend_params;

static const medley_param table[] = {
    MEDLEY_TEXT(recommend_params, run, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the run to rank with"),
    MEDLEY_TEXT(recommend_params, users, "", .help = "user ids separated by commas"),
    MEDLEY_TEXT(recommend_params, user_file, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file of user ids, one a line; may be compressed"),
    MEDLEY_BOOL(recommend_params, all, "false", .help = "all users of the store"),
    MEDLEY_INT(recommend_params, sample, "0", 0, 4e9, .help = "this many users of the store, drawn with the seed"),
    MEDLEY_TEXT(recommend_params, history_file, "", .flags = MEDLEY_PARAM_PATH,
                .help =
                    "file of people who need not be in the store: lines 'person item [rating [timestamp]]', apart "
                    "by tabs; a person is known by these lines alone"),
    MEDLEY_INT(recommend_params, top_k, "10", 1, 100000, .help = "items a user"),
    MEDLEY_ENUM(recommend_params, known, "all", "train|train_val|all",
                .help = "the interactions that are scored from and left out of the list"),
    MEDLEY_BOOL(recommend_params, exclude_seen, "true", .help = "leave out what a user is known to have seen"),
    MEDLEY_TEXT(recommend_params, exclude, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file of item ids that nobody gets, one a line"),
    MEDLEY_TEXT(recommend_params, candidates, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file of the items to choose from: lines 'item', or lines 'user item' apart by a tab"),
    MEDLEY_TEXT(recommend_params, where, "",
                .help = "expression that items must meet: genres has \"Comedy\" and not year < 1990"),
    MEDLEY_REAL(recommend_params, diversity, "0", 0, 1,
                .help = "weight of how unlike the listed items are, against their scores"),
    MEDLEY_TEXT(recommend_params, space, "",
                .help = "where diversity compares items: text, attribute:KEY, features:NAME or a .npy file"),
    MEDLEY_INT(recommend_params, pool, "0", 0, 1e6,
               .help = "best items that diversity chooses from; 0: ten times top_k"),
    MEDLEY_TEXT(recommend_params, out, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file for the lists; empty: the report"),
    MEDLEY_ENUM(recommend_params, out_format, "tsv", RECOMMENDATION_FORMS, .help = "form of that file"),
    MEDLEY_INT(recommend_params, seed, "0", 0, 9e15, .help = "of the hash that orders ties, and of the sample"),
    MEDLEY_TEXT(recommend_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store, when it is not where the run was trained"),
    MEDLEY_PARAMS_END,
};

/* One request, as far as it is known. */
typedef struct recommending {
    const medley_runtime *rt;
    const recommend_params *p;
    medley_model *model;
    uint32_t *rows; /* [count] users of the store, or people, in the order asked for */
    int64_t count, capacity;
    request_people people;
    bool strangers;      /* rows are people */
    const char **names;  /* [people] */
    arena texts;         /* of names */
    int64_t *popularity; /* [items] training users */
    int64_t training_users;
    uint8_t *allowed; /* [items] */
    csr_owner only;   /* [users or people, items] */
    /* Of the block that is listed: */
    histories_owner known; /* [block] */
    csr_owner seen;        /* [block, items] */
    left_sides left;       /* [block] */
    item_space space;
    recommendation_writer *writer;
    int64_t unknown, tied,
        brief; /* lists of people without history, of one score, and with fewer items than asked */
} recommending;

/* ---- for whom ---- */

static medley_status add_user(recommending *r, uint32_t user, medley_error *err)
{
    TRY(mem_reserve(r->rt, &r->rows, &r->capacity, r->count + 1, sizeof *r->rows, err));
    r->rows[r->count++] = user;
    return MEDLEY_OK;
}

static request_ids users_of(const recommending *r)
{
    return (request_ids){&r->model->store->user_map, "user of the store"};
}

static request_ids items_of(const recommending *r)
{
    return (request_ids){&r->model->store->item_map, "item of the store"};
}

static medley_status add_named_users(recommending *r, medley_error *err)
{
    for (const char *at = r->p->users;; at++) {
        const size_t length = strcspn(at, ",");
        uint32_t user;
        TRY(request_find(users_of(r), "users", at, length, &user, err));
        TRY(add_user(r, user, err));
        at += length;
        if (*at == '\0')
            return MEDLEY_OK;
    }
}

static medley_status add_file_users(recommending *r, medley_error *err)
{
    request_rows rows;
    TRY(request_read_ids(r->rt, r->p->user_file, users_of(r), &rows, err));
    r->rows = rows.first;
    r->count = rows.count;
    r->capacity = rows.first_capacity;
    return MEDLEY_OK;
}

static medley_status add_all_users(recommending *r, medley_error *err)
{
    for (int64_t u = 0; u < r->model->store->users; u++)
        TRY(add_user(r, (uint32_t)u, err));
    return MEDLEY_OK;
}

/* Draws without replacement, in the order of the store: user u is in when fewer than are still wanted of those that
 * are left would be drawn before (selection sampling: Knuth, TAOCP 2, algorithm S). */
static medley_status add_sample(recommending *r, medley_error *err)
{
    const int64_t users = r->model->store->users;
    int64_t wanted = r->p->sample < users ? r->p->sample : users;
    for (int64_t u = 0; u < users && wanted > 0; u++)
        if ((double)(users - u) * random_uniform((uint64_t)r->p->seed, 0x73616d706c65u, (uint64_t)u) <
            (double)wanted) {
            TRY(add_user(r, (uint32_t)u, err));
            wanted--;
        }
    return MEDLEY_OK;
}

static medley_status add_people(recommending *r, medley_error *err)
{
    const medley_model *m = r->model;
    char buffer[16];
    size_t length;
    if (m->how.form == SCORING_FACTORED && m->how.factors > 0 && m->file.class->encode == NULL)
        return fail(
            err, MEDLEY_E_ARGUMENT,
            "history_file: model %s ranks only for users it was trained on; give users, or train a model that "
            "ranks from a history, as ease does",
            m->file.class->name);
    TRY(request_read_people(r->rt, r->p->history_file, items_of(r), &r->people, err));
    r->strangers = true;
    TRY(mem_alloc(r->rt, r->people.names.count, sizeof *r->names, &r->names, err));
    for (int64_t i = 0; i < r->people.names.count; i++) {
        const char *name = idmap_id(&r->people.names, (uint32_t)i, buffer, &length);
        TRY(arena_text(&r->texts, name, length, &r->names[i], err));
        TRY(add_user(r, (uint32_t)i, err));
    }
    return MEDLEY_OK;
}

static medley_status choose_users(recommending *r, medley_error *err)
{
    const recommend_params *p = r->p;
    const struct {
        bool asked;
        medley_status (*add)(recommending *r, medley_error *err);
    } ways[] = {{p->users[0] != '\0', add_named_users},
                {p->user_file[0] != '\0', add_file_users},
                {p->all, add_all_users},
                {p->sample > 0, add_sample},
                {p->history_file[0] != '\0', add_people}};
    int asked = 0, way = 0;
    for (int i = 0; i < (int)(sizeof ways / sizeof *ways); i++)
        if (ways[i].asked) {
            asked++;
            way = i;
        }
    if (asked != 1)
        return fail(err, MEDLEY_E_CONFIG,
                    "users: %d ways of naming users are given; accepted is one of users, "
                    "user_file, all, sample and history_file",
                    asked);
    return ways[way].add(r, err);
}

static int64_t row_count(const recommending *r)
{
    return r->strangers ? r->people.names.count : r->model->store->users;
}

/* ---- among what ---- */

static int by_pair(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Candidates of each: sorted by owner, as csr_build takes them. */
static medley_status build_only(recommending *r, request_rows *rows, medley_error *err)
{
    uint64_t *pairs;
    TRY(mem_alloc(r->rt, rows->count, sizeof *pairs, &pairs, err));
    for (int64_t i = 0; i < rows->count; i++)
        pairs[i] = (uint64_t)rows->first[i] << 32 | rows->second[i];
    qsort(pairs, (size_t)rows->count, sizeof *pairs, by_pair);
    for (int64_t i = 0; i < rows->count; i++) {
        rows->first[i] = (uint32_t)(pairs[i] >> 32);
        rows->second[i] = (uint32_t)pairs[i];
    }
    mem_free(pairs);
    return csr_build(r->rt, row_count(r), r->model->store->items, rows->first, rows->second, NULL, rows->count,
                     &r->only, err);
}

static medley_status read_candidates(recommending *r, medley_error *err)
{
    const request_ids people = {&r->people.names, "person of history_file"};
    const int64_t items = r->model->store->items;
    request_rows rows;
    uint8_t *listed_items = NULL;
    TRY(request_read_candidates(r->rt, r->p->candidates, r->strangers ? people : users_of(r), items_of(r), &rows,
                                err));
    medley_status status = MEDLEY_OK;
    if (rows.second != NULL) {
        status = build_only(r, &rows, err);
    } else {
        status = mem_alloc_zero(r->rt, items, 1, &listed_items, err);
        for (int64_t i = 0; status == MEDLEY_OK && i < rows.count; i++)
            listed_items[rows.first[i]] = 1;
        for (int64_t i = 0; status == MEDLEY_OK && i < items; i++)
            r->allowed[i] &= listed_items[i];
        mem_free(listed_items);
    }
    request_rows_release(&rows);
    return status;
}

static medley_status choose_items(recommending *r, medley_error *err)
{
    const recommend_params *p = r->p;
    TRY(items_popularity(r->rt, &r->model->split.part[PART_TRAIN].view, r->model->store->items, &r->popularity,
                         &r->training_users, err));
    const item_choice choice = {.where = p->where, .exclude = p->exclude, .popularity = r->popularity};
    TRY(items_choose(r->model->store, &choice, &r->allowed, err));
    return p->candidates[0] != '\0' ? read_candidates(r, err) : MEDLEY_OK;
}

/* ---- knowing and ranking ---- */

static void forget_block(recommending *r)
{
    left_sides_release(&r->left);
    csr_release(&r->seen);
    histories_release(&r->known);
}

/* Of a block at a time: a million left sides are more than what is asked for. People are asked for in their order. */
static medley_status know(void *context, const uint32_t *rows, int64_t count, ranking_request *how,
                          medley_error *err)
{
    recommending *r = context;
    forget_block(r);
    if (r->strangers)
        TRY(histories_slice(r->rt, &r->people.known.view, rows[0], count, &r->known, err));
    else
        TRY(model_histories_of(r->model, (known_parts)(r->p->known + 1), rows, count, &r->known, err));
    if (r->p->exclude_seen)
        TRY(histories_matrix(r->rt, &r->known.view, r->model->store->items, false, &r->seen, err));
    TRY(model_left(r->model, &r->known.view, &r->left, err));
    how->left = &r->left;
    how->excluded = r->p->exclude_seen ? &r->seen.view : NULL;
    how->left_by_query = how->excluded_by_query = true;
    return MEDLEY_OK;
}

static medley_status check_diversity(const recommend_params *p, medley_error *err)
{
    if (p->diversity > 0 && p->space[0] == '\0')
        return fail(err, MEDLEY_E_CONFIG,
                    "diversity: a space to compare items in is needed; give space: "
                    "text|attribute:<key>|features:<name>|<file>.npy");
    if (p->diversity == 0 && (p->space[0] != '\0' || p->pool != 0))
        return fail(err, MEDLEY_E_CONFIG, "%s: is for re-ranking, which a diversity above 0 asks for",
                    p->space[0] != '\0' ? "space" : "pool");
    if (p->pool != 0 && p->pool < p->top_k)
        return fail(err, MEDLEY_E_CONFIG, "pool: %lld is below top_k, %lld", (long long)p->pool,
                    (long long)p->top_k);
    return MEDLEY_OK;
}

/* -log2 of an item's share of the training users, to 6 decimals; one that none has counts as had by one. */
static double novelty(const recommending *r, uint32_t item)
{
    const double users = r->training_users > 0 ? (double)r->training_users : 1;
    const int64_t count = r->popularity[item];
    return rint(1e6 * log2(users / (double)(count > 1 ? count : 1))) / 1e6;
}

static medley_status give(void *context, const listed *list, medley_error *err)
{
    recommending *r = context;
    const int64_t *known = r->known.start + list->query;
    const bool unknown = known[0] == known[1];
    r->unknown += unknown;
    r->tied += list->tied && !unknown;
    r->brief += list->count < r->p->top_k;
    for (int64_t i = 0; i < list->count; i++) {
        const topk_entry *e = &list->entries[i];
        const recommendation row = {
            .whose = r->strangers ? r->names[list->row] : r->model->store->user_ids[list->row],
            .rank = i + 1,
            .item = e->item,
            .score = e->score,
            .novelty = novelty(r, e->item),
        };
        TRY(recommendation_add(r->writer, &row, err));
    }
    return MEDLEY_OK;
}

static medley_status rank(recommending *r, medley_error *err)
{
    const recommend_params *p = r->p;
    const listing lists = {
        .how = {.how = &r->model->how,
                .seed = (uint64_t)p->seed,
                .only = r->only.start != NULL ? &r->only.view : NULL,
                .allowed = r->allowed},
        .rows = r->rows,
        .count = r->count,
        .k = p->top_k,
        .space = p->diversity > 0 ? &r->space : NULL,
        .diversity = p->diversity,
        .pool = p->pool > 0 ? p->pool : 10 * p->top_k,
        .know = know,
        .give = give,
        .context = r,
    };
    return listing_run(r->rt, &lists, err);
}

static void tell(const recommending *r, medley_report *report)
{
    int64_t items = 0;
    for (int64_t i = 0; i < r->model->store->items; i++)
        items += r->allowed[i];
    report_facts(report, "lists", "Lists");
    report_string(report, "out", r->p->out);
    report_int(report, "users", r->count);
    report_int(report, "items", items);
    report_int(report, "without_history", r->unknown);
    report_int(report, "all_tied", r->tied);
    report_int(report, "shorter_than_top_k", r->brief);
}

/* What would be in the facts, for those who get the lists themselves. */
static void warn(const recommending *r)
{
    if (r->unknown > 0)
        runtime_log(r->rt, MEDLEY_LOG_WARNING,
                    "users without history, who get the list of all that %s knows nothing of: %lld of %lld",
                    r->model->file.class->name, (long long)r->unknown, (long long)r->count);
    if (r->brief > 0)
        runtime_log(r->rt, MEDLEY_LOG_WARNING, "lists shorter than %lld, for want of candidates: %lld of %lld",
                    (long long)r->p->top_k, (long long)r->brief, (long long)r->count);
}

static medley_status write_lists(recommending *r, medley_report *report, medley_error *err)
{
    const recommendation_target target = {
        .store = r->model->store,
        .path = r->p->out,
        .form = (recommendation_form)r->p->out_format,
        .tag = r->model->file.class->name,
        .table = "recommendations",
        .whose = "user",
        .with_novelty = true,
        .report = report,
    };
    TRY(recommendation_open(&target, &r->writer, err));
    TRY(rank(r, err));
    if (r->p->out[0] != '\0')
        tell(r, report);
    else
        warn(r);
    TRY(report_status(report, err)); /* before the file is in place */
    recommendation_writer *w = r->writer;
    r->writer = NULL;
    return recommendation_commit(w, err);
}

static void recommending_release(recommending *r)
{
    recommendation_abandon(r->writer);
    item_space_release(&r->space);
    forget_block(r);
    csr_release(&r->only);
    mem_free(r->allowed);
    mem_free(r->popularity);
    mem_free(r->names);
    arena_release(&r->texts);
    request_people_release(&r->people);
    mem_free(r->rows);
    medley_model_free(r->model);
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const recommend_params *p = s->values;
    recommending r = {.rt = rt, .p = p, .texts = {.rt = rt}};
    medley_status status = MEDLEY_OK;
    TRY(check_diversity(p, err));
    TRY_DONE(model_open(rt, p->run, p->store, true, &r.model, err));
    TRY_DONE(choose_users(&r, err));
    TRY_DONE(choose_items(&r, err));
    if (p->diversity > 0)
        TRY_DONE(item_space_open(r.model->store, p->space, &r.space, err));
    status = write_lists(&r, report, err);
done:
    recommending_release(&r);
    return status;
}

const operation_class operation_recommend = {
    .name = "recommend",
    .summary = "rank items for users, with titles",
    .details =
        "Lists come from the same path as evaluation: with known train_val they are the lists that evaluate judges "
        "on test. Conditions on items act inside the search, so a list is short only when there are no more "
        "candidates. A list with diversity is chosen one by one from the pool's best scores, next the item with the "
        "largest (1 - diversity) s - diversity m: s its score, from 0 to 1 over the pool, m its largest cosine to an "
        "item that is chosen (maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998). novelty is -log2 of "
        "the share of training users who have the item. In conditions, keys are those of the items' attributes, and "
        "id, title, text and popularity (training users); operators = != < <= > >= has contains in, and, or, not, "
        "exists(key); texts stand in quotes; without a value a comparison is false. For people of history_file the "
        "place in the file stands for the user in the hash that orders ties.",
    .table = table,
    .size = sizeof(recommend_params),
    .run = run,
};

medley_status medley_recommend(medley_runtime *rt, medley_config *config, medley_report **report,
                               medley_error *err)
{
    return operation_run(&operation_recommend, rt, config, report, err);
}
