/* What a recommender is: a row in models.def and a file that defines model_<name>.
 *
 * A model is fitted once into named tensors; saving and loading are loops over them. It says how
 * it scores by filling a `scoring`, which the one ranking path (recommend/) executes. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/base.h"
#include "data/interactions.h"
#include "io/safetensors.h"
#include "tensor/csr.h"

/* What a model may learn from: the training part of a split, nothing else. */
typedef struct training {
    int64_t users, items;
    interactions events; /* in time order within a user, repeats kept */
    csr matrix;          /* [users, items] distinct items of each user, ascending; value: rating or NULL */
    uint64_t seed;
} training;

/* score(query, item) for all items, in one of the forms the ranking path knows. Borrowed arrays. */
typedef enum scoring_form {
    SCORING_FACTORED,      /* <user[u], item[i]> + bias[i] */
    SCORING_LINEAR_DENSE,  /* sum over j in history of dense[j, i] */
    SCORING_LINEAR_SPARSE, /* sum over j in history of sparse[j, i] */
} scoring_form;

typedef struct scoring {
    scoring_form form;
    int64_t items;
    int64_t factors;    /* FACTORED: D, may be 0 */
    const float *user;  /* FACTORED: [U, D], NULL when D is 0 */
    const float *item;  /* FACTORED: [I, D], NULL when D is 0 */
    const float *bias;  /* FACTORED: [I], or NULL */
    const float *dense; /* LINEAR_DENSE: [I, I] */
    csr sparse;         /* LINEAR_SPARSE: [I, I] */
} scoring;

enum { MODEL_TENSORS_MOST = 16 };

/* The tensors of a fitted or loaded model. */
typedef struct model_state {
    named_tensor tensors[MODEL_TENSORS_MOST];
    int64_t count;
    void *owned[MODEL_TENSORS_MOST]; /* mem_alloc'd data of fitted tensors; NULL when mapped */
} model_state;

typedef struct model_class {
    const char *name, *title;
    const char *summary; /* one phrase */
    const char *paper;   /* authors, title, venue; and every deliberate difference from it */
    const medley_param *params;
    size_t params_size;
    const char *advice; /* what to do when the memory does not suffice: "raise ... or use ..." */
    /* Peak bytes that fit() needs beyond the training data. */
    int64_t (*estimate)(const void *params, const training *data);
    /* Adds tensors to an empty state with model_add. Must not depend on the number of threads. */
    medley_status (*fit)(const medley_runtime *rt, const void *params, const training *data, model_state *state,
                         medley_error *err);
    /* Fills `out` from the tensors, checking their shapes: they may come from a file. */
    medley_status (*scoring)(const model_state *state, int64_t users, int64_t items, scoring *out,
                             medley_error *err);
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

/* Refuses (E_LIMIT, with advice) what estimate() says cannot fit in the memory that is available. */
MEDLEY_MUST_USE medley_status model_check_memory(const model_class *class, const void *params,
                                                 const training *data, medley_error *err);

/* Writes model.safetensors: tensors, and metadata format, model, parameters and the data's fingerprint. */
MEDLEY_MUST_USE medley_status model_save(const medley_runtime *rt, const char *path, const model_class *class,
                                         const void *params, const model_state *state, int64_t users,
                                         int64_t items, const char *fingerprint, medley_error *err);

/* A model read back: its tensors borrow from the mapped file. */
typedef struct model_file {
    const model_class *class;
    model_state state;
    int64_t users, items;
    char fingerprint[33];
    safetensors *file;
} model_file;
MEDLEY_MUST_USE medley_status model_load(const medley_runtime *rt, const char *path, model_file *out,
                                         medley_error *err);
void model_file_release(model_file *m);

#endif
