#include "model/vector_neighbours.h"

#include <math.h>

#include "base/number.h"
#include "base/tally.h"
#include "tensor/gemm.h"
#include "tensor/topk.h"

enum { ROWS = 64, COLUMNS = 1024 };

/* ---- reading ---- */

/* Splits "name:weight" off *at, and moves on; an empty name: there is none. */
static medley_status next_name(const char **at, char name[256], double *weight, medley_error *err)
{
    *at += strspn(*at, ", ");
    const char *const start = *at;
    const size_t whole = strcspn(start, ", "), length = strcspn(start, ":, ");
    *at += whole;
    *weight = 1;
    if (length >= 256)
        return fail(err, MEDLEY_E_CONFIG, "features: a name of %zu bytes is longer than 255", length);
    memcpy(name, start, length);
    name[length] = '\0';
    if (length < whole &&
        (!number_real(start + length + 1, whole - length - 1, weight) || !(*weight > 0) || !isfinite(*weight)))
        return fail(err, MEDLEY_E_CONFIG,
                    "features: '%.*s' is no name with a weight; accepted: such as visual:0.5", (int)whole, start);
    return MEDLEY_OK;
}

/* Rows of length 1 in double, rounded once; items that lack one, or whose row is zero, get zeros and no bit. */
static void normalise(const features *f, const double *mean, double *row, float *out, uint8_t *has, uint8_t bit)
{
    const int64_t F = f->length;
    for (int64_t i = 0; i < f->items; i++) {
        double square = 0;
        for (int64_t j = 0; !f->lacks[i] && j < F; j++) {
            row[j] = (double)f->rows[i * F + j] - mean[j];
            square += row[j] * row[j];
        }
        const double length = sqrt(square);
        if (length > 0)
            has[i] |= bit;
        for (int64_t j = 0; j < F; j++)
            out[i * F + j] = length > 0 ? (float)(row[j] / length) : 0;
    }
}

static void find_mean(const features *f, double *mean)
{
    const double present = (double)(f->items - f->missing);
    for (int64_t i = 0; i < f->items; i++)
        for (int64_t j = 0; !f->lacks[i] && j < f->length; j++)
            mean[j] += (double)f->rows[i * f->length + j] / present;
}

static medley_status add_space(const medley_runtime *rt, const features *f, double weight, bool center,
                               vector_spaces *out, medley_error *err)
{
    vector_space *space = &out->of[out->count];
    double *mean = NULL, *row = NULL;
    medley_status status = MEDLEY_OK;
    *space = (vector_space){.length = f->length, .weight = weight};
    TRY_DONE(mem_alloc_zero(rt, f->length, sizeof *mean, &mean, err));
    TRY_DONE(mem_alloc(rt, f->length, sizeof *row, &row, err));
    TRY_DONE(mem_alloc(rt, mem_bytes(f->items, sizeof *space->rows), (size_t)f->length, &space->rows, err));
    if (center)
        find_mean(f, mean);
    normalise(f, mean, row, space->rows, out->has, (uint8_t)(1 << out->count));
    out->count++;
done:
    mem_free(mean);
    mem_free(row);
    return status;
}

medley_status vector_spaces_read(const medley_runtime *rt, const char *folder, int64_t items, const char *names,
                                 bool center, vector_spaces *out, medley_error *err)
{
    *out = (vector_spaces){.items = items};
    TRY(mem_alloc_zero(rt, items, sizeof *out->has, &out->has, err));
    for (const char *at = names;;) {
        char name[256];
        double weight;
        features f = {0};
        TRY(next_name(&at, name, &weight, err));
        if (name[0] == '\0')
            break;
        if (out->count == VECTOR_SPACES_MOST)
            return fail(err, MEDLEY_E_CONFIG, "features: '%s' names more than %d", names, VECTOR_SPACES_MOST);
        medley_status status = features_open(rt, folder, items, name, &f, err);
        if (status == MEDLEY_OK)
            status = add_space(rt, &f, weight, center, out, err);
        features_release(&f);
        TRY(status);
    }
    return out->count > 0
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "features: '%s' names none; see medley features list", names);
}

