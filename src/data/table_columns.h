/* Tables whose shape users give: the delimiter, and lists of columns that become attributes. */
#ifndef DATA_TABLE_COLUMNS_H
#define DATA_TABLE_COLUMNS_H

#include "data/reader.h"

enum { COLUMNS_MOST = 64, COLUMN_LONGEST = 120 };

/* As reader_delimiter; E_CONFIG, which names the setting `key`, where that is NULL. */
MEDLEY_MUST_USE medley_status reader_need_delimiter(const char *key, const char *value, const char **out,
                                                    medley_error *err);

typedef struct column_list {
    fact_column facts[COLUMNS_MOST];
    char names[COLUMNS_MOST][COLUMN_LONGEST + 1];
    int64_t count;
} column_list;

/* Adds the columns of a list as users write it, "price, year". The list must stay where it is: facts borrow its names.
 * Fails with E_CONFIG, which names the setting `key`. */
MEDLEY_MUST_USE medley_status column_list_add(column_list *l, const char *key, const char *value, fact_kind kind,
                                              const char *separator, medley_error *err);

#endif
