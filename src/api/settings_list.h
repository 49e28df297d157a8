/* The inside of a medley_config: what settings.c binds. */
#ifndef API_SETTINGS_LIST_H
#define API_SETTINGS_LIST_H

#include <medley/config.h>

#include "api/operation.h"

typedef struct setting {
    const char *key, *value, *origin;
    medley_config_rank rank;
} setting;

struct medley_config {
    const medley_runtime *rt;
    arena texts;
    const char *group; /* "" or "prepare.": what stood in front of the keys where they were said */
    setting *settings; /* in the order of first mention */
    int64_t count, capacity;
};

/* The setting of a key, or NULL; '-' and '_' are the same. */
const setting *config_find(const medley_config *c, const char *key);

/* What is said of "<group>.<key>" as a config of its own, with keys <key> and their origins. */
MEDLEY_MUST_USE medley_status config_group(const medley_config *c, const char *group, medley_config **out,
                                           medley_error *err);

/* The index-th distinct word that stands behind "<group>." in a key, copied to word; false past the last. */
enum { CONFIG_WORD = SETTINGS_WORD };
bool config_word(const medley_config *c, const char *group, int64_t index, char word[CONFIG_WORD]);

/* The part of a key behind "<group>.", or NULL: it is of no such group. */
const char *config_behind(const char *key, const char *group);

/* Whether two words are the same key. */
bool config_same(const char *a, const char *b);

/* Says where a refused value stands; a flag's message names the key already. */
medley_status settings_fail_at(const setting *s, medley_status status, medley_error *err);

/* Adds the names of a table's rows to `count` names; how many there are then. */
enum { SETTINGS_NAMES_MOST = 256 };
int64_t settings_names(const medley_param *table, const char *names[SETTINGS_NAMES_MOST], int64_t count);

/* The group of that name, which there is. */
const setting_group *settings_find_group(const operation_class *operation, const char *name);

/* Refuses what a group of spaces names and no member is, and what is no space of its settings. */
MEDLEY_MUST_USE medley_status settings_check_spaces(const medley_config *c, const setting_group *g,
                                                    medley_error *err);

#endif
