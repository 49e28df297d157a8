#include "eval/judged.h"

#include <math.h>

/* Above and equal count other targets too. Of two targets one is above the other, or each equals the other: either
 * way the pair adds 1 to the sum of above + equal / 2, which is taken off again. */
double judged_auc(const judged *user)
{
    double wrong = 0;
    int64_t m = 0; /* targets that are candidates */
    for (const judged_target *t = user->targets; t < user->targets + user->relevant; t++)
        if (t->score > -INFINITY) {
            wrong += (double)t->above + (double)t->equal / 2;
            m++;
        }
    wrong -= (double)m * (double)(m - 1) / 2;
    const double others = (double)(user->candidates - m);
    return others > 0 ? ((double)m * others - wrong) / ((double)user->relevant * others) : NAN;
}

double judged_mean_pair(const judged *user, int64_t k, const item_space *space, double (*measure)(double cosine))
{
    const int64_t shown = judged_shown(user, k);
    double sum = 0;
    int64_t pairs = 0;
    for (int64_t a = 0; a < shown; a++)
        for (int64_t b = 0; b < a && item_space_has(space, user->list[a]); b++)
            if (item_space_has(space, user->list[b])) {
                sum += measure(item_space_cosine(space, user->list[a], user->list[b]));
                pairs++;
            }
    return pairs > 0 ? sum / (double)pairs : NAN;
}

bool attribute_shares(const item_space *attributes, const uint32_t *items, int64_t count, double *share)
{
    const csr *values = &attributes->sparse.view;
    int64_t described = 0;
    memset(share, 0, (size_t)attributes->dimensions * sizeof *share);
    for (int64_t n = 0; n < count; n++) {
        const int64_t of_item = csr_row_count(values, items[n]);
        const uint32_t *value = values->index + values->start[items[n]];
        for (int64_t v = 0; v < of_item; v++)
            share[value[v]] += 1 / (double)of_item;
        described += of_item > 0;
    }
    for (int64_t v = 0; v < attributes->dimensions && described > 0; v++)
        share[v] /= (double)described;
    return described > 0;
}
