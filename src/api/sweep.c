#include "api/sweep.h"

#include <math.h>

#include "api/training_run.h"
#include "api/validation.h"
#include "data/features.h"
#include "io/save.h"

/* ---- which models ---- */

static medley_status add_model(const bound_settings *s, const char *name, sweep_models *list, medley_error *err)
{
    settings_variant model;
    if (settings_find_variant(s, "models", name, &model, err) != MEDLEY_OK)
        return fail_while(err, MEDLEY_E_CONFIG, "models");
    for (int64_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, model.name) == 0)
            return MEDLEY_OK;
    if (list->count == SWEEP_MODELS_MOST)
        return fail(err, MEDLEY_E_CONFIG, "models: more than %d of them", SWEEP_MODELS_MOST);
    list->at[list->count++] = model;
    return MEDLEY_OK;
}

medley_status sweep_list_models(const bound_settings *s, sweep_models *out, medley_error *err)
{
    const char *listed = ((const sweep_params *)s->values)->models;
    char word[SETTINGS_WORD];
    out->count = 0;
    for (int64_t i = 0; strcmp(listed, "all") == 0 && model_classes[i] != NULL; i++)
        TRY(add_model(s, model_classes[i]->name, out, err));
    while (listed[0] != '\0' && strcmp(listed, "all") != 0) {
        const size_t length = strcspn(listed, ",");
        snprintf(word, sizeof word, "%.*s", length < sizeof word ? (int)length : SETTINGS_WORD - 1, listed);
        TRY(add_model(s, word, out, err));
        listed += length + (listed[length] == ',');
    }
    for (int64_t i = 0; settings_searched(s, "models", i, word); i++)
        TRY(add_model(s, word, out, err));
    if (out->count == 0)
        return fail(err, MEDLEY_E_CONFIG, "sweep: models is missing: name models, or give them search spaces");
    return MEDLEY_OK;
}

/* ---- what is shared ---- */

static judging_protocol protocol_of(const sweep_params *p)
{
    judging_protocol protocol = judging_defaults;
    protocol.task = p->task;
    protocol.candidates = p->candidates;
    protocol.mask = p->mask;
    protocol.relevant_from = p->relevant_from;
    protocol.seed = p->seed;
    return protocol;
}

medley_status sweep_check(const medley_runtime *rt, const sweep_params *p, medley_error *err)
{
    const judging_protocol protocol = protocol_of(p);
    return validation_check(rt, &protocol, p->metric, err);
}

static medley_status open_judge(sweep *s, medley_error *err)
{
    judging_protocol protocol = protocol_of(s->p);
    const judging_data data = judging_of_selection(&s->set.parts);
    if (data.targets->count == 0)
        return fail(err, MEDLEY_E_FORMAT,
                    "split: '%s' has an empty validation part, so nothing can be chosen by it", s->p->split);
    validation_ask(&protocol, s->p->metric, s->metric);
    TRY(judging_begin(s->set.store, &data, &protocol, &s->judge, err));
    s->column = judging_find(s->judge, s->p->metric);
    assert(s->column >= 0); /* sweep_check saw to it */
    return MEDLEY_OK;
}

/* Releases the text. */
static medley_status hash_text(text *said, char hex[FINGERPRINT_SIZE], medley_error *err)
{
    fingerprint *print;
    medley_status status = text_status(said, err);
    if (status == MEDLEY_OK)
        status = fingerprint_create(said->rt, &print, err);
    if (status == MEDLEY_OK) {
        fingerprint_add(print, said->bytes, (size_t)said->length);
        fingerprint_hex(print, hex);
        fingerprint_free(print);
    }
    text_release(said);
    return status;
}

static medley_status make_key(sweep *s, medley_error *err)
{
    const sweep_params *p = s->p;
    text key = {.rt = s->rt};
    text_format(&key, "%s\n%s\n%s\n%s\n%s\n%s\n%d\n%.17g\n%lld\n", medley_version(),
                s->set.parts.facts.fingerprint, judging_fingerprint(s->judge), p->metric, p->task, p->candidates,
                p->mask, p->relevant_from, (long long)p->seed);
    return hash_text(&key, s->key, err);
}

