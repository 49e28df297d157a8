/* Any bytes are a value of JSON or Python or a message; what JSON's parser takes is taken here, with as many texts. */
#include "fuzz.h"

#include "data/text_clean.h"
#include "io/json.h"
#include "io/literal.h"
#include "io/utf8.h"

static void check(const literal *v, int64_t *texts)
{
    if (v->kind == LITERAL_TEXT) {
        FUZZ_CHECK(strlen(v->text) == v->length && utf8_invalid_at(v->text, v->length) < 0);
        ++*texts;
    }
    for (const literal *m = v->first; m != NULL; m = m->next) {
        FUZZ_CHECK((v->kind == LITERAL_DICT) == (m->key != NULL));
        check(m, texts);
    }
}

static void count_json(const json *v, int64_t *texts)
{
    *texts += json_as_text(v) != NULL;
    if (json_is_object(v) || json_is_array(v))
        for (int64_t i = 0; i < json_count(v); i++)
            count_json(json_at(v, i, NULL), texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const text_clean_options options = {.lower_case = true};
    const char *bytes = size > 0 ? (const char *)data : "";
    medley_runtime *rt = fuzz_runtime();
    arena a = {.rt = rt};
    text cleaned = {.rt = rt};
    literal *value;
    json *whole = NULL;
    medley_error err = {MEDLEY_OK, ""};
    int64_t ours = 0, theirs = 0;
    const medley_status status = literal_parse(&a, bytes, size, &value, &err);
    fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
    if (status == MEDLEY_OK)
        check(value, &ours);
    /* jansson takes a NUL for the end. */
    if (memchr(bytes, '\0', size) == NULL && json_parse("x", bytes, size, &whole, NULL) == MEDLEY_OK) {
        count_json(whole, &theirs);
        FUZZ_CHECK(status == MEDLEY_OK && ours == theirs);
    }
    FUZZ_CHECK(text_clean(rt, &options, bytes, size, &cleaned, NULL) == MEDLEY_OK);
    FUZZ_CHECK(cleaned.length == 0 || utf8_invalid_at(cleaned.bytes, (size_t)cleaned.length) < 0);
    json_free(whole);
    text_release(&cleaned);
    arena_release(&a);
    medley_runtime_free(rt);
    return 0;
}
