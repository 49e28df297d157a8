/* Every metric against what tools/parity/record_metrics.py recorded of ranx, scikit-learn, Elliot's and RecBole's
 * definitions: made up scores of all users and items, through the ranking path. */
#include <math.h>
#include <stdio.h>

#include <medley/registry.h>

#include "eval/evaluation.h"
#include "eval/short_head.h"
#include "testing.h"

#define PARITY MEDLEY_SOURCE_DIR "/tests/parity/metrics/"

enum { USERS = 40, ITEMS = 50, ROWS_MOST = 2000, VALUES_MOST = 8, COLUMNS_MOST = 512, CUTOFFS = 3 };

static const int64_t cutoffs[CUTOFFS] = {1, 5, 10};

/* A table in text: its cells, row by row. */
typedef struct table {
    char *bytes, *cell[ROWS_MOST * 4];
    int64_t rows, width;
} table;

static void read_table(const char *name, table *t)
{
    char path[512];
    int64_t cells = 0;
    snprintf(path, sizeof path, PARITY "%s", name);
    *t = (table){.bytes = test_read(path, NULL)};
    for (char *line = t->bytes; *line != '\0'; t->rows++) {
        char *end = strchr(line, '\n');
        for (char *at = line; at <= end; at += strcspn(at, "\t\n") + 1) {
            assert_true(cells < ROWS_MOST * 4);
            t->cell[cells++] = at;
        }
        line = end + 1;
    }
    for (char *at = t->bytes; *at != '\0'; at++)
        if (*at == '\t' || *at == '\n')
            *at = '\0';
    assert_true(t->rows > 0 && cells % t->rows == 0);
    t->width = cells / t->rows;
}

static const char *cell(const table *t, int64_t row, int64_t column)
{
    return t->cell[row * t->width + column];
}

static double number(const table *t, int64_t row, int64_t column)
{
    return strtod(cell(t, row, column), NULL);
}

typedef struct problem {
    medley_runtime *rt;
    csr_owner train, relevant, pairs, labels;
    float user[USERS * USERS], item[ITEMS * USERS], vectors[ITEMS * 2], popularity[ITEMS];
    int64_t count[ITEMS], value_start[ITEMS + 1];
    uint32_t value_index[ITEMS * VALUES_MOST];
    uint8_t head[ITEMS];
    scoring how, primitive;
    item_space space, attributes;
    metric_context context;
} problem;

static void read_matrix(problem *p, const char *name, double from, int kind, csr_owner *out)
{
    static uint32_t user[ROWS_MOST], item[ROWS_MOST];
    static float value[ROWS_MOST];
    table t;
    int64_t n = 0;
    read_table(name, &t);
    for (int64_t r = 0; r < t.rows; r++) {
        const double rating = t.width > 2 ? number(&t, r, 2) : 1;
        if (kind == 0 && rating < from)
            continue;
        user[n] = (uint32_t)number(&t, r, 0);
        item[n] = (uint32_t)number(&t, r, 1);
        value[n++] = (float)(kind == 2 ? rating >= from : rating);
    }
    assert_ok(csr_build(p->rt, USERS, ITEMS, user, item, t.width > 2 ? value : NULL, n, out, err));
    test_read_end(t.bytes);
}

/* <user, item> is the score: users are unit vectors. */
static void read_scores(problem *p, const char *name)
{
    table t;
    read_table(name, &t);
    for (int64_t u = 0; u < USERS; u++) {
        p->user[u * USERS + u] = 1;
        for (int64_t i = 0; i < ITEMS; i++)
            p->item[i * USERS + u] = (float)number(&t, u, i);
    }
    test_read_end(t.bytes);
    p->how =
        (scoring){.form = SCORING_FACTORED, .items = ITEMS, .factors = USERS, .user = p->user, .item = p->item};
}

static void read_items(problem *p)
{
    static const char *const genres[] = {"action", "comedy", "drama", "horror", "romance"};
    table t;
    int64_t n = 0;
    read_table("items.tsv", &t);
    for (int64_t i = 0; i < ITEMS; i++) {
        p->vectors[2 * i] = (float)number(&t, i, 1);
        p->vectors[2 * i + 1] = (float)number(&t, i, 2);
        p->value_start[i] = n;
        for (uint32_t g = 0; g < 5; g++)
            if (strstr(cell(&t, i, 3), genres[g]) != NULL)
                p->value_index[n++] = g;
    }
    p->value_start[ITEMS] = n;
    test_read_end(t.bytes);
    p->space = (item_space){.items = ITEMS, .dimensions = 2, .dense = p->vectors};
    p->attributes = (item_space){
        .items = ITEMS, .dimensions = 5, .sparse = {.view = {ITEMS, 5, p->value_start, p->value_index, NULL}}};
}

