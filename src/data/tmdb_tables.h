/* Movies as TMDB describes them: The Movies Dataset's and TMDB 5000's tables. */
#ifndef DATA_TMDB_TABLES_H
#define DATA_TMDB_TABLES_H

#include "data/reader.h"

/* Reads links.csv (movieId to tmdbId) of the folder, so that later tables may use TMDB's ids; *found says whether it is
 * there. */
MEDLEY_MUST_USE medley_status tmdb_links_read(const medley_runtime *rt, const char *folder, ingest *in,
                                              bool *found, medley_error *err);

/* Reads a movie table. by_alias: ids are joined through the links; secondary: as in item_layout. */
MEDLEY_MUST_USE medley_status tmdb_movies_read(const char *path, bool by_alias, bool secondary, ingest *in,
                                               medley_error *err);

/* Reads credits and keywords of the folder, where they are there. */
MEDLEY_MUST_USE medley_status tmdb_credits_read(const medley_runtime *rt, const char *folder, bool by_alias,
                                                int64_t cast_most, ingest *in, medley_error *err);

#endif
