/* Every model that is learnt by gradients against PyTorch: from the same weights and batches the same scores, losses,
 * gradients and, after ten steps, weights. tests/parity/learners/<case>.safetensors holds both sides; tools/parity/learners.py
 * tells how it is recorded. MEDLEY_RECORD_PARITY=FOLDER writes this side's part instead of comparing. */
#include "testing.h"

#include <math.h>

#include "data/features.h"
#include "data/matrix.h"
#include "io/file.h"
#include "made_store.h"
#include "model/mf.h"
#include "model/triples.h"
#include "optim/optimizer.h"

enum { USERS = 24, ITEMS = 18, BATCH = 32, STEPS = 10, VALUES = 1024, TENSORS = 128, NAME = 64 };

typedef struct parity_case {
    const char *name, *model;
    const char *settings[24]; /* key, value, ... */
} parity_case;

static const parity_case cases[] = {
    {"mf", "mf", {"factors", "6", "regularization", "0"}},
    {"mf_biases", "mf", {"factors", "5", "biases", "true", "regularization", "0.02"}},
    {"kmeans_mf", "kmeans_mf", {"factors", "4"}},
    {"bprmf", "bprmf", {"factors", "8", "regularization", "0.05", "rows", "exact"}},
    {"bprmf_plain", "bprmf", {"factors", "7", "regularization", "0", "item_bias", "false", "rows", "exact"}},
    {"bprmf_lazy", "bprmf", {"factors", "6", "regularization", "0.01", "rows", "lazy"}},
    {"lightgcn", "lightgcn", {"factors", "8", "layers", "3", "regularization", "0.01"}},
    {"vbpr", "vbpr", {"factors", "6", "features", "one", "regularization", "0.01"}},
    {"vbpr_concat", "vbpr", {"factors", "6", "features", "one,two", "fusion", "concat", "regularization", "0.01"}},
    {"vbpr_product", "vbpr", {"factors", "5", "features", "one,three", "fusion", "product", "missing", "zero"}},
    {"vbpr_mean", "vbpr", {"factors", "5", "features", "one,three", "fusion", "mean"}},
    {"vbpr_attention", "vbpr", {"factors", "4", "features", "one,two", "fusion", "attention"}},
};

/* ---- the data: every user has rated about a third of the items ---- */

static char *folder;
static test_memory memory;
static medley_runtime *rt;
static csr_owner ratings;
static training data;

static void make_matrix(void)
{
    uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    float value[USERS * ITEMS];
    int64_t count = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (random_uniform(17, u, i) < 0.35) {
                user[count] = u;
                item[count] = i;
                value[count++] = (float)(1 + (u * 5 + i * 3) % 9 * 0.5);
            }
    assert_ok(csr_build(rt, USERS, ITEMS, user, item, value, count, &ratings, err));
}

/* A store whose items are i0 .. i17 in that order, for its features. */
static void make_store(void)
{
    char rows[4096] = "user,item,rating\n";
    for (int i = 0; i < ITEMS; i++)
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "u,i%d,3\n", i);
    assert_ok(made_store(rt, test_path(folder, "store"), rows, NULL, err));
}

/* Item 3 has no row in any matrix but "one". */
static void make_features(const char *name, uint64_t seed, int length)
{
    char rows[32768] = "";
    features_import job = {0};
    medley_report *report;
    for (int i = 0; i < ITEMS; i++) {
        if (i == 3 && seed != 1)
            continue;
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "i%d", i);
        for (int j = 0; j < length; j++)
            snprintf(rows + strlen(rows), sizeof rows - strlen(rows), ",%.6f",
                     2 * random_uniform(seed, (uint64_t)i, (uint64_t)j) - 1);
        strncat(rows, "\n", sizeof rows - strlen(rows) - 1);
    }
    char file_name[NAME];
    snprintf(file_name, sizeof file_name, "%s.csv", name);
    test_write_text(test_path(folder, file_name), rows);
    medley_params_reset(features_import_table, &job);
    job.store = test_path(folder, "store");
    job.name = name;
    job.input = test_path(folder, file_name);
    assert_ok(report_create(rt, &report, err));
    assert_ok(features_import_run(rt, &job, report, err));
    medley_report_free(report);
}

