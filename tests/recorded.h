/* Values that the scripts of tools/parity recorded in a table of tests/parity: the row that begins with given
 * cells ends with numbers, joined by commas. */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include "testing.h"

#include <stdlib.h>

/* cells: the first of the row, with a tab after each. */
static inline void recorded_values(const char *table, const char *cells, double *out, int64_t count)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/parity/%s", MEDLEY_SOURCE_DIR, table);
    char *const bytes = test_read(path, NULL);
    const char *row = bytes;
    while (row != NULL && strncmp(row, cells, strlen(cells)) != 0) {
        row = strchr(row, '\n');
        row = row != NULL ? row + 1 : NULL;
    }
    if (row == NULL)
        fail_msg("%s: no row '%s'", path, cells);
    row += strlen(cells);
    for (int64_t i = 0; i < count; i++) {
        char *end;
        out[i] = strtod(row, &end);
        assert_true(end != row && *end == (i + 1 < count ? ',' : '\n'));
        row = end + 1;
    }
    test_read_end(bytes);
}

/* The matrix of tools/parity/record_ials.py, by users. Returns how many pairs there are. */
enum { RECORDED_USERS = 40, RECORDED_ITEMS = 30 };
static inline int64_t recorded_pairs(uint32_t *user, uint32_t *item)
{
    int64_t count = 0;
    for (uint32_t u = 0; u < RECORDED_USERS; u++)
        for (uint32_t i = 0; i < RECORDED_ITEMS; i++)
            if (random_uniform(11, u, i) < 0.5 / (1 + i % 5)) {
                user[count] = u;
                item[count++] = i;
            }
    return count;
}

#endif
