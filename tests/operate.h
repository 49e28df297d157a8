/* Running operations of the public API in tests, and comparing what they leave on the disk. */
#ifndef TESTS_OPERATE_H
#define TESTS_OPERATE_H

#include "testing.h"

#include <medley/medley.h>

#include "base/base.h"
#include "io/file.h"

typedef medley_status (*operation)(medley_runtime *, medley_config *, medley_report **, medley_error *);

/* Runs with settings "key=value", which end with NULL; "config=FILE" reads a file of them. *report is NULL when it
 * fails. */
static inline medley_status operate(medley_runtime *rt, operation run, const char *const *settings,
                                    medley_report **report, medley_error *err)
{
    medley_config *config;
    *report = NULL;
    TRY(medley_config_create(rt, &config, err));
    medley_status status = MEDLEY_OK;
    for (; *settings != NULL && status == MEDLEY_OK; settings++) {
        char key[64];
        const char *value = strchr(*settings, '=');
        snprintf(key, sizeof key, "%.*s", (int)(value - *settings), *settings);
        status = strcmp(key, "config") == 0
                     ? medley_config_load(config, value + 1, err)
                     : medley_config_set(config, key, value + 1, MEDLEY_FROM_FLAG, NULL, err);
    }
    if (status == MEDLEY_OK)
        status = run(rt, config, report, err);
    assert_int_equal(status == MEDLEY_OK, *report != NULL);
    medley_config_free(config);
    return status;
}

/* Appends every file and folder below `folder`, with what files hold: equal texts are equal trees. */
static inline void list_tree(const char *folder, text *out)
{
    char **names;
    int64_t count;
    assert_ok(file_list(out->rt, folder, &names, &count, err));
    for (int64_t i = 0; i < count; i++) {
        char *path;
        assert_ok(file_join(out->rt, folder, names[i], &path, err));
        text_format(out, "%s\n", path);
        if (file_is_folder(path)) {
            list_tree(path, out);
        } else {
            size_t length;
            uint64_t hash = 0;
            char *bytes = test_read(path, &length);
            for (size_t at = 0; at < length; at++)
                hash = (hash ^ (unsigned char)bytes[at]) * 0x100000001b3u;
            text_format(out, "  %zu bytes, %016llx\n", length, (unsigned long long)mix64(hash));
            test_read_end(bytes);
        }
        mem_free(path);
    }
    file_names_free(names, count);
    assert_ok(text_status(out, err));
}

/* The whole way on a tiny data set, in the current folder; each step can be run again over its own output. */
typedef struct step {
    const char *name;
    operation run;
    const char *settings[14];
    bool writes_several; /* separate files, each of which is whole or not there */
} step;

static const step whole_way[] = {
    {"synth",
     medley_synth,
     {"out=raw", "users=40", "items=12", "genres=3", "interactions_per_user=4", "force=true"},
     false},
    {"prepare",
     medley_prepare,
     {"format=movielens", "input=raw", "store=store", "rating_threshold=1", "min_user_interactions=2",
      "duplicates=last", "force=true"},
     false},
    {"stats", medley_stats, {"store=store", "plot=plot.svg"}, false},
    {"split by time", medley_split, {"store=store", "name=late", "strategy=temporal", "force=true"}, false},
    {"split at random", medley_split, {"store=store", "name=main", "strategy=random", "force=true"}, false},
    {"train popularity",
     medley_train,
     {"store=store", "split=main", "model=popularity", "run=popular", "force=true"},
     false},
    {"train itemknn",
     medley_train,
     {"store=store", "split=main", "model=itemknn", "run=knn", "force=true"},
     false},
    {"train ease", medley_train, {"store=store", "split=main", "model=ease", "run=ease", "force=true"}, false},
    {"evaluate", medley_evaluate, {"run=ease", "per_user=users.tsv", "recs=recs.tsv", "intervals=5"}, true},
    {"evaluate sparsely",
     medley_evaluate,
     {"run=knn", "task=next_item", "part=val", "cutoffs=1,3", "intervals=0"},
     true},
    {"recommend", medley_recommend, {"run=ease", "users=1,2", "top_k=3"}, false},
    {"recommend to a file", medley_recommend, {"run=knn", "all=true", "out=lists.tsv"}, false},
};
enum { WHOLE_WAY = sizeof whole_way / sizeof *whole_way };

