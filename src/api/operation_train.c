#include <medley/model.h>

#include <time.h>

#include "api/model_access.h"
#include "api/training_run.h"
#include "io/save.h"
#include "train/training_set.h"

enum { LEARN_TRAIN = 0, LEARN_TRAIN_VAL = 1 };

typedef struct train_params {
    const char *store, *split, *model, *run;
    int learn_from;
    int64_t seed;
    bool force;
} train_params;

static const medley_param table[] = {
    MEDLEY_TEXT(train_params, store, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "the store to learn from"),
    MEDLEY_TEXT(train_params, split, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "its split; test cannot be read"),
    MEDLEY_TEXT(train_params, model, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help = "what to fit; see medley list models"),
    MEDLEY_TEXT(train_params, run, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "run folder to make"),
    MEDLEY_ENUM(train_params, learn_from, "train", "train|train_val",
                .help = "parts that are learnt from; with train_val nothing is left to choose by"),
    MEDLEY_INT(train_params, seed, "0", 0, 9e15, .help = "of everything random in the model"),
    MEDLEY_BOOL(train_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a run that is there"),
    MEDLEY_PARAMS_END,
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* config.yaml: every setting with its origin; it trains the same model again with --config. */
static medley_status describe_config(const bound_settings *s, text *yaml, medley_error *err)
{
    text_format(yaml, "# medley %s train\n", medley_version());
    return settings_yaml(s, yaml, err);
}

static medley_status write_config(const medley_runtime *rt, const bound_settings *s, const char *folder,
                                  medley_error *err)
{
    text yaml = {.rt = rt};
    medley_status status = describe_config(s, &yaml, err);
    if (status == MEDLEY_OK)
        status = save_in(rt, folder, "config.yaml", yaml.bytes, (size_t)yaml.length, err);
    text_release(&yaml);
    return status;
}

static medley_status write_log(const medley_runtime *rt, const char *folder, const training *data,
                               const model_class *class, double seconds, medley_error *err)
{
    text log = {.rt = rt};
    text_format(&log, "model %s\nusers %lld\nitems %lld\ninteractions %lld\nthreads %d\nfit_seconds %.3f\n",
                class->name, (long long)data->users, (long long)data->items, (long long)csr_count(&data->matrix),
                rt->threads, seconds);
    medley_status status = text_status(&log, err);
    if (status == MEDLEY_OK)
        status = save_in(rt, folder, "log.txt", log.bytes, (size_t)log.length, err);
    text_release(&log);
    return status;
}

static void tell(medley_report *report, const train_params *p, const training *data, const model_state *state,
                 double seconds)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < state->count; i++)
        bytes += named_tensor_bytes(&state->tensors[i]);
    report_facts(report, "run", "Run");
    report_string(report, "run", p->run);
    report_string(report, "model", p->model);
    report_string(report, "split", p->split);
    report_int(report, "users", data->users);
    report_int(report, "items", data->items);
    report_int(report, "training_interactions", csr_count(&data->matrix));
    report_int(report, "model_bytes", bytes);
    report_real(report, "fit_seconds", seconds);
}

/* Fits and fills the run folder. */
static medley_status fit_and_save(const medley_runtime *rt, const bound_settings *s, const training *data,
                                  const char *print, const char *folder, medley_report *report, medley_error *err)
{
    const model_class *class = model_classes[s->member];
    model_state state = {0};
    char *path = NULL;
    medley_status status = MEDLEY_OK;
    const double start = seconds_now();
    TRY_DONE(class->fit(rt, s->member_values, data, &state, err));
    const double seconds = seconds_now() - start;
    TRY_DONE(file_join(rt, folder, "model.safetensors", &path, err));
    TRY_DONE(model_save(rt, path, class, s->member_values, &state, data->users, data->items, print, err));
    TRY_DONE(write_log(rt, folder, data, class, seconds, err));
    TRY_DONE(write_config(rt, s, folder, err));
    tell(report, s->values, data, &state, seconds);
    status = report_status(report, err);
done:
    mem_free(path);
    model_state_release(&state);
    return status;
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const train_params *p = s->values;
    training_set set;
    save_folder *folder = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(training_set_open(rt, p->store, p->split, &set, err));
    if (p->learn_from == LEARN_TRAIN_VAL)
        TRY_DONE(training_set_add_validation(rt, &set, err));
    set.data.seed = (uint64_t)p->seed;
    TRY_DONE(training_set_check(&set, model_classes[s->member], s->member_values, err));
    TRY_DONE(save_folder_open(rt, p->run, p->force, "config.yaml", &folder, err));
    TRY_DONE(fit_and_save(rt, s, &set.data, set.parts.facts.fingerprint, save_folder_path(folder), report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    save_folder_abandon(folder);
    training_set_release(&set);
    return status;
}

const operation_class operation_train = {
    .name = "train",
    .summary = "fit a model on the training part of a split and write a run folder",
    .details =
        "Test interactions cannot be read from here. A run folder holds config.yaml (every setting and where it "
        "came from), model.safetensors and log.txt. Each model has settings of its own: medley help model NAME.",
    .table = table,
    .size = sizeof(train_params),
    .member_kind = "models",
    .member_key = "model",
    .run = run,
};

medley_status medley_train(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_train, rt, config, report, err);
}

/* ---- is it there? ---- */

static bool is_written(const medley_runtime *rt, const char *run, const text *yaml)
{
    char *path = NULL, *bytes = NULL;
    size_t length = 0;
    const bool same = file_join(rt, run, "config.yaml", &path, NULL) == MEDLEY_OK && file_exists(path) &&
                      file_read_whole(rt, path, RUN_TEXT_LONGEST, &bytes, &length, NULL) == MEDLEY_OK &&
                      length == (size_t)yaml->length && memcmp(bytes, yaml->bytes, length) == 0;
    mem_free(bytes);
    mem_free(path);
    return same;
}

static bool is_of_split(const medley_runtime *rt, const char *run, const char *print)
{
    char *path = NULL;
    model_file loaded = {0};
    const bool same = file_join(rt, run, "model.safetensors", &path, NULL) == MEDLEY_OK && file_exists(path) &&
                      model_load(rt, path, &loaded, NULL) == MEDLEY_OK && strcmp(loaded.fingerprint, print) == 0;
    model_file_release(&loaded);
    mem_free(path);
    return same;
}

medley_status training_run_is_current(const medley_runtime *rt, medley_config *config, const char *print,
                                      bool *current, medley_error *err)
{
    bound_settings s;
    text yaml = {.rt = rt};
    TRY(settings_bind(config, &operation_train, &s, err));
    const medley_status status = describe_config(&s, &yaml, err);
    const train_params *p = s.values;
    *current = status == MEDLEY_OK && is_written(rt, p->run, &yaml) && is_of_split(rt, p->run, print);
    text_release(&yaml);
    settings_release(&s);
    return status;
}
