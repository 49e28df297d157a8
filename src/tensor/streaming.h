/* Loops over arrays that the caches do not hold. Results are written past the caches, so that what they overwrite is not
 * read first; inputs are asked for ahead, since the processor does so only up to the end of a page. */
#ifndef TENSOR_STREAMING_H
#define TENSOR_STREAMING_H

#include "base/base.h"
#include "tensor/real.h"

enum {
    STREAM_BLOCK = 256,              /* numbers that are made in a buffer, then written */
    STREAM_AHEAD = 2 * STREAM_BLOCK, /* numbers */
    STREAM_LEAST = 1 << 21,          /* numbers of an output that goes past the caches */
    STREAM_LINE = 64 / sizeof(real),
};

static inline void stream_fetch(const real *x, int64_t count)
{
    __asm__ volatile(""); /* otherwise gcc drops calls of a function that does nothing but prefetch */
    for (int64_t i = 0; i < count; i += STREAM_LINE)
        __builtin_prefetch(x + i);
}

/* x + at, which may lie behind the array. */
static inline const real *stream_place(const real *x, int64_t at)
{
    return (const real *)((uintptr_t)x + (uintptr_t)at * sizeof *x);
}

/* Asks for what comes STREAM_AHEAD of the `count` numbers that are at work. */
static inline void stream_ahead(const real *x, int64_t count)
{
    stream_fetch(stream_place(x, STREAM_AHEAD), count);
}

typedef float stream_four __attribute__((vector_size(16), may_alias));
typedef float stream_four_anywhere __attribute__((vector_size(16), aligned(4), may_alias));

#ifdef __x86_64__
static inline void stream_four_store(stream_four *to, stream_four numbers)
{
#ifdef __clang__
    __builtin_nontemporal_store(numbers, to);
#else
    __builtin_ia32_movntps((float *)to, numbers);
#endif
}
/* Before other threads read what was written. */
static inline void stream_end(void)
{
    __builtin_ia32_sfence();
}
#else
static inline void stream_four_store(stream_four *to, stream_four numbers)
{
    *to = numbers;
}
static inline void stream_end(void)
{
}
#endif

/* Copies, past the caches where `to` is aligned to 16 bytes. */
static inline void stream_store(real *restrict to, const real *restrict from, int64_t count)
{
    enum { TOGETHER = sizeof(stream_four) / sizeof(real), FOURS = STREAM_LINE / TOGETHER };
    int64_t i = 0;
    for (; (uintptr_t)to % sizeof(stream_four) == 0 && i + STREAM_LINE <= count; i += STREAM_LINE)
        for (int k = 0; k < FOURS; k++)
            stream_four_store((stream_four *)(to + i) + k, *((const stream_four_anywhere *)(from + i) + k));
    memcpy(to + i, from + i, (size_t)(count - i) * sizeof *to);
}

#endif
