/* Binding settings to parameter tables, and running operations with them. */
#include <ctype.h>

#include "api/operation.h"
#include "api/settings_list.h"
#include "io/file.h"
#include "io/yaml.h"

enum { KEY_LONGEST = 128 };

static void append_upper(char name[KEY_LONGEST], const char *key)
{
    size_t at = strlen(name);
    for (; *key != '\0' && at < KEY_LONGEST - 1; key++)
        name[at++] = (char)(*key == '.' || *key == '-' ? '_' : toupper((unsigned char)*key));
    name[at] = '\0';
}

/* MEDLEY_TOP_K; of a group, MEDLEY_PREPARE_FORMAT. */
static medley_status take_environment(medley_config *c, const medley_param *table, medley_error *err)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char name[KEY_LONGEST] = "MEDLEY_";
        append_upper(name, c->group);
        append_upper(name, p->name);
        const char *value = getenv(name);
        if (value != NULL)
            TRY(medley_config_set(c, p->name, value, MEDLEY_FROM_ENVIRONMENT, name, err));
    }
    return MEDLEY_OK;
}

medley_status settings_fail_at(const setting *s, medley_status status, medley_error *err)
{
    return s->rank == MEDLEY_FROM_FLAG ? status : fail_while(err, status, "%s", s->origin);
}

/* Defaults, then what the config says of this table's rows. Keys of other tables are left alone. */
static medley_status fill(medley_config *c, const medley_param *table, void *values, medley_error *err)
{
    medley_params_reset(table, values);
    TRY(take_environment(c, table, err));
    for (int64_t i = 0; i < c->count; i++) {
        const setting *s = &c->settings[i];
        const medley_param *p = medley_param_find(table, s->key);
        if (p == NULL)
            continue;
        const medley_status status = medley_param_set(p, values, s->value, err);
        if (status != MEDLEY_OK)
            return settings_fail_at(s, status, err);
    }
    return MEDLEY_OK;
}

/* {store: {path: x}} */
static medley_status fail_no_group(const medley_config *c, const setting *s, const char *name, medley_error *err)
{
    return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s': '%s' is one setting, not a group", s->origin,
                c->group, s->key, name);
}

/* Says that a required setting is missing, or which key was meant for it. */
static medley_status fail_missing(const medley_config *c, const operation_class *operation,
                                  const medley_param *missing, medley_error *err)
{
    for (int64_t i = 0; i < c->count; i++) {
        const setting *s = &c->settings[i];
        if (config_behind(s->key, missing->name) != NULL)
            return fail_no_group(c, s, missing->name, err);
        if (medley_param_find(operation->table, s->key) == NULL &&
            medley_nearest(s->key, &missing->name, 1) != NULL)
            return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s' (did you mean '%s%s'?)", s->origin, c->group,
                        s->key, c->group, missing->name);
    }
    return fail(err, MEDLEY_E_CONFIG, "%s: %s%s is missing: %s", operation->name, c->group, missing->name,
                missing->help);
}

static medley_status check_required(const medley_config *c, const operation_class *operation, medley_error *err)
{
    for (const medley_param *p = operation->table; p->kind != MEDLEY_PARAM_END; p++)
        if ((p->flags & MEDLEY_PARAM_REQUIRED) != 0 && config_find(c, p->name) == NULL)
            return fail_missing(c, operation, p, err);
    return MEDLEY_OK;
}

int64_t settings_names(const medley_param *table, const char *names[SETTINGS_NAMES_MOST], int64_t count)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END && count < SETTINGS_NAMES_MOST;
         p++)
        names[count++] = p->name;
    return count;
}

static bool is_grouped(const operation_class *operation, const char *key)
{
    for (const setting_group *g = operation->groups; g != NULL && g->name != NULL; g++)
        if (config_behind(key, g->name) != NULL)
            return true;
    return false;
}

static bool is_group(const operation_class *operation, const char *key)
{
    for (const setting_group *g = operation->groups; g != NULL && g->name != NULL; g++)
        if (strcmp(key, g->name) == 0)
            return true;
    return false;
}

