#include "data/store_stats.h"

#include <time.h>

#include "io/save.h"
#include "io/svg.h"

/* Interactions of each user or item, most first. */
typedef struct tally {
    int64_t *count;
    int64_t length, total, none; /* none: members without an interaction */
} tally;

static int descending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static medley_status tally_create(const medley_store *s, const uint32_t *index, int64_t length, tally *out,
                                  medley_error *err)
{
    *out = (tally){.length = length, .total = s->count};
    TRY(mem_alloc_zero(s->rt, length, sizeof *out->count, &out->count, err));
    for (int64_t i = 0; i < s->count; i++)
        out->count[index[i]]++;
    qsort(out->count, (size_t)length, sizeof *out->count, descending);
    for (int64_t i = length; i > 0 && out->count[i - 1] == 0; i--)
        out->none++;
    return MEDLEY_OK;
}

/* G = sum_i (2 i - n - 1) x_i / ((n - 1) sum x) over ascending x: 0 all equal, 1 one has all. As the metric. */
static double gini(const tally *t)
{
    double sum = 0;
    for (int64_t i = 0; i < t->length; i++) {
        const int64_t rank = t->length - i;
        sum += (double)(2 * rank - t->length - 1) * (double)t->count[i];
    }
    return t->total > 0 && t->length > 1 ? sum / ((double)(t->length - 1) * (double)t->total) : 0;
}

static double head_share(const tally *t, double head)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < (int64_t)((double)t->length * head); i++)
        sum += t->count[i];
    return t->total > 0 ? (double)sum / (double)t->total : 0;
}

static void report_tally(medley_report *r, const char *name, const char *title, const tally *t)
{
    report_facts(r, name, title);
    report_real(r, "mean", t->length > 0 ? (double)t->total / (double)t->length : 0);
    report_int(r, "median", t->length > 0 ? t->count[t->length / 2] : 0);
    report_int(r, "most", t->length > 0 ? t->count[0] : 0);
    report_int(r, "fewest", t->length > 0 ? t->count[t->length - 1] : 0);
    report_int(r, "without_any", t->none);
    report_real(r, "share_of_top_20_percent", head_share(t, 0.2));
    report_real(r, "gini", gini(t));
}

static void report_time(medley_report *r, const char *name, int64_t seconds)
{
    const time_t at = (time_t)seconds;
    struct tm utc;
    char shown[64] = "";
    if (gmtime_r(&at, &utc) != NULL)
        strftime(shown, sizeof shown, "%Y-%m-%d %H:%M:%S UTC", &utc);
    report_string(r, name, shown);
}

static void report_times(medley_report *r, const interactions *v)
{
    if (v->timestamp == NULL || v->count == 0)
        return;
    int64_t first = v->timestamp[0], last = first, ties = 0;
    for (int64_t i = 0; i < v->count; i++) {
        first = v->timestamp[i] < first ? v->timestamp[i] : first;
        last = v->timestamp[i] > last ? v->timestamp[i] : last;
        ties += i > 0 && v->user[i] == v->user[i - 1] && v->timestamp[i] == v->timestamp[i - 1];
    }
    report_facts(r, "time", "Time");
    report_time(r, "first", first);
    report_time(r, "last", last);
    report_int(r, "same_second_as_the_one_before", ties);
}

/* Counts against rank, both axes logarithmic: a straight line is a power law. */
static medley_status write_plot(const medley_store *s, const tally *users, const tally *items, const char *path,
                                medley_error *err)
{
    const tally *shown[] = {users, items};
    const char *const titles[] = {"interactions per user", "interactions per item"};
    const char *const labels[] = {"user rank", "item rank"};
    double *x[2] = {NULL, NULL}, *y[2] = {NULL, NULL};
    svg_panel panels[2];
    text out = {.rt = s->rt};
    medley_status status = MEDLEY_OK;
    for (int n = 0; n < 2; n++) {
        TRY_DONE(mem_alloc(s->rt, shown[n]->length, sizeof **x, &x[n], err));
        TRY_DONE(mem_alloc(s->rt, shown[n]->length, sizeof **y, &y[n], err));
        int64_t points = 0, next = 0;
        for (int64_t i = 0; i < shown[n]->length; i++) {
            if (i != next && i != shown[n]->length - 1)
                continue; /* as many points per decade as can be seen */
            x[n][points] = (double)i + 1;
            y[n][points++] = (double)shown[n]->count[i];
            next = i + 1 + i / 50;
        }
        panels[n] = (svg_panel){titles[n], labels[n], "interactions", x[n], y[n], points, false, true, true};
    }
    svg_plot(&out, panels, 2);
    TRY_DONE(text_status(&out, err));
    status = save_bytes(s->rt, path, out.bytes, (size_t)out.length, err);
done:
    for (int n = 0; n < 2; n++) {
        mem_free(x[n]);
        mem_free(y[n]);
    }
    text_release(&out);
    return status;
}

medley_status store_stats(const medley_store *s, const char *plot, medley_report *report, medley_error *err)
{
    const interactions *v = &s->files.view;
    tally users = {0}, items = {0};
    medley_status status = MEDLEY_OK;
    TRY_DONE(tally_create(s, v->user, s->users, &users, err));
    TRY_DONE(tally_create(s, v->item, s->items, &items, err));
    report_facts(report, "counts", "Store");
    report_int(report, "users", s->users);
    report_int(report, "items", s->items);
    report_int(report, "interactions", s->count);
    report_real(report, "density",
                s->users > 0 && s->items > 0 ? (double)s->count / ((double)s->users * (double)s->items) : 0);
    report_string(report, "ratings", v->rating != NULL ? "yes" : "no");
    report_string(report, "order", v->timestamp != NULL ? "by time" : s->ordered ? "as given, no times" : "none");
    report_tally(report, "per_user", "Interactions per user", &users);
    report_tally(report, "per_item", "Interactions per item", &items);
    report_times(report, v);
    TRY_DONE(report_status(report, err));
    if (plot[0] != '\0')
        status = write_plot(s, &users, &items, plot, err);
done:
    mem_free(users.count);
    mem_free(items.count);
    return status;
}
