#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/model.h"
#include "fit_model.h"

#define FINGERPRINT "0123456789abcdef0123456789abcdef"

static const model_class *class_of(const char *name)
{
    for (const model_class *const *class = model_classes; *class != NULL; class ++)
        if (strcmp((*class)->name, name) == 0)
            return *class;
    fail_msg("no model '%s'", name);
    return NULL;
}

/* Three users, and four or five items: five are an odd number of floats. */
static const int64_t start[] = {0, 3, 5, 6};
static const uint32_t user[] = {0, 0, 0, 1, 1, 2}, item[] = {0, 1, 3, 1, 2, 1};
static const float rating[] = {5, 3, 1, 4, 2, 5};
static const int64_t timestamp[] = {10, 20, 30, 5, 40, 50};
#define DATA(items_)                                                                                   \
    {                                                                                                  \
        .users = 3, .items = (items_), .events = {6, user, item, rating, timestamp, NULL}, .matrix = { \
            3,                                                                                         \
            (items_),                                                                                  \
            start,                                                                                     \
            item,                                                                                      \
            rating                                                                                     \
        }                                                                                              \
    }
static const training data = DATA(4), odd_data = DATA(5);

/* Whether it learns from what `data` has: no texts, no features. */
static bool learns(const model_class *class)
{
    return strcmp(class->name, "contentknn") != 0 && strcmp(class->name, "vbpr") != 0;
}

typedef struct values {
    _Alignas(16) char bytes[512];
} values;

static values defaults(const model_class *class)
{
    values v = {0};
    medley_params_reset(class->params, &v);
    return v;
}

static medley_status fit_and_save(const medley_runtime *rt, const model_class *class, const char *path,
                                  medley_error *err)
{
    const values v = defaults(class);
    model_state s = {0};
    medley_status status;
    TRY_DONE(train_model(rt, class, &v, &data, NULL, &s, NULL, err));
    TRY_DONE(model_save(rt, path, class, &v, &s, data.users, data.items, FINGERPRINT, err));
done:
    model_state_release(&s);
    return status;
}

static void test_a_model_read_back_is_the_model_that_was_saved(void **state)
{
    (void)state;
    char *folder = test_folder();
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const char *path = test_path(folder, "model.safetensors");
    for (int i = 0; model_classes[i / 2] != NULL; i++) {
        const model_class *class = model_classes[i / 2];
        const training *from = i % 2 == 0 ? &data : &odd_data;
        const values v = defaults(class);
        model_state s = {0};
        model_file m;
        if (!learns(class))
            continue;
        assert_ok(train_model(rt, class, &v, from, NULL, &s, NULL, err));
        assert_ok(model_save(rt, path, class, &v, &s, 3, from->items, FINGERPRINT, err));
        assert_ok(model_load(rt, path, &m, err));
        assert_ptr_equal(m.class, class);
        assert_int_equal(m.users, 3);
        assert_int_equal(m.items, from->items);
        assert_string_equal(m.fingerprint, FINGERPRINT);
        assert_int_equal(m.state.count, s.count);
        for (int64_t t = 0; t < s.count; t++) {
            const named_tensor *saved = &s.tensors[t], *loaded = &m.state.tensors[t];
            assert_string_equal(loaded->name, saved->name);
            assert_int_equal(loaded->type, saved->type);
            assert_int_equal(named_tensor_bytes(loaded), named_tensor_bytes(saved));
            assert_memory_equal(loaded->data, saved->data, (size_t)named_tensor_bytes(saved));
        }
        model_file_release(&m);
        model_state_release(&s);
    }
    test_runtime_end(rt, &memory);
    test_folder_end(folder);
}

static void test_parameters_are_kept_by_name(void **state)
{
    (void)state;
    char *folder = test_folder();
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    const char *path = test_path(folder, "model.safetensors");
    safetensors *file_read;
    assert_ok(fit_and_save(rt, class_of("itemknn"), path, err));
    assert_ok(safetensors_open(rt, path, &file_read, err));
    assert_string_equal(safetensors_metadata(file_read, "format"), "medley-model-1");
    assert_string_equal(safetensors_metadata(file_read, "model"), "itemknn");
    assert_string_equal(safetensors_metadata(file_read, "param.neighbours"), "100");
    assert_string_equal(safetensors_metadata(file_read, "param.shrinkage"), "0");
    assert_string_equal(safetensors_metadata(file_read, "param.feedback"), "binary");
    assert_string_equal(safetensors_metadata(file_read, "tensors"), "weights.start,weights.index,weights.value");
    safetensors_close(file_read);
    test_runtime_end(rt, &memory);
    test_folder_end(folder);
}

