#include "encode/blob_log.h"

#include <pthread.h>

#include "io/mapped.h"
#include "io/save.h"

enum { DIGITS = FINGERPRINT_SIZE - 1, HEADER = 48, ALIGN = 16 };
static const char magic[] = "medley-blobs-1 "; /* 15 bytes; with the digits and a line end HEADER */

typedef struct record {
    char check[DIGITS], key[DIGITS];
    int64_t bytes, size;
} record;

struct blob_log {
    const medley_runtime *rt;
    char *path, *lock_path;
    char header[HEADER + 1];
    file *lock, *out;
    mapped map;
    size_t sound; /* the records before are known */
    idmap keys;
    int64_t *at; /* [keys.count] offset of the record */
    int64_t capacity;
    pthread_mutex_t adding;
};

static size_t padded(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static medley_status check_of(const medley_runtime *rt, const record *r, const void *data, char check[DIGITS],
                              medley_error *err)
{
    fingerprint *print;
    char hex[FINGERPRINT_SIZE];
    TRY(fingerprint_create(rt, &print, err));
    fingerprint_add(print, r->key, sizeof *r - DIGITS);
    fingerprint_add(print, data, (size_t)r->bytes);
    fingerprint_hex(print, hex);
    fingerprint_free(print);
    memcpy(check, hex, DIGITS);
    return MEDLEY_OK;
}

/* ---- reading ---- */

/* The record at `at` if a whole one is there. */
static bool record_at(const mapped *map, size_t at, record *out)
{
    if (map->length < sizeof *out || at > map->length - sizeof *out)
        return false;
    memcpy(out, map->bytes + at, sizeof *out);
    const size_t left = map->length - at - sizeof *out;
    return out->bytes >= 0 && (uint64_t)out->bytes <= left && padded((size_t)out->bytes) <= left;
}

/* Takes in the records from log->sound on, which is then where the sound part of the file ends. */
static medley_status take_records(blob_log *log, medley_error *err)
{
    record r;
    while (record_at(&log->map, log->sound, &r)) {
        char check[DIGITS];
        TRY(check_of(log->rt, &r, log->map.bytes + log->sound + sizeof r, check, err));
        if (memcmp(check, r.check, DIGITS) != 0)
            return MEDLEY_OK;
        uint32_t index;
        TRY(idmap_add(&log->keys, r.key, DIGITS, &index, err));
        TRY(mem_reserve(log->rt, &log->at, &log->capacity, (int64_t)index + 1, sizeof *log->at, err));
        log->at[index] = (int64_t)log->sound;
        log->sound += sizeof r + padded((size_t)r.bytes);
    }
    return MEDLEY_OK;
}

static medley_status read_all(blob_log *log, medley_error *err)
{
    log->sound = 0;
    mapped_release(&log->map);
    idmap_release(&log->keys);
    idmap_init(&log->keys, log->rt);
    if (!file_exists(log->path))
        return MEDLEY_OK;
    TRY(mapped_open(log->path, &log->map, err));
    if (log->map.length < HEADER || memcmp(log->map.bytes, log->header, HEADER) != 0)
        return MEDLEY_OK;
    log->sound = HEADER;
    return take_records(log, err);
}

bool blob_log_find(const blob_log *log, const char key[FINGERPRINT_SIZE], blob *out)
{
    record r;
    const uint32_t index = idmap_find(&log->keys, key, DIGITS);
    if (index == IDMAP_NONE)
        return false;
    const char *const at = log->map.bytes + log->at[index];
    memcpy(&r, at, sizeof r);
    *out = (blob){at + sizeof r, (size_t)r.bytes, r.size};
    return true;
}

int64_t blob_log_count(const blob_log *log)
{
    return log->keys.count;
}

int64_t blob_log_bytes(const blob_log *log)
{
    return (int64_t)log->map.length;
}

/* ---- writing ---- */

static medley_status identify(blob_log *log, const char *identity, medley_error *err)
{
    fingerprint *print;
    char hex[FINGERPRINT_SIZE];
    TRY(fingerprint_create(log->rt, &print, err));
    fingerprint_add(print, identity, strlen(identity));
    fingerprint_hex(print, hex);
    fingerprint_free(print);
    snprintf(log->header, sizeof log->header, "%s%s\n", magic, hex);
    return MEDLEY_OK;
}

/* Leaves a file that ends where the sound part does: what comes behind must not follow on half a record. */
static medley_status start(blob_log *log, medley_error *err)
{
    const bool whole = log->sound > 0 && log->sound == log->map.length;
    if (log->sound == 0)
        TRY(save_bytes(log->rt, log->path, log->header, HEADER, err));
    else if (!whole)
        TRY(save_bytes(log->rt, log->path, log->map.bytes, log->sound, err));
    TRY(file_append(log->rt, log->path, &log->out, err));
    return whole ? MEDLEY_OK : read_all(log, err);
}

medley_status blob_log_open(const medley_runtime *rt, const char *path, const char *identity, blob_log **out,
                            medley_error *err)
{
    blob_log *log;
    medley_status status = MEDLEY_OK;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *log, &log, err));
    log->rt = rt;
    pthread_mutex_init(&log->adding, NULL);
    idmap_init(&log->keys, rt);
    text lock_path = {.rt = rt};
    text_format(&lock_path, "%s.lock", path);
    status = text_status(&lock_path, err);
    log->lock_path = lock_path.bytes; /* owned from here on, whole or not */
    TRY_DONE(status);
    TRY_DONE(mem_text(rt, path, strlen(path), &log->path, err));
    TRY_DONE(identify(log, identity, err));
    TRY_DONE(file_create_locked(rt, log->lock_path, &log->lock, err));
    TRY_DONE(read_all(log, err));
    TRY_DONE(start(log, err));
    *out = log;
    return MEDLEY_OK;
