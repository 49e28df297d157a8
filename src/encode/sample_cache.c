#include "encode/sample_cache.h"

#include <pthread.h>

#include "encode/blob_log.h"
#include "io/file.h"

enum { BUCKETS_FIRST = 256, NONE = -1 };

/* A sample in memory: in the chain of its bucket, and in the list from the latest to the longest unused. */
typedef struct entry {
    char print[FINGERPRINT_SIZE];
    sample kept;
    int64_t chain, newer, older; /* entries, or NONE */
} entry;

struct sample_cache {
    const medley_runtime *rt;
    bool in_memory;
    int64_t memory_most, disk_most;
    blob_log *disk; /* NULL: not on disk */
    bool unsettled; /* something was added to it that is not found yet */
    pthread_mutex_t lock;
    entry *entries; /* [capacity] those in use, and a chain of vacant ones */
    int64_t count, capacity, vacant;
    int64_t *buckets; /* [bucket_count] a power of two */
    int64_t bucket_count;
    int64_t newest, oldest;
    sample_cache_counts counts;
};

/* ---- memory: a hash table of chains, and a list in order of use ---- */

/* Fingerprints are evenly distributed: any of their digits will do. */
static int64_t bucket_of(const sample_cache *c, const char *print)
{
    uint64_t digits;
    memcpy(&digits, print, sizeof digits);
    return (int64_t)(mix64(digits) & (uint64_t)(c->bucket_count - 1));
}

static int64_t find(const sample_cache *c, const char *print)
{
    if (c->bucket_count == 0)
        return NONE;
    int64_t at = c->buckets[bucket_of(c, print)];
    while (at != NONE && memcmp(c->entries[at].print, print, FINGERPRINT_SIZE) != 0)
        at = c->entries[at].chain;
    return at;
}

static void unlist(sample_cache *c, const entry *e)
{
    *(e->newer == NONE ? &c->newest : &c->entries[e->newer].older) = e->older;
    *(e->older == NONE ? &c->oldest : &c->entries[e->older].newer) = e->newer;
}

static void list_first(sample_cache *c, int64_t at)
{
    c->entries[at].newer = NONE;
    c->entries[at].older = c->newest;
    *(c->newest == NONE ? &c->oldest : &c->entries[c->newest].newer) = at;
    c->newest = at;
}

static void evict_oldest(sample_cache *c)
{
    const int64_t at = c->oldest;
    entry *const e = &c->entries[at];
    int64_t *link = &c->buckets[bucket_of(c, e->print)];
    while (*link != at)
        link = &c->entries[*link].chain;
    *link = e->chain;
    unlist(c, e);
    c->counts.memory_bytes -= (int64_t)e->kept.bytes;
    c->counts.evicted++;
    sample_release(&e->kept);
    e->chain = c->vacant;
    c->vacant = at;
    c->count--;
}

static medley_status widen(sample_cache *c, medley_error *err)
{
    if (c->count < c->bucket_count)
        return MEDLEY_OK;
    const int64_t more = c->bucket_count > 0 ? 2 * c->bucket_count : BUCKETS_FIRST;
    int64_t *buckets;
    TRY(mem_alloc(c->rt, more, sizeof *buckets, &buckets, err));
    mem_free(c->buckets);
    c->buckets = buckets;
    c->bucket_count = more;
    for (int64_t i = 0; i < more; i++)
        buckets[i] = NONE;
    for (int64_t at = c->newest; at != NONE; at = c->entries[at].older) {
        int64_t *const bucket = &buckets[bucket_of(c, c->entries[at].print)];
        c->entries[at].chain = *bucket;
        *bucket = at;
    }
    return MEDLEY_OK;
}

static medley_status copy_sample(const medley_runtime *rt, const void *data, size_t bytes, int64_t size,
                                 sample *out, medley_error *err)
{
    *out = (sample){.bytes = bytes, .size = size};
    TRY(mem_alloc(rt, (int64_t)bytes, 1, &out->data, err));
    memcpy(out->data, data, bytes);
    return MEDLEY_OK;
}

static medley_status keep(sample_cache *c, const char *print, const void *data, size_t bytes, int64_t size,
                          medley_error *err)
{
    if ((int64_t)bytes > c->memory_most || find(c, print) != NONE)
        return MEDLEY_OK;
    while (c->counts.memory_bytes + (int64_t)bytes > c->memory_most)
        evict_oldest(c);
    TRY(widen(c, err));
    if (c->vacant == NONE) {
        TRY(mem_reserve(c->rt, &c->entries, &c->capacity, c->count + 1, sizeof *c->entries, err));
        c->entries[c->count].chain = NONE;
        c->vacant = c->count;
    }
    const int64_t at = c->vacant;
    entry *const e = &c->entries[at];
    TRY(copy_sample(c->rt, data, bytes, size, &e->kept, err));
    c->vacant = e->chain;
    memcpy(e->print, print, FINGERPRINT_SIZE);
    int64_t *const bucket = &c->buckets[bucket_of(c, print)];
    e->chain = *bucket;
    *bucket = at;
    list_first(c, at);
    c->count++;
    c->counts.memory_bytes += (int64_t)bytes;
    return MEDLEY_OK;
}

