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
    bool saw_validation; /* trained with learn_from: train_val, so validation cannot judge it */
    csr_owner known;     /* [users, items] everything in the store: what medley_ranker_rank leaves out */
};

/* What counts as known of a user: the training part; with what split keeps of held-out users, before the targets
 * of validation or of test; everything. */
typedef enum known_parts { KNOWN_TRAINING, KNOWN_BEFORE_VAL, KNOWN_BEFORE_TEST, KNOWN_ALL } known_parts;

/* The distinct items of each user [users, items], and each user's events in time order [users]. */
MEDLEY_MUST_USE medley_status model_known(const medley_model *model, known_parts parts, csr_owner *out,
                                          medley_error *err);
MEDLEY_MUST_USE medley_status model_histories(const medley_model *model, known_parts parts, histories_owner *out,
                                              medley_error *err);
/* As model_histories, row r of users[r] [count], which are borrowed and may repeat. */
MEDLEY_MUST_USE medley_status model_histories_of(const medley_model *model, known_parts parts,
                                                 const uint32_t *users, int64_t count, histories_owner *out,
                                                 medley_error *err);
/* Left sides from histories, of some users from what is known of them, and of all. */
MEDLEY_MUST_USE medley_status model_left(const medley_model *model, const histories *known, left_sides *out,
                                         medley_error *err);
MEDLEY_MUST_USE medley_status model_left_of(const medley_model *model, known_parts parts, const uint32_t *users,
                                            int64_t count, left_sides *out, medley_error *err);
MEDLEY_MUST_USE medley_status model_left_known(const medley_model *model, known_parts parts, left_sides *out,
                                               medley_error *err);

/* As medley_model_open, but without the known matrix, and with ids and titles only when asked. */
MEDLEY_MUST_USE medley_status model_open(const medley_runtime *rt, const char *run, const char *store, bool names,
                                         medley_model **out, medley_error *err);

/* Bytes of config.yaml at most. */
enum { RUN_TEXT_LONGEST = 1024 * 1024 };

#endif
