/* Matrix factorisation of ratings, shared by the models mf and kmeans. */
#ifndef MODEL_MF_H
#define MODEL_MF_H

#include "model/learner.h"

typedef struct mf_params {
    learning settings;
    int64_t factors;
    double regularization, init;
    bool biases;
} mf_params;

#define MF_ROWS(owner)                                                                                 \
    MEDLEY_INT(owner, factors, "20", 1, 4096, .sweep = "8,16,32,64", .help = "length of the vectors"), \
        MEDLEY_REAL(owner, regularization, "0", 0, 1e6, .sweep = "log:1e-3..1",                        \
                    .help = "squared penalty on the vectors and biases of every rating"),              \
        MEDLEY_REAL(owner, init, "0.05", 0, 100, .help = "vectors start evenly between 0 and this"),   \
        MEDLEY_BOOL(owner, biases, "false", .help = "add the mean rating and learnt biases of users and items")

/* What is learnt, and on what. The functions are those of learner_class. */
typedef struct mf {
    const mf_params *p;
    const csr *ratings; /* borrowed */
    uint64_t seed;
    uint32_t *user_of; /* [ratings] */
    double mean;
    parameter *user, *item;           /* [U, D], [I, D] */
    parameter *user_bias, *item_bias; /* [U, 1], [I, 1], or NULL */
} mf;

typedef struct rating_batch {
    int64_t count;
    uint32_t *user, *item; /* [count] behind the struct, as is rating */
    real *rating;
} rating_batch;

medley_status mf_begin(const medley_runtime *rt, const void *values, const training *data, void **context,
                       medley_error *err);
void mf_end(void *context);
void mf_declare(void *context, parameters *p);
int64_t mf_examples(const void *context);
int64_t mf_batch_bytes(const void *context, int64_t count);
void mf_fill(const void *context, const batch_place *at, void *batch);
node *mf_loss(void *context, graph *g, const void *batch);

#endif
