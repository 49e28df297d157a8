/* From a mirror on disk; what servers do is in io/download_test.c. */
#include "testing.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

#include <medley/store.h>

#include "data/public_set.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"

#include "fixture.h"
#include "run_operation.h"

static void pack(const char *name, const char *const *members)
{
    assert_ok(file_make_folder(rt, test_path(folder, "mirror"), err));
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_zip(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, test_path(folder, name)), ARCHIVE_OK);
    for (; *members != NULL; members += 2) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[0]);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (int64_t)strlen(members[1]));
        assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, members[1], strlen(members[1])), strlen(members[1]));
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

static void make_mirror(void)
{
    static const char *const members[] = {
        "ml-latest-small/ratings.csv",
        "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
        "ml-latest-small/movies.csv",
        "movieId,title,genres\n1,Toy Story (1995),Comedy\n",
        NULL,
    };
    pack("mirror/ml-latest-small.zip", members);
    pack("mirror/ml-1m.zip", members);
}

static const char *mirror(void)
{
    static char url[512];
    snprintf(url, sizeof url, "file://%s", test_path(folder, "mirror"));
    return url;
}

static medley_status fetch(const char *name, const char *key, const char *value, medley_report **report,
                           medley_error *err)
{
    return run(medley_fetch, report, err,
               (const char *const[]){"name", name, "out", "/raw/set", "url", mirror(), key, value, NULL});
}

static void assert_holds(const char *name, const char *part)
{
    char *got = test_read(test_path(folder, name), NULL);
    if (strstr(got, part) == NULL)
        fail_msg("%s: '%s' lacks '%s'", name, got, part);
    test_read_end(got);
}

static void assert_nothing_left(void)
{
    assert_false(file_exists(test_path(folder, "raw/set.download")));
    assert_false(file_exists(test_path(folder, "raw/set.partial")));
}

static void test_a_set_is_unpacked_and_recorded(void **state)
{
    (void)state;
    medley_report *report;
    double bytes;
    char checksum[CHECKSUM_SIZE];
    make_mirror();
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_ok(fetch("ml-latest-small", NULL, NULL, &report, err));
    assert_holds("raw/set/ratings.csv", "1,1,4.0,964982703");
    assert_holds("raw/set/movies.csv", "Toy Story");
    assert_nothing_left();
    assert_ok(checksum_file(rt, test_path(folder, "mirror/ml-latest-small.zip"), DIGEST_SHA256, checksum, err));
    assert_holds("raw/set/fetch.json", checksum);
    assert_holds("raw/set/fetch.json", "mirror/ml-latest-small.zip\"");
    assert_holds("raw/set/fetch.json", "\"verified\": false");
    assert_string_equal(medley_report_text(report, "files", 0, "checksum"), checksum);
    assert_string_equal(medley_report_text(report, "files", 0, "verified"), "none published");
    assert_true(medley_report_number(report, "files", 0, "bytes", &bytes) && bytes > 100);
    medley_report_free(report);
}

static void test_files_that_are_no_archives_stay_as_they_are(void **state)
{
    (void)state;
    assert_ok(file_make_folder(rt, test_path(folder, "mirror"), err));
    test_write_text(test_path(folder, "mirror/reviews_Beauty_5.json.gz"), "reviews");
    test_write_text(test_path(folder, "mirror/meta_Beauty.json.gz"), "items");
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_ok(fetch("amazon-2014-beauty", NULL, NULL, NULL, err));
    assert_holds("raw/set/reviews_Beauty_5.json.gz", "reviews");
    assert_holds("raw/set/meta_Beauty.json.gz", "items");
    assert_nothing_left();
}

static void test_a_wrong_checksum_is_refused_before_unpacking(void **state)
{
    (void)state;
    make_mirror();
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_fails(fetch("ml-1m", NULL, NULL, NULL, err), MEDLEY_E_FORMAT, "ml-1m.zip: its checksum is md5:");
    assert_fails(fetch("ml-1m", NULL, NULL, NULL, err), MEDLEY_E_FORMAT,
                 "expected md5:c4d9eecfca2ab87c1945afe126590906; nothing was unpacked");
    assert_false(file_exists(test_path(folder, "raw/set")));
    assert_false(file_exists(test_path(folder, "raw/set.download/ml-1m.zip")));
    assert_true(file_exists(test_path(folder, "raw/set.download/ml-1m.zip.refused")));
    char checksum[CHECKSUM_SIZE];
    assert_ok(checksum_file(rt, test_path(folder, "mirror/ml-1m.zip"), DIGEST_SHA256, checksum, err));
    assert_ok(fetch("ml-1m", "checksum", checksum, NULL, err));
    assert_holds("raw/set/fetch.json", "\"verified\": true");
    assert_nothing_left();
}

