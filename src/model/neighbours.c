#include "model/neighbours.h"

#include <math.h>

#include "base/multiversion.h"
#include "base/tally.h"
#include "tensor/topk.h"

enum { WEIGHTING_NONE, WEIGHTING_TFIDF, WEIGHTING_BM25 };
enum { COSINE, ADJUSTED_COSINE, PEARSON, ASYMMETRIC_COSINE, JACCARD, DICE, TVERSKY, DOT };

const medley_param neighbours_table[] = {
    MEDLEY_INT(neighbours_params, neighbours, "100", 1, 100000, .sweep = "20,50,100,200,400",
               .help = "how many of the nearest count"),
    MEDLEY_ENUM(neighbours_params, similarity, "cosine",
                "cosine|adjusted_cosine|pearson|asymmetric_cosine|jaccard|dice|tversky|dot",
                .sweep = "cosine,asymmetric_cosine,jaccard,dice",
                .help = "how alike two rows of interactions are"),
    MEDLEY_REAL(neighbours_params, shrinkage, "0", 0, 1e9, .sweep = "0,10,100,1000",
                .help = "added to what similarity divides by: trusts rows with few interactions less"),
    MEDLEY_REAL(neighbours_params, alpha, "0.5", 0, 2, .sweep = "0.2,0.5,0.8",
                .help = "of asymmetric_cosine and tversky: share of the one whose neighbours are sought"),
    MEDLEY_REAL(neighbours_params, beta, "0.5", 0, 2, .help = "of tversky: share of the neighbour"),
    MEDLEY_ENUM(neighbours_params, weighting, "none", "none|tfidf|bm25", .sweep = "none,tfidf,bm25",
                .help = "what is done to the interactions before they are compared"),
    MEDLEY_REAL(neighbours_params, k1, "100", 1e-3, 1e6, .help = "of bm25: where many interactions stop to count"),
    MEDLEY_REAL(neighbours_params, b, "0.8", 0, 1, .help = "of bm25: how much long rows are held against them"),
    MEDLEY_ENUM(neighbours_params, feedback, "binary", "binary|rating", .sweep = "binary,rating",
                .help = "what similarity compares: who has what, or the ratings"),
    MEDLEY_ENUM(neighbours_params, weights, "binary", "binary|rating", .sweep = "binary,rating",
                .help = "what a similarity is multiplied with when scores are summed: 1, or the rating"),
    MEDLEY_PARAMS_END,
};

/* Exponents of a_i and a_j in a product, or their weights in a set's denominator. */
typedef struct similarity_form {
    bool sets;
    double own, other;
} similarity_form;

static similarity_form form_of(const neighbours_params *p)
{
    switch (p->similarity) {
    case ASYMMETRIC_COSINE:
        return (similarity_form){false, p->alpha, 1 - p->alpha};
    case JACCARD:
        return (similarity_form){true, 1, 1};
    case DICE:
        return (similarity_form){true, 0.5, 0.5};
    case TVERSKY:
        return (similarity_form){true, p->alpha, p->beta};
    case DOT:
        return (similarity_form){false, 0, 0};
    default:
        return (similarity_form){false, 0.5, 0.5};
    }
}

static bool centred(const neighbours_params *p)
{
    return p->similarity == ADJUSTED_COSINE || p->similarity == PEARSON;
}

bool neighbours_plain(const neighbours_params *p)
{
    return p->weighting == WEIGHTING_NONE && p->feedback == FEEDBACK_BINARY;
}

neighbour_search neighbours_as(const neighbours_params *p)
{
    const similarity_form form = form_of(p);
    return (neighbour_search){.most = p->neighbours,
                              .shrinkage = p->shrinkage,
                              .sets = form.sets,
                              .overlap = form.sets ? 1 - form.own - form.other : 0};
}

csr neighbours_feedback(const neighbours_params *p, const training *data)
{
    csr x = data->matrix;
    if (p->feedback == FEEDBACK_BINARY)
        x.value = NULL;
    return x;
}

