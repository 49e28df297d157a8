#include "testing.h"

#include <stdlib.h>

#include "api/operation.h"
#include "io/yaml.h"

#include "fixture.h"

static int start(void **state)
{
    static const char *const names[] = {"MEDLEY_STORE", "MEDLEY_SPLIT", "MEDLEY_MODEL",
                                        "MEDLEY_RUN",   "MEDLEY_SEED",  "MEDLEY_L2",
                                        "MEDLEY_FORCE", "MEDLEY_USERS", "MEDLEY_NEIGHBOURS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    set_up(state);
    return 0;
}

static medley_config *new_config(void)
{
    medley_config *c;
    assert_ok(medley_config_create(rt, &c, err));
    return c;
}

static void set(medley_config *c, const char *key, const char *value, medley_config_rank rank, const char *origin)
{
    assert_ok(medley_config_set(c, key, value, rank, origin, err));
}

/* What train needs. */
static medley_config *train_config(const char *model)
{
    medley_config *c = new_config();
    set(c, "store", "s", MEDLEY_FROM_FLAG, "--store");
    set(c, "split", "p", MEDLEY_FROM_FLAG, "--split");
    set(c, "model", model, MEDLEY_FROM_FLAG, "--model");
    set(c, "run", "r", MEDLEY_FROM_FLAG, "--run");
    return c;
}

static const char *yaml(const char *name, const char *content)
{
    const char *path = test_path(folder, name);
    test_write_text(path, content);
    return path;
}

/* The row of a setting in the report of medley_config_resolve as "value (origin)". */
static void assert_setting(const medley_report *r, const char *name, const char *value, const char *origin)
{
    for (int64_t row = 0; row < medley_report_rows(r, "settings"); row++) {
        if (strcmp(medley_report_text(r, "settings", row, "name"), name) != 0)
            continue;
        assert_string_equal(medley_report_text(r, "settings", row, "value"), value);
        assert_string_equal(medley_report_text(r, "settings", row, "origin"), origin);
        return;
    }
    fail_msg("no setting '%s'", name);
}

static void test_a_later_setting_of_no_lower_rank_wins(void **state)
{
    (void)state;
    static const medley_config_rank ranks[] = {MEDLEY_FROM_YAML, MEDLEY_FROM_ENVIRONMENT, MEDLEY_FROM_FLAG};
    for (int first = 0; first < 3; first++)
        for (int second = 0; second < 3; second++) {
            medley_config *c = new_config();
            set(c, "l2", "first", ranks[first], NULL);
            set(c, "l2", "second", ranks[second], NULL);
            assert_string_equal(medley_config_value(c, "l2"), second >= first ? "second" : "first");
            medley_config_free(c);
        }
    medley_config_free(NULL);
}

static void test_dashes_and_underscores_are_the_same_in_keys(void **state)
{
    (void)state;
    medley_config *c = new_config();
    set(c, "top-k", "5", MEDLEY_FROM_FLAG, "--top-k");
    assert_string_equal(medley_config_value(c, "top_k"), "5");
    assert_string_equal(medley_config_value(c, "top-k"), "5");
    set(c, "top_k", "6", MEDLEY_FROM_FLAG, NULL);
    assert_string_equal(medley_config_value(c, "top-k"), "6");
    assert_null(medley_config_value(c, "top"));
    assert_null(medley_config_value(c, "top_k_"));
    medley_config_free(c);
}

static void test_texts_are_copied(void **state)
{
    (void)state;
    char key[] = "l2", value[] = "7", origin[] = "here";
    medley_config *c = train_config("ease");
    medley_report *r;
    set(c, key, value, MEDLEY_FROM_FLAG, origin);
    key[0] = value[0] = origin[0] = '#';
    assert_ok(medley_config_resolve(c, "train", &r, err));
    assert_setting(r, "l2", "7", "here");
    medley_report_free(r);
    medley_config_free(c);
}

static void test_what_is_no_setting_is_refused(void **state)
{
    (void)state;
    medley_config *c = new_config();
    assert_fails(medley_config_set(c, NULL, "1", MEDLEY_FROM_FLAG, NULL, err), MEDLEY_E_ARGUMENT,
                 "a key and a value");
    assert_fails(medley_config_set(c, "", "1", MEDLEY_FROM_FLAG, NULL, err), MEDLEY_E_ARGUMENT,
                 "a key and a value");
    assert_fails(medley_config_set(c, "k", NULL, MEDLEY_FROM_FLAG, NULL, err), MEDLEY_E_ARGUMENT,
                 "a key and a value");
    assert_fails(medley_config_set(c, "store", "caf\xe9", MEDLEY_FROM_FLAG, "--store", err), MEDLEY_E_CONFIG,
                 "--store: store: 'caf?' is not UTF-8");
    assert_fails(medley_config_set(c, "\xff", "1", MEDLEY_FROM_FLAG, NULL, err), MEDLEY_E_CONFIG,
                 "set: ?: '1' is not UTF-8");
    assert_null(medley_config_value(c, "store"));
    set(c, "store", "caf\xc3\xa9", MEDLEY_FROM_FLAG, "--store");
    medley_config_free(c);
}

static void test_a_value_is_the_last_of_default_file_environment_and_flag(void **state)
{
    (void)state;
    static const char *const want[][2] = {
        {"250", "default"},
        {"1", "FILE:2"},
        {"2", "MEDLEY_L2"},
        {"3", "--l2"},
    };
    for (int last = 0; last < 4; last++)
        for (int reversed = 0; reversed < 2; reversed++) { /* the order of the calls does not matter */
            medley_config *c = train_config("ease");
            medley_report *r;
            char origin[512];
            const char *path = yaml("exp.yaml", "# experiment\nl2: 1\n");
            snprintf(origin, sizeof origin, "%s:2", path);
            if (last >= 3 && reversed)
                set(c, "l2", "3", MEDLEY_FROM_FLAG, "--l2");
            if (last >= 1)
                assert_ok(medley_config_load(c, path, err));
            if (last >= 2)
                setenv("MEDLEY_L2", "2", 1);
            if (last >= 3 && !reversed)
                set(c, "l2", "3", MEDLEY_FROM_FLAG, "--l2");
            assert_ok(medley_config_resolve(c, "train", &r, err));
            assert_setting(r, "l2", want[last][0], last == 1 ? origin : want[last][1]);
            assert_setting(r, "seed", "0", "default");
            assert_setting(r, "store", "s", "--store");
            assert_int_equal(medley_report_rows(r, "settings"), 9);
            unsetenv("MEDLEY_L2");
            medley_report_free(r);
            medley_config_free(c);
        }
}

static void test_the_environment_may_name_everything(void **state)
{
    (void)state;
    medley_config *c = new_config();
    medley_report *r;
    setenv("MEDLEY_STORE", "s", 1);
    setenv("MEDLEY_SPLIT", "p", 1);
    setenv("MEDLEY_MODEL", "itemknn", 1);
    setenv("MEDLEY_RUN", "r", 1);
    setenv("MEDLEY_NEIGHBOURS", "7", 1);
    setenv("MEDLEY_L2", "of another model", 1);
    assert_ok(medley_config_resolve(c, "train", &r, err));
    assert_setting(r, "model", "itemknn", "MEDLEY_MODEL");
    assert_setting(r, "neighbours", "7", "MEDLEY_NEIGHBOURS");
    medley_report_free(r);
    medley_config_free(c);
    c = new_config();
    setenv("MEDLEY_NEIGHBOURS", "none", 1);
    assert_fails(medley_config_resolve(c, "train", &r, err), MEDLEY_E_CONFIG,
                 "MEDLEY_NEIGHBOURS: neighbours: 'none' is not a whole number; accepted: 1..100000");
    assert_null(r);
    medley_config_free(c);
    unsetenv("MEDLEY_STORE"), unsetenv("MEDLEY_SPLIT"), unsetenv("MEDLEY_MODEL"), unsetenv("MEDLEY_RUN");
    unsetenv("MEDLEY_NEIGHBOURS"), unsetenv("MEDLEY_L2");
}

/* Loads `content` as FILE and resolves train; the message, with FILE for its path. */
static void assert_refused(const char *content, const char *want)
{
    medley_config *c = train_config("ease");
    medley_report *r = NULL;
    medley_error err = {MEDLEY_OK, ""};
    char whole[1200];
    const char *path = yaml("exp.yaml", content);
    medley_status status = medley_config_load(c, path, &err);
    if (status == MEDLEY_OK)
        status = medley_config_resolve(c, "train", &r, &err);
    assert_null(r);
    assert_int_not_equal(status, MEDLEY_OK);
    snprintf(whole, sizeof whole, "%s%s", strncmp(want, ":", 1) == 0 ? path : "", want);
    if (strncmp(err.message, whole, strlen(whole)) != 0)
        fail_msg("'%s', expected '%s'", err.message, whole);
    medley_config_free(c);
}

static void test_a_refused_key_or_value_is_named_with_its_line(void **state)
{
    (void)state;
    assert_refused("seed: 1\nl3: 5\n", ":2: unknown key 'l3' (did you mean 'l2'?)");
    assert_refused("\n\nsede: 5\n", ":3: unknown key 'sede' (did you mean 'seed'?)");
    assert_refused("dropout: 0.5\n", ":1: unknown key 'dropout'; see medley help train");
    assert_refused("neighbours: 5\n",
                   ":1: unknown key 'neighbours'; see medley help train"); /* of another model */
    assert_refused("seed: 0\nl2: 0\n", ":2: l2: 0 is outside 0.001..1e+09");
    assert_refused("l2: [1, 2]\n", ":1: l2: '1,2' is not a number; accepted: 0.001..1e+09");
    assert_refused("force: yes\n", ":1: force: 'yes' is not a truth value; accepted: true|false");
    assert_refused("l2: 1\nseed: 2\nl2: 3\n", ":3: key 'l2' is given twice");
    assert_refused("l2:\n  a: 1\n", ":2: unknown key 'l2.a': 'l2' is one setting, not a group");
    assert_refused("l2:\n  - a: 1\n", ":2: 'l2' holds a list or a mapping; accepted: a list of scalars");
    assert_refused("l2: [[1]]\n", ":1: 'l2' holds a list or a mapping");
    assert_refused("l2: ['1,2']\n", ":1: item '1,2' of 'l2' holds a comma, which separates items");
    assert_refused("seed: 1\n'': 3\n", ":2: an empty key");
    assert_refused("\"a\\nb\": 3\n", ":1: unknown key 'a?b'");
}

static void test_a_key_spelt_in_two_ways_is_given_twice(void **state)
{
    (void)state;
    medley_config *c = new_config();
    char want[600];
    const char *path = yaml("exp.yaml", "top_k: 1\nrun: r\ntop-k: 2\n");
    snprintf(want, sizeof want, "%s:3: key 'top-k' is given twice", path);
    assert_fails(medley_config_load(c, path, err), MEDLEY_E_FORMAT, want);
    assert_null(medley_config_value(c, "run"));
    medley_config_free(c);
}

static void test_a_refused_file_leaves_the_config_as_it_was(void **state)
{
    (void)state;
    medley_config *c = new_config();
    set(c, "l2", "1", MEDLEY_FROM_YAML, "before");
    assert_fails(medley_config_load(c, yaml("exp.yaml", "l2: 2\nseed: 3\n'': 1\n"), err), MEDLEY_E_FORMAT,
                 "an empty key");
    assert_fails(medley_config_load(c, yaml("exp.yaml", "l2: 2\nseed: 3\nrun: [\n"), err), MEDLEY_E_FORMAT,
                 ":4: ");
    assert_fails(medley_config_load(c, test_path(folder, "absent.yaml"), err), MEDLEY_E_NOT_FOUND, "absent.yaml");
    assert_fails(medley_config_load(c, folder, err), MEDLEY_E_IO, folder);
    assert_fails(medley_config_load(c, NULL, err), MEDLEY_E_ARGUMENT, "path: NULL");
    assert_string_equal(medley_config_value(c, "l2"), "1");
    assert_null(medley_config_value(c, "seed"));
    medley_config_free(c);
}

static void test_huge_files_are_refused(void **state)
{
    (void)state;
    medley_config *c = new_config();
    text t = {.rt = rt};
    for (int i = 0; i < 1001; i++)
        text_format(&t, "key%d: 1\n", i);
    assert_fails(medley_config_load(c, yaml("many.yaml", t.bytes), err), MEDLEY_E_FORMAT,
                 "many.yaml:1001: more than 1000 keys");
    t.length = 0;
    for (int i = 0; i < 40000; i++)
        text_add(&t, "# a comment of 32 bytes in all\n\n");
    assert_fails(medley_config_load(c, yaml("large.yaml", t.bytes), err), MEDLEY_E_FORMAT,
                 "large.yaml: no configuration");
    text_release(&t);
    medley_config_free(c);
}

static void test_a_missing_setting_is_named_and_a_misspelt_one_too(void **state)
{
    (void)state;
    medley_report *r;
    medley_config *c = new_config();
    assert_fails(medley_config_resolve(c, "train", &r, err), MEDLEY_E_CONFIG,
                 "train: store is missing: the store to learn from");
    set(c, "stroe", "s", MEDLEY_FROM_YAML, "exp.yaml:3");
    assert_fails(medley_config_resolve(c, "train", &r, err), MEDLEY_E_CONFIG,
                 "exp.yaml:3: unknown key 'stroe' (did you mean 'store'?)");
    medley_config_free(c);
    c = train_config("eas");
    assert_fails(medley_config_resolve(c, "train", &r, err), MEDLEY_E_CONFIG,
                 "model: unknown 'eas' (did you mean 'ease'?)");
    assert_fails(medley_config_resolve(c, "trian", &r, err), MEDLEY_E_ARGUMENT, "'trian' is no operation");
    assert_fails(medley_config_resolve(c, NULL, &r, err), MEDLEY_E_ARGUMENT, "is no operation");
    assert_null(r);
    medley_config_free(c);
}

static void test_every_setting_of_every_operation_is_shown(void **state)
{
    (void)state;
    medley_entry operation;
    for (int64_t i = 0; medley_registry_entry("operations", i, &operation); i++) {
        static const char *const members[][2] = {{"format", "delimited"},
                                                 {"strategy", "random"},
                                                 {"model", "itemknn"},
                                                 {"search", "tpe"},
                                                 {"encoder", "tfidf"}};
        medley_config *c = new_config();
        medley_report *r;
        int64_t rows = 0;
        const medley_param *extra = NULL;
        for (const medley_param *p = operation.params; p->kind != MEDLEY_PARAM_END; p++, rows++) {
            const char *value = "ml-1m"; /* any text; for fetch, a set */
            for (size_t m = 0; m < sizeof members / sizeof *members; m++)
                if (p->kind == MEDLEY_PARAM_TEXT && strcmp(members[m][0], p->name) == 0) {
                    medley_entry member;
                    static const char *const kinds[] = {"formats", "strategies", "models", "searches", "encoders"};
                    const char *kind = kinds[m];
                    value = members[m][1];
                    assert_ok(medley_registry_find(kind, value, &member, err));
                    extra = member.params;
                }
            if (p->flags & MEDLEY_PARAM_REQUIRED)
                set(c, p->name, value, MEDLEY_FROM_FLAG, NULL);
        }
        for (const medley_param *p = extra; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
            rows++;
        assert_ok(medley_config_resolve(c, operation.name, &r, err));
        assert_int_equal(medley_report_rows(r, "settings"), rows);
        for (int64_t row = 0; row < rows; row++)
            assert_non_null(medley_report_text(r, "settings", row, "value"));
        medley_report_free(r);
        medley_config_free(c);
    }
}

/* Loads `content` as FILE and resolves an operation; the message, with FILE for its path. */
static void assert_refused_by(const char *operation, const char *content, const char *want)
{
    medley_config *c = new_config();
    medley_report *r = NULL;
    medley_error got = {MEDLEY_OK, ""};
    char whole[1200];
    const char *path = yaml("exp.yaml", content);
    assert_ok(medley_config_load(c, path, err));
    assert_int_equal(medley_config_resolve(c, operation, &r, &got), MEDLEY_E_CONFIG);
    snprintf(whole, sizeof whole, "%s%s", want[0] == ':' ? path : "", want);
    if (strncmp(got.message, whole, strlen(whole)) != 0)
        fail_msg("'%s', expected '%s'", got.message, whole);
    medley_config_free(c);
}

static void test_nested_mappings_are_keys_with_dots(void **state)
{
    (void)state;
    medley_config *c = new_config();
    assert_ok(
        medley_config_load(c,
                           yaml("exp.yaml", "models:\n  ease: {l2: [1, 2]}\n  popularity: {}\n  itemknn: default\n"
                                            "sweep: {trials: 3}\nempty:\n"),
                           err));
    assert_string_equal(medley_config_value(c, "models.ease.l2"), "1,2");
    assert_string_equal(medley_config_value(c, "models.popularity"), "");
    assert_string_equal(medley_config_value(c, "models.itemknn"), "default");
    assert_string_equal(medley_config_value(c, "sweep.trials"), "3");
    assert_string_equal(medley_config_value(c, "empty"), "");
    assert_null(medley_config_value(c, "models"));
    assert_null(medley_config_value(c, "models.ease"));
    assert_fails(medley_config_load(c, yaml("exp.yaml", "a: {b: 1}\na.b: 2\n"), err), MEDLEY_E_FORMAT,
                 ":2: key 'a.b' is given twice");
    assert_fails(medley_config_load(c, yaml("exp.yaml", "a: {'': 1}\n"), err), MEDLEY_E_FORMAT,
                 ":1: an empty key");
    medley_config_free(c);
}

#define SWEEP "store: s\nsplit: p\nout: o\n"
#define EXPERIMENT "out: o\nmodels: [ease]\n"

static void test_a_key_is_refused_at_any_depth_with_its_line_and_the_nearest(void **state)
{
    (void)state;
    assert_refused_by("sweep", SWEEP "models:\n  eas: {}\n", ":5: models: unknown 'eas' (did you mean 'ease'?)");
    assert_refused_by("sweep", SWEEP "models:\n  ease:\n    l3: 5\n",
                      ":6: unknown key 'models.ease.l3' (did you mean 'models.ease.l2'?)");
    assert_refused_by("sweep", SWEEP "models:\n  ease:\n    dropout: 5\n",
                      ":6: unknown key 'models.ease.dropout'; see medley help model");
    assert_refused_by("sweep", SWEEP "models:\n  ease:\n    l2: [1, x]\n", ":6: l2: 'x' is not a number");
    assert_refused_by("sweep", SWEEP "models:\n  ease:\n    l2: log:0..5\n", ":6: l2: 0 is outside");
    assert_refused_by("sweep", SWEEP "models:\n  ease: 50\n",
                      ":5: models.ease: '50' is no search space; accepted: default, or a mapping");
    assert_refused_by("sweep", SWEEP "modles:\n  ease: {}\n",
                      ":5: unknown key 'modles.ease' (did you mean 'models.ease'?)");
    assert_refused_by("sweep", SWEEP "modles:\n  ease: {l2: 5}\n",
                      ":5: unknown key 'modles.ease.l2' (did you mean 'models.ease.l2'?)");
    assert_refused_by("sweep", SWEEP "search: tpe\ngrid_points: 3\n", ":5: unknown key 'grid_points'");
    assert_refused_by("sweep", "store: {path: s}\nsplit: p\nout: o\n",
                      ":1: unknown key 'store.path': 'store' is one setting, not a group");
    assert_refused_by("experiment", EXPERIMENT "prepare: [movielens, raw]\n",
                      ":3: 'prepare' is a group of settings; accepted: a mapping");
    assert_refused_by("experiment", EXPERIMENT "sweep: tpe\n",
                      ":3: 'sweep' is a group of settings; accepted: a mapping");
    assert_refused_by("sweep", SWEEP "search: tree\n", ":4: search: unknown 'tree' (did you mean");
    assert_refused_by("experiment", EXPERIMENT "prepare:\n  format: delimited\n  inptu: x\n",
                      ":5: unknown key 'prepare.inptu' (did you mean 'prepare.input'?)");
    assert_refused_by("experiment", EXPERIMENT "prepare:\n  format: delimited\n",
                      "prepare: prepare.input is missing: folder or file to read");
    assert_refused_by("experiment", EXPERIMENT "prepare:\n  format: delimited\n  input: x\n  quotes: 5\n",
                      ":6: quotes: '5' is not a truth value");
    assert_refused_by("experiment", EXPERIMENT "prepare:\n  store: s\n",
                      ":4: 'prepare.store' is not accepted here: it follows from other settings");
    assert_refused_by("experiment", EXPERIMENT "split:\n  name: n\n  strategy: randon\n",
                      ":5: strategy: unknown 'randon' (did you mean 'random'?)");
    assert_refused_by("experiment", EXPERIMENT "sweep:\n  trials: 0\n", ":4: trials: 0 is outside 1..100000");
    assert_refused_by("experiment", EXPERIMENT "sweep:\n  models: [a]\n", ":4: 'sweep.models' is not accepted");
    assert_refused_by("experiment", EXPERIMENT "evaluate:\n  cutofs: [5]\n",
                      ":4: unknown key 'evaluate.cutofs' (did you mean 'evaluate.cutoffs'?)");
}

static void test_an_empty_group_says_nothing(void **state)
{
    (void)state;
    medley_config *c = new_config();
    medley_report *r;
    assert_ok(medley_config_load(c, yaml("exp.yaml", EXPERIMENT "prepare: {}\nsweep:\n"), err));
    assert_ok(medley_config_resolve(c, "experiment", &r, err));
    medley_report_free(r);
    medley_config_free(c);
}

static void test_groups_are_shown_and_written_so_that_they_can_be_read_again(void **state)
{
    (void)state;
    extern const operation_class operation_experiment;
    medley_config *c = new_config(), *back = new_config();
    medley_report *r;
    bound_settings s;
    text t = {.rt = rt};
    setenv("MEDLEY_SPLIT_SEED", "9", 1);
    assert_ok(medley_config_load(
        c,
        yaml("exp.yaml",
             "out: o\nmodels:\n  ease: {l2: 1..5}\n  popularity: {}\nsplit: {name: n, strategy: random}\n"),
        err));
    assert_ok(medley_config_set(c, "sweep.trials", "7", MEDLEY_FROM_FLAG, "--set", err));
    assert_ok(medley_config_resolve(c, "experiment", &r, err));
    assert_setting(r, "sweep.trials", "7", "--set");
    assert_setting(r, "sweep.search", "tpe", "default");
    assert_setting(r, "split.seed", "9", "MEDLEY_SPLIT_SEED");
    char origin[600];
    snprintf(origin, sizeof origin, "%s:3", test_path(folder, "exp.yaml"));
    assert_setting(r, "models.ease.l2", "1..5", origin);
    medley_report_free(r);
    assert_ok(settings_bind(c, &operation_experiment, &s, err));
    assert_ok(settings_yaml(&s, &t, err));
    assert_ok(medley_config_load(back, yaml("again.yaml", t.bytes), err));
    unsetenv("MEDLEY_SPLIT_SEED");
    assert_ok(medley_config_resolve(back, "experiment", &r, err));
    medley_report_free(r);
    assert_string_equal(medley_config_value(back, "split.seed"), "9");
    assert_string_equal(medley_config_value(back, "models.ease.l2"), "1..5");
    assert_string_equal(medley_config_value(back, "models.popularity"), "");
    text_release(&t);
    settings_release(&s);
    medley_config_free(back);
    medley_config_free(c);
}

static void test_a_long_text_is_shown_in_full(void **state)
{
    (void)state;
    char longest[9001];
    memset(longest, 'u', 9000);
    longest[9000] = '\0';
    medley_config *c = new_config();
    medley_report *r;
    set(c, "run", "r", MEDLEY_FROM_FLAG, NULL);
    set(c, "users", longest, MEDLEY_FROM_FLAG, NULL);
    assert_ok(medley_config_resolve(c, "recommend", &r, err));
    assert_setting(r, "users", longest, "set");
    medley_report_free(r);
    medley_config_free(c);
}

static medley_status compare(void *context, const char *key, const char *value, int line, medley_error *err)
{
    medley_config *c = context;
    (void)line;
    return medley_config_set(c, key, value, MEDLEY_FROM_YAML, "again", err);
}

static void test_written_settings_are_read_back_whatever_their_origin(void **state)
{
    (void)state;
    static const char *const origins[] = {
        "a\nb: c.yaml:1", "caf\xc3\xa9.yaml:1", "caf\xe9.yaml:1", "\xe2\x80\xa8:1", "\xc2\x85", "#", "\x1b[0m"};
    static const char *const values[] = {"plain", "with: colon", "# hash",      "line\nend", "\xc3\xa9", "'",
                                         "",      "- x",         "\xe2\x80\xa8"};
    extern const operation_class operation_train;
    for (size_t o = 0; o < sizeof origins / sizeof *origins; o++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            medley_config *c = train_config("ease"), *back = new_config();
            bound_settings s;
            text t = {.rt = rt};
            set(c, "run", values[v], MEDLEY_FROM_FLAG, origins[o]);
            set(c, "l2", "0.1", MEDLEY_FROM_YAML, "caf\xc3\xa9.yaml:1");
            assert_ok(settings_bind(c, &operation_train, &s, err));
            assert_ok(settings_yaml(&s, &t, err));
            assert_non_null(strstr(t.bytes, "l2: 0.1  # caf\xc3\xa9.yaml:1\n"));
            assert_ok(yaml_read(rt, "config.yaml", t.bytes, (size_t)t.length, compare, back, err));
            assert_string_equal(medley_config_value(back, "run"), values[v]);
            assert_string_equal(medley_config_value(back, "l2"), "0.1");
            assert_string_equal(medley_config_value(back, "seed"), "0");
            text_release(&t);
            settings_release(&s);
            medley_config_free(back);
            medley_config_free(c);
        }
}

static void test_success_clears_the_message(void **state)
{
    (void)state;
    medley_error err = {MEDLEY_E_IO, "old"};
    medley_config *c = NULL;
    medley_report *r;
#define CLEARS(call)                          \
    err = (medley_error){MEDLEY_E_IO, "old"}; \
    assert_int_equal(call, MEDLEY_OK);        \
    assert_int_equal(err.status, MEDLEY_OK);  \
    assert_string_equal(err.message, "");
    CLEARS(medley_config_create(rt, &c, &err));
    medley_config_free(c);
    c = train_config("ease");
    CLEARS(medley_config_set(c, "l2", "1", MEDLEY_FROM_FLAG, NULL, &err));
    CLEARS(medley_config_load(c, yaml("e.yaml", "seed: 1\n"), &err));
    CLEARS(medley_config_resolve(c, "train", &r, &err));
    medley_report_free(r);
    medley_config_free(c);
}

static medley_status walk_groups(medley_error *err)
{
    medley_config *c = NULL;
    medley_report *r = NULL;
    medley_status status;
    TRY_DONE(medley_config_create(rt, &c, err));
    TRY_DONE(medley_config_load(c, test_path(folder, "groups.yaml"), err));
    status = medley_config_resolve(c, "experiment", &r, err);
done:
    medley_report_free(r);
    medley_config_free(c);
    return status;
}

static medley_status walk(medley_error *err)
{
    medley_config *c = NULL;
    medley_report *r = NULL;
    medley_status status;
    TRY_DONE(medley_config_create(rt, &c, err));
    TRY_DONE(medley_config_load(c, test_path(folder, "walk.yaml"), err));
    if (medley_config_value(c, "store") == NULL)
        fail_msg("a loaded file has no store");
    TRY_DONE(medley_config_set(c, "model", "itemknn", MEDLEY_FROM_FLAG, "--model", err));
    status = medley_config_resolve(c, "train", &r, err);
done:
    assert_int_equal(r != NULL, status == MEDLEY_OK);
    medley_report_free(r);
    medley_config_free(c);
    return status;
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    yaml(
        "walk.yaml",
        "store: s\nsplit: p\nrun: r\nseed: 3\nneighbours: 5\nshrinkage: 2\nfeedback: rating\nforce: true\nmodel: ease\n");
    BRUTAL(rt, &memory, walk(err), (void)0);
    yaml("groups.yaml", "out: o\nmodels: {ease: {l2: [1, 2]}, slim: default}\nsplit: {name: n, strategy: random}\n"
                        "sweep: {trials: 2}\n");
    BRUTAL(rt, &memory, walk_groups(err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_later_setting_of_no_lower_rank_wins),
        cmocka_unit_test(test_dashes_and_underscores_are_the_same_in_keys),
        cmocka_unit_test(test_texts_are_copied),
        cmocka_unit_test(test_what_is_no_setting_is_refused),
        cmocka_unit_test(test_a_value_is_the_last_of_default_file_environment_and_flag),
        cmocka_unit_test(test_the_environment_may_name_everything),
        cmocka_unit_test(test_a_refused_key_or_value_is_named_with_its_line),
        cmocka_unit_test(test_a_key_spelt_in_two_ways_is_given_twice),
        cmocka_unit_test(test_a_refused_file_leaves_the_config_as_it_was),
        cmocka_unit_test(test_huge_files_are_refused),
        cmocka_unit_test(test_a_missing_setting_is_named_and_a_misspelt_one_too),
        cmocka_unit_test(test_every_setting_of_every_operation_is_shown),
        cmocka_unit_test(test_nested_mappings_are_keys_with_dots),
        cmocka_unit_test(test_a_key_is_refused_at_any_depth_with_its_line_and_the_nearest),
        cmocka_unit_test(test_an_empty_group_says_nothing),
        cmocka_unit_test(test_groups_are_shown_and_written_so_that_they_can_be_read_again),
        cmocka_unit_test(test_a_long_text_is_shown_in_full),
        cmocka_unit_test(test_written_settings_are_read_back_whatever_their_origin),
        cmocka_unit_test(test_success_clears_the_message),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, start, tear_down);
}