static int set_up(void **state)
{
    static char store[4096];
    (void)state;
    folder = test_folder();
    rt = test_runtime(&memory, 2);
    make_matrix();
    make_store();
    make_features("one", 1, 12);
    make_features("two", 2, 7);
    make_features("three", 3, 12);
    snprintf(store, sizeof store, "%s", test_path(folder, "store"));
    data = (training){.users = USERS, .items = ITEMS, .matrix = ratings.view, .folder = store, .seed = 5};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    csr_release(&ratings);
    test_runtime_end(rt, &memory);
    test_folder_end(folder);
    return 0;
}

/* ---- one side ---- */

/* Numbers by name: what a run of a case comes to. */
typedef struct tape {
    named_tensor list[TENSORS];
    char names[TENSORS][NAME];
    int64_t count;
} tape;

static void keep(tape *t, tensor_type type, shape s, const void *values, const char *format, ...)
    MEDLEY_PRINTF(5, 6);
static void keep(tape *t, tensor_type type, shape s, const void *values, const char *format, ...)
{
    va_list list;
    void *copy;
    assert_true(t->count < TENSORS);
    va_start(list, format);
    vsnprintf(t->names[t->count], NAME, format, list);
    va_end(list);
    assert_ok(mem_alloc(rt, shape_count(s), 4, &copy, err));
    memcpy(copy, values, (size_t)shape_count(s) * 4);
    named_tensor *n = &t->list[t->count];
    *n = (named_tensor){.name = t->names[t->count], .type = type, .rank = s.rank, .data = copy};
    memcpy(n->shape, s.size, sizeof n->shape);
    t->count++;
}

static void tape_release(tape *t)
{
    for (int64_t i = 0; i < t->count; i++)
        mem_free((void *)(uintptr_t)t->list[i].data);
}

typedef struct trial {
    const model_class *class;
    _Alignas(16) char values[VALUES];
    void *context;
    parameters learnt;
    optimizer *o;
    graph *g;
} trial;

static const model_class *class_of(const char *name)
{
    for (const model_class *const *c = model_classes; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    fail_msg("no model '%s'", name);
    return NULL;
}

static void trial_begin(trial *t, const parity_case *c)
{
    memset(t, 0, sizeof *t);
    t->class = class_of(c->model);
    medley_params_reset(t->class->params, t->values);
    for (const char *const *s = c->settings; *s != NULL; s += 2)
        assert_ok(medley_param_set(medley_param_find(t->class->params, s[0]), t->values, s[1], err));
    learning *settings = (learning *)t->values;
    settings->learning_rate = 0.05;
    assert_ok(t->class->learner->begin(rt, t->values, &data, &t->context, err));
    parameters_init(rt, &t->learnt);
    t->class->learner->declare(t->context, &t->learnt);
    assert_ok(parameters_allocate(rt, &t->learnt, 5, err));
    optimizer_options options = optimizer_defaults((optimizer_kind)settings->optimizer);
    options.rows = (optimizer_rows)settings->rows;
    assert_ok(optimizer_create(rt, &t->learnt, &options, &t->o, err));
    assert_ok(graph_create(rt, &t->g, err));
    graph_on_touch(t->g, optimizer_touch, t->o);
}

static void trial_end(trial *t)
{
    graph_free(t->g);
    optimizer_free(t->o);
    parameters_release(&t->learnt);
    t->class->learner->end(t->context);
}

static void keep_parameters(tape *out, const trial *t, const char *what)
{
    for (int64_t i = 0; i < t->learnt.count; i++) {
        const parameter *p = t->learnt.list[i];
        keep(out, TENSOR_F32, p->shape, p->value, "%s.%s", what, p->name);
    }
}

static void keep_gradients(tape *out, const trial *t)
{
    for (int64_t i = 0; i < t->learnt.count; i++) {
        const parameter *p = t->learnt.list[i];
        const int64_t D = shape_width(p->shape);
        real *dense;
        assert_ok(mem_alloc_zero(rt, shape_count(p->shape), sizeof *dense, &dense, err));
        if (p->kind == PARAMETER_DENSE)
            memcpy(dense, p->grad, (size_t)shape_count(p->shape) * sizeof *dense);
        for (int64_t r = 0; p->kind == PARAMETER_ROWS && r < p->rows.count; r++)
            memcpy(dense + p->rows.row[r] * D, p->rows.value + r * D, (size_t)D * sizeof *dense);
        keep(out, TENSOR_F32, p->shape, dense, "gradient.%s", p->name);
        mem_free(dense);
    }
}

/* Scores of all pairs, as the model scores when it is done. */
static void keep_scores(tape *out, trial *t)
{
    float scores[USERS * ITEMS];
    model_state state = {0};
    scoring how;
    assert_ok(t->class->learner->finish(rt, t->context, &t->learnt, &state, err));
    assert_ok(t->class->scoring(t->values, &state, USERS, ITEMS, &how, err));
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t i = 0; i < ITEMS; i++) {
            double sum = how.bias != NULL ? (double)how.bias[i] : 0;
            for (int64_t d = 0; d < how.factors; d++)
                sum += (double)how.user[u * how.factors + d] * (double)how.item[i * how.factors + d];
            scores[u * ITEMS + i] = (float)sum;
        }
    keep(out, TENSOR_F32, shape_2(USERS, ITEMS), scores, "scores");
    model_state_release(&state);
}

