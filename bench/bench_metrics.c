/* Metrics of given lists: precision, recall, hr, mrr, map and ndcg at 5, 10 and 20 for all users.
 *
 *   bench_metrics [threads] FOLDER [times]
 *
 * FOLDER/lists.npy u32 [users, length] best first, FOLDER/targets.npy u32 [users, targets] ascending, FOLDER/items.npy
 * i64 [1]: the number of items. Prints a line a value, then "seconds" with the best time. See peer_metrics.py.
 */
#include "measure.h"

#include "eval/evaluation.h"

static const char *const names[] = {"precision", "recall", "hr", "mrr", "map", "ndcg"};
static const int64_t cutoffs[] = {5, 10, 20};
enum { NAMES = 6, CUTOFFS = 3, COLUMNS = NAMES * CUTOFFS };

typedef struct problem {
    npy lists, targets, items;
    int64_t *start, *target_start;
    float *score;
    csr relevant, none;
    int64_t *no_start;
    int64_t *item_count;
    metric_column columns[COLUMNS];
} problem;

static const metric_class *metric_named(const char *name)
{
    const metric_class *const *m = metric_classes;
    while (strcmp((*m)->name, name) != 0)
        m++;
    return *m;
}

static medley_status start_rows(const medley_runtime *rt, int64_t rows, int64_t each, int64_t **out,
                                medley_error *err)
{
    TRY(mem_alloc(rt, rows + 1, sizeof **out, out, err));
    for (int64_t r = 0; r <= rows; r++)
        (*out)[r] = r * each;
    return MEDLEY_OK;
}

static medley_status open_problem(const medley_runtime *rt, const char *folder, problem *p, medley_error *err)
{
    static const char *const files[] = {"lists.npy", "targets.npy", "items.npy"};
    npy *const arrays[] = {&p->lists, &p->targets, &p->items};
    for (int i = 0; i < 3; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        TRY(npy_open(path, arrays[i], err));
    }
    const int64_t users = p->lists.rows, items = *(const int64_t *)p->items.data;
    TRY(start_rows(rt, users, p->lists.columns, &p->start, err));
    TRY(start_rows(rt, users, p->targets.columns, &p->target_start, err));
    TRY(start_rows(rt, users, 0, &p->no_start, err));
    TRY(mem_alloc_zero(rt, users * p->lists.columns, sizeof *p->score, &p->score, err));
    TRY(mem_alloc_zero(rt, items, sizeof *p->item_count, &p->item_count, err));
    p->relevant = (csr){users, items, p->target_start, p->targets.data, NULL};
    p->none = (csr){users, items, p->no_start, NULL, NULL};
    for (int n = 0; n < COLUMNS; n++)
        p->columns[n] = (metric_column){metric_named(names[n / CUTOFFS]), cutoffs[n % CUTOFFS]};
    return MEDLEY_OK;
}

static void close_problem(problem *p)
{
    npy_release(&p->lists);
    npy_release(&p->targets);
    npy_release(&p->items);
    mem_free(p->start);
    mem_free(p->target_start);
    mem_free(p->no_start);
    mem_free(p->score);
    mem_free(p->item_count);
}

static medley_status measure(const medley_runtime *rt, const problem *p, int64_t times, medley_error *err)
{
    const evaluation_request request = {
        .targets = &p->relevant,
        .columns = p->columns,
        .column_count = COLUMNS,
        .context = {.items = p->relevant.columns,
                    .item_count = p->item_count,
                    .train = &p->none,
                    .known = &p->none},
    };
    const given_lists lists = {p->start, p->lists.data, p->score, NULL};
    double best = 1e9;
    for (int64_t t = 0; t < times; t++) {
        evaluation e;
        const double start = now();
        TRY(evaluation_of_lists(rt, &request, &lists, &e, err));
        const double seconds = now() - start;
        best = seconds < best ? seconds : best;
        for (int n = 0; n < COLUMNS && t == 0; n++)
            fprintf(stdout, "%s@%lld %.15g\n", names[n / CUTOFFS], (long long)cutoffs[n % CUTOFFS], e.value[n]);
        evaluation_release(&e);
    }
    fprintf(stdout, "seconds %.6f\n", best);
    return MEDLEY_OK;
}

int main(int argc, char **argv)
{
    medley_runtime *rt;
    medley_error error = {MEDLEY_OK, ""};
    problem p = {0};
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 1, 2)};
    medley_status status = medley_runtime_create(&options, &rt, &error);
    if (status != MEDLEY_OK || argc < 3) {
        fprintf(stderr, "bench_metrics: %s\n", argc < 3 ? "bench_metrics THREADS FOLDER [TIMES]" : error.message);
        return 1;
    }
    status = open_problem(rt, argv[2], &p, &error);
    if (status == MEDLEY_OK)
        status = measure(rt, &p, argument(argc, argv, 3, 5), &error);
    if (status != MEDLEY_OK)
        fprintf(stderr, "bench_metrics: %s\n", error.message);
    close_problem(&p);
    medley_runtime_free(rt);
    return status != MEDLEY_OK;
}
