/* An open run: the model, its store and split. */
#ifndef API_MODEL_ACCESS_H
#define API_MODEL_ACCESS_H

#include <medley/model.h>

#include "data/matrix.h"
#include "data/split.h"
#include "model/model.h"

struct medley_model {
    const medley_runtime *rt;
    model_file file;
    scoring how;
    medley_store *store;
    judging_parts split;
    csr_owner known; /* [users, items] everything in the store: what medley_ranker_rank leaves out */
};

/* Which parts count as known to the model's user. */
typedef enum known_parts { KNOWN_TRAIN = 1, KNOWN_TRAIN_VAL = 2, KNOWN_ALL = 3 } known_parts;

/* The first `parts` parts of the model's split as one matrix. */
MEDLEY_MUST_USE medley_status model_known(const medley_model *model, known_parts parts, csr_owner *out,
                                          medley_error *err);

/* As medley_model_open, but without the known matrix, and with ids and titles only when asked. */
MEDLEY_MUST_USE medley_status model_open(const medley_runtime *rt, const char *run, const char *store, bool names,
                                         medley_model **out, medley_error *err);

/* Bytes of config.yaml at most. */
enum { RUN_TEXT_LONGEST = 1024 * 1024 };

#endif
