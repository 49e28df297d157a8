/* A named space in which items are more or less alike: what diversity, re-ranking and content models measure in.
 *
 *   text              TF-IDF of title and text (data/tfidf.h)
 *   attribute:<key>   the values of an attribute of the catalogue ("attribute:genres"), one dimension a value;
 *                     a numeric one is the pair (1, z), z standardised over the items that have it
 *   features:<name>   the store's features/<name>.npy [items, F] float32; rows of zeros or NaN: none
 *   path/to/file.npy  such a matrix, of items that nobody has checked
 */
#ifndef DATA_ITEM_SPACE_H
#define DATA_ITEM_SPACE_H

#include "data/store.h"
#include "tensor/csr.h"

typedef struct item_space {
    char name[256];
    int64_t items, dimensions, missing; /* missing: items without a vector */
    csr_owner sparse;                   /* [items, dimensions] rows of length 1, or empty; `dense` NULL */
    float *dense;                       /* [items, dimensions] rows of length 1, or zero; NULL: sparse */
    char **labels; /* [dimensions] of attributes ("Drama"); NULL otherwise and of numeric ones */
} item_space;

/* Fails with E_CONFIG for a name that is none of the above, naming the attributes there are; E_NOT_FOUND,
 * E_FORMAT (shape), E_STALE (as features_open), E_LIMIT, E_NOMEM. */
MEDLEY_MUST_USE medley_status item_space_open(const medley_store *store, const char *name, item_space *out,
                                              medley_error *err);
void item_space_release(item_space *s);

/* Whether item has a vector; cosine in -1..1, 0 when one of them has none. */
bool item_space_has(const item_space *s, uint32_t item);
double item_space_cosine(const item_space *s, uint32_t a, uint32_t b);

#endif
