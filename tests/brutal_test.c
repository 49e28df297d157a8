/* Every allocation of the public API's calls fails once: each call then returns E_NOMEM, leaks nothing,
 * leaves the disk as it was, and succeeds when there is memory. (jansson, SQLite, libyaml, zlib's and
 * zstd's own and OpenMP's memory does not pass through the runtime.) */
#include "starve.h"

#include <unistd.h>

#include "base/report.h"

#include "inside_folder.h" /* last: it names a runtime and a folder */

static int set_up(void **state)
{
    (void)state;
    return enter_folder(1);
}

/* The operation, and its report in every form. */
static medley_status run(medley_runtime *runtime, const step *s, medley_error *err)
{
    static const medley_report_form forms[] = {MEDLEY_REPORT_TEXT, MEDLEY_REPORT_TSV, MEDLEY_REPORT_JSON};
    medley_report *report;
    const char *shown;
    medley_status status = operate(runtime, s->run, s->settings, &report, err);
    for (int i = 0; i < 3 && status == MEDLEY_OK; i++) {
        status = medley_report_render(report, forms[i], &shown, err);
        assert_int_equal(status == MEDLEY_OK, shown != NULL);
    }
    medley_report_free(report);
    return status;
}

static void starve_the_whole_way(int threads, bool from_nothing)
{
    test_memory own;
    medley_runtime *runtime = test_runtime(&own, threads);
    for (int i = 0; i < WHOLE_WAY; i++) {
        const step *s = &whole_way[i];
        if (s->run == medley_split)
            assert_ok(file_make_folder(rt, "store/splits", err)); /* an empty one may stay */
        if (from_nothing)
            assert_true(starve(runtime, &own, s, true) > 5);
        else
            assert_ok(run(runtime, s, err));
        assert_true(starve(runtime, &own, s, false) > 5);
    }
    test_runtime_end(runtime, &own);
}

static void test_operations_survive_with_one_thread(void **state)
{
    (void)state;
    starve_the_whole_way(1, true);
}

static void test_operations_survive_with_two_threads(void **state)
{
    (void)state;
    starve_the_whole_way(2, false);
}

static void go_the_whole_way(void)
{
    for (int i = 0; i < WHOLE_WAY; i++)
        assert_ok(run(rt, &whole_way[i], err));
}

static void test_reports_survive(void **state)
{
    (void)state;
    static const medley_report_form forms[] = {MEDLEY_REPORT_TEXT, MEDLEY_REPORT_TSV, MEDLEY_REPORT_JSON};
    medley_report *report;
    const char *shown;
    go_the_whole_way();
    assert_ok(operate(rt, medley_evaluate, (const char *const[]){"run=ease", "intervals=5", NULL}, &report, err));
    for (int i = 0; i < 3; i++)
        for (int64_t allowed = 0;; allowed++) {
            memory.allowed = allowed;
            const medley_status status = medley_report_render(report, forms[i], &shown, NULL);
            memory.allowed = -1;
            if (status == MEDLEY_OK)
                break;
            assert_int_equal(status, MEDLEY_E_NOMEM);
            assert_null(shown);
        }
    medley_report_free(report);
}

static medley_status rank(const char *run_folder, medley_error *err)
{
    static const int64_t users[] = {0, 3, 1}, history[] = {0, 2};
    medley_model *model = NULL;
    medley_ranker *ranker = NULL;
    int64_t items[12];
    float scores[12];
    medley_status status;
    TRY_DONE(medley_model_open(rt, run_folder, NULL, &model, err));
    TRY_DONE(medley_ranker_create(model, &ranker, err));
    TRY_DONE(medley_ranker_rank(ranker, users, 3, 4, items, scores, err));
    status =
        medley_ranker_rank_history(ranker, &(medley_history){.items = history, .count = 2}, 4, items, scores, err);
done:
    assert_true(status != MEDLEY_OK || ranker != NULL);
    medley_ranker_free(ranker);
    medley_model_free(model);
    return status;
}