medley_status sweep_open(const medley_runtime *rt, const bound_settings *settings, sweep *out, medley_error *err)
{
    const sweep_params *p = settings->values;
    *out = (sweep){.rt = rt, .settings = settings, .p = p};
    TRY(training_set_open(rt, p->store, p->split, &out->set, err));
    out->set.data.seed = (uint64_t)p->seed;
    TRY(open_judge(out, err));
    TRY(make_key(out, err));
    TRY(file_lock_folder(rt, p->out, true, &out->lock, err));
    TRY(file_absolute(rt, p->out, &out->out, err));
    TRY(file_join(rt, out->out, "trials.tsv", &out->log_path, err));
    return trial_log_open(rt, out->log_path, &out->log, err);
}

void sweep_close(sweep *s)
{
    file_close(s->lock);
    trial_log_close(&s->log);
    judging_end(s->judge);
    training_set_release(&s->set);
    mem_free(s->log_path);
    mem_free(s->out);
}

/* ---- a trial ---- */

typedef struct trial_context {
    sweep *s;
    sweep_search *search;
} trial_context;

static medley_status make_values(const medley_runtime *rt, const sweep_search *search, const double *point,
                                 void **out, medley_error *err)
{
    TRY(mem_alloc_zero(rt, 1, search->class->params_size, out, err));
    medley_params_reset(search->class->params, *out);
    const medley_status status = search_space_set(&search->space, point, *out, err);
    if (status != MEDLEY_OK) {
        mem_free(*out);
        *out = NULL;
    }
    return status;
}

static medley_status key_of(const sweep *s, const sweep_search *search, const void *values,
                            char key[FINGERPRINT_SIZE], medley_error *err)
{
    text said = {.rt = s->rt};
    text_format(&said, "%s\n%s\n", s->key, search->class->name);
    const medley_status status =
        features_describe(s->rt, s->set.data.folder, search->class->params, values, "", &said, err);
    if (status == MEDLEY_OK)
        return hash_text(&said, key, err);
    text_release(&said);
    return status;
}

medley_status sweep_trial_key(const sweep *s, const sweep_search *search, const double *point,
                              char key[FINGERPRINT_SIZE], medley_error *err)
{
    void *values;
    TRY(make_values(s->rt, search, point, &values, err));
    const medley_status status = key_of(s, search, values, key, err);
    mem_free(values);
    return status;
}

/* Models that are trained are validated on the way by what judges them in the end. */
static medley_status fit_and_judge(const medley_runtime *rt, const sweep *s, const model_class *class,
                                   const void *values, study_trial *out, medley_error *err)
{
    validation judge = {.judge = s->judge,
                        .metric = s->p->metric,
                        .class = class,
                        .params = values,
                        .users = s->set.data.users,
                        .items = s->set.data.items};
    const training_watch watch = {.context = &judge,
                                  .validate = validation_value,
                                  .more_is_better = judging_more_is_better(s->judge, s->column)};
    training_outcome outcome;
    model_state state = {0};
    medley_status status;
    TRY_DONE(training_set_check(&s->set, class, values, err));
    TRY_DONE(train_model(rt, class, values, &s->set.data, &watch, &state, &outcome, err));
    out->best_epoch = outcome.best_epoch;
    status = validation_value(&judge, rt, &state, &out->value, err);
done:
    model_state_release(&state);
    return status;
}

/* What is wrong with these settings here says nothing of others; anything else ends the sweep. */
static bool is_of_trial(medley_status status)
{
    return status == MEDLEY_E_LIMIT || status == MEDLEY_E_CONFIG || status == MEDLEY_E_FORMAT ||
           status == MEDLEY_E_SHAPE || status == MEDLEY_E_DIVERGED;
}

