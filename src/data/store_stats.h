/* What a store looks like: counts, density, long tail, time range. */
#ifndef DATA_STORE_STATS_H
#define DATA_STORE_STATS_H

#include "base/report.h"
#include "data/store.h"

/* Adds the sections "counts", "per_user", "per_item" and "time". plot: an SVG file to write, or "". */
MEDLEY_MUST_USE medley_status store_stats(const medley_store *store, const char *plot, medley_report *report,
                                          medley_error *err);

#endif
