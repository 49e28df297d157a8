#include "train/checkpoint.h"

#include <math.h>

#include "io/safetensors.h"

#define FORMAT "medley-checkpoint-2"

enum { SHOWN = 60 };

/* ---- the place as texts ---- */

typedef struct place_field {
    const char *name;
    size_t offset;
    bool real; /* a double; else an int64_t, which is never negative */
} place_field;

#define PLACE_COUNT(field)                                      \
    {                                                           \
        "place." #field, offsetof(training_place, field), false \
    }
#define PLACE_NUMBER(field)                                    \
    {                                                          \
        "place." #field, offsetof(training_place, field), true \
    }
static const place_field place_fields[] = {
    PLACE_COUNT(epoch),         PLACE_COUNT(step_of_epoch), PLACE_COUNT(steps),
    PLACE_NUMBER(loss_sum),     PLACE_NUMBER(gradient_sum), PLACE_COUNT(loss_examples),
    PLACE_NUMBER(seconds),      PLACE_NUMBER(best),         PLACE_COUNT(best_epoch),
    PLACE_COUNT(validations),   PLACE_COUNT(without_gain),  PLACE_NUMBER(schedule.best),
    PLACE_COUNT(schedule.seen), PLACE_COUNT(schedule.bad),  PLACE_COUNT(schedule.reductions),
};
enum { PLACE_FIELDS = sizeof place_fields / sizeof *place_fields, NUMBER_TEXT = 40 };

static void format_place(const training_place *at, const place_field *f, char out[NUMBER_TEXT])
{
    const char *field = (const char *)at + f->offset;
    if (f->real)
        number_format(*(const double *)(const void *)field, out, NUMBER_TEXT);
    else
        snprintf(out, NUMBER_TEXT, "%lld", (long long)*(const int64_t *)(const void *)field);
}

static bool parse_place(const char *value, const place_field *f, training_place *at)
{
    char *field = (char *)at + f->offset;
    if (value == NULL)
        return false;
    if (f->real)
        return number_real(value, strlen(value), (double *)(void *)field);
    return number_int(value, strlen(value), (int64_t *)(void *)field) &&
           *(const int64_t *)(const void *)field >= 0;
}

/* ---- tensors ---- */

/* The groups of arrays that are as flat as the parameters, by the prefix of their tensors' names. */
typedef struct array_groups {
    struct {
        const char *name;
        real *data;
    } at[2 + OPTIMIZER_STATES_MOST];
    int count;
} array_groups;

static array_groups list_groups(const checkpoint *c, bool best)
{
    array_groups g = {.count = 1};
    optimizer_state states[OPTIMIZER_STATES_MOST];
    const int state_count = optimizer_states(c->o, states);
    g.at[0].name = "parameter";
    g.at[0].data = c->p->values;
    for (int i = 0; i < state_count; i++, g.count++) {
        g.at[g.count].name = states[i].name;
        g.at[g.count].data = states[i].data;
    }
    if (best && c->best != NULL) {
        g.at[g.count].name = "best";
        g.at[g.count++].data = c->best;
    }
    return g;
}

static named_tensor tensor_of(const parameter *p, const char *name, const real *group)
{
    const tensor_type type = sizeof(real) == sizeof(double) ? TENSOR_F64 : TENSOR_F32;
    named_tensor t = {.name = name, .type = type, .rank = p->shape.rank, .data = group + p->offset};
    for (int i = 0; i < p->shape.rank; i++)
        t.shape[i] = p->shape.size[i];
    return t;
}

static named_tensor as_of_tensor(int64_t rows, const int64_t *data)
{
    return (named_tensor){.name = "optimizer/as_of", .type = TENSOR_I64, .rank = 1, .shape = {rows}, .data = data};
}

static named_tensor rate_tensor(int64_t rates, const double *data)
{
    return (named_tensor){.name = "optimizer/rate", .type = TENSOR_F64, .rank = 1, .shape = {rates}, .data = data};
}

