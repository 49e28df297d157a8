/* Evaluation in memory: what `medley evaluate` writes to a report, search and experiments get as values.
 *
 *   judging *j;                                              once: targets, masks, candidates, spaces
 *   judging_begin(store, &data, &protocol, &j, err);
 *   judging_run(rt, j, &model, &values, err);                once a model; from several threads, if wanted
 *   judging_value(j, &values, "ndcg@10", &value);
 *   evaluation_release(&values);
 *   judging_end(j);
 *
 * Nothing here opens a split: who holds selection_parts judges on validation and cannot do otherwise. */
#ifndef API_JUDGING_H
#define API_JUDGING_H

#include "base/report.h"
#include "data/split.h"
#include "eval/evaluation.h"
#include "eval/task.h"
#include "model/model.h"

typedef enum judging_mask { MASK_AUTO, MASK_KNOWN, MASK_NONE } judging_mask;   /* auto: as the task says */
typedef enum judging_history { HISTORY_KNOWN, HISTORY_TRAIN } judging_history; /* what models score from */
typedef enum judging_cold_items { COLD_ITEMS_ALONE, COLD_ITEMS_MIXED } judging_cold_items; /* with warm ones */

/* Every choice of an evaluation. Texts are borrowed until judging_end. */
typedef struct judging_protocol {
    const char *task;              /* see medley list tasks */
    const char *cutoffs;           /* "5,10,20", ascending */
    const char *metrics;           /* "recall,ndcg" or "all": all that are possible */
    const char *candidates;        /* "all"; of next_item also "uniform:N" and "popular:N" */
    const char *space;             /* an item space of diversity and ild ("text"); "": none */
    const char *attribute;         /* of s_recall and calibration ("genres"); "": none */
    int mask, history, cold_items; /* the enums above */
    int64_t cold_threshold;        /* of cold_user: training interactions at most */
    int64_t seed;                  /* of ties in the lists shown, sampled candidates and intervals */
    int64_t intervals;             /* bootstrap resamples; 0: no intervals */
    double relevant_from;          /* a held-out interaction is relevant from this rating on */
    bool clip;                     /* of rating: predictions are kept within the ratings of training */
    bool given;                    /* judging_lists will be called instead of judging_run */
} judging_protocol;

/* What `medley evaluate` does when it is told nothing, but without intervals. */
extern const judging_protocol judging_defaults;

/* What is known and what is to be found, in views whose owner stays open. */
typedef struct judging_data {
    const split_facts *facts;
    const char *part;                      /* "val" or "test": of the targets */
    const interactions *known[PART_COUNT]; /* before the targets, in order: train, val_known[, val, test_known] */
    int64_t known_count;
    const interactions *targets;
} judging_data;
/* Validation, from parts that have no test. */
judging_data judging_of_selection(const selection_parts *parts);
judging_data judging_of_parts(const judging_parts *parts, part_name targets); /* PART_VAL or PART_TEST */

/* A model in memory. */
typedef struct judging_model {
    const model_class *class;
    const void *params;
    const model_state *state;
    const scoring *how; /* class->scoring() of the state */
} judging_model;

typedef struct judging judging;

/* Makes everything that does not depend on the model. `store` is borrowed, and so are the views of `data`.
 * Fails with E_CONFIG for a protocol that is not possible (unknown names, no ratings, no order), with
 * E_ARGUMENT when no user has a target, with E_NOMEM, and as item_space_open. */
MEDLEY_MUST_USE medley_status judging_begin(const medley_store *store, const judging_data *data,
                                            const judging_protocol *protocol, judging **out, medley_error *err);
void judging_end(judging *j);

/* What can be told of a protocol without data: fails as judging_begin for what no data makes possible. Only
 * judging_columns and judging_find may be asked; columns of `all` that need ratings are among them. */
MEDLEY_MUST_USE medley_status judging_plan(const medley_runtime *rt, const judging_protocol *protocol,
                                           judging **out, medley_error *err);

/* Judges a model. `rt` may be another runtime than the store's, such as one with fewer threads; several threads
 * may call it at once. Release with evaluation_release. */
MEDLEY_MUST_USE medley_status judging_run(const medley_runtime *rt, const judging *j, const judging_model *model,
                                          evaluation *out, medley_error *err);

/* Lists from elsewhere, by the same protocol. Items that are no candidates are taken out: *removed. */
MEDLEY_MUST_USE medley_status judging_lists(const medley_runtime *rt, const judging *j, const given_lists *lists,
                                            int64_t *removed, evaluation *out, medley_error *err);

/* The columns of the values: what was asked for, in order. */
const metric_column *judging_columns(const judging *j, int64_t *count);
/* The position of "ndcg@10" or "auc" among them; -1: it was not asked for. */
int64_t judging_find(const judging *j, const char *name);
/* A value by name; false: there is none, or it is not defined for anybody. */
bool judging_value(const judging *j, const evaluation *e, const char *name, double *out);
/* Whether a larger value of the column is better. */
bool judging_more_is_better(const judging *j, int64_t column);

/* Adds the sections "protocol", "metrics" (a column a cutoff), "values" (without cutoffs), "intervals" and
 * "undefined" to a report, as far as there is something in them. `model` names what was judged. */
MEDLEY_MUST_USE medley_status judging_tell(const judging *j, const char *model, const evaluation *e,
                                           medley_report *report, medley_error *err);

/* 32 hex digits of who is judged by which items among which candidates: evaluations with other digits do not
 * compare. */
const char *judging_fingerprint(const judging *j);
/* The task and part and what else restricts it: "retrieval-test", "next_item-val-uniform99". */
const char *judging_name(const judging *j);
/* The store it was begun with. */
const medley_store *judging_store(const judging *j);
/* Relevant items of a user. */
int64_t judging_target_count(const judging *j, uint32_t user);

#endif
