#include "encode/onnx_library.h"

#include "io/file.h"

struct onnx_session {
    const medley_runtime *rt;
    const onnx_library *lib;
    onnx_abi_session *session;
    onnx_abi_memory *memory;
    char *path;
    arena names;
    onnx_port *inputs, *outputs;
    int input_count, output_count;
};

enum { PORTS_MOST = 4096, INPUTS_MOST = 16 }; /* of a model; of one run */

/* How the runtime numbers an element type, and how wide it is; a row a type of ours. */
static const struct element {
    const char *name;
    int number;
    size_t size;
} elements[] = {
    [ONNX_F32] = {"f32", ONNX_ABI_F32, 4}, [ONNX_F16] = {"f16", ONNX_ABI_F16, 2},
    [ONNX_F64] = {"f64", ONNX_ABI_F64, 8}, [ONNX_I64] = {"i64", ONNX_ABI_I64, 8},
    [ONNX_I32] = {"i32", ONNX_ABI_I32, 4}, [ONNX_I8] = {"i8", ONNX_ABI_I8, 1},
    [ONNX_U8] = {"u8", ONNX_ABI_U8, 1},    [ONNX_BOOL] = {"bool", ONNX_ABI_BOOL, 1},
    [ONNX_OTHER] = {"another type", 0, 0},
};

static onnx_type type_of(int number)
{
    onnx_type type = ONNX_F32;
    while (type < ONNX_OTHER && elements[type].number != number)
        type++;
    return type;
}

/* ---- opening ---- */

/* With `type`'s element and shape; what is no tensor, or has too many dimensions, is of ONNX_OTHER. */
static onnx_abi_status *read_type(const onnx_abi *call, const onnx_abi_type *type, onnx_port *port)
{
    const onnx_abi_tensor *tensor = NULL;
    int element = 0;
    size_t rank = 0;
    onnx_abi_status *told = call->type_tensor(type, &tensor);
    if (told != NULL || tensor == NULL)
        return told;
    if ((told = call->tensor_element(tensor, &element)) != NULL ||
        (told = call->tensor_rank(tensor, &rank)) != NULL || rank > ONNX_RANK_MOST)
        return told;
    port->type = type_of(element);
    port->rank = (int)rank;
    told = call->tensor_sizes(tensor, port->size, rank);
    for (size_t i = 0; i < rank; i++)
        if (port->size[i] < 0)
            port->size[i] = -1;
    return told;
}

static medley_status read_name(onnx_session *s, bool input, size_t index, const char **out, medley_error *err)
{
    const onnx_abi *call = s->lib->call;
    onnx_abi_allocator *allocator;
    char *name = NULL;
    onnx_abi_status *told = call->allocator_default(&allocator);
    if (told == NULL)
        told = (input ? call->input_name : call->output_name)(s->session, index, allocator, &name);
    TRY(onnx_told(s->lib, told, MEDLEY_E_FORMAT, s->path, err));
    const medley_status status = arena_text(&s->names, name, strlen(name), out, err);
    call->status_release(call->allocator_free(allocator, name));
    return status;
}

static medley_status read_ports(onnx_session *s, bool input, onnx_port **ports, int *count, medley_error *err)
{
    const onnx_abi *call = s->lib->call;
    size_t many = 0;
    TRY(onnx_told(s->lib, (input ? call->input_count : call->output_count)(s->session, &many), MEDLEY_E_FORMAT,
                  s->path, err));
    if (many > PORTS_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: %zu %s; at most %d are accepted", s->path, many,
                    input ? "inputs" : "outputs", PORTS_MOST);
    TRY(arena_alloc(&s->names, (int64_t)many, sizeof **ports, ports, err));
    for (*count = 0; *count < (int)many; ++*count) {
        onnx_port *port = &(*ports)[*count];
        onnx_abi_type *type = NULL;
        *port = (onnx_port){.type = ONNX_OTHER};
        TRY(read_name(s, input, (size_t)*count, &port->name, err));
        onnx_abi_status *told = (input ? call->input_type : call->output_type)(s->session, (size_t)*count, &type);
        if (told == NULL)
            told = read_type(call, type, port);
        if (type != NULL)
            call->type_release(type);
        TRY(onnx_told(s->lib, told, MEDLEY_E_FORMAT, s->path, err));
    }
    return MEDLEY_OK;
}

/* Shapes differ from run to run, and patterns of memory would be kept for each. The arena stays: it keeps what the largest
 * run took, but without it large batches spend a third of their time on fresh pages. */
static onnx_abi_status *set_options(const onnx_abi *call, onnx_abi_options *options, int threads)
{
    onnx_abi_status *told = call->options_threads(options, threads);
    if (told == NULL)
        told = call->options_optimize(options, ONNX_ABI_OPTIMIZE_ALL);
    return told == NULL ? call->options_no_memory_pattern(options) : told;
}

