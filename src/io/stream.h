/* Bytes of a file in order, plain or decompressed: gzip and zstd are known by their first bytes. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "io/file.h"

typedef struct stream stream;

MEDLEY_MUST_USE medley_status stream_open(const medley_runtime *rt, const char *path, stream **out,
                                          medley_error *err);
/* Fills `bytes` as far as the content goes: *got < size only at its end. A compressed file that is
 * cut short or damaged fails with E_FORMAT ("x.gz: byte 4096 of the compressed file: ...").
 * Concatenated gzip members and zstd frames are one content, as gzip -d and zstd -d read them. */
MEDLEY_MUST_USE medley_status stream_read(stream *s, char *bytes, size_t size, size_t *got, medley_error *err);
void stream_close(stream *s);

/* The XXH3-128 of the raw (compressed) bytes once the end was reached, 32 hex digits. */
void stream_fingerprint(const stream *s, char hex[33]);
/* Raw bytes read so far and the file's size, for progress. */
int64_t stream_done(const stream *s);
int64_t stream_total(const stream *s);

#endif
