#include "api/agreement.h"

#include <math.h>

#define FIXTURE_THREADS 2
#include "fixture.h"
#include "made_catalog.h"

static const made_item films[] = {
    {"a", "A", NULL, "{\"genres\": [\"drama\", \"war\"], \"year\": 1990}"},
    {"b", "B", NULL, "{\"genres\": [\"war\"], \"year\": 1991}"},
    {"c", "C", NULL, "{\"genres\": [\"comedy\"]}"},
    {"d", "D", NULL, "{\"genres\": [\"drama\", \"comedy\"]}"},
    {"e", "E", NULL, "{\"year\": 1992}"},
};
enum { FILMS = 5 };

static double told(const agreement *a, const char *name)
{
    medley_report *r;
    double value = NAN;
    assert_ok(report_create(rt, &r, err));
    agreement_tell(a, r);
    assert_ok(report_status(r, err));
    assert_true(medley_report_number(r, "agreement", 0, name, &value));
    medley_report_free(r);
    return value;
}

/* a shares with b and d; b with a; c with d; d with a and c. */
static void test_a_hand_worked_example(void **state)
{
    static const uint32_t items[] = {0, 1, 2, 3};
    medley_store s;
    agreement a;
    (void)state;
    made_catalog(films, FILMS, &s);
    assert_ok(agreement_open(&s, "genres", 2, &a, err));
    assert_true(agreement_has(&a, 0) && !agreement_has(&a, 4));
    assert_ok(agreement_expect(&a, items, 4, err));
    assert_true(fabs(told(&a, "by_chance") - (2 + 1 + 1 + 2) / 3.0 / 4) < 1e-12);
    agreement_add(&a, 0, (const uint32_t[]){1, 2}, 2); /* one of two */
    agreement_add(&a, 1, (const uint32_t[]){2, 3}, 2); /* none */
    agreement_add(&a, 2, (const uint32_t[]){3, 0}, 2); /* one */
    agreement_add(&a, 3, (const uint32_t[]){2}, 1);    /* one, and one that is not there */
    assert_true(fabs(told(&a, "precision") - 1.5 / 4) < 1e-12);
    assert_true(told(&a, "short_lists") == 1);
    agreement_release(&a);
}

static void test_chance_is_of_those_who_take_part(void **state)
{
    static const uint32_t items[] = {0, 2, 3};
    medley_store s;
    agreement a;
    (void)state;
    made_catalog(films, FILMS, &s);
    assert_ok(agreement_open(&s, "genres", 2, &a, err));
    assert_ok(agreement_expect(&a, items, 3, err));
    assert_true(fabs(told(&a, "by_chance") - (1 + 1 + 2) / 2.0 / 3) < 1e-12);
    agreement_release(&a);
}

static void test_chance_is_what_every_pair_says(void **state)
{
    enum { ITEMS = 60 };
    made_item rows[ITEMS];
    char ids[ITEMS][8], attributes[ITEMS][64];
    uint32_t items[ITEMS];
    medley_store s;
    agreement a;
    double pairs = 0;
    (void)state;
    for (int i = 0; i < ITEMS; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", i);
        snprintf(attributes[i], sizeof attributes[i], "{\"t\": [\"x%d\", \"y%d\"]}",
                 (int)(random_bits(1, 1, (uint64_t)i) % 5), (int)(random_bits(1, 2, (uint64_t)i) % 7));
        rows[i] = (made_item){ids[i], NULL, NULL, attributes[i]};
        items[i] = (uint32_t)i;
    }
    made_catalog(rows, ITEMS, &s);
    assert_ok(agreement_open(&s, "t", 10, &a, err));
    assert_ok(agreement_expect(&a, items, ITEMS, err));
    for (uint32_t i = 0; i < ITEMS; i++)
        for (uint32_t j = 0; j < ITEMS; j++)
            pairs += i != j && item_space_cosine(&a.values, i, j) > 0;
    assert_true(fabs(told(&a, "by_chance") - pairs / ITEMS / (ITEMS - 1)) < 1e-12);
    agreement_release(&a);
}

static void test_numbers_and_unknown_attributes_are_refused(void **state)
{
    medley_store s;
    agreement a;
    (void)state;
    made_catalog(films, FILMS, &s);
    assert_fails(agreement_open(&s, "year", 2, &a, err), MEDLEY_E_CONFIG, "agreement: 'year' is numbers");
    agreement_release(&a);
    assert_fails(agreement_open(&s, "genre", 2, &a, err), MEDLEY_E_CONFIG, "genres");
    agreement_release(&a);
}

static medley_status open_and_expect(const medley_store *s, agreement *a, medley_error *err)
{
    static const uint32_t items[] = {0, 1, 2, 3};
    medley_status status = agreement_open(s, "genres", 2, a, err);
    if (status == MEDLEY_OK)
        status = agreement_expect(a, items, 4, err);
    if (status != MEDLEY_OK)
        agreement_release(a);
    return status;
}

static void test_memory_that_runs_out_is_told(void **state)
{
    medley_store s;
    agreement a;
    (void)state;
    made_catalog(films, FILMS, &s);
    BRUTAL(rt, &memory, open_and_expect(&s, &a, err), agreement_release(&a));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_hand_worked_example),          TEST(test_chance_is_of_those_who_take_part),
        TEST(test_chance_is_what_every_pair_says), TEST(test_numbers_and_unknown_attributes_are_refused),
        TEST(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
