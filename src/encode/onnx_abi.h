/* The slice of ONNX Runtime's C interface that we call, in names of our own.
 *
 * The runtime hands out a table of function pointers whose order never changes: a version adds slots at its end. A slot is
 * its place in that table, so those between ours are only counted. Functions that can fail return a status, NULL for
 * success, which is released by its receiver. */
#ifndef ENCODE_ONNX_ABI_H
#define ENCODE_ONNX_ABI_H

#include <stddef.h>
#include <stdint.h>

/* The table's version that is asked for, which is the runtime's minor version: 1.12 (2022) runs the operator set that
 * today's exports are written in. */
enum { ONNX_ABI_VERSION = 12 };

typedef struct onnx_abi_status onnx_abi_status;
typedef struct onnx_abi_env onnx_abi_env;
typedef struct onnx_abi_session onnx_abi_session;
typedef struct onnx_abi_options onnx_abi_options;
typedef struct onnx_abi_value onnx_abi_value;
typedef struct onnx_abi_type onnx_abi_type;     /* of an input or output: a tensor, a sequence, a map */
typedef struct onnx_abi_tensor onnx_abi_tensor; /* element type and shape */
typedef struct onnx_abi_memory onnx_abi_memory; /* where a tensor's bytes lie */
typedef struct onnx_abi_allocator onnx_abi_allocator;

enum { ONNX_ABI_ALLOCATOR_ARENA = 1, ONNX_ABI_MEMORY_DEFAULT = 0 };
enum { ONNX_ABI_LOG_FATAL = 4 };
enum { ONNX_ABI_OPTIMIZE_ALL = 99 };

/* Element types, as the runtime numbers them. */
enum {
    ONNX_ABI_F32 = 1,
    ONNX_ABI_U8 = 2,
    ONNX_ABI_I8 = 3,
    ONNX_ABI_I32 = 6,
    ONNX_ABI_I64 = 7,
    ONNX_ABI_BOOL = 9,
    ONNX_ABI_F16 = 10,
    ONNX_ABI_F64 = 11,
};

typedef void (*onnx_abi_log)(void *context, int severity, const char *category, const char *id, const char *place,
                             const char *message);
typedef void (*onnx_abi_slot)(void); /* one that is not called */

