/* From raw files to columns: what readers feed, in parallel and in bounded memory.
 *
 * A reader names files and the columns in them; this parses, checks, maps external ids and keeps what
 * is wrong. Ids are numbered in order of first appearance, for any number of threads. */
#ifndef DATA_INGEST_H
#define DATA_INGEST_H

#include "data/facts.h"
#include "data/interactions.h"
#include "io/json.h"

typedef enum text_encoding { ENCODING_UTF8 = 0, ENCODING_LATIN1 = 1 } text_encoding;
typedef enum row_format { ROWS_DELIMITED = 0, ROWS_JSON_LINES = 1 } row_format;
/* AUTO: values too late for seconds are milliseconds. PATTERN: see data/time_pattern.h. */
typedef enum time_unit { TIME_SECONDS = 0, TIME_MILLISECONDS = 1, TIME_AUTO = 2, TIME_PATTERN = 3 } time_unit;
typedef enum on_error { ON_ERROR_AUTO = 0, ON_ERROR_SKIP = 1, ON_ERROR_STOP = 2 } on_error;

typedef struct ingest_options {
    int on_error;                  /* AUTO: skip up to 0.1 % of a file's rows, stop above */
    double rating_min, rating_max; /* accepted range */
} ingest_options;

/* Where the columns of an interaction file are: a name of its header, or a position from 1 as text; several to
 * choose from have a '|' between them, and "name?" may be absent. NULL or "": the file has none. In JSON lines a
 * column is a key, and only that. */
typedef struct interaction_layout {
    row_format format;
    const char *delimiter; /* 1..4 bytes */
    bool header, quotes;
    text_encoding encoding;
    time_unit time_unit;
    const char *user, *item, *rating, *timestamp;
    const char *time_pattern; /* of TIME_PATTERN */
    const char *part_column;  /* whose values name each row's part: 0, 1, 2 or train, val, test */
    bool list;                /* the item column and all behind it are items, in time order */
    int part;                 /* a part_name, or -1 when the source does not fix a split */
    bool typed_header;        /* RecBole's: name:token, :float, :token_seq, :float_seq, or no type */
    const char *encoding_setting, *time_setting; /* of the reader, for messages; NULL: it has none */
} interaction_layout;

typedef enum fact_kind {
    FACT_TEXT,   /* "Disney" */
    FACT_NUMBER, /* 7.9 */
    FACT_LIST,   /* a|b: ["a", "b"] */
    FACT_NAMES,  /* [{'id': 18, 'name': 'Drama'}] or ["Drama"], JSON or Python: ["Drama"] */
    FACT_FLAG,   /* 1: `value` is one of the list; columns of one list stand side by side */
} fact_kind;

/* A column that becomes an attribute. An empty field makes none. */
typedef struct fact_column {
    const char *column; /* as in interaction_layout */
    const char *key;    /* of the attribute; NULL: the column's own name */
    fact_kind kind;
    const char *separator;      /* LIST */
    const char *none;           /* LIST: a value that means there is none, or NULL */
    const char *where, *equals; /* NAMES: only of dicts whose member `where` is this text; NULL: of all */
    const char *value;          /* FLAG */
    int64_t most;               /* LIST, NAMES: the first ones; 0: the first 1000 */
} fact_column;

/* A table of items or users. */
typedef struct item_layout {
    const char *delimiter;
    bool header, quotes;
    text_encoding encoding;
    const char *id, *title, *text, *image;
    const char *genres;           /* a column that holds several values */
    const char *genres_separator; /* between them */
    const fact_column *facts;     /* [fact_count] */
    int64_t fact_count;
    bool typed_header;            /* as in interaction_layout */
    bool rest_are_facts;          /* every other column is an attribute, of the kind that its type says */
    bool dated_titles;            /* "Heat (1995)": the year becomes the attribute "year" */
    bool secondary;               /* says more about items that are there, and adds none */
    bool by_alias;                /* the id is one that ingest_aliases tells; rows of others are passed over */
    const char *encoding_setting; /* as in interaction_layout */
} item_layout;

/* One raw file as it was read. */
typedef struct ingest_source {
    char *path; /* as it is shown: '?' for bytes that are not printable UTF-8 */
    char fingerprint[33];
    int64_t bytes, rows, bad;
    bool table; /* of items or users, not of interactions */
} ingest_source;

