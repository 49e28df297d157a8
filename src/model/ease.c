/* Embarrassingly shallow autoencoder (EASE), a linear item-item model in closed form:
 *
 *   G = XᵀX + l2 I,  P = G⁻¹,  B_ij = -P_ij / P_jj for i != j,  B_jj = 0;  score(u, i) = sum_j X_uj B_ji
 *
 * X: [U, I] binary.  Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019, eq. 8 and algorithm 1.
 *
 * Where users are few, the same P comes from a matrix of users (Woodbury's identity):
 *
 *   P = (I - Q) / l2,  Q = Xᵀ M X,  M = (X Xᵀ + l2 I)⁻¹: [U, U];  B_ij = Q_ij / (1 - Q_jj) */
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
    int64_t users, items;
    double l2;
    double *inverse; /* [I, I] G, then P; or [U, U] X Xᵀ + l2 I, then M */
    double *spread;  /* by users: [U, I] M X */
    double *scale;   /* [I] -1 / P_ii; by users 1 / (1 - Q_ii) */
    double **sums;   /* by users: [workers][I] */
    float *weights;  /* [I, I] B */
    tally *progress; /* NULL: none */
} fitting;

/* Whether to invert a matrix of users: what it takes against I^3. */
static bool few_users(const training *data)
{
    const double users = (double)data->users, items = (double)data->items;
    const double pairs = (double)csr_count(&data->matrix);
    return users < items && users * users * users + pairs * (users + items) < items * items * items;
}

