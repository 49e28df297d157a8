/* From what the workers read to columns sorted by (user, time, input order). */
#include "data/ingest_state.h"

enum { RANGES_PER_WORKER = 2 };

/* Global indexes of each worker's ids. */
typedef struct renumbering {
    uint32_t *user, *item;
} renumbering;

/* Users whose rows one task sorts. */
typedef struct sort_job {
    ingest *in;
    dataset *out;
    const renumbering *numbers;
    const block_rows **blocks;  /* [block_count] in input order */
    uint32_t *lowest, *highest; /* [block_count] users of each block */
    int64_t block_count;
    int64_t *place;        /* [users] where a user's next row goes */
    const int64_t *start;  /* [users + 1] */
    const uint32_t *range; /* [ranges + 1] bounds of user ranges */
    int64_t longest;       /* rows of the most active user */
} sort_job;

/* Numbers ids of all workers in order of first appearance: a merge by place, since each worker saw
 * its own in ascending order. */
static medley_status merge_ids(ingest *in, bool users, idmap *out, renumbering *numbers, medley_error *err)
{
    int64_t *next;
    TRY(mem_alloc_zero(in->rt, in->worker_count, sizeof *next, &next, err));
    medley_status status = MEDLEY_OK;
    for (;;) {
        int first = -1;
        uint64_t place = UINT64_MAX;
        for (int i = 0; i < in->worker_count; i++) {
            const seen_ids *ids = users ? &in->workers[i].users : &in->workers[i].items;
            if (next[i] < ids->map.count && ids->first_seen[next[i]] < place) {
                place = ids->first_seen[next[i]];
                first = i;
            }
        }
        if (first < 0)
            break;
        const idmap *map = users ? &in->workers[first].users.map : &in->workers[first].items.map;
        /* Ids of one row of a list share a place: take all of them, in the worker's order. */
        char buffer[16];
        size_t length;
        const char *id = idmap_id(map, (uint32_t)next[first], buffer, &length);
        uint32_t *index = (users ? numbers[first].user : numbers[first].item) + next[first]++;
        status = idmap_add(out, id, length, index, err);
        if (status != MEDLEY_OK)
            break;
    }
    mem_free(next);
    return status;
}

static medley_status create_numbers(ingest *in, renumbering **out, medley_error *err)
{
    TRY(mem_alloc_zero(in->rt, in->worker_count, sizeof **out, out, err));
    for (int i = 0; i < in->worker_count; i++) {
        const ingest_worker *w = &in->workers[i];
        TRY(mem_alloc(in->rt, w->users.map.count, sizeof(uint32_t), &(*out)[i].user, err));
        TRY(mem_alloc(in->rt, w->items.map.count, sizeof(uint32_t), &(*out)[i].item, err));
    }
    return MEDLEY_OK;
}

static void free_numbers(ingest *in, renumbering *numbers)
{
    for (int i = 0; numbers != NULL && i < in->worker_count; i++) {
        mem_free(numbers[i].user);
        mem_free(numbers[i].item);
    }
    mem_free(numbers);
}

static int by_block(const void *a, const void *b)
{
    const int64_t x = (*(const block_rows *const *)a)->block, y = (*(const block_rows *const *)b)->block;
    return (x > y) - (x < y);
}

/* Renumbers a block's rows in place and notes which users it holds. */
static medley_status renumber_block(void *context, int64_t task, int worker, medley_error *err)
{
    const sort_job *job = context;
    const block_rows *b = job->blocks[task];
    const renumbering *numbers = &job->numbers[b->worker];
    uint32_t *user = b->chunk->user + b->first, *item = b->chunk->item + b->first;
    uint32_t lowest = UINT32_MAX, highest = 0;
    for (int64_t i = 0; i < b->count; i++) {
        user[i] = numbers->user[user[i]];
        item[i] = numbers->item[item[i]];
        lowest = user[i] < lowest ? user[i] : lowest;
        highest = user[i] > highest ? user[i] : highest;
    }
    job->lowest[task] = lowest;
    job->highest[task] = highest;
    (void)worker;
    (void)err;
    return MEDLEY_OK;
}

