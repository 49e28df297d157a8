/* Any bytes are records of fields or a refused file. The blocks' fields, read fast and slow, are those of
 * the whole content read at once. The first byte says how to read the rest. */
#include "fuzz.h"

#include "io/delimited.h"

enum { QUOTES = 1, SPLIT = 0xc6, DELIMITER = 3 /* three bits from it on */ };

static const char *const delimiters[] = {",", "\t", "::", " ", "|", ":x", "aab", ";;;;"};

static record_block copy_of(const medley_runtime *rt, const char *bytes, size_t length, bool quotes)
{
    char *room;
    FUZZ_CHECK(mem_alloc_zero(rt, (int64_t)length + RECORDS_PADDING, 1, &room, NULL) == MEDLEY_OK);
    if (length > 0)
        memcpy(room, bytes, length);
    return (record_block){.bytes = room, .length = length, .quoted = quotes && memchr(room, '"', length) != NULL};
}

/* What fields were seen: a hash of their bytes, lengths and rows. */
typedef struct seen {
    int64_t rows, fields;
    uint64_t hash;
} seen;

static void see(seen *s, const record_block *b, const delimited_table *t)
{
    s->rows += t->row_count;
    s->fields += t->field_count;
    for (int64_t row = 0, f = 0; row < t->row_count; row++) {
        for (; f < t->row_end[row]; f++) {
            const delimited_field field = t->fields[f];
            FUZZ_CHECK(field.start <= field.end && field.end <= b->length);
            s->hash = mix64(s->hash ^ (field.end - field.start));
            for (uint32_t i = field.start; i < field.end; i++)
                s->hash = (s->hash ^ (unsigned char)b->bytes[i]) * 0x100000001b3u;
        }
        s->hash = mix64(s->hash);
    }
}

static bool same(const seen *a, const seen *b)
{
    return a->rows == b->rows && a->fields == b->fields && a->hash == b->hash;
}

/* The block by both twins; what the fast one found is added to `out`. */
static void parse(const medley_runtime *rt, record_block *b, const char *delimiter, int64_t *line, seen *out)
{
    delimited_table fast = {0}, slow = {0};
    record_block other = copy_of(rt, b->bytes, b->length, b->quoted);
    seen twin = *out;
    FUZZ_CHECK(b->first_line == *line);
    for (size_t i = 0; i < b->length; i++)
        *line += b->bytes[i] == '\n';
    FUZZ_CHECK(delimited_parse(rt, b, delimiter, &fast, NULL) == MEDLEY_OK);
    FUZZ_CHECK(delimited_parse_slow(rt, &other, delimiter, &slow, NULL) == MEDLEY_OK);
    see(out, b, &fast);
    see(&twin, &other, &slow);
    FUZZ_CHECK(same(out, &twin) && fast.ascii == slow.ascii && fast.nul == slow.nul);
    for (int64_t row = 0; row < fast.row_count; row++)
        FUZZ_CHECK((fast.lines != NULL ? fast.lines[row] : row) == slow.lines[row]);
    mem_free(other.bytes);
    delimited_release(&fast);
    delimited_release(&slow);
}

static void whole(const medley_runtime *rt, const char *bytes, size_t length, const records_options *o, seen *out)
{
    delimited_table t = {0};
    record_block b = copy_of(rt, bytes, length, o->quotes);
    FUZZ_CHECK(delimited_parse_slow(rt, &b, o->delimiter, &t, NULL) == MEDLEY_OK);
    see(out, &b, &t);
    delimited_release(&t);
    mem_free(b.bytes);
}

/* What records make of a file with this content: without a mark, and with a line end. */
static void normalise(text *content)
{
    if (content->length >= 3 && memcmp(content->bytes, "\xef\xbb\xbf", 3) == 0) {
        memmove(content->bytes, content->bytes + 3, (size_t)content->length - 3);
        content->length -= 3;
    }
    if (content->length > 0 && content->bytes[content->length - 1] != '\n')
        text_add(content, "\n");
}

/* Starts like a packed file, which streams have a target of their own for. */
static bool is_packed(const text *content)
{
    static const char *const first[] = {"\x1f\x8b", "\x28\xb5", "PK", "BZ", "\xfd\x37", "7z"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (content->length >= 2 && memcmp(content->bytes, first[i], 2) == 0)
            return true;
    return content->length >= 2 && (content->bytes[0] & 0xf0) == 0x50 && content->bytes[1] == '\x2a';
}

static void check(const medley_runtime *rt, text *content, const records_options *o)
{
    fuzz_file f = fuzz_file_create((const uint8_t *)content->bytes, (size_t)content->length);
    medley_error err = {MEDLEY_OK, ""};
    records *r;
    record_block block = {0};
    seen got = {0}, want = {0};
    int64_t line = 1;
    bool more = true;
    FUZZ_CHECK(records_open(rt, f.path, *o, &r, &err) == MEDLEY_OK);
    medley_status status;
    while ((status = records_next(r, &block, &more, &err)) == MEDLEY_OK && more)
        parse(rt, &block, o->delimiter, &line, &got);
    fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
    if (status == MEDLEY_OK) {
        normalise(content);
        whole(rt, content->bytes, (size_t)content->length, o, &want);
        FUZZ_CHECK(same(&got, &want));
    }
    records_close(r);
    mem_free(block.bytes);
    fuzz_file_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    medley_runtime *rt = fuzz_runtime();
    text content = {.rt = rt};
    const records_options o = {delimiters[(data[0] >> DELIMITER) % 8], (data[0] & QUOTES) != 0};
    /* Behind whole lines that nearly fill a block, so that its end falls among the bytes. */
    if ((data[0] & SPLIT) == SPLIT)
        for (int64_t left = RECORDS_BLOCK - (int64_t)size / 2; content.length + 64 <= left;)
            text_add(&content, "a line of filling without any quote in it, 64 bytes, end and .\n");
    text_append(&content, (const char *)data + 1, size - 1);
    if (!is_packed(&content))
        check(rt, &content, &o);
    text_release(&content);
    medley_runtime_free(rt);
    return 0;
}
