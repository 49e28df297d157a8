#include "testing.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/archive.h"
#include "io/file.h"

#include "fixture.h"

enum { ENOUGH = 1 << 20 };

typedef struct member {
    const char *name, *content; /* content NULL: a folder, or a link to `target` */
    const char *target;
    bool hard;
} member;

/* Writes an archive of a format ("zip", "pax") and filter ("none", "gzip", ...) with members up to one without a name. */
static const char *pack(const char *name, const char *format, const char *filter, const member *members)
{
    const char *path = test_path(folder, name);
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
    if (strcmp(filter, "none") != 0)
        assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    for (const member *m = members; m->name != NULL; m++) {
        struct archive_entry *entry = archive_entry_new();
        const size_t length = m->content != NULL ? strlen(m->content) : 0;
        archive_entry_set_pathname(entry, m->name);
        archive_entry_set_filetype(entry, m->content != NULL ? AE_IFREG : m->target != NULL ? AE_IFLNK : AE_IFDIR);
        if (m->target != NULL)
            (m->hard ? archive_entry_set_hardlink : archive_entry_set_symlink)(entry, m->target);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (int64_t)length);
        assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
        if (length > 0)
            assert_int_equal(archive_write_data(a, m->content, length), length);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    return path;
}

static const char *out_folder(void)
{
    const char *out = test_path(folder, "out");
    assert_ok(file_remove_tree(rt, out, err));
    assert_ok(file_make_folder(rt, out, err));
    return out;
}

static void assert_file(const char *name, const char *want)
{
    char *got = test_read(test_path(folder, name), NULL);
    assert_string_equal(got, want);
    test_read_end(got);
}

static const member movielens[] = {
    {"ml/", NULL, NULL, false},         {"ml/ratings.csv", "1,2,3\n", NULL, false},
    {"ml/deep/er/x", "", NULL, false},  {"ml/deep/..y", "dots", NULL, false},
    {"other/z", "not ml", NULL, false}, {NULL, NULL, NULL, false},
};

static void test_files_come_out_of_every_kind_of_archive(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {{"zip", "none"}, {"pax", "none"}, {"gnutar", "gzip"}, {"pax", "zstd"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *path = pack("set", kinds[i][0], kinds[i][1], movielens);
        assert_ok(unpack_archive(rt, path, out_folder(), "ml", ENOUGH, err));
        assert_file("out/ratings.csv", "1,2,3\n");
        assert_file("out/deep/er/x", "");
        assert_file("out/deep/..y", "dots");
        assert_file("out/other/z", "not ml");
        assert_false(file_exists(test_path(folder, "out/ml")));
        assert_ok(unpack_archive(rt, path, out_folder(), "", ENOUGH, err));
        assert_file("out/ml/ratings.csv", "1,2,3\n");
    }
}

static void test_what_would_leave_the_folder_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"../x", "a/../../x", "/x", "a/..", "..", "ml/../../x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const member members[] = {{names[i], "bad", NULL, false}, {NULL, NULL, NULL, false}};
        const char *path = pack("set", "pax", "none", members);
        assert_fails(unpack_archive(rt, path, out_folder(), "ml", ENOUGH, err), MEDLEY_E_FORMAT,
                     "leads out of the folder it is unpacked to");
        assert_false(file_exists(test_path(folder, "x")));
    }
}

static void test_links_are_refused(void **state)
{
    (void)state;
    for (int hard = 0; hard < 2; hard++) {
        const member members[] = {{"a", NULL, "/etc/passwd", hard != 0},
                                  {"a", "written through", NULL, false},
                                  {NULL, NULL, NULL, false}};
        const char *path = pack("set", "pax", "none", members);
        assert_fails(unpack_archive(rt, path, out_folder(), "", ENOUGH, err), MEDLEY_E_FORMAT,
                     "'a' is a link or a device; files and folders are accepted");
    }
}