static medley_status tensor_name(arena *texts, const char *group, const char *name, const char **out,
                                 medley_error *err)
{
    char *joined;
    const size_t size = strlen(group) + strlen(name) + 2;
    TRY(arena_alloc(texts, (int64_t)size, 1, &joined, err));
    snprintf(joined, size, "%s/%s", group, name);
    *out = joined;
    return MEDLEY_OK;
}

/* ---- writing ---- */

enum { KEY_TEXTS = 6, METADATA = 2 * (KEY_TEXTS + PLACE_FIELDS), SINGLE = 3 };

static void pack_history(const checkpoint *c, double *numbers)
{
    for (int64_t i = 0; i < c->epochs; i++)
        epoch_record_put(&c->history[i], numbers + i * EPOCH_RECORD_NUMBERS);
}

medley_status checkpoint_write(const medley_runtime *rt, const char *path, const checkpoint_key *key,
                               const checkpoint *c, medley_error *err)
{
    const array_groups groups = list_groups(c, c->at.best_epoch > 0);
    char numbers[PLACE_FIELDS][NUMBER_TEXT], seed[NUMBER_TEXT], steps[NUMBER_TEXT];
    const char *metadata[METADATA] = {"format", FORMAT,    "model", key->model, "settings",        key->settings,
                                      "data",   key->data, "seed",  seed,       "optimizer.steps", steps};
    arena texts = {.rt = rt};
    named_tensor *tensors = NULL;
    double *history = NULL;
    const optimizer_place place = optimizer_at(c->o);
    int64_t count = SINGLE;
    medley_status status;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)key->seed);
    snprintf(steps, sizeof steps, "%lld", (long long)place.steps);
    for (int i = 0; i < PLACE_FIELDS; i++) {
        format_place(&c->at, &place_fields[i], numbers[i]);
        metadata[2 * (KEY_TEXTS + i)] = place_fields[i].name;
        metadata[2 * (KEY_TEXTS + i) + 1] = numbers[i];
    }
    TRY_DONE(mem_alloc(rt, c->epochs * EPOCH_RECORD_NUMBERS, sizeof *history, &history, err));
    TRY_DONE(mem_alloc(rt, SINGLE + groups.count * c->p->count, sizeof *tensors, &tensors, err));
    pack_history(c, history);
    tensors[0] = (named_tensor){.name = "history",
                                .type = TENSOR_F64,
                                .rank = 2,
                                .shape = {c->epochs, EPOCH_RECORD_NUMBERS},
                                .data = history};
    tensors[1] = as_of_tensor(place.rows, place.as_of);
    tensors[2] = rate_tensor(place.rates, place.rate);
    for (int g = 0; g < groups.count; g++)
        for (int64_t i = 0; i < c->p->count; i++, count++) {
            const char *name;
            TRY_DONE(tensor_name(&texts, groups.at[g].name, c->p->list[i]->name, &name, err));
            tensors[count] = tensor_of(c->p->list[i], name, groups.at[g].data);
        }
    status = safetensors_write(rt, path, tensors, count, metadata, METADATA, err);
done:
    mem_free(tensors);
    mem_free(history);
    arena_release(&texts);
    return status;
}

/* ---- reading ---- */

/* "batch_size=128" of two lists of lines; where they differ first. */
static medley_status compare_settings(const char *made, const char *now, medley_error *err)
{
    while (*made != '\0' || *now != '\0') {
        const size_t was = strcspn(made, "\n"), is = strcspn(now, "\n");
        if (was != is || memcmp(made, now, was) != 0) {
            const size_t name = strcspn(now, "=\n"), from = strcspn(made, "=\n");
            if (now[name] != '=' || from != name || memcmp(made, now, name) != 0)
                return fail(err, MEDLEY_E_STALE, "the checkpoint is of other settings ('%.*s', not '%.*s')",
                            (int)(was < SHOWN ? was : SHOWN), made, (int)(is < SHOWN ? is : SHOWN), now);
            return fail(err, MEDLEY_E_STALE, "%.*s is %.*s, but the checkpoint is of %.*s", (int)name, now,
                        (int)(is - name - 1 < SHOWN ? is - name - 1 : SHOWN), now + name + 1,
                        (int)(was - name - 1 < SHOWN ? was - name - 1 : SHOWN), made + name + 1);
        }
        made += was + (made[was] == '\n');
        now += is + (now[is] == '\n');
    }
    return MEDLEY_OK;
}