static void count_training(problem *p)
{
    metric_context *c = &p->context;
    *c = (metric_context){
        .items = ITEMS,
        .training_pairs = csr_count(&p->train.view),
        .item_count = p->count,
        .least_count = INT64_MAX,
        .train = &p->train.view,
        .head = p->head,
        .relevant_from = 3,
        .known = &p->train.view,
        .space = &p->space,
        .attributes = &p->attributes,
    };
    for (int64_t n = 0; n < c->training_pairs; n++)
        p->count[p->train.index[n]]++;
    for (int i = 0; i < ITEMS; i++) {
        p->popularity[i] = (float)p->count[i];
        if (p->count[i] > 0 && p->count[i] < c->least_count)
            c->least_count = p->count[i];
    }
    for (int u = 0; u < USERS; u++)
        c->training_users += csr_row_count(&p->train.view, u) > 0;
    p->primitive = (scoring){.form = SCORING_FACTORED, .items = ITEMS, .bias = p->popularity};
    assert_ok(short_head_mark(p->rt, p->count, ITEMS, 0.8, p->head, &c->head_items, err));
}

static void read_problem(problem *p, const char *scores, medley_runtime *rt)
{
    *p = (problem){.rt = rt};
    read_matrix(p, "train.tsv", 0, 1, &p->train);
    read_matrix(p, "test.tsv", 3, 0, &p->relevant);
    read_matrix(p, "test.tsv", 3, 1, &p->pairs);
    read_matrix(p, "test.tsv", 3, 2, &p->labels);
    read_scores(p, scores);
    read_items(p);
    count_training(p);
}

static void end_problem(problem *p)
{
    csr_release(&p->train);
    csr_release(&p->relevant);
    csr_release(&p->pairs);
    csr_release(&p->labels);
}

/* Every column of one metric. */
static int64_t columns_of(const metric_class *metric, metric_column *columns)
{
    const int64_t count = metric->no_cutoff ? 1 : CUTOFFS;
    for (int64_t c = 0; c < count; c++)
        columns[c] = (metric_column){metric, metric->no_cutoff ? 0 : cutoffs[c]};
    return count;
}

static void evaluate(const problem *p, const metric_class *metric, const metric_column *columns, int64_t count,
                     evaluation *e)
{
    const bool rates = (metric->needs & METRIC_NEEDS_PREDICTIONS) != 0;
    const csr_owner *targets = !rates                                       ? &p->relevant
                               : (metric->needs & METRIC_NEEDS_SHARES) != 0 ? &p->labels
                                                                            : &p->pairs;
    const evaluation_request request = {
        .how = &p->how,
        .primitive = &p->primitive,
        .targets = &targets->view,
        .excluded = &p->train.view,
        .columns = columns,
        .column_count = count,
        .context = p->context,
    };
    assert_ok((rates ? evaluation_of_pairs : evaluation_run)(p->rt, &request, e, err));
}

/* Checks what is recorded of a case; returns how many values that is. */
static int64_t check_metric(const problem *p, const table *expected, const char *name, const metric_class *metric,
                            int *different)
{
    metric_column columns[CUTOFFS];
    const int64_t count = columns_of(metric, columns);
    evaluation e;
    int64_t found = 0;
    evaluate(p, metric, columns, count, &e);
    for (int64_t r = 0; r < expected->rows; r++)
        for (int64_t c = 0; c < count; c++) {
            char column[96];
            metric_column_name(&columns[c], column, sizeof column);
            if (strcmp(cell(expected, r, 0), name) != 0 || strcmp(cell(expected, r, 1), column) != 0)
                continue;
            found++;
            if (fabs(e.value[c] - number(expected, r, 2)) <= 1e-6) /* NaN is not */
                continue;
            print_error("%s, %s: %.12g, but %s of %s\n", name, column, e.value[c], cell(expected, r, 2),
                        cell(expected, r, 3));
            ++*different;
        }
    evaluation_release(&e);
    return found;
}

static void test_every_metric_is_what_others_say_it_is(void **state)
{
    static problem p;
    static table expected;
    int different = 0;
    (void)state;
    read_table("expected.tsv", &expected);
    for (int threads = 1; threads <= 4; threads *= 4) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        read_problem(&p, "scores.tsv", rt);
        for (int m = 0; metric_classes[m] != NULL; m++)
            if (check_metric(&p, &expected, "scores", metric_classes[m], &different) == 0) {
                print_error("no reference recorded for metric %s: see tools/parity/record_metrics.py\n",
                            metric_classes[m]->name);
                different++;
            }
        end_problem(&p);
        test_runtime_end(rt, &memory);
    }
    test_read_end(expected.bytes);
    assert_int_equal(different, 0);
}

/* scikit-learn averages over orders of equal scores, as we do. */
static void test_tied_scores_are_worth_what_scikit_learn_says(void **state)
{
    static problem p;
    static table expected;
    int different = 0;
    int64_t found = 0;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    (void)state;
    read_table("expected.tsv", &expected);
    read_problem(&p, "tied.tsv", rt);
    for (int m = 0; metric_classes[m] != NULL; m++)
        found += check_metric(&p, &expected, "tied", metric_classes[m], &different);
    end_problem(&p);
    test_runtime_end(rt, &memory);
    test_read_end(expected.bytes);
    assert_int_equal(different, 0);
    assert_int_equal(found, CUTOFFS + 3); /* ndcg, auc, and gauc twice */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_metric_is_what_others_say_it_is),
        cmocka_unit_test(test_tied_scores_are_worth_what_scikit_learn_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
