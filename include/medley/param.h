/* Parameter tables: one row declares a parameter; defaults, checks, help, YAML keys, flags,
 * documentation, JSON schema and search space are all products of that row. */
#ifndef MEDLEY_PARAM_H
#define MEDLEY_PARAM_H

#include <medley/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum medley_param_kind {
    MEDLEY_PARAM_END = 0,
    MEDLEY_PARAM_INT,  /* int64_t */
    MEDLEY_PARAM_REAL, /* double, finite */
    MEDLEY_PARAM_BOOL, /* bool: true|false */
    MEDLEY_PARAM_ENUM, /* int: index into the choices */
    MEDLEY_PARAM_TEXT, /* const char *: borrowed from whoever resolved the table */
} medley_param_kind;

enum {
    MEDLEY_PARAM_REQUIRED = 1,  /* has no default: must be given */
    MEDLEY_PARAM_PATH = 2,      /* a TEXT that names a file or folder (completion) */
    MEDLEY_PARAM_TRANSIENT = 4, /* about this call alone: says nothing of what is made */
    MEDLEY_PARAM_FEATURES = 8,  /* a TEXT that names feature matrices of the store: "visual", "visual:2,textual" */
};

typedef struct medley_param {
    const char *name; /* key in YAML and --set; the flag is the same with '-' for '_' */
    medley_param_kind kind;
    size_t offset;       /* of the field in the values struct */
    const char *preset;  /* the default, written as a user would write it; NULL if REQUIRED */
    double min, max;     /* inclusive range of INT and REAL */
    const char *choices; /* ENUM: "a|b|c" */
    const char *sweep;   /* default search space: "32,64" or "log:1e-6..1e-2"; NULL: not searched */
    const char *help;    /* one phrase, lower case, no final stop */
    int flags;
} medley_param;

/* clang-format off */
/* Ties a row to a field: when the field's type and the row's kind differ, it does not compile. */
#ifndef __cplusplus
#define MEDLEY_FIELD(type, owner, field) _Generic(((owner *)0)->field, type: offsetof(owner, field))
#define MEDLEY_INT(owner, field, preset_, min_, max_, ...)                                   \
    {.name = #field, .kind = MEDLEY_PARAM_INT, .offset = MEDLEY_FIELD(int64_t, owner, field), \
     .preset = preset_, .min = min_, .max = max_, __VA_ARGS__}
#define MEDLEY_REAL(owner, field, preset_, min_, max_, ...)                                  \
    {.name = #field, .kind = MEDLEY_PARAM_REAL, .offset = MEDLEY_FIELD(double, owner, field), \
     .preset = preset_, .min = min_, .max = max_, __VA_ARGS__}
#define MEDLEY_BOOL(owner, field, preset_, ...)                                             \
    {.name = #field, .kind = MEDLEY_PARAM_BOOL, .offset = MEDLEY_FIELD(bool, owner, field), \
     .preset = preset_, __VA_ARGS__}
#define MEDLEY_ENUM(owner, field, preset_, choices_, ...)                                  \
    {.name = #field, .kind = MEDLEY_PARAM_ENUM, .offset = MEDLEY_FIELD(int, owner, field), \
     .preset = preset_, .choices = choices_, __VA_ARGS__}
#define MEDLEY_TEXT(owner, field, preset_, ...)                                                     \
    {.name = #field, .kind = MEDLEY_PARAM_TEXT, .offset = MEDLEY_FIELD(const char *, owner, field), \
     .preset = preset_, __VA_ARGS__}
#define MEDLEY_PARAMS_END {.kind = MEDLEY_PARAM_END}
#endif
/* clang-format on */

/* The row called `name`, or NULL. '-' and '_' are the same in `name`. table may be NULL. */
MEDLEY_API const medley_param *medley_param_find(const medley_param *table, const char *name);

/* Stores `text` into the row's field of `values`, or says why not:
 * "neighbours: 0 is outside 1..100000". TEXT fields borrow `text`. Fails with E_CONFIG. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_param_set(const medley_param *param, void *values,
                                                          const char *text, medley_error *err);

/* Sets every field to its default; REQUIRED ones to zero. */
MEDLEY_API void medley_params_reset(const medley_param *table, void *values);

/* Writes the row's value as the user would write it. Returns its length as snprintf does. */
MEDLEY_API int medley_param_format(const medley_param *param, const void *values, char *text, size_t size);

/* Writes "1..4096", "a|b|c", "true|false" or "text": what the row accepts. As snprintf. */
MEDLEY_API int medley_param_accepts(const medley_param *param, char *text, size_t size);

/* The candidate nearest to `word`, for "did you mean"; NULL when none is near. */
MEDLEY_API const char *medley_nearest(const char *word, const char *const *candidates, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
