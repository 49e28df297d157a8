/* trials.tsv: every trial of a sweep, written as soon as it is judged, so that what is known survives whatever
 * happens. Columns: model, trial, state, value, seconds, settings, message, best_epoch, key. */
#ifndef TRAIN_TRIAL_LOG_H
#define TRAIN_TRIAL_LOG_H

#include <pthread.h>

#include "train/study.h"

typedef struct trial_record {
    const char *model, *settings;
    const char *key; /* of everything else that its value depends on */
    int64_t trial;
    study_trial outcome;
} trial_record;

typedef struct trial_log {
    const medley_runtime *rt;
    const char *path; /* borrowed */
    arena texts;
    trial_record *records;
    int64_t count, capacity;
    pthread_mutex_t lock;
} trial_log;

/* Reads the file if there is one; otherwise the log is empty. Fails with E_FORMAT for a file that is none of ours.
 * End it with trial_log_close, also after a failure. */
MEDLEY_MUST_USE medley_status trial_log_open(const medley_runtime *rt, const char *path, trial_log *out,
                                             medley_error *err);
void trial_log_close(trial_log *log);

/* Whether a trial of this model, key and settings is known; then its outcome. One that did not fit into memory is
 * not: there may be more of it now. Both may be called from several threads. */
bool trial_log_find(trial_log *log, const char *model, const char *key, const char *settings, study_trial *out);
/* Adds a record, whose texts are copied, and replaces the file. */
MEDLEY_MUST_USE medley_status trial_log_add(trial_log *log, const trial_record *record, medley_error *err);

/* Replaces the file by these records in this order. */
MEDLEY_MUST_USE medley_status trial_log_write(const medley_runtime *rt, const char *path,
                                              const trial_record *records, int64_t count, medley_error *err);

#endif
