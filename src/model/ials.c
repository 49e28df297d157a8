/* Implicit alternating least squares:
 *
 *   L = sum over observed (u, i) of a_ui (1 - <w_u, h_i>)² + a0 sum over all (u, i) of <w_u, h_i>²
 *       + reg (sum over u of (|I_u| + a0 I)^nu |w_u|² + sum over i of (|U_i| + a0 U)^nu |h_i|²)
 *
 * a0: unobserved_weight, nu: frequency_exponent, a_ui: 1, or the rating; score(u, i) = <w_u, h_i>. Rendle,
 * Krichene, Zhang and Koren, Revisiting the performance of iALS on item recommendation benchmarks, RecSys 2022.
 * An epoch solves for all w, then for all h, each a ridge regression (tensor/ridge.h): exactly; by
 * steps of conjugate gradient from the vector of the epoch before (Takács, Pilászy and Tikk, RecSys 2011); or
 * by blocks of its places (Rendle et al., iALS++, arXiv:2110.14044). In the end the users are solved for once
 * more, exactly: w_u is what the history of u gives by `encode`, which is how everybody's is made.
 *
 * With `loss: confidence` the observed are asked for with all their weight, as by Hu, Koren and Volinsky, ICDM
 * 2008:
 *
 *   sum over observed of (a_ui + a0) (1 - <w_u, h_i>)² + a0 sum over all others of <w_u, h_i>² + ...
 *
 * which, over a0, is theirs with alpha = 1 / a0 and lambda = reg / a0. The package `implicit` weighs what is
 * observed alpha r, not 1 + alpha r: for r = 1 it is this loss with a0 = 1 / (alpha - 1), reg = regularization
 * a0, nu = 0. */
#include "base/tally.h"
#include "model/model.h"
#include "tensor/ridge.h"

#include <math.h>

typedef struct ials_params {
    int64_t factors, epochs, cg_steps, block;
    double regularization, unobserved_weight, frequency_exponent, init;
    int solver, loss, feedback;
} ials_params;

enum { SOLVER_CHOLESKY, SOLVER_CG, SOLVER_BLOCKS };
enum { LOSS_IALS, LOSS_CONFIDENCE };
enum { FEEDBACK_BINARY, FEEDBACK_RATING };

static const medley_param params[] = {
    MEDLEY_INT(ials_params, factors, "64", 1, 2048, .sweep = "32,64,128,256", .help = "length of the vectors"),
    MEDLEY_INT(ials_params, epochs, "16", 1, 10000, .sweep = "8,16,32",
               .help = "times that users and items are solved for in turn"),
    MEDLEY_REAL(ials_params, regularization, "0.003", 1e-8, 1e9, .sweep = "log:1e-4..1e-1",
                .help = "squared penalty on the vectors, times how much there is of each (frequency_exponent)"),
    MEDLEY_REAL(ials_params, unobserved_weight, "0.1", 1e-8, 1e9, .sweep = "log:0.01..1",
                .help = "of every pair of user and item, observed or not, beside 1 of the observed ones"),
    MEDLEY_REAL(ials_params, frequency_exponent, "1", 0, 2, .sweep = "0,0.5,1",
                .help = "1: penalties grow with the number of interactions, 0: they are all the same"),
    MEDLEY_REAL(ials_params, init, "0.1", 1e-6, 100, .help = "length, about, of the random vectors at the start"),
    MEDLEY_ENUM(ials_params, solver, "cholesky", "cholesky|cg|blocks",
                .help =
                    "exactly, roughly by conjugate gradient, or by blocks of places (iALS++): for many factors"),
    MEDLEY_INT(ials_params, cg_steps, "3", 1, 1000, .help = "of solver cg, for every vector and epoch"),
    MEDLEY_INT(ials_params, block, "32", 16, 2048,
               .help = "places that solver blocks solves for together, rounded up to a multiple of 16"),
    MEDLEY_ENUM(ials_params, loss, "ials", "ials|confidence",
                .help = "whether being observed adds a wish for 1 (ials) or to the weight of one (confidence)"),
    MEDLEY_ENUM(ials_params, feedback, "binary", "binary|rating", .sweep = "binary,rating",
                .help = "weight of an observed pair: 1, or its rating"),
    MEDLEY_PARAMS_END,
};

enum { ROWS_A_TASK = 32 };

static const char *const phase = "alternating least squares";

/* One side, users or items, and what is solved for on it. */
typedef struct side {
    const csr *observed; /* [rows, rows of the other side] */
    int64_t rows, longest;
    float *vectors; /* [rows, D], D padded */
} side;

