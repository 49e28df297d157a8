/* The items of a plan's input: pictures of a folder, or rows of a TSV. */
#ifndef API_PLANNED_ITEMS_H
#define API_PLANNED_ITEMS_H

#include "api/extraction_plan.h"

typedef struct planned_items {
    arena texts;
    idmap map;
    const char **ids;     /* [count] of pictures the file's name without its ending */
    const char **content; /* [count] the file's name, or the text; NULL: none */
    int64_t count;
} planned_items;

/* Fails with E_NOT_FOUND, E_FORMAT (rows, two pictures of one id), E_IO, E_NOMEM. Release it also after a failure. */
MEDLEY_MUST_USE medley_status planned_items_read(const medley_runtime *rt, const planned_extraction *e,
                                                 planned_items *out, medley_error *err);
void planned_items_release(planned_items *items);

#endif
