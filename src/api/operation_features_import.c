#include <medley/store.h>

#include "api/operation.h"
#include "data/features.h"

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    return features_import_run(rt, s->values, report, err);
}

const operation_class operation_features_import = {
    .name = "features_import",
    .summary = "bring vectors of items, made elsewhere, into a store",
    .details =
        "Writes <store>/features/<name>.npy, float32 [items, length] with row i for item i, and <name>.json, which says "
        "where it came from. Rows of the input are matched by the items' ids in the source of the store, never by their "
        "place: an .npy [vectors, length] comes with a file of as many ids, lines or an .npy of integers or texts; a "
        "folder holds one <id>.npy an item, [length] or [1, length], as Ducho writes; a CSV or TSV has an id and then "
        "numbers in each row, with or without a header, and may be compressed; a safetensors file holds a matrix and a "
        "tensor 'ids', integers [vectors] or bytes [vectors, width], or comes with a file of ids. float16, float32 and "
        "float64 are read; a number that is not finite in float32 is refused. Items without a vector get rows of NaN; of "
        "several vectors of one item the first is kept; ids that the store does not have are counted.",
    .table = features_import_table,
    .size = sizeof(features_import),
    .run = run,
};

medley_status medley_features_import(medley_runtime *rt, medley_config *config, medley_report **report,
                                     medley_error *err)
{
    return operation_run(&operation_features_import, rt, config, report, err);
}
