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

#endif
