#include <pthread.h>

#include "io/records.h"

struct records {
    const medley_runtime *rt;
    stream *source;
    const char *path;
    records_options options;
    pthread_mutex_t lock;
    char *carry; /* the start of a record whose end was not in the last block */
    size_t carried;
    int64_t carry_capacity;
    int64_t blocks, lines;
    bool ended;
};

medley_status records_open(const medley_runtime *rt, const char *path, records_options options, records **out,
                           medley_error *err)
{
    *out = NULL;
    records *r;
    TRY(mem_alloc_zero(rt, 1, sizeof *r, &r, err));
    r->rt = rt;
    r->path = path;
    r->options = options;
    const medley_status status = stream_open(rt, path, &r->source, err);
    if (status != MEDLEY_OK) {
        mem_free(r);
        return status;
    }
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return MEDLEY_OK;
}

void records_close(records *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    stream_close(r->source);
    mem_free(r->carry);
    mem_free(r);
}

const stream *records_stream(const records *r)
{
    return r->source;
}

/* The end (exclusive) of the last whole record, 0 when there is none; *open_line is the number of
 * line ends before a quote that is still open, or -1. */
static size_t last_record_end(const char *bytes, size_t length, const char *delimiter, int64_t *open_line)
{
    const size_t width = strlen(delimiter);
    size_t end = 0;
    int64_t lines = 0, quote_line = 0;
    bool field_start = true, quoted = false;
    for (size_t i = 0; i < length; i++) {
        const char c = bytes[i];
        lines += c == '\n';
        if (quoted) {
            if (c == '"' && i + 1 < length && bytes[i + 1] == '"')
                i++;
            else if (c == '"')
                quoted = field_start = false;
            continue;
        }
        if (c == '"' && field_start) {
            quoted = true;
            quote_line = lines;
            continue;
        }
        field_start =
            c == '\n' || (c == delimiter[0] && length - i >= width && memcmp(bytes + i, delimiter, width) == 0);
        if (c == '\n')
            end = i + 1;
        else if (field_start)
            i += width - 1;
    }
    *open_line = quoted ? quote_line : -1;
    return end;
}

static size_t last_line_end(const char *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] != '\n')
        length--;
    return length;
}

static int64_t count_lines(const char *bytes, size_t length)
{
    int64_t lines = 0;
    for (size_t i = 0; i < length;) {
        const size_t stop = length - i < 255 ? length : i + 255;
        unsigned char some = 0; /* a byte counter keeps the loop in byte lanes */
        for (; i < stop; i++)
            some = (unsigned char)(some + (bytes[i] == '\n'));
        lines += some;
    }
    return lines;
}

static medley_status reserve_block(records *r, record_block *b, size_t needed, medley_error *err)
{
    if ((int64_t)needed + RECORDS_PADDING <= b->capacity)
        return MEDLEY_OK;
    const int64_t capacity = (int64_t)needed + RECORDS_PADDING;
    TRY(mem_resize(r->rt, &b->bytes, capacity, 1, err));
    b->capacity = capacity;
    return MEDLEY_OK;
}

/* Reads until the block is `wanted` bytes long or the content ends. */
static medley_status fill(records *r, record_block *b, size_t wanted, medley_error *err)
{
    TRY(reserve_block(r, b, wanted + 1, err));
    size_t got;
    TRY(stream_read(r->source, b->bytes + b->length, wanted - b->length, &got, err));
    if (b->length == 0 && r->blocks == 0 && got >= 3 && memcmp(b->bytes, "\xef\xbb\xbf", 3) == 0) {
        got -= 3;
        memmove(b->bytes, b->bytes + 3, got);
        b->length += got;
        return fill(r, b, wanted, err);
    }
    b->length += got;
    r->ended = b->length < wanted;
    if (r->ended && b->length > 0 && b->bytes[b->length - 1] != '\n')
        b->bytes[b->length++] = '\n';
    return MEDLEY_OK;
}

/* Keeps what follows the last whole record for the next block. */
static medley_status cut(records *r, record_block *b, size_t end, medley_error *err)
{
    TRY(mem_reserve(r->rt, &r->carry, &r->carry_capacity, (int64_t)(b->length - end), 1, err));
    r->carried = b->length - end;
    if (r->carried > 0)
        memcpy(r->carry, b->bytes + end, r->carried);
    b->length = end;
    return MEDLEY_OK;
}

static medley_status next_locked(records *r, record_block *b, bool *more, medley_error *err)
{
    size_t wanted = RECORDS_BLOCK;
    b->length = 0;
    TRY(reserve_block(r, b, r->carried > wanted ? r->carried + 1 : wanted + 1, err));
    if (r->carried > 0)
        memcpy(b->bytes, r->carry, r->carried);
    b->length = r->carried;
    r->carried = 0;
    while (b->length >= wanted)
        wanted *= 2;
    if (r->ended) {
        *more = false;
        return MEDLEY_OK;
    }
    for (;; wanted *= 2) {
        int64_t open_line = -1;
        TRY(fill(r, b, wanted, err));
        b->quoted = r->options.quotes && memchr(b->bytes, '"', b->length) != NULL;
        const size_t end = b->quoted ? last_record_end(b->bytes, b->length, r->options.delimiter, &open_line)
                                     : last_line_end(b->bytes, b->length);
        if (r->ended && open_line >= 0)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: a quoted field that starts here is never closed", r->path,
                        (long long)(r->lines + 1 + open_line));
        if (end > 0 || r->ended) {
            TRY(cut(r, b, end, err));
            break;
        }
        if (b->length >= RECORDS_LONGEST)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: a record longer than %d MiB%s", r->path,
                        (long long)(r->lines + 1), RECORDS_LONGEST >> 20,
                        open_line >= 0 ? "; is a quoted field not closed?" : "");
    }
    *more = b->length > 0;
    memset(b->bytes + b->length, 0, RECORDS_PADDING);
    b->done = stream_done(r->source);
    b->index = r->blocks++;
    b->first_line = r->lines + 1;
    r->lines += count_lines(b->bytes, b->length);
    return MEDLEY_OK;
}

medley_status records_next(records *r, record_block *block, bool *more, medley_error *err)
{
    *more = false;
    pthread_mutex_lock(&r->lock);
    const medley_status status = next_locked(r, block, more, err);
    if (status != MEDLEY_OK)
        r->ended = true;
    pthread_mutex_unlock(&r->lock);
    return status;
}
