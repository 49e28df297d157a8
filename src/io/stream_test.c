#include "testing.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "io/fingerprint.h"
#include "io/stream.h"

#include "fixture.h"

static char source[4096]; /* folder/x */

static int start(void **state)
{
    set_up(state);
    snprintf(source, sizeof source, "%s/x", folder);
    return 0;
}

/* A new file each time: ext4 flushes one that is emptied and written again. */
static void put(const char *bytes, size_t length)
{
    (void)unlink(source);
    test_write(source, bytes, length);
}

/* Compressible and not periodic. */
static char *make_content(size_t length)
{
    char *bytes;
    assert_ok(mem_alloc(rt, (int64_t)length, 1, &bytes, err));
    for (size_t i = 0; i < length; i++)
        bytes[i] = "0123456789,\n"[random_bits(7, 0, i) % 12];
    return bytes;
}

/* Appends a gzip member to out. */
static size_t zip(const char *bytes, size_t length, char *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes,
                  .avail_in = (uInt)length,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t made = room - z.avail_out;
    deflateEnd(&z);
    return made;
}

/* Reads the whole source in pieces of `piece` bytes into `into`. */
static medley_status read_all(char *into, size_t room, size_t piece, size_t *total, char hex[33],
                              medley_error *err)
{
    stream *s;
    *total = 0;
    TRY(stream_open(rt, source, &s, err));
    medley_status status = MEDLEY_OK;
    for (size_t got = piece; status == MEDLEY_OK && got == piece;) {
        if (piece > room - *total)
            piece = room - *total;
        status = stream_read(s, into + *total, piece, &got, err);
        *total += got;
    }
    if (status == MEDLEY_OK) {
        assert_int_equal(stream_done(s), stream_total(s));
        stream_fingerprint(s, hex);
    }
    stream_close(s);
    return status;
}

static void assert_reads(const char *want, size_t length)
{
    static const size_t pieces[] = {1, 1000, 262144, 262145, 4000000};
    char *into, hex[33], raw_hex[33];
    size_t total, raw_length;
    char *raw = test_read(source, &raw_length);
    fingerprint *print;
    assert_ok(fingerprint_create(rt, &print, err));
    fingerprint_add(print, raw, raw_length);
    fingerprint_hex(print, raw_hex);
    fingerprint_free(print);
    test_read_end(raw);
    assert_ok(mem_alloc(rt, (int64_t)length + 4000000, 1, &into, err));
    for (size_t i = length > 100000; i < sizeof pieces / sizeof *pieces; i++) {
        assert_ok(read_all(into, length + 4000000, pieces[i], &total, hex, err));
        assert_int_equal(total, length);
        assert_memory_equal(into, want, length);
        assert_string_equal(hex, raw_hex);
    }
    mem_free(into);
}

static medley_status read_to_end(medley_error *err)
{
    static char into[1 << 16];
    char hex[33];
    size_t total;
    return read_all(into, sizeof into, 4096, &total, hex, err);
}

static void test_plain_files_are_read_as_they_are(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 9, 262143, 262144, 262145, 1000000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *content = make_content(lengths[i]);
        put(content, lengths[i]);
        assert_reads(content, lengths[i]);
        mem_free(content);
    }
}

static void test_gzip_members_are_one_content(void **state)
{
    (void)state;
    const size_t length = 700000;
    char *content = make_content(length), *packed = make_content(length);
    size_t used = zip(content, 300000, packed, length);
    used += zip("", 0, packed + used, length - used);
    used += zip(content + 300000, length - 300000, packed + used, length - used);
    put(packed, used);
    assert_reads(content, length);
    memset(packed + used, 0, 10000); /* a tape's last block */
    put(packed, used + 10000);
    assert_reads(content, length);
    mem_free(content);
    mem_free(packed);
}

