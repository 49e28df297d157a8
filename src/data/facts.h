/* What rows of item and user tables say, on the way from a file to the data set.
 *
 * A table's parser starts a row for each item it finds and adds to it; workers do this at the same time, each with
 * rows of its own, and ingest joins them in the order of the file. */
#ifndef DATA_FACTS_H
#define DATA_FACTS_H

#include "io/literal.h"

/* An attribute: its value as JSON. */
typedef struct fact {
    struct fact *next;
    const char *key, *value;
} fact;

typedef struct fact_row {
    struct fact_row *next;
    const char *id;
    size_t id_length;
    const char *title, *text, *image; /* NULL: not said */
    fact *first, **last;
} fact_row;

/* Rows of one block. A failed allocation is kept; facts_status tells. */
typedef struct fact_rows {
    arena arena; /* of everything below */
    text json;   /* the list being made */
    int64_t listed, most;
    const char *list_key;
    bool clean, lower_case, failed;
    fact_row *first, *row, **last; /* `row`: the one being filled */
    fact_row **place;              /* where `row` hangs */
} fact_rows;

void facts_init(fact_rows *f, const medley_runtime *rt);
void facts_clear(fact_rows *f); /* forgets the rows */
void facts_release(fact_rows *f);
MEDLEY_MUST_USE medley_status facts_status(const fact_rows *f, medley_error *err);

/* Starts a row; what follows is about it. Texts are copied, keys borrowed until ingest_finish. */
void facts_row(fact_rows *f, const char *id, size_t length);
void facts_drop(fact_rows *f); /* takes the row being filled back */
void facts_title(fact_rows *f, const char *bytes, size_t length);
void facts_text(fact_rows *f, const char *bytes, size_t length);
void facts_image(fact_rows *f, const char *bytes, size_t length);

/* Attributes. An empty text or list is none. */
void facts_add_text(fact_rows *f, const char *key, const char *bytes, size_t length);
void facts_add_number(fact_rows *f, const char *key, double value);
/* A list of distinct texts, the first `most` (0: the first 1000). */
void facts_list_begin(fact_rows *f, const char *key, int64_t most);
void facts_list_add(fact_rows *f, const char *bytes, size_t length);
void facts_list_end(fact_rows *f);

/* The texts in a value and the lists in it, or the `name` of its dicts, between list_begin and list_end. Dicts whose
 * member `where` is not `equals` are passed over; NULL: none is. */
void facts_list_names(fact_rows *f, const literal *value, const char *where, const char *equals);

/* Adds the items of a line to `rows`, or says (in a static text) what is wrong with it. */
typedef const char *(*fact_function)(const literal *line, fact_rows *rows);

/* Appends a text as JSON, quotes included. */
void facts_append_json(text *out, const char *bytes, size_t length);

#endif
