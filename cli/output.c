#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

medley_report_form output_form(const options *o)
{
    return o->json ? MEDLEY_REPORT_JSON : o->tsv ? MEDLEY_REPORT_TSV : MEDLEY_REPORT_TEXT;
}

medley_status output_report(medley_report *report, const options *o, medley_error *err)
{
    const char *rendered = NULL;
    const medley_status status = medley_report_render(report, output_form(o), &rendered, err);
    if (status == MEDLEY_OK)
        fputs(rendered, stdout);
    return status;
}

static bool is_styled(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

void output_title(const char *format, ...)
{
    const bool styled = is_styled();
    va_list values;
    va_start(values, format);
    fputs(styled ? "\033[1m" : "", stdout);
    vprintf(format, values);
    fputs(styled ? "\033[0m\n" : "\n", stdout);
    va_end(values);
}

enum { LINE_COLUMNS = 100 };

/* Columns of the first `length` bytes. */
static int columns_of(const char *bytes, size_t length)
{
    int columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return columns;
}

int output_width(const char *text)
{
    return columns_of(text, strlen(text));
}

/* Where a line may go on after a gap: behind a word; of a command behind an option with its values. */
static size_t unit_length(const char *at, const char *end, bool is_command)
{
    size_t length = 0;
    while (at + length < end && (at[length] != ' ' || (is_command && strncmp(at + length, " --", 3) != 0)))
        length++;
    return length;
}

/* A line without its end; units stay whole, however long. */
static void print_broken(const char *line, size_t length, int hang, bool is_command)
{
    const char *const end = line + length;
    const int begin = (int)strspn(line, " "), room = LINE_COLUMNS - (is_command ? 2 : 0);
    int column = 0;
    while (line < end) {
        const size_t gap = strspn(line, " "), unit = unit_length(line + gap, end, is_command);
        if (column > begin && column + columns_of(line, gap + unit) > room) {
            printf("%s\n%*s", is_command ? " \\" : "", begin + hang, "");
            column = begin + hang - (int)gap;
            fwrite(line + gap, 1, unit, stdout);
        } else
            fwrite(line, 1, gap + unit, stdout);
        column += columns_of(line, gap + unit);
        line += gap + unit;
    }
}

static void print_lines(const char *lines, int hang, bool is_command)
{
    for (size_t length; *lines != '\0'; lines += length) {
        length = strcspn(lines, "\n");
        if (columns_of(lines, length) > LINE_COLUMNS)
            print_broken(lines, length, hang, is_command);
        else
            fwrite(lines, 1, length, stdout);
        if (lines[length] == '\n')
            putchar(lines[length++]);
    }
}

void output_wrapped(const char *lines, int hang)
{
    print_lines(lines, hang, false);
}

void output_command(const char *lines)
{
    print_lines(lines, 4, true);
}

medley_status output_end(medley_error *err)
{
    errno = 0;
    const bool failed = fflush(stdout) != 0 || ferror(stdout);
    const int flush_error = errno;
    if (fclose(stdout) == 0 && !failed)
        return MEDLEY_OK;
    const int code = flush_error != 0 ? flush_error : errno;
    if (code == EPIPE)
        return refuse(err, MEDLEY_E_IO, "%s", "");
    return refuse(err, MEDLEY_E_IO, "cannot write the results: %s",
                  code != 0 ? strerror(code) : "standard output refused earlier bytes");
}