medley_status neighbours_check(const neighbours_params *p, const training *data, medley_error *err)
{
    static const char *const names[] = {[ADJUSTED_COSINE] = "adjusted_cosine", [PEARSON] = "pearson"};
    const float *rating = data->matrix.value;
    const bool rated[] = {p->feedback == FEEDBACK_RATING, p->weights == FEEDBACK_RATING};
    for (int i = 0; i < 2; i++)
        if (rated[i] && rating == NULL)
            return fail(err, MEDLEY_E_CONFIG, "%s: rating, but the data has no ratings; binary is accepted",
                        i == 0 ? "feedback" : "weights");
    if (centred(p) && !rated[0])
        return fail(err, MEDLEY_E_CONFIG,
                    "similarity: %s compares ratings, but feedback is binary; set it to rating",
                    names[p->similarity]);
    for (int64_t at = 0; p->weighting != WEIGHTING_NONE && rated[0] && at < csr_count(&data->matrix); at++)
        if (!(rating[at] >= 0))
            return fail(err, MEDLEY_E_CONFIG,
                        "weighting: %s, but the data has a rating of %g; ratings of 0 and more are accepted",
                        p->weighting == WEIGHTING_TFIDF ? "tfidf" : "bm25", (double)rating[at]);
    return MEDLEY_OK;
}

/* ---- Weighting ---- */

static double value_at(const csr *x, int64_t at)
{
    return x->value != NULL ? (double)x->value[at] : 1;
}

static double row_sum(const csr *x, int64_t row)
{
    double sum = 0;
    for (int64_t at = x->start[row]; at < x->start[row + 1]; at++)
        sum += value_at(x, at);
    return sum;
}

/* One row, weighted but not centred. Values that are not positive weigh nothing. */
static void weigh_row(const neighbours_params *p, const column_facts *facts, const csr *x, int64_t row, float *out)
{
    const double length = facts->length > 0 ? row_sum(x, row) / facts->length : 0;
    const double norm = p->k1 * (1 - p->b + p->b * length);
    for (int64_t at = x->start[row]; at < x->start[row + 1]; at++) {
        const double value = value_at(x, at), idf = facts->idf[x->index[at]];
        if (p->weighting == WEIGHTING_NONE)
            out[at] = (float)value;
        else if (!(value > 0))
            out[at] = 0;
        else
            out[at] =
                (float)((p->weighting == WEIGHTING_TFIDF ? sqrt(value) : value * (p->k1 + 1) / (norm + value)) *
                        idf);
    }
}

static void centre_row(const neighbours_params *p, const column_facts *facts, const csr *x, int64_t row,
                       float *value)
{
    const int64_t first = x->start[row], end = x->start[row + 1];
    double sum = 0;
    for (int64_t at = first; at < end; at++)
        sum += (double)value[at];
    const double own = end > first ? sum / (double)(end - first) : 0;
    for (int64_t at = first; at < end; at++) {
        const double mean = p->similarity == PEARSON ? own : facts->mean[x->index[at]];
        value[at] = (float)((double)value[at] - mean);
    }
}

static medley_status weigh(const medley_runtime *rt, const neighbours_params *p, const column_facts *facts,
                           const csr *x, bool centre, csr_owner *out, medley_error *err)
{
    *out = (csr_owner){.view = *x};
    if (neighbours_plain(p))
        return MEDLEY_OK;
    TRY(mem_alloc(rt, csr_count(x), sizeof *out->value, &out->value, err));
    out->view.value = out->value;
    for (int64_t row = 0; row < x->rows; row++) {
        weigh_row(p, facts, x, row, out->value);
        if (centre)
            centre_row(p, facts, x, row, out->value);
    }
    return MEDLEY_OK;
}

medley_status neighbours_weigh(const medley_runtime *rt, const neighbours_params *p, const column_facts *facts,
                               const csr *x, csr_owner *out, medley_error *err)
{
    return weigh(rt, p, facts, x, centred(p), out, err);
}

