#include "tensor/kernel_spmm.h"

#include "base/multiversion.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLLED _Pragma("unroll")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

enum {
    LANES = 16,
    AHEAD = 16,             /* entries between the row that is asked for and the one that is added */
    TASK_NUMBERS = 1 << 18, /* multiply-adds of a task */
};
typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

/* Columns of one call, and its rows. */
typedef struct strip {
    const csr *a;
    const real *x;
    real *y;
    int64_t d, first, end;
    bool add;
} strip;

/* A row of y stays in registers while its entries run. */
INLINE void sum_rows(const strip *s, const int vectors)
{
    const csr *a = s->a;
    const int64_t entries = csr_count(a), d = s->d;
    const uint32_t *index = a->index;
    for (int64_t row = s->first; row < s->end; row++) {
        lanes sum[4], *y = (lanes *)(s->y + row * d);
        UNROLLED for (int v = 0; v < vectors; v++) sum[v] = s->add ? y[v] : (lanes){0};
        for (int64_t e = a->start[row]; e < a->start[row + 1]; e++) {
            const lanes *x = (const lanes *)(s->x + index[e] * d);
            const real value = a->value != NULL ? (real)a->value[e] : 1;
            const char *next = (const char *)(s->x + index[e + AHEAD < entries ? e + AHEAD : e] * d);
            UNROLLED for (int v = 0; v < vectors; v++) __builtin_prefetch(next + v * (int)sizeof(lanes));
            UNROLLED for (int v = 0; v < vectors; v++) sum[v] += value * x[v];
        }
        UNROLLED for (int v = 0; v < vectors; v++) y[v] = sum[v];
    }
}

/* With a number known at compile time the loops above unroll. */
#define STRIP(vectors)                                            \
    MULTIVERSION static void spmm_strip_##vectors(const strip *s) \
    {                                                             \
        sum_rows(s, vectors);                                     \
    }
STRIP(1)
STRIP(2)
STRIP(4)

/* The last columns, fewer than LANES. */
MULTIVERSION static void spmm_strip_rest(const strip *s, int64_t columns)
{
    for (int64_t row = s->first; row < s->end; row++) {
        real sum[LANES] = {0}, *y = s->y + row * s->d;
        for (int64_t j = 0; s->add && j < columns; j++)
            sum[j] = y[j];
        for (int64_t e = s->a->start[row]; e < s->a->start[row + 1]; e++) {
            const real value = s->a->value != NULL ? (real)s->a->value[e] : 1;
            const real *x = s->x + s->a->index[e] * s->d;
            for (int64_t j = 0; j < columns; j++)
                sum[j] += value * x[j];
        }
        for (int64_t j = 0; j < columns; j++)
            y[j] = sum[j];
    }
}

static const struct {
    int64_t columns;
    void (*run)(const strip *s);
} strips[] = {{4 * LANES, spmm_strip_4}, {2 * LANES, spmm_strip_2}, {LANES, spmm_strip_1}};

/* Rows count as an entry too, so that empty ones do not pile up in a task. */
static int64_t entries_a_task(const spmm_job *job)
{
    return job->d < TASK_NUMBERS ? TASK_NUMBERS / (job->d + 1) : 1;
}

int64_t spmm_tasks(const spmm_job *job)
{
    const int64_t entries = csr_count(job->a) + job->a->rows, each = entries_a_task(job);
    return (entries + each - 1) / each;
}

/* The first row that starts at `entry` or behind it, when rows count as an entry too. */
static int64_t row_at(const csr *a, int64_t entry)
{
    int64_t low = 0, high = a->rows;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (a->start[middle] + middle < entry)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void spmm_run(const spmm_job *job, int64_t task)
{
    const int64_t each = entries_a_task(job);
    strip s = {.a = job->a, .d = job->d, .add = job->add};
    s.first = row_at(job->a, task * each);
    s.end = row_at(job->a, (task + 1) * each);
    int64_t column = 0;
    for (size_t i = 0; i < sizeof strips / sizeof *strips; i++)
        for (; column + strips[i].columns <= job->d; column += strips[i].columns) {
            s.x = job->x + column;
            s.y = job->y + column;
            strips[i].run(&s);
        }
    s.x = job->x + column;
    s.y = job->y + column;
    if (column < job->d)
        spmm_strip_rest(&s, job->d - column);
}