void vector_spaces_release(vector_spaces *s)
{
    for (int64_t m = 0; m < s->count; m++)
        mem_free(s->of[m].rows);
    mem_free(s->has);
    *s = (vector_spaces){0};
}

/* ---- searching ---- */

/* A worker's memory. */
typedef struct scratch {
    float *dots, *sums; /* [ROWS, COLUMNS] */
    topk_entry *lists;  /* [ROWS, K] */
} scratch;

typedef struct searching {
    const vector_spaces *s;
    double total[1 << VECTOR_SPACES_MOST]; /* sum of the weights of a set of spaces */
    float doubt;                           /* bound of the error of a similarity in float */
    int64_t most;
    uint64_t seed;
    scratch *scratch; /* [workers] */
    int64_t *count;   /* [I + 1] neighbours of i at i + 1 */
    uint32_t *index;  /* [I, K] */
    float *value;     /* [I, K] */
    tally *progress;
} searching;

static float similarity(const searching *f, int64_t i, int64_t j)
{
    const vector_spaces *s = f->s;
    const uint8_t both = s->has[i] & s->has[j];
    double sum = 0;
    for (int64_t m = 0; m < s->count; m++) {
        const vector_space *x = &s->of[m];
        double dot = 0;
        for (int64_t k = 0; (both >> m & 1) != 0 && k < x->length; k++)
            dot += (double)x->rows[i * x->length + k] * (double)x->rows[j * x->length + k];
        sum += x->weight * dot;
    }
    return both != 0 ? (float)(sum / f->total[both]) : 0;
}

/* sums [rows, COLUMNS]: the similarities of a tile, roughly. */
static void compare_tile(const searching *f, int64_t row, int64_t rows, int64_t column, int64_t columns,
                         scratch *w)
{
    const vector_spaces *s = f->s;
    memset(w->sums, 0, ROWS * COLUMNS * sizeof *w->sums);
    for (int64_t m = 0; m < s->count; m++) {
        const int64_t F = s->of[m].length;
        const float weight = (float)s->of[m].weight;
        gemm_abt(rows, columns, F, s->of[m].rows + row * F, F, s->of[m].rows + column * F, F, w->dots, COLUMNS);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++)
                w->sums[r * COLUMNS + c] += weight * w->dots[r * COLUMNS + c];
    }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            const uint8_t both = s->has[row + r] & s->has[column + c];
            w->sums[r * COLUMNS + c] /= both != 0 ? (float)f->total[both] : 1;
        }
}

/* Only what may be above zero and above the worst of the list is worth an exact look. */
static void offer_row(const searching *f, int64_t i, const float *sums, int64_t column, int64_t columns,
                      topk *nearest)
{
    for (int64_t c = 0;; c++) {
        const float least = topk_threshold(nearest) > 0 ? topk_threshold(nearest) : 0;
        c = topk_next(sums, c, columns, least - f->doubt);
        if (c >= columns)
            return;
        const float exact = column + c != i ? similarity(f, i, column + c) : 0;
        if (exact > 0)
            topk_push(nearest, exact, (uint32_t)(column + c));
    }
}

static medley_status search_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const searching *f = context;
    scratch *w = &f->scratch[worker];
    topk nearest[ROWS];
    const int64_t items = f->s->items, row = task * ROWS, rows = items - row < ROWS ? items - row : ROWS;
    for (int64_t r = 0; r < rows; r++)
        topk_start(&nearest[r], w->lists + r * f->most, f->most, f->seed, (uint64_t)(row + r));
    for (int64_t column = 0; column < items; column += COLUMNS) {
        const int64_t columns = items - column < COLUMNS ? items - column : COLUMNS;
        compare_tile(f, row, rows, column, columns, w);
        for (int64_t r = 0; r < rows; r++)
            offer_row(f, row + r, w->sums + r * COLUMNS, column, columns, &nearest[r]);
    }
    for (int64_t r = 0; r < rows; r++) {
        topk_sort(&nearest[r]);
        f->count[row + r + 1] = nearest[r].count;
        for (int64_t n = 0; n < nearest[r].count; n++) {
            f->index[(row + r) * f->most + n] = nearest[r].entries[n].item;
            f->value[(row + r) * f->most + n] = nearest[r].entries[n].score;
        }
    }
    return tally_add(f->progress, rows, err);
}