/* Brings the rows of users low..high-1 together, each user's in input order. */
static void scatter(const sort_job *job, uint32_t low, uint32_t high)
{
    const dataset *d = job->out;
    for (int64_t n = 0; n < job->block_count; n++) {
        const block_rows *b = job->blocks[n];
        const row_chunk *c = b->chunk;
        if (job->highest[n] < low || job->lowest[n] >= high)
            continue;
        for (int64_t i = b->first; i < b->first + b->count; i++) {
            const uint32_t user = c->user[i];
            if (user < low || user >= high)
                continue;
            const int64_t to = job->place[user]++;
            d->item[to] = c->item[i];
            if (d->rating != NULL)
                d->rating[to] = c->rating[i];
            if (d->timestamp != NULL)
                d->timestamp[to] = c->timestamp[i];
            if (d->part != NULL)
                d->part[to] = c->part != NULL ? c->part[i] : (uint8_t)b->part;
        }
    }
}

/* Sorts key[0..count) ascending by merging runs; `spare` is as long. Without branches on the data. */
static void merge_sort(uint64_t *key, uint64_t *spare, int64_t count)
{
    uint64_t *from = key, *to = spare;
    for (int64_t run = 1; run < count; run *= 2) {
        for (int64_t low = 0; low < count; low += 2 * run) {
            const int64_t middle = low + run < count ? low + run : count;
            const int64_t high = low + 2 * run < count ? low + 2 * run : count;
            int64_t a = low, b = middle, out = low;
            while (a < middle && b < high) {
                const bool second = from[b] < from[a];
                to[out++] = second ? from[b] : from[a];
                b += second;
                a += !second;
            }
            memcpy(to + out, from + a, (size_t)(middle - a) * sizeof *to);
            memcpy(to + out + (middle - a), from + b, (size_t)(high - b) * sizeof *to);
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != key)
        memcpy(key, from, (size_t)count * sizeof *key);
}

/* Scratch of one task: [longest] each. */
typedef struct sort_scratch {
    uint64_t *key, *spare;
} sort_scratch;

static void permute(void *column, size_t width, const uint64_t *key, uint64_t *spare, int64_t count)
{
    if (column == NULL)
        return;
    char *to = (char *)spare;
    const char *from = column;
    for (int64_t i = 0; i < count; i++)
        memcpy(to + (size_t)i * width, from + (size_t)(uint32_t)key[i] * width, width);
    memcpy(column, to, (size_t)count * width);
}

/* Stable by time. A time is below 2^32 and so is a row's place: both fit one key. */
static void sort_user(const dataset *d, int64_t start, int64_t count, const sort_scratch *s)
{
    const int64_t *time = d->timestamp + start;
    bool sorted = true;
    for (int64_t i = 0; i < count; i++) {
        s->key[i] = (uint64_t)time[i] << 32 | (uint64_t)i;
        sorted &= i == 0 || time[i - 1] <= time[i];
    }
    if (sorted)
        return;
    merge_sort(s->key, s->spare, count);
    permute(d->item + start, sizeof *d->item, s->key, s->spare, count);
    permute(d->rating != NULL ? d->rating + start : NULL, sizeof *d->rating, s->key, s->spare, count);
    permute(d->part != NULL ? d->part + start : NULL, sizeof *d->part, s->key, s->spare, count);
    for (int64_t i = 0; i < count; i++)
        d->timestamp[start + i] = (int64_t)(s->key[i] >> 32);
}

static medley_status sort_range(void *context, int64_t task, int worker, medley_error *err)
{
    const sort_job *job = context;
    const uint32_t low = job->range[task], high = job->range[task + 1];
    const dataset *d = job->out;
    sort_scratch scratch = {NULL, NULL};
    medley_status status = MEDLEY_OK;
    (void)worker;
    if (d->timestamp != NULL) {
        TRY_DONE(mem_alloc(job->in->rt, job->longest, sizeof *scratch.key, &scratch.key, err));
        TRY_DONE(mem_alloc(job->in->rt, job->longest, sizeof *scratch.spare, &scratch.spare, err));
    }
    scatter(job, low, high);
    for (uint32_t user = low; user < high; user++) {
        const int64_t start = job->start[user], count = job->start[user + 1] - start;
        for (int64_t i = start; i < start + count; i++)
            d->user[i] = user;
        if (d->timestamp != NULL)
            sort_user(d, start, count, &scratch);
    }
done:
    mem_free(scratch.key);
    mem_free(scratch.spare);
    return status;
}

static medley_status create_columns(ingest *in, dataset *d, medley_error *err)
{
    TRY(mem_alloc(in->rt, d->count, sizeof *d->user, &d->user, err));
    TRY(mem_alloc(in->rt, d->count, sizeof *d->item, &d->item, err));
    if (in->has_rating)
        TRY(mem_alloc(in->rt, d->count, sizeof *d->rating, &d->rating, err));
    if (in->has_timestamp)
        TRY(mem_alloc(in->rt, d->count, sizeof *d->timestamp, &d->timestamp, err));
    if (in->has_part)
        TRY(mem_alloc(in->rt, d->count, sizeof *d->part, &d->part, err));
    return MEDLEY_OK;
}

/* start[u + 1] = rows of user u, then summed; the bounds of ranges with about as many rows each. */
static void lay_out(const sort_job *job, int64_t *start, uint32_t *range, int64_t ranges, int64_t users)
{
    memset(start, 0, (size_t)(users + 1) * sizeof *start);
    for (int64_t n = 0; n < job->block_count; n++) {
        const block_rows *b = job->blocks[n];
        for (int64_t i = b->first; i < b->first + b->count; i++)
            start[b->chunk->user[i] + 1]++;
    }
    int64_t filled = 1;
    range[0] = 0;
    for (int64_t u = 0; u < users; u++) {
        start[u + 1] += start[u];
        while (filled < ranges && start[u + 1] >= job->out->count / ranges * filled)
            range[filled++] = (uint32_t)(u + 1);
    }
    while (filled <= ranges)
        range[filled++] = (uint32_t)users;
    range[ranges] = (uint32_t)users;
}

static medley_status sort_rows(ingest *in, dataset *d, sort_job *job, medley_error *err)
{
    const int64_t users = d->users.count, ranges = (int64_t)in->worker_count * RANGES_PER_WORKER;
    int64_t *start = NULL, *place = NULL;
    uint32_t *range = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc(in->rt, users + 1, sizeof *start, &start, err));
    TRY_DONE(mem_alloc(in->rt, users + 1, sizeof *place, &place, err));
    TRY_DONE(mem_alloc(in->rt, ranges + 1, sizeof *range, &range, err));
    TRY_DONE(create_columns(in, d, err));
    lay_out(job, start, range, ranges, users);
    memcpy(place, start, (size_t)(users + 1) * sizeof *place);
    for (int64_t u = 0; u < users; u++)
        job->longest = start[u + 1] - start[u] > job->longest ? start[u + 1] - start[u] : job->longest;
    job->start = start;
    job->place = place;
    job->range = range;
    status = parallel_run(in->rt, ranges, sort_range, job, err);
done:
    mem_free(start);
    mem_free(place);
    mem_free(range);
    return status;
}

