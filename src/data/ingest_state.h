/* What ingest.c, ingest_items.c and ingest_sort.c share; private to them. */
#ifndef DATA_INGEST_STATE_H
#define DATA_INGEST_STATE_H

#include "data/ingest.h"
#include "io/delimited.h"

/* Columns of rows in the order one worker read them; user and item are that worker's indexes. */
typedef struct row_chunk {
    struct row_chunk *next;
    int64_t count, capacity;
    uint32_t *user, *item;
    float *rating;
    int64_t *timestamp;
} row_chunk;

/* Where the rows of one block went. */
typedef struct block_rows {
    int64_t block; /* over all files, in input order */
    int worker;
    int part;
    const row_chunk *chunk;
    int64_t first, count;
} block_rows;

/* A worker's ids and where each was first seen: block << 32 | row in the block. */
typedef struct seen_ids {
    idmap map;
    uint64_t *first_seen; /* [map.count] ascending */
    int64_t capacity;
} seen_ids;

typedef struct ingest_worker {
    seen_ids users, items;
    row_chunk *chunks; /* newest first */
    block_rows *blocks;
    int64_t block_count, block_capacity;
    record_block block;
    delimited_table table;
    char *latin1; /* scratch for conversions */
    int64_t latin1_capacity;
    char last_user[64]; /* rows often come grouped by user */
    size_t last_user_length;
    uint32_t last_user_index;
    bool users_mixed;        /* the last row's user was another than the row's before */
    int64_t rows, bad_count; /* of the file being read */
    int64_t bad_taken;       /* of bad[], by ingest_settle */
    ingest_bad_row bad[INGEST_BAD_ROWS_KEPT];
} ingest_worker;

struct ingest {
    const medley_runtime *rt;
    ingest_options options;
    ingest_worker *workers;
    int worker_count;
    int64_t blocks; /* of the files read so far */
    bool has_rating, has_timestamp, has_part, listed;
    dataset out;             /* sources, bad rows and item facts gather here */
    idmap table_ids;         /* ids of the item table */
    item_facts *table_facts; /* [table_ids.count] */
    int64_t table_facts_capacity;
    int64_t source_capacity;
};

/* Columns of a file, by position from 0; -1: not there. */
typedef struct column_at {
    const char *role, *spec;
    int index;
} column_at;

/* Finds each column's position from the first row, which is a header or not; "name?" may be absent.
 * `count` is the file's number of columns. */
medley_status ingest_find_columns(const char *path, bool header, const record_block *block,
                                  const delimited_table *table, column_at *columns, int count, medley_error *err);

/* Adds a source to the data set and hands out its index. */
medley_status ingest_add_source(ingest *in, const char *path, int64_t *index, medley_error *err);

/* Keeps a bad row: the first ones of a worker's file. column from 1, 0 for the row. */
void ingest_bad(ingest_worker *w, int64_t line, int column, const char *format, ...) MEDLEY_PRINTF(4, 5);

/* Closes a file's account: refuses it, or logs what was skipped, as options.on_error says. */
medley_status ingest_settle(ingest *in, int64_t source, medley_error *err);
/* Opens it: counts start at 0. */
void ingest_start_file(ingest *in);

/* Fills the worker's table from its block, with room for conversions when the block needs them. */
medley_status ingest_parse_block(ingest *in, ingest_worker *w, const char *delimiter, text_encoding encoding,
                                 medley_error *err);

/* The field as valid UTF-8 without NUL in *bytes (borrowed from block or scratch), or false and a bad row. */
bool ingest_text(ingest_worker *w, text_encoding encoding, delimited_field field, int64_t line, int column,
                 const char **bytes, size_t *length);

/* Numbers ids and sorts all rows into the columns of `d`. */
medley_status ingest_sort(ingest *in, dataset *d, medley_error *err);

/* The line of the file where a row of the worker's table starts. */
int64_t ingest_line(const ingest_worker *w, int64_t row);

#endif
