/* Lists in files: ours on their way out, others' on their way in.
 *
 *   tsv   user, rank, item, score, title, with a header
 *   trec  qid Q0 docid rank score tag, as trec_eval reads runs
 *
 * Written as they come, put in place whole. */
#ifndef API_LIST_FILE_H
#define API_LIST_FILE_H

#include "data/store.h"
#include "eval/evaluation.h"

/* A score as lists show it: the double whose shortest decimal, of at most 9 digits, is that of the float. */
double list_score(float score);

typedef enum list_form { LIST_TSV, LIST_TREC } list_form;
typedef struct list_file list_file;

/* Starts replacing `path`. store: opened with names; borrowed, as is `tag`, the run's name in TREC form. */
MEDLEY_MUST_USE medley_status list_file_open(const medley_store *store, const char *path, list_form form,
                                             const char *tag, list_file **out, medley_error *err);
/* Adds one row; rank from 1. Fails with E_CONFIG for an id with white space in TREC form. */
MEDLEY_MUST_USE medley_status list_file_add(list_file *f, int64_t user, int64_t rank, int64_t item, float score,
                                            medley_error *err);
/* Puts the file in place; ends `f` also when it fails. */
MEDLEY_MUST_USE medley_status list_file_commit(list_file *f, medley_error *err);
/* Leaves what was there; NULL is fine. */
void list_file_abandon(list_file *f);

/* What a file of lists held. */
typedef struct list_counts {
    int64_t rows, users;                            /* that are in the lists */
    int64_t bad_rows, unknown_users, unknown_items; /* rows that were skipped */
    int64_t ranks_against_scores; /* rows with a better rank than the one before, which scores higher */
    const char *form;             /* "trec run", "user, item, score", ... */
    bool tied;                    /* it has scores and no ranks: equal scores are ties */
} list_counts;

/* Lists read back; those of users the file does not have are empty. */
typedef struct read_lists {
    given_lists view;
    int64_t *start, *tie;
    uint32_t *item;
    float *score;
    list_counts counts;
} read_lists;

/* Reads the lists in a file, plain or compressed: a TREC run, or columns parted by tabs, whose names the first
 * row says (user, item, rank, score, in any order, others are passed over) or else their number: user, item;
 * user, item, score or user, rank, item (whichever column of the first row holds an item of the store); user,
 * rank, item, score, .... Higher scores come first; of equal scores the better rank, and without ranks they are
 * tied; without scores ranks decide, and without either the order of the rows.
 *
 * Rows that cannot be read (E_FORMAT) and users or items that the store does not have (E_NOT_FOUND) are refused
 * with their line, or with `skip` left out and counted; an item listed twice for a user is always refused. */
MEDLEY_MUST_USE medley_status list_file_read(const medley_store *store, const char *path, bool skip,
                                             read_lists *out, medley_error *err);
void read_lists_release(read_lists *l);

#endif
