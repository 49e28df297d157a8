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

int output_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
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