static void keep_batch(tape *out, const trial *t, const batch_place *at, const void *batch, int64_t step)
{
    const shape s = shape_1(at->count);
    if (t->class->learner->needs_ratings) {
        const rating_batch *b = batch;
        keep(out, TENSOR_U32, s, b->user, "user.%lld", (long long)step);
        keep(out, TENSOR_U32, s, b->item, "item.%lld", (long long)step);
        keep(out, TENSOR_F32, s, b->rating, "rating.%lld", (long long)step);
        return;
    }
    void *drawn;
    assert_ok(mem_alloc(rt, triples_batch_bytes(t->context, at->count), 1, &drawn, err));
    triples_fill(t->context, at, drawn);
    const triple_batch *b = drawn;
    keep(out, TENSOR_U32, s, b->user, "user.%lld", (long long)step);
    keep(out, TENSOR_U32, s, b->positive, "positive.%lld", (long long)step);
    keep(out, TENSOR_U32, s, b->negative, "negative.%lld", (long long)step);
    mem_free(drawn);
}

/* Ten steps; `inputs` gets the weights and batches, `outputs` what comes of them. */
static void run_case(const parity_case *c, tape *inputs, tape *outputs)
{
    static trial t;
    real losses[STEPS];
    void *batch;
    trial_begin(&t, c);
    const learner_class *learner = t.class->learner;
    const double rate = ((const learning *)t.values)->learning_rate;
    assert_ok(mem_alloc(rt, learner->batch_bytes(t.context, BATCH), 1, &batch, err));
    keep_parameters(inputs, &t, "start");
    keep(inputs, TENSOR_F32, shape_1(csr_count(&data.matrix)), data.matrix.value, "matrix.rating");
    keep(inputs, TENSOR_U32, shape_1(csr_count(&data.matrix)), data.matrix.index, "matrix.item");
    uint32_t length[USERS];
    for (int64_t u = 0; u < USERS; u++)
        length[u] = (uint32_t)csr_row_count(&data.matrix, u);
    keep(inputs, TENSOR_U32, shape_1(USERS), length, "matrix.length");
    if (strcmp(c->model, "kmeans_mf") != 0) /* its scores come from clusters, which have a test of their own */
        keep_scores(outputs, &t);
    for (int64_t step = 0; step < STEPS; step++) {
        const int64_t examples = learner->examples(t.context);
        const batch_place at = {
            .seed = 5, .epoch = step, .step = 0, .first = 0, .count = BATCH < examples ? BATCH : examples};
        learner->fill(t.context, &at, batch);
        keep_batch(inputs, &t, &at, batch, step);
        graph_begin(t.g, (graph_place){.seed = 5, .step = (uint64_t)step, .training = true});
        node *loss = learner->loss(t.context, t.g, batch);
        assert_ok(graph_backward(t.g, loss, err));
        losses[step] = *loss->value;
        if (step == 0)
            keep_gradients(outputs, &t);
        assert_ok(optimizer_step(t.o, rate, NULL, err));
    }
    optimizer_settle(t.o);
    keep(outputs, TENSOR_F32, shape_1(STEPS), losses, "losses");
    keep_parameters(outputs, &t, "end");
    mem_free(batch);
    trial_end(&t);
}

