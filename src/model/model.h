/* What a recommender is: a row in models.def and a file that defines model_<name>.
 *
 * A model is fitted once into named tensors; saving and loading are loops over them. A score is a product
 *
 *   score(q, i) = <left_q, right_i> + bias_i
 *
 * of what is known of the one who is asked for (`encode` makes the left side from a history) and of what was
 * learnt (`scoring` gives the right side). The one ranking path (recommend/) executes it. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/base.h"
#include "data/histories.h"
#include "data/interactions.h"
#include "io/safetensors.h"
#include "tensor/csr.h"
#include "tensor/work.h"

/* What a model may learn from: the training part of a split and the item table, nothing else. */
typedef struct training {
    int64_t users, items;
    interactions events; /* in time order within a user, repeats kept */
    csr matrix;          /* [users, items] distinct items of each user, ascending; value: rating or NULL */
    const char *catalog; /* path of catalog.db, for the items' texts and attributes; NULL: none */
    const char *folder;  /* of the store, for its features (data/features.h); NULL: none */
    uint64_t seed;
} training;

/* The right side. Borrowed arrays. */
typedef enum scoring_form {
    SCORING_FACTORED,      /* left: a vector [D];         score = <left, item[i]> + bias[i] */
    SCORING_LINEAR_DENSE,  /* left: weights of items [I]; score = sum over j of left_j dense[j, i] */
    SCORING_LINEAR_SPARSE, /* left: weights [J];          score = sum over j of left_j sparse[j, i] */
} scoring_form;

typedef struct scoring {
    scoring_form form;
    int64_t items;
    int64_t factors;    /* FACTORED: D, may be 0 */
    const float *user;  /* FACTORED: [U, D] left sides of the users trained on, or NULL: encode makes all */
    const float *item;  /* FACTORED: [I, D], NULL when D is 0 */
    const float *bias;  /* FACTORED: [I], or NULL */
    const float *dense; /* LINEAR_DENSE: [I, I] */
    csr sparse;         /* LINEAR_SPARSE: [J, I]; J is sparse.rows: items, users, or items and one for all */
} scoring;

/* Left sides of many. */
typedef struct left_sides {
    int64_t rows;
    csr_owner weights; /* LINEAR: [rows, J]; a value of NULL is all ones. A row without entries knows nothing */
    float *vectors;    /* FACTORED: [rows, D]; NULL: the rows of scoring.user, or D is 0 */
} left_sides;
void left_sides_release(left_sides *q);

enum { MODEL_TENSORS_MOST = 16 };

/* The tensors of a fitted or loaded model. */
typedef struct model_state {
    named_tensor tensors[MODEL_TENSORS_MOST];
    int64_t count;
    void *owned[MODEL_TENSORS_MOST]; /* mem_alloc'd data of fitted tensors; NULL when mapped */
} model_state;

/* What a model's work is counted from. */
typedef struct training_size {
    const training *data;
    double users, items, entries;  /* of the matrix */
    double user_pairs, item_pairs; /* sums of squares of the lengths of its rows, and of its columns */
    double events;
} training_size;
MEDLEY_MUST_USE medley_status training_measure(const medley_runtime *rt, const training *data, training_size *out,
                                               medley_error *err);

