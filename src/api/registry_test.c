#include "testing.h"

#include <string.h>

#include "api/operation.h"

#include "fixture.h"

/* Calls `check` for every member of every kind; returns how many. */
static int64_t each_member(void (*check)(const char *kind, const registry_member *member))
{
    medley_entry kind, entry;
    registry_member member;
    int64_t count = 0;
    for (int64_t k = 0; medley_registry_entry(NULL, k, &kind); k++)
        for (int64_t i = 0; medley_registry_entry(kind.name, i, &entry); i++, count++) {
            assert_ok(registry_find(kind.name, entry.name, &member, err));
            assert_int_equal(member.index, i);
            check(kind.name, &member);
        }
    return count;
}

static void test_the_kinds_are_those_of_the_header(void **state)
{
    (void)state;
    static const char *const want[] = {"operations", "formats", "strategies", "models", "encoders",
                                       "tasks",      "metrics", "searches",   "sets"};
    medley_entry kind, entry;
    int64_t k = 0;
    for (; medley_registry_entry(NULL, k, &kind); k++) {
        assert_string_equal(kind.name, want[k]);
        assert_null(kind.params);
        assert_true(medley_registry_entry(kind.name, 0, &entry)); /* none is empty */
    }
    assert_int_equal(k, sizeof want / sizeof *want);
}

static void test_what_is_not_there_is_not_found(void **state)
{
    (void)state;
    medley_entry e;
    memset(&e, 0xff, sizeof e);
    assert_false(medley_registry_entry("models", -1, &e));
    assert_null(e.name);
    assert_false(medley_registry_entry("models", INT64_MAX, &e));
    assert_false(medley_registry_entry("model", 0, &e));
    assert_false(medley_registry_entry(NULL, 99, &e));
    assert_fails(medley_registry_find("models", "eaze", &e, err), MEDLEY_E_NOT_FOUND,
                 "unknown 'eaze' (did you mean 'ease'?); see medley list models");
    assert_null(e.name);
    assert_fails(medley_registry_find("models", "transformer", &e, err), MEDLEY_E_NOT_FOUND,
                 "unknown 'transformer'; see medley list models");
    assert_fails(medley_registry_find("model", "ease", &e, err), MEDLEY_E_NOT_FOUND, "'model' is no kind");
    assert_fails(medley_registry_find(NULL, "ease", &e, err), MEDLEY_E_ARGUMENT, "a kind and a name");
    assert_fails(medley_registry_find("models", NULL, &e, err), MEDLEY_E_ARGUMENT, "a kind and a name");
    assert_ok(medley_registry_find("models", "ease", &e, err));
    assert_string_equal(e.name, "ease");
}