static void test_a_bomb_is_refused_before_it_fills_the_disk(void **state)
{
    (void)state;
    enum { BOMB = 8 << 20, MOST = 3 << 20 };
    char *zeros;
    struct stat st;
    assert_ok(mem_alloc(rt, BOMB + 1, 1, &zeros, err));
    memset(zeros, '0', BOMB);
    zeros[BOMB] = '\0';
    const member members[] = {
        {"a", "small", NULL, false}, {"bomb", zeros, NULL, false}, {NULL, NULL, NULL, false}};
    const char *path = pack("set", "zip", "none", members);
    assert_fails(unpack_archive(rt, path, out_folder(), "", MOST, err), MEDLEY_E_FORMAT,
                 "bomb: unpacks to more than the 3145728 bytes that are accepted");
    assert_true(stat(test_path(folder, "out/bomb"), &st) != 0 || st.st_size <= MOST);
    mem_free(zeros);
}

static void test_what_is_damaged_or_no_archive_is_refused(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {{"zip", "none"}, {"pax", "gzip"}};
    test_write_text(test_path(folder, "text"), "<html>not found</html>\n");
    assert_fails(unpack_archive(rt, test_path(folder, "text"), out_folder(), "", ENOUGH, err), MEDLEY_E_FORMAT,
                 "text");
    assert_fails(unpack_archive(rt, test_path(folder, "none"), out_folder(), "", ENOUGH, err), MEDLEY_E_NOT_FOUND,
                 "none");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t length;
        char *bytes = test_read(pack("set", kinds[i][0], kinds[i][1], movielens), &length);
        for (size_t cut = 1; cut < length;
             cut++) { /* never crashes; a tar's tail is padding, and may be missing */
            medley_error error = {MEDLEY_OK, ""};
            test_write(test_path(folder, "cut"), bytes, cut);
            const medley_status status =
                unpack_archive(rt, test_path(folder, "cut"), out_folder(), "", ENOUGH, &error);
            assert_true(status == MEDLEY_E_FORMAT || (cut > length / 2 && status == MEDLEY_OK));
        }
        for (size_t at = 0; at < length; at += 3) { /* nor do changed bytes crash it */
            medley_error error = {MEDLEY_OK, ""};
            bytes[at] = (char)(bytes[at] ^ 0x55);
            test_write(test_path(folder, "changed"), bytes, length);
            (void)!unpack_archive(rt, test_path(folder, "changed"), out_folder(), "", ENOUGH, &error);
            bytes[at] = (char)(bytes[at] ^ 0x55);
        }
        test_read_end(bytes);
    }
}

static void test_a_changed_byte_of_content_is_noticed(void **state)
{
    (void)state;
    static const char content[] =
        "The quick brown fox jumps over the lazy dog, 0123456789 times and more often.\n";
    const member members[] = {{"a", content, NULL, false}, {NULL, NULL, NULL, false}};
    size_t length;
    char *bytes = test_read(pack("set", "zip", "none", members), &length);
    /* Behind the local header: 30 bytes, a name and an extra field, whose lengths stand at 26 and 28. */
    const size_t at = 30 + (unsigned char)bytes[26] + (unsigned char)bytes[28] + 20;
    assert_true(at < length);
    bytes[at] = (char)(bytes[at] ^ 0x10);
    test_write(test_path(folder, "changed"), bytes, length);
    assert_fails(unpack_archive(rt, test_path(folder, "changed"), out_folder(), "", ENOUGH, err), MEDLEY_E_FORMAT,
                 "changed: a ");
    test_read_end(bytes);
}

/* But for libarchive's own. */
static void test_every_allocation_and_write_can_fail(void **state)
{
    (void)state;
    const char *path = pack("set", "zip", "none", movielens), *out = out_folder();
    BRUTAL(rt, &memory, unpack_archive(rt, path, out, "ml", ENOUGH, err), (void)0);
    FULL_DISK(rt, &memory, unpack_archive(rt, path, out, "ml", ENOUGH, err), (void)0, (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_come_out_of_every_kind_of_archive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_would_leave_the_folder_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bomb_is_refused_before_it_fills_the_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_damaged_or_no_archive_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_byte_of_content_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_and_write_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
