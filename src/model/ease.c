/* Embarrassingly shallow autoencoder (EASE), a linear item-item model in closed form:
 *
 *   G = XᵀX + l2 I,  P = G⁻¹,  B_ij = -P_ij / P_jj for i != j,  B_jj = 0;  score(u, i) = sum_j X_uj B_ji
 *
 * X: [U, I] binary.  Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019, eq. 8 and algorithm 1. */
#include "base/multiversion.h"
#include "base/tally.h"
#include "model/model.h"
#include "tensor/cholesky.h"

typedef struct ease_params {
    double l2;
} ease_params;

/* The paper takes 200 to 1000 for half a million users and more; the best value falls with the data, and 250,
 * RecBole's default, is the middle for 10^5 to 10^7 interactions. */
static const medley_param params[] = {
    MEDLEY_REAL(ease_params, l2, "250", 1e-3, 1e9, .sweep = "log:1..1e4",
                .help = "squared penalty on the weights, in interactions"),
    MEDLEY_PARAMS_END,
};

enum { ROWS_A_TASK = 16 };

typedef struct fitting {
    const csr *by_user, *by_item;
    int64_t items;
    double l2;
    double *gram;    /* [I, I] G, then P */
    double *scale;   /* [I] -1 / P_ii */
    float *weights;  /* [I, I] B */
    tally *progress; /* NULL: none */
} fitting;

static int64_t estimate(const void *unused, const training *data)
{
    const double cells = (double)data->items * (double)data->items;
    const double bytes = cells * (double)(sizeof(double) + sizeof(float));
    (void)unused;
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/* Row i of G up to the diagonal: the users of i add their items. */
static void gram_row(const fitting *f, int64_t i)
{
    double *row = f->gram + i * f->items;
    const uint32_t *item = f->by_user->index;
    memset(row, 0, (size_t)(i + 1) * sizeof *row);
    for (int64_t at = f->by_item->start[i]; at < f->by_item->start[i + 1]; at++) {
        const uint32_t user = f->by_item->index[at];
        for (int64_t j = f->by_user->start[user]; item[j] < i; j++) /* ends: the user has i */
            row[item[j]]++;
    }
    row[i] = (double)csr_row_count(f->by_item, i) + f->l2;
}

MULTIVERSION static void weight_row(float *restrict weights, const double *restrict inverse,
                                    const double *restrict scale, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        weights[i] = (float)(inverse[i] * scale[i]);
}

static int64_t rows_end(const fitting *f, int64_t task)
{
    const int64_t end = (task + 1) * ROWS_A_TASK;
    return end < f->items ? end : f->items;
}

static medley_status gram_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const int64_t first = task * ROWS_A_TASK, end = rows_end(f, task);
    (void)worker;
    for (int64_t i = first; i < end; i++)
        gram_row(f, i);
    return tally_add(f->progress, end - first, err);
}

/* weights[j, i] = B_ji = -P_ji / P_ii */
static medley_status weight_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    (void)worker;
    (void)err;
    for (int64_t j = task * ROWS_A_TASK; j < rows_end(f, task); j++) {
        float *weights = f->weights + j * f->items;
        weight_row(weights, f->gram + j * f->items, f->scale, f->items);
        weights[j] = 0;
    }
    return MEDLEY_OK;
}

static medley_status solve(const medley_runtime *rt, fitting *f, medley_error *err)
{
    const int64_t tasks = (f->items + ROWS_A_TASK - 1) / ROWS_A_TASK;
    tally progress;
    tally_start(&progress, rt, "counting pairs of items", f->items);
    f->progress = &progress;
    TRY(parallel_run(rt, tasks, gram_rows, f, err));
    TRY(cholesky_inverse(rt, f->gram, f->items, "inverting", err));
    for (int64_t i = 0; i < f->items; i++)
        f->scale[i] = -1 / f->gram[i * f->items + i];
    return parallel_run(rt, tasks, weight_rows, f, err);
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const ease_params *p = values;
    const int64_t shape[] = {data->items, data->items};
    csr_owner by_item = {0};
    fitting f = {.by_user = &data->matrix, .by_item = &by_item.view, .items = data->items, .l2 = p->l2};
    const int64_t cells = mem_bytes(data->items, (size_t)data->items);
    medley_status status;
    TRY_DONE(csr_transpose(rt, &data->matrix, &by_item, err));
    TRY_DONE(mem_alloc(rt, cells, sizeof *f.gram, &f.gram, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *f.scale, &f.scale, err));
    TRY_DONE(model_add(rt, state, "weights", TENSOR_F32, 2, shape, &f.weights, err));
    TRY_DONE(solve(rt, &f, err));
done:
    csr_release(&by_item);
    mem_free(f.gram);
    mem_free(f.scale);
    return status;
}

static medley_status score(const model_state *state, int64_t users, int64_t items, scoring *out,
                           medley_error *err)
{
    const named_tensor *weights;
    const int64_t shape[] = {items, items};
    (void)users;
    TRY(model_tensor(state, "weights", TENSOR_F32, 2, shape, &weights, err));
    *out = (scoring){.form = SCORING_LINEAR_DENSE, .items = items, .dense = weights->data};
    return MEDLEY_OK;
}

extern const model_class model_ease;
const model_class model_ease = {
    .name = "ease",
    .title = "EASE",
    .summary = "every item's score as a linear function of the history, in closed form",
    .paper = "Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019; as published, on binary feedback",
    .params = params,
    .params_size = sizeof(ease_params),
    .advice = "raise min_item_interactions or use itemknn",
    .estimate = estimate,
    .fit = fit,
    .scoring = score,
};
