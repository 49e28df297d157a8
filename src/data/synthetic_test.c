#include "testing.h"

#include <math.h>

#include "data/synthetic.h"
#include "io/file.h"

#include "fixture.h"

static synthetic_params usual(const char *out)
{
    synthetic_params p;
    medley_params_reset(synthetic_table, &p);
    p.out = out;
    return p;
}

/* A cover of a few bytes that tell all that a cover may tell. */
static medley_status paint(const medley_runtime *runtime, const item_look *look, void **bytes, size_t *length,
                           medley_error *err)
{
    char said[120];
    *length = (size_t)number_print(said, sizeof said, "%lld %d %d %d %llu", (long long)look->genre,
                                   look->style[STYLE_PALETTE], look->style[STYLE_PATTERN],
                                   look->style[STYLE_LIGHT], (unsigned long long)look->seed);
    char *copy;
    TRY(mem_text(runtime, said, *length, &copy, err));
    *bytes = copy;
    return MEDLEY_OK;
}

static medley_status make_with(const medley_runtime *runtime, const synthetic_params *p, int64_t *rows,
                               medley_error *err)
{
    medley_report *report;
    double value = -1;
    TRY(report_create(runtime, &report, err));
    medley_status status = synthetic_run(runtime, p, paint, report, err);
    if (status == MEDLEY_OK && !medley_report_number(report, "counts", 0, "interactions", &value))
        value = -1;
    if (rows != NULL)
        *rows = (int64_t)value;
    medley_report_free(report);
    return status;
}

static char *read_ratings(const char *name, size_t *length)
{
    return test_read(test_path(test_path(folder, name), "ratings.csv"), length);
}

static void assert_same_bytes(const char *a, const char *b)
{
    static const char *const files[] = {"ratings.csv", "movies.csv"};
    for (int i = 0; i < 2; i++) {
        size_t a_length, b_length;
        char *a_bytes = test_read(test_path(test_path(folder, a), files[i]), &a_length);
        char *b_bytes = test_read(test_path(test_path(folder, b), files[i]), &b_length);
        assert_int_equal(a_length, b_length);
        assert_memory_equal(a_bytes, b_bytes, a_length);
        test_read_end(a_bytes);
        test_read_end(b_bytes);
    }
}

static void test_every_byte_is_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "again", "two", "four"};
    static const int threads[] = {1, 1, 2, 4};
    for (int i = 0; i < 4; i++) {
        test_memory own;
        medley_runtime *runtime = test_runtime(&own, threads[i]);
        synthetic_params p = usual(test_path(folder, names[i]));
        p.users = 17000; /* more than one round of tasks */
        p.interactions_per_user = 4;
        assert_ok(make_with(runtime, &p, NULL, err));
        test_runtime_end(runtime, &own);
        assert_same_bytes("one", names[i]);
    }
}

static void test_another_seed_is_another_data_set(void **state)
{
    (void)state;
    size_t length[2];
    char *bytes[2];
    static const char *const names[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        synthetic_params p = usual(test_path(folder, names[i]));
        p.users = 50;
        p.seed = i;
        assert_ok(make_with(rt, &p, NULL, err));
        bytes[i] = read_ratings(names[i], &length[i]);
    }
    assert_true(length[0] != length[1] || memcmp(bytes[0], bytes[1], length[0]) != 0);
    test_read_end(bytes[0]);
    test_read_end(bytes[1]);
}

/* Walks the rows of ratings.csv. */
typedef struct rating_row {
    int64_t user, item, time;
    double stars;
} rating_row;

static bool next_row(char **at, rating_row *out)
{
    if (**at == '\0')
        return false;
    out->user = strtoll(*at, at, 10);
    assert_int_equal(*(*at)++, ',');
    out->item = strtoll(*at, at, 10);
    assert_int_equal(*(*at)++, ',');
    out->stars = strtod(*at, at);
    assert_int_equal(*(*at)++, ',');
    out->time = strtoll(*at, at, 10);
    assert_int_equal(*(*at)++, '\n');
    return true;
}