static void test_zstd_frames_are_one_content(void **state)
{
    (void)state;
    static const char skippable[] = "\x53\x2a\x4d\x18\x03\x00\x00\x00xyz";
    const size_t length = 700000, skip_length = sizeof skippable - 1;
    char *content = make_content(length), *packed = make_content(length);
    memcpy(packed, skippable, skip_length);
    size_t used = skip_length;
    used += ZSTD_compress(packed + used, length - used, content, 300000, 3);
    used += ZSTD_compress(packed + used, length - used, content + 300000, length - 300000, 1);
    put(packed, used);
    assert_reads(content, length);
    put(packed + skip_length, used - skip_length);
    assert_reads(content, length);
    mem_free(content);
    mem_free(packed);
}

static void test_a_truncated_file_is_refused(void **state)
{
    (void)state;
    char *content = make_content(3000), packed[4096];
    const size_t zipped = zip(content, 3000, packed, sizeof packed);
    for (size_t length = 2; length < zipped; length++) {
        put(packed, length);
        assert_fails(read_to_end(err), MEDLEY_E_FORMAT, "the file is cut short");
    }
    const size_t frame = ZSTD_compress(packed, sizeof packed, content, 3000, 3);
    for (size_t length = 4; length < frame; length++) {
        put(packed, length);
        assert_fails(read_to_end(err), MEDLEY_E_FORMAT, "the file is cut short");
    }
    mem_free(content);
}

/* gzip ends with a checksum, so no flipped bit of the data goes unseen. Not data: the header's time
 * and system, and the bits that fill the last byte before the checksum and the length. */
static void test_a_damaged_gzip_file_is_refused(void **state)
{
    (void)state;
    char *content = make_content(3000), packed[4096];
    const size_t zipped = zip(content, 3000, packed, sizeof packed);
    for (size_t at = 10; at < zipped; at++) {
        if (at == zipped - 9)
            continue;
        packed[at] ^= 0x10;
        put(packed, zipped);
        assert_fails(read_to_end(err), MEDLEY_E_FORMAT, "byte ");
        packed[at] ^= 0x10;
    }
    memcpy(packed + zipped, "garbage", 7);
    put(packed, zipped + 7);
    assert_fails(read_to_end(err), MEDLEY_E_FORMAT, "what follows the last gzip member is not gzip");
    memcpy(packed + zipped, "\x1f\x8b", 2);
    put(packed, zipped + 2);
    assert_fails(read_to_end(err), MEDLEY_E_FORMAT, "cut short");
    mem_free(content);
}

static void test_damage_says_where_it_is(void **state)
{
    (void)state;
    put("\x1f\x8b this is not gzip", 19);
    assert_fails(read_to_end(err), MEDLEY_E_FORMAT,
                 "/x: byte 4 of the compressed file: unknown compression method");
    put("\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 18);
    assert_fails(read_to_end(err), MEDLEY_E_FORMAT, "of the compressed file: ");
}

static void test_other_packings_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"PK\x03\x04zip", "a zip archive; accepted: plain, gzip, zstd"},
        {"BZh91AY&SYpacked", "packed by bzip2"},
        {"\xfd"
         "7zXZ-packed",
         "packed by xz"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i][0], strlen(cases[i][0]));
        assert_fails(read_to_end(err), MEDLEY_E_FORMAT, cases[i][1]);
    }
    put("PK is not an archive", 20);
    assert_reads("PK is not an archive", 20);
}

static void test_a_missing_file_is_named(void **state)
{
    (void)state;
    assert_fails(read_to_end(err), MEDLEY_E_NOT_FOUND, "/x': No such file");
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    char packed[200];
    put("plain", 5);
    BRUTAL(rt, &memory, read_to_end(err), (void)0);
    put(packed, zip("zipped", 6, packed, sizeof packed));
    BRUTAL(rt, &memory, read_to_end(err), (void)0);
    put(packed, ZSTD_compress(packed, sizeof packed, "packed", 6, 1));
    BRUTAL(rt, &memory, read_to_end(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_files_are_read_as_they_are, start, tear_down),
        cmocka_unit_test_setup_teardown(test_gzip_members_are_one_content, start, tear_down),
        cmocka_unit_test_setup_teardown(test_zstd_frames_are_one_content, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_truncated_file_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_gzip_file_is_refused, start, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_says_where_it_is, start, tear_down),
        cmocka_unit_test_setup_teardown(test_other_packings_are_refused_by_name, start, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_file_is_named, start, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, start, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
