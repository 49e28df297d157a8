#include "tensor/csr.h"

enum {
    ROWS_A_TASK = 1024,
    INSERTION_MOST = 48, /* longer rows are sorted by radix */
};

/* A row being sorted: column in the high half, position in the row in the low one, so that keys
 * are distinct and the later of two equal columns is the later entry. */
typedef uint64_t key;

static uint32_t column_of(key k)
{
    return (uint32_t)(k >> 32);
}

typedef struct building {
    const uint32_t *column;
    const float *value;
    int64_t rows, columns;
    const int64_t *from; /* [rows + 1] where each row's entries begin */
    int64_t *kept;       /* [rows + 1] distinct columns of row r at kept[r + 1] */
    uint32_t *index;
    float *out_value;
    key **scratch; /* [workers] two rows of the longest length */
    int64_t longest;
} building;

static void sort_by_insertion(key *keys, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        const key k = keys[i];
        int64_t at = i;
        for (; at > 0 && keys[at - 1] > k; at--)
            keys[at] = keys[at - 1];
        keys[at] = k;
    }
}

/* Least significant digit first over the column's bytes; stable, so positions stay in order.
 * Returns the array that holds the result: `keys` or `other`. */
static key *sort_by_radix(key *keys, key *other, int64_t count, int64_t columns)
{
    for (int shift = 32; shift < 64 && (columns - 1) >> (shift - 32) != 0; shift += 8) {
        int64_t place[257] = {0};
        for (int64_t i = 0; i < count; i++)
            place[(keys[i] >> shift & 255) + 1]++;
        for (int digit = 0; digit < 256; digit++)
            place[digit + 1] += place[digit];
        for (int64_t i = 0; i < count; i++)
            other[place[keys[i] >> shift & 255]++] = keys[i];
        key *const sorted = other;
        other = keys;
        keys = sorted;
    }
    return keys;
}

/* Sorts and merges one row in place of its raw entries; compaction follows when all rows are done. */
static void build_row(const building *b, int64_t row, key *keys)
{
    const int64_t first = b->from[row], count = b->from[row + 1] - first;
    for (int64_t i = 0; i < count; i++)
        keys[i] = (key)b->column[first + i] << 32 | (key)i;
    if (count <= INSERTION_MOST)
        sort_by_insertion(keys, count);
    else
        keys = sort_by_radix(keys, keys + b->longest, count, b->columns);
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i + 1 < count && column_of(keys[i]) == column_of(keys[i + 1]))
            continue;
        b->index[first + kept] = column_of(keys[i]);
        if (b->value != NULL)
            b->out_value[first + kept] = b->value[first + (int64_t)(uint32_t)keys[i]];
        kept++;
    }
    b->kept[row + 1] = kept;
}

static medley_status build_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const building *b = context;
    const int64_t last = (task + 1) * ROWS_A_TASK < b->rows ? (task + 1) * ROWS_A_TASK : b->rows;
    (void)err;
    for (int64_t row = task * ROWS_A_TASK; row < last; row++)
        build_row(b, row, b->scratch[worker]);
    return MEDLEY_OK;
}

/* from[r] = first entry of row r; returns the longest row. */
static int64_t find_rows(const uint32_t *row, int64_t count, int64_t rows, int64_t *from)
{
    int64_t longest = 0, entry = 0;
    for (int64_t r = 0; r < rows; r++) {
        from[r] = entry;
        while (entry < count && row[entry] == (uint32_t)r)
            entry++;
        if (entry - from[r] > longest)
            longest = entry - from[r];
    }
    from[rows] = count;
    assert(entry == count); /* rows ascend and are < rows */
    return longest;
}

/* Closes the gaps that merged entries left; kept[] becomes start[]. */
static void close_gaps(const building *b)
{
    for (int64_t row = 0; row < b->rows; row++) {
        const int64_t from = b->from[row], to = b->kept[row], count = b->kept[row + 1];
        if (from != to) {
            memmove(b->index + to, b->index + from, (size_t)count * sizeof *b->index);
            if (b->value != NULL)
                memmove(b->out_value + to, b->out_value + from, (size_t)count * sizeof *b->out_value);
        }
        b->kept[row + 1] += to;
    }
}

