/* Running operations of the library on a scratch folder: include it behind the test's `rt` and `folder`. */
#ifndef TESTS_RUN_OPERATION_H
#define TESTS_RUN_OPERATION_H

#include <medley/config.h>

typedef medley_status (*operation)(medley_runtime *, medley_config *, medley_report **, medley_error *);

/* settings: key, value, key, value, ..., NULL; paths begin with '/' and are of the scratch folder. */
static medley_status run(operation op, medley_report **report, medley_error *err, const char *const *settings)
{
    medley_config *c;
    TRY(medley_config_create(rt, &c, err));
    medley_status status = MEDLEY_OK;
    for (; status == MEDLEY_OK && *settings != NULL; settings += 2)
        status = medley_config_set(c, settings[0],
                                   settings[1][0] == '/' ? test_path(folder, settings[1] + 1) : settings[1],
                                   MEDLEY_FROM_FLAG, NULL, err);
    if (status == MEDLEY_OK)
        status = op(rt, c, report, err);
    medley_config_free(c);
    return status;
}
#define RUN(op, report, ...) assert_ok(run(op, report, err, (const char *const[]){__VA_ARGS__, NULL}))

#endif