/* clang-format off */
typedef struct onnx_abi {
    onnx_abi_slot gap_0[2];
    const char *(*status_message)(const onnx_abi_status *status);
    onnx_abi_slot gap_3[1];
    onnx_abi_status *(*env_create)(onnx_abi_log log, void *context, int least_severity, const char *id,
                                   onnx_abi_env **out);
    onnx_abi_slot gap_5[2];
    onnx_abi_status *(*session_create)(const onnx_abi_env *env, const char *path, const onnx_abi_options *options,
                                       onnx_abi_session **out);
    onnx_abi_slot gap_8[1];
    onnx_abi_status *(*session_run)(onnx_abi_session *session, const void *options, const char *const *input_names,
                                    const onnx_abi_value *const *inputs, size_t input_count,
                                    const char *const *output_names, size_t output_count, onnx_abi_value **outputs);
    onnx_abi_status *(*options_create)(onnx_abi_options **out);
    onnx_abi_slot gap_11[6];
    onnx_abi_status *(*options_no_memory_pattern)(onnx_abi_options *options);
    onnx_abi_slot gap_18[5];
    onnx_abi_status *(*options_optimize)(onnx_abi_options *options, int level);
    onnx_abi_status *(*options_threads)(onnx_abi_options *options, int threads);
    onnx_abi_slot gap_25[5];
    onnx_abi_status *(*input_count)(const onnx_abi_session *session, size_t *out);
    onnx_abi_status *(*output_count)(const onnx_abi_session *session, size_t *out);
    onnx_abi_slot gap_32[1];
    onnx_abi_status *(*input_type)(const onnx_abi_session *session, size_t index, onnx_abi_type **out);
    onnx_abi_status *(*output_type)(const onnx_abi_session *session, size_t index, onnx_abi_type **out);
    onnx_abi_slot gap_35[1];
    onnx_abi_status *(*input_name)(const onnx_abi_session *session, size_t index, onnx_abi_allocator *allocator,
                                   char **out);
    onnx_abi_status *(*output_name)(const onnx_abi_session *session, size_t index, onnx_abi_allocator *allocator,
                                    char **out);
    onnx_abi_slot gap_38[11];
    onnx_abi_status *(*value_borrow)(const onnx_abi_memory *memory, void *data, size_t bytes, const int64_t *sizes,
                                     size_t rank, int element_type, onnx_abi_value **out);
    onnx_abi_slot gap_50[1];
    onnx_abi_status *(*value_data)(onnx_abi_value *value, void **out);
    onnx_abi_slot gap_52[3];
    onnx_abi_status *(*type_tensor)(const onnx_abi_type *type, const onnx_abi_tensor **out); /* NULL: no tensor */
    onnx_abi_slot gap_56[4];
    onnx_abi_status *(*tensor_element)(const onnx_abi_tensor *tensor, int *out);
    onnx_abi_status *(*tensor_rank)(const onnx_abi_tensor *tensor, size_t *out);
    onnx_abi_status *(*tensor_sizes)(const onnx_abi_tensor *tensor, int64_t *out, size_t rank);
    onnx_abi_slot gap_63[2];
    onnx_abi_status *(*value_tensor)(const onnx_abi_value *value, onnx_abi_tensor **out);
    onnx_abi_slot gap_66[3];
    onnx_abi_status *(*memory_create)(int allocator, int memory, onnx_abi_memory **out);
    onnx_abi_slot gap_70[6];
    onnx_abi_status *(*allocator_free)(onnx_abi_allocator *allocator, void *block);
    onnx_abi_slot gap_77[1];
    onnx_abi_status *(*allocator_default)(onnx_abi_allocator **out); /* the runtime's own: not released */
    onnx_abi_slot gap_79[13];
    void (*env_release)(onnx_abi_env *env);
    void (*status_release)(onnx_abi_status *status);
    void (*memory_release)(onnx_abi_memory *memory);
    void (*session_release)(onnx_abi_session *session);
    void (*value_release)(onnx_abi_value *value);
    onnx_abi_slot gap_97[1];
    void (*type_release)(onnx_abi_type *type);
    void (*tensor_release)(onnx_abi_tensor *tensor);
    void (*options_release)(onnx_abi_options *options);
} onnx_abi;
/* clang-format on */

/* The counts above, checked: the place of a slot, from 0. */
#define ONNX_ABI_SLOT(name, place) \
    _Static_assert(offsetof(onnx_abi, name) == (place) * sizeof(onnx_abi_slot), #name " is slot " #place)
ONNX_ABI_SLOT(status_message, 2);
ONNX_ABI_SLOT(session_run, 9);
ONNX_ABI_SLOT(options_no_memory_pattern, 17);
ONNX_ABI_SLOT(options_threads, 24);
ONNX_ABI_SLOT(output_name, 37);
ONNX_ABI_SLOT(value_borrow, 49);
ONNX_ABI_SLOT(type_tensor, 55);
ONNX_ABI_SLOT(tensor_sizes, 62);
ONNX_ABI_SLOT(memory_create, 69);
ONNX_ABI_SLOT(allocator_default, 78);
ONNX_ABI_SLOT(env_release, 92);
ONNX_ABI_SLOT(options_release, 100);
#undef ONNX_ABI_SLOT

/* What the library's one symbol, OrtGetApiBase, returns. */
typedef struct onnx_abi_base {
    const onnx_abi *(*table)(uint32_t version); /* NULL: too new for this library, which prints so */
    const char *(*version)(void);
} onnx_abi_base;
typedef const onnx_abi_base *(*onnx_abi_entry)(void);

#endif
