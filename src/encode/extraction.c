#include "encode/extraction.h"

#include <math.h>
#include <pthread.h>

#include "io/file.h"

/* Small, so that workers end at the same time and a stop loses little; texts of a chunk are of about the same length. */
enum { CHUNK_TEXTS = 32, CHUNK_PICTURES = 8, HASHED_A_TASK = 64, BYTES_MOST = 1 << 30 };

/* That is not in the log. */
typedef struct content {
    int64_t item;  /* the first that has it */
    size_t length; /* of a text; of pictures 0 */
} content;

typedef struct job {
    const medley_runtime *rt;
    const encoder_class *class;
    encoder *encoder;
    const extraction_source *source;
    sample_cache *cache;
    extraction *x;
    content *contents;   /* [count] in the order in which they are encoded */
    int64_t *first_with; /* [items] the first item of the same content; itself where there is none */
    int64_t count, chunk;
    pthread_mutex_t telling;
    int64_t done; /* contents, of the phase */
} job;

void sample_release(sample *s)
{
    mem_free(s->data);
    *s = (sample){0};
}

/* ---- what there is ---- */

typedef struct item_bytes {
    const char *bytes;
    size_t length;
    char *owned;
} item_bytes;

/* Fails with E_NOT_FOUND where an item's file is not there. */
static medley_status read_item(const job *j, int64_t item, item_bytes *out, medley_error *err)
{
    const char *const said = j->source->content[item];
    *out = (item_bytes){said, j->class->modality == MODALITY_TEXT ? strlen(said) : 0, NULL};
    if (j->class->modality == MODALITY_TEXT)
        return MEDLEY_OK;
    char *path;
    if (said[0] == '/')
        TRY(mem_text(j->rt, said, strlen(said), &path, err));
    else
        TRY(file_join(j->rt, j->source->folder, said, &path, err));
    const medley_status status = file_read_whole(j->rt, path, BYTES_MOST, &out->owned, &out->length, err);
    out->bytes = out->owned;
    mem_free(path);
    return status;
}

/* Whether a failure is about one item: it lacks the modality then, and the others go on. */
static bool is_of_item(medley_status status)
{
    return status == MEDLEY_E_FORMAT || status == MEDLEY_E_LIMIT || status == MEDLEY_E_NOT_FOUND ||
           status == MEDLEY_E_IO;
}

static medley_status refuse(job *j, int64_t item, const char *reason, medley_error *err)
{
    pthread_mutex_lock(&j->telling);
    const medley_status status = arena_text(&j->x->texts, reason, strlen(reason), &j->x->reason[item], err);
    pthread_mutex_unlock(&j->telling);
    j->x->outcome[item] = ITEM_REFUSED;
    return status;
}

static medley_status hash_item(job *j, int64_t item, medley_error *err)
{
    extraction *const x = j->x;
    item_bytes of;
    medley_error own = {0};
    x->outcome[item] = ITEM_WITHOUT;
    if (j->source->content[item] == NULL || j->source->content[item][0] == '\0')
        return MEDLEY_OK;
    const medley_status status = read_item(j, item, &of, &own);
    if (status != MEDLEY_OK)
        return is_of_item(status) ? refuse(j, item, own.message, err) : fail(err, status, "%s", own.message);
    fingerprint *print;
    const medley_status created = fingerprint_create(j->rt, &print, err);
    if (created == MEDLEY_OK) {
        fingerprint_add(print, of.bytes, of.length);
        fingerprint_hex(print, x->print[item]);
        fingerprint_free(print);
        x->outcome[item] = ITEM_ENCODED;
    }
    mem_free(of.owned);
    return created;
}

static medley_status hash_task(void *context, int64_t task, int worker, medley_error *err)
{
    job *const j = context;
    (void)worker;
    for (int64_t i = task * HASHED_A_TASK; i < (task + 1) * HASHED_A_TASK && i < j->source->items; i++)
        TRY(hash_item(j, i, err));
    return MEDLEY_OK;
}

