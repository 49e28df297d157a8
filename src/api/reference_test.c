#include "testing.h"

#include <string.h>

#include <medley/registry.h>

#include "api/operation.h"
#include "io/json.h"
#include "io/yaml.h"

#include "fixture.h"

static char *page(const char *kind, const char *name, medley_reference_form form)
{
    char *got = NULL;
    assert_ok(medley_reference(rt, kind, name, form, &got, err));
    return got;
}

/* Calls `check` for every member of every kind with its page. */
static void each_page(medley_reference_form form,
                      void (*check)(const char *kind, const medley_entry *e, const char *got))
{
    medley_entry kind, entry;
    for (int64_t k = 0; medley_registry_entry(NULL, k, &kind); k++)
        for (int64_t i = 0; medley_registry_entry(kind.name, i, &entry); i++) {
            char *got = page(kind.name, entry.name, form);
            check(kind.name, &entry, got);
            medley_text_free(got);
        }
}

static void check_help(const char *kind, const medley_entry *e, const char *got)
{
    size_t widest = 0;
    (void)kind;
    assert_memory_equal(got, e->name, strlen(e->name));
    assert_non_null(strstr(got, e->summary));
    for (const medley_param *p = e->params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char flag[80] = "  --";
        size_t at = 4;
        for (const char *c = p->name; *c != '\0'; c++)
            flag[at++] = *c == '_' ? '-' : *c;
        flag[at++] = ' ';
        flag[at] = '\0';
        assert_non_null(strstr(got, flag));
        assert_non_null(strstr(got, p->help));
    }
    const char *settings = strstr(got, "\nSettings (");
    assert_int_equal(settings != NULL, e->params != NULL && e->params->kind != MEDLEY_PARAM_END);
    const char *end = settings != NULL ? settings : got + strlen(got);
    for (const char *line = got; line < end; line += strcspn(line, "\n") + 1) {
        const size_t width = strcspn(line, "\n");
        assert_true(width == 0 || line[width - 1] != ' '); /* no blanks at a line's end */
        if (line != got && width > widest)
            widest = width;
    }
    assert_true(widest <= 90);
}

static void test_help_names_every_setting(void **state)
{
    (void)state;
    each_page(MEDLEY_REFERENCE_HELP, check_help);
    char *got = page("models", "ease", MEDLEY_REFERENCE_HELP);
    assert_non_null(
        strstr(got, "  --l2                       0.001..1e+09, 250\n      squared penalty on the weights"));
    medley_text_free(got);
}

static const setting_group *groups_of(const char *kind, const char *name)
{
    static const setting_group none[] = {{.name = NULL}};
    for (int i = 0; strcmp(kind, "operations") == 0 && operation_classes[i] != NULL; i++)
        if (strcmp(operation_classes[i]->name, name) == 0 && operation_classes[i]->groups != NULL)
            return operation_classes[i]->groups;
    return none;
}

