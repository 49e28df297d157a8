#include "io/stream.h"

#include <zlib.h>
#include <zstd.h>

#include "base/base.h"
#include "io/fingerprint.h"

enum { RAW_BYTES = 256 * 1024 }; /* a piece is hashed while it is still in the second-level cache */

typedef enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD } packing;

struct stream {
    const medley_runtime *rt;
    file *source;
    char *path;
    fingerprint *print;
    packing packed;
    bool raw_ended;          /* the file gave all it has */
    bool inside;             /* a gzip member or zstd frame has begun and not ended */
    int64_t raw_read, total; /* bytes */
    char *raw;               /* [RAW_BYTES] read and not yet used: raw[at..end) */
    size_t at, end;
    z_stream zip;
    ZSTD_DCtx *zstd;
};

static voidpf zip_alloc(voidpf rt, uInt count, uInt size)
{
    void *block;
    return mem_alloc(rt, count, size, &block, NULL) == MEDLEY_OK ? block : Z_NULL;
}

static void zip_free(voidpf rt, voidpf block)
{
    (void)rt;
    mem_free(block);
}

/* Reads from the file and counts and hashes what came. */
static medley_status read_raw(stream *s, void *bytes, size_t size, size_t *got, medley_error *err)
{
    TRY(file_read(s->source, bytes, size, got, err));
    fingerprint_add(s->print, bytes, *got);
    s->raw_read += (int64_t)*got;
    s->raw_ended = *got == 0;
    return MEDLEY_OK;
}

/* Makes raw[at..end) hold at least `wanted` bytes unless the file ends before. */
static medley_status fill_raw(stream *s, size_t wanted, medley_error *err)
{
    if (s->at > 0) {
        memmove(s->raw, s->raw + s->at, s->end - s->at);
        s->end -= s->at;
        s->at = 0;
    }
    while (s->end < wanted && !s->raw_ended) {
        size_t got;
        TRY(read_raw(s, s->raw + s->end, RAW_BYTES - s->end, &got, err));
        s->end += got;
    }
    return MEDLEY_OK;
}

typedef struct signature {
    const char *bytes;
    size_t length;
    packing packed;
    const char *refused; /* the name of a packing that is not read */
} signature;

static const signature signatures[] = {
    {"\x1f\x8b", 2, PACKED_GZIP, NULL},
    {"\x28\xb5\x2f\xfd", 4, PACKED_ZSTD, NULL},
    {"PK\x03\x04", 4, PACKED_NOT, "a zip archive"},
    {"BZh91AY&SY", 10, PACKED_NOT, "packed by bzip2"},
    {"\xfd"
     "7zXZ",
     5, PACKED_NOT, "packed by xz"},
    {"7z\xbc\xaf\x27\x1c", 6, PACKED_NOT, "a 7z archive"},
};
enum { SIGNATURE_MOST = 10 };

static medley_status recognise(stream *s, medley_error *err)
{
    TRY(fill_raw(s, SIGNATURE_MOST, err));
    /* zstd's skippable frames, with which pzstd begins: 0x184D2A50 .. 5F, little-endian. */
    if (s->end >= 4 && (s->raw[0] & 0xf0) == 0x50 && memcmp(s->raw + 1, "\x2a\x4d\x18", 3) == 0)
        s->packed = PACKED_ZSTD;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *known = &signatures[i];
        if (s->end < known->length || memcmp(s->raw, known->bytes, known->length) != 0)
            continue;
        if (known->refused != NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s: %s; accepted: plain, gzip, zstd", s->path, known->refused);
        s->packed = known->packed;
    }
    return MEDLEY_OK;
}

static medley_status start_unpacking(stream *s, medley_error *err)
{
    if (s->packed == PACKED_GZIP) {
        s->zip = (z_stream){.zalloc = zip_alloc, .zfree = zip_free, .opaque = (voidpf)(uintptr_t)s->rt};
        if (inflateInit2(&s->zip, 15 + 16) != Z_OK)
            return fail(err, MEDLEY_E_NOMEM, "%s: out of memory for unpacking gzip", s->path);
    }
    if (s->packed == PACKED_ZSTD && (s->zstd = ZSTD_createDCtx()) == NULL)
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory for unpacking zstd", s->path);
    return MEDLEY_OK;
}

medley_status stream_open(const medley_runtime *rt, const char *path, stream **out, medley_error *err)
{
    medley_status status;
    stream *s;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    s->rt = rt;
    TRY_DONE(mem_text(rt, path, strlen(path), &s->path, err));
    TRY_DONE(file_open(rt, path, &s->source, err));
    TRY_DONE(fingerprint_create(rt, &s->print, err));
    TRY_DONE(mem_alloc(rt, RAW_BYTES, 1, &s->raw, err));
    s->total = file_size(s->source);
    TRY_DONE(recognise(s, err));
    TRY_DONE(start_unpacking(s, err));
    *out = s;
    s = NULL;
done:
    stream_close(s);
    return status;
}

