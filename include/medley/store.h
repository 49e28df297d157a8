/* The store: a prepared data set on disk, and the operations that make and split it.
 *
 * Ids are strings in the source and dense indexes 0..n-1 inside; the store maps between them. */
#ifndef MEDLEY_STORE_H
#define MEDLEY_STORE_H

#include <medley/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Operations. Each reads its settings from `config` (see `medley_registry_entry("operations")`
 * for names, ranges and defaults), writes whole outputs or none, and reports. `report` may be
 * NULL. They fail with E_CONFIG, E_NOT_FOUND, E_IO, E_FORMAT, E_EXISTS, E_LIMIT, E_NOMEM,
 * E_STOPPED; what was on disk before is then still there. */

/* Writes a raw data set with known structure: ratings with time, items with titles and text. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_synth(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);
/* Downloads one of the public "sets", verifies and unpacks it; goes on where an interrupted call was. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_fetch(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);
/* Reads a raw data set in one of the "formats", cleans, filters and writes a store. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_prepare(medley_runtime *runtime, medley_config *config,
                                                        medley_report **report, medley_error *err);
/* Counts, density, long tail, time range; optionally an SVG plot. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_stats(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);
/* Divides a store's interactions into train, validation and test, with the leak report. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_split(medley_runtime *runtime, medley_config *config,
                                                      medley_report **report, medley_error *err);

/* Features: a matrix with a vector for each item, under a name. Made of the items' pictures or texts by one of the
 * "encoders"; a call goes on where an interrupted one was. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_extract(medley_runtime *runtime, medley_config *config,
                                                        medley_report **report, medley_error *err);
/* The same by Ducho's configuration: pictures and texts of files, several encoders, a file of each vector. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_extract_plan(medley_runtime *runtime, medley_config *config,
                                                             medley_report **report, medley_error *err);
/* Those made elsewhere: bringing one in, by the items' external ids; the report's table "features" of all there are; one,
 * read and checked whole. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_features_import(medley_runtime *runtime, medley_config *config,
                                                                medley_report **report, medley_error *err);
MEDLEY_API MEDLEY_MUST_USE medley_status medley_features_list(medley_runtime *runtime, medley_config *config,
                                                              medley_report **report, medley_error *err);
MEDLEY_API MEDLEY_MUST_USE medley_status medley_features_show(medley_runtime *runtime, medley_config *config,
                                                              medley_report **report, medley_error *err);

/* Checks the pictures of a folder and writes them to another, large ones smaller; the report's table "refused" of the rest. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_images(medley_runtime *runtime, medley_config *config,
                                                       medley_report **report, medley_error *err);

/* An open store. Read only; shared by any number of threads. */
typedef struct medley_store medley_store;

/* Opens the store in folder `path`. Fails with E_NOT_FOUND, E_FORMAT, E_IO, E_NOMEM. */
MEDLEY_API MEDLEY_MUST_USE medley_status medley_store_open(medley_runtime *runtime, const char *path,
                                                           medley_store **out, medley_error *err);
MEDLEY_API void medley_store_free(medley_store *store);

MEDLEY_API int64_t medley_store_users(const medley_store *store);
MEDLEY_API int64_t medley_store_items(const medley_store *store);
MEDLEY_API int64_t medley_store_interactions(const medley_store *store);

/* The index of an external id, or -1. */
MEDLEY_API int64_t medley_store_user_index(const medley_store *store, const char *id);
MEDLEY_API int64_t medley_store_item_index(const medley_store *store, const char *id);
/* The external id or the title of an index; NULL when the index is out of range or the item has
 * no title. Borrowed from the store. */
MEDLEY_API const char *medley_store_user_id(const medley_store *store, int64_t user);
MEDLEY_API const char *medley_store_item_id(const medley_store *store, int64_t item);
MEDLEY_API const char *medley_store_item_title(const medley_store *store, int64_t item);

#ifdef __cplusplus
}
#endif
#endif
