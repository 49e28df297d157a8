/* Which items may be listed, said in words:
 *
 *   genres has "Comedy" and year >= 1990 and not (title contains "II" or popularity < 10)
 *
 *   either  = both {"or" both}              both = one {"and" one}
 *   one     = "not" one | "(" either ")" | "exists" "(" key ")"
 *           | key operator value | key "in" "(" value {"," value} ")"
 *   key     = word | quoted text            value = quoted text | number | "true" | "false"
 *
 * Keys are those of the items' attributes, and id, title, text and popularity (training users). An item's values of
 * a key are the one, or those of the list, that it has there. A comparison holds when one of the values meets it, !=
 * when there are values and none is equal; so without a value every comparison is false. "has" is another name of
 * "=". Numbers compare as numbers, also where the catalogue holds them as text; texts by bytes; "contains" looks for
 * a part of a text, and upper and lower case differ. */
#ifndef RECOMMEND_FILTER_EXPRESSION_H
#define RECOMMEND_FILTER_EXPRESSION_H

#include "data/store.h"

enum { FILTER_EXPRESSION_LONGEST = 64 * 1024, FILTER_EXPRESSION_DEEPEST = 64 };

typedef struct filter_expression filter_expression;

/* Fails with E_CONFIG, naming the column (in bytes, from 1), what was expected and what is there; E_NOMEM. */
MEDLEY_MUST_USE medley_status filter_expression_parse(const medley_runtime *rt, const char *expression,
                                                      filter_expression **out, medley_error *err);
void filter_expression_free(filter_expression *f);

/* Sets allowed [items] to 0 where the expression does not hold, and leaves the others. popularity: [items] or NULL,
 * then it is 0. Fails with E_CONFIG for a key that no item has, naming the nearest; E_NOT_FOUND, E_FORMAT, E_NOMEM. */
MEDLEY_MUST_USE medley_status filter_expression_apply(const filter_expression *f, const medley_store *store,
                                                      const int64_t *popularity, uint8_t *allowed,
                                                      medley_error *err);

#endif
