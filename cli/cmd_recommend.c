/* Lists for a person: a heading per user, then rank, title and score in columns. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

#define TABLE "recommendations"

enum { TITLE_MOST = 60 };

static const char *title_of(const medley_report *report, int64_t row)
{
    const char *title = medley_report_text(report, TABLE, row, "title");
    if (title != NULL && *title != '\0')
        return title;
    const char *item = medley_report_text(report, TABLE, row, "item");
    return item != NULL ? item : "";
}

/* The widest title, and the decimals that show four digits of the largest score. */
static void measure(const medley_report *report, int *width, int *decimals)
{
    double largest = 0;
    bool whole = true;
    *width = 0;
    for (int64_t row = 0; row < medley_report_rows(report, TABLE); row++) {
        double score = 0;
        medley_report_number(report, TABLE, row, "score", &score);
        largest = fmax(largest, fabs(score));
        whole = whole && score == rint(score);
        const int own = output_width(title_of(report, row));
        *width = own > *width ? own : *width;
    }
    *width = *width < TITLE_MOST ? *width : TITLE_MOST;
    const int exponent = largest > 0 ? (int)floor(log10(largest)) : 0;
    *decimals = whole || exponent > 3 ? 0 : exponent < -6 ? 9 : 3 - exponent;
}

/* The title in exactly `width` columns; bytes that would move the cursor become spaces. */
static void print_title(const char *title, int width)
{
    const bool cut = output_width(title) > width;
    int used = 0;
    for (const char *p = title; *p != '\0'; p++) {
        used += ((unsigned char)*p & 0xc0) != 0x80;
        if (cut && used == width)
            break;
        putchar((unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p);
    }
    printf("%s%*s", cut ? "…" : "", width - used, "");
}

static bool show(const medley_report *report)
{
    const int64_t rows = medley_report_rows(report, TABLE);
    int width, decimals;
    measure(report, &width, &decimals);
    const char *last = NULL;
    for (int64_t row = 0; row < rows; row++) {
        const char *user = medley_report_text(report, TABLE, row, "user");
        user = user != NULL ? user : "?";
        if (last == NULL || strcmp(last, user) != 0) {
            fputs(last != NULL ? "\n" : "", stdout);
            output_title("user %s", user);
        }
        last = user;
        double rank = 0, score = 0;
        medley_report_number(report, TABLE, row, "rank", &rank);
        printf("%5.0f  ", rank);
        print_title(title_of(report, row), width);
        if (medley_report_number(report, TABLE, row, "score", &score))
            printf("  %10.*f", decimals, score);
        putchar('\n');
    }
    return rows > 0;
}

const command cmd_recommend = {
    .name = "recommend",
    .operation = medley_recommend,
    .show = show,
    .example = "medley recommend --run run --users 1,2 --top-k 5",
};
