#include "optim/optimizer.h"

#include "optim/idle_steps.h"

/* TASK_NUMBERS: weights of a task. */
enum { TASK_NUMBERS = 32768, PAGE_BYTES = 4096, STATE_SHIFT = 1024 };
enum { AHEAD = 4, FETCHED = 64, FETCH_LINE = 64 / sizeof(real) };

/* A piece of a dense parameter. */
typedef struct dense_span {
    const parameter *p;
    int64_t begin, count;
} dense_span;

typedef struct table {
    const parameter *p;
    int64_t width, rows;
    int64_t block;  /* rows of a task */
    int64_t *as_of; /* [rows] exact: the step of which the row is; NULL when lazy */
    int64_t first;  /* task of this step */
} table;

typedef struct stale_row {
    uint32_t row, as_of; /* step of the window */
} stale_row;

struct optimizer {
    const medley_runtime *rt;
    parameters *parameters;
    optimizer_options options;
    const update_kernel *kernel;
    update_rule rule[2]; /* of parameters that do not decay, of those that do */
    real *state[UPDATE_STATES_MOST], *state_block[UPDATE_STATES_MOST];

    dense_span *span;   /* [task_span[dense_tasks]] */
    int64_t *task_span; /* [dense_tasks + 1] the first span of each task */
    int64_t dense_tasks, dense_numbers;
    table *tables;
    int64_t tables_count;
    double *squares;  /* [tasks at most] */
    int64_t *as_of;   /* [rows] of all tables */
    int64_t rows;     /* 0: lazy */
    stale_row *stale; /* [rows of the largest table] */
    idle_steps *idle; /* exact */

    int64_t steps, settled; /* no row is older than `settled` */
    double rate[IDLE_WINDOW];
    update_pace pace[IDLE_WINDOW]; /* of the steps after `settled` */
};

static const struct {
    double epsilon, weight_decay;
    const update_kernel *kernel;
} kinds[] = {
    [OPTIMIZER_SGD] = {0, 0, &update_momentum},
    [OPTIMIZER_ADAM] = {1e-8, 0, &update_adam},
    [OPTIMIZER_ADAMW] = {1e-8, 1e-2, &update_adam},
    [OPTIMIZER_ADAGRAD] = {1e-10, 0, &update_adagrad},
};

optimizer_options optimizer_defaults(optimizer_kind kind)
{
    return (optimizer_options){
        .kind = kind,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = kinds[kind].epsilon,
        .weight_decay = kinds[kind].weight_decay,
    };
}

int64_t optimizer_bytes(optimizer_kind kind, int64_t values, int64_t rows)
{
    const int64_t numbers = kinds[kind].kernel->states * values;
    return numbers * (int64_t)sizeof(real) + rows * (int64_t)(sizeof(int64_t) + sizeof(stale_row));
}

/* ---- creation ---- */

static int64_t pieces(int64_t count, int64_t size)
{
    return (count + size - 1) / size;
}

static update_rule rule_of(const optimizer_options *o, bool decays)
{
    const bool adaptive = o->kind == OPTIMIZER_ADAM || o->kind == OPTIMIZER_ADAMW;
    const bool apart = o->kind == OPTIMIZER_ADAMW;
    return (update_rule){
        .keep1 = (real)(adaptive ? o->beta1 : o->momentum),
        .take1 = (real)(adaptive ? 1 - o->beta1 : 1),
        .keep2 = (real)o->beta2,
        .take2 = (real)(1 - o->beta2),
        .epsilon = (real)o->epsilon,
        .decay = (real)(decays && !apart ? o->weight_decay : 0),
        .apart = decays && apart,
    };
}

/* Cuts dense parameters into spans, and these into tasks of about TASK_NUMBERS. */
static void cut_dense(optimizer *o)
{
    int64_t spans = 0, room = 0;
    for (int64_t i = 0; i < o->parameters->count; i++) {
        const parameter *const p = o->parameters->list[i];
        const int64_t numbers = p->kind == PARAMETER_DENSE ? shape_count(p->shape) : 0;
        for (int64_t begin = 0, count; begin < numbers; begin += count) {
            if (room == 0) {
                o->task_span[o->dense_tasks++] = spans;
                room = TASK_NUMBERS;
            }
            count = numbers - begin < room ? numbers - begin : room;
            o->span[spans++] = (dense_span){p, begin, count};
            room -= count;
        }
        o->dense_numbers += numbers;
    }
    o->task_span[o->dense_tasks] = spans;
}

