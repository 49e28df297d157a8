/* Groups of search spaces: which members are searched, under which names, where. */
#include "api/operation.h"
#include "api/settings_list.h"

/* Where a group's word was said first, which it was. */
static const setting *first_of(const medley_config *c, const char *group, const char *word)
{
    const setting *s = c->settings;
    for (;; s++) {
        const char *behind = config_behind(s->key, group);
        if (behind != NULL && strncmp(behind, word, strlen(word)) == 0)
            return s;
    }
}

/* The setting "models.<word>.model", or NULL. */
static const setting *member_of(const medley_config *c, const setting_group *g, const char *word)
{
    char key[3 * CONFIG_WORD];
    snprintf(key, sizeof key, "%s.%s.%s", g->name, word, g->member_key);
    return config_find(c, key);
}

/* ---- which ---- */

bool settings_searched(const bound_settings *s, const char *group, int64_t index, char name[SETTINGS_WORD])
{
    return config_word(s->config, group, index, name);
}

/* Letters, digits, '_' and '-', the first a letter or digit: it names files and stands in lists. */
static bool is_plain(const char *name)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return name[0] != '\0' && name[0] != '_' && name[0] != '-' && name[strspn(name, accepted)] == '\0';
}

/* "<name>-seed<number>" is what the runs of further seeds are called. */
static bool ends_in_seed(const char *name)
{
    const size_t length = strlen(name);
    size_t digits = 0;
    while (digits < length && name[length - digits - 1] >= '0' && name[length - digits - 1] <= '9')
        digits++;
    return digits > 0 && length - digits >= 5 && memcmp(name + length - digits - 5, "-seed", 5) == 0;
}

static medley_status check_variant_name(const setting_group *g, const setting *said, const settings_variant *v,
                                        medley_error *err)
{
    registry_member other;
    if (!is_plain(v->name) || ends_in_seed(v->name))
        return fail(err, MEDLEY_E_CONFIG,
                    "%s: %s: '%s' names no variant; letters, digits, '_' and '-' are accepted, and no end in "
                    "-seed and a number",
                    said->origin, g->name, v->name);
    if (strcmp(v->name, v->member.entry.name) != 0 && registry_find(g->spaces, v->name, &other, NULL) == MEDLEY_OK)
        return fail(err, MEDLEY_E_CONFIG,
                    "%s: %s.%s.%s: '%s', but '%s' is one of %s itself; a variant needs another name", said->origin,
                    g->name, v->name, g->member_key, said->value, v->name, g->spaces);
    return MEDLEY_OK;
}

/* A word that is no member may be a variant's name, whose member was forgotten. */
static medley_status resolve_member(const medley_config *c, const setting_group *g, const char *word,
                                    registry_member *out, medley_error *err)
{
    medley_error own;
    if (registry_find(g->spaces, word, out, &own) == MEDLEY_OK)
        return MEDLEY_OK;
    const medley_status status = fail(err, MEDLEY_E_CONFIG, "%s: %.600s, or say whose variant it is: %s.%s.%s",
                                      g->name, own.message, g->name, word, g->member_key);
    return settings_fail_at(first_of(c, g->name, word), status, err);
}

/* What a word of the group stands for. */
static medley_status resolve(const medley_config *c, const setting_group *g, const char *word,
                             settings_variant *out, medley_error *err)
{
    const setting *said = member_of(c, g, word);
    snprintf(out->name, sizeof out->name, "%s", word);
    if (said == NULL)
        return resolve_member(c, g, word, &out->member, err);
    if (registry_find(g->spaces, said->value, &out->member, err) != MEDLEY_OK)
        return fail_while(err, MEDLEY_E_CONFIG, "%s: %s.%s.%s", said->origin, g->name, word, g->member_key);
    return check_variant_name(g, said, out, err);
}