/* Of "modles.ease.l2" the first word alone can be meant for a group. */
static const char *nearest_key(const bound_settings *s, const char *key)
{
    const char *names[SETTINGS_NAMES_MOST];
    char word[CONFIG_WORD];
    int64_t count = settings_names(s->member_table, names, settings_names(s->operation->table, names, 0));
    for (const setting_group *g = s->operation->groups;
         g != NULL && g->name != NULL && count < SETTINGS_NAMES_MOST; g++)
        names[count++] = g->name;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(key, "."), key);
    return medley_nearest(word, names, count);
}

static medley_status check_keys(const medley_config *c, const bound_settings *s, medley_error *err)
{
    if (s->operation->hands_on)
        return MEDLEY_OK;
    for (int64_t i = 0; i < c->count; i++) {
        const setting *known = &c->settings[i];
        if (medley_param_find(s->operation->table, known->key) != NULL ||
            medley_param_find(s->member_table, known->key) != NULL || is_grouped(s->operation, known->key))
            continue;
        if (is_group(s->operation, known->key)) {
            if (known->value[0] == '\0') /* an empty mapping says nothing */
                continue;
            return fail(err, MEDLEY_E_CONFIG, "%s: '%s%s' is a group of settings; accepted: a mapping",
                        known->origin, c->group, known->key);
        }
        const char *nearest = nearest_key(s, known->key);
        if (nearest != NULL && strchr(known->key, '.') == NULL)
            return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s' (did you mean '%s%s'?)", known->origin,
                        c->group, known->key, c->group, nearest);
        if (nearest != NULL && strncmp(nearest, known->key, strlen(nearest)) != 0)
            return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s' (did you mean '%s%s%s'?)", known->origin,
                        c->group, known->key, c->group, nearest, strchr(known->key, '.'));
        if (nearest != NULL)
            return fail_no_group(c, known, nearest, err);
        return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s'; see medley help %s", known->origin, c->group,
                    known->key, s->operation->name);
    }
    return MEDLEY_OK;
}

static medley_status bind_member(medley_config *c, bound_settings *s, medley_error *err)
{
    const operation_class *o = s->operation;
    registry_member member;
    if (o->member_kind == NULL)
        return MEDLEY_OK;
    const medley_param *key = medley_param_find(o->table, o->member_key);
    const char *name = *(const char *const *)(const void *)((const char *)s->values + key->offset);
    if (registry_find(o->member_kind, name, &member, err) != MEDLEY_OK) {
        const setting *said = config_find(c, o->member_key);
        const medley_status status = fail_while(err, MEDLEY_E_CONFIG, "%s", o->member_key);
        return said != NULL ? settings_fail_at(said, status, err) : status;
    }
    s->member = member.index;
    s->member_table = member.entry.params;
    TRY(mem_alloc_zero(c->rt, 1, member.params_size, &s->member_values, err));
    return fill(c, s->member_table, s->member_values, err);
}

/* ---- groups ---- */

