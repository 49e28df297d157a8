/* The search for a model's best settings, judged on the validation part of a split. */
#ifndef API_SWEEP_H
#define API_SWEEP_H

#include "api/operation.h"
#include "api/validation.h"
#include "io/file.h"
#include "train/training_set.h"
#include "train/trial_log.h"

typedef struct sweep_params {
    const char *store, *split, *out, *models, *search, *metric, *task, *candidates;
    int64_t trials, seed;
    int mask, refit;
    double relevant_from;
    bool fit_best;
} sweep_params;

/* Of the group "models". */
#define SWEEP_SPACES_HELP                                                                                       \
    "search spaces: {ease: {l2: \"log:1..1e4\"}, itemknn: {neighbours: [50, 100]}, popularity: default}; with " \
    "model the name is another: {vbpr_visual: {model: vbpr, features: visual}}"

/* What is searched: the models that `models` lists, then those that have a space. */
enum { SWEEP_MODELS_MOST = 256 };
typedef struct sweep_models {
    settings_variant at[SWEEP_MODELS_MOST];
    int64_t count;
} sweep_models;
MEDLEY_MUST_USE medley_status sweep_list_models(const bound_settings *settings, sweep_models *out,
                                                medley_error *err);

/* What the models of a sweep share. It holds selection_parts, and so no way to the test part. */
typedef struct sweep {
    const medley_runtime *rt;
    const bound_settings *settings;
    const sweep_params *p;
    char *out, *log_path; /* absolute */
    file *lock;           /* of out: one sweep at a time */
    training_set set;
    judging *judge;
    char metric[VALIDATION_METRIC]; /* without its cutoff */
    int64_t column;                 /* of the metric that decides */
    trial_log log;
    char key[FINGERPRINT_SIZE]; /* of all that a value depends on, whatever the model */
} sweep;

/* Refuses what no data makes possible: the metric, the task, the candidates. */
MEDLEY_MUST_USE medley_status sweep_check(const medley_runtime *rt, const sweep_params *p, medley_error *err);

/* Opens the data of what sweep_check has let pass, and reads what earlier runs found out; makes the folder. End it with sweep_close, also after a
 * failure. */
MEDLEY_MUST_USE medley_status sweep_open(const medley_runtime *rt, const bound_settings *settings, sweep *out,
                                         medley_error *err);
void sweep_close(sweep *s);

/* One model's search. */
typedef struct sweep_search {
    char name[SETTINGS_WORD]; /* the model's, or a variant's */
    const model_class *class;
    search_space space;
    study result;
    text best; /* settings of the best trial; with how many epochs it is trained then, if that was chosen too */
    double seconds; /* of all trials, those taken from the log included */
    char *run;      /* where the best is saved; NULL: it is not */
} sweep_search;

/* Searches; out->result.best is -1 when all trials failed. Release it also after a failure. */
MEDLEY_MUST_USE medley_status sweep_search_run(sweep *s, const settings_variant *model, sweep_search *out,
                                               medley_error *err);
/* What the value of a trial depends on but its settings: what the sweep says of all, which model it is, and the feature
 * matrices that it learns from. */
MEDLEY_MUST_USE medley_status sweep_trial_key(const sweep *s, const sweep_search *search, const double *point,
                                              char key[FINGERPRINT_SIZE], medley_error *err);
/* Makes <out>/<name>/ from the best settings as `medley train` would, unless it is there. */
MEDLEY_MUST_USE medley_status sweep_fit_best(sweep *s, sweep_search *search, medley_error *err);
void sweep_search_release(sweep_search *search);

#endif
