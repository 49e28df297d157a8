/* Elliot's and Ducho's data folders: headerless TSV, whole or already split. */
#include "data/reader.h"

typedef struct elliot_params {
    const char *meta_file, *meta_item, *meta_title, *meta_text, *images;
} elliot_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(
        elliot_params, meta_file, "",
        .help = "what the items are, a TSV with a header; empty: meta.tsv or descriptions.tsv, if it is there"),
    MEDLEY_TEXT(elliot_params, meta_item, "item|item_id|itemID|asin|id|1", .help = "its column of the item id"),
    MEDLEY_TEXT(elliot_params, meta_title, "title|name?", .help = "its column of the title"),
    MEDLEY_TEXT(elliot_params, meta_text, "description|text|overview?", .help = "its column of the description"),
    MEDLEY_TEXT(elliot_params, images, "",
                .help = "folder of the input with images named by item id; empty: images, if it is there"),
    MEDLEY_PARAMS_END,
};

static interaction_layout tsv(int part)
{
    return (interaction_layout){
        .delimiter = "\t", .user = "1", .item = "2", .rating = "3?", .timestamp = "4?", .part = part};
}

static medley_status read_parts(const medley_runtime *rt, const char *input, ingest *in, medley_error *err)
{
    static const struct {
        const char *names[2];
        int part;
        bool required;
    } files[] = {
        {{"train.tsv", "train.tsv"}, PART_TRAIN, true},
        {{"val.tsv", "validation.tsv"}, PART_VAL, false},
        {{"test.tsv", "test.tsv"}, PART_TEST, true},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path;
        if (files[i].required)
            TRY(reader_need(rt, input, files[i].names, 1, &path, err));
        else
            TRY(reader_file(rt, input, files[i].names, 2, &path, err));
        if (path == NULL)
            continue;
        const interaction_layout layout = tsv(files[i].part);
        const medley_status status = ingest_interactions(in, path, &layout, err);
        mem_free(path);
        TRY(status);
    }
    return MEDLEY_OK;
}

static medley_status read_rows(const medley_runtime *rt, const char *input, ingest *in, medley_error *err)
{
    static const char *const whole[] = {"dataset.tsv", "reviews.tsv"}, *const train[] = {"train.tsv"};
    static const char *const any[] = {"train.tsv", "dataset.tsv", "reviews.tsv"};
    char *path;
    TRY(reader_file(rt, input, train, 1, &path, err));
    if (path != NULL) {
        mem_free(path);
        return read_parts(rt, input, in, err);
    }
    TRY(reader_file(rt, input, whole, 2, &path, err));
    if (path == NULL)
        return reader_need(rt, input, any, 3, &path, err);
    const interaction_layout layout = tsv(-1);
    const medley_status status = ingest_interactions(in, path, &layout, err);
    mem_free(path);
    return status;
}

static medley_status read_meta(const medley_runtime *rt, const elliot_params *p, const char *input, ingest *in,
                               medley_error *err)
{
    static const char *const usual[] = {"meta.tsv", "descriptions.tsv"};
    const item_layout layout = {.delimiter = "\t",
                                .header = true,
                                .quotes = true,
                                .id = p->meta_item,
                                .title = p->meta_title,
                                .text = p->meta_text,
                                .rest_are_facts = true};
    char *path;
    TRY(p->meta_file[0] != '\0' ? reader_need(rt, input, &p->meta_file, 1, &path, err)
                                : reader_file(rt, input, usual, 2, &path, err));
    const medley_status status = path != NULL ? ingest_items(in, path, &layout, err) : MEDLEY_OK;
    mem_free(path);
    return status;
}

static medley_status read_elliot(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                 medley_error *err)
{
    static const char *const images[] = {"images", NULL};
    const elliot_params *p = values;
    TRY(read_rows(rt, input, in, err));
    TRY(read_meta(rt, p, input, in, err));
    return reader_images(rt, input, p->images, images, in, err);
}

const reader_class reader_elliot = {
    .name = "elliot",
    .summary = "Elliot and Ducho folders: train.tsv, val.tsv, test.tsv (a fixed split), or dataset.tsv",
    .details =
        "Headerless TSV: user, item, rating and time, the last two if they are there. Where the files fix the "
        "split, `medley split --strategy fixed` uses it as given; without train.tsv, dataset.tsv or reviews.tsv is "
        "read whole. meta.tsv, with a header, says what the items are: columns without a role become attributes. "
        "Folders of features with a <id>.npy for each item are not read. "
        "Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(elliot_params),
    .read = read_elliot,
};
