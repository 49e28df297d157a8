#if defined(__x86_64__)
#include <immintrin.h> /* before base.h: it names malloc */
#endif

#include "io/delimited.h"

enum { STEP = 64 };

/* Which of 64 bytes are what, one bit a byte. */
typedef struct byte_masks {
    uint64_t delimiter, line_end, high, nul;
} byte_masks;

static medley_status reserve(const medley_runtime *rt, delimited_table *t, int64_t more_fields, medley_error *err)
{
    TRY(mem_reserve(rt, &t->fields, &t->field_capacity, t->field_count + more_fields, sizeof *t->fields, err));
    return mem_reserve(rt, &t->row_end, &t->row_capacity, t->row_count + more_fields, sizeof *t->row_end, err);
}

/* Writes the fields that end in these 64 bytes. The table has room for 64 of each. */
static inline __attribute__((always_inline)) void emit(delimited_table *t, const char *bytes, uint32_t base,
                                                       byte_masks m, uint32_t *start)
{
    for (uint64_t ends = m.delimiter | m.line_end; ends != 0; ends &= ends - 1) {
        const int bit = __builtin_ctzll(ends);
        const uint32_t at = base + (uint32_t)bit;
        const uint32_t line_end = (uint32_t)(m.line_end >> bit & 1);
        const uint32_t carriage = line_end & (uint32_t)(at > *start && bytes[at - (at > 0)] == '\r');
        t->fields[t->field_count++] = (delimited_field){*start, at - carriage};
        t->row_end[t->row_count] = (uint32_t)t->field_count;
        t->row_count += line_end;
        *start = at + 1;
    }
}

/* One scanner: `masks` is inlined, so each instruction set gets its own loop. */
#define DEFINE_SCAN(name, attributes, masks)                                                                  \
    attributes static medley_status name(const medley_runtime *rt, const record_block *block, char delimiter, \
                                         delimited_table *t, medley_error *err)                               \
    {                                                                                                         \
        uint32_t start = 0;                                                                                   \
        uint64_t high = 0, nul = 0;                                                                           \
        for (size_t base = 0; base < block->length; base += STEP) {                                           \
            byte_masks m = masks(block->bytes + base, delimiter);                                             \
            const size_t left = block->length - base;                                                         \
            if (left < STEP) {                                                                                \
                const uint64_t inside = (UINT64_C(1) << left) - 1;                                            \
                m = (byte_masks){m.delimiter & inside, m.line_end & inside, m.high & inside, m.nul & inside}; \
            }                                                                                                 \
            high |= m.high;                                                                                   \
            nul |= m.nul;                                                                                     \
            if (t->field_capacity - t->field_count < STEP || t->row_capacity - t->row_count < STEP)           \
                TRY(reserve(rt, t, STEP, err));                                                               \
            emit(t, block->bytes, (uint32_t)base, m, &start);                                                 \
        }                                                                                                     \
        t->ascii = high == 0;                                                                                 \
        t->nul = nul != 0;                                                                                    \
        return MEDLEY_OK;                                                                                     \
    }

#if defined(__x86_64__)

__attribute__((target("avx512bw,bmi"), always_inline)) static inline byte_masks masks_avx512(const char *p,
                                                                                             char delimiter)
{
    const __m512i v = _mm512_loadu_si512(p);
    return (byte_masks){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(delimiter)),
                        _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n')), _mm512_movepi8_mask(v),
                        _mm512_testn_epi8_mask(v, v)};
}

__attribute__((target("avx2,bmi"), always_inline)) static inline uint64_t equal_avx2(__m256i a, __m256i b,
                                                                                     __m256i c)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, c)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, c)) << 32;
}

