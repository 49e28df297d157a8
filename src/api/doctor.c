/* What this machine and build offer. */
#include <medley/registry.h>

#include "base/report.h"
#include "encode/onnx_session.h"
#include "tensor/gemm_bf16.h"

static const char *instruction_set(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return "x86-64, AVX-512";
    return __builtin_cpu_supports("avx2") ? "x86-64, AVX2" : "x86-64, baseline";
#elif defined(__aarch64__)
    return "arm64";
#else
    return "generic";
#endif
}

/* Which ONNX Runtime pretrained encoders would run in, or why none. */
static medley_status report_onnxruntime(const medley_runtime *rt, medley_report *r, medley_error *err)
{
    onnx_library *lib;
    medley_error why;
    char found[1024];
    const medley_status status = onnx_library_open(rt, &lib, &why);
    if (status == MEDLEY_E_NOMEM)
        return fail(err, status, "%s", why.message);
    if (status == MEDLEY_OK)
        snprintf(found, sizeof found, "%s, %s", onnx_library_version(lib), onnx_library_path(lib));
    report_string(r, "onnxruntime", status == MEDLEY_OK ? found : why.message);
    onnx_library_close(lib);
    return MEDLEY_OK;
}

medley_status medley_doctor(medley_runtime *rt, medley_report **out, medley_error *err)
{
    *out = NULL;
    medley_report *r;
    TRY(report_create(rt, &r, err));
    const int64_t memory = runtime_memory_available();
    report_facts(r, "system", "System");
    report_string(r, "medley", medley_version());
    report_string(r, "instructions", instruction_set());
    report_int(r, "processors", parallel_processors());
    report_int(r, "threads", rt->threads);
    if (memory != INT64_MAX)
        report_real(r, "memory_available_gib", (double)memory / (1 << 30));
    report_string(r, "blas", gemm_library());
    report_string(r, "onednn", gemm_onednn_library());
    report_string(r, "bf16", gemm_bf16_available() ? "instructions" : "emulated");
    medley_status status = report_onnxruntime(rt, r, err);
    report_table(r, "members", "This build has", "kind|members");
    medley_entry kind, entry;
    for (int64_t k = 0; medley_registry_entry(NULL, k, &kind); k++) {
        int64_t count = 0;
        while (medley_registry_entry(kind.name, count, &entry))
            count++;
        report_string(r, NULL, kind.name);
        report_int(r, NULL, count);
    }
    if (status == MEDLEY_OK)
        status = report_status(r, err);
    if (status != MEDLEY_OK) {
        medley_report_free(r);
        return status;
    }
    *out = r;
    error_clear(err);
    return MEDLEY_OK;
}
