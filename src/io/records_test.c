#include "testing.h"

#include <pthread.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/base.h"
#include "io/records.h"

#include "fixture.h"

static char source[4096]; /* folder/x */

static const records_options plain = {.delimiter = ",", .quotes = false};
static const records_options quoting = {.delimiter = ",", .quotes = true};

static int start(void **state)
{
    set_up(state);
    snprintf(source, sizeof source, "%s/x", folder);
    return 0;
}

static int64_t lines_in(const char *bytes, size_t length)
{
    int64_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* What reading a file gave. */
typedef struct content {
    text joined;
    int64_t blocks;
    size_t cut[64]; /* bytes up to the end of each block */
} content;

static void content_release(content *c)
{
    text_release(&c->joined);
}

/* Reads all blocks, checking of each what the header promises. */
static medley_status read_all(const char *path, records_options options, content *out, medley_error *err)
{
    records *r;
    record_block block = {0};
    bool more = false;
    *out = (content){.joined.rt = rt};
    TRY(records_open(rt, path, options, &r, err));
    medley_status status;
    int64_t line = 1, done = 0;
    while ((status = records_next(r, &block, &more, err)) == MEDLEY_OK && more) {
        assert_true(block.length > 0);
        assert_int_equal(block.bytes[block.length - 1], '\n');
        for (int i = 0; i < RECORDS_PADDING; i++)
            assert_int_equal(block.bytes[block.length + (size_t)i], 0);
        assert_int_equal(block.index, out->blocks);
        assert_int_equal(block.first_line, line);
        assert_true(block.done >= done);
        assert_true(block.quoted || !options.quotes || memchr(block.bytes, '"', block.length) == NULL);
        assert_true(options.quotes || !block.quoted);
        line += lines_in(block.bytes, block.length);
        done = block.done;
        text_append(&out->joined, block.bytes, block.length);
        assert_true(out->blocks < 64);
        out->cut[out->blocks++] = (size_t)out->joined.length;
    }
    records_close(r);
    mem_free(block.bytes);
    if (status == MEDLEY_OK)
        status = text_status(&out->joined, err);
    if (status != MEDLEY_OK)
        content_release(out);
    return status;
}

static void assert_reads_as(const char *path, records_options options, const char *want, size_t length)
{
    content got;
    assert_ok(read_all(path, options, &got, err));
    assert_int_equal(got.joined.length, length);
    if (length > 0)
        assert_memory_equal(got.joined.bytes, want, length);
    content_release(&got);
}

static void test_a_small_file_is_one_block(void **state)
{
    (void)state;
    content got;
    test_write_text(source, "a,b\nc,d\n");
    assert_ok(read_all(source, plain, &got, err));
    assert_string_equal(got.joined.bytes, "a,b\nc,d\n");
    assert_int_equal(got.blocks, 1);
    content_release(&got);
}

static void test_a_line_end_is_added_where_the_last_is_missing(void **state)
{
    (void)state;
    test_write_text(source, "a\nb");
    assert_reads_as(source, plain, "a\nb\n", 4);
    test_write_text(source, "a\r\nb\r");
    assert_reads_as(source, plain, "a\r\nb\r\n", 6);
}

static void test_a_byte_order_mark_is_skipped_at_the_start_only(void **state)
{
    (void)state;
    test_write_text(source, "\xef\xbb\xbf"
                            "a\n\xef\xbb\xbf"
                            "b\n");
    assert_reads_as(source, plain,
                    "a\n\xef\xbb\xbf"
                    "b\n",
                    7);
    test_write_text(source, "\xef\xbb");
    assert_reads_as(source, plain, "\xef\xbb\n", 3);
}

static void test_an_empty_file_has_no_block(void **state)
{
    (void)state;
    test_write_text(source, "");
    assert_reads_as(source, plain, "", 0);
    test_write_text(source, "\xef\xbb\xbf");
    assert_reads_as(source, plain, "", 0);
    test_write_text(source, "\n");
    assert_reads_as(source, plain, "\n", 1);
}

static void test_what_is_not_there_or_a_folder_is_refused(void **state)
{
    (void)state;
    records *r;
    assert_fails(records_open(rt, test_path(folder, "none"), plain, &r, err), MEDLEY_E_NOT_FOUND, "none");
    assert_null(r);
    assert_fails(records_open(rt, folder, plain, &r, err), MEDLEY_E_IO, "Is a directory");
    assert_null(r);
}

/* Lines of 0..`most` bytes, `length` bytes in all; seeded. */
static char *random_lines(size_t length, uint64_t most, uint64_t seed)
{
    char *bytes;
    assert_ok(mem_alloc(rt, (int64_t)length, 1, &bytes, err));
    uint64_t left = random_bits(seed, 0, 0) % (most + 1);
    for (size_t i = 0; i < length; i++) {
        const uint64_t bits = random_bits(seed, 1, i);
        bytes[i] = left == 0 ? '\n' : (char)('a' + bits % 26);
        left = left == 0 ? (bits >> 8) % (most + 1) : left - 1;
    }
    return bytes;
}

/* Files that end just before, at and behind the end of a block, with and without a final line end. */
static void test_blocks_join_to_the_file_at_every_length(void **state)
{
    (void)state;
    static const size_t around[] = {RECORDS_BLOCK, 2 * RECORDS_BLOCK, 2 * RECORDS_BLOCK + 1000};
    for (size_t n = 0; n < sizeof around / sizeof *around; n++)
        for (size_t length = around[n] - 4; length < around[n] + 4; length++) {
            char *bytes = random_lines(length + 1, 300, length);
            test_write(source, bytes, length);
            bytes[length] = '\n';
            assert_reads_as(source, plain, bytes, bytes[length - 1] == '\n' ? length : length + 1);
            mem_free(bytes);
        }
}

static void test_a_block_ends_where_a_record_does(void **state)
{
    (void)state;
    text lines = {.rt = rt};
    content got;
    /* Each record has line ends, delimiters and doubled quotes inside its quotes. */
    for (int i = 0; lines.length < 5 * RECORDS_BLOCK / 2; i++)
        text_format(&lines, "@%d,\"one\n@two, \"\"three\"\"\r\n%0*d\",4\r\n", i, i % 97 + 1, i);
    assert_ok(text_status(&lines, err));
    test_write(source, lines.bytes, (size_t)lines.length);
    assert_ok(read_all(source, quoting, &got, err));
    assert_int_equal(got.blocks, 3);
    for (int64_t b = 0; b + 1 < got.blocks; b++) {
        const char *before = got.joined.bytes + got.cut[b] - 4;
        assert_memory_equal(before, ",4\r\n@", 5);
        assert_true(before[5] != 't');
    }
    assert_int_equal(got.joined.length, lines.length);
    assert_memory_equal(got.joined.bytes, lines.bytes, (size_t)lines.length);
    content_release(&got);
    text_release(&lines);
}

/* Every row is one line: an odd quote inside a field must not make rows join. */
static void test_a_quote_inside_a_field_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *delimiter, *row;
    } cases[] = {{",", "a\",b\"c,5\" wide\n"},
                 {"::", "a:\"b::c:\"\n"},
                 {"::", "\"a\"b\"::c\n"},
                 {"\t", "x\"\t\"y\"\"\"\n"}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        text lines = {.rt = rt};
        content got;
        while (lines.length < RECORDS_BLOCK + 5000)
            text_add(&lines, cases[c].row);
        test_write(source, lines.bytes, (size_t)lines.length);
        assert_ok(read_all(source, (records_options){cases[c].delimiter, true}, &got, err));
        assert_int_equal(got.blocks, 2);
        /* cut at the last row that fits */
        const size_t row = strlen(cases[c].row);
        assert_int_equal(got.cut[0], RECORDS_BLOCK / row * row);
        assert_memory_equal(got.joined.bytes, lines.bytes, (size_t)lines.length);
        content_release(&got);
        text_release(&lines);
    }
}

