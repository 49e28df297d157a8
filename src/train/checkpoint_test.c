#include "testing.h"

#include <math.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "train/checkpoint.h"

#include "fixture.h"

/* Two tables and a vector with an optimizer that has made some steps. */
typedef struct made {
    parameters p;
    optimizer *o;
    real best[4096];
    checkpoint c;
} made;

#define OF_DATA "0123abcd-train"
#define SET "batch_size=128\nfactors=8\nlearning_rate=0.1\n"

static const checkpoint_key key = {"mf", SET, OF_DATA, UINT64_MAX - 1};

static epoch_record history[] = {
    {1, 12, 0.75, 0.1, 3.5, NAN, 1.25, 1e6, 1.7e9},
    {2, 24, 1.0 / 3, 0.05, 2.5, 0.125, 2.5, 2e6, 1.7e9 + 1},
};

static medley_status make(made *m, uint64_t seed, medley_error *err)
{
    optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM);
    options.rows = ROWS_EXACT;
    *m = (made){.o = NULL};
    parameters_init(rt, &m->p);
    parameters_add(&m->p, "user", shape_2(17, 3), PARAMETER_ROWS, initial_xavier_uniform);
    parameters_add(&m->p, "item", shape_2(5, 3), PARAMETER_ROWS, initial_xavier_uniform);
    parameters_add(&m->p, "mean", shape_1(3), PARAMETER_DENSE, initial_one);
    TRY(parameters_allocate(rt, &m->p, seed, err));
    TRY(optimizer_create(rt, &m->p, &options, &m->o, err));
    m->c = (checkpoint){.p = &m->p, .o = m->o, .best = m->best};
    return MEDLEY_OK;
}

static void release(made *m)
{
    optimizer_free(m->o);
    parameters_release(&m->p);
}

/* State as after 24 steps, some of which some rows have missed, the values of all arrays told apart by `shift`. */
static void fill(made *m, double shift)
{
    optimizer_state states[OPTIMIZER_STATES_MOST];
    const int count = optimizer_states(m->o, states);
    for (int s = 0; s < count; s++)
        for (int64_t i = 0; i < m->p.values_count; i++)
            states[s].data[i] = (real)(shift + s + 1e-3 * (double)i);
    for (int64_t i = 0; i < m->p.values_count; i++)
        m->best[i] = (real)(shift - 1e-3 * (double)i);
    const double rates[] = {0.1, 0.05, 0.025};
    int64_t as_of[17 + 5];
    for (int64_t row = 0; row < 22; row++)
        as_of[row] = 21 + row % 4;
    const optimizer_place place = {.steps = 24, .rate = rates, .as_of = as_of, .rates = 3, .rows = 22};
    assert_ok(optimizer_restore(m->o, &place, err));
    m->c.history = history;
    m->c.epochs = 2;
    m->c.at = (training_place){.epoch = 2,
                               .step_of_epoch = 5,
                               .steps = 29,
                               .loss_sum = 1.0 / 3,
                               .gradient_sum = 0x1.fffffffffffffp-3,
                               .loss_examples = 640,
                               .seconds = 0.1,
                               .schedule = {-0.25, 4, 2, 1},
                               .best = 1e-300,
                               .best_epoch = 1,
                               .validations = 2,
                               .without_gain = 1};
}

static void assert_parameters(const made *a, const made *b, const real *x, const real *y)
{
    for (int64_t i = 0; i < a->p.count; i++) {
        const parameter *p = a->p.list[i];
        assert_int_equal(p->offset, b->p.list[i]->offset);
        assert_memory_equal(x + p->offset, y + p->offset, (size_t)shape_count(p->shape) * sizeof *x);
    }
}

