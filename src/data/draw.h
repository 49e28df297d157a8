/* What split strategies share: lots, shares of each user's rows, and users or items that are held out. */
#ifndef DATA_DRAW_H
#define DATA_DRAW_H

#include "data/split.h"

/* A member with the random number that decides its place. */
typedef struct draw_ticket {
    uint64_t key;
    int64_t member;
} draw_ticket;

/* A random order of 0..count-1, which (seed, stream) decides. */
void draw_order(uint64_t seed, uint64_t stream, int64_t count, draw_ticket *tickets);

/* n - floor(n (1 - ratio)): what Elliot holds out of n. */
int64_t draw_held_out(int64_t count, double ratio);

/* How many of a user's `count` rows go to test and validation; both are 0 before the call. */
typedef void (*draw_shares)(const void *params, int64_t count, int64_t *test, int64_t *val);

/* Parts each user's rows by `shares`: drawn by lot, or (lot NULL) the latest to test and those before them to
 * validation. */
MEDLEY_MUST_USE medley_status draw_users(const medley_runtime *rt, const interactions *events,
                                         const split_lot *lot, draw_shares shares, const void *params,
                                         uint8_t *part, medley_error *err);

/* Which groups (users or items) are held out. `kind` names them in messages and in the settings test_<kind> and
 * val_<kind>: shares below 1 or numbers. */
typedef struct draw_group_rule {
    const char *kind;
    double test, val;
} draw_group_rule;

/* part [groups]: PART_TEST, PART_VAL or PART_TRAIN by lot for those with size [groups] of at least `least`, and
 * PART_TRAIN for the others. Fails with E_CONFIG when none would be left to train. */
MEDLEY_MUST_USE medley_status draw_groups(const medley_runtime *rt, const draw_group_rule *rule, uint64_t seed,
                                          const int64_t *size, int64_t groups, int64_t least, uint8_t *part,
                                          medley_error *err);

/* Users held out whole: what is known of them, and the targets behind it. */
typedef struct draw_fold_in {
    draw_group_rule users;
    int64_t least;                                         /* interactions of a user that can be held out */
    bool latest;                                           /* the targets are the latest rows, not drawn */
    int64_t (*targets)(const void *params, int64_t count); /* of a held-out user's `count` rows */
    const void *params;
} draw_fold_in;
MEDLEY_MUST_USE medley_status draw_held_out_users(const medley_runtime *rt, const interactions *events,
                                                  const split_lot *lot, const draw_fold_in *rule, uint8_t *part,
                                                  medley_error *err);

#endif
