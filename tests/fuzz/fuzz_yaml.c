/* Any bytes are read or refused; what is read survives being written and read again. */
#include "fuzz.h"

#include "io/yaml.h"

typedef struct pair {
    const char *key, *value;
} pair;

static medley_status compare(void *context, const char *key, const char *value, int line, medley_error *err)
{
    const pair *want = context;
    (void)err;
    FUZZ_CHECK(strcmp(key, want->key) == 0 && strcmp(value, want->value) == 0 && line == 1);
    return MEDLEY_OK;
}

static medley_status write_and_read(void *context, const char *key, const char *value, int line, medley_error *err)
{
    text out = {.rt = context};
    pair want = {key, value};
    FUZZ_CHECK(line >= 1);
    if (strlen(key) > 160) /* YAML's limit is 1024 characters; an escaped one takes 6 */
        return MEDLEY_OK;
    yaml_write_pair(&out, key, value);
    FUZZ_CHECK(text_status(&out, err) == MEDLEY_OK);
    FUZZ_CHECK(yaml_read(context, "again", out.bytes, (size_t)out.length, compare, &want, err) == MEDLEY_OK);
    text_release(&out);
    return MEDLEY_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    medley_error err = {MEDLEY_OK, ""};
    const medley_status status = yaml_read(rt, "x.yaml", (const char *)data, size, write_and_read, rt, &err);
    fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
    medley_runtime_free(rt);
    return 0;
}
