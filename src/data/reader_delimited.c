/* Any delimited table of interactions, its shape given by parameters. */
#include "data/table_columns.h"
#include "data/time_pattern.h"

typedef struct delimited_params {
    const char *file, *delimiter, *user, *item, *rating, *timestamp;
    bool header, quotes;
    int encoding, time_unit;
    const char *time_format, *part;
    const char *items_file, *items_delimiter, *item_id, *item_title, *item_text, *item_image, *item_genres;
    const char *item_categories, *item_numbers, *item_attributes, *categories_separator, *images;
    bool items_header, items_quotes;
    int items_encoding;
    const char *users_file, *users_delimiter, *user_id, *user_categories, *user_numbers, *user_attributes;
    bool users_header, users_quotes;
    int users_encoding;
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
    MEDLEY_TEXT(delimited_params, time_format, "",
                .help =
                    "of a time that is no number: iso8601 or a pattern such as %Y-%m-%d %H:%M:%S, all UTC; empty: "
                    "time_unit says"),
    MEDLEY_TEXT(delimited_params, part, "",
                .help = "column that fixes the split: train, val, test or 0, 1, 2 in each row; empty: none"),
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
    MEDLEY_TEXT(delimited_params, item_categories, "",
                .help =
                    "item table: columns that hold several values, a comma between columns; each is an attribute"),
    MEDLEY_TEXT(delimited_params, categories_separator, "|", .help = "between the values of such a column"),
    MEDLEY_TEXT(delimited_params, item_numbers, "", .help = "item table: columns that are numeric attributes"),
    MEDLEY_TEXT(delimited_params, item_attributes, "", .help = "item table: columns that are attributes of text"),
    MEDLEY_TEXT(delimited_params, images, "",
                .help = "folder of the input with images named by item id; empty: none"),
    MEDLEY_TEXT(delimited_params, users_file, "", .help = "user table, a file of the input folder; empty: none"),
    MEDLEY_TEXT(delimited_params, users_delimiter, "comma", .help = "between the user table's columns"),
    MEDLEY_BOOL(delimited_params, users_header, "true", .help = "the user table's first line names the columns"),
    MEDLEY_BOOL(delimited_params, users_quotes, "true", .help = "the user table's columns may be quoted with \""),
    MEDLEY_ENUM(delimited_params, users_encoding, "utf8", "utf8|latin1", .help = "of the user table's text"),
    MEDLEY_TEXT(delimited_params, user_id, "1", .help = "user table: column of the id"),
    MEDLEY_TEXT(delimited_params, user_categories, "", .help = "user table: columns that hold several values"),
    MEDLEY_TEXT(delimited_params, user_numbers, "", .help = "user table: columns that are numeric attributes"),
    MEDLEY_TEXT(delimited_params, user_attributes, "", .help = "user table: columns that are attributes of text"),
    MEDLEY_PARAMS_END,
};

static medley_status read_items(const medley_runtime *rt, const delimited_params *p, const char *input, ingest *in,
                                medley_error *err)
{
    column_list columns = {.count = 0};
    item_layout layout = {
        .header = p->items_header,
        .quotes = p->items_quotes,
        .encoding = (text_encoding)p->items_encoding,
        .encoding_setting = "items_encoding",
        .id = p->item_id,
        .title = p->item_title,
        .text = p->item_text,
        .image = p->item_image,
        .genres = p->item_genres,
        .genres_separator = "|",
        .facts = columns.facts,
    };
    char *path;
    TRY(reader_need_delimiter("items_delimiter", p->items_delimiter, &layout.delimiter, err));
    TRY(column_list_add(&columns, "item_categories", p->item_categories, FACT_LIST, p->categories_separator, err));
    TRY(column_list_add(&columns, "item_numbers", p->item_numbers, FACT_NUMBER, NULL, err));
    TRY(column_list_add(&columns, "item_attributes", p->item_attributes, FACT_TEXT, NULL, err));
    layout.fact_count = columns.count;
    TRY(reader_need(rt, input, &p->items_file, 1, &path, err));
    const medley_status status = ingest_items(in, path, &layout, err);
    mem_free(path);
    return status;
}

static medley_status read_users(const medley_runtime *rt, const delimited_params *p, const char *input, ingest *in,
                                medley_error *err)
{
    column_list columns = {.count = 0};
    item_layout layout = {
        .header = p->users_header,
        .quotes = p->users_quotes,
        .encoding = (text_encoding)p->users_encoding,
        .encoding_setting = "users_encoding",
        .id = p->user_id,
        .facts = columns.facts,
    };
    char *path;
    TRY(reader_need_delimiter("users_delimiter", p->users_delimiter, &layout.delimiter, err));
    TRY(column_list_add(&columns, "user_categories", p->user_categories, FACT_LIST, p->categories_separator, err));
    TRY(column_list_add(&columns, "user_numbers", p->user_numbers, FACT_NUMBER, NULL, err));
    TRY(column_list_add(&columns, "user_attributes", p->user_attributes, FACT_TEXT, NULL, err));
    layout.fact_count = columns.count;
    TRY(reader_need(rt, input, &p->users_file, 1, &path, err));
    const medley_status status = ingest_users(in, path, &layout, err);
    mem_free(path);
    return status;
}

static medley_status read_table(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                medley_error *err)
{
    const delimited_params *p = values;
    const bool patterned = p->time_format[0] != '\0';
    interaction_layout rows = {
        .header = p->header,
        .quotes = p->quotes,
        .encoding = (text_encoding)p->encoding,
        .encoding_setting = "encoding",
        .time_setting = "time_unit",
        .time_unit = patterned ? TIME_PATTERN : (time_unit)p->time_unit,
        .time_pattern = p->time_format,
        .user = p->user,
        .item = p->item,
        .rating = p->rating,
        .timestamp = p->timestamp,
        .part_column = p->part,
        .part = -1,
    };
    TRY(reader_need_delimiter("delimiter", p->delimiter, &rows.delimiter, err));
    if (patterned && !time_pattern_is_known(p->time_format))
        return fail(err, MEDLEY_E_CONFIG,
                    "time_format: '%s' is none; accepted: iso8601 or a pattern such as %%Y-%%m-%%d %%H:%%M:%%S",
                    p->time_format);
    if (p->file[0] == '\0' && file_is_folder(input))
        return fail(err, MEDLEY_E_CONFIG, "file: '%s' is a folder; name the file of interactions in it", input);
    TRY(reader_tables(rt, input, p->file, &rows, "", NULL, in, err));
    if (p->items_file[0] != '\0')
        TRY(read_items(rt, p, input, in, err));
    if (p->users_file[0] != '\0')
        TRY(read_users(rt, p, input, in, err));
    return p->images[0] != '\0' ? ingest_images(in, input, p->images, err) : MEDLEY_OK;
}

const reader_class reader_delimited = {
    .name = "delimited",
    .summary = "one table of interactions, and an item table if there is one; columns by name or position",
    .details =
        "Delimiter, header, column names or positions, encoding and the form of times are parameters, for the "
        "interactions and for the tables of items and users. Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(delimited_params),
    .read = read_table,
};
