#include "made_store.h"

#include <math.h>

#include <medley/model.h>

#include "api/comparison.h"

#include "inside_folder.h"

enum { USERS = 6, COLUMNS = 3 };

/* hr@5, ndcg@5, and item_coverage@5, which has no values of users. */
static const double of_a[USERS][COLUMNS] = {{1, 0.5, NAN},  {1, 1, NAN},    {0, 0, NAN},
                                            {1, 0.25, NAN}, {1, 0.75, NAN}, {1, 1, NAN}};
static const double of_b[USERS][COLUMNS] = {{1, 0.25, NAN}, {0, 0.5, NAN}, {1, 0.125, NAN},
                                            {1, 0.25, NAN}, {0, 0, NAN},   {0, 0.5, NAN}};

static double mean_of(const double (*rows)[COLUMNS], int column)
{
    double sum = 0;
    for (int u = 0; u < USERS; u++)
        sum += rows[u][column];
    return sum / USERS;
}

/* A number as JSON has it. */
static const char *show(double value, char shown[40])
{
    if (isnan(value))
        return "null";
    number_format(value, shown, 40);
    return shown;
}

static void write_values(const char *path_to, const double (*rows)[COLUMNS])
{
    static const uint32_t user[USERS] = {0, 1, 2, 3, 4, 6};
    static const int64_t targets[USERS] = {1, 1, 1, 1, 1, 1};
    static const char ids[] = "u0\0u1\0u2\0u3\0u4\0<u6>";
    const named_tensor tensors[] = {
        {"value", TENSOR_F64, 2, {USERS, COLUMNS}, rows},
        {"user", TENSOR_U32, 1, {USERS}, user},
        {"targets", TENSOR_I64, 1, {USERS}, targets},
        {"id", TENSOR_U8, 1, {sizeof ids}, ids},
    };
    static const char *const metadata[] = {"format", EVALUATION_FORMAT};
    char path[4200];
    snprintf(path, sizeof path, "%s/per_user.safetensors", path_to);
    assert_ok(safetensors_write(rt, path, tensors, 4, metadata, 2, err));
}

/* An evaluation of `model`. */
static void make_evaluation(const char *path_to, const char *model, const double (*rows)[COLUMNS], double coverage)
{
    char path[4200], document[4000], hr[40], ndcg[40], covered[40];
    assert_ok(file_make_folder(rt, path_to, err));
    snprintf(
        document, sizeof document,
        "{\"protocol\": {\"model\": \"%s\", \"task\": \"retrieval\", \"split\": \"main (random, seed 1)\", "
        "\"part\": \"test\", \"candidates\": \"all 9 items\", \"masked\": \"the user's training items\", "
        "\"history\": \"training\", \"relevant_from\": 0, \"users\": 6, \"targets\": 6, "
        "\"split_fingerprint\": \"0123\", \"judged_fingerprint\": \"4567\"},\n"
        "\"format\": \"" EVALUATION_FORMAT "\", \"name\": \"retrieval-test\", \"columns\": [\n"
        "{\"name\": \"hr@5\", \"value\": %s, \"more_is_better\": true, \"per_user\": true, \"defined\": 6, "
        "\"definition\": \"1 if hits > 0 & so on\"},\n"
        "{\"name\": \"ndcg@5\", \"value\": %s, \"more_is_better\": true, \"per_user\": true, \"defined\": 6},\n"
        "{\"name\": \"item_coverage@5\", \"value\": %s, \"more_is_better\": true, \"per_user\": false, "
        "\"defined\": 0}]}\n",
        model, show(mean_of(rows, 0), hr), show(mean_of(rows, 1), ndcg), show(coverage, covered));
    snprintf(path, sizeof path, "%s/metrics.json", path_to);
    test_write_text(path, document);
    write_values(path_to, rows);
}

/* A run with one evaluation. settings NULL: no config.yaml. */
static void make_run(const char *name, const char *settings, const char *model, const double (*rows)[COLUMNS],
                     double coverage)
{
    char inside[4200], config[4200];
    snprintf(inside, sizeof inside, "%s/evaluations/retrieval-test", name);
    make_evaluation(inside, model, rows, coverage);
    snprintf(config, sizeof config, "%s/config.yaml", name);
    if (settings != NULL)
        test_write_text(config, settings);
}

