/* A file of blobs, each kept under the fingerprint of the content that it was made from: what has been computed so far.
 * It is only ever appended to, a record at a time; whoever dies on the way loses that record, and nothing else. What is
 * damaged ends the file: it is read up to there, and cut there.
 *
 *   "medley-blobs-1 <fingerprint of identity>\n", then records of 16 bytes' multiples:
 *   check[32] of all behind it, key[32], int64 bytes, int64 size, bytes, zeros */
#ifndef ENCODE_BLOB_LOG_H
#define ENCODE_BLOB_LOG_H

#include "io/fingerprint.h"

typedef struct blob {
    const void *data; /* 16-byte aligned */
    size_t bytes;
    int64_t size; /* the writer's own */
} blob;

typedef struct blob_log blob_log;
/* Opens or makes the file, and holds it: a second process fails with E_EXISTS. A file of another identity, or one that is no
 * such file, is emptied. Fails with E_IO, E_NOMEM. */
MEDLEY_MUST_USE medley_status blob_log_open(const medley_runtime *rt, const char *path, const char *identity,
                                            blob_log **out, medley_error *err);
/* Flushes and closes; the file stays. NULL is fine. */
void blob_log_close(blob_log *log);

/* The blob of a key, as of the last blob_log_open or _settle. False: there is none. From several threads. */
bool blob_log_find(const blob_log *log, const char key[FINGERPRINT_SIZE], blob *out);
int64_t blob_log_count(const blob_log *log);
int64_t blob_log_bytes(const blob_log *log); /* of the file, as of then */
/* Appends; all of them or, when this process dies, the first ones. From several threads at once, also beside find. */
MEDLEY_MUST_USE medley_status blob_log_add(blob_log *log, int64_t count, const char (*keys)[FINGERPRINT_SIZE],
                                           const blob *blobs, medley_error *err);
/* Lets what was added be found, and ends all blobs handed out before. */
MEDLEY_MUST_USE medley_status blob_log_settle(blob_log *log, medley_error *err);

#endif