static void add_table(optimizer *o, const parameter *p, int64_t rows_before)
{
    const int64_t width = shape_width(p->shape);
    o->tables[o->tables_count++] = (table){
        .p = p,
        .width = width,
        .rows = shape_rows(p->shape),
        .block = width < TASK_NUMBERS ? TASK_NUMBERS / width : 1,
        .as_of = o->as_of != NULL ? o->as_of + rows_before : NULL,
    };
}

/* A state's addresses are those of the values plus STATE_SHIFT, 2 STATE_SHIFT, modulo a page. Were a state 64 bytes before
 * the values, say, the processor would take each load of it for one of the weights just stored (it compares the last 12
 * bits) and wait: half the speed. */
static medley_status allocate_states(optimizer *o, medley_error *err)
{
    for (int i = 0; i < o->kernel->states; i++) {
        TRY(mem_alloc_zero(o->rt, o->parameters->values_count + PAGE_BYTES / (int64_t)sizeof(real), sizeof(real),
                           &o->state_block[i], err));
        const uintptr_t want = (uintptr_t)o->parameters->values + (uintptr_t)(i + 1) * STATE_SHIFT;
        o->state[i] = o->state_block[i] + (want - (uintptr_t)o->state_block[i]) % PAGE_BYTES / sizeof(real);
    }
    return MEDLEY_OK;
}

static medley_status allocate(optimizer *o, medley_error *err)
{
    const parameters *const all = o->parameters;
    const bool exact = o->options.rows == ROWS_EXACT;
    int64_t dense = 0, tables = 0, rows = 0, rows_most = 0, tasks = 0;
    for (int64_t i = 0; i < all->count; i++) {
        const parameter *const p = all->list[i];
        if (p->kind == PARAMETER_DENSE) {
            dense += 1 + shape_count(p->shape) / TASK_NUMBERS;
            continue;
        }
        const int64_t own = shape_rows(p->shape);
        tables++;
        rows += own;
        rows_most = own > rows_most ? own : rows_most;
        tasks += 1 + 2 * shape_count(p->shape) / TASK_NUMBERS; /* a block may fill just over half a task */
    }
    const int64_t spans = 2 * dense; /* a span ends with its parameter or with its task */
    TRY(mem_alloc(o->rt, spans, sizeof *o->span, &o->span, err));
    TRY(mem_alloc(o->rt, spans + 1, sizeof *o->task_span, &o->task_span, err));
    TRY(mem_alloc(o->rt, tables, sizeof *o->tables, &o->tables, err));
    TRY(mem_alloc(o->rt, spans + tasks, sizeof *o->squares, &o->squares, err));
    if (exact) {
        o->rows = rows;
        TRY(mem_alloc_zero(o->rt, rows, sizeof *o->as_of, &o->as_of, err));
        TRY(mem_alloc(o->rt, rows_most, sizeof *o->stale, &o->stale, err));
        TRY(mem_alloc_zero(o->rt, 1, sizeof *o->idle, &o->idle, err));
        idle_create(o->idle, o->rule, o->kernel == &update_adam, o->options.kind == OPTIMIZER_ADAMW);
    }
    return allocate_states(o, err);
}

medley_status optimizer_create(const medley_runtime *rt, parameters *p, const optimizer_options *options,
                               optimizer **out, medley_error *err)
{
    *out = NULL;
    optimizer *o;
    TRY(mem_alloc_zero(rt, 1, sizeof *o, &o, err));
    o->rt = rt;
    o->parameters = p;
    o->options = *options;
    o->kernel =
        options->kind == OPTIMIZER_SGD && options->momentum == 0 ? &update_sgd : kinds[options->kind].kernel;
    o->rule[false] = rule_of(options, false);
    o->rule[true] = rule_of(options, true);
    const medley_status status = allocate(o, err);
    if (status != MEDLEY_OK) {
        optimizer_free(o);
        return status;
    }
    cut_dense(o);
    int64_t rows = 0;
    for (int64_t i = 0; i < p->count; i++)
        if (p->list[i]->kind == PARAMETER_ROWS) {
            add_table(o, p->list[i], rows);
            rows += shape_rows(p->list[i]->shape);
        }
    *out = o;
    return MEDLEY_OK;
}

