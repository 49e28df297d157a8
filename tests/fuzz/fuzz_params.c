/* Any "key=value" given to any table is accepted or refused with a message, never worse; what is accepted
 * is in range, is shown, and is accepted again as it is shown. */
#include "fuzz.h"

#include <string.h>

#include "api/operation.h"

enum { VALUES_MOST = 1024, GUARD = 0x5a };

/* The row's value shown and read back is the same value. */
static void show_and_set(const medley_param *p, const char *values)
{
    _Alignas(16) char again[VALUES_MOST];
    char shown[4096], back[4096];
    const int length = medley_param_format(p, values, shown, sizeof shown);
    FUZZ_CHECK(length >= 0);
    if ((size_t)length >= sizeof shown)
        return;
    FUZZ_CHECK(medley_param_set(p, again, shown, NULL) == MEDLEY_OK);
    FUZZ_CHECK(medley_param_format(p, again, back, sizeof back) == length && strcmp(shown, back) == 0);
}

static void give(const registry_member *member, const char *key, const char *value)
{
    _Alignas(16) char values[VALUES_MOST];
    medley_error err = {MEDLEY_OK, ""};
    const medley_param *table = member->entry.params, *p = medley_param_find(table, key);
    memset(values, GUARD, sizeof values);
    medley_params_reset(table, values);
    if (p == NULL)
        return;
    const medley_status status = medley_param_set(p, values, value, &err);
    fuzz_check_status(status, MEDLEY_E_CONFIG, &err);
    FUZZ_CHECK(strpbrk(err.message, "\n\r\t\x1b") == NULL);
    for (size_t i = member->params_size; i < sizeof values; i++)
        FUZZ_CHECK(values[i] == GUARD);
    if (status == MEDLEY_OK)
        show_and_set(p, values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[4096];
    const char *names[64];
    int64_t count = 0;
    medley_entry kind, entry;
    registry_member member;
    if (size >= sizeof line)
        size = sizeof line - 1;
    memcpy(line, data, size);
    line[size] = '\0';
    char *equals = strchr(line, '=');
    const char *value = equals != NULL ? equals + 1 : "";
    if (equals != NULL)
        *equals = '\0';
    for (int64_t k = 0; medley_registry_entry(NULL, k, &kind); k++)
        for (int64_t i = 0; medley_registry_entry(kind.name, i, &entry); i++) {
            FUZZ_CHECK(registry_find(kind.name, entry.name, &member, NULL) == MEDLEY_OK);
            FUZZ_CHECK(member.params_size <= VALUES_MOST);
            give(&member, line, value);
            for (const medley_param *p = entry.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
                give(&member, p->name, line); /* so that values are tried without finding a key */
                if (count < 64)
                    names[count++] = p->name;
            }
        }
    (void)medley_nearest(line, names, count);
    return 0;
}