/* ---- both ---- */

static void compare(const char *name, const named_tensor *ours, const named_tensor *theirs, bool exactly)
{
    if (theirs == NULL || theirs->type != ours->type || named_tensor_bytes(theirs) != named_tensor_bytes(ours))
        fail_msg("%s: %s is not recorded, or has another form; run tools/parity/learners.py", name, ours->name);
    if (exactly) {
        if (memcmp(ours->data, theirs->data, (size_t)named_tensor_bytes(ours)) != 0)
            fail_msg("%s: %s is not what was recorded; run tools/parity/learners.py", name, ours->name);
        return;
    }
    const float *a = ours->data, *b = theirs->data;
    const int64_t count = named_tensor_bytes(ours) / 4;
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
        if (isnan(a[i]) != isnan(b[i]))
            difference = INFINITY;
    }
    if (!(difference <= 1e-5 * largest))
        fail_msg("%s: %s differs by %g, where the largest number is %g", name, ours->name, difference, largest);
}

static void record(const char *to, const parity_case *c, const tape *inputs)
{
    char path[4200], settings[1024] = "";
    snprintf(path, sizeof path, "%s/%s.safetensors", to, c->name);
    for (const char *const *s = c->settings; *s != NULL; s += 2)
        snprintf(settings + strlen(settings), sizeof settings - strlen(settings), "%s=%s\n", s[0], s[1]);
    const char *const metadata[] = {"model", c->model, "settings", settings};
    assert_ok(safetensors_write(rt, path, inputs->list, inputs->count, metadata, 4, err));
}

static void test_models_learn_as_in_pytorch(void **state)
{
    const char *to = getenv("MEDLEY_RECORD_PARITY");
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        static tape inputs, outputs;
        char path[4200];
        safetensors *recorded;
        inputs.count = outputs.count = 0;
        run_case(&cases[k], &inputs, &outputs);
        if (to != NULL) {
            record(to, &cases[k], &inputs);
        } else {
            snprintf(path, sizeof path, "%s/tests/parity/learners/%s.safetensors", MEDLEY_SOURCE_DIR,
                     cases[k].name);
            assert_ok(safetensors_open(rt, path, &recorded, err));
            for (int64_t i = 0; i < inputs.count; i++)
                compare(cases[k].name, &inputs.list[i], safetensors_find(recorded, inputs.list[i].name), true);
            for (int64_t i = 0; i < outputs.count; i++)
                compare(cases[k].name, &outputs.list[i], safetensors_find(recorded, outputs.list[i].name), false);
            safetensors_close(recorded);
        }
        tape_release(&inputs);
        tape_release(&outputs);
    }
}

/* A model without a recording is a defect. */
static void test_every_learner_has_a_recording(void **state)
{
    (void)state;
    for (const model_class *const *c = model_classes; *c != NULL; c++) {
        bool found = (*c)->learner == NULL;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
            found |= strcmp(cases[k].model, (*c)->name) == 0;
        if (!found)
            fail_msg("model '%s' has no case here", (*c)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_learn_as_in_pytorch),
        cmocka_unit_test(test_every_learner_has_a_recording),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