/* mean = of each column's weighted values. */
static medley_status learn_means(const medley_runtime *rt, const neighbours_params *p, const column_facts *facts,
                                 const csr *x, const double *count, double *mean, medley_error *err)
{
    csr_owner weighted;
    TRY(weigh(rt, p, facts, x, false, &weighted, err));
    for (int64_t at = 0; at < csr_count(x); at++)
        mean[x->index[at]] += value_at(&weighted.view, at);
    for (int64_t column = 0; column < x->columns; column++)
        mean[column] /= count[column] > 0 ? count[column] : 1;
    csr_release(&weighted);
    return MEDLEY_OK;
}

medley_status neighbours_learn(const medley_runtime *rt, const neighbours_params *p, const csr *x, double *idf,
                               double *mean, column_facts *out, medley_error *err)
{
    double *count;
    medley_status status = MEDLEY_OK;
    *out = (column_facts){idf, mean, 0};
    TRY(mem_alloc_zero(rt, x->columns, sizeof *count, &count, err));
    for (int64_t at = 0; at < csr_count(x); at++)
        count[x->index[at]]++;
    for (int64_t row = 0; row < x->rows; row++)
        out->length += row_sum(x, row) / (double)x->rows;
    for (int64_t column = 0; column < x->columns; column++) {
        idf[column] = p->weighting == WEIGHTING_NONE ? 1 : log((double)x->rows) - log1p(count[column]);
        mean[column] = 0;
    }
    if (p->similarity == ADJUSTED_COSINE)
        status = learn_means(rt, p, out, x, count, mean, err);
    mem_free(count);
    return status;
}

/* ---- Norms ---- */

static void measure(const csr *weighted, bool sets, double share, double *out)
{
    for (int64_t row = 0; row < weighted->rows; row++) {
        double square = 0;
        for (int64_t at = weighted->start[row]; at < weighted->start[row + 1]; at++)
            square += value_at(weighted, at) * value_at(weighted, at);
        out[row] = sets ? share * square : share == 0.5 ? sqrt(square) : pow(square, share);
    }
}

void neighbours_own(const neighbours_params *p, const csr *weighted, double *own)
{
    const similarity_form form = form_of(p);
    measure(weighted, form.sets, form.own, own);
}

void neighbours_other(const neighbours_params *p, const csr *weighted, double *other)
{
    const similarity_form form = form_of(p);
    measure(weighted, form.sets, form.other, other);
}

/* ---- Search: a row times a matrix at a time (Gustavson), sums in a dense row ---- */

enum {
    BLOCK = 64, /* candidates that are looked at or skipped together */
    ROWS_A_TASK = 16,
};

/* A worker's memory. */
typedef struct scratch {
    double *dots;     /* [blocks × BLOCK] <row, column_j>; all zero between rows */
    uint8_t *touched; /* [blocks] whether a dot of the block may not be zero */
    topk_entry *list; /* [K] */
} scratch;

typedef struct searching {
    const neighbour_search *s;
    int64_t blocks, most;
    const double *other; /* [blocks × BLOCK] */
    scratch *scratch;    /* [workers] */
    int64_t *count;      /* [R + 1] neighbours of row r at r + 1 */
    uint32_t *index;     /* [R, K] */
    float *value;        /* [R, K] */
    tally *progress;
} searching;

/* dots += weight × row, for the `count` candidates of one column; value NULL: all ones. */
static void add_column(const uint32_t *restrict candidate, const float *restrict value, int64_t count,
                       double weight, double *restrict dots)
{
    if (value == NULL)
        for (int64_t at = 0; at < count; at++)
            dots[candidate[at]] += weight;
    else
        for (int64_t at = 0; at < count; at++)
            dots[candidate[at]] += weight * (double)value[at];
}

static void add_columns(const neighbour_search *s, int64_t row, double *dots)
{
    const csr *rows = s->rows, *columns = s->columns;
    for (int64_t at = rows->start[row]; at < rows->start[row + 1]; at++) {
        const int64_t column = rows->index[at], first = columns->start[column];
        const double weight = value_at(rows, at) * (s->scale != NULL ? s->scale[column] : 1);
        add_column(columns->index + first, columns->value != NULL ? columns->value + first : NULL,
                   csr_row_count(columns, column), weight, dots);
    }
}