static medley_status read_text(const safetensors *from, const char *key, const char **out, medley_error *err)
{
    *out = safetensors_metadata(from, key);
    return *out != NULL ? MEDLEY_OK
                        : fail(err, MEDLEY_E_FORMAT, "metadata '%s' is missing: not a checkpoint of Medley", key);
}

static medley_status check_key(const safetensors *from, const checkpoint_key *key, medley_error *err)
{
    const char *format, *model, *settings, *data, *seed;
    char own_seed[NUMBER_TEXT];
    TRY(read_text(from, "format", &format, err));
    if (strcmp(format, FORMAT) != 0)
        return fail(err, MEDLEY_E_FORMAT, "format '%s'; " FORMAT " is accepted", format);
    TRY(read_text(from, "model", &model, err));
    TRY(read_text(from, "settings", &settings, err));
    TRY(read_text(from, "data", &data, err));
    TRY(read_text(from, "seed", &seed, err));
    if (strcmp(model, key->model) != 0)
        return fail(err, MEDLEY_E_STALE, "model is %s, but the checkpoint is of %s", key->model, model);
    TRY(compare_settings(settings, key->settings, err));
    if (strcmp(data, key->data) != 0)
        return fail(err, MEDLEY_E_STALE, "the checkpoint was made from other data");
    snprintf(own_seed, sizeof own_seed, "%llu", (unsigned long long)key->seed);
    return strcmp(seed, own_seed) == 0
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_STALE, "seed is %s, but the checkpoint is of %s", own_seed, seed);
}

static medley_status read_place(const safetensors *from, training_place *at, int64_t *steps, medley_error *err)
{
    const char *value;
    for (int i = 0; i < PLACE_FIELDS; i++) {
        value = safetensors_metadata(from, place_fields[i].name);
        if (!parse_place(value, &place_fields[i], at))
            return fail(err, MEDLEY_E_FORMAT, "metadata '%s': '%s' is no number of a place", place_fields[i].name,
                        value != NULL ? value : "");
    }
    TRY(read_text(from, "optimizer.steps", &value, err));
    if (!number_int(value, strlen(value), steps) || *steps < 0)
        return fail(err, MEDLEY_E_FORMAT, "metadata 'optimizer.steps': '%s' is no number of steps", value);
    return at->best_epoch <= at->epoch
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_FORMAT, "the best epoch %lld is behind the last one, %lld",
                      (long long)at->best_epoch, (long long)at->epoch);
}

/* The tensor in the file that is as `want`, or what is wrong with it. */
static medley_status find_like(const safetensors *from, const named_tensor *want, const named_tensor **out,
                               medley_error *err)
{
    const named_tensor *t = safetensors_find(from, want->name);
    bool same = t != NULL && t->type == want->type && t->rank == want->rank;
    for (int i = 0; same && i < want->rank; i++)
        same = t->shape[i] == want->shape[i];
    *out = t;
    return same ? MEDLEY_OK
                : fail(err, MEDLEY_E_FORMAT, "tensor '%s' is %s", want->name,
                       t == NULL ? "missing" : "of another shape or type than in this training");
}

/* The tensors of all groups, each as it should be. */
static medley_status find_arrays(const medley_runtime *rt, const safetensors *from, const checkpoint *c,
                                 const array_groups *groups, const named_tensor **found, medley_error *err)
{
    arena texts = {.rt = rt};
    medley_status status = MEDLEY_OK;
    for (int g = 0; g < groups->count; g++)
        for (int64_t i = 0; i < c->p->count; i++) {
            const char *name;
            TRY_DONE(tensor_name(&texts, groups->at[g].name, c->p->list[i]->name, &name, err));
            const named_tensor want = tensor_of(c->p->list[i], name, groups->at[g].data);
            TRY_DONE(find_like(from, &want, &found[g * c->p->count + i], err));
        }
done:
    arena_release(&texts);
    return status;
}