/* What was read ahead first, then from the file straight into the caller's memory. */
static medley_status read_plain(stream *s, char *bytes, size_t size, size_t *got, medley_error *err)
{
    *got = s->end - s->at < size ? s->end - s->at : size;
    memcpy(bytes, s->raw + s->at, *got);
    s->at += *got;
    while (*got < size && !s->raw_ended) {
        size_t moved;
        TRY(read_raw(s, bytes + *got, size - *got < RAW_BYTES ? size - *got : RAW_BYTES, &moved, err));
        *got += moved;
    }
    return MEDLEY_OK;
}

static medley_status damaged(const stream *s, const char *why, medley_error *err)
{
    return fail(err, MEDLEY_E_FORMAT, "%s: byte %lld of the compressed file: %s", s->path,
                (long long)(s->raw_read - (int64_t)(s->end - s->at)), why);
}

/* One step of gzip: raw[at..end) to bytes[0..size). */
static medley_status unzip(stream *s, char *bytes, size_t size, size_t *made, medley_error *err)
{
    *made = 0;
    if (!s->inside && s->raw_read > (int64_t)(s->end - s->at)) {
        /* Behind a member: another one, or the zeros with which tapes fill their last block. */
        if (s->raw[s->at] == '\0') {
            s->at++;
            return MEDLEY_OK;
        }
        if (inflateReset(&s->zip) != Z_OK || s->raw[s->at] != '\x1f')
            return damaged(s, "what follows the last gzip member is not gzip", err);
    }
    s->inside = true;
    s->zip.next_in = (Bytef *)(s->raw + s->at);
    s->zip.avail_in = (uInt)(s->end - s->at);
    s->zip.next_out = (Bytef *)bytes;
    s->zip.avail_out = size < UINT32_MAX ? (uInt)size : UINT32_MAX;
    const uInt room = s->zip.avail_out;
    const int code = inflate(&s->zip, Z_NO_FLUSH);
    s->at = s->end - s->zip.avail_in;
    *made = room - s->zip.avail_out;
    if (code == Z_MEM_ERROR)
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory for unpacking gzip", s->path);
    if (code == Z_STREAM_END)
        s->inside = false;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return damaged(s, s->zip.msg != NULL ? s->zip.msg : "damaged gzip data", err);
    return MEDLEY_OK;
}

static medley_status unpack_zstd(stream *s, char *bytes, size_t size, size_t *made, medley_error *err)
{
    ZSTD_inBuffer in = {s->raw + s->at, s->end - s->at, 0};
    ZSTD_outBuffer to = {bytes, size, 0};
    const size_t left = ZSTD_decompressStream(s->zstd, &to, &in);
    *made = to.pos;
    s->at += in.pos;
    if (ZSTD_isError(left))
        return damaged(s, ZSTD_getErrorName(left), err);
    s->inside = left != 0;
    return MEDLEY_OK;
}

static medley_status read_packed(stream *s, char *bytes, size_t size, size_t *got, medley_error *err)
{
    while (*got < size) {
        if (s->at == s->end)
            TRY(fill_raw(s, 1, err));
        /* zstd may hold back content although it has all its input. */
        const bool dry = s->at == s->end;
        if (dry && !(s->inside && s->packed == PACKED_ZSTD))
            return s->inside ? damaged(s, "the file is cut short", err) : MEDLEY_OK;
        size_t made;
        TRY((s->packed == PACKED_GZIP ? unzip : unpack_zstd)(s, bytes + *got, size - *got, &made, err));
        if (dry && made == 0 && s->inside)
            return damaged(s, "the file is cut short", err);
        *got += made;
    }
    return MEDLEY_OK;
}

medley_status stream_read(stream *s, char *bytes, size_t size, size_t *got, medley_error *err)
{
    *got = 0;
    return (s->packed == PACKED_NOT ? read_plain : read_packed)(s, bytes, size, got, err);
}

void stream_close(stream *s)
{
    if (s == NULL)
        return;
    if (s->zip.state != NULL)
        inflateEnd(&s->zip);
    ZSTD_freeDCtx(s->zstd);
    fingerprint_free(s->print);
    file_close(s->source);
    mem_free(s->raw);
    mem_free(s->path);
    mem_free(s);
}

void stream_fingerprint(const stream *s, char hex[33])
{
    fingerprint_hex(s->print, hex);
}

int64_t stream_done(const stream *s)
{
    return s->raw_read;
}

int64_t stream_total(const stream *s)
{
    return s->total;
}
