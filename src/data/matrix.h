/* Interactions as sparse user × item matrices. */
#ifndef DATA_MATRIX_H
#define DATA_MATRIX_H

#include "data/interactions.h"
#include "tensor/csr.h"

/* [users, items]: the distinct items of each user over all parts, ascending. Values are ratings when
 * `rated` and every part has them (the last part's, latest row's, wins), else NULL. */
MEDLEY_MUST_USE medley_status matrix_of_parts(const medley_runtime *rt, const interactions *const *parts,
                                              int64_t part_count, int64_t users, int64_t items, bool rated,
                                              csr_owner *out, medley_error *err);

#endif
