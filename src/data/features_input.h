/* Vectors from elsewhere, by item: the forms that `features import` reads. */
#ifndef DATA_FEATURES_INPUT_H
#define DATA_FEATURES_INPUT_H

#include "data/features_file.h"
#include "io/safetensors.h"

enum { FEATURES_TOLD = 5 }; /* ids that are told of those that are left out */

typedef struct features_input {
    const medley_runtime *rt;
    const features_import *p;
    const medley_store *store; /* with names */
    const struct features_form *form;
    int64_t length;                            /* F */
    int64_t rows, matched, unknown, duplicate; /* vectors of the input: all, and what became of them */
    int64_t *row_of;                           /* [items] the input's row of an item; -1: none */
    const char *first_unknown[FEATURES_TOLD], *first_duplicate[FEATURES_TOLD];
    arena told;
    /* What the forms hold; rows of any type, or a file each, or read to the end. */
    const void *values; /* [rows, length] of `type` */
    npy_type type;
    npy file;
    safetensors *tensors;
    char **names; /* [name_count] of a folder's files */
    int64_t name_count;
    float *read; /* [items, length] */
} features_input;

typedef struct features_form {
    const char *name;
    bool takes_ids, takes_tensor;
    /* Finds length and row_of. */
    medley_status (*open)(features_input *in, medley_error *err);
    /* The vector of an item whose row_of is not -1, finite or refused. Called from several threads. */
    medley_status (*read)(const features_input *in, int64_t item, float *out, medley_error *err);
} features_form;

extern const features_form features_forms[];                 /* ends with name NULL */
#define FEATURES_FORM_NAMES "npy|folder|csv|tsv|safetensors" /* in that order */

/* Opens what `p` names and matches its ids to the store's. Fails with E_CONFIG, E_NOT_FOUND, E_FORMAT. Release it also
 * after a failure. */
MEDLEY_MUST_USE medley_status features_input_open(const medley_runtime *rt, const features_import *p,
                                                  const medley_store *store, features_input *out,
                                                  medley_error *err);
void features_input_release(features_input *in);

/* For forms: the id of the input's next vector. */
MEDLEY_MUST_USE medley_status features_take_id(features_input *in, const char *id, size_t length,
                                               medley_error *err);
/* `count` values of `type` as floats; refuses one that is not finite as float32. `where` names the file. */
MEDLEY_MUST_USE medley_status features_convert(const char *where, const char *id, npy_type type,
                                               const void *values, int64_t count, float *out, medley_error *err);
/* Ids of a file, one a vector: a line each, or an .npy. */
MEDLEY_MUST_USE medley_status features_take_id_file(features_input *in, const char *path, medley_error *err);
/* A delimited text of ids and numbers, into in->read. */
MEDLEY_MUST_USE medley_status features_read_text(features_input *in, const char *delimiter, medley_error *err);
MEDLEY_MUST_USE medley_status features_check_length(const char *where, int64_t length, medley_error *err);

#endif