/* Solving for one side, given the other. */
typedef struct solving {
    const ials_params *p;
    bool exact; /* whatever p->solver says */
    const csr *observed;
    int64_t others; /* rows of the other side */
    ridge shared;
    float *vectors; /* [rows, D] */
    void **scratch; /* [workers] */
    tally *progress;
} solving;

static int64_t tasks_of(int64_t rows)
{
    return (rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
}

static int64_t rows_end(int64_t rows, int64_t task)
{
    const int64_t end = (task + 1) * ROWS_A_TASK;
    return end < rows ? end : rows;
}

static double penalty_of(const ials_params *p, int64_t count, int64_t others)
{
    return p->regularization * pow((double)count + p->unobserved_weight * (double)others, p->frequency_exponent);
}

static ridge_problem problem_of(const ials_params *p, const csr *observed, int64_t row, int64_t others)
{
    const int64_t first = observed->start[row], count = csr_row_count(observed, row);
    return (ridge_problem){.count = count,
                           .index = observed->index + first,
                           .weight = observed->value != NULL ? observed->value + first : NULL,
                           .reg = penalty_of(p, count, others)};
}

static medley_status solve_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const solving *s = context;
    const int64_t first = task * ROWS_A_TASK, end = rows_end(s->observed->rows, task);
    void *const scratch = s->scratch[worker];
    for (int64_t row = first; row < end; row++) {
        const ridge_problem problem = problem_of(s->p, s->observed, row, s->others);
        float *const x = s->vectors + row * s->shared.factors;
        if (s->exact)
            ridge_exact(&s->shared, &problem, scratch, x);
        else if (s->p->solver == SOLVER_CHOLESKY)
            ridge_cholesky(&s->shared, &problem, scratch, x);
        else if (s->p->solver == SOLVER_CG)
            ridge_cg(&s->shared, &problem, s->p->cg_steps, scratch, x);
        else
            ridge_blocks(&s->shared, &problem, ridge_padded(s->p->block), scratch, x);
    }
    return tally_add(s->progress, end - first, err);
}

static int64_t longest_row(const csr *m)
{
    int64_t longest = 0;
    for (int64_t row = 0; row < m->rows; row++)
        longest = csr_row_count(m, row) > longest ? csr_row_count(m, row) : longest;
    return longest;
}

/* Memory that solving needs beside the vectors. */
typedef struct workspace {
    int workers;
    void **scratch;     /* [workers] */
    double *gram;       /* [D, D] a0 times the other side's squares */
    float *gram_single; /* [D, D] */
} workspace;

static void workspace_release(workspace *w)
{
    for (int i = 0; w->scratch != NULL && i < w->workers; i++)
        mem_free(w->scratch[i]);
    mem_free(w->scratch);
    mem_free(w->gram);
    mem_free(w->gram_single);
}

/* To be released whether it fails or not. */
static medley_status workspace_init(const medley_runtime *rt, int64_t D, int64_t longest, workspace *w,
                                    medley_error *err)
{
    *w = (workspace){.workers = parallel_workers(rt)};
    TRY(mem_alloc_zero(rt, w->workers, sizeof *w->scratch, &w->scratch, err));
    for (int i = 0; i < w->workers; i++)
        TRY(mem_alloc(rt, ridge_scratch_bytes(D, longest), 1, &w->scratch[i], err));
    TRY(mem_alloc(rt, D * D, sizeof *w->gram, &w->gram, err));
    return mem_alloc(rt, D * D, sizeof *w->gram_single, &w->gram_single, err);
}

/* What solving for one side needs of the other. w->gram: the squares of `rows`. */
static solving solving_of(const ials_params *p, const workspace *w, int64_t D, const float *rows, int64_t count)
{
    for (int64_t i = 0; i < D * D; i++) {
        w->gram[i] *= p->unobserved_weight;
        w->gram_single[i] = (float)w->gram[i];
    }
    return (solving){.p = p,
                     .others = count,
                     .shared = {.factors = D,
                                .rows = rows,
                                .gram = w->gram,
                                .gram_single = w->gram_single,
                                .shift = p->loss == LOSS_CONFIDENCE ? p->unobserved_weight : 0},
                     .scratch = w->scratch};
}

/* The whole fit. */
typedef struct fitting {
    const medley_runtime *rt;
    const ials_params *p;
    int64_t D;
    side user, item;
    workspace work;
    tally progress;
    double *lost; /* [tasks of users] parts of the loss */
} fitting;