void optimizer_free(optimizer *o)
{
    if (o == NULL)
        return;
    mem_free(o->span);
    mem_free(o->task_span);
    mem_free(o->tables);
    mem_free(o->squares);
    mem_free(o->as_of);
    mem_free(o->stale);
    mem_free(o->idle);
    for (int i = 0; i < UPDATE_STATES_MOST; i++)
        mem_free(o->state_block[i]);
    mem_free(o);
}

/* ---- weights, with their states ---- */

typedef struct weights {
    const update_rule *rule;
    real *w, *state[UPDATE_STATES_MOST];
} weights;

static weights weights_at(const optimizer *o, const parameter *p, int64_t begin)
{
    weights at = {&o->rule[p->decays], p->value + begin, {NULL}};
    for (int i = 0; i < o->kernel->states; i++)
        at.state[i] = o->state[i] + p->offset + begin;
    return at;
}

/* Brings a row up to date that is as of step `from` of the window. */
static void catch_up(const optimizer *o, const table *t, int64_t row, int64_t from)
{
    const weights at = weights_at(o, t->p, row * t->width);
    const update_idle idle = idle_since(o->idle, at.rule, o->pace, from);
    o->kernel->idle(at.rule, &idle, t->width, at.w, at.state);
}

/* Rows are anywhere in memory: they are asked for some rows before they are needed. */
static void fetch(const optimizer *o, const table *t, int64_t row)
{
    const weights at = weights_at(o, t->p, row * t->width);
    for (int64_t i = 0; i < t->width && i < FETCHED; i += FETCH_LINE) {
        __builtin_prefetch(at.w + i, 1);
        for (int k = 0; k < o->kernel->states; k++)
            __builtin_prefetch(at.state[k] + i, 1);
    }
}

/* Tasks that cannot fail; few numbers are not worth waking threads for. */
static void run(const optimizer *o, int64_t tasks, int64_t numbers, parallel_body body, void *context)
{
    medley_status status = MEDLEY_OK;
    if (numbers > TASK_NUMBERS)
        status = parallel_run(o->rt, tasks, body, context, NULL);
    else
        for (int64_t task = 0; task < tasks; task++)
            status = body(context, task, 0, NULL);
    assert(status == MEDLEY_OK);
    (void)status;
}

/* ---- a step ---- */

/* The tables' tasks of a step come after the dense ones. Returns how many there are in all. */
static int64_t count_tasks(optimizer *o, int64_t *numbers)
{
    int64_t tasks = o->dense_tasks;
    *numbers = o->dense_numbers;
    for (int64_t i = 0; i < o->tables_count; i++) {
        table *const t = &o->tables[i];
        t->first = tasks;
        tasks += pieces(t->p->rows.count, t->block);
        *numbers += t->p->rows.count * t->width;
    }
    return tasks;
}

/* The table of a task, and its rows of the gradient. */
static const table *table_of(const optimizer *o, int64_t task, int64_t *begin, int64_t *end)
{
    int64_t i = o->tables_count - 1;
    while (o->tables[i].first > task)
        i--;
    const table *const t = &o->tables[i];
    *begin = (task - t->first) * t->block;
    *end = *begin + t->block < t->p->rows.count ? *begin + t->block : t->p->rows.count;
    return t;
}

static medley_status square_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    const optimizer *const o = context;
    double sum = 0;
    if (task < o->dense_tasks) {
        for (int64_t i = o->task_span[task]; i < o->task_span[task + 1]; i++)
            sum += kernel_squares(o->span[i].count, o->span[i].p->grad + o->span[i].begin);
    } else {
        int64_t begin, end;
        const table *const t = table_of(o, task, &begin, &end);
        sum = kernel_squares((end - begin) * t->width, t->p->rows.value + begin * t->width);
    }
    o->squares[task] = sum;
    return MEDLEY_OK;
}

