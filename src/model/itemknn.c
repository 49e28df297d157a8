/* Item-based nearest neighbours with cosine similarity:
 *
 *   s_ij = <x_i, x_j> / (|x_i| |x_j| + shrinkage)        x_i: column of item i over users
 *   score(u, i) = sum of s_ij over j in the history of u that are among the K nearest of i
 *
 * Every target item i keeps its own K nearest j, as in Elliot and RecBole; implicit and RecTools keep, for every
 * item of the history, the K nearest targets. */
#include "base/tally.h"
#include "model/model.h"
#include "tensor/topk.h"

#include <math.h>

typedef struct itemknn_params {
    int64_t neighbours;
    double shrinkage;
    int feedback;
} itemknn_params;

enum { FEEDBACK_BINARY, FEEDBACK_RATING };

static const medley_param params[] = {
    MEDLEY_INT(itemknn_params, neighbours, "100", 1, 100000, .sweep = "20,50,100,200,400",
               .help = "nearest items that each item keeps"),
    MEDLEY_REAL(itemknn_params, shrinkage, "0", 0, 1e9, .sweep = "0,10,100,1000",
                .help = "added to the product of norms: trusts items with few users less"),
    MEDLEY_ENUM(itemknn_params, feedback, "binary", "binary|rating", .sweep = "binary,rating",
                .help = "what similarity compares: who has an item, or the ratings"),
    MEDLEY_PARAMS_END,
};

enum {
    BLOCK = 64, /* items that are looked at or skipped together */
    ROWS_A_TASK = 16,
};

/* A worker's memory. */
typedef struct scratch {
    double *dots;     /* [blocks × BLOCK] <x_i, x_j> of the current i; all zero between rows */
    uint8_t *touched; /* [blocks] whether a dot of the block may not be zero */
    topk_entry *list; /* [K] */
} scratch;

typedef struct fitting {
    const csr *by_user, *by_item; /* value NULL: binary */
    int64_t items, blocks, neighbours;
    double shrinkage;
    uint64_t seed;
    const double *norm; /* [blocks × BLOCK] */
    scratch *scratch;   /* [workers] */
    int64_t *count;     /* [I] neighbours of i */
    uint32_t *index;    /* [I, K] */
    float *value;       /* [I, K] */
    tally *progress;
} fitting;

static int64_t neighbours_of(const itemknn_params *p, int64_t items)
{
    const int64_t others = items > 1 ? items - 1 : 1;
    return p->neighbours < others ? p->neighbours : others;
}