static int64_t estimate(const void *unused, const training *data)
{
    const double users = (double)data->users, items = (double)data->items;
    const double matrix = few_users(data) ? users * (users + items) : items * items;
    const double side = few_users(data) ? users : items; /* inverting takes some tiles beside */
    const double bytes = matrix * (double)sizeof(double) + items * items * (double)sizeof(float) +
                         (side + 256) * 256 * (double)sizeof(double) + 4 * (double)csr_count(&data->matrix) +
                         16 * items;
    (void)unused;
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/* Row i of A Aᵀ + l2 I up to the diagonal, for A given by rows and by columns: the columns of i count what
 * they share. */
static void gram_row(const csr *rows, const csr *columns, double l2, int64_t i, double *row)
{
    const uint32_t *other = columns->index;
    memset(row, 0, (size_t)(i + 1) * sizeof *row);
    for (int64_t at = rows->start[i]; at < rows->start[i + 1]; at++) {
        const uint32_t column = rows->index[at];
        for (int64_t j = columns->start[column]; other[j] < i; j++) /* ends: i is in the column */
            row[other[j]]++;
    }
    row[i] = (double)csr_row_count(rows, i) + l2;
}

MULTIVERSION static void weight_row(float *restrict weights, const double *restrict inverse,
                                    const double *restrict scale, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        weights[i] = (float)(inverse[i] * scale[i]);
}

static int64_t tasks_of(int64_t rows)
{
    return (rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
}

static int64_t rows_end(int64_t rows, int64_t task)
{
    const int64_t end = (task + 1) * ROWS_A_TASK;
    return end < rows ? end : rows;
}

static medley_status gram_of_items(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const int64_t first = task * ROWS_A_TASK, end = rows_end(f->items, task);
    (void)worker;
    for (int64_t i = first; i < end; i++)
        gram_row(f->by_item, f->by_user, f->l2, i, f->inverse + i * f->items);
    return tally_add(f->progress, end - first, err);
}

/* weights[j, i] = B_ji = -P_ji / P_ii */
static medley_status weights_by_items(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    (void)worker;
    (void)err;
    for (int64_t j = task * ROWS_A_TASK; j < rows_end(f->items, task); j++) {
        float *weights = f->weights + j * f->items;
        weight_row(weights, f->inverse + j * f->items, f->scale, f->items);
        weights[j] = 0;
    }
    return MEDLEY_OK;
}

static medley_status solve_by_items(const medley_runtime *rt, fitting *f, medley_error *err)
{
    tally progress;
    tally_start(&progress, rt, "counting pairs of items", f->items);
    f->progress = &progress;
    TRY(mem_alloc(rt, mem_bytes(f->items, (size_t)f->items), sizeof *f->inverse, &f->inverse, err));
    TRY(parallel_run(rt, tasks_of(f->items), gram_of_items, f, err));
    TRY(cholesky_inverse(rt, f->inverse, f->items, "inverting", err));
    for (int64_t i = 0; i < f->items; i++)
        f->scale[i] = -1 / f->inverse[i * f->items + i];
    return parallel_run(rt, tasks_of(f->items), weights_by_items, f, err);
}

static medley_status gram_of_users(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    (void)worker;
    (void)err;
    for (int64_t u = task * ROWS_A_TASK; u < rows_end(f->users, task); u++)
        gram_row(f->by_user, f->by_item, f->l2, u, f->inverse + u * f->users);
    return MEDLEY_OK;
}

/* Rows u of M X: the items of user v get M_uv. */
static medley_status spread_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    (void)worker;
    (void)err;
    for (int64_t u = task * ROWS_A_TASK; u < rows_end(f->users, task); u++) {
        double *row = f->spread + u * f->items;
        memset(row, 0, (size_t)f->items * sizeof *row);
        for (int64_t v = 0; v < f->users; v++) {
            const double m = f->inverse[u * f->users + v];
            for (int64_t at = f->by_user->start[v]; at < f->by_user->start[v + 1]; at++)
                row[f->by_user->index[at]] += m;
        }
    }
    return MEDLEY_OK;
}

MULTIVERSION static void add_row(double *restrict sums, const double *restrict row, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sums[i] += row[i];
}

/* weights[j, i] = B_ji = Q_ji / (1 - Q_ii); row j of Q is the sum of M X over the users of j. */
static medley_status weights_by_users(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    double *sums = f->sums[worker];
    const int64_t first = task * ROWS_A_TASK, end = rows_end(f->items, task);
    for (int64_t j = first; j < end; j++) {
        float *weights = f->weights + j * f->items;
        memset(sums, 0, (size_t)f->items * sizeof *sums);
        for (int64_t at = f->by_item->start[j]; at < f->by_item->start[j + 1]; at++)
            add_row(sums, f->spread + f->by_item->index[at] * f->items, f->items);
        weight_row(weights, sums, f->scale, f->items);
        weights[j] = 0;
    }
    return tally_add(f->progress, end - first, err);
}

static medley_status solve_by_users(const medley_runtime *rt, fitting *f, medley_error *err)
{
    const int workers = parallel_workers(rt);
    tally progress;
    tally_start(&progress, rt, "weighing pairs of items", f->items);
    f->progress = &progress;
    TRY(mem_alloc(rt, mem_bytes(f->users, (size_t)f->users), sizeof *f->inverse, &f->inverse, err));
    TRY(mem_alloc(rt, mem_bytes(f->users, (size_t)f->items), sizeof *f->spread, &f->spread, err));
    TRY(mem_alloc_zero(rt, workers, sizeof *f->sums, &f->sums, err));
    for (int w = 0; w < workers; w++)
        TRY(mem_alloc(rt, f->items, sizeof **f->sums, &f->sums[w], err));
    TRY(parallel_run(rt, tasks_of(f->users), gram_of_users, f, err));
    TRY(cholesky_inverse(rt, f->inverse, f->users, "inverting", err));
    TRY(parallel_run(rt, tasks_of(f->users), spread_rows, f, err));
    for (int64_t i = 0; i < f->items; i++) {
        double q = 0;
        for (int64_t at = f->by_item->start[i]; at < f->by_item->start[i + 1]; at++)
            q += f->spread[f->by_item->index[at] * f->items + i];
        f->scale[i] = 1 / (1 - q);
    }
    return parallel_run(rt, tasks_of(f->items), weights_by_users, f, err);
}

static void fitting_release(const medley_runtime *rt, fitting *f)
{
    for (int w = 0; f->sums != NULL && w < parallel_workers(rt); w++)
        mem_free(f->sums[w]);
    mem_free(f->sums);
    mem_free(f->inverse);
    mem_free(f->spread);
    mem_free(f->scale);
}

static void count_work(const void *unused, const training_size *s, workload *fit, workload *encode)
{
    const double users = s->users, items = s->items, entries = s->entries;
    (void)unused;
    (void)encode;
    if (few_users(s->data)) {
        fit->shared[WORK_UPDATES] += users * entries;
        fit->shared[WORK_DOUBLE] += users * users * users;
        fit->shared[WORK_SCANS] += 4 * entries * items;
    } else {
        fit->shared[WORK_UPDATES] += s->user_pairs / 2;
        fit->shared[WORK_DOUBLE] += items * items * items;
    }
    fit->shared[WORK_SCANS] += 8 * items * items;
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const ease_params *p = values;
    const int64_t shape[] = {data->items, data->items};
    csr_owner by_item = {0};
    fitting f = {.by_user = &data->matrix,
                 .by_item = &by_item.view,
                 .users = data->users,
                 .items = data->items,
                 .l2 = p->l2};
    medley_status status;
    TRY_DONE(csr_transpose(rt, &data->matrix, &by_item, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *f.scale, &f.scale, err));
    TRY_DONE(model_add(rt, state, "weights", TENSOR_F32, 2, shape, &f.weights, err));
    status = (few_users(data) ? solve_by_users : solve_by_items)(rt, &f, err);
done:
    csr_release(&by_item);
    fitting_release(rt, &f);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    (void)values;
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
    .paper =
        "Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019; as published, on binary feedback",
    .params = params,
    .params_size = sizeof(ease_params),
    .limits = "users without history; items without training users",
    .advice = "raise min_item_interactions or use itemknn",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
};
