/* Metrics of the whole way, from raw files on, against those that tools/parity/record.py recorded from an
 * independent reference. */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <medley/medley.h>

#include "io/json.h"
#include "quick_models.h"

#define PARITY MEDLEY_SOURCE_DIR "/tests/parity/"

enum { COLUMNS_MOST = 256, CASES_MOST = 256, BEFORE_METRICS = 3 };

/* expected.tsv: the header, then a row a case: split, settings of train, settings of evaluate, metrics. */
typedef struct recorded {
    char *bytes;
    char *column[COLUMNS_MOST];
    int columns;
    char *cell[CASES_MOST][COLUMNS_MOST];
    int cases;
} recorded;

typedef medley_status operation(medley_runtime *, medley_config *, medley_report **, medley_error *);

static int cut_line(char *line, char **cell)
{
    int count = 0;
    for (char *at = line; at != NULL; count++) {
        assert_true(count < COLUMNS_MOST);
        cell[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    return count;
}

static void read_recorded(recorded *r)
{
    *r = (recorded){.bytes = test_read(PARITY "expected.tsv", NULL)};
    char *next, *line = strtok_r(r->bytes, "\n", &next);
    assert_non_null(line);
    r->columns = cut_line(line, r->column);
    while ((line = strtok_r(NULL, "\n", &next)) != NULL) {
        assert_true(r->cases < CASES_MOST);
        assert_int_equal(cut_line(line, r->cell[r->cases++]), r->columns);
    }
    assert_true(r->cases > 0);
}

/* "key=value key=value" */
static void set_all(medley_config *config, const char *settings)
{
    char copy[1024], *next;
    assert_true(snprintf(copy, sizeof copy, "%s", settings) < (int)sizeof copy);
    for (char *pair = strtok_r(copy, " ", &next); pair != NULL; pair = strtok_r(NULL, " ", &next)) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_ok(medley_config_set(config, pair, value, MEDLEY_FROM_FLAG, NULL, err));
    }
}

/* Runs with the settings and one or two that name files. The caller frees the report. */
static medley_report *perform(medley_runtime *rt, operation *run, const char *settings, const char *key,
                              const char *value, const char *key2, const char *value2)
{
    medley_config *config;
    medley_report *report;
    assert_ok(medley_config_create(rt, &config, err));
    set_all(config, settings);
    assert_ok(medley_config_set(config, key, value, MEDLEY_FROM_FLAG, NULL, err));
    if (key2 != NULL)
        assert_ok(medley_config_set(config, key2, value2, MEDLEY_FROM_FLAG, NULL, err));
    assert_ok(run(rt, config, &report, err));
    medley_config_free(config);
    return report;
}

static void make_store(medley_runtime *rt, const char *input, const char *store, const char *format,
                       const char *split)
{
    char settings[256];
    snprintf(settings, sizeof settings, "format=%s", format);
    medley_report_free(perform(rt, medley_prepare, settings, "input", input, "store", store));
    snprintf(settings, sizeof settings, "name=%s strategy=%s", split, split);
    medley_report_free(perform(rt, medley_split, settings, "store", store, NULL, NULL));
}

/* "ndcg@5" in an evaluation's report. */
static double metric_value(const json *report, const char *name)
{
    const json *rows = json_member(report, "metrics");
    const char *cutoff = strchr(name, '@');
    double value = NAN;
    assert_non_null(cutoff);
    for (int64_t i = 0; i < json_count(rows); i++) {
        const json *row = json_at(rows, i, NULL);
        const char *metric = json_text(row, "metric");
        if (strlen(metric) == (size_t)(cutoff - name) && strncmp(metric, name, strlen(metric)) == 0)
            assert_true(json_real(row, cutoff, &value));
    }
    return value;
}

/* Returns the number of metrics of a case that are not what was recorded. */
static int count_differences(const recorded *r, char *const *cell, medley_report *report)
{
    const char *rendered;
    json *values;
    int different = 0;
    assert_ok(medley_report_render(report, MEDLEY_REPORT_JSON, &rendered, err));
    assert_ok(json_parse("report", rendered, strlen(rendered), &values, err));
    for (int i = BEFORE_METRICS; i < r->columns; i++) {
        const double ours = metric_value(values, r->column[i]), theirs = strtod(cell[i], NULL);
        if (fabs(ours - theirs) <= 1e-6) /* NaN is not */
            continue;
        print_error("%s, %s, %s: %s is %.12g, recorded is %s\n", cell[0], cell[1], cell[2], r->column[i], ours,
                    cell[i]);
        different++;
    }
    json_free(values);
    return different;
}

static void check_cases(int threads)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, threads);
    char *folder = test_folder(), settings[512];
    recorded r;
    int different = 0;
    read_recorded(&r);
    make_store(rt, PARITY "leave_one_out", test_path(folder, "leave_one_out"), "movielens", "leave_one_out");
    make_store(rt, PARITY "fixed", test_path(folder, "fixed"), "elliot", "fixed");
    for (int i = 0; i < r.cases; i++) {
        char *const *cell = r.cell[i];
        const char *run = test_path(folder, "run");
        snprintf(settings, sizeof settings, "force=true split=%s %s", cell[0], cell[1]);
        medley_report_free(perform(rt, medley_train, settings, "store", test_path(folder, cell[0]), "run", run));
        medley_report *report = perform(rt, medley_evaluate, cell[2], "run", run, NULL, NULL);
        different += count_differences(&r, cell, report);
        medley_report_free(report);
    }
    test_read_end(r.bytes);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    assert_int_equal(different, 0);
}

static void test_every_metric_of_every_case_is_the_references(void **state)
{
    (void)state;
    check_cases(1);
    check_cases(4);
}

/* Those that are learnt by gradients are compared in learner_parity_test.c. */
static void test_every_model_that_is_fitted_at_once_has_a_recorded_case(void **state)
{
    recorded r;
    medley_entry model;
    int missing = 0;
    (void)state;
    read_recorded(&r);
    for (int64_t m = 0; medley_registry_entry("models", m, &model); m++) {
        char start[128];
        int found = 0;
        snprintf(start, sizeof start, "model=%s ", model.name);
        for (int i = 0; i < r.cases; i++)
            found += strncmp(r.cell[i][1], start, strlen(start)) == 0;
        if (found > 0)
            continue;
        if (quick_epochs(model.name) != NULL)
            continue;
        print_error("no reference recorded for model %s: see tools/parity/record.py\n", model.name);
        missing++;
    }
    test_read_end(r.bytes);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_metric_of_every_case_is_the_references),
        cmocka_unit_test(test_every_model_that_is_fitted_at_once_has_a_recorded_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
