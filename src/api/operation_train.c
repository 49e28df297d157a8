#include <medley/model.h>

#include <math.h>

#include "api/model_access.h"
#include "api/training_run.h"
#include "api/validation.h"
#include "data/features.h"
#include "io/description.h"
#include "io/save.h"
#include "train/training_loop.h"
#include "train/training_set.h"

enum { LEARN_TRAIN = 0, LEARN_TRAIN_VAL = 1 };

typedef struct train_params {
    const char *store, *split, *model, *run;
    int learn_from;
    int64_t seed;
    bool resume, force;
} train_params;

/* In the folder of a training that is under way, and what becomes of it in the end. */
#define LAST "last.safetensors"
#define FINISHED "optimizer.safetensors"

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
    MEDLEY_BOOL(train_params, resume, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "go on with a training that was stopped or killed, or that is to get more epochs"),
    MEDLEY_BOOL(train_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a run that is there"),
    MEDLEY_PARAMS_END,
};

/* The feature matrices that are learnt from, as they are now: a line each. */
static medley_status describe_features(const bound_settings *s, const char *before, text *out, medley_error *err)
{
    const train_params *p = s->values;
    return features_describe(s->rt, p->store, s->member_table, s->member_values, before, out, err);
}

/* config.yaml: every setting with its origin; it trains the same model again with --config. */
static medley_status describe_config(const bound_settings *s, text *yaml, medley_error *err)
{
    text_format(yaml, "# medley %s train\n", medley_version());
    TRY(describe_features(s, "# features ", yaml, err));
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

/* A run that is being made. */
typedef struct run_job {
    const medley_runtime *rt;
    const bound_settings *settings;
    const train_params *p;
    const model_class *class;
    training_set set;
    validation judge;
    save_folder *folder;
    char *last, *resume; /* checkpoints: the one that is kept, and the one to go on from, or NULL */
    bool from_finished;  /* that one is a finished run's */
    char data[2 * FINGERPRINT_SIZE + 8]; /* of what is learnt from, for checkpoints */
    training_outcome outcome;
    model_state state;
} run_job;

/* ---- where it is made ---- */

/* What there is to go on from: what was left, or else what the finished run keeps, which has its name of a training under
 * way if somebody died at the very end. */
static medley_status find_checkpoint(run_job *r, bool left, medley_error *err)
{
    static const char *const names[] = {FINISHED, LAST};
    if (left && !r->p->resume)
        return fail(err, MEDLEY_E_EXISTS,
                    "'%s' holds an unfinished training: resume goes on with it, force starts anew",
                    save_folder_path(r->folder));
    if (left)
        return file_join(r->rt, save_folder_path(r->folder), LAST, &r->resume, err);
    if (!r->p->resume || !file_exists(r->p->run))
        return MEDLEY_OK;
    r->from_finished = true;
    for (int i = 0; i < 2; i++) {
        TRY(file_join(r->rt, r->p->run, names[i], &r->resume, err));
        if (file_exists(r->resume))
            return MEDLEY_OK;
        mem_free(r->resume);
        r->resume = NULL;
    }
    return fail(err, MEDLEY_E_EXISTS, "'%s' exists already and holds no %s to go on from", r->p->run, FINISHED);
}

static medley_status open_folder(run_job *r, medley_error *err)
{
    const bool goes_on = r->class->learner != NULL && (r->p->resume || !r->p->force);
    bool left = false;
    if (!goes_on)
        TRY(save_folder_open(r->rt, r->p->run, r->p->force, "config.yaml", &r->folder, err));
    else
        TRY(save_folder_resume(r->rt, r->p->run, r->p->resume, "config.yaml", LAST, &left, &r->folder, err));
    medley_status status = goes_on ? find_checkpoint(r, left, err) : MEDLEY_OK;
    if (status == MEDLEY_OK && r->class->learner != NULL)
        status = file_join(r->rt, save_folder_path(r->folder), LAST, &r->last, err);
    if (status == MEDLEY_OK)
        return MEDLEY_OK;
    (left ? save_folder_leave : save_folder_abandon)(r->folder);
    r->folder = NULL;
    return status;
}

/* After a failure: what can be gone on with stays. */
static void close_folder(run_job *r)
{
    const bool stays = r->last != NULL && file_exists(r->last);
    (stays ? save_folder_leave : save_folder_abandon)(r->folder);
    r->folder = NULL;
}

/* ---- training ---- */

static medley_status validate(void *context, const medley_runtime *rt, const model_state *state, double *value,
                              medley_error *err)
{
    return validation_value(&((run_job *)context)->judge, rt, state, value, err);
}

static medley_status write_history(void *context, const epoch_record *all, int64_t count, medley_error *err)
{
    const run_job *r = context;
    const history_names names = {
        .model = r->class->name, .loss = r->class->learner->loss_name, .metric = r->judge.metric};
    return history_write(r->rt, save_folder_path(r->folder), &names, all, count, err);
}

/* Says where is what was learnt so far, or how to do without a checkpoint that does not fit. */
static medley_status explain(const run_job *r, medley_status status, medley_error *err)
{
    const training_outcome *o = &r->outcome;
    char happened[sizeof err->message];
    if (err == NULL || r->last == NULL || !file_exists(r->last))
        return status;
    snprintf(happened, sizeof happened, "%s", err->message);
    if (status == MEDLEY_E_STOPPED)
        return fail(err, status,
                    "stopped after %lld epochs, %lld steps in all; '%s' keeps them, and resume goes on",
                    (long long)o->epochs, (long long)o->steps, save_folder_path(r->folder));
    if (o->steps == 0)
        return fail(err, status, "%.900s; force starts anew", happened);
    return fail(err, status, "%.700s; the last good checkpoint is '%.250s'", happened, r->last);
}

/* "<split>", with "+val" when validation is learnt from too, and "+" and the fingerprint of the feature matrices. */
static medley_status name_data(run_job *r, medley_error *err)
{
    fingerprint *print = NULL;
    char hex[FINGERPRINT_SIZE + 1] = "";
    text said = {.rt = r->rt};
    medley_status status = MEDLEY_OK;
    TRY_DONE(describe_features(r->settings, "", &said, err));
    if (said.length > 0) {
        TRY_DONE(fingerprint_create(r->rt, &print, err));
        fingerprint_add(print, said.bytes, (size_t)said.length);
        hex[0] = '+';
        fingerprint_hex(print, hex + 1);
    }
    snprintf(r->data, sizeof r->data, "%s%s%s", r->set.parts.facts.fingerprint,
             r->p->learn_from == LEARN_TRAIN_VAL ? "+val" : "", hex);
done:
    fingerprint_free(print);
    text_release(&said);
    return status;
}

static medley_status train(run_job *r, medley_error *err)
{
    const training_watch watch = {
        .context = r,
        .validate = r->judge.judge != NULL ? validate : NULL,
        .more_is_better = r->judge.more_is_better,
        .epoch_done = write_history,
        .checkpoint = r->last,
        .resume = r->resume,
        .data = r->data,
    };
    TRY(name_data(r, err));
    const medley_status status = train_model(r->rt, r->class, r->settings->member_values, &r->set.data, &watch,
                                             &r->state, &r->outcome, err);
    return status == MEDLEY_OK ? status : explain(r, status, err);
}

/* Nothing can be chosen by what is learnt from, or by nothing. */
static medley_status open_judge(run_job *r, medley_error *err)
{
    if (r->p->learn_from != LEARN_TRAIN_VAL)
        TRY(validation_begin(&r->set, r->class, r->settings->member_values, &r->judge, err));
    if (r->class->learner != NULL && r->judge.judge == NULL)
        runtime_log(r->rt, MEDLEY_LOG_INFO, "nothing is validated: the parameters of the last epoch are kept");
    return MEDLEY_OK;
}

/* ---- what is written ---- */

static medley_status write_log(const run_job *r, const char *folder, medley_error *err)
{
    const training_outcome *o = &r->outcome;
    text log = {.rt = r->rt};
    text_format(&log, "model %s\nusers %lld\nitems %lld\ninteractions %lld\nthreads %d\nfit_seconds %.3f\n",
                r->class->name, (long long)r->set.data.users, (long long)r->set.data.items,
                (long long)csr_count(&r->set.data.matrix), r->rt->threads, o->seconds);
    if (r->class->learner != NULL)
        text_format(&log, "epochs %lld\nsteps %lld\nbest_epoch %lld\nparameters %lld\nstep_bytes %lld\n",
                    (long long)o->epochs, (long long)o->steps, (long long)o->best_epoch, (long long)o->parameters,
                    (long long)o->step_bytes);
    medley_status status = text_status(&log, err);
    if (status == MEDLEY_OK)
        status = save_in(r->rt, folder, "log.txt", log.bytes, (size_t)log.length, err);
    text_release(&log);
    return status;
}

/* metrics.json: how good the model is on validation, and how it came about. */
static medley_status write_metrics(const run_job *r, const char *folder, medley_error *err)
{
    const training_outcome *o = &r->outcome;
    if (r->class->learner == NULL)
        return MEDLEY_OK;
    json *root = json_new_object();
    json_set_text(root, "model", r->class->name);
    if (o->best_epoch > 0) {
        json_set_text(root, "metric", r->judge.metric);
        json_set_real(root, "value", o->best);
        json_set_int(root, "best_epoch", o->best_epoch);
        json_set_text(root, "judged_as", judging_name(r->judge.judge));
        json_set_text(root, "judged_fingerprint", judging_fingerprint(r->judge.judge));
    }
    json_set_text(root, "loss_name", r->class->learner->loss_name);
    json_set_real(root, "loss", o->loss);
    json_set_int(root, "epochs", o->epochs);
    json_set_int(root, "steps", o->steps);
    json_set_bool(root, "stopped_early", o->stopped_early);
    json_set_int(root, "parameters", o->parameters);
    json_set_real(root, "seconds", o->seconds);
    const medley_status status = description_save(r->rt, root, folder, "metrics.json", err);
    json_free(root);
    return status;
}

static void tell_training(const run_job *r, medley_report *report)
{
    const training_outcome *o = &r->outcome;
    report_facts(report, "training", "Training");
    report_int(report, "epochs", o->epochs);
    report_int(report, "steps", o->steps);
    if (r->resume != NULL)
        report_int(report, "steps_done_before", o->resumed_steps);
    report_string(report, "loss_name", r->class->learner->loss_name);
    report_real(report, "loss", o->loss);
    if (o->best_epoch > 0) {
        report_string(report, "metric", r->judge.metric);
        report_real(report, "best", o->best);
        report_int(report, "best_epoch", o->best_epoch);
    }
    report_string(report, "stopped_early", o->stopped_early ? "yes" : "no");
    report_int(report, "parameters", o->parameters);
}

static void tell(const run_job *r, medley_report *report)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < r->state.count; i++)
        bytes += named_tensor_bytes(&r->state.tensors[i]);
    report_facts(report, "run", "Run");
    report_string(report, "run", r->p->run);
    report_string(report, "model", r->p->model);
    report_string(report, "split", r->p->split);
    report_int(report, "users", r->set.data.users);
    report_int(report, "items", r->set.data.items);
    report_int(report, "training_interactions", csr_count(&r->set.data.matrix));
    report_int(report, "model_bytes", bytes);
    report_real(report, "fit_seconds", r->outcome.seconds);
    if (r->class->learner != NULL)
        tell_training(r, report);
}