static medley_status create_session(onnx_session *s, int threads, medley_error *err)
{
    const onnx_abi *call = s->lib->call;
    onnx_abi_options *options = NULL;
    TRY(onnx_told(s->lib, call->options_create(&options), MEDLEY_E_LIMIT, s->path, err));
    onnx_abi_status *told = set_options(call, options, threads);
    if (told == NULL)
        told = call->session_create(s->lib->env, s->path, options, &s->session);
    call->options_release(options);
    return onnx_told(s->lib, told, MEDLEY_E_FORMAT, s->path, err);
}

medley_status onnx_session_open(const medley_runtime *rt, const onnx_library *lib, const char *path, int threads,
                                onnx_session **out, medley_error *err)
{
    file *f;
    onnx_session *s = NULL;
    medley_status status;
    *out = NULL;
    TRY(file_open(rt, path, &f, err)); /* says what the runtime would in words of its own */
    file_close(f);
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    *s = (onnx_session){.rt = rt, .lib = lib, .names = {.rt = rt}};
    TRY_DONE(mem_text(rt, path, strlen(path), &s->path, err));
    TRY_DONE(create_session(s, threads, err));
    TRY_DONE(onnx_told(lib,
                       lib->call->memory_create(ONNX_ABI_ALLOCATOR_ARENA, ONNX_ABI_MEMORY_DEFAULT, &s->memory),
                       MEDLEY_E_LIMIT, path, err));
    TRY_DONE(read_ports(s, true, &s->inputs, &s->input_count, err));
    TRY_DONE(read_ports(s, false, &s->outputs, &s->output_count, err));
    *out = s;
    s = NULL;
    error_clear(err);
done:
    onnx_session_close(s);
    return status;
}

void onnx_session_close(onnx_session *s)
{
    if (s == NULL)
        return;
    if (s->session != NULL)
        s->lib->call->session_release(s->session);
    if (s->memory != NULL)
        s->lib->call->memory_release(s->memory);
    arena_release(&s->names);
    mem_free(s->path);
    mem_free(s);
}

const onnx_port *onnx_session_inputs(const onnx_session *s, int *count)
{
    *count = s->input_count;
    return s->inputs;
}

const onnx_port *onnx_session_outputs(const onnx_session *s, int *count)
{
    *count = s->output_count;
    return s->outputs;
}

/* ---- running ---- */

static medley_status find_port(const onnx_session *s, const char *kind, const onnx_port *ports, int count,
                               const char *name, const onnx_port **out, medley_error *err)
{
    char names[300] = "";
    for (int i = 0; i < count; i++) {
        const size_t used = strlen(names);
        if (strcmp(ports[i].name, name) == 0) {
            *out = &ports[i];
            return MEDLEY_OK;
        }
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", ports[i].name);
    }
    return fail(err, MEDLEY_E_ARGUMENT, "%s: no %s '%s'; there are %s", s->path, kind, name, names);
}

/* "[-1,3,224,224]" */
static const char *shape_text(int rank, const int64_t *size, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "[");
    for (int i = 0; i < rank && used < room; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%lld", i > 0 ? "," : "", (long long)size[i]);
    if (used < room)
        snprintf(out + used, room - used, "]");
    return out;
}

static medley_status check_input(const onnx_session *s, const onnx_tensor *t, medley_error *err)
{
    const onnx_port *port;
    char given[200], declared[200];
    TRY(find_port(s, "input", s->inputs, s->input_count, t->name, &port, err));
    if (t->type != port->type || t->type == ONNX_OTHER)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: input '%s' is of %s, not %s", s->path, t->name,
                    elements[port->type].name, elements[t->type].name);
    bool fits = t->rank == port->rank;
    for (int i = 0; i < t->rank && fits; i++)
        fits = t->size[i] >= 0 && (port->size[i] == -1 || port->size[i] == t->size[i]);
    if (!fits)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: input '%s' has shape %s; %s is accepted", s->path, t->name,
                    shape_text(t->rank, t->size, given, sizeof given),
                    shape_text(port->rank, port->size, declared, sizeof declared));
    return MEDLEY_OK;
}

static medley_status check_run(const onnx_session *s, const onnx_tensor *inputs, int count, const char *output,
                               medley_error *err)
{
    const onnx_port *port;
    if (count > INPUTS_MOST)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: %d inputs; at most %d are accepted", s->path, count, INPUTS_MOST);
    for (int i = 0; i < count; i++)
        TRY(check_input(s, &inputs[i], err));
    TRY(find_port(s, "output", s->outputs, s->output_count, output, &port, err));
    if (port->type > ONNX_F64)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: output '%s' is of %s; f32, f16 and f64 are accepted", s->path,
                    output, elements[port->type].name);
    return MEDLEY_OK;
}

