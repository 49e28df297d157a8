/* Settings as text, and binding them to parameter tables. */
#include <ctype.h>

#include "api/operation.h"
#include "io/file.h"
#include "io/yaml.h"

enum { CONFIG_LONGEST = 1024 * 1024, KEYS_MOST = 1000, NAMES_MOST = 256, KEY_LONGEST = 64, PATH_LONGEST = 4096 };

typedef struct setting {
    const char *key, *value, *origin;
    medley_config_rank rank;
} setting;

struct medley_config {
    const medley_runtime *rt;
    arena texts;
    setting *settings;
    int64_t count, capacity;
};

medley_status medley_config_create(medley_runtime *runtime, medley_config **out, medley_error *err)
{
    *out = NULL;
    TRY(mem_alloc_zero(runtime, 1, sizeof **out, out, err));
    (*out)->rt = runtime;
    (*out)->texts.rt = runtime;
    error_clear(err);
    return MEDLEY_OK;
}

void medley_config_free(medley_config *c)
{
    if (c == NULL)
        return;
    arena_release(&c->texts);
    mem_free(c->settings);
    mem_free(c);
}

static bool same_key(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
            return false;
    return *a == *b;
}

static setting *find_among(setting *settings, int64_t count, const char *key)
{
    for (int64_t i = 0; i < count; i++)
        if (same_key(settings[i].key, key))
            return &settings[i];
    return NULL;
}

static setting *find(const medley_config *c, const char *key)
{
    return find_among(c->settings, c->count, key);
}

static bool is_utf8(const char *string)
{
    size_t length = strlen(string);
    for (int size; length > 0; string += size, length -= (size_t)size)
        if ((size = text_character(string, length)) == 0)
            return false;
    return true;
}

/* A setting whose texts are the config's. Bytes that are not UTF-8 could not be written to config.yaml. */
static medley_status make_setting(medley_config *c, const char *key, const char *value, medley_config_rank rank,
                                  const char *origin, setting *out, medley_error *err)
{
    if (!is_utf8(key) || !is_utf8(value))
        return fail(err, MEDLEY_E_CONFIG, "%s: %s: '%.100s' is not UTF-8", origin, key, value);
    out->rank = rank;
    TRY(arena_text(&c->texts, key, strlen(key), &out->key, err));
    TRY(arena_text(&c->texts, value, strlen(value), &out->value, err));
    return arena_text(&c->texts, origin, strlen(origin), &out->origin, err);
}

static medley_status make_room(medley_config *c, int64_t more, medley_error *err)
{
    return mem_reserve(c->rt, &c->settings, &c->capacity, c->count + more, sizeof *c->settings, err);
}

/* There is room. */
static void put(medley_config *c, const setting *s)
{
    setting *old = find(c, s->key);
    if (old == NULL)
        c->settings[c->count++] = *s;
    else if (s->rank >= old->rank)
        *old = *s;
}

medley_status medley_config_set(medley_config *c, const char *key, const char *value, medley_config_rank rank,
                                const char *origin, medley_error *err)
{
    if (key == NULL || value == NULL || key[0] == '\0')
        return fail(err, MEDLEY_E_ARGUMENT, "a setting needs a key and a value");
    setting s;
    TRY(make_setting(c, key, value, rank, origin != NULL ? origin : "set", &s, err));
    TRY(make_room(c, 1, err));
    put(c, &s);
    error_clear(err);
    return MEDLEY_OK;
}

const char *medley_config_value(const medley_config *c, const char *key)
{
    const setting *s = find(c, key);
    return s != NULL ? s->value : NULL;
}

/* ---- YAML ---- */

/* What a file says; the config takes it whole or not at all. */
typedef struct yaml_target {
    medley_config *config;
    const char *path;
    setting *settings;
    int64_t count, capacity;
} yaml_target;

static medley_status take_pair(void *context, const char *key, const char *value, int line, medley_error *err)
{
    yaml_target *t = context;
    char origin[PATH_LONGEST + 16];
    snprintf(origin, sizeof origin, "%s:%d", t->path, line);
    if (key[0] == '\0')
        return fail(err, MEDLEY_E_FORMAT, "%s: an empty key", origin);
    if (find_among(t->settings, t->count, key) != NULL) /* "top-k" after "top_k": YAML sees two keys */
        return fail(err, MEDLEY_E_FORMAT, "%s: key '%s' is given twice", origin, key);
    if (t->count == KEYS_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: more than %d keys", origin, KEYS_MOST);
    TRY(mem_reserve(t->config->rt, &t->settings, &t->capacity, t->count + 1, sizeof *t->settings, err));
    TRY(make_setting(t->config, key, value, MEDLEY_FROM_YAML, origin, &t->settings[t->count], err));
    t->count++;
    return MEDLEY_OK;
}

medley_status medley_config_load(medley_config *c, const char *path, medley_error *err)
{
    if (path == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "path: NULL; a YAML file is needed");
    char *bytes = NULL;
    size_t length;
    yaml_target target = {.config = c, .path = path};
    medley_status status = file_read_whole(c->rt, path, CONFIG_LONGEST, &bytes, &length, err);
    if (status == MEDLEY_E_LIMIT)
        status = fail(err, MEDLEY_E_FORMAT, "%s: no configuration: longer than %d bytes", path, CONFIG_LONGEST);
    if (status != MEDLEY_OK)
        return status;
    TRY_DONE(yaml_read(c->rt, path, bytes, length, take_pair, &target, err));
    TRY_DONE(make_room(c, target.count, err));
    for (int64_t i = 0; i < target.count; i++)
        put(c, &target.settings[i]);
    error_clear(err);
done:
    mem_free(target.settings);
    mem_free(bytes);
    return status;
}

/* ---- binding ---- */

static medley_status take_environment(medley_config *c, const medley_param *table, medley_error *err)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char name[KEY_LONGEST + 8] = "MEDLEY_";
        size_t at = strlen(name);
        for (const char *k = p->name; *k != '\0' && at < sizeof name - 1; k++)
            name[at++] = (char)toupper((unsigned char)*k);
        name[at] = '\0';
        const char *value = getenv(name);
        if (value != NULL)
            TRY(medley_config_set(c, p->name, value, MEDLEY_FROM_ENVIRONMENT, name, err));
    }
    return MEDLEY_OK;
}

