#include "testing.h"

#include "io/fingerprint.h"

static void test_fingerprints_are_those_of_xxh128sum(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    unsigned char bytes[1000];
    char hex[FINGERPRINT_SIZE];
    fingerprint *print;
    for (int i = 0; i < 1000; i++)
        bytes[i] = (unsigned char)(i % 251);
    assert_ok(fingerprint_create(rt, &print, err));
    fingerprint_hex(print, hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    fingerprint_add(print, bytes, 1);
    fingerprint_add(print, NULL, 0);
    fingerprint_add(print, bytes + 1, 999);
    fingerprint_hex(print, hex);
    assert_string_equal(hex, "18bf41bc8229e27733ef703fb2b20ed1");
    fingerprint_free(print);
    fingerprint_free(NULL);
    test_runtime_end(rt, &memory);
}

static void test_an_allocation_can_fail(void **state)
{
    (void)state;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    fingerprint *print;
    BRUTAL(rt, &memory, fingerprint_create(rt, &print, err), fingerprint_free(print));
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fingerprints_are_those_of_xxh128sum),
        cmocka_unit_test(test_an_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
