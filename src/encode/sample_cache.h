/* Samples kept between extractions and epochs, so that a picture is decoded once: by the fingerprint of its content, and of
 * what the preparation depends on (encoder_class.preparation).
 *
 *   memory    the most recently used ones, up to a number of bytes
 *   disk      all, in a file of blobs of the preparation (encode/blob_log.h), up to a number of bytes
 *   hybrid    memory in front of disk
 *   disabled  none */
#ifndef ENCODE_SAMPLE_CACHE_H
#define ENCODE_SAMPLE_CACHE_H

#include "encode/encoder.h"
#include "io/fingerprint.h"

typedef enum cache_strategy { CACHE_HYBRID, CACHE_MEMORY, CACHE_DISK, CACHE_DISABLED } cache_strategy;
#define CACHE_STRATEGIES "hybrid|memory|disk|disabled"

typedef struct sample_cache sample_cache;
/* folder: of the files; made if needed. Fails with E_IO, E_EXISTS (another process has the file), E_NOMEM. */
MEDLEY_MUST_USE medley_status sample_cache_open(const medley_runtime *rt, cache_strategy strategy,
                                                const char *folder, const char *preparation, int64_t memory_bytes,
                                                int64_t disk_bytes, sample_cache **out, medley_error *err);
void sample_cache_close(sample_cache *c);

/* A copy of the sample, to be released; *found says whether there is one. From several threads. */
MEDLEY_MUST_USE medley_status sample_cache_get(sample_cache *c, const char print[FINGERPRINT_SIZE], sample *out,
                                               bool *found, medley_error *err);
/* Keeps a copy, if there is room for it at all. From several threads. */
MEDLEY_MUST_USE medley_status sample_cache_put(sample_cache *c, const char print[FINGERPRINT_SIZE],
                                               const sample *s, medley_error *err);

typedef struct sample_cache_counts {
    int64_t hits_memory, hits_disk, misses, evicted, memory_bytes, disk_bytes;
} sample_cache_counts;
sample_cache_counts sample_cache_count(const sample_cache *c);

#endif
