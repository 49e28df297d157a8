/* Evaluations on disk, for whoever compares them later:
 *
 *   <folder>/metrics.json           what the report says, and "format", "name", "columns": of each its name,
 * value, interval,                                   whether more is better, for how many users it is defined,
 * and its definition   <folder>/per_user.safetensors   value F64 [users, columns] (NaN: not defined), user U32
 * [users] indexes in the store,                                   targets I64 [users], id U8: the users' ids,
 * each ended with a NUL
 *
 * An evaluation of a run lies in <run>/evaluations/<name>. */
#ifndef API_EVALUATION_FILE_H
#define API_EVALUATION_FILE_H

#include "api/judging.h"
#include "io/json.h"
#include "io/safetensors.h"

#define EVALUATION_FORMAT "medley-evaluation-1"
#define EVALUATIONS_FOLDER "evaluations"

/* Writes the folder whole or not at all, replacing an evaluation that is there. `report` holds what
 * judging_tell told; the judging's store must have been opened with names. Fails with E_EXISTS for a folder
 * that holds something else. */
MEDLEY_MUST_USE medley_status evaluation_save(const medley_runtime *rt, const char *folder, const char *name,
                                              const judging *j, const evaluation *e, medley_report *report,
                                              medley_error *err);

typedef struct evaluation_file_column {
    const char *name; /* "ndcg@10" */
    double value;     /* NaN: not defined for anybody */
    double low, high; /* 95 %; NaN: none */
    bool more_is_better, per_user;
    int64_t defined; /* users */
} evaluation_file_column;

/* An evaluation read back; texts and arrays are borrowed from it. */
typedef struct evaluation_file {
    json *root;        /* of metrics.json: protocol facts are in its member "protocol" */
    safetensors *data; /* mapped */
    const char *name, *model, *task, *part;
    const char *split_fingerprint;  /* other digits: another split */
    const char *judged_fingerprint; /* other digits: other targets, users or candidates */
    evaluation_file_column *columns;
    int64_t column_count, users;
    const double *per_user; /* [users, columns] NaN: not defined for this user */
    const uint32_t *user;   /* [users] index in the store, ascending */
    const int64_t *targets; /* [users] */
    const char **user_ids;  /* [users] */
} evaluation_file;

/* Fails with E_NOT_FOUND, E_FORMAT, E_IO, E_NOMEM. Release with evaluation_file_release. */
MEDLEY_MUST_USE medley_status evaluation_load(const medley_runtime *rt, const char *folder, evaluation_file *out,
                                              medley_error *err);
void evaluation_file_release(evaluation_file *f);

/* The position of a column by name, or -1. */
int64_t evaluation_file_find(const evaluation_file *f, const char *column);

#endif