static void assert_same(made *a, made *b)
{
    optimizer_state x[OPTIMIZER_STATES_MOST], y[OPTIMIZER_STATES_MOST];
    const int count = optimizer_states(a->o, x);
    assert_int_equal(optimizer_states(b->o, y), count);
    assert_int_equal(count, 2);
    assert_parameters(a, b, a->p.values, b->p.values);
    for (int s = 0; s < count; s++)
        assert_parameters(a, b, x[s].data, y[s].data);
    const optimizer_place at = optimizer_at(a->o), there = optimizer_at(b->o);
    assert_true(at.steps == there.steps && at.rates == there.rates && at.rows == there.rows && at.rows == 22);
    assert_memory_equal(at.rate, there.rate, (size_t)at.rates * sizeof *at.rate);
    assert_memory_equal(at.as_of, there.as_of, (size_t)at.rows * sizeof *at.as_of);
    assert_memory_equal(&a->c.at, &b->c.at, sizeof a->c.at);
    assert_int_equal(a->c.epochs, b->c.epochs);
    for (int64_t i = 0; i < a->c.epochs; i++) {
        double one[EPOCH_RECORD_NUMBERS], two[EPOCH_RECORD_NUMBERS];
        epoch_record_put(&a->c.history[i], one);
        epoch_record_put(&b->c.history[i], two);
        assert_memory_equal(one, two, sizeof one);
    }
}

static const char *path(void)
{
    return test_path(folder, "last.safetensors");
}

static void test_what_is_written_is_read_to_the_bit(void **state)
{
    (void)state;
    static made a, b;
    assert_ok(make(&a, 1, err));
    assert_ok(make(&b, 2, err));
    fill(&a, 10);
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    assert_ok(checkpoint_read(rt, path(), &key, &b.c, err));
    assert_same(&a, &b);
    assert_parameters(&a, &b, a.best, b.best);
    mem_free(b.c.history);
    release(&a);
    release(&b);
}

static void test_without_a_best_epoch_nothing_of_it_is_kept(void **state)
{
    (void)state;
    static made a, b;
    char *bytes;
    size_t length;
    assert_ok(make(&a, 1, err));
    assert_ok(make(&b, 2, err));
    fill(&a, 10);
    a.c.at.best_epoch = 0;
    a.c.at.best = 0;
    a.c.at.epoch = a.c.epochs = 0;
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    bytes = test_read(path(), &length);
    assert_null(strstr(bytes + 8, "best/user"));
    assert_non_null(strstr(bytes + 8, "parameter/user"));
    assert_non_null(strstr(bytes + 8, "m/user"));
    test_read_end(bytes);
    fill(&b, 20);
    assert_ok(checkpoint_read(rt, path(), &key, &b.c, err));
    assert_same(&a, &b);
    assert_true(b.best[0] == 20);
    mem_free(b.c.history);
    release(&a);
    release(&b);
}

static void test_another_training_is_refused_by_what_differs(void **state)
{
    (void)state;
    static made a;
    static const struct {
        checkpoint_key key;
        const char *message;
    } others[] = {
        {{"bprmf", SET, OF_DATA, UINT64_MAX - 1}, "model is bprmf, but the checkpoint is of mf"},
        {{"mf", "batch_size=128\nfactors=16\nlearning_rate=0.1\n", OF_DATA, UINT64_MAX - 1},
         "factors is 16, but the checkpoint is of 8"},
        {{"mf", "batch_size=128\nfactors=8\n", OF_DATA, UINT64_MAX - 1},
         "of other settings ('learning_rate=0.1', not '')"},
        {{"mf", "batch_size=128\nrank=8\nlearning_rate=0.1\n", OF_DATA, UINT64_MAX - 1},
         "of other settings ('factors=8', not 'rank=8')"},
        {{"mf", SET, "0123abce-train", UINT64_MAX - 1}, "made from other data"},
        {{"mf", SET, OF_DATA, UINT64_MAX},
         "seed is 18446744073709551615, but the checkpoint is of 18446744073709551614"},
    };
    assert_ok(make(&a, 1, err));
    fill(&a, 10);
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_fails(checkpoint_read(rt, path(), &others[i].key, &a.c, err), MEDLEY_E_STALE, others[i].message);
    assert_fails(checkpoint_read(rt, path(), &others[0].key, &a.c, err), MEDLEY_E_STALE,
                 "last.safetensors: model");
    release(&a);
}

