#include "model/learner.h"

medley_status model_add_copy(const medley_runtime *rt, model_state *state, const char *name, shape s,
                             const real *values, medley_error *err)
{
    float *out;
    TRY(model_add(rt, state, name, TENSOR_F32, s.rank, s.size, &out, err));
    const int64_t count = shape_count(s);
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)values[i];
    return MEDLEY_OK;
}

medley_status factored_scoring(const model_state *state, int64_t users, int64_t items, int64_t factors, bool bias,
                               scoring *out, medley_error *err)
{
    const int64_t left[] = {users, factors}, right[] = {items, factors};
    const named_tensor *user, *item, *biases = NULL;
    TRY(model_tensor(state, "user", TENSOR_F32, 2, left, &user, err));
    TRY(model_tensor(state, "item", TENSOR_F32, 2, right, &item, err));
    if (bias)
        TRY(model_tensor(state, "bias", TENSOR_F32, 1, right, &biases, err));
    *out = (scoring){.form = SCORING_FACTORED,
                     .items = items,
                     .factors = factors,
                     .user = user->data,
                     .item = item->data,
                     .bias = biases != NULL ? biases->data : NULL};
    return MEDLEY_OK;
}
