/* Any bytes as vectors of items, by each form, or as the ids of an array: finite rows of items that exist, or one line
 * that says what is wrong. The first byte says which. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "data/features_input.h"

enum { ITEMS = 4, IDS = 4, KINDS = 5 };

/* A store that has names of items and nothing else. */
static void name_store(medley_store *store, const medley_runtime *rt)
{
    static const char *items[ITEMS] = {"a", "b", "7", "i 4"};
    uint32_t index;
    *store = (medley_store){.rt = rt, .items = ITEMS, .named = true, .item_ids = items};
    idmap_init(&store->item_map, rt);
    for (int i = 0; i < ITEMS; i++)
        FUZZ_CHECK(idmap_add(&store->item_map, items[i], strlen(items[i]), &index, NULL) == MEDLEY_OK);
}

/* A sound matrix [3, 2] for ids. */
static fuzz_file matrix_file(void)
{
    static const float rows[3][2] = {{1, 2}, {3, 4}, {5, 6}};
    uint8_t bytes[NPY_HEADER_MOST + sizeof rows];
    const size_t length = npy_header((char *)bytes, NPY_F32, 3, 2);
    memcpy(bytes + length, rows, sizeof rows);
    return fuzz_file_create(bytes, length + sizeof rows);
}

static void check_rows(const features_input *in)
{
    float *row;
    int64_t matched = 0;
    FUZZ_CHECK(in->length >= 1 && in->matched + in->unknown + in->duplicate == in->rows);
    FUZZ_CHECK(mem_alloc(in->rt, in->length, sizeof *row, &row, NULL) == MEDLEY_OK);
    for (int64_t item = 0; item < ITEMS; item++) {
        medley_error err = {MEDLEY_OK, ""};
        if (in->row_of[item] < 0)
            continue;
        matched++;
        const medley_status status = in->form->read(in, item, row, &err);
        fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
        for (int64_t i = 0; status == MEDLEY_OK && i < in->length; i++)
            FUZZ_CHECK(isfinite(row[i]));
    }
    FUZZ_CHECK(matched == in->matched);
    mem_free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of features_forms, from 1; IDS stands in the folder's place: a folder is not bytes. */
    static const int formats[KINDS] = {3, 4, 5, 5, 1};
    medley_runtime *rt = fuzz_runtime();
    const int kind = size > 0 ? data[0] % KINDS : 0;
    fuzz_file given = fuzz_file_create(data + (size > 0), size - (size > 0)), matrix = matrix_file();
    const features_import p = {.store = "",
                               .name = "x",
                               .input = kind == IDS ? matrix.path : given.path,
                               .ids = kind == IDS ? given.path
                                      : kind == 3 ? matrix.path
                                                  : "",
                               .format = formats[kind],
                               .tensor = ""};
    medley_error err = {MEDLEY_OK, ""};
    medley_store store;
    features_input in;
    name_store(&store, rt);
    const medley_status status = features_input_open(rt, &p, &store, &in, &err);
    if (status == MEDLEY_OK)
        check_rows(&in);
    else
        FUZZ_CHECK(status == MEDLEY_E_FORMAT || status == MEDLEY_E_CONFIG || status == MEDLEY_E_LIMIT);
    FUZZ_CHECK((status == MEDLEY_OK) == (err.message[0] == '\0'));
    features_input_release(&in);
    idmap_release(&store.item_map);
    fuzz_file_end(&matrix);
    fuzz_file_end(&given);
    medley_runtime_free(rt);
    return 0;
}