static void copy_arrays(const checkpoint *c, const array_groups *groups, const named_tensor *const *found)
{
    for (int g = 0; g < groups->count; g++)
        for (int64_t i = 0; i < c->p->count; i++) {
            const named_tensor *t = found[g * c->p->count + i];
            memcpy(groups->at[g].data + c->p->list[i]->offset, t->data, (size_t)named_tensor_bytes(t));
        }
}

static medley_status read_history(const medley_runtime *rt, const safetensors *from, int64_t epochs,
                                  epoch_record **out, medley_error *err)
{
    const named_tensor want = {
        .name = "history", .type = TENSOR_F64, .rank = 2, .shape = {epochs, EPOCH_RECORD_NUMBERS}};
    const named_tensor *found;
    TRY(find_like(from, &want, &found, err));
    const double *numbers = found->data;
    for (int64_t i = 0; i < epochs; i++)
        for (int n = 0; n < 2; n++)
            if (!(numbers[i * EPOCH_RECORD_NUMBERS + n] >= 0 && numbers[i * EPOCH_RECORD_NUMBERS + n] < 0x1p53))
                return fail(err, MEDLEY_E_FORMAT, "tensor 'history': row %lld holds no epoch and step",
                            (long long)i);
    TRY(mem_alloc(rt, epochs, sizeof **out, out, err));
    for (int64_t i = 0; i < epochs; i++)
        (*out)[i] = epoch_record_get(numbers + i * EPOCH_RECORD_NUMBERS);
    return MEDLEY_OK;
}

/* Where the optimizer was. optimizer_restore checks the numbers. */
static medley_status find_optimizer(const safetensors *from, const checkpoint *c, optimizer_place *at,
                                    medley_error *err)
{
    const named_tensor as_of_want = as_of_tensor(optimizer_at(c->o).rows, NULL);
    const named_tensor *const rate_there = safetensors_find(from, "optimizer/rate"), *as_of, *rate;
    const bool vector = rate_there != NULL && rate_there->rank == 1;
    const named_tensor rate_want = rate_tensor(vector ? rate_there->shape[0] : 0, NULL);
    TRY(find_like(from, &as_of_want, &as_of, err));
    TRY(find_like(from, &rate_want, &rate, err));
    at->as_of = as_of->data;
    at->rows = as_of->shape[0];
    at->rate = rate->data;
    at->rates = rate->shape[0];
    return MEDLEY_OK;
}

static medley_status restore(const medley_runtime *rt, const safetensors *from, const checkpoint_key *key,
                             checkpoint *c, medley_error *err)
{
    training_place at = {0};
    epoch_record *history = NULL;
    const named_tensor **found;
    optimizer_place place;
    TRY(check_key(from, key, err));
    TRY(read_place(from, &at, &place.steps, err));
    const array_groups groups = list_groups(c, at.best_epoch > 0);
    TRY(mem_alloc(rt, groups.count * c->p->count, sizeof *found, &found, err));
    medley_status status = find_arrays(rt, from, c, &groups, found, err);
    if (status == MEDLEY_OK)
        status = find_optimizer(from, c, &place, err);
    if (status == MEDLEY_OK)
        status = read_history(rt, from, at.epoch, &history, err);
    if (status == MEDLEY_OK)
        status = optimizer_restore(c->o, &place, err);
    if (status == MEDLEY_OK) {
        copy_arrays(c, &groups, found);
        c->at = at;
        c->history = history;
        c->epochs = at.epoch;
    } else {
        mem_free(history);
    }
    mem_free(found);
    return status;
}

medley_status checkpoint_read(const medley_runtime *rt, const char *path, const checkpoint_key *key, checkpoint *c,
                              medley_error *err)
{
    safetensors *from;
    TRY(safetensors_open(rt, path, &from, err));
    const medley_status status = restore(rt, from, key, c, err);
    safetensors_close(from);
    return status == MEDLEY_OK ? MEDLEY_OK : fail_while(err, status, "%s", path);
}
