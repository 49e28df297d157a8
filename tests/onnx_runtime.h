/* For tests that run pretrained models: ONNX Runtime, or a line on stderr that says what is skipped. */
#ifndef TESTS_ONNX_RUNTIME_H
#define TESTS_ONNX_RUNTIME_H

#include "encode/onnx_session.h"
#include "testing.h"

/* The library, or NULL where there is none. */
static inline onnx_library *onnx_runtime_or_null(const medley_runtime *rt)
{
    onnx_library *lib;
    medley_error err;
    if (onnx_library_open(rt, &lib, &err) != MEDLEY_OK)
        print_error("skipped: %s\n", err.message);
    return lib;
}

#endif
