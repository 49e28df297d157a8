#include "testing.h"

#include <stdio.h>

#include "io/digest.h"

#include "fixture.h"

static void assert_checksum(const void *bytes, size_t length, digest_kind kind, const char *want)
{
    char got[CHECKSUM_SIZE];
    const char *path = test_path(folder, "bytes");
    test_write(path, bytes, length);
    assert_ok(checksum_file(rt, path, kind, got, err));
    assert_string_equal(got, want);
}

/* RFC 1321, A.5, and FIPS 180-2, B.1 to B.3. */
static void test_the_published_examples_have_their_checksums(void **state)
{
    (void)state;
    enum { MILLION = 1000000, MORE = 3 << 20 };
    char *many;
    assert_ok(mem_alloc_zero(rt, MORE, 1, &many, err));
    memset(many, 'a', MILLION);
    assert_checksum("", 0, DIGEST_MD5, "md5:d41d8cd98f00b204e9800998ecf8427e");
    assert_checksum("abc", 3, DIGEST_MD5, "md5:900150983cd24fb0d6963f7d28e17f72");
    assert_checksum("abc", 3, DIGEST_SHA256,
                    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_checksum(many, MILLION, DIGEST_SHA256,
                    "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    /* More than one block: head -c 3145728 /dev/zero | md5sum */
    memset(many, 0, MORE);
    assert_checksum(many, MORE, DIGEST_MD5, "md5:d1dd210d6b1312cb342b56d02bd5e651");
    mem_free(many);
}

static void test_checksums_are_read_in_any_case(void **state)
{
    (void)state;
    char checksum[CHECKSUM_SIZE];
    digest_kind kind;
    assert_ok(checksum_parse("md5:D41D8CD98F00B204E9800998ECF8427e", &kind, checksum, err));
    assert_int_equal(kind, DIGEST_MD5);
    assert_string_equal(checksum, "md5:d41d8cd98f00b204e9800998ecf8427e");
    assert_ok(checksum_parse("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &kind,
                             checksum, err));
    assert_int_equal(kind, DIGEST_SHA256);
}

static void test_what_is_no_checksum_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "md5:",
        "d41d8cd98f00b204e9800998ecf8427e",
        "md5:d41d8cd98f00b204e9800998ecf8427",
        "md5:d41d8cd98f00b204e9800998ecf8427eff",
        "md5:d41d8cd98f00b204e9800998ecf8427g",
        "sha256:d41d8cd98f00b204e9800998ecf8427e",
        "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
    };
    char checksum[CHECKSUM_SIZE];
    digest_kind kind;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(checksum_parse(cases[i], &kind, checksum, err), MEDLEY_E_CONFIG,
                     "is no checksum; 'md5:' with 32 or 'sha256:' with 64 hex digits is accepted");
}

static void test_a_file_that_is_not_there_has_none(void **state)
{
    (void)state;
    char checksum[CHECKSUM_SIZE];
    assert_fails(checksum_file(rt, test_path(folder, "none"), DIGEST_MD5, checksum, err), MEDLEY_E_NOT_FOUND,
                 "none");
}

/* But for OpenSSL's own. */
static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    char checksum[CHECKSUM_SIZE];
    test_write_text(test_path(folder, "bytes"), "abc");
    BRUTAL(rt, &memory, checksum_file(rt, test_path(folder, "bytes"), DIGEST_MD5, checksum, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_published_examples_have_their_checksums, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_checksums_are_read_in_any_case, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_checksum_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_not_there_has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
