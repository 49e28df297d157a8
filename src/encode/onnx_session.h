/* Pretrained models as ONNX files, run by ONNX Runtime, whose library is looked for when it is needed, in this order:
 *
 *   MEDLEY_ONNXRUNTIME, a file or a folder: that one or none; the loader's path (libonnxruntime.so.1); build/onnxruntime of
 *   the working folder (tools/install_onnxruntime.sh); site-packages/onnxruntime/capi of a Python environment (VIRTUAL_ENV,
 *   .venv, python3 on the PATH); node_modules/onnxruntime-node/bin of the working folder
 *
 * A library that was loaded stays loaded until the process ends. What of its C interface is called is declared in encode/onnx_abi.h, in words of our own. */
#ifndef ENCODE_ONNX_SESSION_H
#define ENCODE_ONNX_SESSION_H

#include "base/base.h"

enum { ONNX_RANK_MOST = 8 };

typedef enum onnx_type {
    ONNX_F32,
    ONNX_F16,
    ONNX_F64,
    ONNX_I64,
    ONNX_I32,
    ONNX_I8,
    ONNX_U8,
    ONNX_BOOL,
    ONNX_OTHER,
} onnx_type;

typedef struct onnx_library onnx_library;
/* E_NOT_FOUND: one line that says where it was looked for and how to get it (tools/install_onnxruntime.sh, or pip or npm
 * package names); one that is too old names its version and the least that is needed. */
MEDLEY_MUST_USE medley_status onnx_library_open(const medley_runtime *rt, onnx_library **out, medley_error *err);
void onnx_library_close(onnx_library *lib);
const char *onnx_library_path(const onnx_library *lib);
const char *onnx_library_version(const onnx_library *lib);

/* An input or output as the model declares it. */
typedef struct onnx_port {
    const char *name;
    onnx_type type;
    int rank;
    int64_t size[ONNX_RANK_MOST]; /* -1: any */
} onnx_port;

typedef struct onnx_session onnx_session;
/* One session computes with `threads` threads of its own; runs of one session may come from several threads at once.
 * Fails with E_NOT_FOUND, E_FORMAT (not an ONNX model, an op that the runtime lacks: its message on one line). */
MEDLEY_MUST_USE medley_status onnx_session_open(const medley_runtime *rt, const onnx_library *lib,
                                                const char *path, int threads, onnx_session **out,
                                                medley_error *err);
void onnx_session_close(onnx_session *s);
const onnx_port *onnx_session_inputs(const onnx_session *s, int *count);
const onnx_port *onnx_session_outputs(const onnx_session *s, int *count);

typedef struct onnx_tensor {
    const char *name;
    onnx_type type;
    int rank;
    int64_t size[ONNX_RANK_MOST];
    const void *data; /* row by row; borrowed */
} onnx_tensor;

/* Runs the model and copies one output, of floats of any width, as float into *out (mem_alloc'd), its shape into *shape
 * (name and data are left alone). Fails with E_ARGUMENT (unknown name: those there are; shape against the declared one),
 * E_LIMIT (the runtime failed: its message), E_NOMEM. */
MEDLEY_MUST_USE medley_status onnx_session_run(onnx_session *s, const onnx_tensor *inputs, int inputs_count,
                                               const char *output, onnx_tensor *shape, float **out,
                                               medley_error *err);

#endif