static char *behind_header(char *bytes)
{
    static const char header[] = "userId,movieId,rating,timestamp\n";
    assert_memory_equal(bytes, header, sizeof header - 1);
    return bytes + sizeof header - 1;
}

static void test_ratings_are_in_range_and_in_order_and_no_pair_repeats(void **state)
{
    (void)state;
    enum { USERS = 300, ITEMS = 100 };
    static uint8_t seen[USERS + 1][ITEMS + 1];
    memset(seen, 0, sizeof seen);
    synthetic_params p = usual(test_path(folder, "s"));
    int64_t told = -1, count = 0, user = 0, time = 0;
    p.users = USERS;
    p.items = ITEMS;
    assert_ok(make_with(rt, &p, &told, err));
    char *bytes = read_ratings("s", NULL), *at = behind_header(bytes);
    for (rating_row row; next_row(&at, &row); count++) {
        assert_in_range(row.user, 1, USERS);
        assert_in_range(row.item, 1, ITEMS);
        assert_true(row.stars >= 0.5 && row.stars <= 5 && row.stars * 2 == floor(row.stars * 2));
        assert_int_equal(seen[row.user][row.item]++, 0);
        assert_true(row.user >= user);
        assert_true(row.user > user || row.time > time);
        assert_true(row.time >= 1262304000 && row.time < 4102444800);
        user = row.user;
        time = row.time;
    }
    assert_int_equal(count, told);
    assert_int_equal(user, USERS);
    test_read_end(bytes);
}

static void test_histories_have_about_the_length_asked_for(void **state)
{
    (void)state;
    synthetic_params p = usual(test_path(folder, "s"));
    int64_t rows = -1;
    p.items = 5000;
    p.interactions_per_user = 40;
    assert_ok(make_with(rt, &p, &rows, err));
    assert_in_range(rows / p.users, 35, 45); /* 2000 log-normal lengths: a standard error of 0.8 */
}

/* A pick is followed by the next part of its series as often as `sequel` says, more or less. */
static double share_of_sequels(const char *name, double sequel)
{
    synthetic_params p = usual(test_path(folder, name));
    int64_t follows = 0, could = 0;
    rating_row last = {0};
    p.sequel = sequel;
    assert_ok(make_with(rt, &p, NULL, err));
    char *bytes = read_ratings(name, NULL), *at = behind_header(bytes);
    for (rating_row row; next_row(&at, &row); last = row) {
        could += row.user == last.user;
        follows += row.user == last.user && row.item == last.item + 1;
    }
    test_read_end(bytes);
    return (double)follows / (double)could;
}

static void test_series_follow_each_other(void **state)
{
    (void)state;
    assert_true(share_of_sequels("never", 0) < 0.05);
    assert_true(share_of_sequels("often", 0.8) > 0.3);
}

/* Tastes: a user's picks lie in fewer genres than a stranger's would. */
static void test_tastes_differ_between_users(void **state)
{
    (void)state;
    enum { GENRES = 12, ITEMS = 1200, USERS = 400 };
    static int picks[USERS + 1][GENRES];
    memset(picks, 0, sizeof picks);
    int of_genre[GENRES] = {0}, total = 0;
    double concentration = 0, expected = 0;
    synthetic_params p = usual(test_path(folder, "s"));
    p.users = USERS;
    p.items = ITEMS;
    p.sequel = 0;
    assert_ok(make_with(rt, &p, NULL, err));
    char *bytes = read_ratings("s", NULL), *at = behind_header(bytes);
    for (rating_row row; next_row(&at, &row); total++) {
        const int genre = (int)((row.item - 1) * GENRES / ITEMS);
        picks[row.user][genre]++;
        of_genre[genre]++;
    }
    test_read_end(bytes);
    for (int g = 0; g < GENRES; g++)
        expected += (double)of_genre[g] / total * of_genre[g] / total;
    for (int u = 1; u <= USERS; u++) {
        int own = 0;
        double same = 0;
        for (int g = 0; g < GENRES; g++)
            own += picks[u][g];
        for (int g = 0; g < GENRES; g++)
            same += (double)picks[u][g] / own * picks[u][g] / own;
        concentration += same / USERS;
    }
    assert_true(concentration > 2 * expected);
}

