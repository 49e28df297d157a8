#include "testing.h"

#include <stdio.h>

#include "data/public_set.h"
#include "io/digest.h"

static void test_names_are_lower_case_and_of_one_set(void **state)
{
    (void)state;
    for (const public_set *s = public_sets; s->name != NULL; s++) {
        assert_int_equal(strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(s->name));
        for (const public_set *other = public_sets; other < s; other++)
            assert_string_not_equal(other->name, s->name);
    }
}

static void test_every_set_has_files_of_one_name_each_over_https(void **state)
{
    (void)state;
    for (const public_set *s = public_sets; s->name != NULL; s++) {
        const int64_t files = public_set_files(s);
        assert_in_range(files, 1, PUBLIC_FILES_MOST);
        assert_true(s->most > 0 && s->summary[0] != '\0' && s->details[0] != '\0' && s->folder != NULL);
        for (int64_t i = 0; i < files; i++) {
            assert_memory_equal(s->files[i].url, "https://", 8);
            assert_true(strlen(strrchr(s->files[i].url, '/')) > 1);
        }
        if (files == 2)
            assert_string_not_equal(strrchr(s->files[0].url, '/'), strrchr(s->files[1].url, '/'));
    }
}

static void test_stated_checksums_are_checksums(void **state)
{
    (void)state;
    int stated = 0;
    for (const public_set *s = public_sets; s->name != NULL; s++)
        for (int64_t i = 0; i < public_set_files(s); i++) {
            char checksum[CHECKSUM_SIZE];
            digest_kind kind;
            if (s->files[i].checksum == NULL)
                continue;
            assert_ok(checksum_parse(s->files[i].checksum, &kind, checksum, err));
            stated++;
        }
    assert_int_equal(stated, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_lower_case_and_of_one_set),
        cmocka_unit_test(test_every_set_has_files_of_one_name_each_over_https),
        cmocka_unit_test(test_stated_checksums_are_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
