/* A text file as blocks of whole records, handed to several threads.
 *
 * A record ends at a line end that is not inside a quoted field (RFC 4180). Where blocks are cut
 * depends on the file alone, never on threads. */
#ifndef IO_RECORDS_H
#define IO_RECORDS_H

#include "io/stream.h"

enum {
    RECORDS_BLOCK = 256 * 1024,         /* bytes aimed at: text and field table stay in L2 */
    RECORDS_LONGEST = 16 * 1024 * 1024, /* bytes of one record */
    RECORDS_PADDING = 64,               /* readable bytes behind a block, zero */
};

typedef struct records_options {
    const char *delimiter; /* borrowed; a quote counts only at the start of a field */
    bool quotes;           /* fields may be quoted with '"' */
} records_options;

typedef struct record_block {
    char *bytes;   /* [length + RECORDS_PADDING], the last one '\n' */
    size_t length; /* > 0 */
    int64_t capacity;
    int64_t index;      /* 0, 1, 2, ... in file order */
    int64_t first_line; /* of the file, from 1 */
    int64_t done;       /* raw bytes of the file read so far, for progress */
    bool quoted;        /* quotes are on and it may hold a '"' */
} record_block;

typedef struct records records;

/* Opens a plain or compressed file; a UTF-8 byte order mark is skipped. */
MEDLEY_MUST_USE medley_status records_open(const medley_runtime *rt, const char *path, records_options options,
                                           records **out, medley_error *err);

/* Fills the caller's block (all zero at first, reused, freed with mem_free(block->bytes)) with the next
 * records; *more is false at the end. Any thread may call. Fails with E_FORMAT for a record longer than
 * RECORDS_LONGEST or a quote that is never closed, naming the line. */
MEDLEY_MUST_USE medley_status records_next(records *r, record_block *block, bool *more, medley_error *err);

/* Raw bytes read, of how many: for progress. The fingerprint is complete after the last block. */
const stream *records_stream(const records *r);
void records_close(records *r);

#endif
