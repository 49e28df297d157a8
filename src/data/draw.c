#include "data/draw.h"

#include <math.h>

/* Streams of users' rows are the users' numbers; these lie behind them. */
enum { STREAM_GROUPS = 1 };
static const uint64_t behind_users = UINT64_C(1) << 40;

static int by_key(const void *a, const void *b)
{
    const draw_ticket *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key)
                            : (x->member > y->member) - (x->member < y->member);
}

void draw_order(uint64_t seed, uint64_t stream, int64_t count, draw_ticket *tickets)
{
    for (int64_t i = 0; i < count; i++)
        tickets[i] = (draw_ticket){random_bits(seed, stream, (uint64_t)i), i};
    qsort(tickets, (size_t)count, sizeof *tickets, by_key);
}

/* The small term keeps 10 (1 - 0.2) from becoming 7.999... */
int64_t draw_held_out(int64_t count, double ratio)
{
    return count - (int64_t)floor((double)count * (1 - ratio) + 1e-9);
}

/* The order in which a user's rows are held out: by lot, or the latest first. */
static medley_status order_rows(const medley_runtime *rt, const split_lot *lot, uint32_t user, int64_t count,
                                draw_ticket **tickets, int64_t *capacity, medley_error *err)
{
    TRY(mem_reserve(rt, tickets, capacity, count, sizeof **tickets, err));
    if (lot != NULL)
        draw_order(lot->seed, user, count, *tickets);
    for (int64_t i = 0; lot == NULL && i < count; i++)
        (*tickets)[i] = (draw_ticket){0, count - 1 - i};
    return MEDLEY_OK;
}

medley_status draw_users(const medley_runtime *rt, const interactions *events, const split_lot *lot,
                         draw_shares shares, const void *params, uint8_t *part, medley_error *err)
{
    draw_ticket *tickets = NULL;
    int64_t capacity = 0;
    medley_status status = MEDLEY_OK;
    for (int64_t start = 0, end; start < events->count; start = end) {
        end = split_user_end(events, start);
        int64_t test = 0, val = 0;
        shares(params, end - start, &test, &val);
        TRY_DONE(order_rows(rt, lot, events->user[start], end - start, &tickets, &capacity, err));
        for (int64_t i = 0; i < end - start; i++)
            part[start + tickets[i].member] = i < test ? PART_TEST : i < test + val ? PART_VAL : PART_TRAIN;
    }
done:
    mem_free(tickets);
    return status;
}

/* A share below 1 of `count`, or a number. */
static medley_status group_count(const char *part, const char *kind, double value, int64_t count, int64_t *out,
                                 medley_error *err)
{
    *out = value < 1 ? draw_held_out(count, value) : value < (double)count ? (int64_t)value : count;
    return value < 1 || value == floor(value)
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "%s_%s: %g; accepted: a share below 1 or a whole number", part, kind,
                      value);
}

medley_status draw_groups(const medley_runtime *rt, const draw_group_rule *rule, uint64_t seed,
                          const int64_t *size, int64_t groups, int64_t least, uint8_t *part, medley_error *err)
{
    draw_ticket *tickets;
    int64_t eligible = 0, test = 0, val = 0;
    for (int64_t g = 0; g < groups; g++)
        eligible += size[g] >= least;
    TRY(group_count("test", rule->kind, rule->test, eligible, &test, err));
    TRY(group_count("val", rule->kind, rule->val, eligible, &val, err));
    if (test + val > 0 && test + val >= groups)
        return fail(err, MEDLEY_E_CONFIG,
                    "test_%s: %g and val_%s: %g leave none of %lld %s to train; accepted: less together",
                    rule->kind, rule->test, rule->kind, rule->val, (long long)groups, rule->kind);
    if (test + val > eligible)
        return fail(err, MEDLEY_E_CONFIG,
                    "test_%s: %g and val_%s: %g; accepted: together at most the %lld %s that have at least %lld "
                    "interactions",
                    rule->kind, rule->test, rule->kind, rule->val, (long long)eligible, rule->kind,
                    (long long)least);
    TRY(mem_alloc(rt, groups, sizeof *tickets, &tickets, err));
    draw_order(seed, behind_users + STREAM_GROUPS, groups, tickets);
    for (int64_t i = 0, drawn = 0; i < groups; i++) {
        const int64_t g = tickets[i].member;
        part[g] = PART_TRAIN;
        if (size[g] < least)
            continue;
        part[g] = drawn < test ? PART_TEST : drawn < test + val ? PART_VAL : PART_TRAIN;
        drawn++;
    }
    mem_free(tickets);
    return MEDLEY_OK;
}

/* Groups are users that have rows: a user's place in the order of rows, not its number, which may have gaps. */
static medley_status count_users(const medley_runtime *rt, const interactions *events, int64_t **size,
                                 int64_t *users, medley_error *err)
{
    int64_t capacity = 0;
    *size = NULL;
    *users = 0;
    for (int64_t start = 0, end; start < events->count; start = end) {
        end = split_user_end(events, start);
        TRY(mem_reserve(rt, size, &capacity, *users + 1, sizeof **size, err));
        (*size)[(*users)++] = end - start;
    }
    return MEDLEY_OK;
}

medley_status draw_held_out_users(const medley_runtime *rt, const interactions *events, const split_lot *lot,
                                  const draw_fold_in *rule, uint8_t *part, medley_error *err)
{
    int64_t *size = NULL, users, capacity = 0, start = 0;
    uint8_t *part_of = NULL;
    draw_ticket *tickets = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(count_users(rt, events, &size, &users, err));
    TRY_DONE(mem_alloc(rt, users, 1, &part_of, err));
    TRY_DONE(draw_groups(rt, &rule->users, lot->seed, size, users, rule->least, part_of, err));
    for (int64_t u = 0; u < users; start += size[u++]) {
        memset(part + start, PART_TRAIN, (size_t)size[u]);
        if (part_of[u] == PART_TRAIN)
            continue;
        const uint8_t known = part_of[u] == PART_TEST ? PART_TEST_KNOWN : PART_VAL_KNOWN;
        const int64_t targets = rule->targets(rule->params, size[u]);
        TRY_DONE(
            order_rows(rt, rule->latest ? NULL : lot, events->user[start], size[u], &tickets, &capacity, err));
        for (int64_t i = 0; i < size[u]; i++)
            part[start + tickets[i].member] = i < targets ? part_of[u] : known;
    }
done:
    mem_free(size);
    mem_free(part_of);
    mem_free(tickets);
    return status;
}
