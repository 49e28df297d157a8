/* Stores made for tests, from rows written in the test, without the public API. */
#ifndef TESTS_MADE_STORE_H
#define TESTS_MADE_STORE_H

#include "testing.h"

#include "data/prepare.h"
#include "data/split.h"
#include "data/store.h"
#include "io/file.h"

enum { MADE_VALUES = 1024 }; /* bytes of a reader's settings */

static inline const reader_class *made_reader(const char *name)
{
    for (const reader_class *const *r = reader_classes; *r != NULL; r++)
        if (strcmp((*r)->name, name) == 0)
            return *r;
    fail_msg("no reader '%s'", name);
    return NULL;
}

/* Sets one key of `table`, or of `other`. */
static inline medley_status made_set(const medley_param *table, void *values, const medley_param *other,
                                     void *other_values, const char *key, const char *value, medley_error *err)
{
    const medley_param *p = medley_param_find(table, key);
    return p != NULL ? medley_param_set(p, values, value, err)
                     : medley_param_set(medley_param_find(other, key), other_values, value, err);
}

/* medley prepare --format F --input I --store S key value ...; settings end with NULL, or are NULL. */
static inline medley_status made_prepare(const medley_runtime *rt, const char *format, const char *input,
                                         const char *store, const char *const *settings, medley_report *report,
                                         medley_error *err)
{
    _Alignas(16) char values[MADE_VALUES] = {0};
    prepare_params p;
    medley_report *own = NULL;
    const reader_class *reader = made_reader(format);
    assert_true(reader->params_size <= sizeof values);
    medley_params_reset(prepare_table, &p);
    medley_params_reset(reader->params, values);
    p.format = format;
    p.input = input;
    p.store = store;
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(made_set(prepare_table, &p, reader->params, values, settings[0], settings[1], err));
    if (report == NULL)
        TRY(report_create(rt, &own, err));
    const medley_status status = prepare_run(rt, &p, reader, values, report != NULL ? report : own, err);
    medley_report_free(own);
    return status;
}

/* A store in `store` from a delimited text, which is written to `store`.csv. */
static inline medley_status made_store(const medley_runtime *rt, const char *store, const char *rows,
                                       const char *const *settings, medley_error *err)
{
    char input[8400];
    snprintf(input, sizeof input, "%s.csv", store);
    test_write_text(input, rows);
    return made_prepare(rt, "delimited", input, store, settings, NULL, err);
}

static inline const split_class *made_strategy(const char *name)
{
    for (const split_class *const *s = split_classes; *s != NULL; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    fail_msg("no strategy '%s'", name);
    return NULL;
}

/* medley split --store S with what `p` says, and key value ...; settings end with NULL, or are NULL. */
static inline medley_status made_split(const medley_store *store, const split_params *p,
                                       const char *const *settings, medley_report *report, medley_error *err)
{
    _Alignas(16) char values[MADE_VALUES] = {0};
    const split_class *class = made_strategy(p->strategy);
    medley_report *own = NULL;
    assert_true(class->params_size <= sizeof values);
    medley_params_reset(class->params, values);
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(medley_param_set(medley_param_find(class->params, settings[0]), values, settings[1], err));
    if (report == NULL)
        TRY(report_create(store->rt, &own, err));
    const medley_status status = split_run(store, p, class, values, report != NULL ? report : own, err);
    medley_report_free(own);
    return status;
}

/* One thing that is wrong with a file of a folder, and what opening the folder then says. */
typedef struct damage {
    const char *name;
    const char *from, *to; /* to NULL: the file is gone; from NULL: cut to half; else the first `from` is `to` */
    medley_status status;
    const char *want;
} damage;

static inline void damage_apply(const medley_runtime *rt, const char *folder, const damage *d)
{
    char path[4200];
    size_t length;
    snprintf(path, sizeof path, "%s/%s", folder, d->name);
    char *bytes = test_read(path, &length);
    assert_ok(file_remove_tree(rt, path, err));
    if (d->to != NULL && d->from == NULL) {
        test_write(path, bytes, length / 2);
    } else if (d->to != NULL) {
        const char *at = strstr(bytes, d->from);
        text changed = {.rt = rt};
        assert_non_null(at);
        text_append(&changed, bytes, (size_t)(at - bytes));
        text_add(&changed, d->to);
        text_add(&changed, at + strlen(d->from));
        test_write(path, changed.bytes, (size_t)changed.length);
        text_release(&changed);
    }
    test_read_end(bytes);
}

#endif
