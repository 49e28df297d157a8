/* Trained recommenders: making one, loading it, ranking with it. */
#ifndef MEDLEY_MODEL_H
#define MEDLEY_MODEL_H

#include <medley/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fits a model on the training part of a split and writes a run folder. As the operations of
 * medley/store.h. Reads the training part and, for models that stop early, the validation part;
 * it holds no handle that can open the test part. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_train(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);
/* Judges a run's lists, or lists from elsewhere, by a part of a split; writes <run>/evaluations/<name>/. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_evaluate(medley_runtime *runtime, medley_config *config,
                                                         medley_report **report, medley_error *err);
/* Predicts the memory and time of another operation, its setting `job`, from that operation's settings. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_estimate(medley_runtime *runtime, medley_config *config,
                                                         medley_report **report, medley_error *err);
/* Puts evaluated runs side by side, tests their differences, and writes tables and a page. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_compare(medley_runtime *runtime, medley_config *config,
                                                        medley_report **report, medley_error *err);
/* Ranks items for users of the store, or for people given by their histories; the report's table
 * "recommendations" holds user, rank, item, score, novelty (bits) and title, unless `out` names a
 * file for it. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_recommend(medley_runtime *runtime, medley_config *config,
                                                          medley_report **report, medley_error *err);
/* Lists the items nearest to items, by a run or in a space of items; the report's table "similar"
 * holds similar_to, rank, item, score and title, unless `out` names a file for it. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_similar(medley_runtime *runtime, medley_config *config,
                                                        medley_report **report, medley_error *err);

/* Writes the vectors of users and items of a model that has them, with their ids, to a folder. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_embed(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);

/* Searches each model's best settings on the validation part of a split; holds no handle that can
 * open the test part. Writes <out>/trials.tsv and a run folder of each model's best. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_sweep(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);
/* Prepares, splits, searches, trains and judges on test, as one configuration says; what is up to
 * date is not made again. Writes <out>/results.tsv. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_experiment(medley_runtime *runtime, medley_config *config,
                                                           medley_report **report, medley_error *err);

/* A trained recommender with the store it ranks for. Never changes once loaded; any number of
 * threads may share it. */
typedef struct medley_model medley_model;

/* Loads the run in folder `run`. The store is the one the run was trained on, or `store` if not
 * NULL (a moved one); its fingerprint must be the run's. Fails with E_NOT_FOUND, E_FORMAT,
 * E_STALE, E_IO, E_NOMEM. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_model_open(medley_runtime *runtime, const char *run,
                                                           const char *store, medley_model **out,
                                                           medley_error *err);
MEDLEY_API void medley_model_free(medley_model *model);

/* The model's name as in the registry. */
MEDLEY_API const char *medley_model_name(const medley_model *model);
/* The store it ranks for; borrowed from the model. */
MEDLEY_API const medley_store *medley_model_store(const medley_model *model);

/* The scratch memory of one thread that ranks with a model. Borrows the model, which must
 * outlive it. One thread at a time. */
typedef struct medley_ranker medley_ranker;

MEDLEY_API MEDLEY_MUST_USE medley_status medley_ranker_create(const medley_model *model, medley_ranker **out,
                                                              medley_error *err);
MEDLEY_API void medley_ranker_free(medley_ranker *ranker);

/* Ranks items for known users, best first; what a user is known to have seen in the whole store
 * is the history scored from and is left out of the list.
 *
 * users   [user_count]     indexes in 0..users-1
 * items   [user_count, k]  written row by row; a short row is padded with -1
 * scores  [user_count, k]  or NULL; higher is better, comparable within a row only
 *
 * Fails with E_ARGUMENT (k < 1, an index out of range) or E_NOMEM; items and scores are then
 * unspecified. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_ranker_rank(medley_ranker *ranker, const int64_t *users,
                                                            int64_t user_count, int64_t k, int64_t *items,
                                                            float *scores, medley_error *err);

/* What is known of someone, oldest first. */
typedef struct medley_history {
    const int64_t *items;      /* [count] item indexes; an item may repeat */
    const float *ratings;      /* [count], or NULL: not known */
    const int64_t *timestamps; /* [count] seconds since 1970, ascending, or NULL: not known */
    int64_t count;
} medley_history;

/* Ranks items for someone known only by a history: nothing about the person needs to be in the
 * store. Items of the history are left out of the list. Models take from a history what they
 * learn from: all of them items, some the order, ratings or times.
 *
 * items, scores [k]        as above
 *
 * Fails as above, and with E_ARGUMENT for a rating that is not finite, timestamps that do not
 * ascend, and a model that cannot rank from a history. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_ranker_rank_history(medley_ranker *ranker,
                                                                    const medley_history *history, int64_t k,
                                                                    int64_t *items, float *scores,
                                                                    medley_error *err);

#ifdef __cplusplus
}
#endif
#endif
