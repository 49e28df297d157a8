/* Elliot's and Ducho's data folders: headerless TSV, whole or already split. */
#include "data/reader.h"

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

static medley_status read_elliot(const medley_runtime *rt, const void *params, const char *input, ingest *in,
                                 medley_error *err)
{
    static const char *const whole[] = {"dataset.tsv"}, *const train[] = {"train.tsv"};
    static const char *const either[] = {"train.tsv", "dataset.tsv"};
    char *path;
    (void)params;
    TRY(reader_file(rt, input, train, 1, &path, err));
    if (path != NULL) {
        mem_free(path);
        return read_parts(rt, input, in, err);
    }
    TRY(reader_file(rt, input, whole, 1, &path, err));
    if (path == NULL)
        return reader_need(rt, input, either, 2, &path, err);
    const interaction_layout layout = tsv(-1);
    const medley_status status = ingest_interactions(in, path, &layout, err);
    mem_free(path);
    return status;
}

const reader_class reader_elliot = {
    .name = "elliot",
    .summary = "Elliot and Ducho folders: train.tsv, val.tsv, test.tsv (a fixed split), or dataset.tsv",
    .details =
        "Headerless TSV: user, item, rating and time, the last two if they are there. Where the files fix the "
        "split, `medley split --strategy fixed` uses it as given. Plain, .gz or .zst.",
    .read = read_elliot,
};