static int descending(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

static void test_a_tenth_of_the_items_has_a_fifth_of_the_picks(void **state)
{
    (void)state;
    enum { ITEMS = 1000 };
    int count[ITEMS] = {0}, total = 0, head = 0;
    synthetic_params p = usual(test_path(folder, "s"));
    assert_ok(make_with(rt, &p, NULL, err));
    char *bytes = read_ratings("s", NULL), *at = behind_header(bytes);
    for (rating_row row; next_row(&at, &row); total++)
        count[row.item - 1]++;
    test_read_end(bytes);
    qsort(count, ITEMS, sizeof *count, descending);
    for (int i = 0; i < ITEMS / 10; i++)
        head += count[i];
    assert_true(head > total / 5); /* uniform picks would have an eighth there */
}

static void test_every_item_has_a_title_genres_and_a_text(void **state)
{
    (void)state;
    enum { ITEMS = 500 };
    synthetic_params p = usual(test_path(folder, "s"));
    int lines = 0, quoted = 0, several = 0;
    p.users = 10;
    p.items = ITEMS;
    assert_ok(make_with(rt, &p, NULL, err));
    char *bytes = test_read(test_path(test_path(folder, "s"), "movies.csv"), NULL);
    static const char header[] = "movieId,title,genres,overview\n";
    assert_memory_equal(bytes, header, sizeof header - 1);
    for (char *at = bytes + sizeof header - 1; *at != '\0'; lines++) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_int_equal(strtol(at, &at, 10), lines + 1);
        quoted += at[1] == '"';
        several += strchr(at, '|') != NULL;
        assert_non_null(strstr(at, ")")); /* the year */
        assert_non_null(strstr(at, " at its most "));
        at = end + 1;
    }
    assert_int_equal(lines, ITEMS);
    assert_in_range(quoted, ITEMS / 20, ITEMS / 4);
    assert_in_range(several, ITEMS / 5, ITEMS / 2);
    test_read_end(bytes);
}

static void test_the_smallest_worlds_can_be_made(void **state)
{
    (void)state;
    static const struct {
        int64_t users, items, mean, genres;
        double sequel;
    } cases[] = {{1, 10, 3, 1, 0}, {1, 10, 100000, 10, 1}, {5, 18, 50, 18, 1}, {300, 11, 3, 3, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        synthetic_params p = usual(test_path(folder, "s"));
        int64_t rows = -1;
        p.users = cases[i].users;
        p.items = cases[i].items;
        p.interactions_per_user = cases[i].mean;
        p.genres = cases[i].genres;
        p.sequel = cases[i].sequel;
        p.force = true;
        assert_ok(make_with(rt, &p, &rows, err));
        assert_true(rows >= cases[i].users);
    }
}

/* ---- with images ---- */

static char *read_cover(const char *name, int64_t item)
{
    char cover[40];
    number_print(cover, sizeof cover, "posters/%lld.jpg", (long long)item);
    const char *path = test_path(test_path(folder, name), cover);
    return file_exists(path) ? test_read(path, NULL) : NULL;
}

static void test_styled_worlds_are_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "two", "four"};
    for (int i = 0; i < 3; i++) {
        test_memory own;
        medley_runtime *runtime = test_runtime(&own, 1 << i);
        synthetic_params p = usual(test_path(folder, names[i]));
        p.users = 600;
        p.items = 1100; /* more than one round of covers */
        p.images = true;
        assert_ok(make_with(runtime, &p, NULL, err));
        test_runtime_end(runtime, &own);
        assert_same_bytes("one", names[i]);
        for (int64_t item = 1; item <= p.items; item += 7) {
            char *a = read_cover("one", item), *b = read_cover(names[i], item);
            assert_true((a == NULL) == (b == NULL));
            if (a != NULL) {
                assert_string_equal(a, b);
                test_read_end(a);
                test_read_end(b);
            }
        }
    }
}

