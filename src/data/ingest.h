/* From raw files to columns: what readers feed, in parallel and in bounded memory.
 *
 * A reader names files and the columns in them; this parses, checks, maps external ids and keeps what
 * is wrong. Ids are numbered in order of first appearance, for any number of threads. */
#ifndef DATA_INGEST_H
#define DATA_INGEST_H

#include "data/interactions.h"
#include "io/json.h"

typedef enum text_encoding { ENCODING_UTF8 = 0, ENCODING_LATIN1 = 1 } text_encoding;
typedef enum time_unit { TIME_SECONDS = 0, TIME_MILLISECONDS = 1 } time_unit;
typedef enum on_error { ON_ERROR_AUTO = 0, ON_ERROR_SKIP = 1, ON_ERROR_STOP = 2 } on_error;

typedef struct ingest_options {
    int on_error;                  /* AUTO: skip up to 0.1 % of a file's rows, stop above */
    double rating_min, rating_max; /* accepted range */
} ingest_options;

/* Where the columns of an interaction file are: a name of its header, or a position from 1 as text;
 * NULL or "": the file has none. */
typedef struct interaction_layout {
    const char *delimiter; /* 1..4 bytes */
    bool header, quotes;
    text_encoding encoding;
    time_unit time_unit;
    const char *user, *item, *rating, *timestamp;
    bool list; /* the item column and all behind it are items, in time order */
    int part;  /* a part_name, or -1 when the source does not fix a split */
} interaction_layout;

typedef struct item_layout {
    const char *delimiter;
    bool header, quotes;
    text_encoding encoding;
    const char *id, *title, *text, *image;
    const char *genres;           /* a column that holds several values */
    const char *genres_separator; /* between them */
} item_layout;

/* One raw file as it was read. */
typedef struct ingest_source {
    char *path; /* as it is shown: '?' for bytes that are not printable UTF-8 */
    char fingerprint[33];
    int64_t bytes, rows, bad;
} ingest_source;

/* A row that was skipped. */
typedef struct ingest_bad_row {
    int64_t source, line;
    int column; /* from 1; 0: the row as a whole */
    char reason[200];
} ingest_bad_row;

enum { INGEST_BAD_ROWS_KEPT = 20 };

/* What an item table says of an item; texts live in the dataset's arena, NULL when absent. */
typedef struct item_facts {
    const char *title, *text, *image, *attributes; /* attributes: JSON */
} item_facts;

/* A raw data set in memory. */
typedef struct dataset {
    const medley_runtime *rt;
    int64_t count; /* interactions, sorted by (user, time, input order) */
    uint32_t *user, *item;
    float *rating;      /* NULL: none */
    int64_t *timestamp; /* NULL: none */
    uint8_t *part;      /* NULL: not fixed */
    bool ordered;       /* the order within a user means time, with or without timestamps */
    idmap users, items; /* items of the interactions first, then those of the item table only */
    item_facts *facts;  /* [items.count], or NULL: there was no item table */
    arena texts;
    ingest_source *sources;
    int64_t source_count;
    ingest_bad_row bad[INGEST_BAD_ROWS_KEPT]; /* the first ones */
    int64_t bad_kept;
    int64_t repeated_items; /* rows of the item table whose id came before: the first one counts */
} dataset;

void dataset_release(dataset *d);

typedef struct ingest ingest;

MEDLEY_MUST_USE medley_status ingest_create(const medley_runtime *rt, const ingest_options *options, ingest **out,
                                            medley_error *err);
void ingest_free(ingest *in); /* NULL is fine */

/* Reads one file of interactions; several are read in order. Fails with E_NOT_FOUND, E_IO, E_FORMAT (what is
 * wrong with the file, or its first bad row when there are too many), E_NOMEM, E_LIMIT, E_STOPPED. */
MEDLEY_MUST_USE medley_status ingest_interactions(ingest *in, const char *path, const interaction_layout *layout,
                                                  medley_error *err);
/* Reads one item table; at most one a data set. */
MEDLEY_MUST_USE medley_status ingest_items(ingest *in, const char *path, const item_layout *layout,
                                           medley_error *err);
/* Sorts and hands over what was read; `in` is then only good for ingest_free. */
MEDLEY_MUST_USE medley_status ingest_finish(ingest *in, dataset *out, medley_error *err);

#endif
