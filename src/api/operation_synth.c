#include <medley/store.h>

#include "api/operation.h"
#include "data/synthetic.h"
#include "encode/cover.h"

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    return synthetic_run(rt, s->values, cover_paint, report, err);
}

const operation_class operation_synth = {
    .name = "synth",
    .summary = "make up a raw data set with known structure, in the shape of MovieLens",
    .details =
        "Tastes over genres, popularity with a long tail, series whose parts follow each other. Writes ratings.csv "
        "and movies.csv; `medley prepare --format movielens` reads them. With images also posters/<movieId>.jpg: covers and "
        "overviews then show a style that users like or not, and some items are new or not released, so that what one "
        "sees and reads tells what nobody has rated yet.",
    .table = synthetic_table,
    .size = sizeof(synthetic_params),
    .run = run,
};

medley_status medley_synth(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_synth, rt, config, report, err);
}