static void test_a_quote_never_closed_names_its_line(void **state)
{
    (void)state;
    content got;
    test_write_text(source, "a,b\n\"x\ny\",1\nc,\"open\nmore\nand more\n");
    assert_fails(read_all(source, quoting, &got, err), MEDLEY_E_FORMAT,
                 "x:4: a quoted field that starts here is never closed");
    test_write_text(source, "\"");
    assert_fails(read_all(source, quoting, &got, err), MEDLEY_E_FORMAT,
                 "x:1: a quoted field that starts here is never closed");
    test_write_text(source, "a,\"open\n");
    assert_reads_as(source, plain, "a,\"open\n", 8);
}

/* `before` empty lines, then one of `length` bytes. */
static void write_long(size_t before, size_t length, char fill)
{
    char *bytes;
    assert_ok(mem_alloc(rt, (int64_t)(before + length + 1), 1, &bytes, err));
    memset(bytes, '\n', before);
    memset(bytes + before, fill, length);
    bytes[before + length] = '\n';
    test_write(source, bytes, before + length + 1);
    mem_free(bytes);
}

/* A record of which more than a block was read together with the one before. */
static void test_long_records_follow_each_other(void **state)
{
    (void)state;
    enum { EACH = 600 * 1024, COUNT = 5 };
    char *bytes;
    content got;
    assert_ok(mem_alloc(rt, EACH * COUNT, 1, &bytes, err));
    memset(bytes, 'x', EACH * COUNT);
    for (int i = 1; i <= COUNT; i++)
        bytes[EACH * i - 1] = '\n';
    test_write(source, bytes, EACH * COUNT);
    assert_ok(read_all(source, plain, &got, err));
    assert_int_equal(got.joined.length, EACH * COUNT);
    assert_memory_equal(got.joined.bytes, bytes, EACH * COUNT);
    for (int64_t b = 0; b < got.blocks; b++)
        assert_int_equal(got.cut[b] % EACH, 0);
    content_release(&got);
    mem_free(bytes);
}