/* Marks the blocks that add_columns changes: all of them when that is less work than looking. */
static void touch_blocks(const searching *f, int64_t row, uint8_t *touched)
{
    const csr *rows = f->s->rows, *columns = f->s->columns;
    int64_t additions = 0;
    for (int64_t at = rows->start[row]; at < rows->start[row + 1]; at++)
        additions += csr_row_count(columns, rows->index[at]);
    const bool many = additions > columns->columns / 2;
    memset(touched, many, (size_t)f->blocks);
    for (int64_t at = rows->start[row]; !many && at < rows->start[row + 1]; at++)
        for (int64_t e = columns->start[rows->index[at]]; e < columns->start[rows->index[at] + 1]; e++)
            touched[columns->index[e] / BLOCK] = 1;
}

/* The similarities of one block; clears its dots. -INFINITY: no neighbour. */
MULTIVERSION static void compare_block(double own, const double *restrict other, double overlap, double shrinkage,
                                       bool sets, double *restrict dots, float *restrict similarity)
{
    if (sets)
        for (int j = 0; j < BLOCK; j++)
            similarity[j] = (float)(dots[j] / (own + other[j] + overlap * dots[j] + shrinkage));
    else
        for (int j = 0; j < BLOCK; j++)
            similarity[j] = (float)(dots[j] / (own * other[j] + shrinkage));
    for (int j = 0; j < BLOCK; j++) {
        similarity[j] = similarity[j] > 0 && similarity[j] < INFINITY ? similarity[j] : -INFINITY;
        dots[j] = 0;
    }
}

/* Shell sort: in place, and lists are short. */
static void sort_by_candidate(topk_entry *list, int64_t count)
{
    static const int gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (int64_t i = gaps[g]; i < count; i++) {
            const topk_entry entry = list[i];
            int64_t at = i;
            for (; at >= gaps[g] && list[at - gaps[g]].item > entry.item; at -= gaps[g])
                list[at] = list[at - gaps[g]];
            list[at] = entry;
        }
}

static void search_row(const searching *f, int64_t row, scratch *w)
{
    const neighbour_search *s = f->s;
    const int64_t self = s->self != NULL ? s->self[row] : row;
    topk nearest;
    float similarity[BLOCK];
    topk_start(&nearest, w->list, f->most, s->seed, s->stream != NULL ? s->stream[row] : (uint64_t)row);
    add_columns(s, row, w->dots);
    touch_blocks(f, row, w->touched);
    for (int64_t block = 0; block < f->blocks; block++) {
        const int64_t first = block * BLOCK;
        if (!w->touched[block])
            continue;
        compare_block(s->own[row], f->other + first, s->overlap, s->shrinkage, s->sets, w->dots + first,
                      similarity);
        if (s->among_themselves && self / BLOCK == block)
            similarity[self % BLOCK] = -INFINITY;
        topk_offer(&nearest, similarity, BLOCK, (uint32_t)first);
    }
    sort_by_candidate(nearest.entries, nearest.count);
    f->count[row + 1] = nearest.count;
    for (int64_t n = 0; n < nearest.count; n++) {
        f->index[row * f->most + n] = nearest.entries[n].item;
        f->value[row * f->most + n] = nearest.entries[n].score;
    }
}

static medley_status search_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const searching *f = context;
    const int64_t first = task * ROWS_A_TASK, rows = f->s->rows->rows;
    const int64_t end = first + ROWS_A_TASK < rows ? first + ROWS_A_TASK : rows;
    for (int64_t row = first; row < end; row++)
        search_row(f, row, &f->scratch[worker]);
    return tally_add(f->progress, end - first, err);
}

