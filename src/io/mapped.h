/* A file's bytes in memory, read only, without reading them first. */
#ifndef IO_MAPPED_H
#define IO_MAPPED_H

#include "io/file.h"

typedef struct mapped {
    const char *bytes; /* page aligned; NULL when length is 0 */
    size_t length;
} mapped;

/* All zero on failure. */
MEDLEY_MUST_USE medley_status mapped_open(const char *path, mapped *out, medley_error *err);
void mapped_release(mapped *m);

#endif
