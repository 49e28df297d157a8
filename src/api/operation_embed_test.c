#include <medley/medley.h>

#include "api/model_access.h"
#include "io/npy.h"
#include "testing.h"

static test_memory memory;
static medley_runtime *rt;
static char *folder;

#include "run_operation.h"

static int set_up(void **state)
{
    (void)state;
    rt = test_runtime(&memory, 2);
    folder = test_folder();
    test_write_text(
        test_path(folder, "rows.csv"),
        "user,item,rating\nu,a,5\nu,\"b, \"\"c\"\"\",3\nv,a,1\nv,d,4\nw,d,2\nw,e,5\nx,a,3\nx,e,4\nx,d,1\n"
        "y,e,2\ny,a,4\n");
    RUN(medley_prepare, NULL, "format", "delimited", "input", "/rows.csv", "store", "/store");
    RUN(medley_split, NULL, "store", "/store", "name", "main", "strategy", "random", "seed", "3");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ials", "factors", "3", "run", "/ials");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "baseline", "run", "/baseline");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "ease", "run", "/ease");
    RUN(medley_train, NULL, "store", "/store", "split", "main", "model", "popularity", "run", "/popular");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
    return 0;
}

static medley_status embed(medley_error *err, const char *const *settings)
{
    medley_report *r = NULL;
    const medley_status status = run(medley_embed, &r, err, settings);
    medley_report_free(r);
    return status;
}
#define EMBED(...) embed(err, (const char *const[]){__VA_ARGS__, "force", "true", NULL})

static medley_model *opened(const char *name)
{
    medley_model *m;
    assert_ok(model_open(rt, test_path(folder, name), NULL, true, &m, err));
    return m;
}

static void assert_array(const char *name, const float *want, int64_t rows, int64_t columns)
{
    npy n;
    assert_ok(npy_open(test_path(folder, name), &n, err));
    assert_int_equal(n.type, NPY_F32);
    assert_int_equal(n.rows, rows);
    assert_int_equal(n.columns, columns);
    assert_memory_equal(n.data, want, (size_t)npy_bytes(&n));
    npy_release(&n);
}

static void assert_text(const char *name, const char *want)
{
    char *bytes = test_read(test_path(folder, name), NULL);
    assert_string_equal(bytes, want);
    test_read_end(bytes);
}

static bool is_there(const char *name)
{
    return file_exists(test_path(folder, name));
}

static void test_arrays_are_those_of_the_model(void **state)
{
    (void)state;
    medley_model *m = opened("ials");
    text ids = {.rt = rt};
    assert_ok(EMBED("run", "/ials", "out", "/npy", "format", "npy"));
    assert_array("npy/users.npy", m->how.user, m->store->users, 3);
    assert_array("npy/items.npy", m->how.item, m->store->items, 3);
    for (int64_t i = 0; i < m->store->items; i++)
        text_format(&ids, "%s\n", m->store->item_ids[i]);
    assert_text("npy/items.txt", ids.bytes);
    assert_text("npy/users.txt", "u\nv\nw\nx\ny\n");
    assert_false(is_there("npy/items_bias.npy"));
    text_release(&ids);
    medley_model_free(m);
}

/* Every float of the table reads back as it is in the model. */
static void test_a_table_reads_back_exactly(void **state)
{
    (void)state;
    medley_model *m = opened("ials");
    assert_ok(EMBED("run", "/ials", "out", "/csv"));
    char *bytes = test_read(test_path(folder, "csv/items.csv"), NULL), *at = bytes;
    assert_memory_equal(at, "id,v1,v2,v3\n", 12);
    at += 12;
    for (int64_t i = 0; i < m->store->items; i++) {
        const char *id = m->store->item_ids[i];
        const char *shown = strcmp(id, "b, \"c\"") == 0 ? "\"b, \"\"c\"\"\"" : id;
        assert_memory_equal(at, shown, strlen(shown));
        at += strlen(shown);
        for (int64_t f = 0; f < 3; f++) {
            assert_int_equal(*at, ',');
            assert_true(strtof(at + 1, &at) == m->how.item[3 * i + f]);
        }
        assert_int_equal(*at++, '\n');
    }
    assert_int_equal(*at, '\0');
    test_read_end(bytes);
    medley_model_free(m);
}

