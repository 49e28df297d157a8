/* From the pictures or texts of items to a matrix of vectors, with a file of what is done so far (encode/blob_log.h).
 *
 * Contents are told apart by fingerprint: what several items share is encoded once, what was encoded before a stop, or
 * before items were added, is not encoded again. Distinct contents are cut into chunks of fixed size; a worker reads,
 * prepares and encodes a chunk by itself and writes it down, so cores are never idle, memory is a chunk a worker, and
 * neither threads nor a stop change the result. */
#ifndef ENCODE_EXTRACTION_H
#define ENCODE_EXTRACTION_H

#include "encode/blob_log.h"
#include "encode/encoder.h"
#include "encode/sample_cache.h"

/* What there is of each item. */
typedef struct extraction_source {
    int64_t items;
    const char *const *content; /* [items] a picture's path, or a text; NULL: none */
    const char *folder;         /* that paths are relative to */
    bool prepare_first;         /* all go through the cache before the first is encoded */
} extraction_source;

typedef enum item_outcome { ITEM_ENCODED, ITEM_WITHOUT, ITEM_REFUSED } item_outcome;

typedef struct extraction {
    const medley_runtime *rt;
    const encoder_class *class;
    encoder *encoder;
    blob_log *log;
    int64_t items, length;
    uint8_t *outcome;                 /* [items] item_outcome */
    char (*print)[FINGERPRINT_SIZE];  /* [items] of the content; "" of those without */
    const char **reason;              /* [items] of those refused, else NULL */
    float *fitted;                    /* [items, length] of encoders that fit; else the log has the rows */
    int64_t distinct, found, encoded; /* contents; of them, in the log at the start, and made now */
    int64_t without, refused;         /* items */
    double seconds;
    arena texts;
} extraction;

/* log: path of the file of what is done so far. cache: of samples, or NULL. Release it also after a
 * failure; what was done is kept in the file. Fails with what the encoder fails with, E_STOPPED, E_IO, E_NOMEM. */
MEDLEY_MUST_USE medley_status extraction_run(const medley_runtime *rt, const encoder_class *class, encoder *e,
                                             const extraction_source *source, const char *log, sample_cache *cache,
                                             extraction *out, medley_error *err);
/* Row `item` [length]: NaN where there is none. From several threads; a features_row of data/features_write.h. */
MEDLEY_MUST_USE medley_status extraction_row(const void *extraction, int64_t item, float *out, medley_error *err);
void extraction_release(extraction *x);

#endif
