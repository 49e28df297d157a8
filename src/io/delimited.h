/* Delimited text: where the fields of a block of records are.
 *
 * A field may be quoted as in RFC 4180: "a ""b"", c". Blocks without quotes, with a delimiter of
 * one byte, are scanned 64 bytes at a time. */
#ifndef IO_DELIMITED_H
#define IO_DELIMITED_H

#include "io/records.h"

enum { DELIMITER_LONGEST = 4 };

typedef struct delimited_field {
    uint32_t start, end; /* bytes of the block, end exclusive; quotes taken off */
} delimited_field;

/* The fields of one block. All zero at first, reused; release with delimited_release. */
typedef struct delimited_table {
    delimited_field *fields;
    int64_t field_capacity, field_count;
    uint32_t *row_end; /* row r's fields are row_end[r-1] .. row_end[r] - 1 */
    int64_t row_capacity, row_count;
    uint32_t *row_line; /* lines behind the block's first where rows start; NULL: row r is line r */
    int64_t row_line_capacity;
    uint32_t *lines; /* row_line or NULL */
    bool ascii, nul; /* all bytes < 0x80; a NUL byte somewhere */
} delimited_table;

/* Fills the table. Quoted fields are unquoted in place, so the block's bytes change. An empty line is a row
 * of one empty field. Fails with E_NOMEM only. */
MEDLEY_MUST_USE medley_status delimited_parse(const medley_runtime *rt, record_block *block, const char *delimiter,
                                              delimited_table *out, medley_error *err);
void delimited_release(delimited_table *t);

/* The slow twin: the same table for any block, byte by byte. */
MEDLEY_MUST_USE medley_status delimited_parse_slow(const medley_runtime *rt, record_block *block,
                                                   const char *delimiter, delimited_table *out, medley_error *err);

#endif