done:
    blob_log_close(log);
    return status;
}

void blob_log_close(blob_log *log)
{
    if (log == NULL)
        return;
    if (log->out != NULL && file_finish(log->out, NULL) != MEDLEY_OK)
        runtime_log(log->rt, MEDLEY_LOG_WARNING, "%s: could not be flushed", log->path);
    if (log->lock != NULL && file_remove_tree(log->rt, log->lock_path, NULL) != MEDLEY_OK)
        runtime_log(log->rt, MEDLEY_LOG_WARNING, "left behind: %s", log->lock_path);
    file_close(log->lock);
    mapped_release(&log->map);
    idmap_release(&log->keys);
    mem_free(log->at);
    mem_free(log->path);
    mem_free(log->lock_path);
    pthread_mutex_destroy(&log->adding);
    mem_free(log);
}

static medley_status render(const blob_log *log, int64_t count, const char (*keys)[FINGERPRINT_SIZE],
                            const blob *blobs, char *out, medley_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        record r = {.bytes = (int64_t)blobs[i].bytes, .size = blobs[i].size};
        memcpy(r.key, keys[i], DIGITS);
        TRY(check_of(log->rt, &r, blobs[i].data, r.check, err));
        memcpy(out, &r, sizeof r);
        memcpy(out + sizeof r, blobs[i].data, blobs[i].bytes);
        memset(out + sizeof r + blobs[i].bytes, 0, padded(blobs[i].bytes) - blobs[i].bytes);
        out += sizeof r + padded(blobs[i].bytes);
    }
    return MEDLEY_OK;
}

medley_status blob_log_add(blob_log *log, int64_t count, const char (*keys)[FINGERPRINT_SIZE], const blob *blobs,
                           medley_error *err)
{
    char *bytes;
    size_t total = 0;
    for (int64_t i = 0; i < count; i++)
        total += sizeof(record) + padded(blobs[i].bytes);
    TRY(mem_alloc(log->rt, (int64_t)total, 1, &bytes, err));
    medley_status status = render(log, count, keys, blobs, bytes, err);
    if (status == MEDLEY_OK) {
        pthread_mutex_lock(&log->adding);
        status = file_write(log->out, bytes, total, err);
        pthread_mutex_unlock(&log->adding);
    }
    mem_free(bytes);
    return status;
}

medley_status blob_log_settle(blob_log *log, medley_error *err)
{
    mapped now;
    TRY(mapped_open(log->path, &now, err));
    if (now.length < log->sound) {
        mapped_release(&now);
        return fail(err, MEDLEY_E_FORMAT, "%s: was cut while it was in use", log->path);
    }
    mapped_release(&log->map);
    log->map = now;
    return take_records(log, err);
}