static void make_two(void)
{
    make_run("a", "model: ease\nl2: 100\nseed: 0\n", "ease", of_a, 0.5);
    make_run("b", "model: popularity\nseed: 0\n", "popularity", of_b, 0.25);
}

static const comparison_choices defaults = {
    .evaluation = "", .baseline = "", .metrics = "all", .alpha = 0.05, .resamples = 50};

static medley_status compare(const char *names, const comparison_choices *choices, comparison *c,
                             medley_error *err)
{
    comparison_choices own = *choices;
    own.runs = names;
    const medley_status status = comparison_open(rt, &own, c, err);
    if (status != MEDLEY_OK)
        comparison_close(c);
    return status;
}

static comparison compared(const char *names, const comparison_choices *choices)
{
    comparison c;
    assert_ok(compare(names, choices, &c, err));
    return c;
}

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-12)

/* SciPy 1.14: ttest_rel, and wilcoxon(zero_method="wilcox", correction=False, method="approx"). */
static void test_the_worked_example_has_the_values_of_scipy(void **state)
{
    (void)state;
    make_two();
    comparison c = compared("b,a", &defaults);
    assert_int_equal(c.system_count, 2);
    assert_int_equal(c.baseline, 0);
    assert_int_equal(c.pair_count, 2); /* coverage has no users */
    assert_int_equal(c.family, 2);
    const compared_pair *p = comparison_against_baseline(&c, 1, 1);
    assert_string_equal(c.columns[1].name, "ndcg@5");
    assert_int_equal(p->users, 6);
    assert_near(p->difference, 0.3125);
    assert_near(p->t.t, 2.2981927988846085);
    assert_near(p->t.cohens_d, 0.9382332813010019);
    assert_near(p->p[MARK_T], 0.06993007093383775);
    assert_near(p->p[MARK_WILCOXON], 0.0782481864330958);
    assert_near(p->holm[MARK_T], 2 * 0.06993007093383775);
    assert_near(p->bh[MARK_T], 2 * 0.06993007093383775);
    const compared_pair *hr = comparison_against_baseline(&c, 1, 0);
    assert_near(hr->p[MARK_T], 0.3632174676491229);
    assert_near(hr->holm[MARK_T], 0.3632174676491229);
    assert_near(hr->p[MARK_WILCOXON], 0.31731050786291415);
    assert_near(c.systems[1].value[1], mean_of(of_a, 1));
    assert_near(c.systems[1].value[2], 0.5);
    assert_true(isnan(c.systems[1].std[1]));
    assert_true(c.systems[1].interval[1].low <= c.systems[1].value[1]);
    assert_true(c.systems[1].interval[1].high >= c.systems[1].value[1]);
    assert_true(isnan(c.systems[1].interval[2].low));
    assert_null(comparison_against_baseline(&c, 1, 2));
    assert_true(comparison_is_best(&c, 1, 1) && !comparison_is_best(&c, 0, 1));
    assert_false(p->significant);
    comparison_close(&c);
}

