#include "list_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

enum { TITLE_MOST = 60 };

static const char *title_of(const medley_report *report, const char *table, int64_t row)
{
    const char *title = medley_report_text(report, table, row, "title");
    if (title != NULL && *title != '\0')
        return title;
    const char *item = medley_report_text(report, table, row, "item");
    return item != NULL ? item : "";
}

/* The widest title, and the decimals that show four digits of the largest score. */
static void measure(const medley_report *report, const char *table, int *width, int *decimals)
{
    double largest = 0;
    bool whole = true;
    *width = 0;
    for (int64_t row = 0; row < medley_report_rows(report, table); row++) {
        double score = 0;
        medley_report_number(report, table, row, "score", &score);
        largest = fmax(largest, fabs(score));
        whole = whole && score == rint(score);
        const int own = output_width(title_of(report, table, row));
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

static void print_row(const medley_report *report, const char *table, int64_t row, int width, int decimals)
{
    double rank = 0, score = 0, novelty = 0;
    medley_report_number(report, table, row, "rank", &rank);
    printf("%5.0f  ", rank);
    print_title(title_of(report, table, row), width);
    if (medley_report_number(report, table, row, "score", &score))
        printf("  %10.*f", decimals, score);
    if (medley_report_number(report, table, row, "novelty", &novelty))
        printf("  %5.1f bits", novelty);
    putchar('\n');
}

bool list_view_print(const medley_report *report, const char *table, const char *whose, const char *heading)
{
    const int64_t rows = medley_report_rows(report, table);
    int width, decimals;
    measure(report, table, &width, &decimals);
    for (int64_t row = 0; row < rows; row++) {
        const char *id = medley_report_text(report, table, row, whose);
        double rank = 0;
        medley_report_number(report, table, row, "rank", &rank);
        if (rank <= 1) {
            fputs(row > 0 ? "\n" : "", stdout);
            output_title("%s %s", heading, id != NULL ? id : "?");
        }
        print_row(report, table, row, width, decimals);
    }
    return rows > 0;
}