/* Whether the row is one that the owner of the group gives itself. */
static bool is_given(const setting_group *g, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = g->given; at != NULL && *at != '\0'; at += strcspn(at, "|"), at += *at == '|')
        if (strcspn(at, "|") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

/* What stands before the keys of a group, or of the index-th of its names: "prepare", "extract.visual". */
static bool group_prefix(const medley_config *c, const setting_group *g, int64_t index,
                         char prefix[2 * CONFIG_WORD])
{
    char word[CONFIG_WORD];
    if (g->named && !config_word(c, g->name, index, word))
        return false;
    snprintf(prefix, 2 * CONFIG_WORD, g->named ? "%s.%s" : "%s", g->name, g->named ? word : "");
    return g->named || index == 0;
}

static medley_status group_config(const medley_config *c, const setting_group *g, const char *prefix,
                                  medley_config **out, medley_error *err)
{
    medley_config *own;
    TRY(config_group(c, prefix, &own, err));
    medley_status status = take_environment(own, g->operation->table, err);
    for (int64_t i = 0; i < own->count && status == MEDLEY_OK; i++)
        if (is_given(g, own->settings[i].key))
            status = fail(err, MEDLEY_E_CONFIG, "%s: '%s%s' is not accepted here: it follows from other settings",
                          own->settings[i].origin, own->group, own->settings[i].key);
    if (status == MEDLEY_OK)
        *out = own;
    else
        medley_config_free(own);
    return status;
}

/* Binds a group by itself, with a word in the place of what its owner will give. */
static medley_status bind_group(medley_config *own, const setting_group *g, bound_settings *out, medley_error *err)
{
    for (const medley_param *p = g->operation->table; p->kind != MEDLEY_PARAM_END; p++)
        if ((p->flags & MEDLEY_PARAM_REQUIRED) != 0 && is_given(g, p->name))
            TRY(medley_config_set(own, p->name, "-", MEDLEY_FROM_FLAG, NULL, err));
    return settings_bind(own, g->operation, out, err);
}

const setting_group *settings_find_group(const operation_class *operation, const char *name)
{
    const setting_group *g = operation->groups;
    while (strcmp(g->name, name) != 0)
        g++;
    return g;
}

medley_status settings_group(const bound_settings *s, const char *group, medley_config **out, medley_error *err)
{
    return group_config(s->config, settings_find_group(s->operation, group), group, out, err);
}

medley_status settings_named_group(const bound_settings *s, const char *group, int64_t index,
                                   char word[SETTINGS_WORD], medley_config **out, medley_error *err)
{
    char prefix[2 * CONFIG_WORD];
    const setting_group *g = settings_find_group(s->operation, group);
    *out = NULL;
    if (!group_prefix(s->config, g, index, prefix))
        return MEDLEY_OK;
    snprintf(word, SETTINGS_WORD, "%s", prefix + strlen(group) + 1);
    return group_config(s->config, g, prefix, out, err);
}

int64_t settings_count(const medley_config *config)
{
    return config->count;
}

medley_status settings_copy_group(const bound_settings *s, const char *group, medley_config *to, medley_error *err)
{
    for (int64_t i = 0; i < s->config->count; i++) {
        const setting *one = &s->config->settings[i];
        if (strcmp(one->key, group) == 0 || config_behind(one->key, group) != NULL)
            TRY(medley_config_set(to, one->key, one->value, one->rank, one->origin, err));
    }
    return MEDLEY_OK;
}

static medley_status check_operation_group(const medley_config *c, const setting_group *g, const char *prefix,
                                           medley_error *err)
{
    medley_config *own;
    bound_settings s;
    TRY(group_config(c, g, prefix, &own, err));
    medley_status status = MEDLEY_OK;
    if (g->named && own->count == 0) /* a word of its own, or a name too long to be one */
        status =
            fail(err, MEDLEY_E_CONFIG, "%s: a mapping of settings is needed, under a name of less than %d bytes",
                 prefix, CONFIG_WORD);
    else if (own->count > 0) {
        status = bind_group(own, g, &s, err);
        if (status == MEDLEY_OK)
            settings_release(&s);
    }
    medley_config_free(own);
    return status;
}

static medley_status check_groups(const medley_config *c, const operation_class *operation, medley_error *err)
{
    char prefix[2 * CONFIG_WORD];
    for (const setting_group *g = operation->groups; g != NULL && g->name != NULL; g++)
        if (g->operation == NULL)
            TRY(settings_check_spaces(c, g, err));
        else
            for (int64_t i = 0; group_prefix(c, g, i, prefix); i++)
                TRY(check_operation_group(c, g, prefix, err));
    return MEDLEY_OK;
}

medley_status settings_bind(medley_config *c, const operation_class *operation, bound_settings *out,
                            medley_error *err)
{
    *out = (bound_settings){.rt = c->rt, .operation = operation, .member = -1, .config = c};
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc_zero(c->rt, 1, operation->size, &out->values, err));
    TRY_DONE(fill(c, operation->table, out->values, err));
    TRY_DONE(check_required(c, operation, err));
    TRY_DONE(bind_member(c, out, err));
    TRY_DONE(check_keys(c, out, err));
    status = check_groups(c, operation, err);
done:
    if (status != MEDLEY_OK)
        settings_release(out);
    return status;
}