static medley_status solve_side(fitting *f, const side *wanted, const side *given, bool exact, medley_error *err)
{
    TRY(ridge_gram(f->rt, given->vectors, given->rows, f->D, f->work.gram, err));
    solving s = solving_of(f->p, &f->work, f->D, given->vectors, given->rows);
    s.exact = exact;
    s.observed = wanted->observed;
    s.vectors = wanted->vectors;
    s.progress = &f->progress;
    return parallel_run(f->rt, tasks_of(wanted->rows), solve_rows, &s, err);
}

static double square_of(const float *x, int64_t D)
{
    double sum = 0;
    for (int64_t j = 0; j < D; j++)
        sum += (double)x[j] * (double)x[j];
    return sum;
}

/* What the observed pairs of some users, and their penalties, add to L. */
static medley_status lose_users(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const double a0 = f->p->unobserved_weight;
    const ridge shared = {.factors = f->D, .rows = f->item.vectors};
    float *const predicted = f->work.scratch[worker];
    double sum = 0;
    (void)err;
    for (int64_t u = task * ROWS_A_TASK; u < rows_end(f->user.rows, task); u++) {
        const ridge_problem problem = problem_of(f->p, f->user.observed, u, f->item.rows);
        const float *const x = f->user.vectors + u * f->D;
        ridge_predict(&shared, &problem, x, predicted);
        for (int64_t k = 0; k < problem.count; k++) {
            const double a = problem.weight != NULL ? (double)problem.weight[k] : 1, s = (double)predicted[k];
            sum += f->p->loss == LOSS_IALS ? a * (1 - s) * (1 - s) : (a + a0) * (1 - s) * (1 - s) - a0 * s * s;
        }
        sum += problem.reg * square_of(x, f->D);
    }
    f->lost[task] = sum;
    return MEDLEY_OK;
}

/* L. f->work.gram: a0 times the squares of the users. */
static medley_status measure_loss(fitting *f, double *gram, double *loss, medley_error *err)
{
    double sum = 0;
    TRY(parallel_run(f->rt, tasks_of(f->user.rows), lose_users, f, err));
    for (int64_t task = 0; task < tasks_of(f->user.rows); task++)
        sum += f->lost[task];
    for (int64_t i = 0; i < f->item.rows; i++)
        sum += penalty_of(f->p, csr_row_count(f->item.observed, i), f->user.rows) *
               square_of(f->item.vectors + i * f->D, f->D);
    TRY(ridge_gram(f->rt, f->item.vectors, f->item.rows, f->D, gram, err));
    for (int64_t i = 0; i < f->D * f->D; i++)
        sum += f->work.gram[i] * gram[i];
    *loss = sum;
    return MEDLEY_OK;
}

/* Normal, of about the length `init`: Box and Muller. The padding stays zero. */
static void start_vectors(const ials_params *p, uint64_t seed, uint64_t stream, int64_t D, const side *s)
{
    const double scale = p->init / sqrt((double)p->factors), turn = 6.283185307179586;
    for (int64_t row = 0; row < s->rows; row++)
        for (int64_t j = 0; j < p->factors; j++) {
            const uint64_t n = 2 * (uint64_t)(row * p->factors + j);
            const double a = 1 - random_uniform(seed, stream, n), b = random_uniform(seed, stream, n + 1);
            s->vectors[row * D + j] = (float)(scale * sqrt(-2 * log(a)) * cos(turn * b));
        }
}

static medley_status alternate(fitting *f, double *gram, double *loss, medley_error *err)
{
    for (int64_t epoch = 0; epoch < f->p->epochs; epoch++) {
        TRY(solve_side(f, &f->user, &f->item, false, err));
        TRY(solve_side(f, &f->item, &f->user, false, err));
        TRY(measure_loss(f, gram, &loss[epoch], err));
        runtime_log(f->rt, MEDLEY_LOG_INFO, "epoch %lld of %lld: loss %.9g", (long long)epoch + 1,
                    (long long)f->p->epochs, loss[epoch]);
    }
    return solve_side(f, &f->user, &f->item, true, err);
}

/* Adds the first `factors` of each row's D places as a tensor. */
static medley_status keep_vectors(const medley_runtime *rt, model_state *state, const char *name, const side *s,
                                  int64_t factors, int64_t D, medley_error *err)
{
    const int64_t shape[] = {s->rows, factors};
    float *out;
    TRY(model_add(rt, state, name, TENSOR_F32, 2, shape, &out, err));
    for (int64_t row = 0; row < s->rows; row++)
        memcpy(out + row * factors, s->vectors + row * D, (size_t)factors * sizeof *out);
    return MEDLEY_OK;
}