static void test_another_shape_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static made a, b;
    made small = {.o = NULL};
    const optimizer_options options = optimizer_defaults(OPTIMIZER_ADAM),
                            plain = optimizer_defaults(OPTIMIZER_SGD);
    assert_ok(make(&a, 1, err));
    fill(&a, 10);
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    parameters_init(rt, &small.p);
    parameters_add(&small.p, "user", shape_2(17, 3), PARAMETER_ROWS, initial_one);
    parameters_add(&small.p, "item", shape_2(6, 3), PARAMETER_ROWS, initial_one);
    assert_ok(parameters_allocate(rt, &small.p, 1, err));
    assert_ok(optimizer_create(rt, &small.p, &options, &small.o, err));
    small.c = (checkpoint){.p = &small.p, .o = small.o};
    assert_fails(checkpoint_read(rt, path(), &key, &small.c, err), MEDLEY_E_FORMAT,
                 "tensor 'parameter/item' is of another shape or type than in this training");
    assert_true(small.p.list[0]->value[0] == 1 && small.c.history == NULL && small.c.at.steps == 0);
    release(&small);
    assert_ok(make(&b, 1, err));
    optimizer_free(b.o);
    assert_ok(optimizer_create(rt, &b.p, &plain, &b.o, err));
    b.c.o = b.o;
    assert_ok(checkpoint_write(rt, path(), &key, &b.c, err));
    assert_fails(checkpoint_read(rt, path(), &key, &a.c, err), MEDLEY_E_FORMAT, "tensor 'm/user' is missing");
    release(&a);
    release(&b);
}

/* Cut anywhere, or with a byte changed in its header, a file is refused, or says the same. */
static void test_a_damaged_file_is_refused(void **state)
{
    (void)state;
    static made a, b;
    size_t length;
    assert_ok(make(&a, 1, err));
    assert_ok(make(&b, 2, err));
    fill(&a, 10);
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    char *bytes = test_read(path(), &length);
    const size_t header = (unsigned char)bytes[0] | (size_t)(unsigned char)bytes[1] << 8;
    for (size_t cut = 0; cut < length; cut += cut < 16 ? 1 : 97) {
        test_write(path(), bytes, cut);
        assert_fails(checkpoint_read(rt, path(), &key, &b.c, err), MEDLEY_E_FORMAT, "last.safetensors");
    }
    for (size_t at = 8; at < header + 8; at += 3) {
        const char was = bytes[at];
        medley_error err = {MEDLEY_OK, ""};
        bytes[at] = (char)(was == '9' ? '1' : was == '-' ? '.' : '9');
        test_write(path(), bytes, length);
        const medley_status status = checkpoint_read(rt, path(), &key, &b.c, &err);
        assert_true(status == MEDLEY_OK || status == MEDLEY_E_FORMAT || status == MEDLEY_E_STALE);
        if (status == MEDLEY_OK) {
            mem_free(b.c.history);
            b.c.history = NULL;
        }
        bytes[at] = was;
    }
    test_write_text(path(), "{}");
    assert_fails(checkpoint_read(rt, path(), &key, &b.c, err), MEDLEY_E_FORMAT, "not a safetensors file");
    assert_fails(checkpoint_read(rt, test_path(folder, "none"), &key, &b.c, err), MEDLEY_E_NOT_FOUND, "none");
    test_read_end(bytes);
    release(&a);
    release(&b);
}

