/* Encoders that are ONNX models, of pictures or of texts: what the classes of encoder_onnx.c are made of. */
#ifndef ENCODE_PRETRAINED_H
#define ENCODE_PRETRAINED_H

#include "encode/encoder.h"
#include "encode/image_preparation.h"
#include "encode/model_files.h"
#include "encode/onnx_session.h"
#include "encode/tokenizer.h"

/* A text encoder has no preparation, an image encoder no max_tokens. */
typedef struct pretrained_params {
    const char *model, *output;
    bool normalize;
    int preparation; /* of IMAGE_PREPARATIONS: where the folder has no preprocessor_config.json */
    int64_t max_tokens, batch;
} pretrained_params;
#define IMAGE_PREPARATIONS "clip|siglip|dino|imagenet|mobilenet"

/* How vectors are taken from an output. */
typedef enum pooling {
    POOL_NONE,  /* it is vectors: [rows, D], [rows, D, 1, 1] */
    POOL_FIRST, /* of [rows, T, D] the first token */
    POOL_MEAN,  /* of [rows, T, D] over the tokens that are no padding, of [rows, D, h, w] over the places */
} pooling;

enum { PRETRAINED_INPUTS_MOST = 8, PRETRAINED_IDLE = 16 };

struct encoder {
    const medley_runtime *rt;
    const pretrained_params *p;
    modality tower;
    model_files files;
    onnx_library *lib;
    onnx_session *session;
    const char *output; /* the name is the session's */
    pooling pool;
    int64_t length;
    text identity, preparation;

    /* Runs the model on `count` samples: *values mem_alloc'd, of *shape. */
    medley_status (*run)(encoder *e, const sample *const *samples, int64_t count, onnx_tensor *shape,
                         float **values, medley_error *err);
    int64_t rows_fixed; /* that the model takes, no more and no less; -1: any number */
    bool alike;         /* samples of one run must be of one size: nothing masks the padding */
    onnx_tensor inputs[PRETRAINED_INPUTS_MOST]; /* of the model, in its order: what a run changes, it copies */
    int inputs_count;
    void *unused[PRETRAINED_INPUTS_MOST]; /* zeros for those that belong to the model's other tower */

    image_preparation pixels;
    tokenizer *tokens;
    int64_t longest, tokens_fixed;       /* tokens of a text; that the model takes, -1: any number */
    void *_Atomic idle[PRETRAINED_IDLE]; /* memory that is used again: token lists of texts, batches of pictures */
};

/* The members of an encoder_class. */
medley_status pretrained_open_images(const medley_runtime *rt, const void *params, encoder **out,
                                     medley_error *err);
medley_status pretrained_open_texts(const medley_runtime *rt, const void *params, encoder **out,
                                    medley_error *err);
void pretrained_close(encoder *e);
const char *pretrained_identity(const encoder *e);
const char *pretrained_preparation(const encoder *e);
medley_status pretrained_prepare_image(encoder *e, const void *bytes, size_t length, sample *out,
                                       medley_error *err);
medley_status pretrained_prepare_text(encoder *e, const void *bytes, size_t length, sample *out,
                                      medley_error *err);
int64_t pretrained_length(const encoder *e);
int64_t pretrained_batch_size(const encoder *e);
medley_status pretrained_encode(encoder *e, const sample *const *samples, int64_t count, float *out,
                                medley_error *err);

/* ---- between pretrained*.c ---- */

/* Finds the model's files, opens it, takes its inputs and chooses the output. *out is to be closed after a failure too. */
MEDLEY_MUST_USE medley_status pretrained_open(const medley_runtime *rt, const pretrained_params *p, modality tower,
                                              encoder **out, medley_error *err);
/* When all is set: runs one sample, which shows whether the model runs and how long its vectors are; writes `identity`. */
MEDLEY_MUST_USE medley_status pretrained_probe(encoder *e, const sample *one, medley_error *err);
/* The input called `name`; -1: there is none. */
int pretrained_input(const encoder *e, const char *name);
/* Input i belongs to the other tower: it gets zeros, in the shape it declares, `usual` where that is open. */
MEDLEY_MUST_USE medley_status pretrained_leave_out(encoder *e, int i, const int64_t *usual, medley_error *err);
/* Appends a file's name and fingerprint. */
MEDLEY_MUST_USE medley_status pretrained_add_file(const encoder *e, text *t, const char *path, medley_error *err);
/* Memory that no other thread has; NULL: none is idle. */
void *pretrained_take_idle(encoder *e);
/* False: there is enough of it, the caller frees it. */
bool pretrained_keep_idle(encoder *e, void *memory);
void pretrained_free_list(token_list *list);

#endif
