/* The command line: options of the program, settings of an operation, arguments. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <medley/param.h>

enum { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

typedef struct options {
    bool json, tsv, quiet, verbose, help, version;
    int progress;
    int64_t threads;

    const char *config, *set; /* the last ones given; all of them become settings */
    bool print_config;

    bool markdown, schema, sweep; /* of `medley help` */
} options;

/* What the command line says about one key of an operation. key NULL: `value` is a file to load. */
typedef struct setting {
    const char *key, *value, *origin;
} setting;

struct invocation;

/* Options that every command takes, and those of the commands that run an operation. */
extern const medley_param program_params[];
extern const medley_param operation_params[];

/* The short form of an option ('q' for quiet), or 0. */
char option_letter(const char *name);

/* Reads argv into *in, whose arrays have room for argc. Strings are not copied; an '=' in them may
 * be overwritten. Fails with E_CONFIG. */
MEDLEY_MUST_USE medley_status options_read(int argc, char **argv, struct invocation *in, medley_error *err);

#endif
