/* Splits: which interactions are for training, for choosing, and for judging. */
#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H

#include "base/report.h"
#include "data/store.h"

/* What a strategy draws from, and which fold it makes. */
typedef struct split_lot {
    uint64_t seed;
    int64_t fold, folds; /* fold from 0 */
    bool ordered;        /* the order within a user means time */
} split_lot;

/* What more than one fold means. */
typedef enum split_folds {
    FOLDS_NONE,      /* nothing is drawn: every fold would be the same, so it is refused */
    FOLDS_REPEAT,    /* each fold is drawn anew, with a seed of its own */
    FOLDS_PARTITION, /* the folds' test parts share the interactions: 2 or more are needed */
} split_folds;

/* A strategy: a row in splits.def and a file that defines split_<name>. */
typedef struct split_class {
    const char *name, *summary, *details;
    const medley_param *params;
    size_t params_size;
    bool needs_order; /* the order within a user must mean time */
    split_folds folds;
    /* Writes a part_name for each interaction to part [events->count]. Must not depend on threads. */
    medley_status (*assign)(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err);
} split_class;

extern const split_class *const split_classes[]; /* ends with NULL */

/* The end (exclusive) of the run of one user's rows that starts at `row`. */
int64_t split_user_end(const interactions *events, int64_t row);

typedef struct split_params {
    const char *store, *name, *strategy;
    int64_t seed, folds;
    bool force;
} split_params;

extern const medley_param split_table[];

/* Writes <store>/splits/<name>/ whole or not at all, with split.json and the leak report. With several folds they
 * are <store>/splits/<name>/1, 2, ..., all or none, and are called <name>.1, <name>.2, ... */
MEDLEY_MUST_USE medley_status split_run(const medley_store *store, const split_params *p,
                                        const split_class *strategy, const void *values, medley_report *report,
                                        medley_error *err);

/* What a split is, from its split.json. */
typedef struct split_facts {
    char name[128], strategy[64];
    int64_t seed, count[PART_COUNT];
    char fingerprint[FINGERPRINT_SIZE]; /* of its columns: a model trained on another split differs */
} split_facts;

/* What training and search hold: there is no way from here to the test part. */
typedef struct selection_parts {
    split_facts facts;
    interaction_files train, val;
    interaction_files val_known; /* no row: the strategy holds no users out */
} selection_parts;
MEDLEY_MUST_USE medley_status selection_open(const medley_store *store, const char *name, selection_parts *out,
                                             medley_error *err);
void selection_release(selection_parts *s);

/* All, for the final evaluation and for recommending. A part that the split does not have has no row. */
typedef struct judging_parts {
    split_facts facts;
    interaction_files part[PART_COUNT];
} judging_parts;
MEDLEY_MUST_USE medley_status judging_open(const medley_store *store, const char *name, judging_parts *out,
                                           medley_error *err);
void judging_release(judging_parts *s);

#define SPLIT_FORMAT "medley-split-1"
#define FOLDS_FORMAT "medley-folds-1"

#endif
