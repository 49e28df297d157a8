#include "options.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

enum { CANDIDATE_MOST = 1024, TABLE_MOST = 256 };

const medley_param program_params[] = {
    MEDLEY_BOOL(options, json, "false", .help = "print results as JSON"),
    MEDLEY_BOOL(options, tsv, "false", .help = "print results as tab-separated values"),
    MEDLEY_BOOL(options, quiet, "false", .help = "no log but warnings, no progress"),
    MEDLEY_BOOL(options, verbose, "false", .help = "log more"),
    MEDLEY_ENUM(options, progress, "auto", "auto|always|never", .help = "show progress; auto: on a terminal"),
    MEDLEY_INT(options, threads, "0", 0, 1024, .help = "threads to use; 0: one per processor"),
    MEDLEY_BOOL(options, version, "false", .help = "print the version"),
    MEDLEY_BOOL(options, help, "false", .help = "print help"),
    MEDLEY_PARAMS_END,
};

enum { ROW_CONFIG, ROW_SET };

const medley_param operation_params[] = {
    [ROW_CONFIG] =
        MEDLEY_TEXT(options, config, "", .flags = MEDLEY_PARAM_PATH, .help = "read settings from a YAML file"),
    [ROW_SET] = MEDLEY_TEXT(options, set, "", .help = "key=value: set any setting"),
    MEDLEY_BOOL(options, print_config, "false", .help = "print every setting with its origin, then stop"),
    MEDLEY_PARAMS_END,
};

/* Settings that choose a member of a registry, which brings settings of its own. */
static const struct {
    const char *key, *kind;
} choosers[] = {{"format", "formats"}, {"encoder", "encoders"}, {"strategy", "strategies"},
                {"model", "models"},   {"search", "searches"},  {"job", "operations"}};

enum { CHOOSERS = sizeof choosers / sizeof *choosers };

char option_letter(const char *name)
{
    static const struct {
        char letter;
        const char *name;
    } letters[] = {{'q', "quiet"}, {'v', "verbose"}, {'h', "help"}};
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (strcmp(letters[i].name, name) == 0)
            return letters[i].letter;
    return 0;
}

static const char *setting_value(const invocation *in, const char *key)
{
    for (int i = in->setting_count - 1; i >= 0; i--)
        if (in->settings[i].key != NULL && strcmp(in->settings[i].key, key) == 0)
            return in->settings[i].value;
    return NULL;
}

/* The tables whose rows are options here. Settings of the library begin at `library`. */
typedef struct tables {
    const medley_param *at[TABLE_MOST];
    int count, library;
} tables;

static void add_table(tables *t, const medley_param *params)
{
    if (params != NULL && t->count < TABLE_MOST)
        t->at[t->count++] = params;
}

/* Of the members that a setting chooses from, the chosen one; while none is chosen all of them: the
 * choice may come later or from a file, and the library checks. */
static void add_members(tables *t, const char *kind, const char *chosen)
{
    medley_entry entry;
    for (int64_t i = 0; medley_registry_entry(kind, i, &entry); i++)
        if (chosen == NULL || strcmp(chosen, entry.name) == 0)
            add_table(t, entry.params);
}

/* A setting of that key with choices of its own chooses no member. */
static bool is_chooser(const medley_param *row)
{
    return row != NULL && row->kind == MEDLEY_PARAM_TEXT;
}

static void gather(const invocation *in, tables *t)
{
    t->count = 0;
    add_table(t, program_params);
    if (in->command != NULL)
        add_table(t, in->command->operation != NULL ? operation_params : in->command->params);
    t->library = t->count;
    medley_entry entry;
    if (in->command == NULL || in->command->operation == NULL ||
        medley_registry_find("operations", command_operation_name(in->command), &entry, NULL) != MEDLEY_OK)
        return;
    add_table(t, entry.params);
    for (int at = t->library; at < t->count; at++) /* a member can choose members in turn */
        for (int i = 0; i < CHOOSERS; i++)
            if (is_chooser(medley_param_find(t->at[at], choosers[i].key)))
                add_members(t, choosers[i].kind, setting_value(in, choosers[i].key));
}

static const medley_param *find_row(const tables *t, const char *name, bool *library)
{
    const medley_param *row = NULL;
    for (int i = 0; i < t->count && row == NULL; i++) {
        row = medley_param_find(t->at[i], name);
        *library = i >= t->library;
    }
    return row;
}

/* An option of another member than the chosen one: says whose it is. */
static bool is_of_other_member(const invocation *in, const tables *t, const char *name, medley_error *err)
{
    for (int i = 0; i < CHOOSERS; i++) {
        bool library;
        const char *chosen =
            is_chooser(find_row(t, choosers[i].key, &library)) ? setting_value(in, choosers[i].key) : NULL;
        medley_entry entry;
        for (int64_t m = 0; chosen != NULL && medley_registry_entry(choosers[i].kind, m, &entry); m++)
            if (medley_param_find(entry.params, name) != NULL) {
                refuse(err, MEDLEY_E_CONFIG, "option '--%s' is of %s %s, not of %s; see 'medley help %s %s'", name,
                       choosers[i].key, entry.name, chosen, choosers[i].key, chosen);
                return true;
            }
    }
    return false;
}

