#include "train/search_space.h"

#include <math.h>

enum { DIGITS = 4, NUMBER_LONGEST = 40 };

void search_space_init(search_space *s, const medley_runtime *rt)
{
    s->texts = (arena){.rt = rt};
    s->count = 0;
}

void search_space_release(search_space *s)
{
    arena_release(&s->texts);
    s->count = 0;
}

/* ---- reading ---- */

/* Room for a value of any kind: a row is checked by setting it. */
typedef union scratch {
    int64_t integer;
    double real;
    bool truth;
    int choice;
    const char *text;
} scratch;

static medley_param alone(const medley_param *p)
{
    medley_param copy = *p;
    copy.offset = 0;
    return copy;
}

static medley_status add_value(search_space *s, search_dimension *d, const char *start, size_t length,
                               medley_error *err)
{
    const medley_param p = alone(d->param);
    const char *given, *kept;
    scratch value = {0};
    char canonical[256];
    while (length > 0 && *start == ' ')
        start++, length--;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    TRY(arena_text(&s->texts, start, length, &given, err));
    TRY(medley_param_set(&p, &value, given, err));
    kept = given;
    if (p.kind != MEDLEY_PARAM_TEXT) {
        medley_param_format(&p, &value, canonical, sizeof canonical);
        TRY(arena_text(&s->texts, canonical, strlen(canonical), &kept, err));
    }
    for (int64_t i = 0; i < d->count; i++)
        if (strcmp(d->values[i], kept) == 0)
            return fail(err, MEDLEY_E_CONFIG, "%s: %.100s is given twice", p.name, given);
    d->values[d->count++] = kept;
    return MEDLEY_OK;
}

static medley_status read_values(search_space *s, search_dimension *d, const char *words, char separator,
                                 medley_error *err)
{
    const char stop[] = {separator, '\0'};
    int64_t count = 1;
    for (const char *at = words; *at != '\0'; at++)
        count += *at == separator;
    if (count > SEARCH_VALUES_MOST)
        return fail(err, MEDLEY_E_CONFIG, "%s: more than %d values", d->param->name, SEARCH_VALUES_MOST);
    TRY(arena_alloc(&s->texts, count, sizeof *d->values, &d->values, err));
    for (const char *at = words;;) {
        const size_t length = strcspn(at, stop);
        TRY(add_value(s, d, at, length, err));
        if (at[length] == '\0')
            return MEDLEY_OK;
        at += length + 1;
    }
}

static medley_status read_bound(search_space *s, const medley_param *param, const char *start, size_t length,
                                double *out, medley_error *err)
{
    const medley_param p = alone(param);
    const char *word;
    scratch value;
    TRY(arena_text(&s->texts, start, length, &word, err));
    TRY(medley_param_set(&p, &value, word, err));
    *out = p.kind == MEDLEY_PARAM_INT ? (double)value.integer : value.real;
    return MEDLEY_OK;
}

static medley_status read_range(search_space *s, search_dimension *d, const char *words, medley_error *err)
{
    const char *name = d->param->name;
    const char *low = strncmp(words, "log:", 4) == 0 ? words + 4 : words, *dots = strstr(low, "..");
    d->log = low != words;
    if (d->param->kind != MEDLEY_PARAM_INT && d->param->kind != MEDLEY_PARAM_REAL)
        return fail(err, MEDLEY_E_CONFIG, "%s: '%.100s' is a range; accepted: values separated by commas, or all",
                    name, words);
    if (dots == NULL)
        return fail(err, MEDLEY_E_CONFIG, "%s: '%.100s' is no range; accepted: log:LOW..HIGH", name, words);
    TRY(read_bound(s, d->param, low, (size_t)(dots - low), &d->low, err));
    TRY(read_bound(s, d->param, dots + 2, strlen(dots + 2), &d->high, err));
    if (d->low >= d->high)
        return fail(err, MEDLEY_E_CONFIG, "%s: '%.100s' holds no range; accepted: LOW..HIGH with LOW < HIGH", name,
                    words);
    if (d->log && d->low <= 0)
        return fail(err, MEDLEY_E_CONFIG, "%s: '%.100s' begins at %g, which has no logarithm; accepted: above 0",
                    name, words, d->low);
    return MEDLEY_OK;
}

static bool is_default(const char *words)
{
    return words == NULL || words[0] == '\0' || strcmp(words, "default") == 0;
}

medley_status search_space_add(search_space *s, const medley_param *param, const char *words, medley_error *err)
{
    if (s->count == SEARCH_DIMENSIONS_MOST)
        return fail(err, MEDLEY_E_CONFIG, "%s: more than %d searched parameters", param->name,
                    SEARCH_DIMENSIONS_MOST);
    search_dimension *d = &s->dimensions[s->count];
    *d = (search_dimension){.param = param};
    if (is_default(words))
        words = param->sweep;
    if (words == NULL && param->preset == NULL)
        return fail(err, MEDLEY_E_CONFIG, "%s: has no default; accepted: values separated by commas", param->name);
    if (words == NULL) {
        TRY(arena_alloc(&s->texts, 1, sizeof *d->values, &d->values, err));
        TRY(add_value(s, d, param->preset, strlen(param->preset), err));
    } else if (strcmp(words, "all") == 0 && param->kind == MEDLEY_PARAM_ENUM) {
        TRY(read_values(s, d, param->choices, '|', err));
    } else if (strcmp(words, "all") == 0 && param->kind == MEDLEY_PARAM_BOOL) {
        TRY(read_values(s, d, "false,true", ',', err));
    } else if (param->kind != MEDLEY_PARAM_TEXT &&
               (strncmp(words, "log:", 4) == 0 || strstr(words, "..") != NULL)) {
        TRY(read_range(s, d, words, err));
    } else {
        TRY(read_values(s, d, words, ',', err));
    }
    s->count++;
    return MEDLEY_OK;
}

