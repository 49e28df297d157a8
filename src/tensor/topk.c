#include "tensor/topk.h"

#include <float.h>
#include <math.h>

#include "base/multiversion.h"

enum { SCAN = 64 }; /* scores compared before one branch */

void topk_start(topk *t, topk_entry *entries, int64_t k, uint64_t seed, uint64_t user)
{
    assert(k >= 1);
    *t = (topk){.k = k, .entries = entries, .seed = seed, .user = user};
}

static bool worse(const topk_entry *a, const topk_entry *b)
{
    return a->score < b->score || (a->score == b->score && a->key > b->key);
}

/* Puts `entry` at `at` or below, where no child is worse. */
static void sift_down(topk_entry *heap, int64_t count, int64_t at, topk_entry entry)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && worse(&heap[child + 1], &heap[child]))
            child++;
        if (!worse(&heap[child], &entry))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

static void sift_up(topk_entry *heap, int64_t at, topk_entry entry)
{
    for (; at > 0 && worse(&entry, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = entry;
}

float topk_threshold(const topk *t)
{
    return t->count < t->k ? -FLT_MAX : t->entries[0].score;
}

void topk_push(topk *t, float score, uint32_t item)
{
    const bool full = t->count == t->k;
    if (full && score < t->entries[0].score)
        return;
    const topk_entry entry = {score, item, random_bits(t->seed, t->user, item)};
    if (!full) {
        sift_up(t->entries, t->count++, entry);
        return;
    }
    const float worst = t->entries[0].score;
    if (worse(&t->entries[0], &entry))
        sift_down(t->entries, t->k, 0, entry);
    /* One item of score `worst` is out now: the one replaced, or the one offered. It ties with
     * the worst held one unless that rose, and then nothing outside does. */
    t->tied_outside = t->entries[0].score == worst ? t->tied_outside + 1 : 0;
}

/* Skips whole runs of SCAN scores that are all below the threshold; NaN is not. */
MULTIVERSION static int64_t skip_runs(const float *scores, int64_t from, int64_t count, float threshold)
{
    for (; from + SCAN <= count; from += SCAN) {
        int reached = 0;
        for (int i = 0; i < SCAN; i++)
            reached |= !(scores[from + i] < threshold);
        if (reached)
            break;
    }
    return from;
}

int64_t topk_next(const float *scores, int64_t from, int64_t count, float threshold)
{
    from = skip_runs(scores, from, count, threshold);
    while (from < count && scores[from] < threshold)
        from++;
    return from;
}

int64_t topk_offer(topk *t, const float *scores, int64_t count, uint32_t first)
{
    int64_t at = topk_next(scores, 0, count, topk_threshold(t));
    for (; at < count; at = topk_next(scores, at + 1, count, topk_threshold(t))) {
        if (!isfinite(scores[at]))
            return at;
        topk_push(t, scores[at], first + (uint32_t)at);
    }
    return -1;
}

void topk_sort(topk *t)
{
    for (int64_t last = t->count - 1; last > 0; last--) {
        const topk_entry best_left = t->entries[last];
        t->entries[last] = t->entries[0];
        sift_down(t->entries, last, 0, best_left);
    }
}
