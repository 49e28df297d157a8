/* Per user, a random part: test = n - floor(n (1 - ratio)), then validation out of the rest by the
 * same rule (Elliot's random_subsampling). */
#include <math.h>

#include "data/split.h"

typedef struct random_params {
    double test_ratio, val_ratio;
} random_params;

static const medley_param params_table[] = {
    MEDLEY_REAL(random_params, test_ratio, "0.2", 0, 0.99, .help = "share of each user's interactions for test"),
    MEDLEY_REAL(random_params, val_ratio, "0.1", 0, 0.99, .help = "share of what is left for validation"),
    MEDLEY_PARAMS_END,
};

/* A row with the random number that decides its place in the user's order. */
typedef struct ticket {
    uint64_t key;
    int64_t row;
} ticket;

static int by_key(const void *a, const void *b)
{
    const ticket *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->row > y->row) - (x->row < y->row);
}

/* The small term keeps 10 (1 - 0.2) from becoming 7.999... */
static int64_t held_out(int64_t count, double ratio)
{
    return count - (int64_t)floor((double)count * (1 - ratio) + 1e-9);
}

static medley_status assign(const medley_runtime *rt, const void *params, const interactions *events,
                            uint64_t seed, uint8_t *part, medley_error *err)
{
    const random_params *p = params;
    ticket *tickets = NULL;
    int64_t capacity = 0;
    for (int64_t start = 0, end; start < events->count; start = end) {
        end = split_user_end(events, start);
        const int64_t count = end - start;
        const int64_t test = held_out(count, p->test_ratio), val = held_out(count - test, p->val_ratio);
        const medley_status status = mem_reserve(rt, &tickets, &capacity, count, sizeof *tickets, err);
        if (status != MEDLEY_OK) {
            mem_free(tickets);
            return status;
        }
        for (int64_t i = 0; i < count; i++)
            tickets[i] = (ticket){random_bits(seed, events->user[start], (uint64_t)i), start + i};
        qsort(tickets, (size_t)count, sizeof *tickets, by_key);
        for (int64_t i = 0; i < count; i++)
            part[tickets[i].row] = i < test ? PART_TEST : i < test + val ? PART_VAL : PART_TRAIN;
    }
    mem_free(tickets);
    return MEDLEY_OK;
}

const split_class split_random = {
    .name = "random",
    .summary = "per user, random shares for test and validation",
    .details =
        "test = n - floor(n (1 - test_ratio)) of a user's n interactions; validation out of the rest by the same "
        "rule. Ignores time: the leak report says how far the future trains the past.",
    .params = params_table,
    .params_size = sizeof(random_params),
    .assign = assign,
};
