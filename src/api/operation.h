/* What an operation is: a row in operations.def and a file that defines operation_<name>. One
 * mechanism binds settings for all of them. */
#ifndef API_OPERATION_H
#define API_OPERATION_H

#include <medley/config.h>
#include <medley/registry.h>

#include "base/report.h"
#include "train/search_space.h"

/* Settings that stand together in an operation's YAML under one name. */
typedef struct setting_group {
    const char *name;                        /* keys are "<name>.<key>" */
    const struct operation_class *operation; /* whose settings they are; NULL: they are search spaces */
    const char *given;                       /* "store|force": rows that the owner gives, refused in the group */
    const char *spaces; /* the kind whose members' rows are searched: "<name>.<member>.<row>: <space>" */
    const char
        *member_key; /* of spaces: "<name>.<any name>.<member_key>: <member>" searches it under another name */
    bool named;      /* several of the operation: keys are "<name>.<any name>.<key>" */
    const char *help;
} setting_group;

/* Settings bound to an operation: its own values, and those of the member it names (a format, a
 * strategy, a model). Valid while the config is. */
typedef struct bound_settings {
    const medley_runtime *rt;
    const struct operation_class *operation;
    void *values;
    int64_t member; /* index in its registry; -1: the operation names none */
    const medley_param *member_table;
    void *member_values;
    const medley_config *config;
} bound_settings;

typedef struct operation_class {
    const char *name, *summary, *details;
    const medley_param *table;
    size_t size;
    const char *member_kind; /* "formats", ...: the kind named by the setting member_key; or NULL */
    const char *member_key;
    const setting_group *groups; /* ends with name NULL; NULL: none */
    bool hands_on;               /* settings of no table here are another operation's, which run binds */
    /* Refuses what can be refused before anything is opened or made; NULL: binding says it all. */
    medley_status (*check)(const medley_runtime *rt, const bound_settings *settings, medley_error *err);
    medley_status (*run)(medley_runtime *rt, const bound_settings *settings, medley_report *report,
                         medley_error *err);
} operation_class;

extern const operation_class *const operation_classes[]; /* ends with NULL */

/* Binds: takes the environment in, finds the member, checks every key. */
MEDLEY_MUST_USE medley_status settings_bind(medley_config *config, const operation_class *operation,
                                            bound_settings *out, medley_error *err);
void settings_release(bound_settings *s);

/* Where a parameter's value came from: "default", "exp.yaml:4", "MEDLEY_SEED", "--seed". */
const char *settings_origin(const bound_settings *s, const medley_param *param);

/* Appends all settings as YAML, each with its origin as a comment; paths absolute where they exist. */
MEDLEY_MUST_USE medley_status settings_yaml(const bound_settings *s, text *out, medley_error *err);

/* What a group says, environment included, as a config with keys of the group's operation; a row that the owner
 * gives is set in it before the operation is run. */
MEDLEY_MUST_USE medley_status settings_group(const bound_settings *s, const char *group, medley_config **out,
                                             medley_error *err);
/* The same of the index-th name of a group that is `named`, with the name; *out is NULL past the last. */
enum { SETTINGS_WORD = 64 };
MEDLEY_MUST_USE medley_status settings_named_group(const bound_settings *s, const char *group, int64_t index,
                                                   char word[SETTINGS_WORD], medley_config **out,
                                                   medley_error *err);
/* How many settings a config has. */
int64_t settings_count(const medley_config *config);
/* Copies what is said of a group of spaces, and in the setting of that name, to another config. */
MEDLEY_MUST_USE medley_status settings_copy_group(const bound_settings *s, const char *group, medley_config *to,
                                                  medley_error *err);

/* Binds and checks; nothing is opened or made. */
MEDLEY_MUST_USE medley_status operation_check(const operation_class *operation, const medley_runtime *rt,
                                              medley_config *config, medley_error *err);

/* Binds, checks and runs; hands over the report if `report` is not NULL. */
MEDLEY_MUST_USE medley_status operation_run(const operation_class *operation, medley_runtime *rt,
                                            medley_config *config, medley_report **report, medley_error *err);

/* A member of a kind with what binding needs of it. */
typedef struct registry_member {
    medley_entry entry;
    size_t params_size;
    int64_t index;
} registry_member;
MEDLEY_MUST_USE medley_status registry_find(const char *kind, const char *name, registry_member *out,
                                            medley_error *err);

/* What a group of spaces searches: a member, under its own name or, as a variant, under another. */
typedef struct settings_variant {
    char name[SETTINGS_WORD];
    registry_member member;
} settings_variant;
/* The index-th name of a group of spaces; false past the last. */
bool settings_searched(const bound_settings *s, const char *group, int64_t index, char name[SETTINGS_WORD]);
/* What a name, of the group or of a member, stands for. Fails with E_CONFIG, saying which name was meant. */
MEDLEY_MUST_USE medley_status settings_find_variant(const bound_settings *s, const char *group, const char *name,
                                                    settings_variant *out, medley_error *err);
/* Its search space: what the group says of it, "models.ease.l2: 1..10", or when it says nothing or "default" the spaces of
 * the member's table. Release it also after a failure. */
MEDLEY_MUST_USE medley_status settings_space(const bound_settings *s, const char *group,
                                             const settings_variant *variant, search_space *out,
                                             medley_error *err);

#endif
