/* Visual, and any other, features in Bayesian personalised ranking:
 *
 *   x_ui = <γ_u, γ_i> + <θ_u, e_i>,  e_i = normalize(W f_i + b)
 *   L = mean over triples (u, i, j) of softplus(-(x_ui - x_uj))
 *       + reg/2 (|γ_u|² + |γ_i|² + |γ_j|² + |θ_u|² + |e_i|² + |e_j|²)
 *
 * He and McAuley, VBPR, AAAI 2016, in the form that Ducho-meets-Elliot benchmarks (Attimonelli et al., 2024): the
 * projection is normalised, there are no biases. f_i is made of any number of feature matrices: side by side (concat), or
 * their sum, mean or product, which need the same length. With attention each matrix m has its own projection, and
 *
 *   e_i = normalize(sum over m of a_im (W_m f_im + b_m)),  a_i = softmax over m of <v, tanh(W_m f_im + b_m)>
 *
 * An item that lacks a modality gets the mean of those that have it, or zeros. γ_i of an item that no user has had in
 * training is what it began as, and what it lost as a negative: it is left out of the fitted
 * model, so that <θ_u, e_i> alone serves such items: a difference from the paper's code. The gradient of W is made of the distinct
 * items of a batch: each is projected once, however often it was drawn. */
#include "data/features.h"
#include "model/triples.h"
#include "tensor/kernel_rows_bf16.h"
#include "tensor/matrix_tiles.h"

typedef struct vbpr_params {
    learning settings;
    triples_params sampling;
    int64_t factors;
    double regularization;
    const char *features;
    int fusion, missing, scale;
} vbpr_params;

enum { FUSION_CONCAT, FUSION_SUM, FUSION_MEAN, FUSION_PRODUCT, FUSION_ATTENTION };
enum { MISSING_MEAN, MISSING_ZERO };
enum { SCALE_NONE, SCALE_UNIT, SCALE_STANDARD };
enum { MODALITIES_MOST = 8, PROJECTED_A_TIME = 1024 };

static const medley_param params[] = {
    MEDLEY_TEXT(vbpr_params, features, "features", .flags = MEDLEY_PARAM_FEATURES,
                .help = "feature matrices of the store, separated by commas: see medley features list"),
    MEDLEY_ENUM(vbpr_params, fusion, "concat", "concat|sum|mean|product|attention",
                .help = "how several matrices become one vector an item"),
    MEDLEY_ENUM(vbpr_params, missing, "mean", "mean|zero", .help = "what an item without a modality gets"),
    MEDLEY_ENUM(
        vbpr_params, scale, "none", "none|unit|standard",
        .help =
            "of each matrix before they are fused: rows of length 1 (unit), or columns of mean 0 and one variance (standard), so that none drowns the others"),
    MEDLEY_INT(vbpr_params, factors, "64", 1, 4096, .sweep = "32,64,128", .help = "length of the vectors"),
    MEDLEY_REAL(vbpr_params, regularization, "1e-05", 0, 1e6, .sweep = "1e-5,1e-2",
                .help = "squared penalty on the vectors of every triple"),
    TRIPLES_ROWS(vbpr_params, sampling),
    LEARNING_ROWS(vbpr_params, "200", "1024", "0.001", "adam", "exact", "recall@20"),
    MEDLEY_PARAMS_END,
};

/* What is projected: one matrix, or one a modality with attention. */
typedef struct modality {
    real *rows;        /* [I, length] nothing missing */
    rows_bf16 rounded; /* of them, for mixed precision where the processor is made for it */
    int64_t length;
    parameter *weight, *bias; /* [D, length], [D] */
} modality;

typedef struct vbpr {
    triples drawn; /* first: the functions of triples.h take it from here */
    const vbpr_params *p;
    int64_t users, items;
    modality of[MODALITIES_MOST];
    int64_t modalities;
    parameter *user, *item, *taste; /* γ_u [U, D], γ_i [I, D], θ_u [U, D] */
    parameter *attention;           /* v [D, 1], or NULL */
} vbpr;

/* A triple_batch, and which items it has: positive[b] is item[positive_at[b]]. */
typedef struct item_batch {
    triple_batch *triples;
    uint32_t *item; /* [items] distinct, ascending */
    int64_t items;
    uint32_t *positive_at, *negative_at; /* [count] */
} item_batch;

/* ---- features ---- */