static medley_status update_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    const optimizer *const o = context;
    const update_pace *const pace = &o->pace[o->steps - o->settled - 1];
    if (task < o->dense_tasks) {
        for (int64_t i = o->task_span[task]; i < o->task_span[task + 1]; i++) {
            const dense_span *const s = &o->span[i];
            const weights at = weights_at(o, s->p, s->begin);
            o->kernel->step(at.rule, pace, s->count, s->p->grad + s->begin, at.w, at.state);
        }
        return MEDLEY_OK;
    }
    int64_t begin, end;
    const table *const t = table_of(o, task, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = t->p->rows.row[i];
        if (t->as_of != NULL) {
            if (t->as_of[row] < o->steps - 1)
                catch_up(o, t, row, t->as_of[row] - o->settled);
            t->as_of[row] = o->steps;
        }
        const weights at = weights_at(o, t->p, row * t->width);
        o->kernel->step(at.rule, pace, t->width, t->p->rows.value + i * t->width, at.w, at.state);
    }
    return MEDLEY_OK;
}

static medley_status refuse(const optimizer *o, medley_error *err)
{
    const parameter *culprit = NULL;
    for (int64_t i = 0; culprit == NULL && i < o->parameters->count; i++) {
        const parameter *const p = o->parameters->list[i];
        const bool dense = p->kind == PARAMETER_DENSE;
        const int64_t count = dense ? shape_count(p->shape) : p->rows.count * shape_width(p->shape);
        if (!isfinite(kernel_squares(count, dense ? p->grad : p->rows.value)))
            culprit = p;
    }
    return fail(err, MEDLEY_E_LIMIT, "the gradient is not finite (parameter '%s')",
                culprit != NULL ? culprit->name : "");
}

/* What step t multiplies with. */
static update_pace pace_of(const optimizer *o, int64_t t, double rate, double clip)
{
    const optimizer_options *const s = &o->options;
    const bool adaptive = o->kernel == &update_adam;
    return (update_pace){
        .rate = (real)(adaptive ? rate / (1 - pow(s->beta1, (double)t)) : rate),
        .root = (real)(adaptive ? 1 / sqrt(1 - pow(s->beta2, (double)t)) : 1),
        .shrink = (real)(1 - rate * s->weight_decay),
        .clip = (real)clip,
    };
}

/* The next step becomes the last one of the window. */
static void begin_step(optimizer *o, double rate, double length)
{
    const double most = o->options.clip_norm;
    if (o->idle == NULL || idle_is_full(o->idle))
        optimizer_settle(o);
    const int64_t at = o->steps++ - o->settled;
    o->rate[at] = rate;
    o->pace[at] = pace_of(o, o->steps, rate, most > 0 ? fmin(most / (length + 1e-6), 1) : 1);
}

medley_status optimizer_step(optimizer *o, double rate, double *norm, medley_error *err)
{
    int64_t numbers;
    const int64_t tasks = count_tasks(o, &numbers);
    run(o, tasks, numbers, square_task, o);
    double squares = 0;
    for (int64_t task = 0; task < tasks; task++)
        squares += o->squares[task];
    if (!isfinite(squares))
        return refuse(o, err);
    if (norm != NULL)
        *norm = sqrt(squares);
    begin_step(o, rate, sqrt(squares));
    run(o, tasks, numbers, update_task, o);
    if (o->idle != NULL)
        idle_add(o->idle, o->steps, &o->pace[o->steps - o->settled - 1]);
    return MEDLEY_OK;
}

/* ---- rows that lag behind ---- */

typedef struct touched {
    const optimizer *o;
    const table *t;
    int64_t count, block;
} touched;

static medley_status touch_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    const touched *const c = context;
    const int64_t end = (task + 1) * c->block < c->count ? (task + 1) * c->block : c->count;
    for (int64_t i = task * c->block; i < end; i++) {
        if (i + AHEAD < end)
            fetch(c->o, c->t, c->o->stale[i + AHEAD].row);
        catch_up(c->o, c->t, c->o->stale[i].row, c->o->stale[i].as_of);
    }
    return MEDLEY_OK;
}

