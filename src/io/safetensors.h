/* Hugging Face's safetensors: 8 bytes of header length, JSON header, data. */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "io/mapped.h"

typedef enum tensor_type { TENSOR_F32, TENSOR_F64, TENSOR_I64, TENSOR_I32, TENSOR_U32, TENSOR_U8 } tensor_type;

enum { TENSOR_RANK_MOST = 4, TENSOR_COUNT_MOST = 4096 };

typedef struct named_tensor {
    const char *name;
    tensor_type type;
    int rank;
    int64_t shape[TENSOR_RANK_MOST];
    const void *data;
} named_tensor;

int64_t named_tensor_bytes(const named_tensor *t);

/* Replaces `path` atomically. metadata: pairs key, value, ... of `metadata_count` texts. Tensors
 * are laid out in the order given, the data 64-byte aligned. */
MEDLEY_MUST_USE medley_status safetensors_write(const medley_runtime *rt, const char *path,
                                                const named_tensor *tensors, int64_t count,
                                                const char *const *metadata, int64_t metadata_count,
                                                medley_error *err);

typedef struct safetensors safetensors;

/* Maps a file and checks its header: sizes, offsets inside the file and not overlapping, known
 * types. Fails with E_FORMAT. */
MEDLEY_MUST_USE medley_status safetensors_open(const medley_runtime *rt, const char *path, safetensors **out,
                                               medley_error *err);
/* The tensor of that name, its data borrowed from the file; NULL when there is none. */
const named_tensor *safetensors_find(const safetensors *s, const char *name);
/* The index-th of them, in file order; NULL past the last. */
const named_tensor *safetensors_at(const safetensors *s, int64_t index);
const char *safetensors_metadata(const safetensors *s, const char *key);
void safetensors_close(safetensors *s);

#endif
