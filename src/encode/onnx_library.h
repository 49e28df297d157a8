/* The inside of an onnx_library, for the files that call it. */
#ifndef ENCODE_ONNX_LIBRARY_H
#define ENCODE_ONNX_LIBRARY_H

#include "encode/onnx_abi.h"
#include "encode/onnx_session.h"

struct onnx_library {
    const medley_runtime *rt;
    const onnx_abi *call;
    onnx_abi_env *env;
    char *path;
    const char *version;
};

/* Turns a status of the runtime, released here, into ours: "<context>: <its message on one line>". NULL is OK. What it says
 * of memory becomes E_NOMEM, all else `otherwise`. */
MEDLEY_MUST_USE medley_status onnx_told(const onnx_library *lib, onnx_abi_status *told, medley_status otherwise,
                                        const char *context, medley_error *err);

#endif