void optimizer_touch(void *context, parameter *p, const uint32_t *row, int64_t count)
{
    const optimizer *const o = context;
    const table *t = NULL;
    for (int64_t i = 0; t == NULL && i < o->tables_count; i++)
        t = o->tables[i].p == p ? &o->tables[i] : NULL;
    if (t == NULL || t->as_of == NULL)
        return;
    int64_t stale = 0; /* each row once: two tasks must not have the same */
    for (int64_t i = 0; i < count; i++) {
        const int64_t as_of = t->as_of[row[i]];
        if (as_of == o->steps)
            continue;
        o->stale[stale++] = (stale_row){row[i], (uint32_t)(as_of - o->settled)};
        t->as_of[row[i]] = o->steps;
    }
    touched c = {o, t, stale, t->block};
    run(o, pieces(stale, c.block), stale * t->width, touch_task, &c);
}

static medley_status settle_task(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker, (void)err;
    const touched *const c = context;
    for (int64_t row = task * c->block; row < (task + 1) * c->block && row < c->count; row++) {
        if (c->t->as_of[row] < c->o->steps)
            catch_up(c->o, c->t, row, c->t->as_of[row] - c->o->settled);
        c->t->as_of[row] = c->o->steps;
    }
    return MEDLEY_OK;
}

void optimizer_settle(optimizer *o)
{
    for (int64_t i = 0; i < o->tables_count && o->idle != NULL && o->settled < o->steps; i++) {
        const table *const t = &o->tables[i];
        touched c = {o, t, t->rows, t->block};
        run(o, pieces(t->rows, c.block), t->rows * t->width, settle_task, &c);
    }
    o->settled = o->steps;
    if (o->idle != NULL)
        idle_restart(o->idle);
}

/* ---- what a checkpoint keeps ---- */

int optimizer_states(optimizer *o, optimizer_state out[OPTIMIZER_STATES_MOST])
{
    for (int i = 0; i < o->kernel->states; i++)
        out[i] = (optimizer_state){o->kernel->names[i], o->state[i]};
    return o->kernel->states;
}

optimizer_place optimizer_at(const optimizer *o)
{
    return (optimizer_place){
        .steps = o->steps,
        .rate = o->rate,
        .rates = o->idle != NULL ? o->steps - o->settled : 0,
        .as_of = o->as_of,
        .rows = o->rows,
    };
}

medley_status optimizer_restore(optimizer *o, const optimizer_place *at, medley_error *err)
{
    const int64_t first = at->steps - at->rates;
    if (at->rates < 0 || at->rates > (o->idle != NULL ? IDLE_WINDOW : 0) || first < 0 || at->rows != o->rows)
        return fail(err, MEDLEY_E_FORMAT, "%lld rows after %lld steps, %lld of them open, is no optimizer of %lld",
                    (long long)at->rows, (long long)at->steps, (long long)at->rates, (long long)o->rows);
    for (int64_t i = 0; i < at->rates; i++)
        if (!isfinite(at->rate[i]))
            return fail(err, MEDLEY_E_FORMAT, "the learning rate of step %lld is not finite",
                        (long long)(first + i + 1));
    for (int64_t row = 0; row < at->rows; row++)
        if (at->as_of[row] < first || at->as_of[row] > at->steps)
            return fail(err, MEDLEY_E_FORMAT, "row %lld is as of step %lld, which is not in %lld..%lld",
                        (long long)row, (long long)at->as_of[row], (long long)first, (long long)at->steps);
    if (at->rows > 0)
        memcpy(o->as_of, at->as_of, (size_t)at->rows * sizeof *o->as_of);
    o->steps = at->steps;
    o->settled = first;
    if (o->idle != NULL)
        idle_restart(o->idle);
    for (int64_t i = 0; i < at->rates; i++) {
        o->rate[i] = at->rate[i];
        o->pace[i] = pace_of(o, first + i + 1, at->rate[i], 1);
        idle_add(o->idle, first + i + 1, &o->pace[i]);
    }
    return MEDLEY_OK;
}
