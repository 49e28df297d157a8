/* The members of a registry, or without an argument the registries. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

enum { KIND_MOST = 32 };

static int name_width(const char *kind)
{
    int width = 0;
    medley_entry entry;
    for (int64_t i = 0; medley_registry_entry(kind, i, &entry); i++)
        width = output_width(entry.name) > width ? output_width(entry.name) : width;
    return width;
}

static void print_json_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++)
        printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

/* The forms of medley_report_render, for a table of names and summaries. */
static void print_text(const char *kind)
{
    const int width = name_width(kind);
    medley_entry entry;
    for (int64_t i = 0; medley_registry_entry(kind, i, &entry); i++)
        printf("%-*s  %s\n", width, entry.name, entry.summary);
}

static void print_tsv(const char *kind)
{
    medley_entry entry;
    puts("name\tsummary");
    for (int64_t i = 0; medley_registry_entry(kind, i, &entry); i++)
        printf("%s\t%s\n", entry.name, entry.summary);
}

static void print_json(const char *kind)
{
    medley_entry entry;
    printf("{\n  \"%s\": [", kind != NULL ? kind : "kinds");
    for (int64_t i = 0; medley_registry_entry(kind, i, &entry); i++) {
        fputs(i > 0 ? ",\n    { \"name\": " : "\n    { \"name\": ", stdout);
        print_json_string(entry.name);
        fputs(", \"summary\": ", stdout);
        print_json_string(entry.summary);
        fputs(" }", stdout);
    }
    puts("\n  ]\n}");
}

static int kind_names(const char **names)
{
    medley_entry entry;
    int count = 0;
    while (count < KIND_MOST && medley_registry_entry(NULL, count, &entry))
        names[count++] = entry.name;
    return count;
}

static bool is_among(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static medley_status run(const invocation *in, medley_error *err)
{
    static void (*const print[])(const char *kind) = {
        [MEDLEY_REPORT_TEXT] = print_text,
        [MEDLEY_REPORT_TSV] = print_tsv,
        [MEDLEY_REPORT_JSON] = print_json,
    };
    const char *kind = in->argument_count > 0 ? in->arguments[0] : NULL;
    const char *kinds[KIND_MOST];
    const int count = kind_names(kinds);
    if (kind != NULL && !is_among(kind, kinds, count))
        return refuse_unknown(err, "kind", "", kind, kinds, count, "medley list");
    print[output_form(&in->options)](kind);
    return MEDLEY_OK;
}

const command cmd_list = {
    .name = "list",
    .arguments = "[kind]",
    .most_arguments = 1,
    .summary = "the members of a kind: models, metrics, formats, strategies, tasks, operations, sets",
    .example = "medley list models",
    .run = run,
};
