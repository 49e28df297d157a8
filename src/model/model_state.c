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

medley_status training_measure(const medley_runtime *rt, const training *data, training_size *out,
                               medley_error *err)
{
    const csr *m = &data->matrix;
    int64_t *columns;
    *out = (training_size){.data = data,
                           .users = (double)data->users,
                           .items = (double)data->items,
                           .entries = (double)csr_count(m),
                           .events = (double)data->events.count};
    TRY(mem_alloc_zero(rt, data->items, sizeof *columns, &columns, err));
    for (int64_t i = 0; i < csr_count(m); i++)
        columns[m->index[i]]++;
    for (int64_t i = 0; i < data->items; i++)
        out->item_pairs += (double)columns[i] * (double)columns[i];
    for (int64_t u = 0; u < data->users; u++)
        out->user_pairs += (double)csr_row_count(m, u) * (double)csr_row_count(m, u);
    mem_free(columns);
    return MEDLEY_OK;
}

medley_status model_check_memory(const model_class *class, const void *params, const training *data,
                                 medley_error *err)
{
    if (class->estimate == NULL)
        return MEDLEY_OK;
    return runtime_memory_fits(class->name, data->items, "items", (double)class->estimate(params, data),
                               class->advice, err);
}

medley_status model_add_sparse(const medley_runtime *rt, model_state *state, sparse_names names, const csr *m,
                               medley_error *err)
{
    const int64_t starts = m->rows + 1, count = csr_count(m);
    int64_t *start;
    uint32_t *index;
    float *value;
    TRY(model_add(rt, state, names.start, TENSOR_I64, 1, &starts, &start, err));
    TRY(model_add(rt, state, names.index, TENSOR_U32, 1, &count, &index, err));
    TRY(model_add(rt, state, names.value, TENSOR_F32, 1, &count, &value, err));
    memcpy(start, m->start, (size_t)starts * sizeof *start);
    memcpy(index, m->index, (size_t)count * sizeof *index);
    for (int64_t at = 0; at < count; at++)
        value[at] = m->value != NULL ? m->value[at] : 1;
    return MEDLEY_OK;
}

/* Rows that ascend, and in each of them columns that ascend and are in range. */
static medley_status check_sparse(sparse_names names, const csr *m, int64_t count, medley_error *err)
{
    bool good = m->start[0] == 0 && m->start[m->rows] == count;
    for (int64_t row = 0; good && row < m->rows; row++)
        good = m->start[row] <= m->start[row + 1];
    if (!good)
        return fail(err, MEDLEY_E_FORMAT, "tensor '%s' does not ascend from 0 to %lld", names.start,
                    (long long)count);
    for (int64_t row = 0; row < m->rows; row++)
        for (int64_t at = m->start[row]; at < m->start[row + 1]; at++)
            if (m->index[at] >= m->columns || (at > m->start[row] && m->index[at - 1] >= m->index[at]))
                return fail(err, MEDLEY_E_FORMAT, "tensor '%s': %lld is outside 0..%lld or out of order",
                            names.index, (long long)m->index[at], (long long)m->columns - 1);
    return MEDLEY_OK;
}

medley_status model_sparse(const model_state *state, sparse_names names, int64_t rows, int64_t columns, csr *out,
                           medley_error *err)
{
    const named_tensor *start, *index, *value;
    const int64_t starts = rows + 1, any = -1;
    TRY(model_tensor(state, names.start, TENSOR_I64, 1, &starts, &start, err));
    TRY(model_tensor(state, names.index, TENSOR_U32, 1, &any, &index, err));
    const int64_t count = index->shape[0];
    TRY(model_tensor(state, names.value, TENSOR_F32, 1, &count, &value, err));
    *out = (csr){rows, columns, start->data, index->data, value->data};
    return check_sparse(names, out, count, err);
}

void left_sides_release(left_sides *q)
{
    csr_release(&q->weights);
    mem_free(q->vectors);
    *q = (left_sides){0};
}

bool model_reads_histories(const model_class *class, const scoring *how)
{
    return class->encode != NULL || how->form != SCORING_FACTORED;
}

medley_status model_encode(const medley_runtime *rt, const model_class *class, const void *params,
                           const model_state *state, const scoring *how, const histories *known, left_sides *out,
                           medley_error *err)
{
    *out = (left_sides){.rows = known->rows};
    if (class->encode != NULL) {
        const medley_status status = class->encode(rt, params, state, how, known, out, err);
        if (status != MEDLEY_OK)
            left_sides_release(out);
        return status;
    }
    if (how->form != SCORING_FACTORED)
        return histories_matrix(rt, known, how->items, false, &out->weights, err);
    if (how->factors > 0 && !known->users)
        return fail(err, MEDLEY_E_ARGUMENT, "history: model %s ranks only for users it was trained on",
                    class->name);
    return MEDLEY_OK;
}