static medley_status write_all(const run_job *r, medley_error *err)
{
    const char *folder = save_folder_path(r->folder);
    const training *data = &r->set.data;
    char *path;
    TRY(file_join(r->rt, folder, "model.safetensors", &path, err));
    medley_status status = model_save(r->rt, path, r->class, r->settings->member_values, &r->state, data->users,
                                      data->items, r->set.parts.facts.fingerprint, err);
    mem_free(path);
    TRY(status);
    TRY(write_log(r, folder, err));
    TRY(write_metrics(r, folder, err));
    return write_config(r->rt, r->settings, folder, err);
}

/* Puts the run in place. Its checkpoint is renamed last: until then whoever dies can go on from it. */
static medley_status commit(run_job *r, medley_error *err)
{
    char *from = NULL, *to = NULL;
    medley_error own = {MEDLEY_OK, ""};
    medley_status status;
    TRY_DONE(file_join(r->rt, r->p->run, LAST, &from, err));
    TRY_DONE(file_join(r->rt, r->p->run, FINISHED, &to, err));
    status = save_folder_commit(r->folder, err);
    r->folder = NULL;
    if (status == MEDLEY_OK && r->last != NULL && file_rename(r->rt, from, to, &own) != MEDLEY_OK)
        runtime_log(r->rt, MEDLEY_LOG_WARNING, "%s", own.message);
done:
    mem_free(from);
    mem_free(to);
    return status;
}