medley_status search_space_add_table(search_space *s, const medley_param *table, medley_error *err)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
        if (p->sweep != NULL)
            TRY(search_space_add(s, p, NULL, err));
    return MEDLEY_OK;
}

/* ---- points ---- */

static bool is_whole(const search_dimension *d)
{
    return d->param->kind == MEDLEY_PARAM_INT;
}

static double within(const search_dimension *d, double x)
{
    return x < d->low ? d->low : x > d->high ? d->high : x;
}

double search_dimension_round(const search_dimension *d, double x)
{
    if (is_whole(d))
        return within(d, nearbyint(x));
    char digits[NUMBER_LONGEST];
    number_print(digits, sizeof digits, "%.*e", DIGITS - 1, x);
    number_real(digits, strlen(digits), &x);
    return within(d, x);
}

int64_t search_dimension_size(const search_dimension *d, int64_t grid_points)
{
    if (d->count > 0)
        return d->count;
    const double whole = d->high - d->low + 1;
    if (!is_whole(d))
        return grid_points > 0 ? grid_points : INT64_MAX;
    if (grid_points > 0 && whole > (double)grid_points)
        return grid_points;
    return whole < 9e18 ? (int64_t)whole : INT64_MAX;
}

int64_t search_space_size(const search_space *s, int64_t grid_points)
{
    int64_t size = 1;
    for (int64_t i = 0; i < s->count; i++) {
        const int64_t own = search_dimension_size(&s->dimensions[i], grid_points);
        if (own > INT64_MAX / size)
            return INT64_MAX;
        size *= own;
    }
    return size;
}

/* Where u in [0, 1] lies in a range, before rounding. */
static double spread(const search_dimension *d, double low, double high, double u)
{
    return d->log ? exp(log(low) + u * (log(high) - log(low))) : low + u * (high - low);
}

double search_dimension_at(const search_dimension *d, int64_t grid_points, int64_t index)
{
    if (d->count > 0)
        return (double)index;
    const int64_t size = search_dimension_size(d, grid_points);
    if (is_whole(d) && (double)size == d->high - d->low + 1)
        return d->low + (double)index;
    if (index == size - 1)
        return d->high;
    double x = d->low;
    for (int64_t i = 0; i <= index; i++) { /* near the low end of a logarithm whole numbers would repeat */
        const double next = search_dimension_round(d, spread(d, d->low, d->high, (double)i / (double)(size - 1)));
        x = i > 0 && is_whole(d) && next < x + 1 ? x + 1 : next;
    }
    return x;
}

void search_space_at(const search_space *s, int64_t grid_points, int64_t index, double *point)
{
    for (int64_t i = s->count - 1; i >= 0; i--) {
        const int64_t size = search_dimension_size(&s->dimensions[i], grid_points);
        point[i] = search_dimension_at(&s->dimensions[i], grid_points, index % size);
        index /= size;
    }
}

double search_dimension_draw(const search_dimension *d, double u)
{
    if (d->count > 0)
        return floor(u * (double)d->count);
    if (!is_whole(d))
        return search_dimension_round(d, spread(d, d->low, d->high, u));
    return search_dimension_round(d, spread(d, d->low - 0.5, d->high + 0.5, u)); /* the ends get a whole share */
}

bool search_space_equal(const search_space *s, const double *a, const double *b)
{
    for (int64_t i = 0; i < s->count; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* ---- as text ---- */

int search_dimension_format(const search_dimension *d, double x, char *out, size_t size)
{
    if (d->count > 0)
        return snprintf(out, size, "%s", d->values[(int64_t)x]);
    return is_whole(d) ? snprintf(out, size, "%lld", (long long)x) : number_format(x, out, size);
}

void search_space_format(const search_space *s, const double *point, text *out)
{
    for (int64_t i = 0; i < s->count; i++) {
        const search_dimension *d = &s->dimensions[i];
        char number[NUMBER_LONGEST];
        text_add(out, i > 0 ? ", " : "");
        text_add(out, d->param->name);
        text_add(out, "=");
        if (d->count == 0)
            search_dimension_format(d, point[i], number, sizeof number);
        text_add(out, d->count > 0 ? d->values[(int64_t)point[i]] : number);
    }
}

medley_status search_space_set(const search_space *s, const double *point, void *values, medley_error *err)
{
    for (int64_t i = 0; i < s->count; i++) {
        const search_dimension *d = &s->dimensions[i];
        char number[NUMBER_LONGEST];
        if (d->count == 0)
            search_dimension_format(d, point[i], number, sizeof number);
        TRY(medley_param_set(d->param, values, d->count > 0 ? d->values[(int64_t)point[i]] : number, err));
    }
    return MEDLEY_OK;
}
