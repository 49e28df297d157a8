/* Items are drawn from the running sums of the weights, and drawn again when they were drawn before or are not
 * to be drawn. Where that takes too long, because few items hold most of the weight, the rest is drawn as
 * Efraimidis and Spirakis do (2006): the smallest of keys -ln(u) / weight, which is the same distribution. */
#include "eval/evaluation_sample.h"

#include <math.h>

#include "base/tally.h"

enum { ROWS_A_TASK = 64, TRIES_A_DRAW = 30 };

typedef struct keyed_item {
    double key;
    uint32_t item;
} keyed_item;

typedef struct sampling {
    const sample_plan *plan;
    const csr *targets, *known;
    int64_t *sums;    /* [I] running sums of weights */
    int64_t *start;   /* [rows + 1] room of each row */
    int64_t *count;   /* [rows] used of it */
    uint32_t *index;  /* [start[rows]] */
    uint8_t *taken;   /* [workers, I] */
    keyed_item *keys; /* [workers, I] */
    tally progress;
} sampling;

static int64_t weight_of(const sample_plan *plan, int64_t item)
{
    return plan->weight != NULL ? plan->weight[item] : 1;
}

static uint32_t draw_item(const sampling *s, uint64_t bits)
{
    const int64_t items = s->targets->columns;
    const int64_t at = (int64_t)(bits % (uint64_t)s->sums[items - 1]);
    int64_t low = 0, high = items - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (s->sums[middle] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static int by_key(const void *left, const void *right)
{
    const keyed_item *a = left, *b = right;
    return a->key != b->key ? (a->key > b->key) - (a->key < b->key) : (a->item > b->item) - (a->item < b->item);
}

static void mark(const csr *m, int64_t row, uint8_t *taken, uint8_t value)
{
    for (int64_t at = m->start[row]; at < m->start[row + 1]; at++)
        taken[m->index[at]] = value;
}

/* The rest of the row when drawing and throwing away is too slow. */
static void draw_by_keys(const sampling *s, int64_t row, const uint8_t *taken, keyed_item *keys, int64_t wanted)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->targets->columns; i++) {
        const double weight = (double)weight_of(s->plan, i);
        if (taken[i] == 0 && weight > 0)
            keys[n++] = (keyed_item){-log1p(-random_uniform(s->plan->seed, ~(uint64_t)row, (uint64_t)i)) / weight,
                                     (uint32_t)i};
    }
    if (n > 0)
        qsort(keys, (size_t)n, sizeof *keys, by_key);
    for (int64_t k = 0; k < n && s->count[row] < wanted; k++)
        s->index[s->start[row] + s->count[row]++] = keys[k].item;
}

static int by_index(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void sample_row(const sampling *s, int64_t row, uint8_t *taken, keyed_item *keys)
{
    const int64_t targets = csr_row_count(s->targets, row), wanted = targets + s->plan->count;
    const int64_t total = s->sums[s->targets->columns - 1];
    uint32_t *out = s->index + s->start[row];
    if (targets == 0)
        return;
    mark(s->known, row, taken, 1);
    mark(s->targets, row, taken, 1);
    memcpy(out, s->targets->index + s->targets->start[row], (size_t)targets * sizeof *out);
    s->count[row] = targets;
    for (int64_t n = 0; total > 0 && n < TRIES_A_DRAW * s->plan->count && s->count[row] < wanted; n++) {
        const uint32_t item = draw_item(s, random_bits(s->plan->seed, (uint64_t)row, (uint64_t)n));
        if (taken[item] != 0)
            continue;
        taken[item] = 1;
        out[s->count[row]++] = item;
    }
    if (s->count[row] < wanted)
        draw_by_keys(s, row, taken, keys, wanted);
    for (int64_t i = 0; i < s->count[row]; i++)
        taken[out[i]] = 0;
    mark(s->known, row, taken, 0);
    qsort(out, (size_t)s->count[row], sizeof *out, by_index);
}

static medley_status sample_task(void *context, int64_t task, int worker, medley_error *err)
{
    sampling *s = context;
    const int64_t items = s->targets->columns, first = task * ROWS_A_TASK;
    const int64_t end = first + ROWS_A_TASK < s->targets->rows ? first + ROWS_A_TASK : s->targets->rows;
    for (int64_t row = first; row < end; row++)
        sample_row(s, row, s->taken + worker * items, s->keys + worker * items);
    return tally_add(&s->progress, end - first, err);
}

/* Rows end to end without the room that was left. */
static void close_gaps(sampling *s, int64_t rows)
{
    int64_t used = 0;
    for (int64_t r = 0; r < rows; r++) {
        memmove(s->index + used, s->index + s->start[r], (size_t)s->count[r] * sizeof *s->index);
        s->start[r] = used;
        used += s->count[r];
    }
    s->start[rows] = used;
}

medley_status evaluation_sample(const medley_runtime *rt, const sample_plan *plan, const csr *targets,
                                const csr *known, csr_owner *out, medley_error *err)
{
    const int64_t rows = targets->rows, items = targets->columns, workers = parallel_workers(rt);
    const int64_t most = plan->count < items ? plan->count : items;
    sampling s = {.plan = plan, .targets = targets, .known = known};
    medley_status status;
    *out = (csr_owner){0};
    tally_start(&s.progress, rt, "sampling candidates", rows);
    TRY_DONE(mem_alloc(rt, rows + 1, sizeof *s.start, &s.start, err));
    s.start[0] = 0;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t own = csr_row_count(targets, r);
        s.start[r + 1] = s.start[r] + (own > 0 ? own + most : 0);
    }
    TRY_DONE(mem_alloc_zero(rt, rows, sizeof *s.count, &s.count, err));
    TRY_DONE(mem_alloc(rt, s.start[rows], sizeof *s.index, &s.index, err));
    TRY_DONE(mem_alloc_zero(rt, workers * items, sizeof *s.taken, &s.taken, err));
    TRY_DONE(mem_alloc(rt, workers * items, sizeof *s.keys, &s.keys, err));
    TRY_DONE(mem_alloc(rt, items, sizeof *s.sums, &s.sums, err));
    for (int64_t i = 0; i < items; i++)
        s.sums[i] = weight_of(plan, i) + (i > 0 ? s.sums[i - 1] : 0);
    if (items > 0)
        TRY_DONE(parallel_run(rt, (rows + ROWS_A_TASK - 1) / ROWS_A_TASK, sample_task, &s, err));
    close_gaps(&s, rows);
    *out = (csr_owner){
        .view = {.rows = rows, .columns = items, .start = s.start, .index = s.index},
        .start = s.start,
        .index = s.index,
    };
    s.start = NULL;
    s.index = NULL;
done:
    mem_free(s.sums);
    mem_free(s.keys);
    mem_free(s.taken);
    mem_free(s.index);
    mem_free(s.count);
    mem_free(s.start);
    return status;
}
