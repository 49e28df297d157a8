/* Settings as text: where they are kept, and reading them from YAML. */
#include "api/settings_list.h"

#include "io/file.h"
#include "io/yaml.h"

enum { CONFIG_LONGEST = 1024 * 1024, KEYS_MOST = 1000, PATH_LONGEST = 4096 };

static medley_status create(const medley_runtime *rt, const char *group, medley_config **out, medley_error *err)
{
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof **out, out, err));
    (*out)->rt = rt;
    (*out)->texts.rt = rt;
    (*out)->group = group;
    return MEDLEY_OK;
}

medley_status medley_config_create(medley_runtime *runtime, medley_config **out, medley_error *err)
{
    TRY(create(runtime, "", out, err));
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

/* Up to `length` bytes of both, or their ends. */
static bool same_start(const char *a, const char *b, size_t length)
{
    for (; length > 0 && *a != '\0' && *b != '\0'; a++, b++, length--)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
            return false;
    return length == 0 || *a == *b;
}

bool config_same(const char *a, const char *b)
{
    return same_start(a, b, SIZE_MAX);
}

static setting *find_among(setting *settings, int64_t count, const char *key)
{
    for (int64_t i = 0; i < count; i++)
        if (config_same(settings[i].key, key))
            return &settings[i];
    return NULL;
}

const setting *config_find(const medley_config *c, const char *key)
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
    setting *old = find_among(c->settings, c->count, s->key);
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
    const setting *s = config_find(c, key);
    return s != NULL ? s->value : NULL;
}

/* ---- groups ---- */

const char *config_behind(const char *key, const char *group)
{
    for (; *group != '\0'; key++, group++)
        if ((*key == '-' ? '_' : *key) != (*group == '-' ? '_' : *group))
            return NULL;
    return *key == '.' ? key + 1 : NULL;
}

medley_status config_group(const medley_config *c, const char *group, medley_config **out, medley_error *err)
{
    text name = {.rt = c->rt};
    medley_config *own;
    TRY(create(c->rt, "", &own, err));
    text_format(&name, "%s%s.", c->group, group);
    medley_status status = text_status(&name, err);
    if (status == MEDLEY_OK)
        status = arena_text(&own->texts, name.bytes, (size_t)name.length, &own->group, err);
    for (int64_t i = 0; i < c->count && status == MEDLEY_OK; i++) {
        const setting *s = &c->settings[i];
        const char *key = config_behind(s->key, group);
        if (key != NULL)
            status = medley_config_set(own, key, s->value, s->rank, s->origin, err);
    }
    text_release(&name);
    if (status == MEDLEY_OK)
        *out = own;
    else
        medley_config_free(own);
    return status;
}

bool config_word(const medley_config *c, const char *group, int64_t index, char word[CONFIG_WORD])
{
    for (int64_t i = 0; i < c->count; i++) {
        const char *behind = config_behind(c->settings[i].key, group);
        if (behind == NULL)
            continue;
        const size_t length = strcspn(behind, ".");
        bool repeated = false;
        for (int64_t j = 0; j < i && !repeated; j++) {
            const char *other = config_behind(c->settings[j].key, group);
            repeated = other != NULL && strcspn(other, ".") == length && same_start(other, behind, length);
        }
        if (repeated || index-- > 0)
            continue;
        snprintf(word, CONFIG_WORD, "%.*s", length < CONFIG_WORD ? (int)length : CONFIG_WORD - 1, behind);
        return true;
    }
    return false;
}

/* ---- YAML ---- */

/* What a file says; the config takes it whole or not at all. */
typedef struct yaml_target {
    medley_config *config;
    const char *path;
    text key; /* where the walk is: "models.ease.l2" */
    text items;
    setting *settings;
    int64_t count, capacity;
} yaml_target;

