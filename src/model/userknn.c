/* User-based nearest neighbours:
 *
 *   score(u, i) = sum over v among the K users nearest to u of s_uv w_vi
 *
 * s_uv is a similarity of neighbours.h, of the rows of users over items; w_vi is 1 where v has i, or the rating. The
 * neighbours of u are found when u is asked for, from u's history as it is then: so strangers are served, and a known
 * user may have gone on since training. A known user is no neighbour of its own.
 *
 * Equal similarities are ordered by a hash of (seed, history, neighbour): a list depends on nothing but the history. */
#include "model/neighbours.h"

/* What encode needs, by the names of the tensors. */
typedef struct memory_of_users {
    csr columns;         /* "profiles" [I, U]: weighted rows of users, by item */
    const double *other; /* "norm" [U] */
    column_facts facts;  /* "idf" [I], "mean" [I], "length" [1] */
    uint64_t seed;       /* "seed" [1] */
} memory_of_users;

static int64_t estimate(const void *values, const training *data)
{
    const double entries = (double)csr_count(&data->matrix), lines = (double)(data->items + data->users);
    const double bytes = entries * 28 + 48 * lines;
    (void)values;
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

static medley_status add_f64(const medley_runtime *rt, model_state *state, const char *name, int64_t count,
                             double **out, medley_error *err)
{
    return model_add(rt, state, name, TENSOR_F64, 1, &count, out, err);
}

/* The rows of users as they are compared, and what later rows need to be compared with them. */
static medley_status add_profiles(const medley_runtime *rt, const neighbours_params *p, const csr *by_user,
                                  model_state *state, medley_error *err)
{
    csr_owner weighted = {0}, columns = {0};
    column_facts facts;
    double *idf, *mean, *length, *norm;
    medley_status status;
    TRY_DONE(add_f64(rt, state, "idf", by_user->columns, &idf, err));
    TRY_DONE(add_f64(rt, state, "mean", by_user->columns, &mean, err));
    TRY_DONE(add_f64(rt, state, "length", 1, &length, err));
    TRY_DONE(add_f64(rt, state, "norm", by_user->rows, &norm, err));
    TRY_DONE(neighbours_learn(rt, p, by_user, idf, mean, &facts, err));
    TRY_DONE(neighbours_weigh(rt, p, &facts, by_user, &weighted, err));
    *length = facts.length;
    neighbours_other(p, &weighted.view, norm);
    TRY_DONE(csr_transpose(rt, &weighted.view, &columns, err));
    TRY_DONE(model_add_sparse(rt, state, SPARSE_NAMES("profiles"), &columns.view, err));
done:
    csr_release(&columns);
    csr_release(&weighted);
    return status;
}

/* Fitting weighs the rows; comparing them waits for the histories: every entry of them with all of its column. */
static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    (void)values;
    fit->alone[WORK_UPDATES] += 20 * s->entries;
    neighbours_count(s->users, s->users, s->item_pairs, encode);
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const neighbours_params *p = values;
    const csr by_user = neighbours_feedback(p, data);
    const int64_t one = 1;
    csr right = data->matrix;
    int64_t *seed;
    if (p->weights == FEEDBACK_BINARY)
        right.value = NULL;
    TRY(neighbours_check(p, data, err));
    TRY(add_profiles(rt, p, &by_user, state, err));
    TRY(model_add_sparse(rt, state, SPARSE_NAMES("weights"), &right, err));
    TRY(model_add(rt, state, "seed", TENSOR_I64, 1, &one, &seed, err));
    *seed = (int64_t)data->seed;
    return MEDLEY_OK;
}

