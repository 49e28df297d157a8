/* JSON lines: where the wanted members of each line's object are, found without building a tree.
 *
 * A line is one object. Its frame (quotes, brackets, commas, colons) is checked, and so are the values of the wanted
 * keys; what other values hold is skipped, as long as their strings close and their brackets pair up. */
#ifndef IO_JSON_LINES_H
#define IO_JSON_LINES_H

#include "io/delimited.h"

enum { JSON_LINES_KEYS = 8, JSON_LINES_DEEPEST = 64 };

/* Types of values, as bits. */
enum { JSON_LINES_TEXT = 1, JSON_LINES_NUMBER = 2 };

typedef struct json_lines_key {
    const char *name; /* of a top-level member */
    int types;        /* accepted */
} json_lines_key;

/* A line that is not as it should be. */
typedef struct json_lines_fault {
    int64_t row;
    uint32_t column;    /* byte of the line, from 1 */
    const char *key;    /* whose value it is about; "": the line's own form */
    const char *reason; /* static: "is missing", "brackets that are not closed" */
} json_lines_fault;

/* The fields of one block. All zero at first, reused; release with json_lines_release. Row r is line r: it has one
 * field a key, in the order of the keys; a line that is empty has one empty field, and a faulty one none. */
typedef struct json_lines_table {
    delimited_table fields;
    json_lines_fault *faults; /* in the order of their rows */
    int64_t fault_count, fault_capacity;
} json_lines_table;

/* Fills the table with `count` (1..JSON_LINES_KEYS) members of every line. Escapes of wanted texts are replaced in place, so
 * the block's bytes change. Fails with E_NOMEM only. */
MEDLEY_MUST_USE medley_status json_lines_parse(const medley_runtime *rt, record_block *block,
                                               const json_lines_key *keys, int count, json_lines_table *out,
                                               medley_error *err);
void json_lines_release(json_lines_table *t);

/* Whether the object that starts in a line has a member `name`: for telling forms of a file apart. `line` is padded as
 * blocks are. */
bool json_lines_has(const char *line, const char *name);

#endif