static medley_status take_from_memory(sample_cache *c, const char *print, sample *out, bool *found,
                                      medley_error *err)
{
    const int64_t at = find(c, print);
    if (at == NONE)
        return MEDLEY_OK;
    const entry *const e = &c->entries[at];
    unlist(c, e);
    list_first(c, at);
    TRY(copy_sample(c->rt, e->kept.data, e->kept.bytes, e->kept.size, out, err));
    c->counts.hits_memory++;
    *found = true;
    return MEDLEY_OK;
}

/* ---- both ---- */

/* A file of its own for each preparation. */
static medley_status open_disk(sample_cache *c, const char *folder, const char *preparation, medley_error *err)
{
    fingerprint *print = NULL;
    char hex[FINGERPRINT_SIZE], name[FINGERPRINT_SIZE + 8];
    char *path = NULL;
    TRY(fingerprint_create(c->rt, &print, err));
    fingerprint_add(print, preparation, strlen(preparation));
    fingerprint_hex(print, hex);
    fingerprint_free(print);
    snprintf(name, sizeof name, "%s.blobs", hex);
    TRY(file_make_folder(c->rt, folder, err));
    TRY(file_join(c->rt, folder, name, &path, err));
    const medley_status status = blob_log_open(c->rt, path, preparation, &c->disk, err);
    mem_free(path);
    c->counts.disk_bytes = c->disk != NULL ? blob_log_bytes(c->disk) : 0;
    return status;
}

medley_status sample_cache_open(const medley_runtime *rt, cache_strategy strategy, const char *folder,
                                const char *preparation, int64_t memory_bytes, int64_t disk_bytes,
                                sample_cache **out, medley_error *err)
{
    sample_cache *c;
    *out = NULL;
    if (strategy == CACHE_DISABLED)
        return MEDLEY_OK;
    TRY(mem_alloc_zero(rt, 1, sizeof *c, &c, err));
    c->rt = rt;
    c->in_memory = strategy != CACHE_DISK;
    c->memory_most = memory_bytes;
    c->disk_most = disk_bytes;
    c->vacant = c->newest = c->oldest = NONE;
    pthread_mutex_init(&c->lock, NULL);
    const medley_status status = strategy != CACHE_MEMORY ? open_disk(c, folder, preparation, err) : MEDLEY_OK;
    if (status == MEDLEY_OK)
        *out = c;
    else
        sample_cache_close(c);
    return status;
}

void sample_cache_close(sample_cache *c)
{
    if (c == NULL)
        return;
    for (int64_t at = c->newest; at != NONE; at = c->entries[at].older)
        sample_release(&c->entries[at].kept);
    blob_log_close(c->disk);
    mem_free(c->entries);
    mem_free(c->buckets);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

static medley_status find_on_disk(sample_cache *c, const char *print, blob *out, bool *found, medley_error *err)
{
    *found = c->disk != NULL && blob_log_find(c->disk, print, out);
    if (*found || !c->unsettled)
        return MEDLEY_OK;
    TRY(blob_log_settle(c->disk, err));
    c->unsettled = false;
    *found = blob_log_find(c->disk, print, out);
    return MEDLEY_OK;
}

/* What is found on disk comes to memory, too. */
static medley_status take(sample_cache *c, const char *print, sample *out, bool *found, medley_error *err)
{
    blob b;
    if (c->in_memory)
        TRY(take_from_memory(c, print, out, found, err));
    if (*found)
        return MEDLEY_OK;
    TRY(find_on_disk(c, print, &b, found, err));
    if (*found) {
        TRY(copy_sample(c->rt, b.data, b.bytes, b.size, out, err));
        c->counts.hits_disk++;
        if (c->in_memory)
            TRY(keep(c, print, b.data, b.bytes, b.size, err));
    }
    c->counts.misses += !*found;
    return MEDLEY_OK;
}

medley_status sample_cache_get(sample_cache *c, const char print[FINGERPRINT_SIZE], sample *out, bool *found,
                               medley_error *err)
{
    *found = false;
    pthread_mutex_lock(&c->lock);
    const medley_status status = take(c, print, out, found, err);
    pthread_mutex_unlock(&c->lock);
    if (status != MEDLEY_OK)
        sample_release(out);
    return status;
}

static medley_status put(sample_cache *c, const char print[FINGERPRINT_SIZE], const sample *s, medley_error *err)
{
    const blob b = {s->data, s->bytes, s->size};
    blob there;
    bool found;
    if (c->in_memory)
        TRY(keep(c, print, s->data, s->bytes, s->size, err));
    if (c->disk == NULL || c->counts.disk_bytes + (int64_t)s->bytes > c->disk_most)
        return MEDLEY_OK;
    TRY(find_on_disk(c, print, &there, &found, err));
    if (found)
        return MEDLEY_OK;
    char key[1][FINGERPRINT_SIZE];
    memcpy(key[0], print, FINGERPRINT_SIZE);
    TRY(blob_log_add(c->disk, 1, (const char(*)[FINGERPRINT_SIZE])key, &b, err));
    c->counts.disk_bytes += (int64_t)s->bytes;
    c->unsettled = true;
    return MEDLEY_OK;
}

medley_status sample_cache_put(sample_cache *c, const char print[FINGERPRINT_SIZE], const sample *s,
                               medley_error *err)
{
    pthread_mutex_lock(&c->lock);
    const medley_status status = put(c, print, s, err);
    pthread_mutex_unlock(&c->lock);
    return status;
}

sample_cache_counts sample_cache_count(const sample_cache *c)
{
    return c->counts;
}
