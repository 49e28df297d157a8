/* What turns the picture or the text of an item into a vector: a row in encoders.def and a file that defines
 * encoder_<name>.
 *
 * First each item is prepared by itself, into a sample: pixels, token ids, a descriptor. Then an encoder is one of two
 * kinds. With `encode` a vector depends on its own sample alone, not on the others of its batch: a test says so. With `fit`
 * the encoder learns from all samples of the catalogue (SVD, PCA) and makes the matrix at once.
 *
 * All functions but open and close may be called from several threads at once: extraction gives each worker batches of its
 * own, and a worker's part of the processor, so a session computes on the calling thread alone. */
#ifndef ENCODE_ENCODER_H
#define ENCODE_ENCODER_H

#include "base/base.h"

typedef enum modality { MODALITY_IMAGE, MODALITY_TEXT } modality;

/* What was made of one item: bytes that can be kept in a file and read back. All zero: none. */
typedef struct sample {
    void *data; /* mem_alloc'd, `bytes` long */
    size_t bytes;
    int64_t size; /* what it counts in a batch: tokens; pictures 1; from `bytes` alone if read back */
} sample;
void sample_release(sample *s);

typedef struct encoder encoder;
typedef struct encoder_class {
    const char *name, *title, *summary;
    modality modality;
    const char *paper;
    const medley_param *params;
    size_t params_size;
    /* Fails with E_CONFIG, E_NOT_FOUND, E_FORMAT. `params` outlive the encoder. */
    medley_status (*open)(const medley_runtime *rt, const void *params, encoder **out, medley_error *err);
    void (*close)(encoder *e);
    /* Everything that vectors depend on but the items: settings, and fingerprints of the files that are read. */
    const char *(*identity)(const encoder *e);
    /* What samples depend on: encoders that prepare alike share a cache of samples. */
    const char *(*preparation)(const encoder *e);
    /* E_FORMAT, E_LIMIT: this item cannot be read, and lacks the modality; others end the job. */
    medley_status (*prepare)(encoder *e, const void *bytes, size_t length, sample *out, medley_error *err);

    int64_t (*length)(const encoder *e); /* of the vectors; with `fit`: of at most */
    /* Samples in order of size are cut into batches: count × largest size is at most this. */
    int64_t (*batch_size)(const encoder *e);
    medley_status (*encode)(encoder *e, const sample *const *samples, int64_t count,
                            float *out /* [count, length] */, medley_error *err);
    /* Instead of encode. samples [items], those without bytes are of items that lack the modality. *out [items, *length]
     * mem_alloc'd, rows of those undefined. Called from one thread, may use all. */
    medley_status (*fit)(encoder *e, const sample *samples, int64_t items, float **out, int64_t *length,
                         medley_error *err);
} encoder_class;
extern const encoder_class *const encoder_classes[]; /* ends with NULL */

#endif