/* How many of a user's picks share the palette of the one before, over what shares it among all picks. */
static double sameness(const char *name, double style)
{
    enum { ITEMS = 600 };
    static int palette[ITEMS + 1];
    int of[PALETTES] = {0}, total = 0, same = 0, pairs = 0;
    double expected = 0;
    synthetic_params p = usual(test_path(folder, name));
    p.items = ITEMS;
    p.users = 800;
    p.images = true;
    p.style = style;
    p.sequel = 0;
    p.missing_images = 0;
    assert_ok(make_with(rt, &p, NULL, err));
    for (int i = 1; i <= ITEMS; i++) {
        char *cover = read_cover(name, i);
        palette[i] = (int)strtol(strchr(cover, ' '), NULL, 10);
        test_read_end(cover);
    }
    rating_row last = {0};
    char *bytes = read_ratings(name, NULL), *at = behind_header(bytes);
    for (rating_row row; next_row(&at, &row); last = row, total++) {
        of[palette[row.item]]++;
        pairs += row.user == last.user;
        same += row.user == last.user && palette[row.item] == palette[last.item];
    }
    test_read_end(bytes);
    for (int v = 0; v < PALETTES; v++)
        expected += (double)of[v] / total * of[v] / total;
    return (double)same / pairs / expected;
}

static void test_style_carries_the_share_of_preference_that_is_asked_for(void **state)
{
    (void)state;
    const double none = sameness("none", 0), half = sameness("half", 0.5), all = sameness("all", 1);
    assert_true(none > 0.9 && none < 1.15); /* series keep a style, so a little more than one */
    assert_true(half > none + 0.1);
    assert_true(all > half + 0.1);
}

static void test_cold_items_come_late_or_not_at_all(void **state)
{
    (void)state;
    enum { ITEMS = 400, USERS = 1500 };
    static int64_t first[ITEMS + 1], last_time;
    int late = 0, never = 0;
    synthetic_params p = usual(test_path(folder, "s"));
    memset(first, 0, sizeof first);
    p.items = ITEMS;
    p.users = USERS;
    p.images = true;
    p.cold_items = 0.2;
    assert_ok(make_with(rt, &p, NULL, err));
    char *bytes = read_ratings("s", NULL), *at = behind_header(bytes);
    for (rating_row row; next_row(&at, &row);) {
        if (first[row.item] == 0 || row.time < first[row.item])
            first[row.item] = row.time;
        last_time = row.time > last_time ? row.time : last_time;
    }
    test_read_end(bytes);
    for (int i = 1; i <= ITEMS; i++) {
        never += first[i] == 0;
        late += first[i] >= 1262304000 + 252426240; /* four fifths of the way from 2010 to 2020 */
    }
    assert_in_range(never, ITEMS / 40, ITEMS / 10);
    assert_in_range(late, ITEMS / 10, ITEMS / 4);
}

static void test_some_items_lack_a_cover_or_an_overview(void **state)
{
    (void)state;
    enum { ITEMS = 1000 };
    int covers = 0, overviews = 0;
    synthetic_params p = usual(test_path(folder, "s"));
    p.users = 10;
    p.images = true;
    p.missing_images = 0.2;
    p.missing_texts = 0.1;
    assert_ok(make_with(rt, &p, NULL, err));
    for (int i = 1; i <= ITEMS; i++) {
        char *cover = read_cover("s", i);
        covers += cover != NULL;
        if (cover != NULL)
            test_read_end(cover);
    }
    char *bytes = test_read(test_path(test_path(folder, "s"), "movies.csv"), NULL);
    for (char *at = strchr(bytes, '\n'); at != NULL && at[1] != '\0'; at = strchr(at + 1, '\n')) {
        const char *end = strchr(at + 1, '\n');
        overviews += end[-1] == '"';
        assert_true(end[-1] == '"' ? end[-2] == '.' : end[-1] == ',');
    }
    test_read_end(bytes);
    assert_in_range(covers, 760, 840);
    assert_in_range(overviews, 870, 930);
}