static medley_status order_blocks(ingest *in, sort_job *job, medley_error *err)
{
    for (int i = 0; i < in->worker_count; i++)
        job->block_count += in->workers[i].block_count;
    TRY(mem_alloc(in->rt, job->block_count, sizeof *job->blocks, &job->blocks, err));
    TRY(mem_alloc(in->rt, job->block_count, sizeof *job->lowest, &job->lowest, err));
    TRY(mem_alloc(in->rt, job->block_count, sizeof *job->highest, &job->highest, err));
    int64_t at = 0;
    for (int i = 0; i < in->worker_count; i++)
        for (int64_t n = 0; n < in->workers[i].block_count; n++) {
            job->blocks[at++] = &in->workers[i].blocks[n];
            job->out->count += in->workers[i].blocks[n].count;
        }
    qsort(job->blocks, (size_t)at, sizeof *job->blocks, by_block);
    return MEDLEY_OK;
}

/* Whether a file had rows, be they usable or not. */
static bool any_rows(const ingest *in)
{
    bool any = false;
    for (int64_t i = 0; i < in->out.source_count; i++)
        any |= !in->out.sources[i].table && in->out.sources[i].rows > 0;
    return any;
}

medley_status ingest_sort(ingest *in, dataset *d, medley_error *err)
{
    renumbering *numbers = NULL;
    sort_job job = {.in = in, .out = d};
    medley_status status = MEDLEY_OK;
    TRY_DONE(create_numbers(in, &numbers, err));
    TRY_DONE(merge_ids(in, true, &d->users, numbers, err));
    TRY_DONE(merge_ids(in, false, &d->items, numbers, err));
    job.numbers = numbers;
    TRY_DONE(order_blocks(in, &job, err));
    TRY_DONE(parallel_run(in->rt, job.block_count, renumber_block, &job, err));
    if (d->count == 0 && any_rows(in))
        status = fail(err, MEDLEY_E_FORMAT, "%s: no usable rows", in->out.sources[0].path);
    else
        status = sort_rows(in, d, &job, err);
done:
    free_numbers(in, numbers);
    mem_free(job.blocks);
    mem_free(job.lowest);
    mem_free(job.highest);
    return status;
}
