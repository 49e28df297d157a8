#include "autograd/parameters.h"

enum { LINE_NUMBERS = 16, FILL_BLOCK = 1 << 14 };

const initial initial_zero = {INITIAL_CONSTANT, 0, 0};
const initial initial_one = {INITIAL_CONSTANT, 1, 0};
const initial initial_xavier_uniform = {INITIAL_XAVIER_UNIFORM, 1, 0};

void parameters_init(const medley_runtime *rt, parameters *p)
{
    *p = (parameters){.memory = {.rt = rt, .alignment = 64}};
}

void parameters_release(parameters *p)
{
    arena_release(&p->memory);
    *p = (parameters){.memory = {.rt = p->memory.rt, .alignment = 64}};
}

parameter *parameters_find(const parameters *p, const char *name)
{
    for (int64_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i]->name, name) == 0)
            return p->list[i];
    return NULL;
}

int64_t parameters_bytes(const parameters *p)
{
    return (p->values_count + p->grads_count) * (int64_t)sizeof(real);
}

/* Numbers of s that fit in memory; -1: they do not, or a size is below 1. */
static int64_t checked_count(shape s)
{
    int64_t count = 1;
    for (int i = 0; i < s.rank; i++)
        if (s.size[i] < 1 || __builtin_mul_overflow(count, s.size[i], &count))
            return -1;
    return count <= INT64_MAX / 64 ? count : -1;
}

static int64_t padded(int64_t count)
{
    return (count + LINE_NUMBERS - 1) / LINE_NUMBERS * LINE_NUMBERS;
}

static medley_status check(const parameters *p, const char *name, shape s, parameter_kind kind, medley_error *err)
{
    char format[SHAPE_TEXT];
    if (p->count == PARAMETERS_MOST)
        return fail(err, MEDLEY_E_LIMIT, "parameter '%s': there are %d already, the most", name, PARAMETERS_MOST);
    if (parameters_find(p, name) != NULL)
        return fail(err, MEDLEY_E_ARGUMENT, "parameter '%s' is declared twice", name);
    if (kind == PARAMETER_ROWS && (s.rank != 2 || s.size[0] > UINT32_MAX))
        return fail(err, MEDLEY_E_SHAPE, "parameter '%s': %s is no table: [rows, D] with at most 4294967295 rows",
                    name, shape_format(s, format));
    const int64_t count = checked_count(s);
    if (count < 0 || count > INT64_MAX / 64 - p->values_count)
        return fail(err, MEDLEY_E_SHAPE, "parameter '%s': %s has a size below 1 or is beyond memory", name,
                    shape_format(s, format));
    return MEDLEY_OK;
}

static medley_status add(parameters *p, const char *name, shape s, parameter_kind kind, initial start,
                         parameter **out, medley_error *err)
{
    parameter *made;
    const char *copy;
    TRY(check(p, name, s, kind, err));
    TRY(arena_alloc(&p->memory, 1, sizeof *made, &made, err));
    TRY(arena_text(&p->memory, name, strlen(name), &copy, err));
    *made = (parameter){.name = copy, .shape = s, .kind = kind, .start = start, .decays = true, .index = p->count};
    const int64_t numbers = padded(shape_count(s));
    p->values_count += numbers;
    p->grads_count += kind == PARAMETER_DENSE ? numbers : 0;
    p->list[p->count++] = *out = made;
    return MEDLEY_OK;
}

parameter *parameters_add(parameters *p, const char *name, shape s, parameter_kind kind, initial start)
{
    parameter *made = &p->spare;
    assert(p->values == NULL);
    if (p->error.status == MEDLEY_OK)
        p->error.status = add(p, name, s, kind, start, &made, &p->error);
    return made;
}

/* ---- filling ---- */

/* One parameter's numbers: a + b × what `draw` makes of (seed, stream, position). */
typedef struct filling {
    parameter *p;
    uint64_t seed, stream;
    enum { FILL_CONSTANT, FILL_UNIFORM, FILL_NORMAL } law;
    double a, b;
} filling;