/* Rows of length 1. */
static void scale_rows(const features *f, real *rows)
{
    const int64_t F = f->length;
    for (int64_t i = 0; i < f->items; i++) {
        real *x = rows + i * F;
        double square = 0;
        for (int64_t j = 0; !f->lacks[i] && j < F; j++)
            square += (double)x[j] * (double)x[j];
        for (int64_t j = 0; square > 0 && j < F; j++)
            x[j] = (real)((double)x[j] / sqrt(square));
    }
}

/* mean [F] of the items that have the modality */
static void take_mean(const features *f, const real *rows, double *mean)
{
    const int64_t F = f->length, present = f->items - f->missing;
    memset(mean, 0, (size_t)F * sizeof *mean);
    for (int64_t i = 0; i < f->items; i++)
        for (int64_t j = 0; !f->lacks[i] && j < F; j++)
            mean[j] += (double)rows[i * F + j] / (double)present;
}

/* Columns of mean 0 and variance 1/F: rows have a length of about 1. A column of one value becomes 0. variance: [F] */
static void scale_columns(const features *f, real *rows, const double *mean, double *variance)
{
    const int64_t F = f->length, present = f->items - f->missing;
    memset(variance, 0, (size_t)F * sizeof *variance);
    for (int64_t i = 0; i < f->items; i++)
        for (int64_t j = 0; !f->lacks[i] && j < F; j++) {
            const double d = (double)rows[i * F + j] - mean[j];
            variance[j] += d * d / (double)present;
        }
    for (int64_t i = 0; i < f->items; i++)
        for (int64_t j = 0; !f->lacks[i] && j < F; j++) {
            real *x = &rows[i * F + j];
            const double deviation = sqrt(variance[j]), rounding = 1e-6 * fabs(mean[j]);
            *x = deviation > rounding ? (real)(((double)*x - mean[j]) / (deviation * sqrt((double)F))) : 0;
        }
}

/* Rows of one matrix as numbers, scaled, without gaps. */
static medley_status fill_gaps(const medley_runtime *rt, const features *f, const vbpr_params *p, real **out,
                               medley_error *err)
{
    const int64_t F = f->length;
    double *mean;
    TRY(mem_alloc(rt, 2 * F, sizeof *mean, &mean, err));
    const medley_status status = mem_alloc(rt, mem_bytes(f->items, sizeof **out), (size_t)F, out, err);
    if (status == MEDLEY_OK) {
        real *rows = *out;
        for (int64_t at = 0; at < f->items * F; at++)
            rows[at] = (real)f->rows[at];
        if (p->scale == SCALE_UNIT)
            scale_rows(f, rows);
        take_mean(f, rows, mean);
        if (p->scale == SCALE_STANDARD) {
            scale_columns(f, rows, mean, mean + F);
            memset(mean, 0, (size_t)F * sizeof *mean);
        }
        for (int64_t i = 0; i < f->items; i++)
            for (int64_t j = 0; f->lacks[i] && j < F; j++)
                rows[i * F + j] = p->missing == MISSING_MEAN ? (real)mean[j] : 0;
    }
    mem_free(mean);
    return status;
}

/* Opens the next of the names at *at, and moves on; false in *more: there is none. */
static medley_status next_features(const medley_runtime *rt, const training *data, const char **at, features *out,
                                   bool *more, medley_error *err)
{
    char name[256];
    *at += strspn(*at, ", ");
    const size_t length = strcspn(*at, ", ");
    *more = length > 0;
    if (!*more)
        return MEDLEY_OK;
    if (length >= sizeof name)
        return fail(err, MEDLEY_E_CONFIG, "features: a name of %zu bytes is longer than %zu", length,
                    sizeof name - 1);
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length;
    const medley_status status = features_open(rt, data->folder, data->items, name, out, err);
    return status == MEDLEY_E_NOT_FOUND ? fail_while(err, MEDLEY_E_CONFIG, "vbpr")
                                        : status; /* a setting is wrong */
}

static medley_status read_modalities(const medley_runtime *rt, vbpr *m, const training *data, medley_error *err)
{
    const char *at = m->p->features;
    for (bool more = true;;) {
        features f = {0};
        medley_status status = next_features(rt, data, &at, &f, &more, err);
        if (status == MEDLEY_OK && !more)
            break;
        if (status == MEDLEY_OK && m->modalities == MODALITIES_MOST)
            status =
                fail(err, MEDLEY_E_CONFIG, "features: '%s' names more than %d", m->p->features, MODALITIES_MOST);
        if (status == MEDLEY_OK) {
            m->of[m->modalities].length = f.length;
            status = fill_gaps(rt, &f, m->p, &m->of[m->modalities++].rows, err);
        }
        features_release(&f);
        TRY(status);
    }
    return m->modalities > 0
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "features: '%s' names none; see medley features list", m->p->features);
}