static medley_status judge_trial(void *context, const medley_runtime *rt, int64_t trial, const double *point,
                                 study_trial *out, medley_error *err)
{
    const trial_context *c = context;
    const char *name = c->search->name;
    char key[FINGERPRINT_SIZE];
    text settings = {.rt = rt};
    void *values = NULL;
    medley_error own = {MEDLEY_OK, ""};
    medley_status status = MEDLEY_OK;
    search_space_format(&c->search->space, point, &settings);
    TRY_DONE(text_status(&settings, err));
    TRY_DONE(make_values(rt, c->search, point, &values, err));
    TRY_DONE(key_of(c->s, c->search, values, key, err));
    if (trial_log_find(&c->s->log, name, key, settings.bytes, out))
        goto done;
    *out = (study_trial){.value = NAN};
    const double start = runtime_seconds();
    out->status = fit_and_judge(rt, c->s, c->search->class, values, out, &own);
    out->seconds = runtime_seconds() - start;
    if (out->status != MEDLEY_OK && !is_of_trial(out->status)) {
        if (err != NULL)
            *err = own;
        status = out->status;
        goto done;
    }
    snprintf(out->message, sizeof out->message, "%.*s", STUDY_MESSAGE - 1, own.message);
    const trial_record record = {name, settings.bytes, key, trial, *out};
    status = trial_log_add(&c->s->log, &record, err);
done:
    mem_free(values);
    text_release(&settings);
    return status;
}

/* ---- a model ---- */

/* The most that a trial may need, looked for in the corners where every parameter is least, and most. */
static medley_status estimate_most(const sweep *s, const sweep_search *search, int64_t *bytes, medley_error *err)
{
    *bytes = 0;
    for (int corner = 0; corner < 2; corner++) {
        double point[SEARCH_DIMENSIONS_MOST];
        void *values;
        for (int64_t i = 0; i < search->space.count; i++) {
            const search_dimension *d = &search->space.dimensions[i];
            point[i] = search_dimension_at(d, 2, corner == 0 ? 0 : search_dimension_size(d, 2) - 1);
        }
        TRY(make_values(s->rt, search, point, &values, err));
        int64_t own = 0;
        medley_status status = MEDLEY_OK;
        if (search->class->estimate != NULL)
            own = search->class->estimate(values, &s->set.data);
        else
            status = train_least_bytes(s->rt, search->class, values, &s->set.data, &own, err);
        mem_free(values);
        TRY(status);
        *bytes = own > *bytes ? own : *bytes;
    }
    return MEDLEY_OK;
}

/* With validation learnt from, nothing can stop a training early or say which epoch was the best: the best trial has
 * said it. 0: it has not. */
static int64_t refit_epochs(const sweep *s, const sweep_search *search)
{
    return s->p->refit == 1 ? search->result.trials[search->result.best].best_epoch : 0;
}

static medley_status keep_best(const sweep *s, sweep_search *search, medley_error *err)
{
    const study *r = &search->result;
    for (int64_t i = 0; i < r->count; i++)
        search->seconds += r->trials[i].seconds;
    if (r->best < 0)
        return MEDLEY_OK;
    search_space_format(&search->space, r->points + r->best * search->space.count, &search->best);
    if (refit_epochs(s, search) > 0)
        text_format(&search->best, "%sthen epochs=%lld, the best on validation",
                    search->best.length > 0 ? "; " : "", (long long)refit_epochs(s, search));
    return text_status(&search->best, err);
}

medley_status sweep_search_run(sweep *s, const settings_variant *model, sweep_search *out, medley_error *err)
{
    char phase[96];
    int64_t bytes;
    *out = (sweep_search){.class = model_classes[model->member.index], .best = {.rt = s->rt}};
    snprintf(out->name, sizeof out->name, "%s", model->name);
    TRY(settings_space(s->settings, "models", model, &out->space, err));
    TRY(estimate_most(s, out, &bytes, err));
    trial_context context = {s, out};
    snprintf(phase, sizeof phase, "trials of %s", out->name);
    const study_job job = {
        .phase = phase,
        .search = search_classes[s->settings->member],
        .search_params = s->settings->member_values,
        .space = &out->space,
        .seed = (uint64_t)s->p->seed,
        .budget = s->p->trials,
        .more_is_better = judging_more_is_better(s->judge, s->column),
        /* values do not depend on it; a quarter of the memory leaves room for what judging needs */
        .at_once = s->rt->threads > 1 && bytes < runtime_memory_available() / 4 / s->rt->threads,
        .judge = judge_trial,
        .context = &context,
    };
    TRY(study_run(s->rt, &job, &out->result, err));
    return keep_best(s, out, err);
}

