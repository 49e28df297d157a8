/* Bad requests to every operation: settings, request files, lists of others, configurations, models that need what the
 * data does not have. Each is refused in one line, and the disk stays as it was. */
#include "refusal.h"

#include <sys/stat.h>
#include <unistd.h>

#include "inside_folder.h" /* last: it names a runtime and a folder */

static const struct {
    const char *name;
    operation run;
} operations[] = {
    {"synth", medley_synth},
    {"fetch", medley_fetch},
    {"prepare", medley_prepare},
    {"stats", medley_stats},
    {"split", medley_split},
    {"train", medley_train},
    {"evaluate", medley_evaluate},
    {"compare", medley_compare},
    {"recommend", medley_recommend},
    {"similar", medley_similar},
    {"sweep", medley_sweep},
    {"experiment", medley_experiment},
    {"estimate", medley_estimate},
    {"embed", medley_embed},
    {"features_import", medley_features_import},
    {"features_list", medley_features_list},
    {"features_show", medley_features_show},
    {"images", medley_images},
    {"extract", medley_extract},
    {"extract_plan", medley_extract_plan},
};

static operation operation_called(const char *name)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].name, name) == 0)
            return operations[i].run;
    fail_msg("'%s' is no operation", name);
    return NULL;
}

/* A world in which good requests succeed: a store with ratings, times and texts, one with neither, splits, runs, some
 * of them judged. */
static const step world[] = {
    {"synth", medley_synth, {"out=raw", "users=30", "items=12", "genres=3", "interactions_per_user=5"}, false},
    {"prepare", medley_prepare, {"format=movielens", "input=raw", "store=store"}, false},
    {"split", medley_split, {"store=store", "name=main", "strategy=random"}, false},
    {"split by time", medley_split, {"store=store", "name=late", "strategy=temporal"}, false},
    {"train", medley_train, {"store=store", "split=main", "model=itemknn", "run=knn"}, false},
    {"train again", medley_train, {"store=store", "split=main", "model=popularity", "run=pop"}, false},
    {"train strangers", medley_train, {"store=store", "split=late", "model=ease", "run=late"}, false},
    {"train factors",
     medley_train,
     {"store=store", "split=main", "model=ials", "factors=2", "run=factors"},
     false},
    {"import", medley_features_import, {"store=store", "name=there", "input=vectors.csv"}, false},
    {"evaluate", medley_evaluate, {"run=knn"}, false},
    {"evaluate again", medley_evaluate, {"run=pop", "recs=recs.tsv"}, false},
    {"evaluate otherwise", medley_evaluate, {"run=late"}, false},
    {"prepare pairs", medley_prepare, {"format=delimited", "input=pairs.csv", "store=bare"}, false},
    {"split pairs", medley_split, {"store=bare", "name=main", "strategy=leave_n_out"}, false},
};

static int set_up(void **state)
{
    (void)state;
    enter_folder(2);
    test_write_text("pairs.csv", "user,item\nu,a\nu,b\nu,c\nv,a\nv,c\nv,d\nw,b\nw,c\nw,d\n");
    test_write_text("vectors.csv", "1,0.5,1\n2,1,0\n");
    for (size_t i = 0; i < sizeof world / sizeof *world; i++) {
        medley_report *report;
        assert_ok(operate(rt, world[i].run, world[i].settings, &report, err));
        medley_report_free(report);
    }
    return 0;
}

static void test_every_bad_request_is_refused_in_one_line_and_changes_nothing(void **state)
{
    (void)state;
    char *const cases = test_read(MEDLEY_SOURCE_DIR "/tests/bad_requests.txt", NULL), *cursor = cases;
    refusal_case c;
    int count = 0;
    for (; next_case(&cursor, &c); count++) {
        case_file(rt, &c);
        assert_refuses(rt, operation_called(c.head), (const char *const *)c.settings, c.status, c.want);
        if (c.file != NULL)
            assert_ok(file_remove_tree(rt, c.file, err));
    }
    test_read_end(cases);
    assert_true(count > 100);
}

/* There is a bad request to every operation. */
static void test_every_operation_refuses_something(void **state)
{
    (void)state;
    char *const cases = test_read(MEDLEY_SOURCE_DIR "/tests/bad_requests.txt", NULL);
    medley_entry entry;
    for (int64_t i = 0; medley_registry_entry("operations", i, &entry); i++) {
        char head[64];
        snprintf(head, sizeof head, "\n\n%s\n", entry.name);
        if (strstr(cases, head) == NULL)
            fail_msg("no bad request to %s", entry.name);
    }
    test_read_end(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bad_request_is_refused_in_one_line_and_changes_nothing),
        cmocka_unit_test(test_every_operation_refuses_something),
    };
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}