static void test_a_record_may_be_long_but_not_endless(void **state)
{
    (void)state;
    content got;
    write_long(2, RECORDS_LONGEST - 10, 'x');
    assert_ok(read_all(source, plain, &got, err));
    assert_int_equal(got.joined.length, RECORDS_LONGEST - 10 + 3);
    content_release(&got);
    write_long(2, RECORDS_LONGEST + 10, 'x');
    assert_fails(read_all(source, plain, &got, err), MEDLEY_E_FORMAT, "x:3: a record longer than 16 MiB");
    write_long(0, RECORDS_LONGEST + 10, '\0');
    assert_fails(read_all(source, plain, &got, err), MEDLEY_E_FORMAT, "x:1: a record longer than 16 MiB");
}

static void test_an_open_quote_is_guessed_when_a_record_is_too_long(void **state)
{
    (void)state;
    content got;
    text lines = {.rt = rt};
    text_add(&lines, "a,b\nc,\"oops\n");
    while (lines.length < RECORDS_LONGEST + 100000)
        text_add(&lines, "a line of sixty-four bytes, as long as lines of text mostly are..\n");
    test_write(source, lines.bytes, (size_t)lines.length);
    text_release(&lines);
    assert_fails(read_all(source, quoting, &got, err), MEDLEY_E_FORMAT,
                 "x:2: a record longer than 16 MiB; is a quoted field not closed?");
}

static void write_gzip(const char *path, const char *bytes, size_t length)
{
    gzFile out = gzopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(gzwrite(out, bytes, (unsigned)length), (int)length);
    assert_int_equal(gzclose(out), Z_OK);
}

static void write_zstd(const char *path, const char *bytes, size_t length)
{
    char *packed;
    const size_t room = ZSTD_compressBound(length);
    assert_ok(mem_alloc(rt, (int64_t)room, 1, &packed, err));
    const size_t used = ZSTD_compress(packed, room, bytes, length, 1);
    assert_false(ZSTD_isError(used));
    test_write(path, packed, used);
    mem_free(packed);
}

static void test_a_packed_file_has_the_same_blocks(void **state)
{
    (void)state;
    enum { LENGTH = 700000 };
    char *bytes = random_lines(LENGTH, 80, 7);
    content want, got;
    bytes[LENGTH - 1] = '\n';
    test_write(source, bytes, LENGTH);
    assert_ok(read_all(source, plain, &want, err));
    write_gzip(test_path(folder, "x.gz"), bytes, LENGTH);
    write_zstd(test_path(folder, "x.zst"), bytes, LENGTH);
    for (int i = 0; i < 2; i++) {
        assert_ok(read_all(test_path(folder, i == 0 ? "x.gz" : "x.zst"), plain, &got, err));
        assert_int_equal(got.blocks, want.blocks);
        assert_memory_equal(got.cut, want.cut, (size_t)want.blocks * sizeof *want.cut);
        assert_memory_equal(got.joined.bytes, bytes, LENGTH);
        content_release(&got);
    }
    content_release(&want);
    mem_free(bytes);
}

/* Several threads drain one file; what each block is does not depend on who takes it. */
typedef struct shared {
    records *r;
    pthread_mutex_t lock;
    uint64_t hash[64];
    int64_t first_line[64], blocks;
} shared;

