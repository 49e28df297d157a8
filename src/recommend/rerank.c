#include "recommend/rerank.h"

#include <math.h>

int64_t rerank_diverse(const item_space *space, double diversity, const topk_entry *pool, int64_t count, int64_t k,
                       double *nearest, topk_entry *chosen)
{
    const int64_t wanted = k < count ? k : count;
    if (wanted == 0)
        return 0;
    const double lowest = (double)pool[count - 1].score, range = (double)pool[0].score - lowest;
    for (int64_t i = 0; i < count; i++)
        nearest[i] = -INFINITY;
    int64_t last = 0; /* nothing is chosen: no similarity counts, and the best score is first */
    for (int64_t n = 0; n < wanted; n++) {
        chosen[n] = pool[last];
        nearest[last] = INFINITY; /* is chosen */
        int64_t next = -1;
        double best = 0;
        for (int64_t i = 0; n + 1 < wanted && i < count; i++) {
            if (nearest[i] == INFINITY)
                continue;
            nearest[i] = fmax(nearest[i], item_space_cosine(space, pool[i].item, pool[last].item));
            const double relevance = range > 0 ? ((double)pool[i].score - lowest) / range : 0;
            const double value = (1 - diversity) * relevance - diversity * nearest[i];
            if (next < 0 || value > best) {
                next = i;
                best = value;
            }
        }
        last = next;
    }
    return wanted;
}