static medley_status check(const ials_params *p, const csr *by_user, medley_error *err)
{
    if (p->feedback == FEEDBACK_BINARY)
        return MEDLEY_OK;
    if (by_user->value == NULL)
        return fail(err, MEDLEY_E_CONFIG, "feedback: rating, but the data has no ratings; binary is accepted");
    for (int64_t i = 0; i < csr_count(by_user); i++)
        if (!(by_user->value[i] >= 0))
            return fail(err, MEDLEY_E_CONFIG,
                        "feedback: rating, but there is a rating of %g; 0 and more are weights",
                        (double)by_user->value[i]);
    return MEDLEY_OK;
}

static int64_t estimate(const void *values, const training *data)
{
    const ials_params *p = values;
    const double D = (double)ridge_padded(p->factors), rows = (double)data->users + (double)data->items;
    const double bytes =
        rows * (D + (double)p->factors) * 4 + (double)csr_count(&data->matrix) * 8 + D * D * (16 * 12 + 64 * 4);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

static double side_work(const ials_params *p, double rows, double entries, bool exactly)
{
    const double D = (double)p->factors, block = (double)p->block;
    if (exactly || p->solver == SOLVER_CHOLESKY)
        return (exactly ? 1.5 : 1) * (entries * D * D + rows * D * D * D / 3);
    if (p->solver == SOLVER_CG)
        return (entries * 4 * D + rows * 2 * D * D) * (double)(p->cg_steps + 1);
    return entries * D * (4 + block) + rows * (2 * D * D + D * block * block / 3);
}

/* Small triangles reach a share of the rate of large products. */
static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    const ials_params *p = values;
    const double users = s->users, items = s->items, entries = s->entries;
    const double D = (double)p->factors, slower = 3;
    const double epoch = side_work(p, users, entries, false) + side_work(p, items, entries, false) +
                         2 * entries * D + 4 * (users + items) * D * D;
    const double last = side_work(p, users, entries, true);
    fit->shared[WORK_SINGLE] += slower * (epoch * (double)p->epochs + last);
    encode->shared[WORK_SINGLE] += slower * last;
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const ials_params *p = values;
    const int64_t D = ridge_padded(p->factors), factors = p->factors, square[] = {factors, factors};
    csr by_user = data->matrix;
    csr_owner by_item = {0};
    double *gram = NULL, *loss, *kept;
    medley_status status;
    TRY(check(p, &by_user, err));
    if (p->feedback == FEEDBACK_BINARY)
        by_user.value = NULL;
    fitting f = {.rt = rt, .p = p, .D = D};
    TRY_DONE(csr_transpose(rt, &by_user, &by_item, err));
    f.user = (side){&by_user, data->users, longest_row(&by_user), NULL};
    f.item = (side){&by_item.view, data->items, longest_row(&by_item.view), NULL};
    TRY_DONE(mem_alloc_zero(rt, mem_bytes(data->users, sizeof(float)), (size_t)D, &f.user.vectors, err));
    TRY_DONE(mem_alloc_zero(rt, mem_bytes(data->items, sizeof(float)), (size_t)D, &f.item.vectors, err));
    TRY_DONE(mem_alloc(rt, tasks_of(data->users), sizeof *f.lost, &f.lost, err));
    TRY_DONE(mem_alloc(rt, D * D, sizeof *gram, &gram, err));
    TRY_DONE(
        workspace_init(rt, D, f.user.longest > f.item.longest ? f.user.longest : f.item.longest, &f.work, err));
    TRY_DONE(model_add(rt, state, "loss", TENSOR_F64, 1, &p->epochs, &loss, err));
    TRY_DONE(model_add(rt, state, "gram", TENSOR_F64, 2, square, &kept, err));
    tally_start(&f.progress, rt, phase, (data->users + data->items) * p->epochs + data->users);
    start_vectors(p, data->seed, 0, D, &f.user);
    start_vectors(p, data->seed, 1, D, &f.item);
    TRY_DONE(alternate(&f, gram, loss, err));
    for (int64_t i = 0; i < factors; i++)
        memcpy(kept + i * factors, gram + i * D, (size_t)factors * sizeof *kept);
    TRY_DONE(keep_vectors(rt, state, "user", &f.user, factors, D, err));
    TRY_DONE(keep_vectors(rt, state, "item", &f.item, factors, D, err));
done:
    csr_release(&by_item);
    mem_free(f.user.vectors);
    mem_free(f.item.vectors);
    mem_free(f.lost);
    mem_free(gram);
    workspace_release(&f.work);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    const ials_params *p = values;
    const named_tensor *user, *item, *gram;
    const int64_t of_user[] = {users, p->factors}, of_item[] = {items, p->factors},
                  square[] = {p->factors, p->factors};
    TRY(model_tensor(state, "user", TENSOR_F32, 2, of_user, &user, err));
    TRY(model_tensor(state, "item", TENSOR_F32, 2, of_item, &item, err));
    TRY(model_tensor(state, "gram", TENSOR_F64, 2, square, &gram, err));
    *out = (scoring){
        .form = SCORING_FACTORED, .items = items, .factors = p->factors, .user = user->data, .item = item->data};
    return MEDLEY_OK;
}

