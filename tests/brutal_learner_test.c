/* As brutal_test.c for trainings by gradients, which keep checkpoints: every allocation of training every such model fails
 * once; then there is no run, whatever is kept to go on with, and with memory there is one and nothing partial. */
#include "operate.h"

#include "quick_models.h"

#include "inside_folder.h" /* last: it names a runtime and a folder */

static int set_up(void **state)
{
    medley_report *report;
    (void)state;
    enter_folder(1);
    for (int i = 0; i < WHOLE_WAY; i++)
        if (whole_way[i].run == medley_synth || whole_way[i].run == medley_prepare ||
            whole_way[i].run == medley_split) {
            assert_ok(operate(rt, whole_way[i].run, whole_way[i].settings, &report, err));
            medley_report_free(report);
        }
    write_vectors("vectors.csv", 12);
    assert_ok(operate(rt, medley_features_import,
                      (const char *const[]){"store=store", "name=features", "input=vectors.csv", NULL}, &report,
                      err));
    medley_report_free(report);
    return 0;
}

/* Trains until there is memory enough; returns how many allocations that takes. */
static int64_t starve_training(const char *model)
{
    char which[64], run[64];
    snprintf(which, sizeof which, "model=%s", model);
    snprintf(run, sizeof run, "run=%s", model);
    const char *const settings[] = {"store=store", "split=main", which,        run,
                                    "factors=2",   "epochs=1",   "force=true", NULL};
    for (int64_t allowed = 0;; allowed++) {
        medley_error err = {MEDLEY_OK, ""};
        medley_report *report;
        const int64_t live = memory.live;
        memory.allowed = allowed;
        const medley_status status = operate(rt, medley_train, settings, &report, &err);
        memory.allowed = -1;
        medley_report_free(report);
        assert_int_equal(memory.live, live);
        assert_int_equal(file_exists(model), status == MEDLEY_OK);
        if (status == MEDLEY_OK)
            return allowed;
        if (status != MEDLEY_E_NOMEM || err.message[0] == '\0')
            fail_msg("%s, allocation %lld: %s '%s'", model, (long long)allowed, medley_status_name(status),
                     err.message);
    }
}

static void test_trainings_survive(void **state)
{
    (void)state;
    medley_entry model;
    for (int64_t m = 0; medley_registry_entry("models", m, &model); m++) {
        if (quick_epochs(model.name) == NULL)
            continue;
        assert_true(starve_training(model.name) > 100);
        text tree = {.rt = rt};
        list_tree(".", &tree);
        assert_null(strstr(tree.bytes, ".partial"));
        text_release(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trainings_survive),
    };
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}