void settings_release(bound_settings *s)
{
    mem_free(s->values);
    mem_free(s->member_values);
    s->values = s->member_values = NULL;
}

const char *settings_origin(const bound_settings *s, const medley_param *param)
{
    const setting *known = config_find(s->config, param->name);
    return known != NULL ? known->origin : "default";
}

/* ---- showing ---- */

enum { NUMBER_LONGEST = 256 }; /* of a value that is no text: a choice */

/* The value as its user would write it, in full however long a text is. */
static const char *shown_value(const medley_param *p, const void *values, char buffer[NUMBER_LONGEST])
{
    if (p->kind == MEDLEY_PARAM_TEXT) {
        const char *value = *(const char *const *)(const void *)((const char *)values + p->offset);
        return value != NULL ? value : "";
    }
    medley_param_format(p, values, buffer, NUMBER_LONGEST);
    return buffer;
}

/* Receives every setting: the group in front of the name, "" or "prepare.", its row, NULL in a space. */
typedef medley_status (*settings_visit)(void *context, const char *group, const char *name, const medley_param *p,
                                        const char *value, const char *origin, medley_error *err);

/* `inside`: the group whose settings these are, or NULL. */
static medley_status walk(const bound_settings *s, const setting_group *inside, settings_visit visit,
                          void *context, medley_error *err);

static medley_status walk_table(const bound_settings *s, const medley_param *table, const void *values,
                                const setting_group *inside, settings_visit visit, void *context,
                                medley_error *err)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char buffer[NUMBER_LONGEST];
        if (inside == NULL || !is_given(inside, p->name))
            TRY(visit(context, s->config->group, p->name, p, shown_value(p, values, buffer), settings_origin(s, p),
                      err));
    }
    return MEDLEY_OK;
}

static medley_status walk_operation_group(const medley_config *c, const setting_group *g, const char *prefix,
                                          settings_visit visit, void *context, medley_error *err)
{
    medley_config *own;
    bound_settings s;
    TRY(group_config(c, g, prefix, &own, err));
    const bool said = own->count > 0;
    medley_status status = said ? bind_group(own, g, &s, err) : MEDLEY_OK;
    if (status == MEDLEY_OK && said) {
        status = walk(&s, g, visit, context, err);
        settings_release(&s);
    }
    medley_config_free(own);
    return status;
}

static medley_status walk_space_group(const medley_config *c, const setting_group *g, settings_visit visit,
                                      void *context, medley_error *err)
{
    char group[CONFIG_WORD];
    snprintf(group, sizeof group, "%s.", g->name);
    for (int64_t i = 0; i < c->count; i++) {
        const setting *s = &c->settings[i];
        const char *behind = config_behind(s->key, g->name);
        if (behind != NULL)
            TRY(visit(context, group, behind, NULL, s->value, s->origin, err));
    }
    return MEDLEY_OK;
}

static medley_status walk(const bound_settings *s, const setting_group *inside, settings_visit visit,
                          void *context, medley_error *err)
{
    TRY(walk_table(s, s->operation->table, s->values, inside, visit, context, err));
    TRY(walk_table(s, s->member_table, s->member_values, inside, visit, context, err));
    char prefix[2 * CONFIG_WORD];
    for (const setting_group *g = s->operation->groups; g != NULL && g->name != NULL; g++)
        if (g->operation == NULL)
            TRY(walk_space_group(s->config, g, visit, context, err));
        else
            for (int64_t i = 0; group_prefix(s->config, g, i, prefix); i++)
                TRY(walk_operation_group(s->config, g, prefix, visit, context, err));
    return MEDLEY_OK;
}

static medley_status report_row(void *context, const char *group, const char *name, const medley_param *p,
                                const char *value, const char *origin, medley_error *err)
{
    char key[2 * KEY_LONGEST];
    (void)p, (void)err;
    snprintf(key, sizeof key, "%s%s", group, name);
    report_string(context, NULL, key);
    report_string(context, NULL, value);
    report_string(context, NULL, origin);
    return MEDLEY_OK;
}

