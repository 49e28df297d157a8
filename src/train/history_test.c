#include "testing.h"

#include <math.h>

#include "io/file.h"
#include "train/history.h"

#include "fixture.h"

static const history_names names = {"mf", "mse", "rmse"};

static const epoch_record all[] = {
    {1, 12, 0.75, 0.125, 3.5, NAN, 1.25, 1e6, 1.7e9},
    {2, 24, 0.5, 0.0625, 2.5, 0.875, 2.5, NAN, 1.7e9 + 1},
};

static char *written(const char *name)
{
    return test_read(test_path(folder, name), NULL);
}

static void test_a_record_is_the_numbers_it_is_put_into(void **state)
{
    (void)state;
    double numbers[EPOCH_RECORD_NUMBERS], again[EPOCH_RECORD_NUMBERS];
    epoch_record_put(&all[1], numbers);
    const epoch_record r = epoch_record_get(numbers);
    epoch_record_put(&r, again);
    assert_memory_equal(numbers, again, sizeof numbers);
    assert_true(r.epoch == 2 && r.step == 24 && r.metric == 0.875 && isnan(r.examples_a_second));
}

static void test_the_table_has_a_row_an_epoch_and_nothing_for_what_was_not_measured(void **state)
{
    (void)state;
    assert_ok(history_write(rt, folder, &names, all, 2, err));
    char *table = written("history.csv");
    assert_string_equal(table, "epoch,step,loss,rate,gradient,metric,seconds,examples_a_second,time\n"
                               "1,12,0.75,0.125,3.5,,1.25,1000000,1700000000\n"
                               "2,24,0.5,0.0625,2.5,0.875,2.5,,1700000001\n");
    test_read_end(table);
}

static int64_t count_of(const char *whole, const char *part)
{
    int64_t count = 0;
    for (; (whole = strstr(whole, part)) != NULL; whole++)
        count++;
    return count;
}

static void test_curves_are_of_loss_and_of_the_metric_if_there_is_one(void **state)
{
    (void)state;
    const history_names none = {"mf", "mse", NULL};
    assert_ok(history_write(rt, folder, &names, all, 2, err));
    char *svg = written("curves.svg");
    assert_int_equal(count_of(svg, ">mse<"), 1);
    assert_int_equal(count_of(svg, ">rmse<"), 1);
    test_read_end(svg);
    assert_ok(history_write(rt, folder, &none, all, 2, err));
    svg = written("curves.svg");
    assert_int_equal(count_of(svg, "validation"), 0);
    test_read_end(svg);
    assert_ok(history_write(rt, folder, &names, all, 0, err)); /* nothing yet is no failure */
}

/* The records of an event file: their number, and how many hold the tag. */
static int64_t events(const char *tag, int64_t *with_tag)
{
    size_t length;
    int64_t count = 0;
    char *bytes = test_read(test_path(folder, HISTORY_EVENTS), &length);
    *with_tag = 0;
    for (size_t at = 0; at < length; count++) {
        const size_t own = (unsigned char)bytes[at] | (size_t)(unsigned char)bytes[at + 1] << 8;
        for (size_t i = at + 12; i + strlen(tag) <= at + 12 + own; i++)
            *with_tag += memcmp(bytes + i, tag, strlen(tag)) == 0;
        at += 12 + own + 4;
    }
    test_read_end(bytes);
    return count;
}

static void test_events_do_not_repeat_when_written_again(void **state)
{
    (void)state;
    int64_t with_tag;
    assert_ok(history_write(rt, folder, &names, all, 1, err));
    assert_int_equal(events("loss/mse", &with_tag), 1 + 5); /* no metric was measured */
    assert_int_equal(with_tag, 1);
    assert_ok(history_write(rt, folder, &names, all, 2, err));
    assert_int_equal(events("validation/rmse", &with_tag), 1 + 5 + 5); /* then no speed */
    assert_int_equal(with_tag, 1);
}

static void test_a_full_disk_leaves_whole_files(void **state)
{
    (void)state;
    assert_ok(history_write(rt, folder, &names, all, 1, err));
    FULL_DISK(rt, &memory, history_write(rt, folder, &names, all, 2, err),
              assert_false(file_exists(test_path(folder, "history.csv.partial"))), (void)0);
    BRUTAL(rt, &memory, history_write(rt, folder, &names, all, 2, err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_the_numbers_it_is_put_into),
        cmocka_unit_test(test_the_table_has_a_row_an_epoch_and_nothing_for_what_was_not_measured),
        cmocka_unit_test(test_curves_are_of_loss_and_of_the_metric_if_there_is_one),
        cmocka_unit_test(test_events_do_not_repeat_when_written_again),
        cmocka_unit_test(test_a_full_disk_leaves_whole_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
