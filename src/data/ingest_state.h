/* What the files of ingest share; private to them. */
#ifndef DATA_INGEST_STATE_H
#define DATA_INGEST_STATE_H

#include "data/ingest.h"
#include "io/json_lines.h"

/* Columns of rows in the order one worker read them; user and item are that worker's indexes. */
typedef struct row_chunk {
    struct row_chunk *next;
    int64_t count, capacity;
    uint32_t *user, *item;
    float *rating;
    int64_t *timestamp;
    uint8_t *part; /* NULL: the block's, or none */
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
    delimited_table table;        /* of the block */
    json_lines_table lines;       /* faults of the block's JSON lines; none where it is delimited */
    const char *const *names;     /* of the columns, where messages use names; else NULL */
    const char *encoding_setting; /* as in the layout */
    char *latin1;                 /* scratch for conversions */
    int64_t latin1_capacity;
    char last_user[64]; /* rows often come grouped by user */
    size_t last_user_length;
    uint32_t last_user_index;
    bool users_mixed;        /* the last row's user was another than the row's before */
    int64_t rows, bad_count; /* of the file being read */
    int64_t bad_taken;       /* of bad[], by ingest_settle */
    ingest_bad_row bad[INGEST_BAD_ROWS_KEPT];
} ingest_worker;

/* What tables say of an item or user. */
typedef struct entity {
    const char *title, *text, *image;
    fact *first;
    int table;   /* the last one that had a row of it, from 1 */
    bool listed; /* in a table that is not secondary */
} entity;

typedef struct entity_table {
    idmap ids;
    entity *rows; /* [ids.count] */
    int64_t capacity;
} entity_table;

/* Other ids of items: item[n] and next[n] link the items that share one. */
typedef struct alias_table {
    idmap ids;
    uint32_t *first;       /* [ids.count] into item; IDMAP_NONE: none */
    uint32_t *item, *next; /* of `items` */
    int64_t first_capacity, item_capacity, next_capacity, count;
} alias_table;

typedef struct image_table {
    idmap ids;
    const char **path; /* [ids.count] */
    int64_t capacity;
} image_table;

struct ingest {
    const medley_runtime *rt;
    ingest_options options;
    ingest_worker *workers;
    int worker_count;
    int64_t blocks; /* of the files read so far */
    bool has_rating, has_timestamp, has_part, listed;
    bool may_be_empty;           /* files without rows are fine */
    bool part_rows;              /* each row names its part */
    bool clean_text, lower_case; /* titles and texts of items */
    dataset out;                 /* sources and bad rows gather here */
    entity_table items, users;
    alias_table aliases;
    image_table images;
    arena facts; /* what the tables above point to */
    int tables;  /* read so far */
    int64_t source_capacity;
};

/* Columns of a file, by position from 0; -1: not there. */
typedef struct column_at {
    const char *role, *spec;
    int index;
    int types; /* that a typed header may name, COLUMN_* together; 0: whatever */
} column_at;

enum { COLUMN_TOKEN = 1, COLUMN_TOKEN_SEQ = 2, COLUMN_FLOAT = 4, COLUMN_FLOAT_SEQ = 8 };

/* Finds each column's position from the first row, which is a header or not; "name?" may be absent.
 * `count` is the file's number of columns. */
medley_status ingest_find_columns(const char *path, bool header, const record_block *block,
                                  const delimited_table *table, column_at *columns, int count, medley_error *err);

/* Refuses a header with a type that RecBole does not know, "item_id:tokin"; types may be missing. */
medley_status ingest_check_header(const char *path, const record_block *block, const delimited_table *table,
                                  medley_error *err);

/* The length of the name in a header's cell "name:token_seq" and the type behind it, "" when there is none. */
size_t ingest_typed_name(const char *cell, size_t length, const char **type);

/* A column's name as one line of UTF-8 ('?' for what is none), kept as long as `in`. */
medley_status ingest_keep_name(ingest *in, const char *name, size_t length, const char **out, medley_error *err);

/* Adds a source to the data set and hands out its index. */
medley_status ingest_add_source(ingest *in, const char *path, int64_t *index, medley_error *err);

/* Keeps a bad row: the first ones of a worker's file. column from 1, 0 for the row. */
void ingest_bad(ingest_worker *w, int64_t line, int column, const char *format, ...) MEDLEY_PRINTF(4, 5);

/* Closes a file's account: refuses it, or logs what was skipped, as options.on_error says. */
medley_status ingest_settle(ingest *in, int64_t source, medley_error *err);
/* Opens it: counts start at 0. encoding_setting is borrowed until the file is read. */
void ingest_start_file(ingest *in, const char *encoding_setting);

/* Fills the worker's table from its delimited block, with room for conversions when the block needs them. */
medley_status ingest_parse_block(ingest *in, ingest_worker *w, const char *delimiter, text_encoding encoding,
                                 medley_error *err);

/* The field as valid UTF-8 without NUL in *bytes (borrowed from block or scratch), or false and a bad row. */
bool ingest_text(ingest_worker *w, text_encoding encoding, delimited_field field, int64_t line, int column,
                 const char **bytes, size_t *length);

/* Adds what a block's rows say to the tables; `users`: of users. In the order of the file. */
medley_status entities_join(ingest *in, const fact_rows *rows, const item_layout *layout, bool users,
                            medley_error *err);
medley_status entities_find(const medley_runtime *rt, entity_table *t, const char *id, size_t length,
                            uint32_t *index, medley_error *err);
/* Lays what the tables say beside the items and users of `d`. */
medley_status entities_finish(ingest *in, dataset *d, medley_error *err);
void entities_release(ingest *in);

/* Numbers ids and sorts all rows into the columns of `d`. */
medley_status ingest_sort(ingest *in, dataset *d, medley_error *err);

/* The line of the file where a row of the worker's table starts. */
int64_t ingest_line(const ingest_worker *w, int64_t row);

#endif