/* A row that was skipped. */
typedef struct ingest_bad_row {
    int64_t source, line;
    int column; /* from 1; 0: the row as a whole */
    char reason[200];
} ingest_bad_row;

enum { INGEST_BAD_ROWS_KEPT = 20 };

/* What item tables say of an item; texts live in the dataset's arena, NULL when absent. */
typedef struct item_facts {
    const char *title, *text, *image, *attributes; /* attributes: a JSON object */
} item_facts;

/* A raw data set in memory. */
typedef struct dataset {
    const medley_runtime *rt;
    int64_t count; /* interactions, sorted by (user, time, input order) */
    uint32_t *user, *item;
    float *rating;                /* NULL: none */
    int64_t *timestamp;           /* NULL: none */
    uint8_t *part;                /* NULL: not fixed */
    bool ordered;                 /* the order within a user means time, with or without timestamps */
    idmap users, items;           /* items of the interactions first, then those of the item table only */
    item_facts *facts;            /* [items.count], or NULL: there was no item table */
    idmap user_table;             /* ids of the user tables, whether they interact or not */
    const char **user_attributes; /* [user_table.count] JSON objects or NULL; see dataset_user_attributes */
    arena texts;
    ingest_source *sources;
    int64_t source_count;
    ingest_bad_row bad[INGEST_BAD_ROWS_KEPT]; /* the first ones */
    int64_t bad_kept;
    int64_t repeated_items; /* rows of the item table whose id came before: the first one counts */
} dataset;

void dataset_release(dataset *d);

/* What user tables say of a user: a JSON object, or NULL. By id, so users may be renumbered. */
const char *dataset_user_attributes(const dataset *d, const char *id, size_t length);

typedef struct ingest ingest;

MEDLEY_MUST_USE medley_status ingest_create(const medley_runtime *rt, const ingest_options *options, ingest **out,
                                            medley_error *err);
void ingest_free(ingest *in); /* NULL is fine */
/* From now on titles and texts of item tables are cleaned, see data/text_clean.h. */
void ingest_clean_texts(ingest *in, bool lower_case);
/* From now on files may have no rows, and all of them together, too: nothing is new. */
void ingest_allow_empty(ingest *in);

/* Reads one file of interactions; several are read in order. Fails with E_NOT_FOUND, E_IO, E_FORMAT (what is
 * wrong with the file, or its first bad row when there are too many), E_NOMEM, E_LIMIT, E_STOPPED. */
MEDLEY_MUST_USE medley_status ingest_interactions(ingest *in, const char *path, const interaction_layout *layout,
                                                  medley_error *err);
/* Reads an item table. Of several, later ones add: the first title, text, image and value of an attribute count. */
MEDLEY_MUST_USE medley_status ingest_items(ingest *in, const char *path, const item_layout *layout,
                                           medley_error *err);
/* Reads a user table; title, text and image are not used. */
MEDLEY_MUST_USE medley_status ingest_users(ingest *in, const char *path, const item_layout *layout,
                                           medley_error *err);
/* Reads an item table of JSON lines or Python dicts, one or more items a line: see data/facts.h. */
MEDLEY_MUST_USE medley_status ingest_item_lines(ingest *in, const char *path, fact_function function,
                                                bool secondary, medley_error *err);
/* Reads other ids of items (layout->id), for tables that use those: links.csv says which movie has which TMDB id. */
MEDLEY_MUST_USE medley_status ingest_aliases(ingest *in, const char *path, const item_layout *layout,
                                             const char *alias_column, medley_error *err);
/* Reads a table with many rows an item, one value a row: the attribute `key` lists an item's `most` frequent values,
 * equally frequent ones in the order of the file. */
MEDLEY_MUST_USE medley_status ingest_tags(ingest *in, const char *path, const item_layout *layout,
                                          const char *value_column, const char *key, int64_t most,
                                          medley_error *err);
/* Items without an image get `name`/<id>.jpg, .jpeg, .png or .webp where that is a file of the folder. */
MEDLEY_MUST_USE medley_status ingest_images(ingest *in, const char *folder, const char *name, medley_error *err);
/* Sorts and hands over what was read; `in` is then only good for ingest_free. */
MEDLEY_MUST_USE medley_status ingest_finish(ingest *in, dataset *out, medley_error *err);

#endif