static medley_status check_lengths(const vbpr *m, medley_error *err)
{
    for (int64_t i = 1; m->p->fusion != FUSION_CONCAT && m->p->fusion != FUSION_ATTENTION && i < m->modalities;
         i++)
        if (m->of[i].length != m->of[0].length)
            return fail(err, MEDLEY_E_CONFIG,
                        "fusion: lengths %lld and %lld differ; concat and attention take matrices of any length",
                        (long long)m->of[0].length, (long long)m->of[i].length);
    return MEDLEY_OK;
}

static void combine(int fusion, const vbpr *m, int64_t i, real *out)
{
    const int64_t F = m->of[0].length;
    memcpy(out, m->of[0].rows + i * F, (size_t)F * sizeof *out);
    for (int64_t k = 1; k < m->modalities; k++)
        for (int64_t j = 0; j < F; j++) {
            const real x = m->of[k].rows[i * F + j];
            out[j] = fusion == FUSION_PRODUCT ? out[j] * x : out[j] + x;
        }
    for (int64_t j = 0; fusion == FUSION_MEAN && j < F; j++)
        out[j] /= (real)m->modalities;
}

static void put_side_by_side(const vbpr *m, int64_t i, real *out)
{
    for (int64_t k = 0; k < m->modalities; k++) {
        const int64_t F = m->of[k].length;
        memcpy(out, m->of[k].rows + i * F, (size_t)F * sizeof *out);
        out += F;
    }
}

/* Several matrices become one. */
static medley_status fuse(const medley_runtime *rt, vbpr *m, medley_error *err)
{
    int64_t length = m->of[0].length;
    real *rows;
    if (m->modalities == 1 || m->p->fusion == FUSION_ATTENTION)
        return MEDLEY_OK;
    for (int64_t k = 1; m->p->fusion == FUSION_CONCAT && k < m->modalities; k++)
        length += m->of[k].length;
    TRY(mem_alloc(rt, mem_bytes(m->items, sizeof *rows), (size_t)length, &rows, err));
    for (int64_t i = 0; i < m->items; i++)
        if (m->p->fusion == FUSION_CONCAT)
            put_side_by_side(m, i, rows + i * length);
        else
            combine(m->p->fusion, m, i, rows + i * length);
    for (int64_t k = 0; k < m->modalities; k++) {
        mem_free(m->of[k].rows);
        m->of[k].rows = NULL;
    }
    m->of[0] = (modality){.rows = rows, .length = length};
    m->modalities = 1;
    return MEDLEY_OK;
}

static medley_status round_features(const medley_runtime *rt, vbpr *m, medley_error *err)
{
    if (!m->p->settings.mixed_precision || !tiles_available())
        return MEDLEY_OK;
    for (int64_t k = 0; k < m->modalities; k++)
        TRY(rows_bf16_create(rt, m->of[k].rows, m->items, m->of[k].length, &m->of[k].rounded, err));
    return MEDLEY_OK;
}

static medley_status begin(const medley_runtime *rt, const void *values, const training *data, void **context,
                           medley_error *err)
{
    vbpr *m;
    TRY(mem_alloc_zero(rt, 1, sizeof *m, &m, err));
    *context = m;
    *m = (vbpr){.p = values, .users = data->users, .items = data->items};
    TRY(read_modalities(rt, m, data, err));
    TRY(check_lengths(m, err));
    TRY(fuse(rt, m, err));
    TRY(round_features(rt, m, err));
    return triples_init(rt, &m->p->sampling, data, &m->drawn, err);
}

static void end(void *context)
{
    vbpr *m = context;
    for (int64_t k = 0; k < MODALITIES_MOST && m->of[k].rows != NULL; k++) {
        mem_free(m->of[k].rows);
        rows_bf16_free(&m->of[k].rounded);
    }
    triples_release(&m->drawn);
    mem_free(m);
}

