/* Sequences in time order: one user a line with all items (S3-Rec), or one item a line (SASRec). */
#include "data/reader.h"

typedef struct sequences_params {
    const char *file, *items_file, *items_delimiter, *item_id, *item_title, *item_genres, *id_map_file;
    const char *attributes_file;
    int items_encoding;
    bool items_header;
} sequences_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(sequences_params, file, "",
                .help = "the sequences, a file of the input folder; empty: input is the file, or its only .txt"),
    MEDLEY_TEXT(sequences_params, items_file, "", .help = "titles, a table of the input folder; empty: none"),
    MEDLEY_TEXT(sequences_params, items_delimiter, "tab", .help = "between the columns of items_file"),
    MEDLEY_BOOL(sequences_params, items_header, "false", .help = "the first line of items_file names its columns"),
    MEDLEY_ENUM(sequences_params, items_encoding, "utf8", "utf8|latin1", .help = "of items_file"),
    MEDLEY_TEXT(sequences_params, item_id, "1", .help = "items_file: column of the id"),
    MEDLEY_TEXT(sequences_params, item_title, "2?", .help = "items_file: column of the title"),
    MEDLEY_TEXT(sequences_params, item_genres, "", .help = "items_file: column of genres separated by '|'"),
    MEDLEY_TEXT(sequences_params, id_map_file, "",
                .help = "a TSV of the input folder, id of the sequences and id of items_file, where these differ"),
    MEDLEY_TEXT(sequences_params, attributes_file, "",
                .help = "JSON, item id to list of attributes; empty: <file>_item2attributes.json, if it is there"),
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

static medley_status read_titles(const medley_runtime *rt, const sequences_params *p, const char *input,
                                 ingest *in, medley_error *err)
{
    static const item_layout pairs = {.delimiter = "\t", .id = "1"};
    item_layout items = {.delimiter = reader_delimiter(p->items_delimiter),
                         .header = p->items_header,
                         .encoding = (text_encoding)p->items_encoding,
                         .encoding_setting = "items_encoding",
                         .id = p->item_id,
                         .title = p->item_title,
                         .genres = p->item_genres,
                         .genres_separator = "|",
                         .by_alias = p->id_map_file[0] != '\0'};
    char *path;
    medley_status status = MEDLEY_OK;
    if (items.delimiter == NULL)
        return fail(err, MEDLEY_E_CONFIG, "items_delimiter: '%s' is no delimiter", p->items_delimiter);
    if (items.by_alias) {
        TRY(reader_need(rt, input, &p->id_map_file, 1, &path, err));
        status = ingest_aliases(in, path, &pairs, "2", err);
        mem_free(path);
        TRY(status);
    }
    TRY(reader_need(rt, input, &p->items_file, 1, &path, err));
    status = ingest_items(in, path, &items, err);
    mem_free(path);
    return status;
}

static const char *wrong_attributes(const literal *item)
{
    if (item->kind != LITERAL_LIST)
        return "an item whose attributes are no list";
    for (const literal *v = item->first; v != NULL; v = v->next)
        if (v->kind != LITERAL_NUMBER && v->kind != LITERAL_TEXT)
            return "an item with an attribute that is neither text nor number";
    return NULL;
}

/* {"4": [1, 2, 3], "83": [4, 5, 6]}, of which all is taken or nothing */
static const char *take_attributes(const literal *items, fact_rows *rows)
{
    for (const literal *item = items->first; item != NULL; item = item->next)
        if (wrong_attributes(item) != NULL)
            return wrong_attributes(item);
    for (const literal *item = items->first; item != NULL; item = item->next) {
        facts_row(rows, item->key, strlen(item->key));
        facts_list_begin(rows, "attributes", 0);
        for (const literal *v = item->first; v != NULL; v = v->next) {
            char number[32];
            if (v->kind == LITERAL_NUMBER)
                facts_list_add(rows, number, (size_t)number_format(v->number, number, sizeof number));
            else
                facts_list_add(rows, v->text, v->length);
        }
        facts_list_end(rows);
    }
    return NULL;
}

/* `rows_name`: the file of the sequences, "Beauty.txt". */
static medley_status read_attributes(const medley_runtime *rt, const sequences_params *p, const char *input,
                                     const char *rows_name, ingest *in, medley_error *err)
{
    const char *dot = strchr(rows_name, '.'), *names;
    char name[256], *path = NULL;
    const int stem = dot != NULL ? (int)(dot - rows_name) : (int)strlen(rows_name);
    snprintf(name, sizeof name, "%.*s_item2attributes.json", stem, rows_name);
    names = p->attributes_file[0] != '\0' ? p->attributes_file : name;
    TRY(names == name ? reader_file(rt, input, &names, 1, &path, err)
                      : reader_need(rt, input, &names, 1, &path, err));
    const medley_status status =
        path != NULL ? ingest_item_lines(in, path, take_attributes, true, err) : MEDLEY_OK;
    mem_free(path);
    return status;
}

static medley_status read_sequences(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                    medley_error *err)
{
    static const interaction_layout rows = {.delimiter = " ", .user = "1", .item = "2", .list = true, .part = -1};
    const sequences_params *p = values;
    const char *name = p->file;
    char *only = NULL;
    medley_status status;
    if (name[0] == '\0' && file_is_folder(input)) {
        TRY(reader_only_file(rt, input, "file", ".txt", is_sequence_file, &only, err));
        name = only;
    }
    TRY_DONE(reader_tables(rt, input, name, &rows, "", NULL, in, err));
    if (p->items_file[0] != '\0')
        TRY_DONE(read_titles(rt, p, input, in, err));
    if (name[0] != '\0')
        status = read_attributes(rt, p, input, name, in, err);
done:
    mem_free(only);
    return status;
}

const reader_class reader_sequences = {
    .name = "sequences",
    .summary = "space-separated `user item item ...` (S3-Rec) or `user item` (SASRec), in time order",
    .details =
        "Items follow in time order; there are neither ratings nor times, so splits by global time are refused. "
        "Beside S3-Rec's <name>.txt, <name>_item2attributes.json says what the items are. Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(sequences_params),
    .read = read_sequences,
};
