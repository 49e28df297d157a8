/* Pictures in a grid, to be looked at: each row a picture and, a little apart, those that were found for it. */
#ifndef ENCODE_CONTACT_SHEET_H
#define ENCODE_CONTACT_SHEET_H

#include "encode/image.h"

/* cells [rows, columns], NULL: an empty grey cell. A picture is made as large as fits into its cell, its shape
 * kept. *out is released with image_release. Fails with E_NOMEM, E_LIMIT: a sheet of more than 65500 pixels a
 * side. */
MEDLEY_MUST_USE medley_status contact_sheet(const medley_runtime *rt, const image *const *cells, int64_t rows,
                                            int64_t columns, int64_t cell_width, int64_t cell_height, image *out,
                                            medley_error *err);

#endif
