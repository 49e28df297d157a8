/* Triples (user, positive, negative), which pairwise ranking models learn from: an epoch has as many as there are
 * observed pairs. Any batch can be made alone. */
#ifndef MODEL_TRIPLES_H
#define MODEL_TRIPLES_H

#include "data/negative_sampler.h"
#include "model/learner.h"

typedef struct triples_params {
    int positives; /* triples_positives */
    int negatives; /* negative_kind, or NEGATIVE_BATCH */
    double alpha;
} triples_params;

enum { NEGATIVE_BATCH = NEGATIVE_POPULARITY + 1 }; /* beside negative_kind: a positive of another of the batch */

/* POSITIVES_PAIRS: every observed pair once an epoch, shuffled. POSITIVES_USERS: a user, drawn evenly, then one of the
 * user's items, as Elliot's sampler does: short histories weigh more. */
enum triples_positives { POSITIVES_PAIRS, POSITIVES_USERS };

#define TRIPLES_ROWS(owner, field)                                                                               \
    LEARNING_ROW_ENUM(owner, field, positives, "pairs", "pairs|users",                                           \
                      .help = "each observed pair once an epoch, or a user drawn evenly and an item of theirs"), \
        LEARNING_ROW_ENUM(                                                                                       \
            owner, field, negatives, "uniform", NEGATIVE_CHOICES "|batch",                                       \
            .help = "how an item that the user has not had is drawn; batch: from the positives of others"),      \
        LEARNING_ROW_REAL(owner, field, alpha, "0.75", 0, 10,                                                    \
                          .help = "of negatives popularity: an item's weight is its count to this power")

typedef struct triple_pair {
    uint32_t user, item;
} triple_pair;

typedef struct triples {
    triples_params p;
    const csr *observed; /* borrowed */
    triple_pair *pair;   /* [pairs] of `observed`, in its order */
    uint32_t *active;    /* [actives] users with items */
    int64_t actives;
    negative_sampler *sampler;
} triples;

typedef struct triple_batch {
    int64_t count;
    uint32_t *user, *positive, *negative; /* [count] behind the struct */
} triple_batch;

/* Fails with E_CONFIG when every user has had every item, with E_LIMIT (2^32 pairs), with E_NOMEM. Release it also after a failure. */
MEDLEY_MUST_USE medley_status triples_init(const medley_runtime *rt, const triples_params *p, const training *data,
                                           triples *out, medley_error *err);
void triples_release(triples *t);

/* The functions of learner_class, of contexts whose first field is a `triples`. A batch is a triple_batch. */
int64_t triples_examples(const void *context);
int64_t triples_batch_bytes(const void *context, int64_t count);
void triples_fill(const void *context, const batch_place *at, void *batch);

#endif
