/* Blocks from the runtime's allocator: 64-byte aligned, sizes checked, freed without their size. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <medley/runtime.h>

/* Allocates count × size bytes, uninitialised (`_zero`: zeroed); a zero-byte block is valid and
 * unique. *out is NULL on failure: E_NOMEM, with the size in the message. */
MEDLEY_MUST_USE medley_status mem_alloc(const medley_runtime *rt, int64_t count, size_t size, void *out,
                                        medley_error *err);
MEDLEY_MUST_USE medley_status mem_alloc_zero(const medley_runtime *rt, int64_t count, size_t size, void *out,
                                             medley_error *err);

/* Changes *block (a pointer variable's address; it may hold NULL) to count × size bytes, contents
 * kept. On failure *block is untouched. */
MEDLEY_MUST_USE medley_status mem_resize(const medley_runtime *rt, void *block, int64_t count, size_t size,
                                         medley_error *err);

/* Grows *block so that it holds at least `needed` elements, doubling; *capacity counts elements. */
MEDLEY_MUST_USE medley_status mem_reserve(const medley_runtime *rt, void *block, int64_t *capacity, int64_t needed,
                                          size_t size, medley_error *err);

/* Frees; NULL is fine. The block remembers its allocator. */
void mem_free(void *block);

/* A copy of `text`, ended with NUL. */
MEDLEY_MUST_USE medley_status mem_text(const medley_runtime *rt, const char *text, size_t length, char **out,
                                       medley_error *err);

/* count × size, or -1 when it does not fit a ptrdiff_t or count is negative. */
int64_t mem_bytes(int64_t count, size_t size);

#endif
