/* Evaluation, recommend and the C API rank through one path: their lists are equal. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include <medley/medley.h>

#include "api/model_access.h"
#include "quick_models.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

enum { USERS = 120, ITEMS = 60, K = 10 };

#include "run_operation.h"

/* The models of the registry, whatever they are; NULL behind the last. */
static const char *model_at(int64_t index)
{
    medley_entry model;
    return medley_registry_entry("models", index, &model) ? model.name : NULL;
}

/* The run of a model on the split `random` or `last`; valid until the next call. */
static const char *run_of(const char *split, const char *model)
{
    static char path[64];
    snprintf(path, sizeof path, "/%s-%s", split, model);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    RUN(medley_synth, NULL, "out", "/raw", "users", "120", "items", "60", "interactions_per_user", "9", "genres",
        "4");
    RUN(medley_prepare, NULL, "format", "movielens", "input", "/raw", "store", "/store");
    write_vectors(test_path(folder, "vectors.csv"), ITEMS);
    RUN(medley_features_import, NULL, "store", "/store", "name", "features", "input", "/vectors.csv");
    RUN(medley_split, NULL, "store", "/store", "name", "random", "strategy", "random", "test_ratio", "0.3",
        "val_ratio", "0.3");
    /* Users of few interactions have all of them in training. */
    RUN(medley_split, NULL, "store", "/store", "name", "last", "strategy", "leave_one_out", "min_train", "7");
    const char *model;
    for (int64_t m = 0; (model = model_at(m)) != NULL; m++) {
        const char *const epochs = quick_epochs(model), *const key = epochs != NULL ? "epochs" : NULL;
        RUN(medley_train, NULL, "store", "/store", "split", "random", "model", model, "run",
            run_of("random", model), key, epochs);
        RUN(medley_train, NULL, "store", "/store", "split", "last", "model", model, "run", run_of("last", model),
            key, epochs);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

/* The recommendations of one user begin at this row of the report, or -1. */
static int64_t rows_of(const medley_report *r, const char *user)
{
    for (int64_t row = 0; row < medley_report_rows(r, "recommendations"); row++)
        if (strcmp(medley_report_text(r, "recommendations", row, "user"), user) == 0)
            return row;
    return -1;
}

/* Every line of the file that evaluate wrote is the row of the same user and rank in the report. */
static int64_t compare_file(const char *path, const medley_report *r)
{
    char *bytes = test_read(path, NULL), *line = bytes, *end, user[64] = "";
    int64_t lines = 0, row = -1;
    assert_memory_equal(bytes, "user\trank\titem\tscore\ttitle\n", 27);
    for (line += 27; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++, row++) {
        char of[64], item[64], score[64];
        int rank;
        double rank_there, score_there;
        assert_int_equal(sscanf(line, "%63[^\t]\t%d\t%63[^\t]\t%63[^\t]", of, &rank, item, score), 4);
        if (strcmp(of, user) != 0)
            row = rows_of(r, of);
        snprintf(user, sizeof user, "%s", of);
        assert_true(row >= 0);
        assert_string_equal(medley_report_text(r, "recommendations", row, "user"), of);
        assert_string_equal(medley_report_text(r, "recommendations", row, "item"), item);
        assert_true(medley_report_number(r, "recommendations", row, "rank", &rank_there) &&
                    (int)rank_there == rank);
        assert_true(medley_report_number(r, "recommendations", row, "score", &score_there));
        assert_true((float)score_there == strtof(score, NULL));
    }
    test_read_end(bytes);
    return lines;
}

/* part, and the interactions that are known before it. */
static void compare_evaluate(const char *run_path, const char *part, const char *known, const char *seed)
{
    medley_report *lists, *judged;
    double users;
    RUN(medley_evaluate, &judged, "run", run_path, "part", part, "cutoffs", "3,10", "recs", "/recs.tsv", "seed",
        seed);
    RUN(medley_recommend, &lists, "run", run_path, "all", "true", "known", known, "top_k", "10", "seed", seed);
    assert_true(medley_report_number(judged, "protocol", 0, "users", &users) && users > USERS / 6);
    assert_int_equal(compare_file(test_path(folder, "recs.tsv"), lists), (int64_t)users * K);
    medley_report_free(lists);
    medley_report_free(judged);
}

static void test_the_lists_that_evaluate_judges_are_those_of_recommend(void **state)
{
    (void)state;
    const char *model;
    for (int64_t m = 0; (model = model_at(m)) != NULL; m++)
        for (int s = 0; s < 2; s++) {
            const char *const path = run_of(s == 0 ? "random" : "last", model);
            compare_evaluate(path, "test", "train_val", "0");
            compare_evaluate(path, "test", "train_val", "77"); /* the tie hash has the seed */
            compare_evaluate(path, "val", "train", "0");
        }
}

/* The ranker knows all of the store; for users who have nothing held out that is what training knows. */
static void test_lists_of_the_ranker_are_those_of_recommend_for_users_with_nothing_held_out(void **state)
{
    (void)state;
    const char *name;
    for (int64_t m = 0; (name = model_at(m)) != NULL; m++) {
        const char *const path = run_of("last", name);
        medley_report *lists;
        medley_model *model;
        medley_ranker *ranker;
        csr_owner before;
        int64_t compared = 0;
        RUN(medley_recommend, &lists, "run", path, "all", "true", "known", "train_val", "top_k", "10");
        assert_ok(medley_model_open(rt, test_path(folder, path + 1), NULL, &model, err));
        assert_ok(medley_ranker_create(model, &ranker, err));
        assert_ok(model_known(model, KNOWN_BEFORE_TEST, &before, err));
        for (int64_t u = 0; u < USERS; u++) {
            int64_t items[K], row = rows_of(lists, medley_store_user_id(medley_model_store(model), u));
            float scores[K];
            double score;
            if (csr_row_count(&before.view, u) != csr_row_count(&model->known.view, u))
                continue;
            assert_ok(medley_ranker_rank(ranker, &u, 1, K, items, scores, err));
            for (int64_t i = 0; i < K; i++, row++) {
                assert_string_equal(medley_report_text(lists, "recommendations", row, "item"),
                                    medley_store_item_id(medley_model_store(model), items[i]));
                assert_true(medley_report_number(lists, "recommendations", row, "score", &score) &&
                            (float)score == scores[i]);
            }
            compared++;
        }
        assert_true(compared > 5 && compared < USERS - 5);
        csr_release(&before);
        medley_ranker_free(ranker);
        medley_model_free(model);
        medley_report_free(lists);
    }
}

/* The list of a stranger with a user's history is the user's, as far as ties do not order it; returns how many places
 * were compared. */
static int64_t compare_history(medley_ranker *ranker, const medley_model *model, const histories *known, int64_t u,
                               const medley_report *lists)
{
    int64_t history[4 * ITEMS], items[K + 1], compared = 0;
    float scores[K + 1];
    const int64_t start = known->start[u], count = known->start[u + 1] - start;
    const int64_t row = rows_of(lists, medley_store_user_id(medley_model_store(model), u));
    assert_true(count <= 4 * ITEMS && row >= 0);
    for (int64_t i = 0; i < count; i++)
        history[i] = known->item[start + i];
    const medley_history of_stranger = {history, known->rating + start, known->timestamp + start, count};
    assert_ok(medley_ranker_rank_history(ranker, &of_stranger, K + 1, items, scores, err));
    for (int64_t i = 0; i < K; i++) {
        double score;
        const char *item = medley_report_text(lists, "recommendations", row + i, "item");
        assert_true(medley_report_number(lists, "recommendations", row + i, "score", &score));
        assert_true((float)score == scores[i]);
        if ((i > 0 && scores[i - 1] == scores[i]) || scores[i + 1] == scores[i])
            continue;
        assert_string_equal(item, medley_store_item_id(medley_model_store(model), items[i]));
        compared++;
    }
    return compared;
}

/* A model that knows nobody but those it was trained on says so. */
static void refuse_a_stranger(medley_ranker *ranker, const char *name)
{
    static const int64_t history[] = {0, 1};
    char want[128];
    int64_t item;
    float score;
    snprintf(want, sizeof want, "history: model %s ranks only for users it was trained on", name);
    assert_fails(
        medley_ranker_rank_history(ranker, &(medley_history){.items = history, .count = 2}, 1, &item, &score, err),
        MEDLEY_E_ARGUMENT, want);
}

/* From a history the person is nobody of the store, so that only ties may be ordered in another way. */
static void test_lists_from_a_history_are_those_that_evaluate_judges(void **state)
{
    (void)state;
    const char *name;
    for (int64_t m = 0; (name = model_at(m)) != NULL; m++) {
        const char *const path = run_of("random", name);
        medley_report *lists;
        medley_model *model;
        medley_ranker *ranker;
        histories_owner before;
        int64_t compared = 0;
        RUN(medley_recommend, &lists, "run", path, "all", "true", "known", "train_val", "top_k", "10");
        assert_ok(medley_model_open(rt, test_path(folder, path + 1), NULL, &model, err));
        assert_ok(medley_ranker_create(model, &ranker, err));
        assert_ok(model_histories(model, KNOWN_BEFORE_TEST, &before, err));
        const bool strangers = model->file.class->encode != NULL || model->how.user == NULL;
        for (int64_t u = 0; strangers && u < USERS; u++)
            compared += compare_history(ranker, model, &before.view, u, lists);
        if (!strangers)
            refuse_a_stranger(ranker, name);
        /* These two tie most items: the scores were compared. */
        assert_true(compared > USERS || !strangers || strcmp(name, "random") == 0 ||
                    strcmp(name, "recent_popularity") == 0);
        histories_release(&before);
        medley_ranker_free(ranker);
        medley_model_free(model);
        medley_report_free(lists);
    }
}

static void test_the_file_of_recommend_holds_the_lists_of_its_report(void **state)
{
    (void)state;
    medley_report *lists;
    const char *table;
    RUN(medley_recommend, &lists, "run", "/random-ease", "all", "true");
    assert_ok(medley_report_render(lists, MEDLEY_REPORT_TSV, &table, err));
    RUN(medley_recommend, NULL, "run", "/random-ease", "all", "true", "out", "/lists.tsv");
    char *bytes = test_read(test_path(folder, "lists.tsv"), NULL);
    assert_string_equal(bytes, table);
    test_read_end(bytes);
    medley_report_free(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_lists_that_evaluate_judges_are_those_of_recommend),
        cmocka_unit_test(test_lists_of_the_ranker_are_those_of_recommend_for_users_with_nothing_held_out),
        cmocka_unit_test(test_lists_from_a_history_are_those_that_evaluate_judges),
        cmocka_unit_test(test_the_file_of_recommend_holds_the_lists_of_its_report),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
