#include "model/random_walk.h"

#include <math.h>

/* x^alpha; an interaction that weighs nothing takes nobody anywhere, whatever alpha. */
static double power(double x, double alpha)
{
    return x > 0 ? pow(x, alpha) : 0;
}

static double value_at(const csr *x, int64_t at)
{
    return x->value != NULL ? (double)x->value[at] : 1;
}

static double row_sum(const csr *x, int64_t row)
{
    double sum = 0;
    for (int64_t at = x->start[row]; at < x->start[row + 1]; at++)
        sum += value_at(x, at) > 0 ? value_at(x, at) : 0;
    return sum;
}

int64_t walk_estimate(const void *walk, const training *data)
{
    const walk_params *p = walk;
    const double entries = (double)csr_count(&data->matrix), lines = (double)(data->items + data->users);
    const double kept = (double)data->items * (double)(p->neighbours < data->items ? p->neighbours : data->items);
    const double bytes = entries * (p->feedback == FEEDBACK_RATING ? 12 : 4) + 24 * lines + 8 * kept +
                         neighbours_bytes(p->neighbours, data->items, data->items);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

void walk_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    (void)values;
    neighbours_count(s->items, s->items, s->user_pairs, fit);
    fit->alone[WORK_UPDATES] += 4 * s->entries;
    encode->alone[WORK_UPDATES] += 2 * s->entries;
}

static medley_status check(const walk_params *p, const csr *x, medley_error *err)
{
    if (p->feedback != FEEDBACK_RATING)
        return MEDLEY_OK;
    if (x->value == NULL)
        return fail(err, MEDLEY_E_CONFIG, "feedback: rating, but the data has no ratings; binary is accepted");
    for (int64_t at = 0; at < csr_count(x); at++)
        if (!(x->value[at] >= 0))
            return fail(err, MEDLEY_E_CONFIG,
                        "feedback: rating, but the data has a rating of %g; ratings of 0 and more are accepted",
                        (double)x->value[at]);
    return MEDLEY_OK;
}

/* What is common to all targets of an item, or to all items of a target, is left to the search's denominators:
 *
 *   W_ij = sum over u of x_ui^alpha degree_u^-alpha x_uj^alpha / (degree_i^alpha popularity_j^beta) */
typedef struct walk {
    csr_owner by_user, by_item; /* x^alpha; by_user owns its values at most */
    double *scale;              /* [U] degree_u^-alpha */
    double *own, *other;        /* [I] degree_i^alpha, popularity_j^beta */
} walk;

static void walk_release(walk *w)
{
    csr_release(&w->by_user);
    csr_release(&w->by_item);
    mem_free(w->scale);
    mem_free(w->own);
    mem_free(w->other);
}

static void measure_degrees(const walk_params *p, const csr *x, walk *w)
{
    for (int64_t u = 0; u < x->rows; u++) {
        w->scale[u] = power(row_sum(x, u), -p->alpha);
        for (int64_t at = x->start[u]; at < x->start[u + 1]; at++) {
            w->own[x->index[at]] += value_at(x, at);
            w->other[x->index[at]]++;
        }
    }
    for (int64_t i = 0; i < x->columns; i++) {
        w->own[i] = power(w->own[i], p->alpha);
        w->other[i] = power(w->other[i], p->beta);
    }
}

static medley_status walk_make(const medley_runtime *rt, const walk_params *p, const csr *x, walk *w,
                               medley_error *err)
{
    TRY(mem_alloc(rt, x->rows, sizeof *w->scale, &w->scale, err));
    TRY(mem_alloc_zero(rt, x->columns, sizeof *w->own, &w->own, err));
    TRY(mem_alloc_zero(rt, x->columns, sizeof *w->other, &w->other, err));
    measure_degrees(p, x, w);
    w->by_user.view = *x;
    if (x->value != NULL) {
        TRY(mem_alloc(rt, csr_count(x), sizeof *w->by_user.value, &w->by_user.value, err));
        for (int64_t at = 0; at < csr_count(x); at++)
            w->by_user.value[at] = (float)power((double)x->value[at], p->alpha);
        w->by_user.view.value = w->by_user.value;
    }
    return csr_transpose(rt, &w->by_user.view, &w->by_item, err);
}

static void divide_by_sums(csr_owner *m)
{
    for (int64_t row = 0; row < m->view.rows; row++) {
        const double sum = row_sum(&m->view, row);
        for (int64_t at = m->start[row]; at < m->start[row + 1]; at++)
            m->value[at] = (float)((double)m->value[at] / sum);
    }
}

medley_status walk_fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                       medley_error *err)
{
    const walk_params *p = values;
    csr x = data->matrix;
    walk w = {0};
    csr_owner likeliest = {0};
    medley_status status;
    TRY_DONE(check(p, &x, err));
    if (p->feedback == FEEDBACK_BINARY)
        x.value = NULL;
    TRY_DONE(walk_make(rt, p, &x, &w, err));
    const neighbour_search search = {.rows = &w.by_item.view,
                                     .columns = &w.by_user.view,
                                     .own = w.own,
                                     .other = w.other,
                                     .scale = w.scale,
                                     .seed = data->seed,
                                     .most = p->neighbours,
                                     .among_themselves = true,
                                     .phase = "walking from items"};
    TRY_DONE(neighbours_search(rt, &search, &likeliest, err));
    if (p->normalise_similarity)
        divide_by_sums(&likeliest);
    TRY_DONE(model_add_sparse(rt, state, SPARSE_NAMES("weights"), &likeliest.view, err));
done:
    csr_release(&likeliest);
    walk_release(&w);
    return status;
}

/* left_qi = P_qi^alpha */
medley_status walk_encode(const medley_runtime *rt, const void *values, const model_state *state,
                          const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const walk_params *p = values;
    csr_owner *left = &out->weights;
    (void)state;
    TRY(histories_matrix(rt, known, how->items, p->feedback == FEEDBACK_RATING, left, err));
    if (left->value == NULL)
        TRY(mem_alloc(rt, csr_count(&left->view), sizeof *left->value, &left->value, err));
    for (int64_t row = 0; row < known->rows; row++) {
        const double degree = row_sum(&left->view, row);
        for (int64_t at = left->start[row]; at < left->start[row + 1]; at++)
            left->value[at] = (float)power(value_at(&left->view, at) / degree, p->alpha);
    }
    left->view.value = left->value;
    return MEDLEY_OK;
}
