/* What this build has, by kind and name. */
#include "api/operation.h"
#include "data/public_set.h"
#include "data/reader.h"
#include "data/split.h"
#include "encode/encoder.h"
#include "eval/metric.h"
#include "eval/task.h"
#include "model/model.h"
#include "train/search.h"

#define MEDLEY_OPERATION(name) extern const operation_class operation_##name;
#include "api/operations.def"
#undef MEDLEY_OPERATION

const operation_class *const operation_classes[] = {
#define MEDLEY_OPERATION(name) &operation_##name,
#include "api/operations.def"
#undef MEDLEY_OPERATION
    NULL,
};

static bool operation_at(int64_t i, registry_member *out)
{
    const operation_class *c = operation_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->details, c->table}, c->size, i};
    return c != NULL;
}

static bool format_at(int64_t i, registry_member *out)
{
    const reader_class *c = reader_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->details, c->params}, c->params_size, i};
    return c != NULL;
}

static bool strategy_at(int64_t i, registry_member *out)
{
    const split_class *c = split_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->details, c->params}, c->params_size, i};
    return c != NULL;
}

static bool model_at(int64_t i, registry_member *out)
{
    const model_class *c = model_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->paper, c->params}, c->params_size, i};
    return c != NULL;
}

static bool encoder_at(int64_t i, registry_member *out)
{
    const encoder_class *c = encoder_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->paper, c->params}, c->params_size, i};
    return c != NULL;
}

static bool metric_at(int64_t i, registry_member *out)
{
    const metric_class *c = metric_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->definition, NULL}, 0, i};
    return c != NULL;
}

static bool task_at(int64_t i, registry_member *out)
{
    const task_class *c = &task_classes[i];
    if (c->name != NULL)
        *out = (registry_member){{c->name, c->summary, c->definition, NULL}, 0, i};
    return c->name != NULL;
}

static bool set_at(int64_t i, registry_member *out)
{
    const public_set *s = &public_sets[i];
    if (s->name != NULL)
        *out = (registry_member){{s->name, s->summary, s->details, NULL}, 0, i};
    return s->name != NULL;
}

static bool search_at(int64_t i, registry_member *out)
{
    const search_class *c = search_classes[i];
    if (c != NULL)
        *out = (registry_member){{c->name, c->summary, c->details, c->params}, c->params_size, i};
    return c != NULL;
}

static const struct kind {
    const char *name, *summary;
    bool (*at)(int64_t index, registry_member *out);
} kinds[] = {
    {"operations", "what the library does with data", operation_at},
    {"formats", "raw data sets that prepare reads", format_at},
    {"strategies", "ways to split interactions", strategy_at},
    {"models", "recommenders", model_at},
    {"encoders", "what makes vectors of pictures and texts", encoder_at},
    {"tasks", "what evaluate asks of a list", task_at},
    {"metrics", "how a list is judged", metric_at},
    {"searches", "ways to look for the best settings", search_at},
    {"sets", "public data sets that fetch downloads", set_at},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct kind *find_kind(const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

bool medley_registry_entry(const char *kind, int64_t index, medley_entry *out)
{
    registry_member member;
    *out = (medley_entry){0};
    if (index < 0)
        return false;
    if (kind == NULL) {
        if (index < KINDS)
            *out = (medley_entry){kinds[index].name, kinds[index].summary, "", NULL};
        return index < KINDS;
    }
    const struct kind *k = find_kind(kind);
    for (int64_t i = 0; k != NULL && k->at(i, &member); i++)
        if (i == index) {
            *out = member.entry;
            return true;
        }
    return false;
}

medley_status registry_find(const char *kind, const char *name, registry_member *out, medley_error *err)
{
    enum { MOST = 256 };
    const char *names[MOST];
    int64_t count = 0;
    const struct kind *k = find_kind(kind);
    if (k == NULL)
        return fail(err, MEDLEY_E_NOT_FOUND, "'%s' is no kind; see medley list", kind);
    for (; count < MOST && k->at(count, out); count++) {
        names[count] = out->entry.name;
        if (strcmp(out->entry.name, name) == 0)
            return MEDLEY_OK;
    }
    const char *nearest = medley_nearest(name, names, count);
    if (nearest != NULL)
        return fail(err, MEDLEY_E_NOT_FOUND, "unknown '%s' (did you mean '%s'?); see medley list %s", name,
                    nearest, kind);
    return fail(err, MEDLEY_E_NOT_FOUND, "unknown '%s'; see medley list %s", name, kind);
}

medley_status medley_registry_find(const char *kind, const char *name, medley_entry *out, medley_error *err)
{
    registry_member member;
    *out = (medley_entry){0};
    if (kind == NULL || name == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "a kind and a name are needed");
    TRY(registry_find(kind, name, &member, err));
    *out = member.entry;
    error_clear(err);
    return MEDLEY_OK;
}
