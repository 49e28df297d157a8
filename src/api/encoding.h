/* One encoder over some items, from the cache of samples to files: what extract and extract_plan share. */
#ifndef API_ENCODING_H
#define API_ENCODING_H

#include "base/report.h"
#include "encode/extraction.h"
#include "io/json.h"

/* How samples are kept. The fields of an operation's settings are called the same. */
#define ENCODING_CACHE_PARAMS(owner, usual_folder)                                                           \
    MEDLEY_ENUM(owner, cache, "disabled", CACHE_STRATEGIES, .help = "where prepared items are kept"),        \
        MEDLEY_TEXT(owner, cache_folder, "", .flags = MEDLEY_PARAM_PATH,                                     \
                    .help = "folder of the cache on disk; empty: " usual_folder),                            \
        MEDLEY_INT(owner, cache_memory, "512", 0, 1 << 20, .help = "MiB that the cache in memory may have"), \
        MEDLEY_INT(owner, cache_disk, "8192", 0, 1 << 30, .help = "MiB that the cache on disk may have"),    \
        MEDLEY_BOOL(owner, precompute, "false", .flags = MEDLEY_PARAM_TRANSIENT,                             \
                    .help = "prepare all items into the cache before the first is encoded")

typedef struct encoding_cache {
    int strategy;
    const char *folder;
    int64_t memory, disk; /* MiB */
    bool precompute;
} encoding_cache;
/* E_CONFIG: precompute without a cache. */
MEDLEY_MUST_USE medley_status encoding_cache_check(int strategy, bool precompute, medley_error *err);

/* Borrows everything but what open and run make. */
typedef struct encoding {
    const medley_runtime *rt;
    const encoder_class *class;
    encoder *encoder;
    extraction_source source;
    const char *const *ids; /* [items] */
    sample_cache *cache;
    extraction done;
} encoding;

/* e->rt and e->class are set. Release it also after a failure. */
MEDLEY_MUST_USE medley_status encoding_open(encoding *e, const void *params, medley_error *err);
/* e->source is set. log: as of extraction_run. Fails with E_FORMAT also if nothing could be encoded. */
MEDLEY_MUST_USE medley_status encoding_run(encoding *e, const char *log, const encoding_cache *cache,
                                           medley_error *err);
void encoding_release(encoding *e);

/* E_ARGUMENT: an id cannot name a file; before encoding_run, for those who will write_npys. */
MEDLEY_MUST_USE medley_status encoding_check_ids(const encoding *e, medley_error *err);
/* What became of each item, as a TSV. */
MEDLEY_MUST_USE medley_status encoding_write_items(const encoding *e, const char *path, medley_error *err);
/* <id>.npy [1, length] of each item with a vector, as Ducho writes them. */
MEDLEY_MUST_USE medley_status encoding_write_npys(const encoding *e, const char *folder, medley_error *err);
/* What a matrix's .json says of where its vectors came from; a new object. */
json *encoding_describe(const encoding *e);

/* What there was and what was done, as facts of the section started last. */
void encoding_tell(const encoding *e, medley_report *report);
/* The first items that were refused, as a table; nothing if there are none. */
void encoding_tell_refused(const encoding *e, medley_report *report);
double encoding_coverage(const encoding *e);
double encoding_rate(const encoding *e); /* contents a second, of those encoded now */

#endif
