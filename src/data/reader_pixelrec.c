/* PixelRec (Cheng et al., 2023): interactions with images, and a table of what the videos are. */
#include "data/reader.h"

typedef struct pixelrec_params {
    const char *file, *items_file, *images;
} pixelrec_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(pixelrec_params, file, "",
                .help = "the interactions, a file of the input folder; empty: its only .csv without item_info in "
                        "its name"),
    MEDLEY_TEXT(pixelrec_params, items_file, "",
                .help = "the item table; empty: the only .csv with item_info in its name, if it is there"),
    MEDLEY_TEXT(pixelrec_params, images, "",
                .help =
                    "folder of the input with covers named by item id; empty: covers, cover or images, if it is "
                    "there"),
    MEDLEY_PARAMS_END,
};

static const fact_column facts[] = {
    {.column = "tag?", .key = "tags", .kind = FACT_LIST, .separator = ""},
    {.column = "view_number|view?", .key = "views", .kind = FACT_NUMBER},
    {.column = "comment_number|comment?", .key = "comments", .kind = FACT_NUMBER},
    {.column = "thumbup_number|like_number|like?", .key = "likes", .kind = FACT_NUMBER},
    {.column = "share_number|share?", .key = "shares", .kind = FACT_NUMBER},
    {.column = "coin_number|coin?", .key = "coins", .kind = FACT_NUMBER},
    {.column = "favorite_number|favorite?", .key = "favorites", .kind = FACT_NUMBER},
    {.column = "barrage_number|barrage?", .key = "barrages", .kind = FACT_NUMBER},
};

static const item_layout items_layout = {.delimiter = ",",
                                         .header = true,
                                         .quotes = true,
                                         .id = "item_id",
                                         .title = "title?",
                                         .text = "description?",
                                         .facts = facts,
                                         .fact_count = sizeof facts / sizeof *facts};

static bool is_item_table(const char *name)
{
    return reader_ends_with(name, ".csv") && strstr(name, "item_info") != NULL;
}

static bool is_rows(const char *name)
{
    return reader_ends_with(name, ".csv") && strstr(name, "item_info") == NULL;
}

static medley_status find_items(const medley_runtime *rt, const char *input, char **out, medley_error *err)
{
    char **names;
    int64_t count, found = 0;
    *out = NULL;
    TRY(file_list(rt, input, &names, &count, err));
    for (int64_t i = 0; i < count; i++)
        found += is_item_table(names[i]);
    file_names_free(names, count);
    return found > 0 ? reader_only_file(rt, input, "items_file", ".csv with item_info in its name", is_item_table,
                                        out, err)
                     : MEDLEY_OK;
}

static medley_status read_pixelrec(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                   medley_error *err)
{
    static const interaction_layout rows = {.delimiter = ",",
                                            .header = true,
                                            .quotes = true,
                                            .user = "user_id",
                                            .item = "item_id",
                                            .timestamp = "timestamp?",
                                            .time_unit = TIME_AUTO,
                                            .part = -1};
    static const char *const covers[] = {"covers", "cover", "images", NULL};
    const pixelrec_params *p = values;
    char *rows_file = NULL, *items = NULL;
    medley_status status;
    if (!file_is_folder(input))
        return fail(err, file_exists(input) ? MEDLEY_E_FORMAT : MEDLEY_E_NOT_FOUND, "input: '%s' is not a folder",
                    input);
    if (p->file[0] == '\0')
        TRY_DONE(
            reader_only_file(rt, input, "file", ".csv without item_info in its name", is_rows, &rows_file, err));
    if (p->items_file[0] == '\0')
        TRY_DONE(find_items(rt, input, &items, err));
    TRY_DONE(reader_tables(rt, input, rows_file != NULL ? rows_file : p->file, &rows,
                           items != NULL ? items : p->items_file, &items_layout, in, err));
    status = reader_images(rt, input, p->images, covers, in, err);
done:
    mem_free(rows_file);
    mem_free(items);
    return status;
}

const reader_class reader_pixelrec = {
    .name = "pixelrec",
    .summary = "PixelRec: item_id,user_id,timestamp with an item table and covers named by item id",
    .details =
        "A CSV with the header item_id,user_id,timestamp, and one with title, tag, description and counts of "
        "views, likes and the like, which become attributes. Counts are of the day of the crawl: no model "
        "takes them as features by itself. Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(pixelrec_params),
    .read = read_pixelrec,
};
