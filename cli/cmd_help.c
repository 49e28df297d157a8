/* Help: an overview, commands and registry members from their tables, and a few pages of prose. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

enum { TOPIC_MOST = 1024, KIND_MOST = 32, OPTION_COLUMNS = 34, COMMAND_COLUMNS = 15 };

static const struct {
    const char *name, *summary, *text;
} pages[] = {
    {"exit-codes", "What the program's exit code says",
     "  0  done\n"
     "  1  failed: a file is missing, unreadable, malformed or in the way; memory or disk ran out; a training diverged\n"
     "  2  wrong usage: an unknown command, option or setting, or a value that is not accepted\n"
     "  3  stopped by the user (Ctrl-C), which a training goes on from with --resume; or it cannot fit in memory\n"},
    {"config", "Where settings come from, and which of them wins",
     "  Each setting of an operation is taken from the first of these that has it:\n\n"
     "  1  an option, --top-k 20, or --set top_k=20; the last one given wins\n"
     "  2  the environment, MEDLEY_TOP_K=20\n"
     "  3  a YAML file, --config exp.yaml with the line 'top_k: 20'\n"
     "  4  the default of its parameter table\n\n"
     "  '-' and '_' are the same in names. An unknown name is refused, wherever it stands.\n"
     "  'medley train --print-config' shows every setting with its value and where it was said.\n"},
};

enum { PAGES = sizeof pages / sizeof *pages };

static const medley_param help_params[] = {
    MEDLEY_BOOL(options, markdown, "false", .help = "as a Markdown page"),
    MEDLEY_BOOL(options, schema, "false", .help = "as a JSON Schema of the settings"),
    MEDLEY_BOOL(options, sweep, "false", .help = "as a YAML file: the default search space"),
    MEDLEY_PARAMS_END,
};

static void print_params(const char *title, const medley_param *table)
{
    putchar('\n');
    output_title("%s", title);
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char name[64], accepted[128], option[256];
        snprintf(name, sizeof name, "%s", p->name);
        for (char *c = name; *c != '\0'; c++)
            if (*c == '_')
                *c = '-';
        medley_param_accepts(p, accepted, sizeof accepted);
        const char letter = option_letter(p->name);
        snprintf(option, sizeof option, "%c%c%c --%s %s", letter != 0 ? '-' : ' ', letter != 0 ? letter : ' ',
                 letter != 0 ? ',' : ' ', name, p->kind != MEDLEY_PARAM_BOOL ? accepted : "");
        printf("  %-*s %s\n", OPTION_COLUMNS, option, p->help);
    }
}

/* Those of two words, or all. */
static void print_commands(const char *first_word)
{
    const size_t length = strlen(first_word);
    for (int i = 0; command_at(i) != NULL; i++) {
        char line[512];
        if (strncmp(command_at(i)->name, first_word, length) != 0)
            continue;
        snprintf(line, sizeof line, "  %-*s  %s\n", COMMAND_COLUMNS, command_at(i)->name,
                 command_summary(command_at(i)));
        output_wrapped(line, COMMAND_COLUMNS + 2);
    }
}

static void print_overview(void)
{
    puts("usage: medley <command> [options]\n\n"
         "Medley recommends items from interactions: it prepares data, splits it, trains models,\n"
         "evaluates them and writes recommendations.\n");
    output_title("Commands");
    print_commands("");
    putchar('\n');
    output_title("Help on");
    printf("  %-*s  medley help train\n", COMMAND_COLUMNS, "<command>");
    printf("  %-*s  medley help model ease; kinds and names: medley list\n", COMMAND_COLUMNS, "<kind> NAME");
    for (int i = 0; i < PAGES; i++)
        printf("  %-*s  %s\n", COMMAND_COLUMNS, pages[i].name, pages[i].summary);
    print_params("Options of every command", program_params);
}

static medley_reference_form reference_form(const options *o)
{
    return o->markdown ? MEDLEY_REFERENCE_MARKDOWN
           : o->schema ? MEDLEY_REFERENCE_SCHEMA
           : o->sweep  ? MEDLEY_REFERENCE_SWEEP
                       : MEDLEY_REFERENCE_HELP;
}

static medley_status print_reference(const invocation *in, const char *kind, const char *name, medley_error *err)
{
    char *page = NULL;
    const medley_status status =
        medley_reference(in->runtime, kind, name, reference_form(&in->options), &page, err);
    if (status == MEDLEY_OK && reference_form(&in->options) == MEDLEY_REFERENCE_HELP)
        output_wrapped(page, 0);
    else if (status == MEDLEY_OK)
        fputs(page, stdout);
    medley_text_free(page);
    return status;
}

/* "model" for "models", "strategy" for "strategies", "search" for "searches". */
static void singular(const char *kind, char *out, size_t size)
{
    snprintf(out, size, "%s", kind);
    const size_t length = strlen(out);
    if (length > 3 && strcmp(out + length - 3, "ies") == 0)
        memcpy(out + length - 3, "y", 2);
    else if (length > 4 && strcmp(out + length - 4, "ches") == 0)
        out[length - 2] = '\0';
    else if (length > 0 && out[length - 1] == 's')
        out[length - 1] = '\0';
}

