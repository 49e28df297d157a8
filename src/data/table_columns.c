#include "data/table_columns.h"

medley_status reader_need_delimiter(const char *key, const char *value, const char **out, medley_error *err)
{
    *out = reader_delimiter(value);
    return *out != NULL
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG,
                      "%s: '%s' is no delimiter; accepted: comma, tab, space, pipe, semicolon or 1..4 bytes "
                      "without quotes and line ends",
                      key, value);
}

medley_status column_list_add(column_list *l, const char *key, const char *value, fact_kind kind,
                              const char *separator, medley_error *err)
{
    for (const char *at = value; *at != '\0';) {
        const size_t span = strcspn(at, ",");
        size_t start = strspn(at, " "), end = span;
        while (end > start && at[end - 1] == ' ')
            end--;
        if (start >= end || end - start > COLUMN_LONGEST)
            return fail(err, MEDLEY_E_CONFIG, "%s: '%s': an empty or long name between commas", key, value);
        if (l->count == COLUMNS_MOST)
            return fail(err, MEDLEY_E_CONFIG, "%s: more than %d columns are attributes", key, COLUMNS_MOST);
        char *name = l->names[l->count];
        memcpy(name, at + start, end - start);
        name[end - start] = '\0';
        l->facts[l->count++] = (fact_column){.column = name, .kind = kind, .separator = separator};
        at += span + (at[span] == ',');
    }
    return MEDLEY_OK;
}