static medley_status unknown_option(const invocation *in, const tables *t, const char *name, medley_error *err)
{
    if (is_of_other_member(in, t, name, err))
        return MEDLEY_E_CONFIG;
    const char *names[CANDIDATE_MOST];
    int count = 0;
    for (int i = 0; i < t->count; i++)
        for (const medley_param *p = t->at[i]; p->kind != MEDLEY_PARAM_END && count < CANDIDATE_MOST; p++)
            names[count++] = p->name;
    char see[64];
    snprintf(see, sizeof see, "medley help%s%s", in->command != NULL ? " " : "",
             in->command != NULL ? in->command->name : "");
    return refuse_unknown(err, "option", "--", name, names, count, see);
}

static medley_status add_setting(invocation *in, setting s)
{
    in->settings[in->setting_count++] = s;
    return MEDLEY_OK;
}

static medley_status add_assignment(invocation *in, char *assignment, medley_error *err)
{
    char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment)
        return refuse(err, MEDLEY_E_CONFIG, "--set: '%s' is not key=value", assignment);
    *equals = '\0';
    return add_setting(in, (setting){assignment, equals + 1, "--set"});
}

/* --name value, --name=value, and for truth values --name and --no-name. */
static medley_status read_option(invocation *in, char **argv, int *at, medley_error *err)
{
    char *origin = argv[*at], *given = strchr(origin, '=');
    if (given != NULL)
        *given++ = '\0';
    const char *name = origin + 2, *value = given;
    tables t;
    gather(in, &t);
    bool library = false;
    const medley_param *row = find_row(&t, name, &library);
    if (row == NULL && given == NULL && strncmp(name, "no-", 3) == 0) {
        row = find_row(&t, name + 3, &library);
        if (row == NULL || row->kind != MEDLEY_PARAM_BOOL)
            return unknown_option(in, &t, name, err);
        name += 3;
        value = "false";
    }
    if (row == NULL)
        return unknown_option(in, &t, name, err);
    if (value == NULL && row->kind == MEDLEY_PARAM_BOOL)
        value = "true";
    if (value == NULL && argv[*at + 1] != NULL && strncmp(argv[*at + 1], "--", 2) != 0)
        value = given = argv[++*at];
    if (value == NULL) {
        char accepted[256];
        medley_param_accepts(row, accepted, sizeof accepted);
        return refuse(err, MEDLEY_E_CONFIG, "option '%s' needs a value: %s", origin, accepted);
    }
    if (library)
        return add_setting(in, (setting){name, value, origin});
    if (row == &operation_params[ROW_CONFIG])
        return add_setting(in, (setting){.value = value});
    if (row == &operation_params[ROW_SET])
        return add_assignment(in, given, err);
    return medley_param_set(row, &in->options, value, err);
}

static medley_status read_letter(invocation *in, const char *option, medley_error *err)
{
    for (const medley_param *p = program_params; p->kind != MEDLEY_PARAM_END; p++)
        if (option[1] == option_letter(p->name) && option[2] == '\0')
            return medley_param_set(p, &in->options, "true", err);
    return refuse(err, MEDLEY_E_CONFIG, "unknown option '%s'; accepted: -q, -v, -h, and words after '--'", option);
}

static medley_status read_word(invocation *in, const char *word, medley_error *err)
{
    if (in->argument_count > 0) {
        in->arguments[in->argument_count++] = word;
        return MEDLEY_OK;
    }
    char name[128];
    const char *const before = in->command != NULL ? in->command->name : in->first_word;
    snprintf(name, sizeof name, "%.50s%s%.50s", before != NULL ? before : "", before != NULL ? " " : "", word);
    const command *const found = command_find(name); /* "extract" is one, and "extract plan" */
    if (found != NULL || in->command == NULL)
        in->command = found;
    else
        in->arguments[in->argument_count++] = word;
    if (in->command != NULL)
        return MEDLEY_OK;
    if (in->first_word == NULL && command_begins(word)) {
        in->first_word = word;
        return MEDLEY_OK;
    }
    const char *names[CANDIDATE_MOST];
    int count = 0;
    for (; command_at(count) != NULL; count++)
        names[count] = command_at(count)->name;
    return refuse_unknown(err, "command", "", name, names, count, "medley help");
}

medley_status options_read(int argc, char **argv, invocation *in, medley_error *err)
{
    medley_params_reset(program_params, &in->options);
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        medley_status status = MEDLEY_OK;
        if (ended || argv[i][0] != '-' || argv[i][1] == '\0')
            status = read_word(in, argv[i], err);
        else if (argv[i][1] != '-')
            status = read_letter(in, argv[i], err);
        else if (argv[i][2] != '\0')
            status = read_option(in, argv, &i, err);
        else
            ended = true;
        if (status != MEDLEY_OK)
            return status;
    }
    if (in->options.json && in->options.tsv)
        return refuse(err, MEDLEY_E_CONFIG, "--json and --tsv: choose one");
    if (in->command == NULL && in->first_word != NULL && !in->options.help)
        return refuse(err, MEDLEY_E_CONFIG, "which %s? see 'medley help %s'", in->first_word, in->first_word);
    if (in->command != NULL && in->argument_count > in->command->most_arguments && !in->options.help)
        return refuse(err, MEDLEY_E_CONFIG, "unexpected argument '%s'; see 'medley help %s'",
                      in->arguments[in->command->most_arguments], in->command->name);
    return MEDLEY_OK;
}
