/* Disjoint items: new ones are judged. */
#include "data/draw.h"

typedef struct item_params {
    double test_items, val_items;
} item_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(item_params, test_items, "0.1", 0, 1e9, .help = "share (below 1) or number of items for test"),
    MEDLEY_REAL(item_params, val_items, "0.1", 0, 1e9,
                .help = "share (below 1) or number of items for validation"),
    MEDLEY_PARAMS_END,
};

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            const split_lot *lot, uint8_t *part, medley_error *err)
{
    const item_params *p = params;
    const draw_group_rule rule = {"items", p->test_items, p->val_items};
    int64_t *place = NULL, *size = NULL, items = 0, highest = -1;
    uint8_t *part_of = NULL;
    medley_status status = MEDLEY_OK;
    for (int64_t i = 0; i < events->count; i++)
        highest = events->item[i] > highest ? events->item[i] : highest;
    TRY_DONE(mem_alloc_zero(rt, highest + 1, sizeof *place, &place, err));
    TRY_DONE(mem_alloc_zero(rt, highest + 1, sizeof *size, &size, err));
    TRY_DONE(mem_alloc(rt, highest + 1, 1, &part_of, err));
    for (int64_t i = 0; i < events->count; i++)
        place[events->item[i]]++;
    for (int64_t i = 0; i <= highest; i++) /* only items that somebody interacted with are drawn */
        if (place[i] > 0) {
            size[items] = place[i];
            place[i] = items++;
        }
    TRY_DONE(draw_groups(rt, &rule, lot->seed, size, items, 1, part_of, err));
    for (int64_t i = 0; i < events->count; i++)
        part[i] = part_of[place[events->item[i]]];
done:
    mem_free(place);
    mem_free(size);
    mem_free(part_of);
    return status;
}

const split_class split_item = {
    .name = "item",
    .summary = "disjoint items: items that training never saw are judged",
    .details = "Cold start of items: every interaction with a drawn item is in its part. Users keep what they did "
               "with the other items; those who did nothing else are in the leak report.",
    .params = params_table,
    .params_size = sizeof(item_params),
    .folds = FOLDS_REPEAT,
    .assign = assign,
};