/* What else can be done where the whole way was gone; not fetch, which keeps what it has (operation_fetch_test.c), nor
 * estimate, which measures the machine (job_cost_test.c). */
static const step side_ways[] = {
    {"evaluate to compare", medley_evaluate, {"run=knn", "metrics=ndcg,hr", "intervals=5"}, true},
    {"evaluate lists",
     medley_evaluate,
     {"recs_from=recs.tsv", "store=store", "split=main", "out=given", "per_user=given.tsv", "recs=again.tsv",
      "recs_format=trec", "metrics=ndcg,recall", "intervals=5"},
     true},
    {"evaluate in a space",
     medley_evaluate,
     {"run=popular", "task=beyond_accuracy", "space=text", "attribute=genres", "cutoffs=3", "intervals=0"},
     true},
    {"compare",
     medley_compare,
     {"runs=ease,knn", "evaluation=retrieval-test", "metrics=ndcg", "resamples=5", "out=comparison", "force=true"},
     false},
    {"similar", medley_similar, {"run=knn", "items=1", "top_k=3", "out=similar.tsv"}, false},
    {"train factors",
     medley_train,
     {"store=store", "split=main", "model=ials", "factors=2", "epochs=1", "run=factors", "force=true"},
     false},
    {"embed", medley_embed, {"run=factors", "out=vectors", "force=true"}, false},
    {"embed as tensors",
     medley_embed,
     {"run=factors", "out=tensors", "format=safetensors", "known=all", "force=true"},
     false},
    {"import features",
     medley_features_import,
     {"store=store", "name=x", "input=vectors/items.csv", "force=true"},
     true},
    {"import tensors",
     medley_features_import,
     {"store=store", "name=y", "input=tensors/items.safetensors", "tensor=vectors", "force=true"},
     true},
    {"list features", medley_features_list, {"store=store"}, false},
    {"show features", medley_features_show, {"store=store", "name=x"}, false},
    {"similar in a space", medley_similar, {"store=store", "space=text", "items=1", "top_k=2"}, false},
    {"recommend to people",
     medley_recommend,
     {"run=knn", "history_file=people.tsv", "candidates=items.txt",
      "where=genres has \"Action\" or popularity > 0", "diversity=0.5", "space=attribute:genres", "top_k=2",
      "out=people.jsonl", "out_format=jsonl"},
     false},
    {"prepare to grow", medley_prepare, {"format=movielens", "input=raw", "store=grown", "force=true"}, false},
    {"append",
     medley_prepare,
     {"format=movielens", "input=raw", "store=grown", "append=true", "force=true"},
     false},
    {"split in folds",
     medley_split,
     {"store=store", "name=cv", "strategy=k_fold", "folds=2", "force=true"},
     false},
    {"sweep",
     medley_sweep,
     {"store=store", "split=main", "out=sweep", "models=popularity,itemknn", "trials=2", "search=random"},
     true},
    {"experiment",
     medley_experiment,
     {"out=experiment", "prepare.format=movielens", "prepare.input=raw", "split.name=try",
      "split.strategy=leave_one_out", "models=popularity,baseline", "sweep.trials=1", "evaluate.metrics=ndcg",
      "evaluate.intervals=2", "compare.resamples=2"},
     true},
};
enum { SIDE_WAYS = sizeof side_ways / sizeof *side_ways };

/* The files that side_ways reads besides what the whole way made. */
static inline void write_requests(void)
{
    test_write_text("people.tsv", "ann\t1\t4\nann\t2\t5\nbob\t3\t1\n");
    test_write_text("items.txt", "1\n2\n3\n4\n5\n");
}

#endif