static void *drain(void *context)
{
    shared *s = context;
    record_block block = {0};
    for (bool more = true; more;) {
        if (records_next(s->r, &block, &more, NULL) != MEDLEY_OK || !more)
            break;
        uint64_t hash = block.length;
        for (size_t i = 0; i < block.length; i++)
            hash = mix64(hash ^ (unsigned char)block.bytes[i]);
        pthread_mutex_lock(&s->lock);
        s->hash[block.index] = hash;
        s->first_line[block.index] = block.first_line;
        s->blocks++;
        pthread_mutex_unlock(&s->lock);
    }
    mem_free(block.bytes);
    return NULL;
}

static void drain_with(int threads, shared *s)
{
    pthread_t thread[4];
    *s = (shared){.blocks = 0};
    pthread_mutex_init(&s->lock, NULL);
    assert_ok(records_open(rt, source, quoting, &s->r, err));
    for (int i = 0; i < threads; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, drain, s), 0);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    records_close(s->r);
    pthread_mutex_destroy(&s->lock);
}

static void test_blocks_do_not_depend_on_threads(void **state)
{
    (void)state;
    enum { LENGTH = 12 * RECORDS_BLOCK };
    char *bytes = random_lines(LENGTH, 500, 3);
    for (size_t i = 0; i + 2 < LENGTH; i++)
        if (bytes[i] == '\n' && random_bits(4, 0, i) % 5 == 0)
            bytes[i + 1] = bytes[i + 2] = '"';
    bytes[LENGTH - 1] = '\n';
    test_write(source, bytes, LENGTH);
    mem_free(bytes);
    shared one, more;
    drain_with(1, &one);
    assert_true(one.blocks > 10);
    for (int threads = 2; threads <= 4; threads += 2) {
        drain_with(threads, &more);
        assert_int_equal(more.blocks, one.blocks);
        assert_memory_equal(more.hash, one.hash, sizeof one.hash);
        assert_memory_equal(more.first_line, one.first_line, sizeof one.first_line);
    }
}

static void test_an_error_ends_the_file_for_everybody(void **state)
{
    (void)state;
    records *r;
    record_block block = {0};
    bool more = true;
    test_write_text(source, "a,\"b\n");
    assert_ok(records_open(rt, source, quoting, &r, err));
    assert_fails(records_next(r, &block, &more, err), MEDLEY_E_FORMAT, "never closed");
    assert_false(more);
    assert_ok(records_next(r, &block, &more, err));
    assert_false(more);
    records_close(r);
    records_close(NULL);
    mem_free(block.bytes);
}

static void test_the_stream_is_there_for_progress(void **state)
{
    (void)state;
    records *r;
    record_block block = {0};
    bool more = true;
    char hex[33];
    test_write_text(source, "a\nb\n");
    assert_ok(records_open(rt, source, plain, &r, err));
    assert_int_equal(stream_total(records_stream(r)), 4);
    while (more)
        assert_ok(records_next(r, &block, &more, err));
    assert_int_equal(stream_done(records_stream(r)), 4);
    stream_fingerprint(records_stream(r), hex);
    assert_int_equal(strlen(hex), 32);
    records_close(r);
    mem_free(block.bytes);
}

static medley_status read_and_release(records_options options, medley_error *err)
{
    content got;
    TRY(read_all(source, options, &got, err));
    content_release(&got);
    return MEDLEY_OK;
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    text lines = {.rt = rt};
    while (lines.length < 3 * RECORDS_BLOCK)
        text_format(&lines, "%lld,\"a\nb\"\n", (long long)lines.length);
    test_write(source, lines.bytes, (size_t)lines.length);
    text_release(&lines);
    BRUTAL(rt, &memory, read_and_release(quoting, err), (void)0);
    BRUTAL(rt, &memory, read_and_release(plain, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_small_file_is_one_block, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_end_is_added_where_the_last_is_missing, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_byte_order_mark_is_skipped_at_the_start_only, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_file_has_no_block, start, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_or_a_folder_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_join_to_the_file_at_every_length, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_block_ends_where_a_record_does, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_quote_inside_a_field_is_text, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_quote_never_closed_names_its_line, start, tear_down),
        cmocka_unit_test_setup_teardown(test_long_records_follow_each_other, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_record_may_be_long_but_not_endless, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_open_quote_is_guessed_when_a_record_is_too_long, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_packed_file_has_the_same_blocks, start, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_do_not_depend_on_threads, start, tear_down),
        cmocka_unit_test_setup_teardown(test_an_error_ends_the_file_for_everybody, start, tear_down),
        cmocka_unit_test_setup_teardown(test_the_stream_is_there_for_progress, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