static medley_status csr_alloc(const medley_runtime *rt, int64_t rows, int64_t count, bool values, csr_owner *out,
                               medley_error *err)
{
    *out = (csr_owner){0};
    TRY(mem_alloc_zero(rt, rows + 1, sizeof *out->start, &out->start, err));
    medley_status status;
    TRY_DONE(mem_alloc(rt, count, sizeof *out->index, &out->index, err));
    if (values)
        TRY_DONE(mem_alloc(rt, count, sizeof *out->value, &out->value, err));
done:
    if (status != MEDLEY_OK)
        csr_release(out);
    return status;
}

static void csr_show(csr_owner *m, int64_t rows, int64_t columns)
{
    m->view = (csr){rows, columns, m->start, m->index, m->value};
}

medley_status csr_build(const medley_runtime *rt, int64_t rows, int64_t columns, const uint32_t *row,
                        const uint32_t *column, const float *value, int64_t count, csr_owner *out,
                        medley_error *err)
{
    TRY(csr_alloc(rt, rows, count, value != NULL, out, err));
    medley_status status;
    const int workers = parallel_workers(rt);
    int64_t *from = NULL;
    building b = {.column = column,
                  .value = value,
                  .rows = rows,
                  .columns = columns,
                  .kept = out->start,
                  .index = out->index,
                  .out_value = out->value};
    TRY_DONE(mem_alloc(rt, rows + 1, sizeof *from, &from, err));
    b.from = from;
    b.longest = find_rows(row, count, rows, from);
    if (b.longest > (int64_t)UINT32_MAX) {
        status = fail(err, MEDLEY_E_LIMIT, "a row of %lld entries; at most %lld are accepted",
                      (long long)b.longest, (long long)UINT32_MAX);
        goto done;
    }
    TRY_DONE(mem_alloc_zero(rt, workers, sizeof *b.scratch, &b.scratch, err));
    for (int i = 0; i < workers; i++)
        TRY_DONE(mem_alloc(rt, 2 * b.longest, sizeof **b.scratch, &b.scratch[i], err));
    TRY_DONE(parallel_run(rt, (rows + ROWS_A_TASK - 1) / ROWS_A_TASK, build_rows, &b, err));
    close_gaps(&b);
    csr_show(out, rows, columns);
done:
    for (int i = 0; b.scratch != NULL && i < workers; i++)
        mem_free(b.scratch[i]);
    mem_free(b.scratch);
    mem_free(from);
    if (status != MEDLEY_OK)
        csr_release(out);
    return status;
}

medley_status csr_transpose(const medley_runtime *rt, const csr *m, csr_owner *out, medley_error *err)
{
    const int64_t count = csr_count(m);
    TRY(csr_alloc(rt, m->columns + 1, count, m->value != NULL, out, err));
    /* Counted two places up, start[c + 1] is where column c's next entry goes while rows are
     * walked, and its end when they are done. */
    int64_t *next = out->start + 1;
    for (int64_t i = 0; i < count; i++)
        next[m->index[i] + 1]++;
    for (int64_t column = 0; column < m->columns; column++)
        next[column + 1] += next[column];
    for (int64_t row = 0; row < m->rows; row++)
        for (int64_t i = m->start[row]; i < m->start[row + 1]; i++) {
            const int64_t to = next[m->index[i]]++;
            out->index[to] = (uint32_t)row;
            if (m->value != NULL)
                out->value[to] = m->value[i];
        }
    csr_show(out, m->columns, m->rows);
    return MEDLEY_OK;
}

void csr_release(csr_owner *m)
{
    mem_free(m->start);
    mem_free(m->index);
    mem_free(m->value);
    *m = (csr_owner){0};
}
