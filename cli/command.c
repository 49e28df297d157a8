/* The table of commands, and the one way in which operations of the library are run. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

#define MEDLEY_COMMAND(name) extern const command cmd_##name;
#include "commands.def"
#undef MEDLEY_COMMAND

static const command *const commands[] = {
#define MEDLEY_COMMAND(name) &cmd_##name,
#include "commands.def"
#undef MEDLEY_COMMAND
    NULL,
};

const command *command_at(int index)
{
    return commands[index];
}

const command *command_find(const char *name)
{
    for (int i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

const char *command_summary(const command *c)
{
    medley_entry entry = {.summary = ""};
    if (c->summary != NULL)
        return c->summary;
    return medley_registry_find("operations", command_operation_name(c), &entry, NULL) == MEDLEY_OK ? entry.summary
                                                                                                    : "";
}

const char *command_operation_name(const command *c)
{
    return c->operation_name != NULL ? c->operation_name : c->name;
}

bool command_begins(const char *word)
{
    const size_t length = strlen(word);
    for (int i = 0; commands[i] != NULL; i++)
        if (strncmp(commands[i]->name, word, length) == 0 && commands[i]->name[length] == ' ')
            return true;
    return false;
}

medley_status refuse(medley_error *err, medley_status status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(err->message, sizeof err->message, format, values);
    va_end(values);
    err->status = status;
    return status;
}

medley_status refuse_unknown(medley_error *err, const char *what, const char *prefix, const char *word,
                             const char *const *names, int count, const char *see)
{
    char hint[128] = "";
    const char *nearest = medley_nearest(word, names, count);
    if (nearest != NULL)
        snprintf(hint, sizeof hint, " (did you mean '%s%s'?)", prefix, nearest);
    for (char *p = hint; *prefix != '\0' && *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
    return refuse(err, MEDLEY_E_CONFIG, "unknown %s '%s%.200s'%s; see '%s'", what, prefix, word, hint, see);
}

static medley_status apply(medley_config *config, const setting *s, medley_error *err)
{
    if (s->key == NULL)
        return medley_config_load(config, s->value, err);
    return medley_config_set(config, s->key, s->value, MEDLEY_FROM_FLAG, s->origin, err);
}

/* "medley fetch ml-1m" is "medley fetch --name ml-1m". */
static medley_status apply_arguments(medley_config *config, const invocation *in, medley_error *err)
{
    char value[4096] = "";
    size_t used = 0;
    for (int i = 0; i < in->argument_count && used < sizeof value; i++)
        used += (size_t)snprintf(value + used, sizeof value - used, "%s%s", i > 0 ? "," : "", in->arguments[i]);
    if (used >= sizeof value)
        return refuse(err, MEDLEY_E_CONFIG, "the arguments are longer than %zu bytes", sizeof value - 1);
    return used > 0 ? medley_config_set(config, in->command->argument_key, value, MEDLEY_FROM_FLAG,
                                        in->command->arguments, err)
                    : MEDLEY_OK;
}

static bool is_shown(const invocation *in, const medley_report *report)
{
    return in->command->show != NULL && !in->options.print_config &&
           output_form(&in->options) == MEDLEY_REPORT_TEXT && in->command->show(report);
}

static medley_status run_operation(const invocation *in, medley_error *err)
{
    const command *c = in->command;
    medley_report *report = NULL;
    medley_config *config = NULL;
    medley_status status = medley_config_create(in->runtime, &config, err);
    for (int i = 0; status == MEDLEY_OK && i < in->setting_count; i++)
        status = apply(config, &in->settings[i], err);
    if (status == MEDLEY_OK && c->argument_key != NULL)
        status = apply_arguments(config, in, err);
    if (status == MEDLEY_OK)
        status = in->options.print_config ? medley_config_resolve(config, command_operation_name(c), &report, err)
                                          : c->operation(in->runtime, config, &report, err);
    terminal_clear(in->screen);
    if (status == MEDLEY_OK && !is_shown(in, report))
        status = output_report(report, &in->options, err);
    medley_report_free(report);
    medley_config_free(config);
    return status;
}

medley_status command_run(const invocation *in, medley_error *err)
{
    return in->command->operation != NULL ? run_operation(in, err) : in->command->run(in, err);
}