static medley_status search_all(const medley_runtime *rt, searching *f, medley_error *err)
{
    const int64_t tasks = (f->s->rows->rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
    const int workers = tasks < parallel_workers(rt) ? (int)tasks : parallel_workers(rt);
    medley_status status;
    tally progress;
    tally_start(&progress, rt, f->s->phase, f->s->rows->rows);
    f->progress = &progress;
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *f->scratch, &f->scratch, err));
    for (int w = 0; w < workers; w++) {
        scratch *s = &f->scratch[w];
        TRY_DONE(mem_alloc_zero(rt, f->blocks * BLOCK, sizeof *s->dots, &s->dots, err));
        TRY_DONE(mem_alloc(rt, f->blocks, sizeof *s->touched, &s->touched, err));
        TRY_DONE(mem_alloc(rt, f->most, sizeof *s->list, &s->list, err));
    }
    TRY_DONE(parallel_run(rt, tasks, search_rows, f, err));
done:
    for (int w = 0; f->scratch != NULL && w < workers; w++) {
        mem_free(f->scratch[w].dots);
        mem_free(f->scratch[w].touched);
        mem_free(f->scratch[w].list);
    }
    mem_free(f->scratch);
    return status;
}

/* Closes the gaps behind rows of less than K neighbours; count[] becomes start[]. */
static void close_gaps(const searching *f)
{
    int64_t *start = f->count;
    start[0] = 0;
    for (int64_t row = 0; row < f->s->rows->rows; row++) {
        const int64_t from = row * f->most, to = start[row], count = start[row + 1];
        memmove(f->index + to, f->index + from, (size_t)count * sizeof *f->index);
        memmove(f->value + to, f->value + from, (size_t)count * sizeof *f->value);
        start[row + 1] += to;
    }
}

static int64_t most_of(int64_t most, int64_t candidates)
{
    return most < candidates ? most : candidates > 0 ? candidates : 1;
}

medley_status neighbours_search(const medley_runtime *rt, const neighbour_search *s, csr_owner *out,
                                medley_error *err)
{
    const int64_t rows = s->rows->rows, candidates = s->columns->columns;
    const int64_t blocks = (candidates + BLOCK - 1) / BLOCK, most = most_of(s->most, candidates);
    double *other = NULL;
    medley_status status;
    assert(s->rows->columns == s->columns->rows);
    *out = (csr_owner){0};
    TRY_DONE(mem_alloc_zero(rt, blocks * BLOCK, sizeof *other, &other, err));
    memcpy(other, s->other, (size_t)candidates * sizeof *other);
    TRY_DONE(mem_alloc(rt, rows + 1, sizeof *out->start, &out->start, err));
    TRY_DONE(mem_alloc(rt, rows * most, sizeof *out->index, &out->index, err));
    TRY_DONE(mem_alloc(rt, rows * most, sizeof *out->value, &out->value, err));
    searching f = {s, blocks, most, other, NULL, out->start, out->index, out->value, NULL};
    TRY_DONE(search_all(rt, &f, err));
    close_gaps(&f);
    TRY_DONE(mem_resize(rt, &out->index, out->start[rows], sizeof *out->index, err));
    TRY_DONE(mem_resize(rt, &out->value, out->start[rows], sizeof *out->value, err));
    out->view = (csr){rows, candidates, out->start, out->index, out->value};
done:
    mem_free(other);
    if (status != MEDLEY_OK)
        csr_release(out);
    return status;
}

void neighbours_count(double rows, double candidates, double pairs, workload *out)
{
    out->shared[WORK_UPDATES] += pairs + 20 * fmin(pairs, rows * candidates); /* sums, and a place in a list */
    out->shared[WORK_SCANS] += 9 * rows * candidates;
}

double neighbours_bytes(int64_t most, int64_t rows, int64_t candidates)
{
    const double entry = sizeof(uint32_t) + sizeof(float), kept = (double)most_of(most, candidates);
    const double worker = sizeof(double) * (double)candidates + sizeof(topk_entry) * kept;
    return (double)rows * (entry * kept + sizeof(int64_t)) + parallel_processors() * worker +
           sizeof(double) * (double)candidates;
}

medley_status neighbours_scoring(const void *params, const model_state *state, int64_t users, int64_t items,
                                 scoring *out, medley_error *err)
{
    (void)params;
    (void)users;
    *out = (scoring){.form = SCORING_LINEAR_SPARSE, .items = items};
    return model_sparse(state, SPARSE_NAMES("weights"), items, items, &out->sparse, err);
}
