#include "model/model.h"

#include <stdio.h>

/* Elements of a shape, or -1 when they cannot be counted. */
static int64_t element_count(int rank, const int64_t *shape)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(count, shape[i], &count))
            return -1;
    return count;
}

medley_status model_add(const medley_runtime *rt, model_state *state, const char *name, tensor_type type, int rank,
                        const int64_t *shape, void *data, medley_error *err)
{
    assert(state->count < MODEL_TENSORS_MOST && rank <= TENSOR_RANK_MOST);
    void **out = data;
    *out = NULL;
    const int64_t at = state->count;
    named_tensor *t = &state->tensors[at];
    *t = (named_tensor){.name = name, .type = type, .rank = rank};
    for (int i = 0; i < rank; i++)
        t->shape[i] = shape[i];
    const bool countable = element_count(rank, shape) >= 0;
    TRY(mem_alloc_zero(rt, countable ? named_tensor_bytes(t) : -1, 1, &state->owned[at], err));
    t->data = state->owned[at];
    *out = state->owned[at];
    state->count++;
    return MEDLEY_OK;
}

static const char *const type_names[] = {
    [TENSOR_F32] = "F32", [TENSOR_F64] = "F64", [TENSOR_I64] = "I64",
    [TENSOR_I32] = "I32", [TENSOR_U32] = "U32", [TENSOR_U8] = "U8",
};

enum { SHAPE_TEXT = 128 };

/* "F32 [1682, any]". */
static const char *describe(tensor_type type, int rank, const int64_t *shape, char out[SHAPE_TEXT])
{
    int used = snprintf(out, SHAPE_TEXT, "%s [", type_names[type]);
    for (int i = 0; i < rank; i++) {
        const char *comma = i > 0 ? ", " : "";
        used += shape[i] < 0
                    ? snprintf(out + used, SHAPE_TEXT - (size_t)used, "%sany", comma)
                    : snprintf(out + used, SHAPE_TEXT - (size_t)used, "%s%lld", comma, (long long)shape[i]);
    }
    snprintf(out + used, SHAPE_TEXT - (size_t)used, "]");
    return out;
}

static bool fits(const named_tensor *t, tensor_type type, int rank, const int64_t *shape)
{
    bool same = t->type == type && t->rank == rank;
    for (int i = 0; same && i < rank; i++)
        same = shape[i] < 0 || shape[i] == t->shape[i];
    return same;
}

medley_status model_tensor(const model_state *state, const char *name, tensor_type type, int rank,
                           const int64_t *shape, const named_tensor **out, medley_error *err)
{
    char wanted[SHAPE_TEXT], found[SHAPE_TEXT];
    *out = NULL;
    for (int64_t i = 0; i < state->count; i++) {
        const named_tensor *t = &state->tensors[i];
        if (strcmp(t->name, name) != 0)
            continue;
        if (!fits(t, type, rank, shape))
            return fail(err, MEDLEY_E_FORMAT, "tensor '%s' is %s, expected %s", name,
                        describe(t->type, t->rank, t->shape, found), describe(type, rank, shape, wanted));
        *out = t;
        return MEDLEY_OK;
    }
    return fail(err, MEDLEY_E_FORMAT, "tensor '%s' is missing, expected %s", name,
                describe(type, rank, shape, wanted));
}

void model_state_release(model_state *state)
{
    for (int64_t i = 0; i < state->count; i++)
        mem_free(state->owned[i]);
    *state = (model_state){0};
}

medley_status model_check_memory(const model_class *class, const void *params, const training *data,
                                 medley_error *err)
{
    const int64_t needed = class->estimate(params, data), available = runtime_memory_available();
    if (needed <= available)
        return MEDLEY_OK;
    return fail(err, MEDLEY_E_LIMIT, "%s: %lld items need %.1f GB, %.1f GB is available; %s", class->name,
                (long long)data->items, (double)needed * 1e-9, (double)available * 1e-9, class->advice);
}
