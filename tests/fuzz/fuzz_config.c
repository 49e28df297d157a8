/* Any bytes as a YAML file bound to train: settings with values and origins, or one line that says what
 * is wrong. What is bound survives being written and read again. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "api/operation.h"
#include "io/yaml.h"

extern const operation_class operation_train;

static medley_status set(void *context, const char *key, const char *value, int line, medley_error *err)
{
    (void)line;
    return medley_config_set(context, key, value, MEDLEY_FROM_YAML, "again", err);
}

/* As train would write config.yaml, and as --config would read it. */
static void write_and_read(medley_runtime *rt, medley_config *config)
{
    bound_settings s;
    medley_config *again;
    medley_report *first, *second;
    text t = {.rt = rt};
    medley_error err;
    FUZZ_CHECK(settings_bind(config, &operation_train, &s, &err) == MEDLEY_OK);
    FUZZ_CHECK(settings_yaml(&s, &t, &err) == MEDLEY_OK);
    FUZZ_CHECK(medley_config_create(rt, &again, &err) == MEDLEY_OK);
    FUZZ_CHECK(yaml_read(rt, "config.yaml", t.bytes, (size_t)t.length, set, again, &err) == MEDLEY_OK);
    FUZZ_CHECK(medley_config_resolve(config, "train", &first, &err) == MEDLEY_OK);
    FUZZ_CHECK(medley_config_resolve(again, "train", &second, &err) == MEDLEY_OK);
    FUZZ_CHECK(medley_report_rows(first, "settings") == medley_report_rows(second, "settings"));
    for (int64_t row = 0; row < medley_report_rows(first, "settings"); row++) {
        const char *name = medley_report_text(first, "settings", row, "name");
        const char *value = medley_report_text(first, "settings", row, "value");
        if (strcmp(name, "store") != 0 && strcmp(name, "run") != 0) /* paths become absolute */
            FUZZ_CHECK(strcmp(value, medley_report_text(second, "settings", row, "value")) == 0);
    }
    medley_report_free(first);
    medley_report_free(second);
    medley_config_free(again);
    text_release(&t);
    settings_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    medley_config *config;
    medley_report *report = NULL;
    medley_error err = {MEDLEY_OK, ""};
    fuzz_file file = fuzz_file_create(data, size);
    FUZZ_CHECK(medley_config_create(rt, &config, &err) == MEDLEY_OK);
    medley_status status = medley_config_load(config, file.path, &err);
    fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
    if (status == MEDLEY_OK) {
        status = medley_config_resolve(config, "train", &report, &err);
        fuzz_check_status(status, MEDLEY_E_CONFIG, &err);
        FUZZ_CHECK((report != NULL) == (status == MEDLEY_OK));
        if (status == MEDLEY_OK)
            write_and_read(rt, config);
    }
    FUZZ_CHECK(strpbrk(err.message, "\n\r\t\x1b") == NULL);
    medley_report_free(report);
    medley_config_free(config);
    fuzz_file_end(&file);
    medley_runtime_free(rt);
    return 0;
}