/* The runtime reads an input's bytes, and takes them as if it might write. */
static medley_status borrow(const onnx_session *s, const onnx_tensor *t, onnx_abi_value **out, medley_error *err)
{
    int64_t count = 1;
    for (int i = 0; i < t->rank && count >= 0; i++)
        count = t->size[i] == 0 ? 0 : mem_bytes(count, (size_t)t->size[i]);
    const int64_t bytes = mem_bytes(count, elements[t->type].size);
    if (bytes < 0)
        return fail(err, MEDLEY_E_ARGUMENT, "%s: input '%s' is too large", s->path, t->name);
    void *data;
    memcpy(&data, &t->data, sizeof data);
    return onnx_told(s->lib,
                     s->lib->call->value_borrow(s->memory, data, (size_t)bytes, t->size, (size_t)t->rank,
                                                elements[t->type].number, out),
                     MEDLEY_E_LIMIT, s->path, err);
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A half's exponent and fraction read as a float's are 2^112 too small, but for those of infinity and NaN. */
static void from_halves(const void *values, int64_t count, float *out)
{
    const uint16_t *half = values;
    for (int64_t i = 0; i < count; i++) {
        const uint32_t rest = (uint32_t)(half[i] & 0x7fff) << 13;
        const float size =
            (half[i] & 0x7c00) == 0x7c00 ? from_bits(rest | 0x7f800000) : from_bits(rest) * 0x1p112F;
        out[i] = (half[i] & 0x8000) != 0 ? -size : size;
    }
}

static void from_floats(const void *values, int64_t count, float *out)
{
    if (count > 0)
        memcpy(out, values, (size_t)count * sizeof *out);
}

static void from_doubles(const void *values, int64_t count, float *out)
{
    const double *from = values;
    for (int64_t i = 0; i < count; i++)
        out[i] = (float)from[i];
}

static void (*const converters[])(const void *values, int64_t count, float *out) = {
    [ONNX_F32] = from_floats, [ONNX_F16] = from_halves, [ONNX_F64] = from_doubles};

static onnx_abi_status *read_shape(const onnx_abi *call, const onnx_abi_value *value, onnx_tensor *shape,
                                   size_t *rank)
{
    onnx_abi_tensor *tensor = NULL;
    int element = 0;
    onnx_abi_status *told = call->value_tensor(value, &tensor);
    if (told == NULL)
        told = call->tensor_element(tensor, &element);
    if (told == NULL)
        told = call->tensor_rank(tensor, rank);
    if (told == NULL && *rank <= ONNX_RANK_MOST)
        told = call->tensor_sizes(tensor, shape->size, *rank);
    if (tensor != NULL)
        call->tensor_release(tensor);
    shape->type = type_of(element);
    return told;
}

static medley_status take(const onnx_session *s, onnx_abi_value *value, const char *name, onnx_tensor *shape,
                          float **out, medley_error *err)
{
    size_t rank = 0;
    void *data = NULL;
    int64_t count = 1;
    TRY(onnx_told(s->lib, read_shape(s->lib->call, value, shape, &rank), MEDLEY_E_LIMIT, s->path, err));
    if (rank > ONNX_RANK_MOST || shape->type > ONNX_F64)
        return fail(err, MEDLEY_E_LIMIT,
                    "%s: output '%s' has %zu dimensions of %s; at most %d, of floats, are accepted", s->path, name,
                    rank, elements[shape->type].name, ONNX_RANK_MOST);
    shape->rank = (int)rank;
    for (size_t i = 0; i < rank; i++)
        count *= shape->size[i]; /* it is in memory: the product fits */
    TRY(onnx_told(s->lib, s->lib->call->value_data(value, &data), MEDLEY_E_LIMIT, s->path, err));
    TRY(mem_alloc(s->rt, count, sizeof **out, out, err));
    converters[shape->type](data, count, *out);
    shape->type = ONNX_F32;
    return MEDLEY_OK;
}

medley_status onnx_session_run(onnx_session *s, const onnx_tensor *inputs, int inputs_count, const char *output,
                               onnx_tensor *shape, float **out, medley_error *err)
{
    const onnx_abi *call = s->lib->call;
    const char *names[INPUTS_MOST];
    onnx_abi_value *values[INPUTS_MOST] = {NULL}, *result = NULL;
    medley_status status;
    *out = NULL;
    TRY(check_run(s, inputs, inputs_count, output, err));
    for (int i = 0; i < inputs_count; i++) {
        names[i] = inputs[i].name;
        TRY_DONE(borrow(s, &inputs[i], &values[i], err));
    }
    TRY_DONE(onnx_told(s->lib,
                       call->session_run(s->session, NULL, names, (const onnx_abi_value *const *)values,
                                         (size_t)inputs_count, &output, 1, &result),
                       MEDLEY_E_LIMIT, s->path, err));
    TRY_DONE(take(s, result, output, shape, out, err));
done:
    for (int i = 0; i < inputs_count; i++)
        if (values[i] != NULL)
            call->value_release(values[i]);
    if (result != NULL)
        call->value_release(result);
    return status;
}
