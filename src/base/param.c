/* Parameter tables: finding, setting, formatting rows. */
#include <medley/param.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

enum { WORD_MOST = 64 };

static char folded(char c)
{
    return c == '-' ? '_' : c;
}

static bool same_name(const char *a, const char *b)
{
    while (*a != '\0' && folded(*a) == folded(*b))
        a++, b++;
    return *a == '\0' && *b == '\0';
}

const medley_param *medley_param_find(const medley_param *table, const char *name)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
        if (same_name(p->name, name))
            return p;
    return NULL;
}

/* The i-th of "a|b|c"; false past the last. */
static bool choice_at(const char *choices, int index, const char **start, size_t *length)
{
    for (; index > 0; index--) {
        choices = strchr(choices, '|');
        if (choices == NULL)
            return false;
        choices++;
    }
    *start = choices;
    *length = strcspn(choices, "|");
    return true;
}

static medley_status refuse(const medley_param *p, const char *text, const char *what, medley_error *err)
{
    char accepted[256];
    medley_param_accepts(p, accepted, sizeof accepted);
    return fail(err, MEDLEY_E_CONFIG, "%s: '%.100s' is not %s; accepted: %s", p->name, text, what, accepted);
}

static medley_status out_of_range(const medley_param *p, const char *text, medley_error *err)
{
    char accepted[256];
    medley_param_accepts(p, accepted, sizeof accepted);
    return fail(err, MEDLEY_E_CONFIG, "%s: %.100s is outside %s", p->name, text, accepted);
}

static medley_status set_choice(const medley_param *p, int *field, const char *text, medley_error *err)
{
    const char *start;
    size_t length;
    for (int i = 0; choice_at(p->choices, i, &start, &length); i++)
        if (strlen(text) == length && memcmp(text, start, length) == 0) {
            *field = i;
            return MEDLEY_OK;
        }
    return refuse(p, text, "a choice", err);
}

medley_status medley_param_set(const medley_param *p, void *values, const char *text, medley_error *err)
{
    void *field = (char *)values + p->offset;
    int64_t integer;
    double real;
    switch (p->kind) {
    case MEDLEY_PARAM_INT:
        if (!number_int(text, strlen(text), &integer))
            return refuse(p, text, "a whole number", err);
        if ((double)integer < p->min || (double)integer > p->max)
            return out_of_range(p, text, err);
        *(int64_t *)field = integer;
        return MEDLEY_OK;
    case MEDLEY_PARAM_REAL:
        if (!number_real(text, strlen(text), &real))
            return refuse(p, text, "a number", err);
        if (real < p->min || real > p->max)
            return out_of_range(p, text, err);
        *(double *)field = real;
        return MEDLEY_OK;
    case MEDLEY_PARAM_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return refuse(p, text, "a truth value", err);
        *(bool *)field = text[0] == 't';
        return MEDLEY_OK;
    case MEDLEY_PARAM_ENUM:
        return set_choice(p, field, text, err);
    case MEDLEY_PARAM_TEXT:
        *(const char **)field = text;
        return MEDLEY_OK;
    case MEDLEY_PARAM_END:
        break;
    }
    return fail(err, MEDLEY_E_ARGUMENT, "the end of a parameter table cannot be set");
}

void medley_params_reset(const medley_param *table, void *values)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        static const size_t size[] = {
            [MEDLEY_PARAM_INT] = sizeof(int64_t), [MEDLEY_PARAM_REAL] = sizeof(double),
            [MEDLEY_PARAM_BOOL] = sizeof(bool),   [MEDLEY_PARAM_ENUM] = sizeof(int),
            [MEDLEY_PARAM_TEXT] = sizeof(char *),
        };
        memset((char *)values + p->offset, 0, size[p->kind]);
        if (p->preset != NULL) {
            const medley_status status = medley_param_set(p, values, p->preset, NULL);
            (void)status; /* that every default is accepted is a test */
        }
    }
}

int medley_param_format(const medley_param *p, const void *values, char *text, size_t size)
{
    const void *field = (const char *)values + p->offset;
    const char *start = "";
    size_t length = 0;
    switch (p->kind) {
    case MEDLEY_PARAM_INT:
        return snprintf(text, size, "%lld", (long long)*(const int64_t *)field);
    case MEDLEY_PARAM_REAL:
        return number_format(*(const double *)field, text, size);
    case MEDLEY_PARAM_BOOL:
        return snprintf(text, size, "%s", *(const bool *)field ? "true" : "false");
    case MEDLEY_PARAM_ENUM:
        choice_at(p->choices, *(const int *)field, &start, &length);
        return snprintf(text, size, "%.*s", (int)length, start);
    case MEDLEY_PARAM_TEXT:
        start = *(const char *const *)field;
        return snprintf(text, size, "%s", start != NULL ? start : "");
    case MEDLEY_PARAM_END:
        break;
    }
    return snprintf(text, size, "%s", "");
}

int medley_param_accepts(const medley_param *p, char *text, size_t size)
{
    switch (p->kind) {
    case MEDLEY_PARAM_INT:
        return number_print(text, size, "%.0f..%.0f", p->min, p->max);
    case MEDLEY_PARAM_REAL:
        return number_print(text, size, "%g..%g", p->min, p->max);
    case MEDLEY_PARAM_BOOL:
        return snprintf(text, size, "true|false");
    case MEDLEY_PARAM_ENUM:
        return snprintf(text, size, "%s", p->choices);
    case MEDLEY_PARAM_TEXT:
    case MEDLEY_PARAM_END:
        break;
    }
    return snprintf(text, size, p->flags & MEDLEY_PARAM_PATH ? "path" : "text");
}

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b: Damerau's distance in
 * its restricted form. Words are cut at WORD_MOST. */
static int edit_distance(const char *a, const char *b)
{
    const int m = (int)strnlen(a, WORD_MOST), n = (int)strnlen(b, WORD_MOST);
    int rows[3][WORD_MOST + 1];
    int *before = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= n; j++)
        last[j] = j;
    for (int i = 1; i <= m; i++) {
        now[0] = i;
        for (int j = 1; j <= n; j++) {
            const bool equal = folded(a[i - 1]) == folded(b[j - 1]);
            int best = last[j - 1] + !equal;
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        int *spare = before;
        before = last, last = now, now = spare;
    }
    return last[n];
}

const char *medley_nearest(const char *word, const char *const *candidates, int64_t count)
{
    const char *nearest = NULL;
    int best = (int)strnlen(word, WORD_MOST) / 3 + 1; /* more edits than this is another word */
    for (int64_t i = 0; i < count; i++) {
        const int distance = edit_distance(word, candidates[i]);
        if (distance < best || (nearest == NULL && distance == best)) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
