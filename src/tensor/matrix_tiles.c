#if defined(__x86_64__) && defined(__linux__) && !defined(MEDLEY_REAL_DOUBLE)
#define TILES
#include <cpuid.h>
#include <immintrin.h> /* before memory.h, since it calls malloc */
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tensor/matrix_tiles.h"

#ifdef TILES

/* The compiler does not see what these instructions read and write. */
#define ALL_WRITTEN(address) __asm__ volatile("" : : "r"(address) : "memory")
#define WITH_TILES __attribute__((target("amx-tile,amx-bf16")))

enum { HALF = TILES_SIDE / 2 };

bool tiles_available(void)
{
    enum { LEAF = 7, HAS_BF16 = 1 << 22, HAS_TILES = 1 << 24, REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    return __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) != 0 && (d & HAS_BF16) != 0 && (d & HAS_TILES) != 0 &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

/* All eight: 16 rows of 64 bytes. */
WITH_TILES void tiles_take(void)
{
    struct {
        uint8_t palette, start, zero[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shape.bytes[i] = 64;
        shape.rows[i] = 16;
    }
    ALL_WRITTEN(&shape);
    _tile_loadconfig(&shape);
}

WITH_TILES void tiles_leave(void)
{
    _tile_release();
}

WITH_TILES void tiles_multiply(const uint16_t *a, int64_t a_stride, const void *b, int64_t b_stride, int64_t k,
                               float *c, int64_t c_stride, bool add)
{
    const size_t a_bytes = (size_t)a_stride * sizeof *a, b_bytes = (size_t)b_stride * sizeof(uint32_t),
                 c_bytes = (size_t)c_stride * sizeof *c;
    float *const below = c + HALF * c_stride;
    ALL_WRITTEN(a);
    if (add) {
        _tile_loadd(0, c, c_bytes);
        _tile_loadd(1, c + HALF, c_bytes);
        _tile_loadd(2, below, c_bytes);
        _tile_loadd(3, below + HALF, c_bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t i = 0; i < k; i += TILES_SIDE) {
        const char *at = (const char *)b + (size_t)(i / 2) * b_bytes;
        _tile_loadd(4, a + i, a_bytes);
        _tile_loadd(6, at, b_bytes);
        _tile_loadd(7, at + HALF * sizeof(uint32_t), b_bytes);
        _tile_loadd(5, a + i + HALF * a_stride, a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, c_bytes);
    _tile_stored(1, c + HALF, c_bytes);
    _tile_stored(2, below, c_bytes);
    _tile_stored(3, below + HALF, c_bytes);
    ALL_WRITTEN(c);
}

#else

bool tiles_available(void)
{
    return false;
}

void tiles_take(void)
{
}

void tiles_leave(void)
{
}

void tiles_multiply(const uint16_t *a, int64_t a_stride, const void *b, int64_t b_stride, int64_t k, float *c,
                    int64_t c_stride, bool add)
{
    (void)a, (void)a_stride, (void)b, (void)b_stride, (void)k, (void)c, (void)c_stride, (void)add;
}

#endif
