/* Search spaces: what each searched parameter of a table may be, and points of them.
 *
 *   "32,64" or "a,b"     these values                "all"                every choice of an ENUM or BOOL
 *   "1..100"             uniform between the bounds  "log:1e-6..1e-2"     uniform in the logarithm
 *   "default"            what the parameter's table says, or its default value alone
 *
 * A point has one coordinate a dimension: the index of a value, or a number of the range, which is whole for an INT
 * and has 4 significant digits for a REAL, so that its text is short and means exactly the same. */
#ifndef TRAIN_SEARCH_SPACE_H
#define TRAIN_SEARCH_SPACE_H

#include "base/base.h"

enum { SEARCH_DIMENSIONS_MOST = 64, SEARCH_VALUES_MOST = 1000 };

typedef struct search_dimension {
    const medley_param *param;
    int64_t count; /* of values; 0: a range */
    const char **values;
    double low, high;
    bool log;
} search_dimension;

typedef struct search_space {
    arena texts;
    search_dimension dimensions[SEARCH_DIMENSIONS_MOST];
    int64_t count;
} search_space;

void search_space_init(search_space *s, const medley_runtime *rt);
void search_space_release(search_space *s);

/* Adds a dimension from its text, which is copied. Fails with E_CONFIG: "l2: 'log:0..1' ...". */
MEDLEY_MUST_USE medley_status search_space_add(search_space *s, const medley_param *param, const char *words,
                                               medley_error *err);
/* Adds every row that has a search space of its own. */
MEDLEY_MUST_USE medley_status search_space_add_table(search_space *s, const medley_param *table,
                                                     medley_error *err);

/* How many values a dimension has when a REAL range counts as `grid_points` values and an INT range as that many at
 * most; grid_points 0: INT ranges have all their values, and a REAL range has INT64_MAX. */
int64_t search_dimension_size(const search_dimension *d, int64_t grid_points);
/* The points of such a space; INT64_MAX: more than can be counted. A space of no dimension has one. */
int64_t search_space_size(const search_space *s, int64_t grid_points);
/* The index-th of a dimension's values as a coordinate; the ends of a range are among them. */
double search_dimension_at(const search_dimension *d, int64_t grid_points, int64_t index);
/* The index-th point, the last dimension changing fastest. */
void search_space_at(const search_space *s, int64_t grid_points, int64_t index, double *point);

/* A coordinate from u in [0, 1), each value as likely. */
double search_dimension_draw(const search_dimension *d, double u);
/* The nearest coordinate of a range to any number, whole or rounded. */
double search_dimension_round(const search_dimension *d, double x);

bool search_space_equal(const search_space *s, const double *a, const double *b);

/* Appends "neighbours=100, shrinkage=0"; nothing for a space of no dimension. */
void search_space_format(const search_space *s, const double *point, text *out);
/* Writes the coordinate as its user would, as snprintf. */
int search_dimension_format(const search_dimension *d, double coordinate, char *out, size_t size);
/* Sets the point's parameters in `values`; texts borrow from the space. */
MEDLEY_MUST_USE medley_status search_space_set(const search_space *s, const double *point, void *values,
                                               medley_error *err);

#endif