/* Sentences: a large letter, no form left unfilled, the right article. */
static void test_overviews_are_whole_sentences(void **state)
{
    (void)state;
    synthetic_params p = usual(test_path(folder, "s"));
    p.users = 10;
    p.items = 2000;
    p.genres = 18;
    p.images = true;
    p.missing_images = 1;
    assert_ok(make_with(rt, &p, NULL, err));
    char *bytes = test_read(test_path(test_path(folder, "s"), "movies.csv"), NULL);
    assert_null(strpbrk(bytes, "{}"));
    assert_null(strstr(bytes, "(null)"));
    assert_null(strstr(bytes, ".."));
    for (const char *at = bytes; (at = strstr(at, " a ")) != NULL; at++)
        assert_null(strchr("aeiou", at[3]));
    for (const char *at = bytes; (at = strstr(at, " an ")) != NULL; at++)
        assert_non_null(strchr("aeiou", at[4]));
    for (const char *at = bytes; (at = strstr(at, ". ")) != NULL; at++)
        assert_in_range(at[2], 'A', 'Z');
    test_read_end(bytes);
}

static void test_every_failure_of_a_styled_world_is_reported(void **state)
{
    (void)state;
    char out[4200];
    snprintf(out, sizeof out, "%s/s", folder);
    synthetic_params p = usual(out);
    p.users = 20;
    p.items = 10;
    p.genres = 3;
    p.interactions_per_user = 3;
    p.images = true;
    p.force = true;
    assert_ok(make_with(rt, &p, NULL, err));
    BRUTAL(rt, &memory, make_with(rt, &p, NULL, err), (void)0);
    FULL_DISK(rt, &memory, make_with(rt, &p, NULL, err), assert_false(file_exists(test_path(folder, "s.partial"))),
              (void)0);
}

static void test_what_cannot_be_made_is_refused(void **state)
{
    (void)state;
    synthetic_params p = usual(test_path(folder, "s"));
    p.items = 10;
    assert_fails(make_with(rt, &p, NULL, err), MEDLEY_E_CONFIG,
                 "genres: 12 is outside 1..10, the number of items");
    p.items = 100;
    assert_ok(make_with(rt, &p, NULL, err));
    assert_fails(make_with(rt, &p, NULL, err), MEDLEY_E_EXISTS, "exists already");
}

static void test_every_allocation_and_every_write_can_fail(void **state)
{
    (void)state;
    char out[4200];
    snprintf(out, sizeof out, "%s/s", folder);
    synthetic_params p = usual(out);
    p.users = 300;
    p.items = 20;
    p.interactions_per_user = 3;
    assert_ok(make_with(rt, &p, NULL, err));
    p.force = true;
    BRUTAL(rt, &memory, make_with(rt, &p, NULL, err), (void)0);
    FULL_DISK(rt, &memory, make_with(rt, &p, NULL, err), assert_false(file_exists(test_path(folder, "s.partial"))),
              (void)0);
    assert_true(file_exists(test_path(out, "movies.csv")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_byte_is_the_same_for_any_number_of_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_seed_is_another_data_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ratings_are_in_range_and_in_order_and_no_pair_repeats, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_histories_have_about_the_length_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_series_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tastes_differ_between_users, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_tenth_of_the_items_has_a_fifth_of_the_picks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_item_has_a_title_genres_and_a_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_smallest_worlds_can_be_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_styled_worlds_are_the_same_for_any_number_of_threads, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_style_carries_the_share_of_preference_that_is_asked_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cold_items_come_late_or_not_at_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_some_items_lack_a_cover_or_an_overview, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overviews_are_whole_sentences, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_failure_of_a_styled_world_is_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_made_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_and_every_write_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