/* The longest texts come first: what is left at the end is small, and a batch is of texts of one length. */
static int compare_contents(const void *a, const void *b)
{
    const content *const x = a, *const y = b;
    if (x->length != y->length)
        return x->length > y->length ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static void add_content(job *j, int64_t item)
{
    blob unused;
    extraction *const x = j->x;
    x->distinct++;
    if (blob_log_find(x->log, x->print[item], &unused))
        x->found++;
    else
        j->contents[j->count++] =
            (content){item, j->class->modality == MODALITY_TEXT ? strlen(j->source->content[item]) : 0};
}

static medley_status find_contents(job *j, medley_error *err)
{
    const int64_t items = j->source->items;
    extraction *const x = j->x;
    idmap seen;
    int64_t *first = NULL; /* [seen.count] items */
    medley_status status = MEDLEY_OK;
    idmap_init(&seen, j->rt);
    TRY_DONE(mem_alloc(j->rt, items, sizeof *first, &first, err));
    TRY_DONE(parallel_run(j->rt, (items + HASHED_A_TASK - 1) / HASHED_A_TASK, hash_task, j, err));
    for (int64_t i = 0; i < items; i++) {
        uint32_t index;
        j->first_with[i] = i;
        if (x->outcome[i] != ITEM_ENCODED)
            continue;
        TRY_DONE(idmap_add(&seen, x->print[i], strlen(x->print[i]), &index, err));
        if (index == x->distinct) {
            first[index] = i;
            add_content(j, i);
        }
        j->first_with[i] = first[index];
    }
    qsort(j->contents, (size_t)j->count, sizeof *j->contents, compare_contents);
done:
    mem_free(first);
    idmap_release(&seen);
    return status;
}

/* ---- a chunk ---- */

typedef struct chunk {
    job *j;
    int64_t count;
    int64_t *item;   /* [count] */
    sample *samples; /* [count] */
    const sample **by_size;
    char (*keys)[FINGERPRINT_SIZE];
    float *rows; /* [count, length] */
    blob *blobs;
} chunk;

static medley_status prepare_bytes(job *j, int64_t item, sample *out, medley_error *err)
{
    item_bytes of = {0};
    medley_status status = read_item(j, item, &of, err);
    if (status == MEDLEY_OK)
        status = j->class->prepare(j->encoder, of.bytes, of.length, out, err);
    mem_free(of.owned);
    return status;
}

/* A sample without bytes if the item is refused. */
static medley_status prepare_item(job *j, int64_t item, sample *out, medley_error *err)
{
    const char *const print = j->x->print[item];
    medley_error own = {0};
    bool found = false;
    if (j->cache != NULL)
        TRY(sample_cache_get(j->cache, print, out, &found, err));
    if (found)
        return MEDLEY_OK;
    const medley_status status = prepare_bytes(j, item, out, &own);
    if (status == MEDLEY_OK)
        return j->cache != NULL ? sample_cache_put(j->cache, print, out, err) : MEDLEY_OK;
    sample_release(out);
    return is_of_item(status) ? refuse(j, item, own.message, err) : fail(err, status, "%s", own.message);
}

static medley_status tell_done(job *j, const char *phase, int64_t contents, medley_error *err)
{
    pthread_mutex_lock(&j->telling);
    j->done += contents;
    const medley_status status = runtime_progress(j->rt, phase, j->done, j->x->distinct, err);
    pthread_mutex_unlock(&j->telling);
    return status;
}

/* Samples are dropped again: the cache has them. */
static medley_status prepare_task(void *context, int64_t task, int worker, medley_error *err)
{
    job *const j = context;
    const int64_t first = task * j->chunk, end = least(first + j->chunk, j->count);
    (void)worker;
    for (int64_t i = first; i < end; i++) {
        sample s = {0};
        TRY(prepare_item(j, j->contents[i].item, &s, err));
        sample_release(&s);
    }
    return tell_done(j, "preparing", end - first, err);
}

static int compare_sizes(const void *a, const void *b)
{
    const sample *const x = *(const sample *const *)a, *const y = *(const sample *const *)b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Batches of samples of about the same size: count × largest is at most what the encoder takes. */
static medley_status encode_chunk(chunk *c, medley_error *err)
{
    job *const j = c->j;
    const int64_t length = j->x->length, most = j->class->batch_size(j->encoder);
    qsort(c->by_size, (size_t)c->count, sizeof(sample *), compare_sizes);
    for (int64_t first = 0, count; first < c->count; first += count) {
        for (count = 1; first + count < c->count && (count + 1) * c->by_size[first + count]->size <= most;)
            count++;
        TRY(j->class->encode(j->encoder, c->by_size + first, count, c->rows + first * length, err));
    }
    return MEDLEY_OK;
}

static medley_status write_chunk(chunk *c, medley_error *err)
{
    job *const j = c->j;
    const bool fits = j->class->fit != NULL;
    for (int64_t i = 0; i < c->count; i++) {
        const int64_t at = c->by_size[i] - c->samples; /* of c->item */
        memcpy(c->keys[i], j->x->print[c->item[at]], FINGERPRINT_SIZE);
        c->blobs[i] = fits ? (blob){c->by_size[i]->data, c->by_size[i]->bytes, c->by_size[i]->size}
                           : (blob){c->rows + i * j->x->length, (size_t)j->x->length * sizeof *c->rows, 0};
    }
    return blob_log_add(j->x->log, c->count, (const char(*)[FINGERPRINT_SIZE])c->keys, c->blobs, err);
}

static medley_status work_chunk(chunk *c, int64_t first, int64_t end, medley_error *err)
{
    job *const j = c->j;
    const medley_runtime *const rt = j->rt;
    const int64_t most = end - first;
    TRY(mem_alloc(rt, most, sizeof *c->item, &c->item, err));
    TRY(mem_alloc_zero(rt, most, sizeof *c->samples, &c->samples, err));
    TRY(mem_alloc(rt, most, sizeof *c->by_size, &c->by_size, err));
    TRY(mem_alloc(rt, most, sizeof *c->keys, &c->keys, err));
    TRY(mem_alloc(rt, most, sizeof *c->blobs, &c->blobs, err));
    for (int64_t i = 0; i < most; i++) {
        c->item[i] = j->contents[first + i].item;
        TRY(prepare_item(j, c->item[i], &c->samples[i], err));
        if (c->samples[i].data != NULL)
            c->by_size[c->count++] = &c->samples[i];
    }
    if (c->count == 0)
        return MEDLEY_OK;
    if (j->class->fit == NULL) {
        TRY(mem_alloc(rt, mem_bytes(c->count, sizeof *c->rows), (size_t)j->x->length, &c->rows, err));
        TRY(encode_chunk(c, err));
    }
    return write_chunk(c, err);
}

static void chunk_release(chunk *c, int64_t most)
{
    for (int64_t i = 0; c->samples != NULL && i < most; i++)
        sample_release(&c->samples[i]);
    mem_free(c->item);
    mem_free(c->samples);
    mem_free(c->by_size);
    mem_free(c->keys);
    mem_free(c->blobs);
    mem_free(c->rows);
}

static medley_status chunk_task(void *context, int64_t task, int worker, medley_error *err)
{
    job *const j = context;
    const int64_t first = task * j->chunk, end = least(first + j->chunk, j->count);
    chunk c = {.j = j};
    (void)worker;
    medley_status status = work_chunk(&c, first, end, err);
    if (status == MEDLEY_OK) {
        pthread_mutex_lock(&j->telling);
        j->x->encoded += c.count;
        pthread_mutex_unlock(&j->telling);
        status = tell_done(j, j->class->modality == MODALITY_IMAGE ? "pictures" : "texts", end - first, err);
    }
    chunk_release(&c, end - first);
    return status;
}

/* ---- all ---- */

/* Items of a content that was refused are refused as its first one was. */
static medley_status count_outcomes(job *j, medley_error *err)
{
    extraction *const x = j->x;
    for (int64_t i = 0; i < x->items; i++) {
        const int64_t first = j->first_with[i];
        if (x->outcome[i] == ITEM_ENCODED && x->outcome[first] == ITEM_REFUSED)
            TRY(refuse(j, i, x->reason[first], err));
        x->without += x->outcome[i] == ITEM_WITHOUT;
        x->refused += x->outcome[i] == ITEM_REFUSED;
    }
    return MEDLEY_OK;
}

static medley_status fit_all(job *j, medley_error *err)
{
    extraction *const x = j->x;
    sample *samples; /* borrowed from the log */
    TRY(mem_alloc_zero(j->rt, x->items, sizeof *samples, &samples, err));
    for (int64_t i = 0; i < x->items; i++) {
        blob b;
        if (x->outcome[i] == ITEM_ENCODED && blob_log_find(x->log, x->print[i], &b))
            samples[i] = (sample){(void *)(uintptr_t)b.data, b.bytes, b.size};
    }
    const medley_status status = j->class->fit(j->encoder, samples, x->items, &x->fitted, &x->length, err);
    mem_free(samples);
    return status;
}

static medley_status run(job *j, const char *log, medley_error *err)
{
    extraction *const x = j->x;
    const medley_runtime *const rt = j->rt;
    TRY(mem_alloc_zero(rt, x->items, sizeof *x->outcome, &x->outcome, err));
    TRY(mem_alloc_zero(rt, x->items, sizeof *x->print, &x->print, err));
    TRY(mem_alloc_zero(rt, x->items, sizeof *x->reason, &x->reason, err));
    TRY(mem_alloc(rt, x->items, sizeof *j->contents, &j->contents, err));
    TRY(mem_alloc(rt, x->items, sizeof *j->first_with, &j->first_with, err));
    TRY(blob_log_open(rt, log,
                      j->class->fit != NULL ? j->class->preparation(j->encoder) : j->class->identity(j->encoder),
                      &x->log, err));
    TRY(find_contents(j, err));
    const int64_t chunks = (j->count + j->chunk - 1) / j->chunk;
    j->done = x->found;
    if (j->source->prepare_first && j->cache != NULL)
        TRY(parallel_run(rt, chunks, prepare_task, j, err));
    j->done = x->found;
    TRY(parallel_run(rt, chunks, chunk_task, j, err));
    TRY(blob_log_settle(x->log, err));
    TRY(count_outcomes(j, err));
    return j->class->fit != NULL ? fit_all(j, err) : MEDLEY_OK;
}

medley_status extraction_run(const medley_runtime *rt, const encoder_class *class, encoder *e,
                             const extraction_source *source, const char *log, sample_cache *cache,
                             extraction *out, medley_error *err)
{
    const double start = runtime_seconds();
    *out = (extraction){.rt = rt, .class = class, .encoder = e, .items = source->items, .texts.rt = rt};
    out->length = class->length(e);
    job j = {
        .rt = rt,
        .class = class,
        .encoder = e,
        .source = source,
        .cache = cache,
        .x = out,
        .chunk = class->modality == MODALITY_TEXT ? CHUNK_TEXTS : CHUNK_PICTURES,
    };
    pthread_mutex_init(&j.telling, NULL);
    const medley_status status = run(&j, log, err);
    pthread_mutex_destroy(&j.telling);
    mem_free(j.contents);
    mem_free(j.first_with);
    out->seconds = runtime_seconds() - start;
    return status;
}

medley_status extraction_row(const void *extraction_, int64_t item, float *out, medley_error *err)
{
    const extraction *const x = extraction_;
    const size_t bytes = (size_t)x->length * sizeof *out;
    blob b;
    if (x->outcome[item] != ITEM_ENCODED) {
        for (int64_t i = 0; i < x->length; i++)
            out[i] = NAN;
        return MEDLEY_OK;
    }
    if (x->fitted != NULL) {
        memcpy(out, x->fitted + item * x->length, bytes);
        return MEDLEY_OK;
    }
    if (!blob_log_find(x->log, x->print[item], &b) || b.bytes != bytes)
        return fail(err, MEDLEY_E_FORMAT, "the file of what was encoded so far has no vector of item %lld",
                    (long long)item);
    memcpy(out, b.data, bytes);
    return MEDLEY_OK;
}

void extraction_release(extraction *x)
{
    blob_log_close(x->log);
    mem_free(x->outcome);
    mem_free(x->print);
    mem_free(x->reason);
    mem_free(x->fitted);
    arena_release(&x->texts);
    *x = (extraction){0};
}