static void test_a_model_is_no_checkpoint(void **state)
{
    (void)state;
    static made a;
    static const float one = 1;
    const named_tensor tensor = {.name = "user", .type = TENSOR_F32, .rank = 0, .data = &one};
    static const char *const metadata[] = {"format", "medley-model-1"};
    assert_ok(make(&a, 1, err));
    assert_ok(safetensors_write(rt, path(), &tensor, 1, metadata, 2, err));
    assert_fails(checkpoint_read(rt, path(), &key, &a.c, err), MEDLEY_E_FORMAT,
                 "format 'medley-model-1'; medley-checkpoint-2 is accepted");
    assert_ok(safetensors_write(rt, path(), &tensor, 1, NULL, 0, err));
    assert_fails(checkpoint_read(rt, path(), &key, &a.c, err), MEDLEY_E_FORMAT,
                 "metadata 'format' is missing: not a checkpoint of Medley");
    release(&a);
}

/* The rows' steps are the file's second tensor, behind the history. */
static void test_rows_of_steps_that_were_not_made_are_refused(void **state)
{
    (void)state;
    static made a, b;
    size_t length;
    assert_ok(make(&a, 1, err));
    assert_ok(make(&b, 2, err));
    fill(&a, 10);
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    char *bytes = test_read(path(), &length);
    const int64_t first = 21, wrong = 1000;
    char *at = NULL;
    for (size_t i = 8; at == NULL && i + 16 < length; i += 8) /* of rows 0 and 4 */
        at = memcmp(bytes + i, &first, 8) == 0 && memcmp(bytes + i + 32, &first, 8) == 0 ? bytes + i : NULL;
    assert_non_null(at);
    memcpy(at + 8, &wrong, 8);
    test_write(path(), bytes, length);
    assert_fails(checkpoint_read(rt, path(), &key, &b.c, err), MEDLEY_E_FORMAT,
                 "last.safetensors: row 1 is as of step 1000, which is not in 21..24");
    assert_true(optimizer_at(b.o).steps == 0 && b.c.history == NULL);
    test_read_end(bytes);
    release(&a);
    release(&b);
}

static void assert_kept(made *want)
{
    static made now;
    assert_ok(make(&now, 3, err));
    assert_ok(checkpoint_read(rt, path(), &key, &now.c, err));
    assert_same(&now, want);
    mem_free(now.c.history);
    release(&now);
}

static void test_a_full_disk_leaves_the_old_checkpoint(void **state)
{
    (void)state;
    static made a, b;
    assert_ok(make(&a, 1, err));
    assert_ok(make(&b, 2, err));
    fill(&a, 10);
    assert_ok(checkpoint_write(rt, path(), &key, &a.c, err));
    fill(&b, 20);
    b.c.at.steps = 77;
    FULL_DISK(rt, &memory, checkpoint_write(rt, path(), &key, &b.c, err), assert_kept(&a), (void)0);
    assert_ok(checkpoint_read(rt, path(), &key, &a.c, err));
    assert_int_equal(a.c.at.steps, 77);
    mem_free(a.c.history);
    release(&a);
    release(&b);
}

static medley_status write_and_read(made *a, made *b, medley_error *err)
{
    TRY(checkpoint_write(rt, path(), &key, &a->c, err));
    return checkpoint_read(rt, path(), &key, &b->c, err);
}

static void test_every_allocation_can_fail(void **state)
{
    (void)state;
    static made a, b;
    assert_ok(make(&a, 1, err));
    assert_ok(make(&b, 2, err));
    fill(&a, 10);
    BRUTAL(rt, &memory, write_and_read(&a, &b, err), mem_free(b.c.history));
    release(&a);
    release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_to_the_bit),
        cmocka_unit_test(test_without_a_best_epoch_nothing_of_it_is_kept),
        cmocka_unit_test(test_another_training_is_refused_by_what_differs),
        cmocka_unit_test(test_another_shape_is_refused_and_changes_nothing),
        cmocka_unit_test(test_a_damaged_file_is_refused),
        cmocka_unit_test(test_rows_of_steps_that_were_not_made_are_refused),
        cmocka_unit_test(test_a_model_is_no_checkpoint),
        cmocka_unit_test(test_a_full_disk_leaves_the_old_checkpoint),
        cmocka_unit_test(test_every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
