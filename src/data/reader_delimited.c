/* Any delimited table of interactions, its shape given by parameters. */
#include "data/reader.h"

typedef struct delimited_params {
    const char *file, *delimiter, *user, *item, *rating, *timestamp;
    bool header, quotes;
    int encoding, time_unit;
    const char *items_file, *items_delimiter, *item_id, *item_title, *item_text, *item_image, *item_genres;
    bool items_header, items_quotes;
    int items_encoding;
} delimited_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(delimited_params, file, "",
                .help = "the interactions, a file of the input folder; empty: input is the file"),
    MEDLEY_TEXT(delimited_params, delimiter, "comma",
                .help = "between columns: comma, tab, space, pipe, semicolon or 1 to 4 bytes"),
    MEDLEY_BOOL(delimited_params, header, "true", .help = "the first line names the columns"),
    MEDLEY_BOOL(delimited_params, quotes, "true", .help = "columns may be quoted with \""),
    MEDLEY_ENUM(delimited_params, encoding, "utf8", "utf8|latin1", .help = "of the interactions' text"),
    MEDLEY_TEXT(delimited_params, user, "1",
                .help = "column of the user id: a name of the header or a position from 1"),
    MEDLEY_TEXT(delimited_params, item, "2", .help = "column of the item id"),
    MEDLEY_TEXT(delimited_params, rating, "3?",
                .help = "column of the rating; '?' behind it: may be absent; empty: none"),
    MEDLEY_TEXT(delimited_params, timestamp, "4?", .help = "column of the time; '?' and empty as for rating"),
    MEDLEY_ENUM(delimited_params, time_unit, "seconds", "seconds|milliseconds", .help = "of the time, since 1970"),
    MEDLEY_TEXT(delimited_params, items_file, "", .help = "item table, a file of the input folder; empty: none"),
    MEDLEY_TEXT(delimited_params, items_delimiter, "comma", .help = "between the item table's columns"),
    MEDLEY_BOOL(delimited_params, items_header, "true", .help = "the item table's first line names the columns"),
    MEDLEY_BOOL(delimited_params, items_quotes, "true", .help = "the item table's columns may be quoted with \""),
    MEDLEY_ENUM(delimited_params, items_encoding, "utf8", "utf8|latin1", .help = "of the item table's text"),
    MEDLEY_TEXT(delimited_params, item_id, "1", .help = "item table: column of the id"),
    MEDLEY_TEXT(delimited_params, item_title, "2?", .help = "item table: column of the title"),
    MEDLEY_TEXT(delimited_params, item_text, "", .help = "item table: column of the description"),
    MEDLEY_TEXT(delimited_params, item_image, "", .help = "item table: column of the image file's name"),
    MEDLEY_TEXT(delimited_params, item_genres, "", .help = "item table: column of values separated by '|'"),
    MEDLEY_PARAMS_END,
};

static medley_status delimiter_of(const char *key, const char *value, const char **out, medley_error *err)
{
    *out = reader_delimiter(value);
    return *out != NULL
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG,
                      "%s: '%s' is no delimiter; accepted: comma, tab, space, pipe, semicolon or 1..4 bytes "
                      "without quotes and line ends",
                      key, value);
}

static medley_status read_table(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                medley_error *err)
{
    const delimited_params *p = values;
    interaction_layout rows = {
        .header = p->header,
        .quotes = p->quotes,
        .encoding = (text_encoding)p->encoding,
        .time_unit = (time_unit)p->time_unit,
        .user = p->user,
        .item = p->item,
        .rating = p->rating,
        .timestamp = p->timestamp,
        .part = -1,
    };
    item_layout items = {
        .header = p->items_header,
        .quotes = p->items_quotes,
        .encoding = (text_encoding)p->items_encoding,
        .id = p->item_id,
        .title = p->item_title,
        .text = p->item_text,
        .image = p->item_image,
        .genres = p->item_genres,
        .genres_separator = "|",
    };
    TRY(delimiter_of("delimiter", p->delimiter, &rows.delimiter, err));
    TRY(delimiter_of("items_delimiter", p->items_delimiter, &items.delimiter, err));
    if (p->file[0] == '\0' && file_is_folder(input))
        return fail(err, MEDLEY_E_CONFIG, "file: '%s' is a folder; name the file of interactions in it", input);
    return reader_tables(rt, input, p->file, &rows, p->items_file, &items, in, err);
}

const reader_class reader_delimited = {
    .name = "delimited",
    .summary = "one table of interactions, and an item table if there is one; columns by name or position",
    .details =
        "Delimiter, header, column names or positions, encoding and time unit are parameters. Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(delimited_params),
    .read = read_table,
};
