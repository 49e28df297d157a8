/* The inside of a judging, shared by what makes it (judging.c) and what tells of it (judging_report.c). */
#ifndef API_JUDGING_STATE_H
#define API_JUDGING_STATE_H

#include "api/judging.h"
#include "data/histories.h"
#include "data/item_space.h"
#include "io/fingerprint.h"

typedef enum candidate_kind { CANDIDATES_ALL, CANDIDATES_UNIFORM, CANDIDATES_POPULAR } candidate_kind;

enum { COLUMNS_MOST = 1024, CUTOFFS_MOST = 32 };

struct judging {
    const medley_store *store; /* NULL: a plan, without data */
    judging_data data;
    judging_protocol p;
    const task_class *task;
    bool masked;
    candidate_kind candidates;
    int64_t sampled; /* N of uniform:N and popular:N */
    int64_t cutoffs[CUTOFFS_MOST], cutoff_count;
    metric_column columns[COLUMNS_MOST];
    int64_t column_count;
    int needs;

    csr_owner train, known, targets, only;
    int64_t known_count;     /* of data.known: parts that models score from */
    int64_t *item_count;     /* [items] training users */
    uint8_t *head, *allowed; /* [items]; allowed NULL: all */
    float *popularity;       /* [items] of the primitive recommender */
    scoring primitive;
    item_space space, attributes;
    metric_context context;

    int64_t users;                                           /* with a target */
    int64_t below_threshold, warm_users, warm_targets;       /* left out of the targets */
    int64_t cold_users, items_without_training, items_never; /* of those evaluated; never a candidate of anyone */
    char fingerprint[FINGERPRINT_SIZE], name[128];
};

/* Fills in task, masked, candidates, cutoffs and (once the context is there) columns from the protocol's texts; of a
 * plan everything that needs data counts as possible. */
MEDLEY_MUST_USE medley_status judging_read_protocol(judging *j, medley_error *err);
MEDLEY_MUST_USE medley_status judging_read_metrics(judging *j, medley_error *err);

#endif