/* Says which name of the group was meant; false: none. */
static bool is_near(const medley_config *c, const setting_group *g, const char *name, medley_error *err)
{
    char words[SETTINGS_NAMES_MOST][CONFIG_WORD];
    const char *names[SETTINGS_NAMES_MOST];
    int64_t count = 0;
    while (count < SETTINGS_NAMES_MOST && config_word(c, g->name, count, words[count])) {
        names[count] = words[count];
        count++;
    }
    const char *nearest = medley_nearest(name, names, count);
    if (nearest != NULL)
        fail(err, MEDLEY_E_CONFIG, "unknown '%s' (did you mean '%s'?)", name, nearest);
    return nearest != NULL;
}

medley_status settings_find_variant(const bound_settings *s, const char *group, const char *name,
                                    settings_variant *out, medley_error *err)
{
    const setting_group *g = settings_find_group(s->operation, group);
    char word[CONFIG_WORD];
    for (int64_t i = 0; config_word(s->config, group, i, word); i++)
        if (config_same(word, name))
            return resolve(s->config, g, word, out, err);
    snprintf(out->name, sizeof out->name, "%s", name);
    if (registry_find(g->spaces, name, &out->member, err) == MEDLEY_OK)
        return MEDLEY_OK;
    (void)!is_near(s->config, g, name, err); /* otherwise the registry has said what is */
    return MEDLEY_E_CONFIG;
}

/* ---- where ---- */

/* "ease.l2" = "1..10": the member's row and its text. */
static medley_status add_dimension(const medley_config *own, const setting *s, const medley_param *table,
                                   search_space *space, medley_error *err)
{
    const medley_param *p = medley_param_find(table, s->key);
    if (p != NULL) {
        const medley_status status = search_space_add(space, p, s->value, err);
        return status == MEDLEY_OK ? status : settings_fail_at(s, status, err);
    }
    const char *names[SETTINGS_NAMES_MOST];
    const char *nearest = medley_nearest(s->key, names, settings_names(table, names, 0));
    if (nearest != NULL)
        return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s' (did you mean '%s%s'?)", s->origin, own->group,
                    s->key, own->group, nearest);
    return fail(err, MEDLEY_E_CONFIG, "%s: unknown key '%s%s'; see medley help model", s->origin, own->group,
                s->key);
}

static medley_status read_space(const medley_config *c, const setting_group *g, const settings_variant *variant,
                                search_space *out, medley_error *err)
{
    const medley_param *table = variant->member.entry.params;
    char name[2 * CONFIG_WORD];
    medley_config *own;
    snprintf(name, sizeof name, "%s.%s", g->name, variant->name);
    search_space_init(out, c->rt);
    const setting *whole = config_find(c, name);
    if (whole != NULL && whole->value[0] != '\0' && strcmp(whole->value, "default") != 0)
        return fail(err, MEDLEY_E_CONFIG,
                    "%s: %s: '%.100s' is no search space; accepted: default, or a mapping of settings to values",
                    whole->origin, name, whole->value);
    TRY(config_group(c, name, &own, err));
    medley_status status = MEDLEY_OK;
    bool any = false;
    for (int64_t i = 0; i < own->count && status == MEDLEY_OK; i++)
        if (!config_same(own->settings[i].key, g->member_key)) {
            status = add_dimension(own, &own->settings[i], table, out, err);
            any = true;
        }
    if (status == MEDLEY_OK && !any)
        status = search_space_add_table(out, table, err);
    medley_config_free(own);
    return status;
}

medley_status settings_space(const bound_settings *s, const char *group, const settings_variant *variant,
                             search_space *out, medley_error *err)
{
    return read_space(s->config, settings_find_group(s->operation, group), variant, out, err);
}

medley_status settings_check_spaces(const medley_config *c, const setting_group *g, medley_error *err)
{
    char word[CONFIG_WORD];
    for (int64_t i = 0; config_word(c, g->name, i, word); i++) {
        settings_variant variant;
        search_space space;
        TRY(resolve(c, g, word, &variant, err));
        const medley_status status = read_space(c, g, &variant, &space, err);
        search_space_release(&space);
        TRY(status);
    }
    return MEDLEY_OK;
}