static void declare(void *context, parameters *p)
{
    vbpr *m = context;
    const int64_t D = m->p->factors;
    m->user = parameters_add(p, "user", shape_2(m->users, D), PARAMETER_ROWS, initial_xavier_uniform);
    m->item = parameters_add(p, "item", shape_2(m->items, D), PARAMETER_ROWS, initial_xavier_uniform);
    m->taste = parameters_add(p, "taste", shape_2(m->users, D), PARAMETER_ROWS, initial_xavier_uniform);
    for (int64_t k = 0; k < m->modalities; k++) {
        char name[48];
        const double bound = 1 / sqrt((double)m->of[k].length); /* of PyTorch's Linear, for the bias */
        snprintf(name, sizeof name, "projection.%lld", (long long)k);
        m->of[k].weight =
            parameters_add(p, name, shape_2(D, m->of[k].length), PARAMETER_DENSE, initial_xavier_uniform);
        snprintf(name, sizeof name, "projection_bias.%lld", (long long)k);
        m->of[k].bias =
            parameters_add(p, name, shape_1(D), PARAMETER_DENSE, (initial){INITIAL_UNIFORM, -bound, bound});
    }
    if (m->p->fusion == FUSION_ATTENTION)
        m->attention = parameters_add(p, "attention", shape_2(D, 1), PARAMETER_DENSE, initial_xavier_uniform);
}

/* ---- batches ---- */

static int64_t padded(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int64_t most_items(const vbpr *m, int64_t count)
{
    return m->items < 2 * count ? m->items : 2 * count;
}

static int64_t batch_bytes(const void *context, int64_t count)
{
    const vbpr *m = context;
    return padded((int64_t)sizeof(item_batch)) + padded(triples_batch_bytes(context, count)) +
           (most_items(m, count) + 2 * count + m->items) * (int64_t)sizeof(uint32_t);
}

/* Numbers the distinct items in ascending order. `number` [I] is scratch. */
static void number_items(int64_t items, uint32_t *number, item_batch *b)
{
    const triple_batch *t = b->triples;
    memset(number, 0, (size_t)items * sizeof *number);
    for (int64_t k = 0; k < t->count; k++)
        number[t->positive[k]] = number[t->negative[k]] = 1;
    b->items = 0;
    for (int64_t i = 0; i < items; i++)
        if (number[i] != 0) {
            b->item[b->items] = (uint32_t)i;
            number[i] = (uint32_t)b->items++;
        }
    for (int64_t k = 0; k < t->count; k++) {
        b->positive_at[k] = number[t->positive[k]];
        b->negative_at[k] = number[t->negative[k]];
    }
}

static void fill(const void *context, const batch_place *at, void *batch)
{
    const vbpr *m = context;
    item_batch *b = batch;
    char *place = (char *)batch + padded((int64_t)sizeof *b);
    b->triples = (triple_batch *)place;
    triples_fill(context, at, b->triples);
    b->item = (uint32_t *)(place + padded(triples_batch_bytes(context, at->count)));
    b->positive_at = b->item + most_items(m, at->count);
    b->negative_at = b->positive_at + at->count;
    number_items(m->items, b->negative_at + at->count, b);
}

/* ---- equations ---- */

/* sum over m of a_im z_m, a_i = softmax over m of <v, tanh(z_m)>.  z: [n, D] each */
static node *attend(const vbpr *m, graph *g, node *const *z)
{
    node *weight[MODALITIES_MOST], *sum = NULL;
    for (int64_t k = 0; k < m->modalities; k++)
        weight[k] = graph_matmul(g, graph_tanh(g, z[k]), graph_parameter(g, m->attention), false, false);
    node *a = graph_softmax(g, graph_concat(g, weight, (int)m->modalities, 1));
    for (int64_t k = 0; k < m->modalities; k++) {
        node *part = graph_mul(g, z[k], graph_slice(g, a, 1, k, 1));
        sum = sum == NULL ? part : graph_add(g, sum, part);
    }
    return sum;
}

/* e_i of some items: [n, D] */
static node *project(const vbpr *m, graph *g, const uint32_t *item, int64_t count)
{
    node *z[MODALITIES_MOST];
    for (int64_t k = 0; k < m->modalities; k++) {
        const modality *f = &m->of[k];
        node *w = graph_parameter(g, f->weight), *bias = graph_parameter(g, f->bias);
        z[k] = graph_bf16(g) && f->rounded.x != NULL ? graph_linear_rows_bf16(g, &f->rounded, item, count, w, bias)
                                                     : graph_linear_rows(g, f->rows, item, count, w, bias);
    }
    return graph_l2_normalise(g, m->attention != NULL ? attend(m, g, z) : z[0], 1e-12);
}

static node *loss(void *context, graph *g, const void *batch)
{
    const vbpr *m = context;
    const item_batch *b = batch;
    const triple_batch *t = b->triples;
    const bpr_rows of = {.p = m->user,
                         .q = m->item,
                         .user = t->user,
                         .positive = t->positive,
                         .negative = t->negative,
                         .count = t->count,
                         .t = m->taste,
                         .e = project(m, g, b->item, b->items),
                         .e_positive = b->positive_at,
                         .e_negative = b->negative_at};
    return graph_bpr_rows(g, &of, m->p->regularization);
}

/* ---- the model ---- */

/* e of all items into columns D .. 2 D - 1 of item [I, 2 D]. */
static medley_status project_all(const medley_runtime *rt, const vbpr *m, float *item, medley_error *err)
{
    const int64_t D = m->p->factors;
    uint32_t row[PROJECTED_A_TIME];
    graph *g;
    TRY(graph_create(rt, &g, err));
    medley_status status = MEDLEY_OK;
    for (int64_t first = 0; status == MEDLEY_OK && first < m->items; first += PROJECTED_A_TIME) {
        const int64_t rest = m->items - first, count = rest < PROJECTED_A_TIME ? rest : PROJECTED_A_TIME;
        for (int64_t r = 0; r < count; r++)
            row[r] = (uint32_t)(first + r);
        graph_begin(g, (graph_place){0});
        const node *e = project(m, g, row, count);
        status = graph_status(g, err);
        for (int64_t r = 0; status == MEDLEY_OK && r < count; r++)
            for (int64_t j = 0; j < D; j++)
                item[(first + r) * 2 * D + D + j] = (float)e->value[r * D + j];
    }
    graph_free(g);
    return status;
}

/* Writes rows [count, D] into columns at `column` of out [count, 2 D]. */
static void put_columns(const parameter *from, int64_t column, float *out)
{
    const int64_t rows = from->shape.size[0], D = from->shape.size[1];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < D; j++)
            out[r * 2 * D + column + j] = (float)from->value[r * D + j];
}