static medley_status remember(const neighbours_params *p, const model_state *state, int64_t users, int64_t items,
                              memory_of_users *out, medley_error *err)
{
    enum { START, INDEX, VALUE, NORM, IDF, MEAN, LENGTH, SEED, TENSORS };
    const struct {
        const char *name;
        tensor_type type;
        int64_t count;
    } wanted[TENSORS] = {
        [START] = {"profiles.start", TENSOR_I64, items + 1},
        [INDEX] = {"profiles.index", TENSOR_U32, -1},
        [VALUE] = {"profiles.value", TENSOR_F32, -1},
        [NORM] = {"norm", TENSOR_F64, users},
        [IDF] = {"idf", TENSOR_F64, items},
        [MEAN] = {"mean", TENSOR_F64, items},
        [LENGTH] = {"length", TENSOR_F64, 1},
        [SEED] = {"seed", TENSOR_I64, 1},
    };
    const void *data[TENSORS];
    for (int i = 0; i < TENSORS; i++) {
        const named_tensor *t;
        TRY(model_tensor(state, wanted[i].name, wanted[i].type, 1, &wanted[i].count, &t, err));
        data[i] = t->data;
    }
    *out = (memory_of_users){
        .columns = {items, users, data[START], data[INDEX], neighbours_plain(p) ? NULL : data[VALUE]},
        .other = data[NORM],
        .facts = {data[IDF], data[MEAN], *(const double *)data[LENGTH]},
        .seed = (uint64_t) * (const int64_t *)data[SEED],
    };
    return MEDLEY_OK;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    csr columns;
    memory_of_users known;
    *out = (scoring){.form = SCORING_LINEAR_SPARSE, .items = items};
    TRY(model_sparse(state, SPARSE_NAMES("weights"), users, items, &out->sparse, err));
    TRY(model_sparse(state, SPARSE_NAMES("profiles"), items, users, &columns, err)); /* encode trusts it */
    return remember(values, state, users, items, &known, err);
}

/* A hash of each row's items. */
static void hash_rows(const csr *history, uint64_t *out)
{
    for (int64_t row = 0; row < history->rows; row++) {
        uint64_t hash = 0;
        for (int64_t at = history->start[row]; at < history->start[row + 1]; at++)
            hash = random_bits(hash, history->index[at], 0);
        out[row] = hash;
    }
}

static medley_status encode(const medley_runtime *rt, const void *values, const model_state *state,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const neighbours_params *p = values;
    neighbour_search search = neighbours_as(p);
    csr_owner history = {0}, weighted = {0};
    memory_of_users users;
    double *own = NULL;
    uint64_t *stream = NULL;
    medley_status status;
    TRY_DONE(remember(p, state, how->sparse.rows, how->items, &users, err));
    TRY_DONE(histories_matrix(rt, known, how->items, p->feedback == FEEDBACK_RATING, &history, err));
    TRY_DONE(neighbours_weigh(rt, p, &users.facts, &history.view, &weighted, err));
    TRY_DONE(mem_alloc(rt, known->rows, sizeof *own, &own, err));
    TRY_DONE(mem_alloc(rt, known->rows, sizeof *stream, &stream, err));
    neighbours_own(p, &weighted.view, own);
    hash_rows(&history.view, stream);
    search.rows = &weighted.view;
    search.columns = &users.columns;
    search.own = own;
    search.other = users.other;
    search.stream = stream;
    search.seed = users.seed;
    search.among_themselves = known->users;
    search.self = known->user;
    search.phase = "comparing users";
    TRY_DONE(neighbours_search(rt, &search, &out->weights, err));
done:
    mem_free(stream);
    mem_free(own);
    csr_release(&weighted);
    csr_release(&history);
    return status;
}

extern const model_class model_userknn;
const model_class model_userknn = {
    .name = "userknn",
    .title = "UserKNN",
    .summary = "items of the users whose history resembles the one asked for",
    .paper =
        "Herlocker et al., An algorithmic framework for performing collaborative filtering, SIGIR 1999; as there but "
        "for ranking: scores are not divided by the sum of the similarities, no user's mean is added, and "
        "correlations are over whole rows; asymmetric cosine as in Aiolli, RecSys 2013; for adjusted cosine the "
        "means are those of items",
    .params = neighbours_table,
    .params_size = sizeof(neighbours_params),
    .limits =
        "users without history; items without training users; feedback 'rating' compares a history that comes "
        "without ratings as ones",
    .advice = "raise min_user_interactions and min_item_interactions, or use itemknn",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
    .encode = encode,
};
