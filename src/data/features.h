/* Feature matrices of a store: features/<name>.npy [items, F] float32, row i for item i, and features/<name>.json, which
 * says where they came from. A row of NaN: the item lacks the modality. */
#ifndef DATA_FEATURES_H
#define DATA_FEATURES_H

#include "base/report.h"
#include "data/store.h"
#include "io/npy.h"

typedef struct features {
    npy file;
    const char *name;  /* borrowed from the caller */
    const float *rows; /* [items, length] mapped; rows of missing items hold NaN */
    int64_t items, length, missing;
    bool *lacks; /* [items] */
    char fingerprint[FINGERPRINT_SIZE];
} features;

/* folder: of a store; NULL: E_NOT_FOUND. Unknown names are refused with those there are. Fails with E_NOT_FOUND,
 * E_FORMAT (shape, type, infinite numbers, a row that is partly NaN), E_STALE (json of another store or array). */
MEDLEY_MUST_USE medley_status features_open(const medley_runtime *rt, const char *folder, int64_t items,
                                            const char *name, features *out, medley_error *err);
void features_release(features *f);

/* The fingerprint of a matrix as its .json says; "" where there is no such matrix. folder: of a store. */
MEDLEY_MUST_USE medley_status features_read_print(const medley_runtime *rt, const char *folder, const char *name,
                                                  char print[FINGERPRINT_SIZE], medley_error *err);
/* Appends a line for each matrix that settings name (rows of MEDLEY_PARAM_FEATURES): `before`, its name and its fingerprint, or "-"
 * where there is none. */
MEDLEY_MUST_USE medley_status features_describe(const medley_runtime *rt, const char *folder,
                                                const medley_param *table, const void *values, const char *before,
                                                text *out, medley_error *err);

/* The matrices of a store as a table, by what their .json says; and one of them, read and checked whole. */
MEDLEY_MUST_USE medley_status features_list_run(const medley_runtime *rt, const char *store, medley_report *report,
                                                medley_error *err);
MEDLEY_MUST_USE medley_status features_show_run(const medley_runtime *rt, const char *store, const char *name,
                                                medley_report *report, medley_error *err);

/* What is new of an item that a store has. */
enum { ITEM_NEW_TITLE = 1, ITEM_NEW_TEXT = 2, ITEM_NEW_PICTURE = 4 };

/* For items that are added to a store, or change: writes its matrices into the folder `to`, whose catalogue starts with the items
 * of `from` and has `items`; the further ones lack the modality, and so do those of which what was encoded has changed
 * (`changed` [from_items] ITEM_NEW_..., NULL: none). What was encoded is kept, so that extracting again does only what is new.
 * A matrix that features_open would refuse is left out, and the table that is reported says why. */
MEDLEY_MUST_USE medley_status features_carry(const medley_runtime *rt, const char *from, int64_t from_items,
                                             const char *to, int64_t items, const uint8_t *changed,
                                             medley_report *report, medley_error *err);

typedef struct features_import {
    const char *store, *name, *input, *ids;
    int format;
    const char *tensor;
    bool force;
} features_import;
extern const medley_param features_import_table[];

/* Brings vectors from elsewhere into a store, by the items' external ids, never by position:
 *   one .npy [N, F] and `ids`, a text file of N lines, or an .npy of integers or texts
 *   a folder with one <id>.npy an item ([F] or [1, F]), as Ducho writes
 *   CSV or TSV: id, then F numbers a row, with or without a header
 *   safetensors: a tensor [N, F] (`tensor` if there are several) and `ids`, or a tensor "ids" in it: integers [N], or
 *                bytes [N, W], texts with zeros behind them
 * Items without a vector stay NaN; ids that are not in the store are counted and the first are told. Reports rows read,
 * matched, unknown, missing and coverage. Nothing is written unless all is. */
MEDLEY_MUST_USE medley_status features_import_run(const medley_runtime *rt, const features_import *p,
                                                  medley_report *report, medley_error *err);

#define FEATURES_FORMAT "medley-features-1"

#endif
