/* What is known of each one who is ranked for, oldest first. */
#ifndef DATA_HISTORIES_H
#define DATA_HISTORIES_H

#include "data/interactions.h"
#include "tensor/csr.h"

typedef struct histories {
    int64_t rows;
    const int64_t *start;     /* [rows + 1] row r is start[r] .. start[r+1] - 1 */
    const uint32_t *item;     /* oldest first, repeats kept */
    const float *rating;      /* or NULL: not known */
    const int64_t *timestamp; /* seconds since 1970, or NULL: not known */
    bool users;               /* the rows are users of the store; otherwise they are strangers */
    const uint32_t *user;     /* [rows] of users: which each row is; NULL: row r is user r */
} histories;

/* Histories that own their arrays; all zero is empty. */
typedef struct histories_owner {
    histories view;
    int64_t *start;
    uint32_t *item;
    float *rating;
    int64_t *timestamp;
} histories_owner;

/* [users] every user's interactions of all the parts, merged by time; equal times, or none, leave the parts in
 * the order given. Ratings and times are there when every part that is not empty has them. */
MEDLEY_MUST_USE medley_status histories_of_parts(const medley_runtime *rt, const interactions *const *parts,
                                                 int64_t part_count, int64_t users, histories_owner *out,
                                                 medley_error *err);
/* As histories_of_parts, of chosen users: row r is of user[r] [rows], which is borrowed and may repeat. */
MEDLEY_MUST_USE medley_status histories_of_users(const medley_runtime *rt, const interactions *const *parts,
                                                 int64_t part_count, const uint32_t *user, int64_t rows,
                                                 histories_owner *out, medley_error *err);
/* Rows first .. first + rows - 1, whose items stay borrowed. */
MEDLEY_MUST_USE medley_status histories_slice(const medley_runtime *rt, const histories *all, int64_t first,
                                              int64_t rows, histories_owner *out, medley_error *err);
void histories_release(histories_owner *h);

/* [rows, items]: the distinct items of each row, ascending. Values: the rating that came last, when `rated` and
 * the histories have ratings, else NULL. */
MEDLEY_MUST_USE medley_status histories_matrix(const medley_runtime *rt, const histories *known, int64_t items,
                                               bool rated, csr_owner *out, medley_error *err);

#endif
