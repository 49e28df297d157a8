/* Sequences in time order: one user a line with all items (S3-Rec), or one item a line (SASRec). */
#include "data/reader.h"

typedef struct sequences_params {
    const char *file, *items_file;
    int items_encoding;
} sequences_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(sequences_params, file, "",
                .help = "the sequences, a file of the input folder; empty: input is the file, or its only .txt"),
    MEDLEY_TEXT(sequences_params, items_file, "",
                .help = "titles, a TSV of the input folder: item id, title; empty: none"),
    MEDLEY_ENUM(sequences_params, items_encoding, "utf8", "utf8|latin1", .help = "of the titles"),
    MEDLEY_PARAMS_END,
};

static bool is_sequence_file(const char *name)
{
    static const char *const endings[] = {".txt", ".txt.gz", ".txt.zst"};
    if (strncmp(name, "README", 6) == 0 || strncmp(name, "PROVENANCE", 10) == 0)
        return false;
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (length > strlen(endings[i]) && strcmp(name + length - strlen(endings[i]), endings[i]) == 0)
            return true;
    return false;
}

/* The name of the only file of the folder that can be meant. */
static medley_status only_file(const medley_runtime *rt, const char *folder, char **out, medley_error *err)
{
    char **names, list[512] = "";
    int64_t count, found = 0;
    const char *name = NULL;
    TRY(file_list(rt, folder, &names, &count, err));
    for (int64_t i = 0; i < count; i++) {
        if (!is_sequence_file(names[i]))
            continue;
        name = names[i];
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", found++ > 0 ? ", " : "", name);
    }
    const medley_status status =
        found == 1 ? mem_text(rt, name, strlen(name), out, err)
                   : fail(err, MEDLEY_E_CONFIG, "file: '%s' has %lld files that may be meant (%s); name one",
                          folder, (long long)found, list);
    file_names_free(names, count);
    return status;
}

static medley_status read_sequences(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                    medley_error *err)
{
    static const interaction_layout rows = {.delimiter = " ", .user = "1", .item = "2", .list = true, .part = -1};
    const sequences_params *p = values;
    const item_layout items = {
        .delimiter = "\t", .id = "1", .title = "2", .encoding = (text_encoding)p->items_encoding};
    const char *name = p->file;
    char *only = NULL;
    if (name[0] == '\0' && file_is_folder(input)) {
        TRY(only_file(rt, input, &only, err));
        name = only;
    }
    const medley_status status = reader_tables(rt, input, name, &rows, p->items_file, &items, in, err);
    mem_free(only);
    return status;
}

const reader_class reader_sequences = {
    .name = "sequences",
    .summary = "space-separated `user item item ...` (S3-Rec) or `user item` (SASRec), in time order",
    .details =
        "Items follow in time order; there are neither ratings nor times, so splits by global time are refused. "
        "Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(sequences_params),
    .read = read_sequences,
};
