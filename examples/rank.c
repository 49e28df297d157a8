/* The whole way through the library in one small program: from raw data to recommendations.
 *
 *   cc rank.c $(pkg-config --cflags --libs medley) -o rank && ./rank SCRATCH_FOLDER
 *
 * It makes up a data set in the shape of MovieLens, prepares a store, splits it, fits EASE, judges it
 * on the test part, and ranks films for a known user and for someone who only names films that they
 * liked. With data of your own, leave make_data out and give prepare your folder. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <medley/medley.h>

/* Every call that can fail returns a status and writes one line into the error. */
static void check(medley_status status, const medley_error *error)
{
    if (status == MEDLEY_OK)
        return;
    fprintf(stderr, "rank: %s (%s)\n", error->message, medley_status_name(status));
    exit(1);
}

/* ---- operations: settings in, report out ---- */

typedef medley_status (*operation)(medley_runtime *, medley_config *, medley_report **, medley_error *);

/* Runs an operation with settings of its table, which "medley help train" shows: key, value, ..., NULL. */
static medley_report *run(medley_runtime *runtime, operation op, const char *const *settings)
{
    medley_error error;
    medley_config *config;
    medley_report *report;
    check(medley_config_create(runtime, &config, &error), &error);
    for (; *settings != NULL; settings += 2)
        check(medley_config_set(config, settings[0], settings[1], MEDLEY_FROM_FLAG, NULL, &error), &error);
    check(op(runtime, config, &report, &error), &error);
    medley_config_free(config);
    return report;
}

#define RUN(runtime, op, ...) run(runtime, op, (const char *const[]){__VA_ARGS__, NULL})

static void make_data(medley_runtime *rt)
{
    medley_report_free(RUN(rt, medley_synth, "out", "raw", "users", "500", "items", "200"));
}

static void prepare_and_train(medley_runtime *rt)
{
    medley_report_free(RUN(rt, medley_prepare, "format", "movielens", "input", "raw", "store", "store"));
    medley_report_free(RUN(rt, medley_split, "store", "store", "name", "main", "strategy", "random"));
    medley_report_free(
        RUN(rt, medley_train, "store", "store", "split", "main", "model", "ease", "l2", "50", "run", "run"));
}

/* A report is for people, pipes or machines; single values can be asked for. */
static void evaluate(medley_runtime *rt)
{
    medley_error error;
    const char *text;
    double users;
    medley_report *report = RUN(rt, medley_evaluate, "run", "run", "cutoffs", "10");
    check(medley_report_render(report, MEDLEY_REPORT_TEXT, &text, &error), &error);
    printf("%s", text);
    if (medley_report_number(report, "protocol", 0, "users", &users))
        printf("\nJudged by the test interactions of %.0f users.\n", users);
    medley_report_free(report);
}

/* ---- ranking: an open model, and a ranker for each thread ---- */

enum { LENGTH = 5 };

static void print_list(const medley_store *store, const int64_t *items, const float *scores)
{
    for (int i = 0; i < LENGTH && items[i] >= 0; i++) { /* a short list ends with -1 */
        const char *title = medley_store_item_title(store, items[i]);
        printf("  %d  %-40s %.3f\n", i + 1, title != NULL ? title : medley_store_item_id(store, items[i]),
               (double)scores[i]);
    }
}

static void rank(medley_runtime *rt)
{
    medley_error error;
    medley_model *model;
    medley_ranker *ranker;
    int64_t items[LENGTH];
    float scores[LENGTH];
    check(medley_model_open(rt, "run", NULL, &model, &error), &error);
    check(medley_ranker_create(model, &ranker, &error), &error);
    const medley_store *store = medley_model_store(model); /* maps ids to indexes and back */

    const int64_t user = medley_store_user_index(store, "42");
    check(medley_ranker_rank(ranker, &user, 1, LENGTH, items, scores, &error), &error);
    printf("\nFor user 42:\n");
    print_list(store, items, scores);

    /* Nobody of the store: only what they liked is known. */
    const int64_t liked[] = {medley_store_item_index(store, "3"), medley_store_item_index(store, "10")};
    check(medley_ranker_rank_history(ranker, &(medley_history){.items = liked, .count = 2}, LENGTH, items, scores,
                                     &error),
          &error);
    printf("\nFor someone who liked '%s' and '%s':\n", medley_store_item_title(store, liked[0]),
           medley_store_item_title(store, liked[1]));
    print_list(store, items, scores);

    medley_ranker_free(ranker);
    medley_model_free(model);
}

int main(int argc, char **argv)
{
    medley_error error;
    medley_runtime *runtime;
    if (argc != 2 || chdir(argv[1]) != 0) {
        fprintf(stderr, "usage: rank SCRATCH_FOLDER\n");
        return 2;
    }
    check(medley_runtime_create(NULL, &runtime, &error), &error);
    make_data(runtime);
    prepare_and_train(runtime);
    evaluate(runtime);
    rank(runtime);
    medley_runtime_free(runtime);
    return 0;
}