static medley_status set_all(medley_config *config, const char *const (*pairs)[2], int count, medley_error *err)
{
    for (int i = 0; i < count; i++)
        TRY(medley_config_set(config, pairs[i][0], pairs[i][1], MEDLEY_FROM_FLAG, "sweep", err));
    return MEDLEY_OK;
}

/* A cosine falls as it did in the best trial, of which fewer epochs are made. */
static medley_status keep_schedule(const sweep *s, const sweep_search *search, medley_config *config,
                                   medley_error *err)
{
    char epochs[32];
    void *values;
    TRY(make_values(s->rt, search, search->result.points + search->result.best * search->space.count, &values,
                    err));
    const learning chosen = *(const learning *)values;
    mem_free(values);
    if (chosen.schedule != SCHEDULE_COSINE || chosen.schedule_epochs > 0)
        return MEDLEY_OK;
    snprintf(epochs, sizeof epochs, "%lld", (long long)chosen.epochs);
    return medley_config_set(config, "schedule_epochs", epochs, MEDLEY_FROM_FLAG, "sweep: the best trial's epochs",
                             err);
}

static medley_status set_epochs(const sweep *s, const sweep_search *search, medley_config *config,
                                medley_error *err)
{
    char epochs[32];
    if (refit_epochs(s, search) == 0)
        return MEDLEY_OK;
    TRY(keep_schedule(s, search, config, err));
    snprintf(epochs, sizeof epochs, "%lld", (long long)refit_epochs(s, search));
    return medley_config_set(config, "epochs", epochs, MEDLEY_FROM_FLAG, "sweep: the best epoch on validation",
                             err);
}

/* A model that is trained validates as its trials did; with validation learnt from, it cannot. */
static medley_status set_validation(const sweep *s, const sweep_search *search, medley_config *config,
                                    medley_error *err)
{
    const char *const by_metric[][2] = {{"metric", s->p->metric}};
    static const char *const not_at_all[][2] = {{"validate_every", "0"}, {"patience", "0"}};
    if (search->class->learner == NULL)
        return MEDLEY_OK;
    if (s->p->refit != 1)
        return set_all(config, by_metric, 1, err);
    TRY(set_all(config, not_at_all, 2, err));
    return set_epochs(s, search, config, err);
}

/* What `medley train` is told. */
static medley_status train_config(const sweep *s, const sweep_search *search, medley_config *config,
                                  medley_error *err)
{
    char seed[32], value[256];
    snprintf(seed, sizeof seed, "%lld", (long long)s->p->seed);
    const char *const pairs[][2] = {{"store", s->set.store->path},
                                    {"split", s->p->split},
                                    {"model", search->class->name},
                                    {"run", search->run},
                                    {"seed", seed},
                                    {"learn_from", s->p->refit == 1 ? "train_val" : "train"},
                                    {"force", "true"}};
    TRY(set_all(config, pairs, sizeof pairs / sizeof *pairs, err));
    const double *point = search->result.points + search->result.best * search->space.count;
    for (int64_t i = 0; i < search->space.count; i++) {
        const search_dimension *d = &search->space.dimensions[i];
        search_dimension_format(d, point[i], value, sizeof value);
        TRY(medley_config_set(config, d->param->name, d->count > 0 ? d->values[(int64_t)point[i]] : value,
                              MEDLEY_FROM_FLAG, "sweep", err));
    }
    return set_validation(s, search, config, err);
}

medley_status sweep_fit_best(sweep *s, sweep_search *search, medley_error *err)
{
    medley_runtime rt = *s->rt;
    medley_config *config = NULL;
    bool current;
    medley_status status = MEDLEY_OK;
    if (search->result.best < 0)
        return MEDLEY_OK;
    TRY(file_join(s->rt, s->out, search->name, &search->run, err));
    TRY(medley_config_create(&rt, &config, err));
    TRY_DONE(train_config(s, search, config, err));
    TRY_DONE(training_run_is_current(&rt, config, s->set.parts.facts.fingerprint, &current, err));
    if (!current)
        status = operation_run(&operation_train, &rt, config, NULL, err);
done:
    medley_config_free(config);
    return status;
}

void sweep_search_release(sweep_search *search)
{
    study_release(&search->result);
    search_space_release(&search->space);
    text_release(&search->best);
    mem_free(search->run);
    *search = (sweep_search){0};
}