typedef struct model_class {
    const char *name, *title;
    const char *summary; /* one phrase */
    const char *paper;   /* authors, title, venue; and every deliberate difference from it */
    const char *limits;  /* what it cannot serve: "users without history, items without training users" */
    const medley_param *params;
    size_t params_size;
    const char *advice; /* what to do when the memory does not suffice: "raise ... or use ..." */
    /* Peak bytes that fit() needs beyond the training data. NULL: it has a learner, whose parameters are counted when
     * they are declared (train/training_loop.h). */
    int64_t (*estimate)(const void *params, const training *data);
    /* Adds what fit() does, and what encode() does for the histories of all users. NULL: nobody can tell before. */
    void (*work)(const void *params, const training_size *size, workload *fit, workload *encode);
    /* How it is learnt by gradients (model/learner.h), or NULL: then fit() does it at once. Use train_model
     * (train/training_loop.h) for both. */
    const struct learner_class *learner;
    /* Adds tensors to an empty state with model_add. Must not depend on the number of threads. NULL: it has a learner. */
    medley_status (*fit)(const medley_runtime *rt, const void *params, const training *data, model_state *state,
                         medley_error *err);
    /* Fills `out` from the tensors, checking their shapes: they may come from a file. */
    medley_status (*scoring)(const void *params, const model_state *state, int64_t users, int64_t items,
                             scoring *out, medley_error *err);
    /* Makes left sides from histories, one a row; must depend on nothing but the row. NULL: FACTORED takes
     * scoring.user by the row's user, and knows no others; LINEAR gives each distinct item the weight 1.
     * Fails with E_NOMEM, E_STOPPED. */
    medley_status (*encode)(const medley_runtime *rt, const void *params, const model_state *state,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err);
    bool needs_order;      /* of time within a user: refused for stores that have none */
    bool predicts_ratings; /* scores are on the scale of the ratings: the task 'rating' takes it */
} model_class;

extern const model_class *const model_classes[]; /* ends with NULL */

/* Allocates a zeroed tensor owned by the state and hands out its data. Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status model_add(const medley_runtime *rt, model_state *state, const char *name,
                                        tensor_type type, int rank, const int64_t *shape, void *data,
                                        medley_error *err);
/* The tensor of that name, type and shape (-1: any size), or E_FORMAT naming what differs. */
MEDLEY_MUST_USE medley_status model_tensor(const model_state *state, const char *name, tensor_type type, int rank,
                                           const int64_t *shape, const named_tensor **out, medley_error *err);
void model_state_release(model_state *state);

/* A sparse matrix as three tensors: adds a
 * copy of `m` [rows, columns], whose values may be NULL for ones, and reads it back. Reading checks everything: it
 * may come from a file. The three names must outlive the state. */
typedef struct sparse_names {
    const char *start, *index, *value;
} sparse_names;
#define SPARSE_NAMES(prefix)                              \
    (sparse_names)                                        \
    {                                                     \
        prefix ".start", prefix ".index", prefix ".value" \
    }
MEDLEY_MUST_USE medley_status model_add_sparse(const medley_runtime *rt, model_state *state, sparse_names names,
                                               const csr *m, medley_error *err);
MEDLEY_MUST_USE medley_status model_sparse(const model_state *state, sparse_names names, int64_t rows,
                                           int64_t columns, csr *out, medley_error *err);

/* Refuses (E_LIMIT, with advice) what estimate() says cannot fit in the memory that is available. */
MEDLEY_MUST_USE medley_status model_check_memory(const model_class *class, const void *params,
                                                 const training *data, medley_error *err);

/* Writes model.safetensors: tensors, and metadata format, model, parameters and the data's fingerprint. */
MEDLEY_MUST_USE medley_status model_save(const medley_runtime *rt, const char *path, const model_class *class,
                                         const void *params, const model_state *state, int64_t users,
                                         int64_t items, const char *fingerprint, medley_error *err);

/* Left sides by the model's encode or the rule above. known->user says who the rows are; a stranger of a model
 * that knows its trained users only is E_ARGUMENT. */
MEDLEY_MUST_USE medley_status model_encode(const medley_runtime *rt, const model_class *class, const void *params,
                                           const model_state *state, const scoring *how, const histories *known,
                                           left_sides *out, medley_error *err);

/* Whether model_encode reads what is known of a user of the store, and not only which one it is. */
bool model_reads_histories(const model_class *class, const scoring *how);

/* A model read back: its tensors borrow from the mapped file. */
typedef struct model_file {
    const model_class *class;
    void *params; /* mem_alloc'd values, as it was trained with; texts borrow from `file` */
    model_state state;
    int64_t users, items;
    char fingerprint[33];
    safetensors *file;
} model_file;
MEDLEY_MUST_USE medley_status model_load(const medley_runtime *rt, const char *path, model_file *out,
                                         medley_error *err);
void model_file_release(model_file *m);

#endif