static filling filling_of(parameter *p, uint64_t seed)
{
    const shape s = p->shape;
    const double a = p->start.a, b = p->start.b;
    const double fan_in = (double)shape_width(s), fan_out = s.rank > 0 ? (double)s.size[0] : 1;
    const double xavier = 2 / (fan_in + fan_out), kaiming = 1 / fan_in; /* variances of gain 1 */
    filling f = {.p = p, .seed = seed};
    for (const char *c = p->name; *c != '\0'; c++)
        f.stream = mix64(f.stream ^ (unsigned char)*c);
    switch (p->start.kind) {
    case INITIAL_CONSTANT:
        f.a = a;
        break;
    case INITIAL_UNIFORM:
        f.law = FILL_UNIFORM, f.a = a, f.b = b - a;
        break;
    case INITIAL_NORMAL:
        f.law = FILL_NORMAL, f.a = a, f.b = b;
        break;
    case INITIAL_XAVIER_NORMAL:
    case INITIAL_KAIMING_NORMAL:
        f.law = FILL_NORMAL, f.b = a * sqrt(p->start.kind == INITIAL_XAVIER_NORMAL ? xavier : kaiming);
        break;
    case INITIAL_XAVIER_UNIFORM:
    case INITIAL_KAIMING_UNIFORM: { /* the variance of [-h, h) is h² / 3 */
        const double half = a * sqrt(3 * (p->start.kind == INITIAL_XAVIER_UNIFORM ? xavier : kaiming));
        f.law = FILL_UNIFORM, f.a = -half, f.b = 2 * half;
        break;
    }
    }
    return f;
}

/* In [0, 1) with 24 bits: float holds them all, so that the upper end is not reached by rounding. */
static double uniform_24(const filling *f, int64_t position)
{
    return (double)(random_bits(f->seed, f->stream, (uint64_t)position) >> 40) * 0x1p-24;
}

/* Box and Muller: two at once, at an even position and behind it. */
static void normal_pair(const filling *f, int64_t position, double out[2])
{
    const double radius = sqrt(-2 * log(1 - random_uniform(f->seed, f->stream, (uint64_t)position)));
    const double angle = 2 * acos(-1) * random_uniform(f->seed, f->stream, (uint64_t)position + 1);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

static medley_status fill_block(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const filling *f = context;
    const int64_t first = task * FILL_BLOCK, count = shape_count(f->p->shape);
    const int64_t end = count - first < FILL_BLOCK ? count : first + FILL_BLOCK;
    real *value = f->p->value;
    double pair[2] = {0, 0};
    for (int64_t i = first; i < end; i++) {
        if (f->law == FILL_NORMAL && i % 2 == 0)
            normal_pair(f, i, pair);
        const double drawn = f->law == FILL_NORMAL ? pair[i % 2] : f->law == FILL_UNIFORM ? uniform_24(f, i) : 0;
        value[i] = (real)(f->a + f->b * drawn);
    }
    return MEDLEY_OK;
}

static medley_status fill(const medley_runtime *rt, parameter *p, uint64_t seed, medley_error *err)
{
    filling f = filling_of(p, seed);
    const int64_t count = shape_count(p->shape);
    memset(p->value + count, 0, (size_t)(padded(count) - count) * sizeof *p->value);
    return parallel_run(rt, (count + FILL_BLOCK - 1) / FILL_BLOCK, fill_block, &f, err);
}

medley_status parameters_allocate(const medley_runtime *rt, parameters *p, uint64_t seed, medley_error *err)
{
    if (p->error.status != MEDLEY_OK)
        return fail(err, p->error.status, "%s", p->error.message);
    TRY(arena_alloc(&p->memory, p->values_count, sizeof(real), &p->values, err));
    TRY(arena_alloc(&p->memory, p->grads_count, sizeof(real), &p->grads, err));
    memset(p->grads, 0, (size_t)p->grads_count * sizeof(real));
    int64_t dense = 0, table = p->grads_count;
    for (int64_t i = 0; i < p->count; i++) {
        parameter *one = p->list[i];
        int64_t *at = one->kind == PARAMETER_DENSE ? &dense : &table;
        one->offset = *at;
        one->value = p->values + one->offset;
        one->grad = one->kind == PARAMETER_DENSE ? p->grads + one->offset : NULL;
        *at += padded(shape_count(one->shape));
        TRY(fill(rt, one, seed, err));
    }
    return MEDLEY_OK;
}
