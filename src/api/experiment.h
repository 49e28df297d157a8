/* An experiment: its steps, each of which is an operation of the library, run only when what it makes is not there or
 * was made otherwise.
 *
 *   <out>/store/                    prepare and split, unless `store` names another place; its feature matrices
 *   <out>/features/<name>.yaml      how a matrix was imported or extracted
 *   <out>/runs/                     sweep: trials.tsv, and a run of each model's best settings
 *   <out>/runs/<model>-seed<n>/     the same with other seeds; of a model without chance one, which shows that it has none
 *                                   (<model>: its name, or its variant's)
 *   <out>/runs/<run>/evaluations/experiment/   evaluate, on test
 *   <out>/comparison/               compare
 *   <out>/results.tsv, experiment.json, config.yaml */
#ifndef API_EXPERIMENT_H
#define API_EXPERIMENT_H

#include "api/evaluation_file.h"
#include "api/operation.h"
#include "io/fingerprint.h"

#define EXPERIMENT_EVALUATION "experiment"

typedef struct experiment_params {
    const char *out, *store, *models, *metric, *task, *candidates, *seeds, *show;
    int mask;
    double relevant_from;
} experiment_params;

enum { EXPERIMENT_STEPS_MOST = 8, EXPERIMENT_SEEDS_MOST = 64 };

/* A trained and judged run. */
typedef struct experiment_run {
    const char *model, *path, *settings;
    int64_t seed;
    double validation, fit_seconds, evaluate_seconds;
} experiment_run;

typedef struct experiment {
    medley_runtime *rt;
    const bound_settings *settings;
    const experiment_params *p;
    arena texts;
    char *out, *store, *runs_folder; /* absolute */
    const char *split;
    int64_t seeds[EXPERIMENT_SEEDS_MOST], seed_count;
    experiment_run *runs;
    int64_t run_count, run_capacity;
    medley_report *sweep; /* what the search told */
    struct {
        const char *name, *what; /* "up to date", "made", or why it was made again */
        double seconds;
    } steps[EXPERIMENT_STEPS_MOST];
    int64_t step_count;
} experiment;

/* Notes what a step did, and how long it took since `start`. */
MEDLEY_MUST_USE medley_status experiment_note(experiment *e, const char *name, const char *what, double start,
                                              medley_error *err);

/* Sets keys, values, ..., NULL, as the experiment's own. */
MEDLEY_MUST_USE medley_status experiment_set(medley_config *config, const char *const *pairs, medley_error *err);

/* Refuses what can be refused without reading data, of every step; nothing is made. */
MEDLEY_MUST_USE medley_status experiment_check(experiment *e, medley_error *err);

/* The settings of a step's operation: what its group says, and what follows from the experiment's own. */
MEDLEY_MUST_USE medley_status experiment_sweep_config(experiment *e, const char *store, const char *split,
                                                      const char *out, medley_config **config, medley_error *err);
MEDLEY_MUST_USE medley_status experiment_evaluate_config(experiment *e, const char *run, medley_config **config,
                                                         medley_error *err);

/* A small text file whole; NULL: it is not there. */
MEDLEY_MUST_USE medley_status experiment_read(const medley_runtime *rt, const char *folder, const char *name,
                                              char **out, medley_error *err);
/* The fingerprint of a file's bytes. */
MEDLEY_MUST_USE medley_status experiment_hash(const medley_runtime *rt, const char *path,
                                              char hex[FINGERPRINT_SIZE], medley_error *err);

/* Makes the store and the split, or finds that they are what the settings say. */
MEDLEY_MUST_USE medley_status experiment_data(experiment *e, medley_error *err);

/* Makes the feature matrices that the groups import and extract name, or finds that they are what the settings say. What was
 * fitted on others is noticed by its own keys: trials' (sweep_trial_key), and what a run's config.yaml says. */
MEDLEY_MUST_USE medley_status experiment_features(experiment *e, medley_error *err);

/* Searches, trains, judges each run on test once. */
MEDLEY_MUST_USE medley_status experiment_models(experiment *e, medley_error *err);

/* Compares the runs, unless that was done with the same settings and evaluations. */
MEDLEY_MUST_USE medley_status experiment_comparison(experiment *e, medley_error *err);

#endif