static medley_status take_pair(yaml_target *t, const char *value, int line, medley_error *err)
{
    char origin[PATH_LONGEST + 16];
    snprintf(origin, sizeof origin, "%s:%d", t->path, line);
    if (find_among(t->settings, t->count, t->key.bytes) != NULL) /* "top-k" after "top_k": YAML sees two keys */
        return fail(err, MEDLEY_E_FORMAT, "%s: key '%s' is given twice", origin, t->key.bytes);
    if (t->count == KEYS_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: more than %d keys", origin, KEYS_MOST);
    TRY(mem_reserve(t->config->rt, &t->settings, &t->capacity, t->count + 1, sizeof *t->settings, err));
    TRY(make_setting(t->config, t->key.bytes, value, MEDLEY_FROM_YAML, origin, &t->settings[t->count], err));
    t->count++;
    return MEDLEY_OK;
}

static medley_status take_list(yaml_target *t, const yaml_node *list, medley_error *err)
{
    t->items.length = 0;
    text_add(&t->items, "");
    for (int64_t i = 0; i < list->count; i++) {
        const yaml_node *item = &list->children[i];
        if (item->kind != YAML_SCALAR)
            return fail(err, MEDLEY_E_FORMAT, "%s:%d: '%s' holds a list or a mapping; accepted: a list of scalars",
                        t->path, item->line, t->key.bytes);
        if (strchr(item->value, ',') != NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s:%d: item '%s' of '%s' holds a comma, which separates items",
                        t->path, item->line, item->value, t->key.bytes);
        text_add(&t->items, i > 0 ? "," : "");
        text_add(&t->items, item->value);
    }
    TRY(text_status(&t->items, err));
    return take_pair(t, t->items.bytes, list->line, err);
}

/* {models: {ease: {l2: 5}}} is the key models.ease.l2. A mapping without members is its key with no value. */
static medley_status take_map(yaml_target *t, const yaml_node *map, medley_error *err)
{
    const int64_t length = t->key.length;
    for (int64_t i = 0; i < map->count; i++) {
        const yaml_node *node = &map->children[i];
        if (node->key[0] == '\0')
            return fail(err, MEDLEY_E_FORMAT, "%s:%d: an empty key", t->path, node->line);
        t->key.length = length;
        text_add(&t->key, length > 0 ? "." : "");
        text_add(&t->key, node->key);
        TRY(text_status(&t->key, err));
        if (node->kind == YAML_LIST)
            TRY(take_list(t, node, err));
        else if (node->kind == YAML_MAP && node->count > 0)
            TRY(take_map(t, node, err));
        else
            TRY(take_pair(t, node->kind == YAML_SCALAR ? node->value : "", node->line, err));
    }
    t->key.length = length;
    return MEDLEY_OK;
}

medley_status medley_config_load(medley_config *c, const char *path, medley_error *err)
{
    if (path == NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "path: NULL; a YAML file is needed");
    char *bytes = NULL;
    size_t length;
    yaml_document *document = NULL;
    yaml_target target = {.config = c, .path = path, .key = {.rt = c->rt}, .items = {.rt = c->rt}};
    medley_status status = file_read_whole(c->rt, path, CONFIG_LONGEST, &bytes, &length, err);
    if (status == MEDLEY_E_LIMIT)
        status = fail(err, MEDLEY_E_FORMAT, "%s: no configuration: longer than %d bytes", path, CONFIG_LONGEST);
    if (status != MEDLEY_OK)
        return status;
    TRY_DONE(yaml_parse(c->rt, path, bytes, length, &document, err));
    TRY_DONE(take_map(&target, yaml_root(document), err));
    TRY_DONE(make_room(c, target.count, err));
    for (int64_t i = 0; i < target.count; i++)
        put(c, &target.settings[i]);
    error_clear(err);
done:
    text_release(&target.key);
    text_release(&target.items);
    yaml_document_free(document);
    mem_free(target.settings);
    mem_free(bytes);
    return status;
}