static const operation_class *find_operation(const char *name)
{
    for (int i = 0; name != NULL && operation_classes[i] != NULL; i++)
        if (strcmp(operation_classes[i]->name, name) == 0)
            return operation_classes[i];
    return NULL;
}

medley_status medley_config_resolve(medley_config *c, const char *operation, medley_report **out,
                                    medley_error *err)
{
    const operation_class *o = find_operation(operation);
    bound_settings s;
    *out = NULL;
    if (o == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "'%s' is no operation; see medley list operations",
                    operation != NULL ? operation : "");
    TRY(settings_bind(c, o, &s, err));
    medley_status status = report_create(c->rt, out, err);
    if (status == MEDLEY_OK) {
        report_table(*out, "settings", "Settings", "name|value|origin");
        status = walk(&s, NULL, report_row, *out, err);
        if (status == MEDLEY_OK)
            status = report_status(*out, err);
    }
    settings_release(&s);
    if (status == MEDLEY_OK) {
        error_clear(err);
    } else {
        medley_report_free(*out);
        *out = NULL;
    }
    return status;
}

/* An origin as a comment: a file may be called anything, and what YAML takes for a line end or refuses
 * (controls; U+0080..U+009F, U+2028, U+FFFE and what shares their first byte) would spoil config.yaml. */
static void add_comment(text *out, const char *origin)
{
    text_add(out, "  # ");
    for (size_t left = strlen(origin); left > 0;) {
        const int size = text_character(origin, left);
        const unsigned char first = (unsigned char)origin[0];
        const bool plain = size > 1 ? first != 0xc2 && first != 0xe2 && first != 0xef
                                    : size == 1 && first >= 0x20 && first < 0x7f;
        const size_t used = size > 0 ? (size_t)size : 1;
        text_append(out, plain ? origin : "?", plain ? used : 1);
        origin += used;
        left -= used;
    }
    text_add(out, "\n");
}

static medley_status yaml_row(void *context, const char *group, const char *name, const medley_param *p,
                              const char *value, const char *origin, medley_error *err)
{
    text *out = context;
    char key[2 * KEY_LONGEST], *absolute = NULL;
    snprintf(key, sizeof key, "%s%s", group, name);
    if (p != NULL && (p->flags & MEDLEY_PARAM_PATH) != 0 && file_exists(value))
        TRY(file_absolute(out->rt, value, &absolute, err));
    yaml_write_pair(out, key, absolute != NULL ? absolute : value);
    add_comment(out, origin);
    mem_free(absolute);
    return MEDLEY_OK;
}

medley_status settings_yaml(const bound_settings *s, text *out, medley_error *err)
{
    TRY(walk(s, NULL, yaml_row, out, err));
    return text_status(out, err);
}

/* ---- running ---- */

static medley_status check(const operation_class *operation, const medley_runtime *rt, const bound_settings *s,
                           medley_error *err)
{
    return operation->check != NULL ? operation->check(rt, s, err) : MEDLEY_OK;
}

medley_status operation_check(const operation_class *operation, const medley_runtime *rt, medley_config *config,
                              medley_error *err)
{
    bound_settings settings;
    TRY(settings_bind(config, operation, &settings, err));
    const medley_status status = check(operation, rt, &settings, err);
    settings_release(&settings);
    return status;
}

medley_status operation_run(const operation_class *operation, medley_runtime *rt, medley_config *config,
                            medley_report **out, medley_error *err)
{
    bound_settings settings;
    medley_report *report;
    if (out != NULL)
        *out = NULL;
    TRY(settings_bind(config, operation, &settings, err));
    medley_status status = report_create(rt, &report, err);
    if (status == MEDLEY_OK)
        status = check(operation, rt, &settings, err);
    if (status == MEDLEY_OK)
        status = operation->run(rt, &settings, report, err);
    if (status == MEDLEY_OK)
        status = report_status(report, err);
    settings_release(&settings);
    if (status == MEDLEY_OK && out != NULL) {
        *out = report;
        report = NULL;
    }
    if (status == MEDLEY_OK)
        error_clear(err);
    medley_report_free(report);
    return status;
}
