/* Any bytes are read or refused; what is read is rendered, and reads as what renders the same. */
#include "fuzz.h"

#include "io/json.h"

static void render(medley_runtime *rt, const json *value, text *out)
{
    *out = (text){.rt = rt};
    FUZZ_CHECK(json_render(value, 1, out, NULL) == MEDLEY_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    medley_error err = {MEDLEY_OK, ""};
    json *value, *again;
    fuzz_check_status(json_parse("x.json", (const char *)data, size, &value, &err), MEDLEY_E_FORMAT, &err);
    if (value != NULL) {
        text first, second;
        const char *key;
        for (int64_t i = 0; i < json_count(value); i++)
            FUZZ_CHECK(json_at(value, i, &key) != NULL && (key != NULL) == json_is_object(value));
        render(rt, value, &first);
        FUZZ_CHECK(json_parse("again", first.bytes, (size_t)first.length, &again, &err) == MEDLEY_OK);
        render(rt, again, &second);
        FUZZ_CHECK(strcmp(first.bytes, second.bytes) == 0);
        text_release(&first);
        text_release(&second);
        json_free(again);
    }
    json_free(value);
    medley_runtime_free(rt);
    return 0;
}
