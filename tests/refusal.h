/* Refusals: an operation fails in one line that says what was expected, and leaves the current folder as it was, byte
 * for byte. */
#ifndef TESTS_REFUSAL_H
#define TESTS_REFUSAL_H

#include "operate.h"

#include <stdlib.h>

static inline void assert_one_line(const char *message)
{
    for (const char *p = message; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20)
            fail_msg("'%s' is more than a line", message);
    assert_true(message[0] != '\0');
    assert_true(message[strlen(message) - 1] != '.');
}

/* Whether the parts, apart by "...", stand in the message in this order. */
static inline bool message_says(const char *message, const char *parts)
{
    while (*parts != '\0') {
        const char *const end = strstr(parts, "...");
        const size_t length = end != NULL ? (size_t)(end - parts) : strlen(parts);
        char part[512];
        assert_true(length < sizeof part);
        memcpy(part, parts, length);
        part[length] = '\0';
        message = strstr(message, part);
        if (message == NULL)
            return false;
        message += length;
        parts += length + (end != NULL ? 3 : 0);
    }
    return true;
}

/* Cases are text, apart by blank lines; lines with '#' are comments:
 *
 *   recommend              what is called
 *     run=knn              a setting
 *   < users.txt a\nb\n     what a file then holds (\n \t \xHH \\), or
 *   - users.txt            a file that is not there, or
 *   / users.txt            a folder in its place
 *   > E_FORMAT users.txt:2: ...     status, and parts of the message, apart by "..." */
enum { CASE_SETTINGS = 24 };

typedef struct refusal_case {
    char *head, *settings[CASE_SETTINGS], *file, *bytes;
    size_t length;
    int count; /* of settings */
    char kind; /* of what happens to the file */
    medley_status status;
    const char *want;
} refusal_case;

/* Replaces \n, \t, \xHH and \\ in place. Returns the length. */
static inline size_t unescape(char *bytes)
{
    char *to = bytes;
    for (const char *from = bytes; *from != '\0'; from++)
        if (*from != '\\') {
            *to++ = *from;
        } else if (*++from == 'x') {
            const char digits[] = {from[1], from[2], '\0'};
            *to++ = (char)strtol(digits, NULL, 16);
            from += 2;
        } else {
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
        }
    *to = '\0';
    return (size_t)(to - bytes);
}

static inline medley_status status_called(const char *name)
{
    for (int s = 0; s <= MEDLEY_E_DIVERGED; s++)
        if (strcmp(medley_status_name((medley_status)s), name) == 0)
            return (medley_status)s;
    fail_msg("'%s' is no status", name);
    return MEDLEY_OK;
}

/* Cuts a word off the line. */
static inline char *cut_word(char **line)
{
    char *const word = *line, *const end = strchr(word, ' ');
    *line = end != NULL ? end + 1 : word + strlen(word);
    if (end != NULL)
        *end = '\0';
    return word;
}

/* The next case of a text, which is cut up; false at its end. */
static inline bool next_case(char **cursor, refusal_case *out)
{
    *out = (refusal_case){.head = NULL};
    for (char *line; (line = strtok_r(NULL, "\n", cursor)) != NULL;) {
        if (line[0] == '#')
            continue;
        if (line[0] == ' ') {
            assert_true(out->count < CASE_SETTINGS - 1);
            out->settings[out->count++] = line + 2;
        } else if (line[0] == '<' || line[0] == '-' || line[0] == '/') {
            out->kind = line[0];
            out->bytes = line + 2;
            out->file = cut_word(&out->bytes);
            out->length = unescape(out->bytes);
        } else if (line[0] == '>') {
            char *rest = line + 2;
            out->status = status_called(cut_word(&rest));
            out->want = rest;
            assert_non_null(out->head);
            return true;
        } else {
            out->head = line;
        }
    }
    assert_null(out->head);
    return false;
}

/* Does to the file what the case says. */
static inline void case_file(const medley_runtime *rt, const refusal_case *c)
{
    if (c->file == NULL)
        return;
    assert_ok(file_remove_tree(rt, c->file, err));
    if (c->kind == '<')
        test_write(c->file, c->bytes, c->length);
    else if (c->kind == '/')
        assert_ok(file_make_folder(rt, c->file, err));
}

/* settings: "key=value", ..., NULL. want: parts of the message, apart by "...". */
static inline void assert_refuses(medley_runtime *rt, operation run, const char *const *settings,
                                  medley_status want_status, const char *want)
{
    medley_error err = {MEDLEY_OK, ""};
    medley_report *report = NULL;
    text before = {.rt = rt}, after = {.rt = rt};
    list_tree(".", &before);
    const medley_status status = operate(rt, run, settings, &report, &err);
    medley_report_free(report);
    if (status != want_status || !message_says(err.message, want)) {
        for (; *settings != NULL; settings++)
            print_error("%s\n", *settings);
        fail_msg("%s '%s', expected %s '%s'", medley_status_name(status), err.message,
                 medley_status_name(want_status), want);
    }
    assert_int_equal(err.status, status);
    assert_one_line(err.message);
    list_tree(".", &after);
    if (strcmp(after.bytes != NULL ? after.bytes : "", before.bytes != NULL ? before.bytes : "") != 0)
        fail_msg("'%s' changed the disk:\n%s\nbefore:\n%s", err.message, after.bytes, before.bytes);
    text_release(&before);
    text_release(&after);
}

#endif
