/* SentencePiece's compiled normalization: bytes of a double-array trie, then texts that end with NUL.
 *
 * A unit of the trie, 32 bits little-endian: 0-7 label (of the byte that led here), 8 whether an entry ends here,
 * 9 whether the offset counts in 256s, 10-30 the offset to the children; an end's unit holds the value. */
#include "encode/tokenizer_inside.h"
#include "io/utf8.h"

struct charsmap {
    const uint32_t *units;
    int64_t unit_count;
    const char *texts; /* texts[text_bytes] is NUL */
    int64_t text_bytes;
    bool ascii_changes[128];
};

static uint32_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* What the shortest entry that `bytes` begin with becomes; NULL: there is none. */
static const char *find(const charsmap *map, const char *bytes, int64_t length)
{
    uint64_t at = 0;
    if (map->unit_count == 0)
        return NULL;
    uint32_t unit = map->units[0];
    for (int64_t i = 0; i < length && bytes[i] != '\0'; i++) {
        const unsigned char byte = (unsigned char)bytes[i];
        at ^= offset_of(unit) ^ byte;
        if (at >= (uint64_t)map->unit_count || ((unit = map->units[at]) & 0x800000ffu) != byte)
            return NULL;
        if ((unit >> 8 & 1) != 0) {
            const uint64_t leaf = at ^ offset_of(unit);
            if (leaf >= (uint64_t)map->unit_count)
                return NULL;
            const int64_t value = map->units[leaf] & 0x7fffffffu;
            const char *const becomes = map->texts + (value < map->text_bytes ? value : map->text_bytes);
            return ((unsigned char)*becomes & 0xc0) != 0x80 ? becomes
                                                            : NULL; /* not from the middle of a character */
        }
    }
    return NULL;
}

medley_status charsmap_read(reading *r, const char *bytes, size_t length, const charsmap **out, medley_error *err)
{
    charsmap *map;
    const unsigned char *const u = (const unsigned char *)bytes;
    const uint32_t size =
        length >= 4 ? u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24 : 0;
    if (length < 4 || size > length - 4 || size % 4 != 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: the precompiled charsmap is cut short: %zu bytes", r->path, length);
    TRY(arena_alloc(&r->t->memory, 1, sizeof *map, &map, err));
    *map = (charsmap){.unit_count = size / 4, .text_bytes = (int64_t)(length - 4 - size)};
    uint32_t *units;
    TRY(arena_alloc(&r->t->memory, map->unit_count, sizeof *units, &units, err));
    for (int64_t i = 0; i < map->unit_count; i++) {
        const unsigned char *const unit = u + 4 + 4 * i;
        units[i] = unit[0] | (uint32_t)unit[1] << 8 | (uint32_t)unit[2] << 16 | (uint32_t)unit[3] << 24;
    }
    map->units = units;
    if (utf8_invalid_at(bytes + 4 + size, (size_t)map->text_bytes) >= 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: the texts of the precompiled charsmap are not UTF-8", r->path);
    TRY(reading_text(r, bytes + 4 + size, (size_t)map->text_bytes, &map->texts, err));
    for (int c = 0; c < 128; c++)
        map->ascii_changes[c] = find(map, &(char){(char)c}, 1) != NULL;
    *out = map;
    return MEDLEY_OK;
}

static int digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

medley_status charsmap_read_base64(reading *r, const char *code, const charsmap **out, medley_error *err)
{
    size_t length = strlen(code), used = 0;
    while (length > 0 && code[length - 1] == '=')
        length--;
    char *bytes;
    uint32_t bits = 0;
    TRY(mem_alloc(r->rt, (int64_t)(length / 4 * 3 + 3), 1, &bytes, err));
    medley_status status = MEDLEY_OK;
    for (size_t i = 0; i < length; i++) {
        const int digit = digit_of(code[i]);
        if (digit < 0) {
            status = fail(err, MEDLEY_E_FORMAT, "%s: the precompiled charsmap is not base64", r->path);
            goto done;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            bytes[used++] = (char)(bits >> (6 - i % 4 * 2) & 0xff);
    }
    status = charsmap_read(r, bytes, used, out, err);
done:
    mem_free(bytes);
    return status;
}

static medley_status append_mapped(work *w, const charsmap *map, int64_t start, int64_t end, bool or_itself,
                                   bool *mapped, medley_error *err)
{
    const char *const becomes = find(map, w->bytes + start, end - start);
    *mapped = becomes != NULL;
    if (becomes == NULL && !or_itself)
        return MEDLEY_OK;
    const int64_t length = becomes != NULL ? (int64_t)strlen(becomes) : end - start;
    char *to;
    TRY(work_room(w, length, &to, err));
    memcpy(to, becomes != NULL ? becomes : w->bytes + start, (size_t)length);
    w->length += length;
    return MEDLEY_OK;
}

/* A cluster of at most five bytes is looked up whole, and so becomes what its beginning becomes; else each of its
 * characters is. */
static medley_status append_cluster(work *w, const charsmap *map, int64_t start, int64_t end, medley_error *err)
{
    bool mapped = false;
    if (end - start < 6)
        TRY(append_mapped(w, map, start, end, false, &mapped, err));
    for (int64_t at = start, next; at < end && !mapped; at = next) {
        bool found;
        point_at(w->bytes, at, &next);
        TRY(append_mapped(w, map, at, next, true, &found, err));
    }
    return MEDLEY_OK;
}

medley_status charsmap_normalize(work *w, const charsmap *map, piece in, piece *out, medley_error *err)
{
    out->start = w->length;
    out->first = in.first;
    for (int64_t at = in.start, next; at < in.end;) {
        int64_t plain = at; /* characters that are clusters of their own and stay */
        while (plain < in.end && (unsigned char)w->bytes[plain] < 0x80 &&
               !map->ascii_changes[(unsigned char)w->bytes[plain]] &&
               (plain + 1 == in.end || (unsigned char)w->bytes[plain + 1] < 0x80))
            plain++;
        char *to;
        TRY(work_room(w, plain - at, &to, err));
        memcpy(to, w->bytes + at, (size_t)(plain - at));
        w->length += plain - at;
        if ((at = plain) == in.end)
            break;
        int32_t state = 0;
        uint32_t point = point_at(w->bytes, at, &next), before = point;
        int64_t end = next;
        for (; end < in.end; end = next, before = point) {
            point = point_at(w->bytes, end, &next);
            if (utf8_cluster_ends(before, point, &state))
                break;
        }
        TRY(append_cluster(w, map, at, end, err));
        at = end;
    }
    out->end = w->length;
    return MEDLEY_OK;
}
