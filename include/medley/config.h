/* Settings as text: what files, the environment and flags say, each with where it was said. */
#ifndef MEDLEY_CONFIG_H
#define MEDLEY_CONFIG_H

#include <medley/report.h>
#include <medley/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An ordered list of (key, value, origin). Keys are checked against the tables of the operation
 * that uses it; an unknown key is refused with the nearest name and its origin. One thread. */
typedef struct medley_config medley_config;

MEDLEY_API MEDLEY_MUST_USE medley_status medley_config_create(medley_runtime *runtime, medley_config **out,
                                                              medley_error *err);
MEDLEY_API void medley_config_free(medley_config *config);

/* Sets one key; '-' in the key counts as '_'. origin says where it was said ("--top-k",
 * "exp.yaml:4"); NULL means "set". All are copied. A later set of higher or equal rank wins:
 * yaml < environment < flag, whatever the order of the calls. Fails with E_ARGUMENT (no key or no
 * value), E_CONFIG (not UTF-8), E_NOMEM. */
typedef enum medley_config_rank {
    MEDLEY_FROM_YAML = 1,
    MEDLEY_FROM_ENVIRONMENT = 2,
    MEDLEY_FROM_FLAG = 3,
} medley_config_rank;
MEDLEY_API MEDLEY_MUST_USE medley_status medley_config_set(medley_config *config, const char *key,
                                                           const char *value, medley_config_rank rank,
                                                           const char *origin, medley_error *err);

/* Reads a YAML file: one mapping of plain keys to scalars. A list of scalars is the same as its
 * items joined by commas. Anything else, a repeated key included, is refused with its line.
 * Fails with E_IO, E_NOT_FOUND, E_FORMAT, E_NOMEM; the config is then unchanged. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_config_load(medley_config *config, const char *path,
                                                            medley_error *err);

/* The value of a key as text, or NULL. Borrowed until the next call that changes the config. */
MEDLEY_API const char *medley_config_value(const medley_config *config, const char *key);

/* Checks the settings against an operation ("train") as running it would, and reports every
 * parameter with value and origin. Also takes from the environment what the operation accepts:
 * MEDLEY_TOP_K sets top_k. Fails as the operation would. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_config_resolve(medley_config *config, const char *operation,
                                                               medley_report **out, medley_error *err);

#ifdef __cplusplus
}
#endif
#endif