/* Products of F floats of rows of length 1 are off by F units of rounding at most; sums of a few by some more. */
static void weigh(searching *f)
{
    int64_t longest = 0;
    for (int64_t m = 0; m < f->s->count; m++)
        longest = f->s->of[m].length > longest ? f->s->of[m].length : longest;
    f->doubt = (float)(2 * longest + 64) * 0x1p-24f;
    for (int set = 0; set < 1 << VECTOR_SPACES_MOST; set++)
        for (int64_t m = 0; m < f->s->count; m++)
            f->total[set] += (set >> m & 1) != 0 ? f->s->of[m].weight : 0;
}

static medley_status search_all(const medley_runtime *rt, searching *f, medley_error *err)
{
    const int64_t tasks = (f->s->items + ROWS - 1) / ROWS;
    const int workers = tasks < parallel_workers(rt) ? (int)tasks : parallel_workers(rt);
    medley_status status;
    tally progress;
    tally_start(&progress, rt, "comparing features", f->s->items);
    f->progress = &progress;
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *f->scratch, &f->scratch, err));
    for (int w = 0; w < workers; w++) {
        TRY_DONE(mem_alloc(rt, ROWS * COLUMNS, sizeof(float), &f->scratch[w].dots, err));
        TRY_DONE(mem_alloc(rt, ROWS * COLUMNS, sizeof(float), &f->scratch[w].sums, err));
        TRY_DONE(mem_alloc(rt, ROWS * f->most, sizeof(topk_entry), &f->scratch[w].lists, err));
    }
    status = parallel_run(rt, tasks, search_rows, f, err);
done:
    for (int w = 0; f->scratch != NULL && w < workers; w++) {
        mem_free(f->scratch[w].dots);
        mem_free(f->scratch[w].sums);
        mem_free(f->scratch[w].lists);
    }
    mem_free(f->scratch);
    return status;
}

/* Closes the gaps behind rows of less than K neighbours; count[] becomes start[]. */
static void close_gaps(const searching *f)
{
    int64_t *start = f->count;
    start[0] = 0;
    for (int64_t row = 0; row < f->s->items; row++) {
        const int64_t from = row * f->most, to = start[row], count = start[row + 1];
        memmove(f->index + to, f->index + from, (size_t)count * sizeof *f->index);
        memmove(f->value + to, f->value + from, (size_t)count * sizeof *f->value);
        start[row + 1] += to;
    }
}

medley_status vector_neighbours(const medley_runtime *rt, const vector_spaces *s, int64_t most, uint64_t seed,
                                csr_owner *out, medley_error *err)
{
    searching f = {.s = s, .most = most < s->items ? most : s->items > 0 ? s->items : 1, .seed = seed};
    medley_status status;
    *out = (csr_owner){0};
    TRY_DONE(mem_alloc(rt, s->items + 1, sizeof *out->start, &out->start, err));
    TRY_DONE(mem_alloc(rt, s->items * f.most, sizeof *out->index, &out->index, err));
    TRY_DONE(mem_alloc(rt, s->items * f.most, sizeof *out->value, &out->value, err));
    f.count = out->start;
    f.index = out->index;
    f.value = out->value;
    weigh(&f);
    TRY_DONE(search_all(rt, &f, err));
    close_gaps(&f);
    out->view = (csr){s->items, s->items, out->start, out->index, out->value};
done:
    if (status != MEDLEY_OK)
        csr_release(out);
    return status;
}
