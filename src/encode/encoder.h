/* What turns the picture or the text of an item into a vector: a row in encoders.def and a file that defines
 * encoder_<name>.
 *
 * Encoding has three parts. `prepare` reads one item (any thread): pixels, token ids, a descriptor. `encode` makes vectors of
 * some prepared items at once (one thread at a time). `finish`, for encoders that learn from the whole catalogue (SVD, PCA),
 * makes the final matrix out of all of them. A vector depends on its own item alone (and `finish` on the set of them), not
 * on the batch: a test says so. */
#ifndef ENCODE_ENCODER_H
#define ENCODE_ENCODER_H

#include "base/base.h"

typedef enum modality { MODALITY_IMAGE, MODALITY_TEXT } modality;

/* One prepared item. */
typedef struct sample {
    void *data;   /* mem_alloc'd */
    int64_t size; /* what it adds to a batch: pixels or tokens */
    size_t bytes;
} sample;
void sample_release(sample *s);

typedef struct encoder encoder;
typedef struct encoder_class {
    const char *name, *title, *summary;
    modality modality;
    const char *paper;
    const medley_param *params;
    size_t params_size;
    /* threads: for encode. *identity: text that names everything a vector depends on (files by fingerprint, settings). */
    medley_status (*open)(const medley_runtime *rt, const void *params, int threads, encoder **out,
                          medley_error *err);
    void (*close)(encoder *e);
    const char *(*identity)(const encoder *e);
    int64_t (*length)(const encoder *e); /* of the vectors that encode makes; after open */
    int64_t (*batch_size)(
        const encoder *e); /* the sum of samples' sizes (padded, for texts) that is encoded at once */
    medley_status (*prepare)(encoder *e, const void *bytes, size_t length, sample *out, medley_error *err);
    medley_status (*encode)(encoder *e, const sample *const *samples, int64_t count,
                            float *out /* [count, length] */, medley_error *err);
    /* NULL: the vectors are final. rows [items, length], lacks [items]; *out [items, *final_length] mem_alloc'd. */
    medley_status (*finish)(encoder *e, const float *rows, const bool *lacks, int64_t items, float **out,
                            int64_t *final_length, medley_error *err);
} encoder_class;
extern const encoder_class *const encoder_classes[]; /* ends with NULL */

#endif