static medley_status train_and_save(run_job *r, medley_report *report, medley_error *err)
{
    TRY(train(r, err));
    tell(r, report);
    TRY(report_status(report, err));
    if (r->from_finished && r->outcome.steps == r->outcome.resumed_steps) {
        runtime_log(r->rt, MEDLEY_LOG_INFO, "nothing to do: '%s' has had its %lld epochs%s", r->p->run,
                    (long long)r->outcome.epochs, r->outcome.stopped_early ? ", and was stopped early" : "");
        save_folder_abandon(r->folder);
        r->folder = NULL;
        return MEDLEY_OK;
    }
    TRY(write_all(r, err));
    return commit(r, err);
}

static medley_status check(const medley_runtime *rt, const bound_settings *s, medley_error *err)
{
    const train_params *p = s->values;
    const model_class *class = model_classes[s->member];
    if (p->resume && class->learner == NULL)
        return fail(err, MEDLEY_E_CONFIG, "resume: '%s' is fitted at once; there is nothing to go on with",
                    class->name);
    return p->learn_from == LEARN_TRAIN ? validation_check_settings(rt, class, s->member_values, err) : MEDLEY_OK;
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    run_job r = {.rt = rt, .settings = s, .p = s->values, .class = model_classes[s->member]};
    medley_status status = MEDLEY_OK;
    TRY_DONE(training_set_open(rt, r.p->store, r.p->split, &r.set, err));
    if (r.p->learn_from == LEARN_TRAIN_VAL)
        TRY_DONE(training_set_add_validation(rt, &r.set, err));
    r.set.data.seed = (uint64_t)r.p->seed;
    TRY_DONE(training_set_check(&r.set, r.class, s->member_values, err));
    TRY_DONE(open_judge(&r, err));
    TRY_DONE(open_folder(&r, err));
    status = train_and_save(&r, report, err);
done:
    close_folder(&r);
    model_state_release(&r.state);
    mem_free(r.last);
    mem_free(r.resume);
    validation_end(&r.judge);
    training_set_release(&r.set);
    return status;
}

const operation_class operation_train = {
    .name = "train",
    .summary = "fit a model on the training part of a split and write a run folder",
    .details =
        "Test interactions cannot be read from here. A run folder holds config.yaml (every setting and where it "
        "came from), model.safetensors and log.txt. Models that are trained in epochs are validated on the way, "
        "never on test; the parameters of the best epoch are kept. They add history.csv, curves.svg, metrics.json, a "
        "file of events for TensorBoard, and optimizer.safetensors, from which --resume goes on for more epochs. A "
        "training that is stopped or killed leaves RUN.partial, which --resume takes up to the same end; --force "
        "starts anew. Each model has settings of its own: medley help model NAME.",
    .table = table,
    .size = sizeof(train_params),
    .member_kind = "models",
    .member_key = "model",
    .check = check,
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