static bool is_word(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* One phrase: lower case unless it is a name, no final stop, one line. */
static bool is_phrase(const char *s)
{
    return s != NULL && s[0] != '\0' && strchr(s, '\n') == NULL && s[strlen(s) - 1] != '.' && strlen(s) < 200;
}

static void check_words(const char *kind, const registry_member *m)
{
    const bool as_published = strcmp(kind, "sets") == 0 || strcmp(kind, "encoders") == 0;
    const bool is_named = as_published || is_word(m->entry.name);
    if (!is_named || !is_phrase(m->entry.summary) || m->entry.details == NULL)
        fail_msg("%s %s: name, summary or details", kind, m->entry.name);
    for (const medley_param *p = m->entry.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        if (!is_word(p->name) || !is_phrase(p->help))
            fail_msg("%s %s: name or help of %s", kind, m->entry.name, p->name);
        for (const medley_param *q = m->entry.params; q != p; q++)
            assert_string_not_equal(p->name, q->name);
    }
}

static void test_every_member_is_described(void **state)
{
    (void)state;
    assert_true(each_member(check_words) > 20);
}

/* A default is missing exactly where a value is required, is accepted, and comes back as it was written. */
static void check_defaults(const char *kind, const registry_member *m)
{
    char values[1024], shown[256];
    assert_true(m->params_size <= sizeof values);
    for (const medley_param *p = m->entry.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        medley_error err = {MEDLEY_OK, ""};
        if ((p->preset == NULL) != ((p->flags & MEDLEY_PARAM_REQUIRED) != 0))
            fail_msg("%s %s: %s has a default or is required", kind, m->entry.name, p->name);
        if (p->preset == NULL)
            continue;
        if (medley_param_set(p, values, p->preset, &err) != MEDLEY_OK)
            fail_msg("%s %s: the default of %s: %s", kind, m->entry.name, p->name, err.message);
        medley_param_format(p, values, shown, sizeof shown);
        assert_string_equal(shown, p->preset);
        assert_true(p->kind != MEDLEY_PARAM_INT || (p->min <= p->max && p->max <= 9007199254740992.0));
        assert_true(p->kind != MEDLEY_PARAM_REAL || p->min <= p->max);
    }
    /* The whole struct is reset without a byte behind it. */
    memset(values, 0x5a, sizeof values);
    medley_params_reset(m->entry.params, values);
    for (size_t at = m->params_size; at < sizeof values; at++)
        assert_int_equal(values[at], 0x5a);
}

static void test_every_default_is_accepted(void **state)
{
    (void)state;
    assert_true(each_member(check_defaults) > 20);
}

static int64_t sweeps;

static void accept(const registry_member *m, const medley_param *p, const char *value, size_t length)
{
    char values[1024], word[64];
    medley_error err = {MEDLEY_OK, ""};
    snprintf(word, sizeof word, "%.*s", (int)length, value);
    if (length == 0 || length >= sizeof word || medley_param_set(p, values, word, &err) != MEDLEY_OK)
        fail_msg("%s: sweep of %s: '%s' %s", m->entry.name, p->name, word, err.message);
}

/* "a,b,c", or "log:low..high" with 0 < low < high. */
static void check_sweep(const char *kind, const registry_member *m)
{
    (void)kind;
    for (const medley_param *p = m->entry.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        if (p->sweep == NULL)
            continue;
        sweeps++;
        if (strncmp(p->sweep, "log:", 4) != 0) {
            for (const char *at = p->sweep;; at += strcspn(at, ",") + 1) {
                accept(m, p, at, strcspn(at, ","));
                if (at[strcspn(at, ",")] == '\0')
                    break;
            }
            continue;
        }
        const char *low = p->sweep + 4, *dots = strstr(low, "..");
        double from, to;
        assert_non_null(dots);
        accept(m, p, low, (size_t)(dots - low));
        accept(m, p, dots + 2, strlen(dots + 2));
        assert_true(number_real(low, (size_t)(dots - low), &from) && number_real(dots + 2, strlen(dots + 2), &to));
        assert_true(0 < from && from < to);
    }
}

static void test_every_value_of_a_search_space_is_accepted(void **state)
{
    (void)state;
    (void)each_member(check_sweep);
    assert_true(sweeps >= 4);
}

/* A key that is the operation's and its member's would be set twice. */
static void test_no_member_repeats_a_key_of_its_operation(void **state)
{
    (void)state;
    for (int o = 0; operation_classes[o] != NULL; o++) {
        const operation_class *c = operation_classes[o];
        medley_entry member;
        assert_int_equal(c->member_kind == NULL, c->member_key == NULL);
        if (c->member_kind == NULL)
            continue;
        const medley_param *key = medley_param_find(c->table, c->member_key);
        assert_true(key != NULL && key->kind == MEDLEY_PARAM_TEXT);
        for (int64_t i = 0; medley_registry_entry(c->member_kind, i, &member); i++)
            for (const medley_param *p = member.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
                if (medley_param_find(c->table, p->name) != NULL)
                    fail_msg("%s: %s of %s is a key of its own", c->name, p->name, member.name);
    }
}

static void test_the_doctor_tells_of_machine_and_build(void **state)
{
    (void)state;
    medley_report *r;
    double value;
    assert_ok(medley_doctor(rt, &r, err));
    assert_string_equal(medley_report_text(r, "system", 0, "medley"), medley_version());
    assert_true(medley_report_number(r, "system", 0, "threads", &value) && value == 1);
    assert_true(medley_report_number(r, "system", 0, "processors", &value) && value >= 1);
    assert_non_null(medley_report_text(r, "system", 0, "instructions"));
    assert_non_null(medley_report_text(r, "system", 0, "blas"));
    assert_non_null(medley_report_text(r, "system", 0, "onednn"));
    medley_entry kind, entry;
    for (int64_t k = 0; medley_registry_entry(NULL, k, &kind); k++) {
        int64_t count = 0;
        while (medley_registry_entry(kind.name, count, &entry))
            count++;
        assert_string_equal(medley_report_text(r, "members", k, "kind"), kind.name);
        assert_true(medley_report_number(r, "members", k, "members", &value) && (int64_t)value == count);
    }
    medley_report_free(r);
    BRUTAL(rt, &memory, medley_doctor(rt, &r, err), medley_report_free(r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_kinds_are_those_of_the_header),
        cmocka_unit_test(test_what_is_not_there_is_not_found),
        cmocka_unit_test(test_every_member_is_described),
        cmocka_unit_test(test_every_default_is_accepted),
        cmocka_unit_test(test_every_value_of_a_search_space_is_accepted),
        cmocka_unit_test(test_no_member_repeats_a_key_of_its_operation),
        cmocka_unit_test(test_the_doctor_tells_of_machine_and_build),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