/* The squares of the items, padded, and the items, which are copied to `padded` unless they have a length that
 * needs no padding. */
static medley_status pad_items(const medley_runtime *rt, const model_state *state, const scoring *how, int64_t D,
                               const workspace *w, float **padded, medley_error *err)
{
    const int64_t factors = how->factors, square[] = {factors, factors};
    const named_tensor *gram;
    *padded = NULL;
    TRY(model_tensor(state, "gram", TENSOR_F64, 2, square, &gram, err));
    const double *const squares = gram->data;
    memset(w->gram, 0, (size_t)(D * D) * sizeof *w->gram);
    for (int64_t i = 0; i < factors; i++)
        memcpy(w->gram + i * D, squares + i * factors, (size_t)factors * sizeof *squares);
    if (factors == D)
        return MEDLEY_OK;
    TRY(mem_alloc_zero(rt, mem_bytes(how->items, sizeof **padded), (size_t)D, padded, err));
    for (int64_t i = 0; i < how->items; i++)
        memcpy(*padded + i * D, how->item + i * factors, (size_t)factors * sizeof **padded);
    return MEDLEY_OK;
}

static medley_status encode(const medley_runtime *rt, const void *values, const model_state *state,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const ials_params *p = values;
    const int64_t D = ridge_padded(p->factors);
    csr_owner observed = {0};
    workspace work = {0};
    tally progress;
    float *padded = NULL, *vectors = NULL;
    medley_status status;
    tally_start(&progress, rt, "solving for users", known->rows);
    TRY_DONE(histories_matrix(rt, known, how->items, p->feedback == FEEDBACK_RATING, &observed, err));
    for (int64_t i = 0; observed.value != NULL && i < csr_count(&observed.view); i++)
        observed.value[i] =
            observed.value[i] > 0 ? observed.value[i] : 0; /* fit refuses less; here it says nothing */
    TRY_DONE(workspace_init(rt, D, longest_row(&observed.view), &work, err));
    TRY_DONE(pad_items(rt, state, how, D, &work, &padded, err));
    TRY_DONE(mem_alloc(rt, mem_bytes(known->rows, sizeof *vectors), (size_t)D, &vectors, err));
    solving s = solving_of(p, &work, D, padded != NULL ? padded : how->item, how->items);
    s.exact = true;
    s.observed = &observed.view;
    s.vectors = vectors;
    s.progress = &progress;
    TRY_DONE(parallel_run(rt, tasks_of(known->rows), solve_rows, &s, err));
    for (int64_t row = 1; row < known->rows && D > p->factors; row++)
        memmove(vectors + row * p->factors, vectors + row * D, (size_t)p->factors * sizeof *vectors);
    out->vectors = vectors;
    vectors = NULL;
done:
    mem_free(vectors);
    mem_free(padded);
    workspace_release(&work);
    csr_release(&observed);
    return status;
}

extern const model_class model_ials;
const model_class model_ials = {
    .name = "ials",
    .title = "iALS",
    .summary = "vectors of users and items whose products tell what is observed from what is not",
    .paper = "Rendle, Krichene, Zhang and Koren, Revisiting the performance of iALS on item recommendation "
             "benchmarks, RecSys 2022; after Hu, Koren and Volinsky, ICDM 2008, whose loss is `loss: confidence`; "
             "everybody's vector is solved for from their history when it is needed, known users' too",
    .params = params,
    .params_size = sizeof(ials_params),
    .limits = "users without history; items without training users",
    .advice = "lower factors",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = score,
    .encode = encode,
};
