/* What a command is, and what it is given when it runs. One file and one row of commands.def each. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <medley/medley.h>

#include "options.h"
#include "terminal.h"

typedef struct invocation {
    const struct command *command; /* NULL: none was named */
    const char *first_word;        /* of a command of two, or NULL */
    options options;
    const char **arguments; /* what is neither an option nor the command */
    int argument_count;
    setting *settings; /* in the order of the command line */
    int setting_count;
    medley_runtime *runtime;
    terminal *screen;
} invocation;

typedef struct command {
    const char *name;           /* as it is typed: one word, or two ("features import") */
    const char *operation_name; /* in the registry; NULL: as `name` */
    const char *arguments;      /* for the usage line: "[topic...]"; NULL: none */
    int most_arguments;
    const char *argument_key;   /* the setting that the arguments are, joined by commas; NULL: none */
    const char *summary;        /* NULL: what the registry says of the operation */
    const char *example;        /* lines to type; a test runs those of all commands, in order */
    const medley_param *params; /* options of its own, into `options`; NULL: none */

    /* The operation of the library that does the work. NULL: `run` does, and there are no settings. */
    medley_status (*operation)(medley_runtime *, medley_config *, medley_report **, medley_error *);
    /* Prints its report for a person, or returns false: then as the library renders it. May be NULL. */
    bool (*show)(const medley_report *report);

    medley_status (*run)(const invocation *, medley_error *);
} command;

/* Every command, in order; NULL past the last. */
const command *command_at(int index);
const command *command_find(const char *name);
const char *command_summary(const command *c);
const char *command_operation_name(const command *c);
/* Whether some command has two words, and this first. */
bool command_begins(const char *word);

/* Does what the command line asks for, once it is read. */
MEDLEY_MUST_USE medley_status command_run(const invocation *in, medley_error *err);

/* Writes the message and returns `status`. */
medley_status refuse(medley_error *err, medley_status status, const char *format, ...) MEDLEY_PRINTF(3, 4);

/* "unknown option '--sede' (did you mean '--seed'?); see 'medley help train'": E_CONFIG. `prefix` goes
 * before both words; with one, '_' in the nearest of `names` is shown as '-', as in an option. */
medley_status refuse_unknown(medley_error *err, const char *what, const char *prefix, const char *word,
                             const char *const *names, int count, const char *see);

#endif