/* γ_i of items that training has not seen becomes zero. */
static medley_status leave_out_unseen(const medley_runtime *rt, const vbpr *m, float *item, medley_error *err)
{
    const csr *observed = m->drawn.observed;
    const int64_t D = m->p->factors, pairs = csr_count(observed);
    bool *seen;
    TRY(mem_alloc_zero(rt, m->items, sizeof *seen, &seen, err));
    for (int64_t at = 0; at < pairs; at++)
        seen[observed->index[at]] = true;
    for (int64_t i = 0; i < m->items; i++)
        if (!seen[i])
            memset(item + i * 2 * D, 0, (size_t)D * sizeof *item);
    mem_free(seen);
    return MEDLEY_OK;
}

/* x_ui = <(γ_u, θ_u), (γ_i, e_i)> */
static medley_status finish(const medley_runtime *rt, void *context, const parameters *p, model_state *state,
                            medley_error *err)
{
    const vbpr *m = context;
    const int64_t D = m->p->factors, left[] = {m->users, 2 * D}, right[] = {m->items, 2 * D};
    float *user, *item;
    (void)p;
    TRY(model_add(rt, state, "user", TENSOR_F32, 2, left, &user, err));
    TRY(model_add(rt, state, "item", TENSOR_F32, 2, right, &item, err));
    put_columns(m->user, 0, user);
    put_columns(m->taste, D, user);
    put_columns(m->item, 0, item);
    TRY(leave_out_unseen(rt, m, item, err));
    return project_all(rt, m, item, err);
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    return factored_scoring(state, users, items, 2 * ((const vbpr_params *)values)->factors, false, out, err);
}

static const learner_class learner = {
    .loss_name = "bpr",
    .begin = begin,
    .end = end,
    .declare = declare,
    .examples = triples_examples,
    .batch_bytes = batch_bytes,
    .fill = fill,
    .loss = loss,
    .finish = finish,
};

extern const model_class model_vbpr;
const model_class model_vbpr = {
    .name = "vbpr",
    .title = "VBPR",
    .summary = "vectors of users and items, and of users and what items look and read like",
    .paper =
        "He and McAuley, VBPR: visual Bayesian personalized ranking from implicit feedback, AAAI 2016, in the form "
        "of Ducho-meets-Elliot (Attimonelli et al., 2024): normalised projection, no biases, any number of "
        "feature matrices",
    .params = params,
    .params_size = sizeof(vbpr_params),
    .limits = "users that were not trained on; items without training users are known by their features alone",
    .advice = "lower factors or batch_size",
    .learner = &learner,
    .scoring = score,
};
