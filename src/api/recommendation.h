/* Recommendations on their way out: into a report's table, or line by line into a file that is put in place whole. */
#ifndef API_RECOMMENDATION_H
#define API_RECOMMENDATION_H

#include "base/report.h"
#include "data/store.h"

typedef struct recommendation {
    const char *whose; /* the user, or the item that others are like */
    int64_t rank;      /* from 1 */
    uint32_t item;
    float score;
    double novelty; /* bits */
} recommendation;

typedef enum recommendation_form {
    RECOMMENDATION_TSV,
    RECOMMENDATION_TREC,
    RECOMMENDATION_JSONL
} recommendation_form;
#define RECOMMENDATION_FORMS "tsv|trec|jsonl"

typedef struct recommendation_writer recommendation_writer;

/* Where rows go. */
typedef struct recommendation_target {
    const medley_store *store; /* opened with names; borrowed, as all of it */
    const char *path;          /* "": the report */
    recommendation_form form;
    const char *tag;   /* of the run, for TREC */
    const char *table; /* the report's: "recommendations" */
    const char *whose; /* name of the first column: "user" */
    bool with_novelty;
    medley_report *report;
} recommendation_target;

enum { RECOMMENDATIONS_IN_REPORT = 1000000 }; /* rows that a report takes */

/* Starts the table, or replacing the file. */
MEDLEY_MUST_USE medley_status recommendation_open(const recommendation_target *target, recommendation_writer **out,
                                                  medley_error *err);
/* Fails with E_LIMIT when a report gets too many rows, E_FORMAT for an id with a space in TREC's form. */
MEDLEY_MUST_USE medley_status recommendation_add(recommendation_writer *w, const recommendation *row,
                                                 medley_error *err);
/* Puts the file in place; ends `w` also when it fails. */
MEDLEY_MUST_USE medley_status recommendation_commit(recommendation_writer *w, medley_error *err);
/* Leaves what was there; NULL is fine. */
void recommendation_abandon(recommendation_writer *w);

#endif