/* A model file with one pair of metadata replaced, or left out (value NULL). */
static void write_with(const medley_runtime *rt, const char *path, const char *key, const char *value)
{
    static const float bias[4] = {1, 2, 3, 4};
    static const char *const pairs[] = {
        "format", "medley-model-1", "model",     "popularity", "users", "3", "items",
        "4",      "fingerprint",    FINGERPRINT, "tensors",    "bias"};
    const named_tensor tensor = {"bias", TENSOR_F32, 1, {4}, bias};
    const char *changed[sizeof pairs / sizeof *pairs];
    int64_t count = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i += 2) {
        const bool hit = strcmp(pairs[i], key) == 0;
        if (hit && value == NULL)
            continue;
        changed[count++] = pairs[i];
        changed[count++] = hit ? value : pairs[i + 1];
    }
    assert_ok(safetensors_write(rt, path, &tensor, 1, changed, count, err));
}

static void test_a_file_that_says_something_else_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *message;
    } cases[] = {
        {"format", NULL, "metadata 'format' is missing: not a Medley model"},
        {"format", "medley-model-2", "format 'medley-model-2'; medley-model-1 is accepted"},
        {"model", NULL, "metadata 'model' is missing"},
        {"model", "populairty", "unknown model 'populairty' (did you mean 'popularity'?)"},
        {"model", "zzzzzzzzzzzz", "unknown model 'zzzzzzzzzzzz'"},
        {"model", "ease", "tensor 'weights' is missing, expected F32 [4, 4]"},
        {"users", "-1", "metadata 'users': '-1' is not a number in 0.."},
        {"users", "3x", "metadata 'users': '3x' is not a number"},
        {"items", "99999999999", "metadata 'items': '99999999999' is not a number"},
        {"items", "5", "tensor 'bias' is F32 [4], expected F32 [5]"},
        {"items", NULL, "metadata 'items' is missing"},
        {"fingerprint", NULL, "metadata 'fingerprint' is missing"},
        {"fingerprint", FINGERPRINT "0", "is longer than 32 digits"},
        {"tensors", NULL, "metadata 'tensors' is missing"},
        {"tensors", "", "tensor 'bias' is missing"},
        {"tensors", "bias,other", "metadata 'tensors': 'other' is not in the file"},
        {"tensors", "bias,,", "'' is not in the file"},
        {"tensors", "bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias,bias",
         "'bias' is one too many"},
        {"tensors", "0123456789012345678901234567890123456789012345678901234567890123456789",
         "is not in the file"},
    };
    char *folder = test_folder();
    const char *path = test_path(folder, "model.safetensors");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 1);
        model_file m;
        write_with(rt, path, cases[c].key, cases[c].value);
        assert_fails(model_load(rt, path, &m, err), MEDLEY_E_FORMAT, cases[c].message);
        assert_fails(model_load(rt, path, &m, err), MEDLEY_E_FORMAT, "model.safetensors: ");
        assert_null(m.file);
        test_runtime_end(rt, &memory);
    }
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    model_file m;
    write_with(rt, path, "", NULL); /* nothing changed */
    assert_ok(model_load(rt, path, &m, err));
    model_file_release(&m);
    assert_fails(model_load(rt, test_path(folder, "none"), &m, err), MEDLEY_E_NOT_FOUND, "none");
    test_runtime_end(rt, &memory);
    test_folder_end(folder);
}

static void test_a_truncated_or_damaged_file_is_refused_or_read_but_never_worse(void **state)
{
    (void)state;
    char *folder = test_folder();
    const char *path = test_path(folder, "model.safetensors"), *other = test_path(folder, "damaged.safetensors");
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    size_t length;
    model_file m;
    assert_ok(fit_and_save(rt, class_of("itemknn"), path, err));
    char *bytes = test_read(path, &length);
    for (size_t cut = 0; cut < length; cut++) {
        test_write(other, bytes, cut);
        assert_fails(model_load(rt, other, &m, err), MEDLEY_E_FORMAT, "damaged.safetensors");
    }
    for (size_t at = 0; at < length; at++) {
        bytes[at] = (char)~bytes[at];
        test_write(other, bytes, length);
        if (model_load(rt, other, &m, NULL) == MEDLEY_OK)
            model_file_release(&m);
        bytes[at] = (char)~bytes[at];
    }
    test_read_end(bytes);
    test_runtime_end(rt, &memory);
    test_folder_end(folder);
}

static void test_every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    char *folder = test_folder();
    const char *path = test_path(folder, "model.safetensors");
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    model_file m;
    for (const model_class *const *class = model_classes; *class != NULL; class ++) {
        if (!learns(*class))
            continue;
        BRUTAL(rt, &memory, fit_and_save(rt, *class, path, err), (void)0);
        BRUTAL(rt, &memory, model_load(rt, path, &m, err), model_file_release(&m));
    }
    test_runtime_end(rt, &memory);
    test_folder_end(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_model_read_back_is_the_model_that_was_saved),
        cmocka_unit_test(test_parameters_are_kept_by_name),
        cmocka_unit_test(test_a_file_that_says_something_else_is_refused_by_name),
        cmocka_unit_test(test_a_truncated_or_damaged_file_is_refused_or_read_but_never_worse),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