__attribute__((target("avx2,bmi"), always_inline)) static inline byte_masks masks_avx2(const char *p,
                                                                                       char delimiter)
{
    const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    return (byte_masks){equal_avx2(a, b, _mm256_set1_epi8(delimiter)), equal_avx2(a, b, _mm256_set1_epi8('\n')),
                        (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32,
                        equal_avx2(a, b, _mm256_setzero_si256())};
}

DEFINE_SCAN(scan_avx512, __attribute__((target("avx512bw,bmi"))), masks_avx512)
DEFINE_SCAN(scan_avx2, __attribute__((target("avx2,bmi"))), masks_avx2)

#endif

static inline byte_masks masks_portable(const char *p, char delimiter)
{
    byte_masks m = {0, 0, 0, 0};
    for (int i = 0; i < STEP; i++) {
        m.delimiter |= (uint64_t)(p[i] == delimiter) << i;
        m.line_end |= (uint64_t)(p[i] == '\n') << i;
        m.high |= (uint64_t)((unsigned char)p[i] >> 7) << i;
        m.nul |= (uint64_t)(p[i] == '\0') << i;
    }
    return m;
}

DEFINE_SCAN(scan_portable, , masks_portable)

static medley_status scan(const medley_runtime *rt, const record_block *block, char delimiter, delimited_table *t,
                          medley_error *err)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw"))
        return scan_avx512(rt, block, delimiter, t, err);
    if (__builtin_cpu_supports("avx2"))
        return scan_avx2(rt, block, delimiter, t, err);
#endif
    return scan_portable(rt, block, delimiter, t, err);
}

/* Moves a quoted field's content over its quotes; *at is behind the opening quote at first, behind the
 * closing one afterwards. Text between the closing quote and the delimiter is kept, as pandas does. */
static uint32_t unquote(char *bytes, size_t length, uint32_t *at, uint32_t *lines)
{
    uint32_t from = *at, to = *at;
    for (; from < length; from++) {
        if (bytes[from] == '"') {
            if (from + 1 >= length || bytes[from + 1] != '"') {
                from++;
                break;
            }
            from++;
        }
        *lines += bytes[from] == '\n';
        bytes[to++] = bytes[from];
    }
    *at = from;
    return to;
}

static bool delimits(const char *bytes, size_t length, const char *delimiter, size_t width)
{
    return bytes[0] == delimiter[0] && length >= width && memcmp(bytes, delimiter, width) == 0;
}

medley_status delimited_parse_slow(const medley_runtime *rt, record_block *block, const char *delimiter,
                                   delimited_table *t, medley_error *err)
{
    const size_t width = strlen(delimiter);
    char *bytes = block->bytes;
    uint32_t line = 0, row_line = 0;
    t->field_count = t->row_count = 0;
    t->ascii = true;
    t->nul = false;
    for (size_t i = 0; i < block->length; i++) {
        t->ascii &= (unsigned char)bytes[i] < 0x80;
        t->nul |= bytes[i] == '\0';
    }
    for (uint32_t at = 0; at < block->length;) {
        uint32_t start = at, to = at;
        if (block->quoted && bytes[at] == '"') {
            start = ++at;
            to = unquote(bytes, block->length, &at, &line);
        }
        const uint32_t unquoted = to; /* a carriage return inside quotes is text */
        while (at < block->length && bytes[at] != '\n' &&
               !delimits(bytes + at, block->length - at, delimiter, width))
            bytes[to++] = bytes[at++];
        const bool line_end = at >= block->length || bytes[at] == '\n';
        if (line_end && to > unquoted && bytes[to - 1] == '\r')
            to--;
        TRY(reserve(rt, t, 1, err));
        TRY(mem_reserve(rt, &t->row_line, &t->row_line_capacity, t->row_count + 1, sizeof *t->row_line, err));
        t->fields[t->field_count++] = (delimited_field){start, to};
        t->row_end[t->row_count] = (uint32_t)t->field_count;
        t->row_line[t->row_count] = row_line;
        if (line_end) {
            t->row_count++;
            row_line = ++line;
        }
        at += line_end ? 1 : (uint32_t)width;
    }
    t->lines = t->row_line;
    return MEDLEY_OK;
}

medley_status delimited_parse(const medley_runtime *rt, record_block *block, const char *delimiter,
                              delimited_table *t, medley_error *err)
{
    if (block->quoted || strlen(delimiter) != 1)
        return delimited_parse_slow(rt, block, delimiter, t, err);
    t->field_count = t->row_count = 0;
    t->lines = NULL;
    return scan(rt, block, delimiter[0], t, err);
}

void delimited_release(delimited_table *t)
{
    mem_free(t->fields);
    mem_free(t->row_end);
    mem_free(t->row_line);
    *t = (delimited_table){0};
}