/* Every line of a table has the same number of bare '|': that of the settings, and that of the groups behind it. */
static void check_markdown(const char *kind, const medley_entry *e, const char *got)
{
    char title[128];
    int64_t rows = 0, wanted = 0, groups = 0;
    snprintf(title, sizeof title, "# %s (%s)\n\n", e->name, kind);
    assert_memory_equal(got, title, strlen(title));
    for (const char *line = got; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const size_t length = strcspn(line, "\n");
        int bars = 0;
        if (line[0] != '|')
            continue;
        for (size_t i = 0; i < length; i++)
            bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
        if (groups == 0 && strncmp(line, "| group |", 9) == 0)
            groups = 1;
        if (bars != (groups > 0 ? 4 : 6))
            fail_msg("%s %s: %.*s", kind, e->name, (int)length, line);
        rows += groups == 0;
        groups += groups > 0;
    }
    for (const setting_group *g = groups_of(kind, e->name); g->name != NULL; g++)
        groups--;
    assert_int_equal(groups, groups_of(kind, e->name)->name != NULL ? 3 : 0);
    for (const medley_param *p = e->params; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
        wanted++;
    assert_int_equal(rows, wanted > 0 ? wanted + 2 : 0);
    assert_int_equal(got[strlen(got) - 1], '\n');
}

static void test_markdown_has_a_table_of_the_settings(void **state)
{
    (void)state;
    each_page(MEDLEY_REFERENCE_MARKDOWN, check_markdown);
    char *got = page("models", "itemknn", MEDLEY_REFERENCE_MARKDOWN);
    assert_non_null(strstr(got, "| `feedback` | binary\\|rating | binary | binary,rating | "));
    medley_text_free(got);
}

static json *parsed(const char *kind, const char *name)
{
    char *got = page(kind, name, MEDLEY_REFERENCE_SCHEMA);
    json *root;
    assert_ok(json_parse(name, got, strlen(got), &root, err));
    medley_text_free(got);
    return root;
}

static void check_row(const json *properties, const medley_param *p)
{
    static const char *const types[] = {
        [MEDLEY_PARAM_INT] = "integer", [MEDLEY_PARAM_REAL] = "number", [MEDLEY_PARAM_BOOL] = "boolean",
        [MEDLEY_PARAM_ENUM] = "string", [MEDLEY_PARAM_TEXT] = "string",
    };
    const json *row = json_member(properties, p->name);
    int64_t integer;
    double real;
    bool truth;
    assert_non_null(row);
    if (json_member(row, "anyOf") != NULL) /* or a group of that name */
        row = json_at(json_member(row, "anyOf"), 0, NULL);
    assert_string_equal(json_text(row, "type"), types[p->kind]);
    assert_string_equal(json_text(row, "description"), p->help);
    assert_int_equal(json_member(row, "default") != NULL, p->preset != NULL);
    assert_int_equal(json_count(json_member(row, "enum")) > 0, p->kind == MEDLEY_PARAM_ENUM);
    if (p->kind == MEDLEY_PARAM_INT || p->kind == MEDLEY_PARAM_REAL) {
        assert_true(json_real(row, "minimum", &real) && real == p->min);
        assert_true(json_real(row, "maximum", &real) && real == p->max);
    }
    if (p->preset == NULL)
        return;
    if (p->kind == MEDLEY_PARAM_INT)
        assert_true(json_int(row, "default", &integer) && (double)integer >= p->min);
    else if (p->kind == MEDLEY_PARAM_REAL)
        assert_true(json_real(row, "default", &real));
    else if (p->kind == MEDLEY_PARAM_BOOL)
        assert_true(json_bool(row, "default", &truth) && truth == (p->preset[0] == 't'));
    else
        assert_string_equal(json_text(row, "default"), p->preset);
}

static void check_schema(const char *kind, const medley_entry *e, const char *got)
{
    int64_t rows = 0, required = 0;
    json *root = parsed(kind, e->name);
    (void)got;
    assert_string_equal(json_text(root, "$schema"), "https://json-schema.org/draft/2020-12/schema");
    assert_string_equal(json_text(root, "title"), e->name);
    assert_string_equal(json_text(root, "type"), "object");
    const json *properties = json_member(root, "properties");
    assert_true(json_is_object(properties));
    for (const medley_param *p = e->params; p != NULL && p->kind != MEDLEY_PARAM_END; p++, rows++) {
        check_row(properties, p);
        if ((p->flags & MEDLEY_PARAM_REQUIRED) != 0)
            assert_string_equal(json_as_text(json_at(json_member(root, "required"), required++, NULL)), p->name);
    }
    for (const setting_group *g = groups_of(kind, e->name); g->name != NULL; g++)
        rows += medley_param_find(e->params, g->name) == NULL;
    assert_int_equal(json_count(properties), rows);
    assert_int_equal(json_count(json_member(root, "required")), required);
    json_free(root);
}

static void test_groups_of_settings_are_in_every_form(void **state)
{
    (void)state;
    char *got = page("operations", "experiment", MEDLEY_REFERENCE_HELP);
    assert_non_null(strstr(got, "\n  prepare: settings of prepare, but store append force\n"));
    assert_non_null(strstr(got, "\n  models: a mapping a member of models"));
    medley_text_free(got);
    got = page("operations", "experiment", MEDLEY_REFERENCE_MARKDOWN);
    assert_non_null(strstr(got, "| `split` | settings of split, but store folds force | how it is split |\n"));
    medley_text_free(got);
    json *root = parsed("operations", "experiment");
    const json *properties = json_member(root, "properties");
    const json *split = json_member(json_member(properties, "split"), "properties");
    assert_string_equal(json_text(json_member(split, "seed"), "type"), "integer");
    const json *models =
        json_member(json_at(json_member(json_member(properties, "models"), "anyOf"), 1, NULL), "properties");
    assert_non_null(json_member(json_member(json_member(models, "ease"), "properties"), "l2"));
    json_free(root);
}

static void test_the_schema_has_the_types_and_ranges_of_the_table(void **state)
{
    (void)state;
    each_page(MEDLEY_REFERENCE_SCHEMA, check_schema);
}

static void test_the_schema_of_an_operation_has_the_settings_of_its_members(void **state)
{
    (void)state;
    static const char *const operations[][3] = {
        {"train", "models", "model"}, {"prepare", "formats", "format"}, {"split", "strategies", "strategy"}};
    for (size_t o = 0; o < 3; o++) {
        json *root = parsed("operations", operations[o][0]);
        const json *alternatives = json_member(root, "oneOf");
        medley_entry member;
        bool open = true;
        int64_t count = 0;
        assert_true(json_bool(root, "unevaluatedProperties", &open) && !open);
        assert_null(json_member(root, "additionalProperties")); /* would refuse the members' settings */
        for (; medley_registry_entry(operations[o][1], count, &member); count++) {
            const json *properties = json_member(json_at(alternatives, count, NULL), "properties");
            int64_t rows = 1;
            assert_string_equal(json_text(json_member(properties, operations[o][2]), "const"), member.name);
            for (const medley_param *p = member.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++, rows++)
                check_row(properties, p);
            assert_int_equal(json_count(properties), rows);
        }
        assert_int_equal(json_count(alternatives), count);
        json_free(root);
    }
    json *root = parsed("models", "ease");
    bool open = true;
    assert_true(json_bool(root, "additionalProperties", &open) && !open);
    assert_null(json_member(root, "oneOf"));
    json_free(root);
}

static int64_t swept;

static medley_status note_sweep(void *context, const char *key, const char *value, int line, medley_error *err)
{
    const medley_entry *e = context;
    const medley_param *p = medley_param_find(e->params, key);
    (void)line;
    (void)err;
    assert_non_null(p);
    assert_string_equal(value, p->sweep); /* a list comes joined by commas */
    swept++;
    return MEDLEY_OK;
}

static void check_sweep(const char *kind, const medley_entry *e, const char *got)
{
    medley_entry copy = *e;
    int64_t want = 0;
    (void)kind;
    swept = 0;
    assert_ok(yaml_read(rt, e->name, got, strlen(got), note_sweep, &copy, err));
    for (const medley_param *p = e->params; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
        want += p->sweep != NULL;
    assert_int_equal(swept, want);
}

static void test_the_search_space_is_yaml(void **state)
{
    (void)state;
    each_page(MEDLEY_REFERENCE_SWEEP, check_sweep);
    char *got = page("models", "itemknn", MEDLEY_REFERENCE_SWEEP);
    assert_non_null(strstr(got, "neighbours: [20,50,100,200,400]\n"));
    medley_text_free(got);
}

static void test_what_does_not_exist_is_refused(void **state)
{
    (void)state;
    char *got = (char *)&memory;
    assert_fails(medley_reference(rt, "models", "eaze", MEDLEY_REFERENCE_HELP, &got, err), MEDLEY_E_NOT_FOUND,
                 "unknown 'eaze' (did you mean 'ease'?)");
    assert_null(got);
    assert_fails(medley_reference(rt, "x", "ease", MEDLEY_REFERENCE_HELP, &got, err), MEDLEY_E_NOT_FOUND,
                 "'x' is no kind");
    assert_fails(medley_reference(rt, NULL, NULL, MEDLEY_REFERENCE_HELP, &got, err), MEDLEY_E_ARGUMENT,
                 "a kind and a name");
    assert_fails(medley_reference(rt, "models", "ease", (medley_reference_form)4, &got, err), MEDLEY_E_ARGUMENT,
                 "form: 4 is no form of a reference");
    assert_null(got);
    medley_text_free(NULL);
    medley_error err = {MEDLEY_E_IO, "old"};
    assert_int_equal(medley_reference(rt, "models", "ease", MEDLEY_REFERENCE_HELP, &got, &err), MEDLEY_OK);
    assert_string_equal(err.message, "");
    medley_text_free(got);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    char *got;
    for (int form = 0; form < 4; form++)
        BRUTAL(rt, &memory, medley_reference(rt, "operations", "train", (medley_reference_form)form, &got, err),
               medley_text_free(got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_names_every_setting),
        cmocka_unit_test(test_markdown_has_a_table_of_the_settings),
        cmocka_unit_test(test_the_schema_has_the_types_and_ranges_of_the_table),
        cmocka_unit_test(test_groups_of_settings_are_in_every_form),
        cmocka_unit_test(test_the_schema_of_an_operation_has_the_settings_of_its_members),
        cmocka_unit_test(test_the_search_space_is_yaml),
        cmocka_unit_test(test_what_does_not_exist_is_refused),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