static medley_status print_command(const invocation *in, const command *c, medley_error *err)
{
    if (c->operation != NULL && reference_form(&in->options) != MEDLEY_REFERENCE_HELP)
        return print_reference(in, "operations", command_operation_name(c), err);
    printf("usage: medley %s%s%s [options]\n\n", c->name, c->arguments != NULL ? " " : "",
           c->arguments != NULL ? c->arguments : "");
    if (c->operation != NULL) {
        const medley_status status = print_reference(in, "operations", command_operation_name(c), err);
        if (status != MEDLEY_OK)
            return status;
    } else
        puts(command_summary(c));
    if (c->params != NULL)
        print_params("Options", c->params);
    print_params("Options of every command", program_params);
    if (c->operation != NULL)
        print_params("Where settings come from (medley help config)", operation_params);
    putchar('\n');
    output_title("Example");
    char example[1024];
    snprintf(example, sizeof example, "  %s\n", c->example);
    output_command(example);
    return MEDLEY_OK;
}

/* Appends the names of a kind's members; returns the new count. */
static int add_members(const char *kind, const char **names, int count)
{
    medley_entry member;
    for (int64_t i = 0; count < TOPIC_MOST && medley_registry_entry(kind, i, &member); i++)
        names[count++] = member.name;
    return count;
}

static medley_status refuse_topic(const char *topic, medley_error *err)
{
    const char *names[TOPIC_MOST];
    int count = 0;
    for (int i = 0; command_at(i) != NULL; i++)
        names[count++] = command_at(i)->name;
    for (int i = 0; i < PAGES; i++)
        names[count++] = pages[i].name;
    medley_entry kind;
    for (int64_t i = 0; medley_registry_entry(NULL, i, &kind); i++)
        count = add_members(kind.name, names, count);
    return refuse_unknown(err, "topic", "", topic, names, count, "medley help");
}

/* A command, a page, or a member of whatever kind. */
static medley_status print_topic(const invocation *in, const char *topic, medley_error *err)
{
    if (command_find(topic) != NULL)
        return print_command(in, command_find(topic), err);
    if (command_begins(topic)) {
        printf("usage: medley %s <command> [options]\n\n", topic);
        output_title("Commands");
        print_commands(topic);
        return MEDLEY_OK;
    }
    for (int i = 0; i < PAGES; i++)
        if (strcmp(pages[i].name, topic) == 0) {
            output_title("%s", pages[i].summary);
            printf("\n%s", pages[i].text);
            return MEDLEY_OK;
        }
    medley_entry kind, member;
    for (int64_t i = 0; medley_registry_entry(NULL, i, &kind); i++) {
        char one[64];
        singular(kind.name, one, sizeof one);
        if (strcmp(topic, one) == 0 || strcmp(topic, kind.name) == 0)
            return refuse(err, MEDLEY_E_CONFIG, "which %s? 'medley list %s' shows their names", one, kind.name);
        if (medley_registry_find(kind.name, topic, &member, NULL) == MEDLEY_OK)
            return print_reference(in, kind.name, topic, err);
    }
    return refuse_topic(topic, err);
}

static medley_status print_member(const invocation *in, const char *name_of_kind, const char *name,
                                  medley_error *err)
{
    const char *names[TOPIC_MOST];
    char singulars[KIND_MOST][64], see[128];
    int count = 0;
    medley_entry kind, member;
    for (; count < KIND_MOST && medley_registry_entry(NULL, count, &kind); count++) {
        names[count] = singulars[count];
        singular(kind.name, singulars[count], sizeof singulars[count]);
        if (strcmp(name_of_kind, singulars[count]) != 0 && strcmp(name_of_kind, kind.name) != 0)
            continue;
        if (medley_registry_find(kind.name, name, &member, NULL) == MEDLEY_OK)
            return print_reference(in, kind.name, name, err);
        snprintf(see, sizeof see, "medley list %s", kind.name);
        return refuse_unknown(err, singulars[count], "", name, names, add_members(kind.name, names, 0), see);
    }
    return refuse_unknown(err, "kind", "", name_of_kind, names, count, "medley list");
}

static medley_status run(const invocation *in, medley_error *err)
{
    char name[128];
    if (in->argument_count == 2) /* a command of two words, or a kind and a member */
        snprintf(name, sizeof name, "%.50s %.50s", in->arguments[0], in->arguments[1]);
    if (in->argument_count == 2 && command_find(name) != NULL)
        return print_command(in, command_find(name), err);
    if (in->argument_count == 2)
        return print_member(in, in->arguments[0], in->arguments[1], err);
    if (in->argument_count == 1)
        return print_topic(in, in->arguments[0], err);
    print_overview();
    return MEDLEY_OK;
}

const command cmd_help = {
    .name = "help",
    .arguments = "[topic | kind name]",
    .most_arguments = 2,
    .summary = "explain a command, a model, a metric, a format, a strategy, or a topic",
    .params = help_params,
    .example = "medley help model ease",
    .run = run,
};