static int64_t estimate(const void *values, const training *data)
{
    const itemknn_params *p = values;
    const double per_item = 2 * 8.0 * (double)neighbours_of(p, data->items) + 32;
    const double bytes = per_item * (double)data->items + 8.0 * (double)csr_count(&data->matrix);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/* dots += weight × row, for the `count` items of one user; value NULL: all ones. */
static void add_user(const uint32_t *restrict item, const float *restrict value, int64_t count, double weight,
                     double *restrict dots)
{
    if (value == NULL)
        for (int64_t at = 0; at < count; at++)
            dots[item[at]] += weight;
    else
        for (int64_t at = 0; at < count; at++)
            dots[item[at]] += weight * (double)value[at];
}

static void add_users(const fitting *f, int64_t i, double *dots)
{
    const csr *by_user = f->by_user, *by_item = f->by_item;
    for (int64_t at = by_item->start[i]; at < by_item->start[i + 1]; at++) {
        const int64_t user = by_item->index[at], first = by_user->start[user];
        const bool rated = by_user->value != NULL;
        add_user(by_user->index + first, rated ? by_user->value + first : NULL, csr_row_count(by_user, user),
                 rated ? (double)by_item->value[at] : 1, dots);
    }
}

/* Marks the blocks that add_users changes: all of them when that is less work than looking. */
static void touch_blocks(const fitting *f, int64_t i, uint8_t *touched)
{
    const csr *by_user = f->by_user, *by_item = f->by_item;
    int64_t additions = 0;
    for (int64_t at = by_item->start[i]; at < by_item->start[i + 1]; at++)
        additions += csr_row_count(by_user, by_item->index[at]);
    memset(touched, additions > f->items / 2, (size_t)f->blocks);
    if (additions > f->items / 2)
        return;
    for (int64_t at = by_item->start[i]; at < by_item->start[i + 1]; at++) {
        const int64_t user = by_item->index[at];
        for (int64_t e = by_user->start[user]; e < by_user->start[user + 1]; e++)
            touched[by_user->index[e] / BLOCK] = 1;
    }
}

/* Offers the similarities of i and the items of one block; clears the block. */
static void offer_block(const fitting *f, int64_t i, int64_t block, scratch *s, topk *nearest)
{
    const int64_t first = block * BLOCK;
    double *dots = s->dots + first;
    const double *norm = f->norm + first;
    float similarity[BLOCK];
    for (int64_t j = 0; j < BLOCK; j++) {
        const float cosine = (float)(dots[j] / (f->norm[i] * norm[j] + f->shrinkage));
        similarity[j] = cosine > 0 && cosine < INFINITY ? cosine : -INFINITY;
        dots[j] = 0;
    }
    if (i / BLOCK == block)
        similarity[i % BLOCK] = -INFINITY;
    topk_offer(nearest, similarity, BLOCK, (uint32_t)first);
}

static void fit_item(const fitting *f, int64_t i, scratch *s)
{
    topk nearest;
    topk_start(&nearest, s->list, f->neighbours, f->seed, (uint64_t)i);
    add_users(f, i, s->dots);
    touch_blocks(f, i, s->touched);
    for (int64_t block = 0; block < f->blocks; block++)
        if (s->touched[block])
            offer_block(f, i, block, s, &nearest);
    topk_sort(&nearest);
    f->count[i] = nearest.count;
    for (int64_t n = 0; n < nearest.count; n++) {
        f->index[i * f->neighbours + n] = nearest.entries[n].item;
        f->value[i * f->neighbours + n] = nearest.entries[n].score;
    }
}

static medley_status fit_items(void *context, int64_t task, int worker, medley_error *err)
{
    const fitting *f = context;
    const int64_t first = task * ROWS_A_TASK;
    const int64_t end = first + ROWS_A_TASK < f->items ? first + ROWS_A_TASK : f->items;
    for (int64_t i = first; i < end; i++)
        fit_item(f, i, &f->scratch[worker]);
    return tally_add(f->progress, end - first, err);
}

static medley_status find_nearest(const medley_runtime *rt, fitting *f, medley_error *err)
{
    const int workers = parallel_workers(rt);
    medley_status status;
    tally progress;
    tally_start(&progress, rt, "comparing items", f->items);
    f->progress = &progress;
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *f->scratch, &f->scratch, err));
    for (int w = 0; w < workers; w++) {
        scratch *s = &f->scratch[w];
        TRY_DONE(mem_alloc_zero(rt, f->blocks * BLOCK, sizeof *s->dots, &s->dots, err));
        TRY_DONE(mem_alloc(rt, f->blocks, sizeof *s->touched, &s->touched, err));
        TRY_DONE(mem_alloc(rt, f->neighbours, sizeof *s->list, &s->list, err));
    }
    TRY_DONE(parallel_run(rt, (f->items + ROWS_A_TASK - 1) / ROWS_A_TASK, fit_items, f, err));
done:
    for (int w = 0; f->scratch != NULL && w < workers; w++) {
        mem_free(f->scratch[w].dots);
        mem_free(f->scratch[w].touched);
        mem_free(f->scratch[w].list);
    }
    mem_free(f->scratch);
    return status;
}

