/* Who did what, when: columns sorted by (user, time, input order). */
#ifndef DATA_INTERACTIONS_H
#define DATA_INTERACTIONS_H

#include "base/base.h"
#include "io/npy.h"

/* A view of columns. */
typedef struct interactions {
    int64_t count;
    const uint32_t *user;     /* [count] ascending */
    const uint32_t *item;     /* [count] */
    const float *rating;      /* [count] or NULL: the source has none */
    const int64_t *timestamp; /* [count] seconds since 1970, or NULL */
    const uint8_t *part;      /* [count] PART_TRAIN..PART_TEST, or NULL: only where the source fixes the split */
} interactions;

/* The known parts hold the fold-in history of held-out users: known before the target, never trained on. */
typedef enum part_name {
    PART_TRAIN = 0,
    PART_VAL = 1,
    PART_TEST = 2,
    PART_VAL_KNOWN = 3,
    PART_TEST_KNOWN = 4,
    PART_COUNT = 5,
} part_name;
extern const char *const part_names[PART_COUNT]; /* "train", "val", "test", "val_known", "test_known" */

/* Interactions mapped from the .npy files of a folder. */
typedef struct interaction_files {
    interactions view;
    npy columns[5];
} interaction_files;

/* Maps user.npy and item.npy, and rating.npy, timestamp.npy and part.npy where they are; checks that lengths
 * agree, indexes are in range and users ascend. Fails with E_NOT_FOUND, E_FORMAT, E_IO. */
MEDLEY_MUST_USE medley_status interactions_open(const medley_runtime *rt, const char *folder, int64_t users,
                                                int64_t items, interaction_files *out, medley_error *err);
void interactions_release(interaction_files *f);

/* Writes the columns that are there to `folder`, which is made; not atomic. Adds to `print` if given. */
struct fingerprint;
MEDLEY_MUST_USE medley_status interactions_write(const medley_runtime *rt, const char *folder,
                                                 const interactions *view, struct fingerprint *print,
                                                 medley_error *err);

#endif
