/* The slow twin of io/json_lines: a line parsed whole by io/json (jansson). */
#ifndef TESTS_JSON_LINES_TWIN_H
#define TESTS_JSON_LINES_TWIN_H

#include "io/json.h"
#include "io/json_lines.h"

/* Whether a member's value is what the field says. */
static inline bool twin_agrees(const json *line, const json_lines_key *key, const char *field, size_t length)
{
    double ours, theirs;
    const char *text_value = json_text(line, key->name);
    if (text_value != NULL)
        return (key->types & JSON_LINES_TEXT) != 0 && strlen(text_value) == length &&
               memcmp(text_value, field, length) == 0;
    return (key->types & JSON_LINES_NUMBER) != 0 && json_real(line, key->name, &theirs) &&
           number_real(field, length, &ours) && ours == theirs;
}

/* Whether the object has a value of an accepted type for every key. */
static inline bool twin_is_complete(const json *line, const json_lines_key *keys, int count)
{
    double number;
    for (int i = 0; i < count; i++)
        if (!(((keys[i].types & JSON_LINES_TEXT) != 0 && json_text(line, keys[i].name) != NULL) ||
              ((keys[i].types & JSON_LINES_NUMBER) != 0 && json_real(line, keys[i].name, &number))))
            return false;
    return true;
}

/* True when fast and slow agree on one line (without its line end): what both accept has the same values, and what the
 * slow one accepts without an escape in it, the fast one does, too. `field` is NULL where the fast one refused. */
static inline bool twin_check(const char *line, size_t length, const json_lines_key *keys, int count,
                              const char *block, const delimited_field *field)
{
    json *whole = NULL;
    bool agree = true;
    const bool nul = memchr(line, '\0', length) != NULL; /* jansson takes it for an end */
    const bool parsed =
        !nul && json_parse("line", line, length, &whole, NULL) == MEDLEY_OK && json_is_object(whole);
    if (parsed && field != NULL)
        for (int i = 0; i < count; i++)
            agree = agree && twin_agrees(whole, &keys[i], block + field[i].start, field[i].end - field[i].start);
    else if (parsed)
        agree = memchr(line, '\\', length) != NULL || !twin_is_complete(whole, keys, count);
    json_free(whole);
    return agree;
}

#endif