static void test_alpha_test_and_adjustment_decide_the_mark(void **state)
{
    (void)state;
    make_two();
    comparison_choices choices = defaults;
    const struct {
        int test, adjust;
        double alpha;
        bool marked;
    } cases[] = {{MARK_T, P_HOLM, 0.14, true},
                 {MARK_T, P_HOLM, 0.139, false},
                 {MARK_WILCOXON, P_HOLM, 0.157, true},
                 {MARK_WILCOXON, P_HOLM, 0.14, false},
                 {MARK_T, P_BENJAMINI_HOCHBERG, 0.14, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        choices.test = cases[i].test;
        choices.adjust = cases[i].adjust;
        choices.alpha = cases[i].alpha;
        comparison c = compared("b,a", &choices);
        assert_int_equal(comparison_against_baseline(&c, 1, 1)->significant, cases[i].marked);
        comparison_close(&c);
    }
}

/* Of m tests: Holm is the most of (m - r) p over the r-th smallest p and those below; Benjamini and Hochberg the least of
 * m p / (r + 1) over it and those above. */
static void check_family(const comparison *c, comparison_mark kind)
{
    bool differ = false;
    for (int64_t i = 0; i < c->pair_count; i++) {
        const double own = c->pairs[i].p[kind];
        double holm = 0, bh = 1;
        for (int64_t j = 0; j < c->pair_count; j++) {
            const double other = c->pairs[j].p[kind];
            int64_t below = 0, until = 0;
            for (int64_t k = 0; k < c->pair_count; k++) {
                below += c->pairs[k].p[kind] < other;
                until += c->pairs[k].p[kind] <= other;
            }
            if (other <= own)
                holm = fmax(holm, fmin(1, (double)(c->pair_count - below) * other));
            if (other >= own)
                bh = fmin(bh, (double)c->pair_count * other / (double)until);
        }
        assert_near(c->pairs[i].holm[kind], holm);
        assert_near(c->pairs[i].bh[kind], bh);
        differ = differ || fabs(holm - bh) > 1e-3;
    }
    assert_true(differ);
}

/* Every pair of three systems; one family. */
static void test_all_pairs_are_one_family(void **state)
{
    (void)state;
    make_two();
    make_run("c", "model: popularity\nsmoothing: 2\nseed: 0\n", "popularity", of_a, 0.75);
    comparison_choices choices = defaults;
    choices.pairs = PAIRS_ALL;
    choices.baseline = "b";
    comparison c = compared("a,b,c", &choices);
    assert_int_equal(c.baseline, 1);
    assert_int_equal(c.family, 6);
    assert_int_equal(c.pair_count, 6);
    check_family(&c, MARK_T);
    check_family(&c, MARK_WILCOXON);
    const compared_pair *last = &c.pairs[5]; /* c against a: equal */
    assert_int_equal(last->system, 2);
    assert_int_equal(last->against, 0);
    assert_true(last->p[MARK_T] == 1 && last->difference == 0 && !last->significant);
    const compared_pair *first = comparison_against_baseline(&c, 0, 1);
    assert_true(first->bh[MARK_T] < 0.25 && first->holm[MARK_T] > 0.25);
    assert_true(comparison_is_best(&c, 0, 1) && comparison_is_best(&c, 2, 1));
    comparison_close(&c);
    choices.alpha = 0.25; /* between the two adjustments */
    for (choices.adjust = P_HOLM; choices.adjust <= P_BENJAMINI_HOCHBERG; choices.adjust++) {
        c = compared("a,b,c", &choices);
        assert_int_equal(comparison_against_baseline(&c, 0, 1)->significant,
                         choices.adjust == P_BENJAMINI_HOCHBERG);
        comparison_close(&c);
    }
}

static void test_runs_that_differ_by_their_seed_are_one_system(void **state)
{
    (void)state;
    double other[USERS][COLUMNS];
    for (int u = 0; u < USERS; u++)
        for (int column = 0; column < COLUMNS; column++)
            other[u][column] = of_a[u][column] / 2;
    make_run("ials-1", "store: x\nrun: one\nmodel: ials\nl2: 1\nseed: 1\n", "ials", of_a, 0.5);
    make_run("ials-2", "store: y\nrun: two\nmodel: ials\nl2: 1\nseed: 2\n", "ials",
             (const double(*)[COLUMNS])other, 0.25);
    make_run("stronger", "store: y\nrun: two\nmodel: ials\nl2: 9\nseed: 3\n", "ials", of_b, 0.25);
    make_run("again", "store: y\nrun: two\nmodel: ials\nl2: 1\nseed: 2\n", "ials", of_b, 0.25);
    comparison c = compared("ials-1,ials-2,stronger,again", &defaults);
    assert_int_equal(c.system_count, 3); /* the last has the seed of the second */
    assert_string_equal(c.systems[0].label, "ials (2 seeds)");
    assert_int_equal(c.systems[0].runs, 2);
    const double mean = mean_of(of_a, 1);
    assert_near(c.systems[0].value[1], 0.75 * mean);
    assert_near(c.systems[0].std[1], 0.5 * mean / sqrt(2)); /* |x - y| / sqrt 2 of two values */
    double users[USERS];
    comparison_users(&c, &c.systems[0], 1, users);
    for (int u = 0; u < USERS; u++)
        assert_near(users[u], 0.75 * of_a[u][1]);
    assert_near(comparison_against_baseline(&c, 1, 1)->difference, mean_of(of_b, 1) - 0.75 * mean);
    comparison_close(&c);
}

static void test_what_a_system_cannot_define_is_left_out_of_its_tests(void **state)
{
    (void)state;
    double some[USERS][COLUMNS];
    memcpy(some, of_a, sizeof some);
    some[0][1] = NAN;
    for (int u = 1; u < USERS; u++)
        some[u][0] = NAN; /* hr@5: one user is left */
    make_two();
    make_run("some", NULL, "ease", (const double(*)[COLUMNS])some, 0.5);
    comparison c = compared("b,some", &defaults);
    const compared_pair *p = comparison_against_baseline(&c, 1, 1), *hr = comparison_against_baseline(&c, 1, 0);
    assert_int_equal(p->users, 5);
    assert_near(p->difference, (0.5 - 0.125 + 0 + 0.75 + 0.5) / 5);
    assert_int_equal(hr->users, 1);
    assert_true(isnan(hr->p[MARK_T]) && isnan(hr->holm[MARK_WILCOXON]) && !hr->significant);
    assert_int_equal(c.family, 1);
    assert_true(isnan(c.systems[1].value[0]) && !comparison_is_best(&c, 1, 0) && comparison_is_best(&c, 0, 0));
    comparison_close(&c);
}

static void test_runs_that_were_judged_otherwise_are_refused(void **state)
{
    (void)state;
    static const damage changes[] = {
        {"metrics.json", "retrieval", "ranking", MEDLEY_OK, "task is 'retrieval' and 'ranking'"},
        {"metrics.json", "\"test\"", "\"val\"", MEDLEY_OK, "part is 'test' and 'val'"},
        {"metrics.json", "0123", "0124", MEDLEY_OK, "split_fingerprint is '0123' and '0124'"},
        {"metrics.json", "all 9 items", "SAMPLED", MEDLEY_OK, "candidates is 'all 9 items' and 'SAMPLED'"},
        {"metrics.json", "the user's training items", "nothing", MEDLEY_OK,
         "masked is 'the user's training items' and 'nothing'"},
        {"metrics.json", "\"relevant_from\": 0", "\"relevant_from\": 3.5", MEDLEY_OK,
         "relevant_from is '0' and '3.5'"},
        {"metrics.json", "4567", "7654", MEDLEY_OK, "judged_fingerprint is '4567' and '7654'"},
        {"metrics.json", "\"ndcg@5\"", "\"ndcg@10\"", MEDLEY_OK, "cutoffs is '@5' and '@5 @10'"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        comparison c;
        make_two();
        damage_apply(rt, "b/evaluations/retrieval-test", &changes[i]);
        assert_fails(compare("a,b", &defaults, &c, err), MEDLEY_E_ARGUMENT, changes[i].want);
    }
}

static void test_broken_evaluations_are_refused(void **state)
{
    (void)state;
    static const damage changes[] = {
        {"metrics.json", NULL, "", MEDLEY_E_FORMAT, "metrics.json"},
        {"metrics.json", "\"columns\": [", "\"columns\": 1, \"x\": [", MEDLEY_E_FORMAT, "columns"},
        {"per_user.safetensors", NULL, "", MEDLEY_E_FORMAT, "per_user.safetensors"},
        {"metrics.json", NULL, NULL, MEDLEY_E_NOT_FOUND, "metrics.json"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        comparison c;
        make_two();
        damage_apply(rt, "b/evaluations/retrieval-test", &changes[i]);
        assert_fails(compare("a,b", &defaults, &c, err), changes[i].status, changes[i].want);
    }
}

static void test_other_users_with_one_fingerprint_are_refused(void **state)
{
    (void)state;
    comparison c;
    size_t length;
    make_two();
    char *bytes = test_read("b/evaluations/retrieval-test/per_user.safetensors", &length);
    for (size_t at = 0; at + 4 <= length; at++)
        if (memcmp(bytes + at, "<u6>", 4) == 0)
            bytes[at + 2] = '7';
    test_write("b/evaluations/retrieval-test/per_user.safetensors", bytes, length);
    test_read_end(bytes);
    assert_fails(compare("a,b", &defaults, &c, err), MEDLEY_E_FORMAT, "other users");
}

static void test_the_evaluation_is_found_or_asked_for(void **state)
{
    (void)state;
    comparison c;
    comparison_choices choices = defaults;
    make_two();
    c = compared("a,b", &defaults);
    assert_string_equal(c.evaluation, "retrieval-test");
    comparison_close(&c);
    make_evaluation("a/evaluations/retrieval-val", "ease", of_a, 0.5);
    c = compared("a,b", &defaults); /* still one that both have */
    comparison_close(&c);
    make_evaluation("b/evaluations/retrieval-val", "popularity", of_a, 0.5);
    assert_fails(compare("a,b", &defaults, &c, err), MEDLEY_E_CONFIG,
                 "evaluation: the runs share retrieval-test, retrieval-val; say which");
    choices.evaluation = "retrieval-val";
    c = compared("a,b", &choices);
    comparison_close(&c);
    choices.evaluation = "ranking-test";
    assert_fails(compare("a,b", &choices, &c, err), MEDLEY_E_NOT_FOUND, "has no evaluation 'ranking-test'");
    /* an evaluation itself, such as one of lists from elsewhere */
    make_evaluation("elsewhere", "lists.tsv", of_b, 0.1);
    choices.evaluation = "retrieval-test";
    c = compared("a,elsewhere", &choices);
    assert_int_equal(c.runs[1].setting_count, 0);
    comparison_close(&c);
    c = compared("a/evaluations/retrieval-test,elsewhere", &defaults);
    assert_int_equal(c.runs[0].setting_count, 3);
    comparison_close(&c);
}

static void test_names_that_are_not_there_are_refused(void **state)
{
    (void)state;
    comparison c;
    comparison_choices choices = defaults;
    make_two();
    assert_ok(file_make_folder(rt, "empty", err));
    assert_fails(compare("a,empty", &defaults, &c, err), MEDLEY_E_NOT_FOUND, "empty' has no evaluation");
    assert_fails(compare("a", &defaults, &c, err), MEDLEY_E_ARGUMENT, "is one system; two or more");
    assert_fails(compare("a,a/", &defaults, &c, err), MEDLEY_E_CONFIG, "is named twice");
    choices.runs = "a,,b";
    assert_fails(comparison_open(rt, &choices, &c, err), MEDLEY_E_CONFIG, "has an empty name");
    comparison_close(&c);
    choices.baseline = "aa";
    assert_fails(compare("a,b", &choices, &c, err), MEDLEY_E_CONFIG, "baseline: 'aa' is none of the runs");
    choices.baseline = "";
    choices.metrics = "ndcg,recal";
    assert_fails(compare("a,b", &choices, &c, err), MEDLEY_E_CONFIG,
                 "metrics: not every run has 'recal'; all have hr, ndcg, item_coverage");
    choices.metrics = "ndgc";
    assert_fails(compare("a,b", &choices, &c, err), MEDLEY_E_CONFIG, "'ndgc' (did you mean 'ndcg'?)");
    choices.metrics = "ndcg@6";
    assert_fails(compare("a,b", &choices, &c, err), MEDLEY_E_CONFIG, "'ndcg@6' (did you mean 'ndcg@5'?)");
    choices.metrics = "ndcg@5";
    c = compared("a,b", &choices);
    assert_int_equal(c.column_count, 1);
    comparison_close(&c);
}

static void test_columns_that_not_all_have_are_named(void **state)
{
    (void)state;
    make_two();
    damage_apply(rt, "b/evaluations/retrieval-test",
                 &(damage){"metrics.json", "item_coverage@5", "gini@5", MEDLEY_OK, ""});
    comparison c = compared("a,b", &defaults);
    assert_int_equal(c.column_count, 2);
    assert_string_equal(c.left_out, "item_coverage@5, gini@5");
    comparison_close(&c);
}

/* ---- What is written ---- */

static int64_t count_of(const char *document, const char *part)
{
    int64_t count = 0;
    for (const char *p = document; (p = strstr(p, part)) != NULL; p += strlen(part))
        count++;
    return count;
}

/* Every element is closed, in order, but for those that have no end. */
static void assert_well_formed(const char *p)
{
    char open[32][16];
    int depth = 0;
    for (; (p = strchr(p, '<')) != NULL; p++) {
        const char *end = strchr(p, '>');
        assert_non_null(end);
        const size_t length = strcspn(p + 1 + (p[1] == '/'), " />");
        if (p[1] == '!' || strncmp(p, "<meta", 5) == 0)
            continue;
        if (p[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_int_equal(strlen(open[depth]), length);
            assert_memory_equal(open[depth], p + 2, length);
        } else if (end[-1] != '/') {
            assert_true(depth < 32 && length < 16);
            snprintf(open[depth++], 16, "%.*s", (int)length, p + 1);
        }
    }
    assert_int_equal(depth, 0);
}

#define NASTY "<script>alert('1')&_100%\"|#{}~^$"

static comparison compare_nasty(void)
{
    comparison_choices choices = defaults;
    choices.alpha = 0.4;
    make_run(NASTY, "model: ease\nseed: 0\nnote: '<b>'\n", "ease", of_a, 0.5);
    make_run("b", "model: popularity\nseed: 0\n", "popularity", of_b, 0.25);
    return compared("b," NASTY, &choices);
}

static void test_the_page_is_whole_and_takes_nothing_from_elsewhere(void **state)
{
    (void)state;
    static const char *const forbidden[] = {"http",  "<script", "src=", "@import", "url(",
                                            "<link", "<b>",     "nan",  "onload"};
    static const char *const wanted[] = {"<!DOCTYPE html>",
                                         "<html lang=\"en\">",
                                         "prefers-color-scheme",
                                         "&lt;script&gt;alert(&#39;1&#39;)&amp;",
                                         "1 if hits &gt; 0 &amp; so on",
                                         "split_fingerprint",
                                         "<td class=\"words\">&lt;b&gt;</td>",
                                         "†",
                                         "role=\"img\""};
    comparison c = compare_nasty();
    text out = {.rt = rt};
    comparison_page(&c, &out);
    assert_ok(text_status(&out, err));
    assert_well_formed(out.bytes);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        if (strstr(out.bytes, forbidden[i]) != NULL)
            fail_msg("the page has '%s'", forbidden[i]);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strstr(out.bytes, wanted[i]) == NULL)
            fail_msg("the page lacks '%s'", wanted[i]);
    /* bars of 3 metrics, accuracy against coverage, one histogram; every plot says what it is */
    assert_int_equal(count_of(out.bytes, "<svg "), 5);
    assert_int_equal(count_of(out.bytes, "</title>"), 6);
    assert_int_equal(count_of(out.bytes, "<caption>"), 3);
    text_release(&out);
    comparison_close(&c);
}

static void test_latex_is_escaped(void **state)
{
    (void)state;
    comparison c = compare_nasty();
    text out = {.rt = rt};
    comparison_latex(&c, &out);
    assert_ok(text_status(&out, err));
    static const char row[] =
        "\\textless{}script\\textgreater{}alert('1')\\&\\_100\\%\"\\_\\#\\{\\}"
        "\\textasciitilde{}\\textasciicircum{}\\$ & "
        "\\textbf{0.8333}$^{\\dagger}$ & \\textbf{0.5833}$^{\\dagger}$ & \\textbf{0.5000} \\\\\n";
    if (strstr(out.bytes, row) == NULL)
        fail_msg("%s", out.bytes);
    assert_non_null(strstr(out.bytes, "system & hr@5 & ndcg@5 & item\\_coverage@5 \\\\\n"));
    assert_int_equal(count_of(out.bytes, "{tabular}"), 2);
    text_release(&out);
    comparison_close(&c);
}

static void test_csv_has_every_digit_and_quotes(void **state)
{
    (void)state;
    comparison c = compare_nasty();
    text out = {.rt = rt};
    comparison_values_csv(&c, &out);
    comparison_tests_csv(&c, &out);
    assert_ok(text_status(&out, err));
    assert_non_null(
        strstr(out.bytes, "\n\"<script>alert('1')&_100%\"\"_#{}~^$\",ease,1,ndcg@5,true,0.5833333333333334,,"));
    assert_non_null(strstr(out.bytes, "item_coverage@5,true,0.25,,,,false\n"));
    assert_non_null(strstr(out.bytes, "\nndcg@5,\"<script>"));
    text_release(&out);
    comparison_close(&c);
}

static void test_the_operation_writes_a_folder_and_replaces_only_by_force(void **state)
{
    (void)state;
    medley_report *report;
    double value;
    static const char *const names[] = {"out/report.html", "out/values.csv", "out/tests.csv", "out/table.tex",
                                        "out/comparison.json"};
    make_two();
    medley_config *config;
    assert_ok(medley_config_create(rt, &config, err));
    assert_ok(medley_config_set(config, "runs", "b,a", MEDLEY_FROM_FLAG, NULL, err));
    assert_ok(medley_config_set(config, "out", "out", MEDLEY_FROM_FLAG, NULL, err));
    assert_ok(medley_compare(rt, config, &report, err));
    assert_true(medley_report_number(report, "values", 1, "a", &value) && fabs(value - mean_of(of_a, 1)) < 1e-12);
    assert_string_equal(medley_report_text(report, "values", 1, "best of all"), "a");
    assert_string_equal(medley_report_text(report, "comparison", 0, "baseline"), "b");
    assert_int_equal(medley_report_rows(report, "tests"), 2);
    assert_true(medley_report_number(report, "tests", 1, "p_t_holm", &value) && fabs(value - 0.1398601) < 1e-6);
    medley_report_free(report);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(file_exists(names[i]));
    }
    assert_fails(medley_compare(rt, config, &report, err), MEDLEY_E_EXISTS, "out");
    assert_ok(medley_config_set(config, "force", "true", MEDLEY_FROM_FLAG, NULL, err));
    assert_ok(medley_compare(rt, config, &report, err));
    medley_report_free(report);
    medley_config_free(config);
}

static medley_status everything(const char *names, const comparison_choices *choices, text *out, medley_error *err)
{
    comparison c;
    medley_report *report = NULL;
    const char *rendered;
    TRY(compare(names, choices, &c, err));
    comparison_page(&c, out);
    comparison_latex(&c, out);
    comparison_values_csv(&c, out);
    comparison_tests_csv(&c, out);
    medley_status status = text_status(out, err);
    if (status == MEDLEY_OK)
        status = report_create(rt, &report, err);
    if (status == MEDLEY_OK)
        status = comparison_tell(&c, report, err);
    if (status == MEDLEY_OK)
        status = report_status(report, err);
    if (status == MEDLEY_OK)
        status = medley_report_render(report, MEDLEY_REPORT_JSON, &rendered, err);
    if (status == MEDLEY_OK)
        text_add(out, rendered);
    if (status == MEDLEY_OK)
        status = text_status(out, err);
    medley_report_free(report);
    comparison_close(&c);
    if (status != MEDLEY_OK)
        text_release(out);
    return status;
}

static void make_three(void)
{
    make_two();
    make_run("c", "model: ease\nl2: 100\nseed: 1\n", "ease", of_b, 0.75);
}

static void test_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    text first = {.rt = rt};
    make_three();
    const int before = rt->threads;
    rt->threads = 1;
    assert_ok(everything("b,a,c", &defaults, &first, err));
    for (int threads = 2; threads <= 4; threads *= 2) {
        text again = {.rt = rt};
        rt->threads = threads;
        assert_ok(everything("b,a,c", &defaults, &again, err));
        assert_string_equal(first.bytes, again.bytes);
        text_release(&again);
    }
    rt->threads = before;
    text_release(&first);
}

static void test_a_failed_allocation_leaves_nothing(void **state)
{
    (void)state;
    comparison_choices choices = defaults;
    choices.resamples = 8;
    choices.pairs = PAIRS_ALL;
    text out = {0};
    make_three();
    BRUTAL(rt, &memory, (out = (text){.rt = rt}, everything("b,a,c", &choices, &out, err)), text_release(&out));
}

static int enter(void **state)
{
    (void)state;
    return enter_folder(1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_the_worked_example_has_the_values_of_scipy),
        IN_FOLDER(test_alpha_test_and_adjustment_decide_the_mark),
        IN_FOLDER(test_all_pairs_are_one_family),
        IN_FOLDER(test_runs_that_differ_by_their_seed_are_one_system),
        IN_FOLDER(test_what_a_system_cannot_define_is_left_out_of_its_tests),
        IN_FOLDER(test_runs_that_were_judged_otherwise_are_refused),
        IN_FOLDER(test_broken_evaluations_are_refused),
        IN_FOLDER(test_other_users_with_one_fingerprint_are_refused),
        IN_FOLDER(test_the_evaluation_is_found_or_asked_for),
        IN_FOLDER(test_names_that_are_not_there_are_refused),
        IN_FOLDER(test_columns_that_not_all_have_are_named),
        IN_FOLDER(test_the_page_is_whole_and_takes_nothing_from_elsewhere),
        IN_FOLDER(test_latex_is_escaped),
        IN_FOLDER(test_csv_has_every_digit_and_quotes),
        IN_FOLDER(test_the_operation_writes_a_folder_and_replaces_only_by_force),
        IN_FOLDER(test_the_same_for_any_number_of_threads),
        IN_FOLDER(test_a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