/* Closes the gaps between rows of less than K neighbours; start: [I + 1]. */
static csr close_gaps(const fitting *f, int64_t *start)
{
    start[0] = 0;
    for (int64_t i = 0; i < f->items; i++) {
        const int64_t from = i * f->neighbours;
        memmove(f->index + start[i], f->index + from, (size_t)f->count[i] * sizeof *f->index);
        memmove(f->value + start[i], f->value + from, (size_t)f->count[i] * sizeof *f->value);
        start[i + 1] = start[i] + f->count[i];
    }
    return (csr){f->items, f->items, start, f->index, f->value};
}

static void measure_norms(const csr *by_item, double *norm)
{
    for (int64_t i = 0; i < by_item->rows; i++) {
        double square = 0;
        for (int64_t at = by_item->start[i]; at < by_item->start[i + 1]; at++) {
            const double x = by_item->value != NULL ? (double)by_item->value[at] : 1;
            square += x * x;
        }
        norm[i] = sqrt(square);
    }
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const itemknn_params *p = values;
    csr by_user = data->matrix;
    if (p->feedback == FEEDBACK_RATING && by_user.value == NULL)
        return fail(err, MEDLEY_E_CONFIG, "feedback: rating, but the data has no ratings; binary is accepted");
    if (p->feedback == FEEDBACK_BINARY)
        by_user.value = NULL;
    const int64_t items = data->items, blocks = (items + BLOCK - 1) / BLOCK;
    csr_owner by_item = {0}, weights = {0};
    double *norm = NULL;
    int64_t *start = NULL;
    fitting f = {.by_user = &by_user,
                 .by_item = &by_item.view,
                 .items = items,
                 .blocks = blocks,
                 .neighbours = neighbours_of(p, items),
                 .shrinkage = p->shrinkage,
                 .seed = data->seed};
    medley_status status;
    TRY_DONE(csr_transpose(rt, &by_user, &by_item, err));
    TRY_DONE(mem_alloc_zero(rt, blocks * BLOCK, sizeof *norm, &norm, err));
    measure_norms(&by_item.view, norm);
    f.norm = norm;
    TRY_DONE(mem_alloc(rt, items, sizeof *f.count, &f.count, err));
    TRY_DONE(mem_alloc(rt, items + 1, sizeof *start, &start, err));
    TRY_DONE(mem_alloc(rt, items * f.neighbours, sizeof *f.index, &f.index, err));
    TRY_DONE(mem_alloc(rt, items * f.neighbours, sizeof *f.value, &f.value, err));
    TRY_DONE(find_nearest(rt, &f, err));
    const csr nearest = close_gaps(&f, start);
    TRY_DONE(csr_transpose(rt, &nearest, &weights, err));
    TRY_DONE(model_add_sparse(rt, state, SPARSE_NAMES("weights"), &weights.view, err));
done:
    csr_release(&weights);
    csr_release(&by_item);
    mem_free(norm);
    mem_free(f.count);
    mem_free(start);
    mem_free(f.index);
    mem_free(f.value);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    (void)values;
    (void)users;
    *out = (scoring){.form = SCORING_LINEAR_SPARSE, .items = items};
    return model_sparse(state, SPARSE_NAMES("weights"), items, items, &out->sparse, err);
}

extern const model_class model_itemknn;
const model_class model_itemknn = {
    .name = "itemknn",
    .title = "ItemKNN",
    .summary = "items whose users resemble those of the items in the history",
    .paper =
        "Deshpande and Karypis, Item-based top-N recommendation algorithms, TOIS 2004; cosine similarity without "
        "normalising rows; shrinkage as in Bell and Koren, ICDM 2007, here added to the product of norms; "
        "feedback 'rating' changes similarities only: scores sum them over the history unweighted",
    .params = params,
    .params_size = sizeof(itemknn_params),
    .limits = "users without history; items without training users",
    .advice = "lower neighbours or raise min_item_interactions",
    .estimate = estimate,
    .fit = fit,
    .scoring = score,
};
