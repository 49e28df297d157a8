/* Item-based nearest neighbours:
 *
 *   score(u, i) = sum over j in the history of u, among the K nearest of i, of s_ij w_uj
 *
 * s_ij is a similarity of neighbours.h, of the rows of items over users; w_uj is 1, or the rating. Every target item i
 * keeps its own K nearest j, as in Elliot and RecBole; implicit and RecTools keep, for every item of the history, the
 * K nearest targets. */
#include "model/neighbours.h"

/* The items' rows, as they are compared. */
typedef struct profiles {
    csr_owner by_item, weighted, by_user; /* by_user: of the weighted; not needed while they are plain */
    double *idf, *mean, *own, *other;
} profiles;

static void profiles_release(profiles *x)
{
    csr_release(&x->by_user);
    csr_release(&x->weighted);
    csr_release(&x->by_item);
    mem_free(x->idf);
    mem_free(x->mean);
    mem_free(x->own);
    mem_free(x->other);
}

static medley_status profiles_make(const medley_runtime *rt, const neighbours_params *p, const csr *by_user,
                                   profiles *x, medley_error *err)
{
    column_facts facts;
    TRY(csr_transpose(rt, by_user, &x->by_item, err));
    TRY(mem_alloc(rt, by_user->rows, sizeof *x->idf, &x->idf, err));
    TRY(mem_alloc(rt, by_user->rows, sizeof *x->mean, &x->mean, err));
    TRY(mem_alloc(rt, by_user->columns, sizeof *x->own, &x->own, err));
    TRY(mem_alloc(rt, by_user->columns, sizeof *x->other, &x->other, err));
    TRY(neighbours_learn(rt, p, &x->by_item.view, x->idf, x->mean, &facts, err));
    TRY(neighbours_weigh(rt, p, &facts, &x->by_item.view, &x->weighted, err));
    neighbours_own(p, &x->weighted.view, x->own);
    neighbours_other(p, &x->weighted.view, x->other);
    if (!neighbours_plain(p))
        return csr_transpose(rt, &x->weighted.view, &x->by_user, err);
    x->by_user.view = *by_user;
    return MEDLEY_OK;
}

static int64_t estimate(const void *values, const training *data)
{
    const neighbours_params *p = values;
    const double entries = (double)csr_count(&data->matrix), lines = (double)(data->items + data->users);
    const double kept = (double)data->items * (double)(p->neighbours < data->items ? p->neighbours : data->items);
    const double bytes = entries * (neighbours_plain(p) ? 4 : 20) + 32 * lines + 16 * kept +
                         neighbours_bytes(p->neighbours, data->items, data->items);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    (void)values;
    neighbours_count(s->items, s->items, s->user_pairs, fit);
    fit->alone[WORK_UPDATES] += 4 * s->entries;
    encode->alone[WORK_UPDATES] += 2 * s->entries;
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const neighbours_params *p = values;
    const csr by_user = neighbours_feedback(p, data);
    profiles x = {0};
    csr_owner nearest = {0}, weights = {0};
    neighbour_search search = neighbours_as(p);
    medley_status status;
    TRY_DONE(neighbours_check(p, data, err));
    TRY_DONE(profiles_make(rt, p, &by_user, &x, err));
    search.rows = &x.weighted.view;
    search.columns = &x.by_user.view;
    search.own = x.own;
    search.other = x.other;
    search.seed = data->seed;
    search.among_themselves = true;
    search.phase = "comparing items";
    TRY_DONE(neighbours_search(rt, &search, &nearest, err));
    TRY_DONE(csr_transpose(rt, &nearest.view, &weights, err));
    csr_release(&nearest);
    TRY_DONE(model_add_sparse(rt, state, SPARSE_NAMES("weights"), &weights.view, err));
done:
    csr_release(&weights);
    csr_release(&nearest);
    profiles_release(&x);
    return status;
}

static medley_status encode(const medley_runtime *rt, const void *values, const model_state *state,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const neighbours_params *p = values;
    (void)state;
    return histories_matrix(rt, known, how->items, p->weights == FEEDBACK_RATING, &out->weights, err);
}

extern const model_class model_itemknn;
const model_class model_itemknn = {
    .name = "itemknn",
    .title = "ItemKNN",
    .summary = "items whose users resemble those of the items in the history",
    .paper =
        "Deshpande and Karypis, Item-based top-N recommendation algorithms, TOIS 2004, without normalising rows; "
        "adjusted cosine as in Sarwar et al., WWW 2001, asymmetric cosine as in Aiolli, RecSys 2013, both with norms "
        "over whole rows; shrinkage as in Bell and Koren, ICDM 2007, here added to what similarity divides by; "
        "scores are not divided by the sum of the similarities, so they rank, and do not predict ratings",
    .params = neighbours_table,
    .params_size = sizeof(neighbours_params),
    .limits = "users without history; items without training users; weights 'rating' counts a history that comes "
              "without ratings as ones",
    .advice = "lower neighbours or raise min_item_interactions",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = neighbours_scoring,
    .encode = encode,
};