static void test_an_archive_that_leaves_its_folder_leaves_nothing(void **state)
{
    (void)state;
    pack("mirror/ml-latest-small.zip", (const char *const[]){"ml-latest-small/a", "a", "../../evil", "x", NULL});
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_fails(fetch("ml-latest-small", NULL, NULL, NULL, err), MEDLEY_E_FORMAT, "'../../evil' leads out of");
    assert_false(file_exists(test_path(folder, "raw/set")));
    assert_false(file_exists(test_path(folder, "raw/set.partial")));
    assert_false(file_exists(test_path(folder, "evil")));
}

static void test_an_existing_folder_is_replaced_when_asked(void **state)
{
    (void)state;
    make_mirror();
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_ok(fetch("ml-latest-small", NULL, NULL, NULL, err));
    test_write_text(test_path(folder, "raw/set/old"), "old");
    assert_fails(fetch("ml-latest-small", NULL, NULL, NULL, err), MEDLEY_E_EXISTS, "exists already");
    assert_ok(fetch("ml-latest-small", "force", "true", NULL, err));
    assert_false(file_exists(test_path(folder, "raw/set/old")));
    assert_ok(file_remove_tree(rt, test_path(folder, "raw/set/fetch.json"), err));
    assert_fails(fetch("ml-latest-small", "force", "true", NULL, err), MEDLEY_E_EXISTS, "holds no fetch.json");
}

static void test_what_is_downloaded_is_not_downloaded_again(void **state)
{
    (void)state;
    make_mirror();
    test_write_text(test_path(folder, "mirror/reviews_Beauty_5.json.gz"), "reviews");
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_fails(fetch("amazon-2014-beauty", NULL, NULL, NULL, err), MEDLEY_E_NOT_FOUND, "meta_Beauty.json.gz");
    assert_ok(file_remove_tree(rt, test_path(folder, "mirror/reviews_Beauty_5.json.gz"), err));
    test_write_text(test_path(folder, "mirror/meta_Beauty.json.gz"), "items");
    assert_ok(fetch("amazon-2014-beauty", NULL, NULL, NULL, err));
    assert_holds("raw/set/reviews_Beauty_5.json.gz", "reviews");
}

static void test_bad_settings_are_refused(void **state)
{
    (void)state;
    assert_ok(file_make_folder(rt, test_path(folder, "raw"), err));
    assert_fails(fetch("ml-1n", NULL, NULL, NULL, err), MEDLEY_E_CONFIG,
                 "unknown 'ml-1n' (did you mean 'ml-1m'?)");
    assert_fails(fetch("ml-1m", "checksum", "md5:1", NULL, err), MEDLEY_E_CONFIG,
                 "checksum: 'md5:1' is no checksum");
    assert_fails(fetch("amazon-2014-beauty", "checksum", "md5:c4d9eecfca2ab87c1945afe126590906", NULL, err),
                 MEDLEY_E_CONFIG, "checksum: 'amazon-2014-beauty' has 2 files");
    assert_fails(fetch("ml-1m", NULL, NULL, NULL, err), MEDLEY_E_NOT_FOUND, "mirror/ml-1m.zip");
    assert_nothing_left();
}

static medley_status fetch_anew(medley_error *err)
{
    if (file_remove_tree(rt, test_path(folder, "raw"), NULL) != MEDLEY_OK ||
        file_make_folder(rt, test_path(folder, "raw"), NULL) != MEDLEY_OK)
        return fail(err, MEDLEY_E_NOMEM, "out of memory"); /* the allowance was used up here */
    return fetch("ml-latest-small", NULL, NULL, NULL, err);
}

static medley_status fetch_again(medley_error *err)
{
    return fetch("ml-latest-small", "force", "true", NULL, err);
}

/* But for those of libcurl, libarchive, OpenSSL and jansson. */
static void test_every_allocation_and_write_can_fail(void **state)
{
    (void)state;
    make_mirror();
    BRUTAL(rt, &memory, fetch_anew(err), (void)0);
    FULL_DISK(rt, &memory, fetch_again(err), assert_holds("raw/set/movies.csv", "Toy Story"),
              assert_nothing_left());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_set_is_unpacked_and_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_archives_stay_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_wrong_checksum_is_refused_before_unpacking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_archive_that_leaves_its_folder_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_existing_folder_is_replaced_when_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_downloaded_is_not_downloaded_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_settings_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_and_write_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