static void test_safetensors_hold_vectors_and_ids(void **state)
{
    (void)state;
    medley_model *m = opened("ials");
    safetensors *s;
    assert_ok(EMBED("run", "/ials", "out", "/tensors", "format", "safetensors"));
    assert_ok(safetensors_open(rt, test_path(folder, "tensors/items.safetensors"), &s, err));
    const named_tensor *vectors = safetensors_find(s, "vectors"), *ids = safetensors_find(s, "ids");
    assert_memory_equal(vectors->data, m->how.item, (size_t)named_tensor_bytes(vectors));
    assert_int_equal(vectors->shape[0], m->store->items);
    assert_int_equal(ids->shape[1], 6); /* b, "c" */
    for (int64_t i = 0; i < m->store->items; i++)
        assert_int_equal(strncmp((const char *)ids->data + 6 * i, m->store->item_ids[i], 6), 0);
    assert_string_equal(safetensors_metadata(s, "model"), "ials");
    assert_null(safetensors_find(s, "bias"));
    safetensors_close(s);
    medley_model_free(m);
}

/* score = <user, item> + bias, from the files alone, is the score that the model ranks with. */
static void test_biases_stand_beside_the_vectors(void **state)
{
    (void)state;
    medley_model *m = opened("baseline");
    left_sides left;
    assert_ok(EMBED("run", "/baseline", "out", "/biased", "format", "npy"));
    assert_ok(model_left_known(m, KNOWN_BEFORE_VAL, &left, err));
    assert_array("biased/users.npy", left.vectors, m->store->users, 1);
    assert_array("biased/items_bias.npy", m->how.bias, m->store->items, 0);
    left_sides_release(&left);
    assert_ok(EMBED("run", "/baseline", "out", "/biased", "what", "items"));
    assert_true(is_there("biased/items_bias.csv"));
    assert_false(is_there("biased/users.csv"));
    assert_ok(EMBED("run", "/baseline", "out", "/biased", "what", "users", "format", "safetensors"));
    assert_true(is_there("biased/users.safetensors"));
    assert_false(is_there("biased/items.safetensors"));
    medley_model_free(m);
}

static void test_users_can_be_made_of_all_that_is_known(void **state)
{
    (void)state;
    medley_model *m = opened("ials");
    left_sides left;
    assert_ok(EMBED("run", "/ials", "out", "/known", "format", "npy", "known", "all"));
    assert_ok(model_left_known(m, KNOWN_ALL, &left, err));
    assert_true(memcmp(left.vectors, m->how.user, sizeof(float) * 3 * (size_t)left.rows) != 0);
    assert_array("known/users.npy", left.vectors, m->store->users, 3);
    assert_array("known/items.npy", m->how.item, m->store->items, 3);
    left_sides_release(&left);
    medley_model_free(m);
}

static void test_a_model_without_vectors_is_refused(void **state)
{
    (void)state;
    assert_fails(EMBED("run", "/ease", "out", "/none"), MEDLEY_E_ARGUMENT,
                 "run: model ease has no vectors of users and items; models that have: ");
    assert_fails(EMBED("run", "/popular", "out", "/none"), MEDLEY_E_ARGUMENT, "ials");
    assert_false(is_there("none"));
}

static void test_a_line_end_in_an_id_has_no_place_in_a_list(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "odd.csv"), "user,item\nu,\"a\nb\"\nu,c\nu,d\nu,e\nv,c\nv,d\nv,e\nv,f\n");
    RUN(medley_prepare, NULL, "format", "delimited", "input", "/odd.csv", "store", "/odd");
    RUN(medley_split, NULL, "store", "/odd", "name", "main", "strategy", "random");
    RUN(medley_train, NULL, "store", "/odd", "split", "main", "model", "ials", "factors", "2", "run", "/oddrun");
    assert_fails(EMBED("run", "/oddrun", "out", "/lines", "format", "npy"), MEDLEY_E_FORMAT,
                 "format: npy has no room for the id 'a?b', which holds a line end; accepted: csv|safetensors");
    assert_false(is_there("lines"));
    assert_ok(EMBED("run", "/oddrun", "out", "/lines"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_are_those_of_the_model),
        cmocka_unit_test(test_a_table_reads_back_exactly),
        cmocka_unit_test(test_safetensors_hold_vectors_and_ids),
        cmocka_unit_test(test_biases_stand_beside_the_vectors),
        cmocka_unit_test(test_users_can_be_made_of_all_that_is_known),
        cmocka_unit_test(test_a_model_without_vectors_is_refused),
        cmocka_unit_test(test_a_line_end_in_an_id_has_no_place_in_a_list),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