/* Says where a refused value stands; a flag's message names the key already. */
static medley_status fail_at(const setting *s, medley_status status, medley_error *err)
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
            return fail_at(s, status, err);
    }
    return MEDLEY_OK;
}

/* Says that a required setting is missing, or which key was meant for it. */
static medley_status fail_missing(const medley_config *c, const operation_class *operation,
                                  const medley_param *missing, medley_error *err)
{
    for (int64_t i = 0; i < c->count; i++) {
        const setting *s = &c->settings[i];
        if (medley_param_find(operation->table, s->key) == NULL &&
            medley_nearest(s->key, &missing->name, 1) != NULL)
            return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s' (did you mean '%s'?)", s->origin, s->key,
                        missing->name);
    }
    return fail(err, MEDLEY_E_CONFIG, "%s: %s is missing: %s", operation->name, missing->name, missing->help);
}

static medley_status check_required(const medley_config *c, const operation_class *operation, medley_error *err)
{
    for (const medley_param *p = operation->table; p->kind != MEDLEY_PARAM_END; p++)
        if ((p->flags & MEDLEY_PARAM_REQUIRED) != 0 && find(c, p->name) == NULL)
            return fail_missing(c, operation, p, err);
    return MEDLEY_OK;
}

static int64_t collect_names(const medley_param *table, const char **names, int64_t count)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END && count < NAMES_MOST; p++)
        names[count++] = p->name;
    return count;
}

static medley_status check_keys(const medley_config *c, const bound_settings *s, medley_error *err)
{
    for (int64_t i = 0; i < c->count; i++) {
        const setting *known = &c->settings[i];
        if (medley_param_find(s->operation->table, known->key) != NULL ||
            medley_param_find(s->member_table, known->key) != NULL)
            continue;
        const char *names[NAMES_MOST];
        const int64_t count = collect_names(s->member_table, names, collect_names(s->operation->table, names, 0));
        const char *nearest = medley_nearest(known->key, names, count);
        if (nearest != NULL)
            return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s' (did you mean '%s'?)", known->origin,
                        known->key, nearest);
        return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s'; see medley help %s", known->origin, known->key,
                    s->operation->name);
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
        const setting *said = find(c, o->member_key);
        const medley_status status = fail_while(err, MEDLEY_E_CONFIG, "%s", o->member_key);
        return said != NULL ? fail_at(said, status, err) : status;
    }
    s->member = member.index;
    s->member_table = member.entry.params;
    TRY(mem_alloc_zero(c->rt, 1, member.params_size, &s->member_values, err));
    return fill(c, s->member_table, s->member_values, err);
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
    status = check_keys(c, out, err);
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
    const setting *known = find(s->config, param->name);
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

static void report_table_rows(medley_report *r, const bound_settings *s, const medley_param *table,
                              const void *values)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char buffer[NUMBER_LONGEST];
        report_string(r, NULL, p->name);
        report_string(r, NULL, shown_value(p, values, buffer));
        report_string(r, NULL, settings_origin(s, p));
    }
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
        report_table_rows(*out, &s, o->table, s.values);
        report_table_rows(*out, &s, s.member_table, s.member_values);
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

static medley_status yaml_rows(const bound_settings *s, const medley_param *table, const void *values, text *out,
                               medley_error *err)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char buffer[NUMBER_LONGEST], *absolute = NULL;
        const char *value = shown_value(p, values, buffer);
        if ((p->flags & MEDLEY_PARAM_PATH) != 0 && file_exists(value))
            TRY(file_absolute(s->rt, value, &absolute, err));
        yaml_write_pair(out, p->name, absolute != NULL ? absolute : value);
        add_comment(out, settings_origin(s, p));
        mem_free(absolute);
    }
    return MEDLEY_OK;
}

medley_status settings_yaml(const bound_settings *s, text *out, medley_error *err)
{
    TRY(yaml_rows(s, s->operation->table, s->values, out, err));
    TRY(yaml_rows(s, s->member_table, s->member_values, out, err));
    return text_status(out, err);
}

/* ---- running ---- */

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