static void test_models_and_rankers_survive(void **state)
{
    (void)state;
    static const char *const runs[] = {"popular", "knn", "ease"};
    go_the_whole_way();
    for (int i = 0; i < 3; i++)
        BRUTAL(rt, &memory, rank(runs[i], err), (void)0);
}

static medley_status open_store(medley_error *err)
{
    medley_store *store;
    TRY(medley_store_open(rt, "store", &store, err));
    medley_store_free(store);
    return MEDLEY_OK;
}

static medley_status configure(medley_error *err)
{
    medley_config *config;
    medley_report *report = NULL;
    TRY(medley_config_create(rt, &config, err));
    medley_status status;
    TRY_DONE(medley_config_load(config, "exp.yaml", err));
    TRY_DONE(medley_config_set(config, "neighbours", "7", MEDLEY_FROM_FLAG, "--neighbours", err));
    status = medley_config_resolve(config, "train", &report, err);
done:
    assert_int_equal(status == MEDLEY_OK, report != NULL);
    medley_report_free(report);
    medley_config_free(config);
    return status;
}

/* What could not be loaded leaves the settings as they were. */
static medley_status load_over(medley_config *config, medley_error *err)
{
    const medley_status status = medley_config_load(config, "exp.yaml", err);
    assert_string_equal(medley_config_value(config, "model"), status == MEDLEY_OK ? "itemknn" : "ease");
    return status;
}

static void test_stores_and_settings_survive(void **state)
{
    (void)state;
    medley_config *config;
    go_the_whole_way();
    test_write_text("exp.yaml", "model: itemknn\nstore: store\nsplit: main\nrun: other\n");
    BRUTAL(rt, &memory, open_store(err), (void)0);
    BRUTAL(rt, &memory, configure(err), (void)0);
    for (int64_t allowed = 0;; allowed++) {
        assert_ok(medley_config_create(rt, &config, err));
        assert_ok(medley_config_set(config, "model", "ease", MEDLEY_FROM_YAML, "old.yaml:1", err));
        memory.allowed = allowed;
        const medley_status status = load_over(config, NULL);
        memory.allowed = -1;
        medley_config_free(config);
        if (status == MEDLEY_OK)
            break;
        assert_int_equal(status, MEDLEY_E_NOMEM);
    }
}

static medley_status refer(const char *kind, const char *name, medley_reference_form form, medley_error *err)
{
    char *page;
    TRY(medley_reference(rt, kind, name, form, &page, err));
    medley_text_free(page);
    return MEDLEY_OK;
}

static medley_status examine(medley_error *err)
{
    medley_report *report;
    TRY(medley_doctor(rt, &report, err));
    medley_report_free(report);
    return MEDLEY_OK;
}

static void test_references_survive(void **state)
{
    (void)state;
    for (int form = MEDLEY_REFERENCE_HELP; form <= MEDLEY_REFERENCE_SWEEP; form++) {
        BRUTAL(rt, &memory, refer("models", "itemknn", (medley_reference_form)form, err), (void)0);
        BRUTAL(rt, &memory, refer("operations", "train", (medley_reference_form)form, err), (void)0);
    }
    BRUTAL(rt, &memory, examine(err), (void)0);
}

static void *no_memory(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)context;
    (void)block;
    (void)old_size;
    (void)new_size;
    return NULL;
}

static void test_a_runtime_needs_memory_too(void **state)
{
    (void)state;
    const medley_runtime_options options = {.allocator = {no_memory, NULL}};
    medley_runtime *none;
    assert_fails(medley_runtime_create(&options, &none, err), MEDLEY_E_NOMEM, "out of memory");
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_operations_survive_with_one_thread, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_operations_survive_with_two_threads, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_reports_survive, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_models_and_rankers_survive, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_stores_and_settings_survive, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_references_survive, set_up, leave_folder),
        cmocka_unit_test_setup_teardown(test_a_runtime_needs_memory_too, set_up, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
