/* Running operations of the public API in tests, and comparing what they leave on the disk. */
#ifndef TESTS_OPERATE_H
#define TESTS_OPERATE_H

#include "testing.h"

#include <medley/medley.h>

#include "base/base.h"
#include "io/file.h"

typedef medley_status (*operation)(medley_runtime *, medley_config *, medley_report **, medley_error *);

/* Runs with settings "key=value", which end with NULL. *report is NULL when it fails. */
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
        status = medley_config_set(config, key, value + 1, MEDLEY_FROM_FLAG, NULL, err);
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
    const char *settings[12];
} step;

static const step whole_way[] = {
    {"synth",
     medley_synth,
     {"out=raw", "users=40", "items=12", "genres=3", "interactions_per_user=4", "force=true"}},
    {"prepare",
     medley_prepare,
     {"format=movielens", "input=raw", "store=store", "rating_threshold=1", "min_user_interactions=2",
      "duplicates=last", "force=true"}},
    {"stats", medley_stats, {"store=store", "plot=plot.svg"}},
    {"split by time", medley_split, {"store=store", "name=late", "strategy=temporal", "force=true"}},
    {"split at random", medley_split, {"store=store", "name=main", "strategy=random", "force=true"}},
    {"train popularity",
     medley_train,
     {"store=store", "split=main", "model=popularity", "run=popular", "force=true"}},
    {"train itemknn", medley_train, {"store=store", "split=main", "model=itemknn", "run=knn", "force=true"}},
    {"train ease", medley_train, {"store=store", "split=main", "model=ease", "run=ease", "force=true"}},
    {"evaluate", medley_evaluate, {"run=ease", "per_user=users.tsv", "recs=recs.tsv"}},
    {"evaluate sparsely", medley_evaluate, {"run=knn", "task=next_item", "part=val", "cutoffs=1,3"}},
    {"recommend", medley_recommend, {"run=ease", "users=1,2", "top_k=3"}},
    {"recommend to a file", medley_recommend, {"run=knn", "all=true", "out=lists.tsv"}},
};
enum { WHOLE_WAY = sizeof whole_way / sizeof *whole_way };

/* Writes separate files, each of which is whole or not there. */
static inline bool writes_several(const step *s)
{
    return s->run == medley_evaluate;
}

#endif
