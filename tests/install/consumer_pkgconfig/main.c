/* A stranger's program: a runtime of one's own options, and the models of this build. */
#include <stdio.h>
#include <string.h>

#include <medley/medley.h>

int main(void)
{
    medley_error error;
    medley_runtime *runtime = NULL;
    const medley_runtime_options options = {.threads = 2};

    if (medley_runtime_create(&options, &runtime, &error) != MEDLEY_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("medley %s, %d threads, models:", medley_version(), medley_runtime_threads(runtime));

    int64_t count = 0;
    medley_entry model;
    while (medley_registry_entry("models", count, &model)) {
        printf(" %s", model.name);
        count++;
    }
    printf("\n");
    medley_runtime_free(runtime);

    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", MEDLEY_VERSION_MAJOR, MEDLEY_VERSION_MINOR,
             MEDLEY_VERSION_PATCH);
    return count > 0 && strcmp(expected, medley_version()) == 0 ? 0 : 1;
}
