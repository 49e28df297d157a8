/* Nearest items by feature matrices: s_ij = sum over m of w_m cos(f_im, f_jm) / sum over m of w_m, over the matrices m in
 * which both items have a row. */
#ifndef MODEL_VECTOR_NEIGHBOURS_H
#define MODEL_VECTOR_NEIGHBOURS_H

#include "data/features.h"
#include "tensor/csr.h"

enum { VECTOR_SPACES_MOST = 8 };

typedef struct vector_space {
    int64_t length;
    double weight;
    float *rows; /* [items, length] of length 1; zeros: none */
} vector_space;

typedef struct vector_spaces {
    int64_t items, count;
    vector_space of[VECTOR_SPACES_MOST];
    uint8_t *has; /* [items] bit m: the item has a row in space m */
} vector_spaces;

/* Reads the matrices that `names` names, "visual:2,textual": a name and its weight, 1 if it says none. With `center` the
 * mean over the items is taken from the rows first. Fails with E_CONFIG, and as features_open. Release it also after a
 * failure. */
MEDLEY_MUST_USE medley_status vector_spaces_read(const medley_runtime *rt, const char *folder, int64_t items,
                                                 const char *names, bool center, vector_spaces *out,
                                                 medley_error *err);
void vector_spaces_release(vector_spaces *s);

/* out [items, items]: s_ij of the `most` nearest j of each i, those above zero, in no order. Equal ones are ordered by
 * random_bits(seed, i, j). s_ij is computed in double and rounded once: matrix products only rule out what cannot be near
 * enough. Fails with E_NOMEM, E_STOPPED. */
MEDLEY_MUST_USE medley_status vector_neighbours(const medley_runtime *rt, const vector_spaces *s, int64_t most,
                                                uint64_t seed, csr_owner *out, medley_error *err);

#endif
