/* Any bytes are an expression or refused in one line. */
#include "fuzz.h"

#include "recommend/filter_expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    medley_error err = {MEDLEY_OK, ""};
    char *expression;
    filter_expression *f;
    FUZZ_CHECK(mem_text(rt, (const char *)data, size, &expression, &err) == MEDLEY_OK);
    const medley_status status = filter_expression_parse(rt, expression, &f, &err);
    fuzz_check_status(status, MEDLEY_E_CONFIG, &err);
    FUZZ_CHECK((status == MEDLEY_OK) == (f != NULL));
    FUZZ_CHECK(status == MEDLEY_OK || strncmp(err.message, "where: ", 7) == 0);
    filter_expression_free(f);
    mem_free(expression);
    medley_runtime_free(rt);
    return 0;
}
