/* The files as given: the source says which part each interaction is in. */
#include "data/split.h"

typedef struct fixed_params {
    double val_ratio;
} fixed_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(fixed_params, val_ratio, "0", 0, 0.99,
                .help = "share of the given training part to draw for validation, where the source gives none"),
    MEDLEY_PARAMS_END,
};

enum { STREAM_VALIDATION = 0x66 };

static medley_status draw_validation(const interactions *events, double ratio, uint64_t seed, uint8_t *part,
                                     medley_error *err)
{
    for (int64_t row = 0; row < events->count; row++)
        if (events->part[row] == PART_VAL)
            return fail(err, MEDLEY_E_CONFIG,
                        "val_ratio: %g, but the source gives a validation part; 0 is accepted", ratio);
    for (int64_t row = 0; row < events->count; row++)
        if (part[row] == PART_TRAIN && random_uniform(seed, STREAM_VALIDATION, (uint64_t)row) < ratio)
            part[row] = PART_VAL;
    return MEDLEY_OK;
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    const fixed_params *p = params;
    (void)rt;
    if (events->part == NULL)
        return fail(
            err, MEDLEY_E_CONFIG,
            "strategy: 'fixed' needs a source that comes split (format elliot with train.tsv and test.tsv)");
    memcpy(part, events->part, (size_t)events->count);
    return p->val_ratio > 0 ? draw_validation(events, p->val_ratio, lot->seed, part, err) : MEDLEY_OK;
}

const split_class split_fixed = {
    .name = "fixed",
    .summary = "train, validation and test as the source's files give them",
    .details =
        "For published splits that must not change. Many of them have no validation part (MovieLens' u1 to u5): "
        "val_ratio draws one from the training part, and test stays what it is.",
    .params = params_table,
    .params_size = sizeof(fixed_params),
    .assign = assign,
};
