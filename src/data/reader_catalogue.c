/* A catalogue and nothing else: a store of it has no users, and serves encoders and what asks about items alone. */
#include "data/table_columns.h"

typedef struct catalogue_params {
    const char *file, *delimiter;
    bool header, quotes;
    int encoding;
    const char *id, *title, *text, *image, *categories, *numbers, *attributes, *categories_separator, *images;
} catalogue_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(catalogue_params, file, "",
                .help = "the item table, a file of the input folder; empty: input is the file"),
    MEDLEY_TEXT(catalogue_params, delimiter, "comma",
                .help = "between columns: comma, tab, space, pipe, semicolon or 1 to 4 bytes"),
    MEDLEY_BOOL(catalogue_params, header, "true", .help = "the first line names the columns"),
    MEDLEY_BOOL(catalogue_params, quotes, "true", .help = "columns may be quoted with \""),
    MEDLEY_ENUM(catalogue_params, encoding, "utf8", "utf8|latin1", .help = "of the table's text"),
    MEDLEY_TEXT(catalogue_params, id, "1", .help = "column of the id: a name of the header or a position from 1"),
    MEDLEY_TEXT(catalogue_params, title, "title|name|2?",
                .help = "column of the title; '?' behind it: may be absent"),
    MEDLEY_TEXT(catalogue_params, text, "", .help = "column of the description; empty: none"),
    MEDLEY_TEXT(catalogue_params, image, "", .help = "column of the image file's name; empty: none"),
    MEDLEY_TEXT(catalogue_params, categories, "",
                .help = "columns that hold several values, a comma between columns; each is an attribute"),
    MEDLEY_TEXT(catalogue_params, categories_separator, "|", .help = "between the values of such a column"),
    MEDLEY_TEXT(catalogue_params, numbers, "", .help = "columns that are numeric attributes"),
    MEDLEY_TEXT(catalogue_params, attributes, "", .help = "columns that are attributes of text"),
    MEDLEY_TEXT(catalogue_params, images, "",
                .help = "folder of the input with images named by item id; empty: images, "
                        "if it is there"),
    MEDLEY_PARAMS_END,
};

static medley_status read_catalogue(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                    medley_error *err)
{
    static const char *const images[] = {"images", NULL};
    const catalogue_params *p = values;
    column_list columns = {.count = 0};
    item_layout layout = {
        .header = p->header,
        .quotes = p->quotes,
        .encoding = (text_encoding)p->encoding,
        .encoding_setting = "encoding",
        .id = p->id,
        .title = p->title,
        .text = p->text,
        .image = p->image,
        .facts = columns.facts,
    };
    char *path = NULL;
    TRY(reader_need_delimiter("delimiter", p->delimiter, &layout.delimiter, err));
    TRY(column_list_add(&columns, "categories", p->categories, FACT_LIST, p->categories_separator, err));
    TRY(column_list_add(&columns, "numbers", p->numbers, FACT_NUMBER, NULL, err));
    TRY(column_list_add(&columns, "attributes", p->attributes, FACT_TEXT, NULL, err));
    layout.fact_count = columns.count;
    if (p->file[0] == '\0' && file_is_folder(input))
        return fail(err, MEDLEY_E_CONFIG, "file: '%s' is a folder; name the item table in it", input);
    if (p->file[0] != '\0')
        TRY(reader_need(rt, input, &p->file, 1, &path, err));
    const medley_status status = ingest_items(in, path != NULL ? path : input, &layout, err);
    mem_free(path);
    TRY(status);
    ingest_allow_empty(in); /* of interactions */
    return p->file[0] != '\0' ? reader_images(rt, input, p->images, images, in, err) : MEDLEY_OK;
}

const reader_class reader_catalogue = {
    .name = "catalogue",
    .summary = "one table of items, with images if there are any, and no interactions",
    .details =
        "Makes a store without users, for extract, similar and whatever else asks about items alone. Delimiter, header, "
        "column names or positions and encoding are parameters. Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(catalogue_params),
    .read = read_catalogue,
};
