/* A stranger's program: settings as text, and what the library says when one is wrong. */
#include <stdio.h>
#include <string.h>

#include <medley/medley.h>

/* American spelling: refused, with a hint. */
static const char *const settings[][2] = {
    {"store", "nowhere"}, {"split", "s"}, {"run", "r"}, {"model", "itemknn"}, {"neighbors", "20"},
};

int main(void)
{
    medley_error error = {MEDLEY_OK, ""};
    medley_runtime *runtime = NULL;
    medley_config *config = NULL;
    medley_report *report = NULL;

    medley_status status = medley_runtime_create(NULL, &runtime, &error);
    if (status == MEDLEY_OK)
        status = medley_config_create(runtime, &config, &error);
    for (size_t i = 0; status == MEDLEY_OK && i < sizeof settings / sizeof *settings; i++)
        status = medley_config_set(config, settings[i][0], settings[i][1], MEDLEY_FROM_FLAG, NULL, &error);
    if (status == MEDLEY_OK)
        status = medley_train(runtime, config, &report, &error);
    printf("medley %s, %s: %s\n", medley_version(), medley_status_name(status), error.message);

    medley_report_free(report);
    medley_config_free(config);
    medley_runtime_free(runtime);
    return status == MEDLEY_E_CONFIG && strstr(error.message, "'neighbours'") != NULL ? 0 : 1;
}
