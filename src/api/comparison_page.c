/* A comparison as one file of HTML: no script, nothing from elsewhere. */
#include "api/comparison.h"

#include <math.h>

#include "io/html.h"
#include "io/svg.h"

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem;color:#222;background:#fff}\n"
    "table{border-collapse:collapse;margin:.5rem 0}caption{text-align:left;padding:.3rem 0;max-width:60rem}\n"
    "th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #8884;vertical-align:top}\n"
    "th[scope=row],td.words,th:first-child{text-align:left}th[scope=row]{font-weight:normal}thead th{border-bottom:2px solid}\n"
    "small{opacity:.75;display:block;white-space:nowrap}.wide{overflow-x:auto}.plots{display:flex;flex-wrap:wrap;gap:1rem}\n"
    "figure{margin:0}dt{font-weight:bold}a{color:inherit}\n"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}}\n";

/* ---- Pieces ---- */

static void add_heading(text *out, const char *id, const char *words)
{
    text_format(out, "</section>\n<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
    html_add(out, words);
    text_add(out, "</h2>\n");
}

static void add_cell(text *out, const char *tag, const char *words)
{
    text_format(out, "<%s>", tag);
    html_add(out, words);
    text_format(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static void add_fact(text *out, const char *name, const char *value)
{
    text_add(out, "<tr>");
    add_cell(out, "th scope=\"row\"", name);
    add_cell(out, "td class=\"words\"", value);
    text_add(out, "</tr>\n");
}

static void add_real(text *out, double value)
{
    if (isnan(value))
        text_add(out, "–");
    else
        text_format(out, fabs(value) < 10 ? "%.4f" : "%.5g", value);
}

static void add_p(text *out, double p)
{
    text_add(out, "<td>");
    if (isnan(p))
        text_add(out, "–");
    else
        text_format(out, p < 0.001 ? "%.1e" : "%.3f", p);
    text_add(out, "</td>");
}

/* ---- Values ---- */

static void add_value(const comparison *c, int64_t s, int64_t column, text *out)
{
    const compared_system *system = &c->systems[s];
    const compared_pair *test = comparison_against_baseline(c, s, column);
    const bool best = comparison_is_best(c, s, column);
    text_add(out, best ? "<td><strong>" : "<td>");
    add_real(out, system->value[column]);
    text_add(out, best ? "</strong>" : "");
    text_add(out, test != NULL && test->significant ? "†" : "");
    if (system->runs > 1) {
        text_add(out, " <small>± ");
        add_real(out, system->std[column]);
        text_add(out, " between seeds</small>");
    }
    if (!isnan(system->interval[column].low)) {
        text_add(out, "<small>");
        add_real(out, system->interval[column].low);
        text_add(out, " to ");
        add_real(out, system->interval[column].high);
        text_add(out, "</small>");
    }
    text_add(out, "</td>");
}

static void add_values(const comparison *c, text *out)
{
    text note = {.rt = c->rt};
    comparison_explain(c, &note);
    out->failed |= note.failed;
    add_heading(out, "values", "Values");
    text_add(out,
             "<div class=\"wide\"><table>\n<caption>Strong: best. †: differs significantly from the baseline, ");
    html_add(out, c->systems[c->baseline].label);
    text_add(out, ". ");
    html_add(out, note.bytes);
    text_add(out, "</caption>\n<thead><tr><th scope=\"col\">metric</th>");
    for (int64_t s = 0; s < c->system_count; s++)
        add_cell(out, "th scope=\"col\"", c->systems[s].label);
    text_add(out, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < c->column_count; i++) {
        text_add(out, "<tr><th scope=\"row\">");
        html_add(out, c->columns[i].name);
        text_add(out, c->columns[i].more_is_better ? "</th>" : " (less is better)</th>");
        for (int64_t s = 0; s < c->system_count; s++)
            add_value(c, s, i, out);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>\n");
    text_release(&note);
}

/* ---- Plots ---- */

/* Room for the plots: a point a system and cutoff, and the users' values. */
typedef struct drawing {
    const comparison *c;
    text *out;
    const char **names;                              /* [systems] */
    double *value, *low, *high, *x, *y, *mine, *its; /* [points]; mine and its [users] */
    int64_t *group;                                  /* [points] */
} drawing;

enum { BINS = 41 };

static medley_status drawing_create(const comparison *c, text *out, drawing *d)
{
    const int64_t most = c->system_count * c->column_count, points = most > BINS ? most : BINS;
    *d = (drawing){.c = c, .out = out};
    TRY(mem_alloc(c->rt, c->system_count, sizeof *d->names, &d->names, NULL));
    TRY(mem_alloc(c->rt, points, sizeof *d->value, &d->value, NULL));
    TRY(mem_alloc(c->rt, points, sizeof *d->low, &d->low, NULL));
    TRY(mem_alloc(c->rt, points, sizeof *d->high, &d->high, NULL));
    TRY(mem_alloc(c->rt, points, sizeof *d->x, &d->x, NULL));
    TRY(mem_alloc(c->rt, points, sizeof *d->y, &d->y, NULL));
    TRY(mem_alloc(c->rt, points, sizeof *d->group, &d->group, NULL));
    TRY(mem_alloc(c->rt, c->users, sizeof *d->mine, &d->mine, NULL));
    TRY(mem_alloc(c->rt, c->users, sizeof *d->its, &d->its, NULL));
    for (int64_t s = 0; s < c->system_count; s++)
        d->names[s] = c->systems[s].label;
    return MEDLEY_OK;
}

static void drawing_release(drawing *d)
{
    mem_free(d->names);
    mem_free(d->value);
    mem_free(d->low);
    mem_free(d->high);
    mem_free(d->x);
    mem_free(d->y);
    mem_free(d->group);
    mem_free(d->mine);
    mem_free(d->its);
}

/* "ndcg" of "ndcg@10". */
static bool same_metric(const char *a, const char *b)
{
    const size_t length = strcspn(a, "@");
    return strncmp(a, b, length) == 0 && (b[length] == '\0' || b[length] == '@');
}

/* Cutoffs ascend: the last column of a metric has the largest. */
static bool is_last_of_metric(const comparison *c, int64_t column)
{
    for (int64_t i = column + 1; i < c->column_count; i++)
        if (same_metric(c->columns[column].name, c->columns[i].name))
            return false;
    return true;
}

static void draw_bars(const drawing *d, int64_t column)
{
    const comparison *c = d->c;
    const char *name = c->columns[column].name;
    char description[200];
    for (int64_t s = 0; s < c->system_count; s++) {
        d->value[s] = c->systems[s].value[column];
        d->low[s] = c->systems[s].interval[column].low;
        d->high[s] = c->systems[s].interval[column].high;
    }
    const svg_rows rows = {name, d->names, d->value, d->low, d->high, c->system_count};
    snprintf(description, sizeof description,
             "Bars: %.100s of each system with its interval; the table has the numbers", name);
    text_add(d->out, "<figure>");
    svg_bars(d->out, &rows, description);
    text_add(d->out, "</figure>\n");
}

/* A metric by cutoff, a line a system. */
static void draw_curves(const drawing *d, int64_t last)
{
    const comparison *c = d->c;
    char title[64], description[200];
    int64_t n = 0;
    for (int64_t s = 0; s < c->system_count; s++)
        for (int64_t i = 0; i <= last; i++) {
            const char *cutoff = comparison_cutoff(c->columns[i].name);
            int64_t k;
            if (!same_metric(c->columns[last].name, c->columns[i].name) || cutoff[0] == '\0' ||
                !number_int(cutoff + 1, strlen(cutoff + 1), &k))
                continue;
            d->x[n] = (double)k;
            d->y[n] = c->systems[s].value[i];
            d->group[n++] = s;
        }
    if (n < 2 * c->system_count)
        return;
    snprintf(title, sizeof title, "%.*s@k", (int)strcspn(c->columns[last].name, "@"), c->columns[last].name);
    snprintf(description, sizeof description, "Lines: %s of each system over the list length k", title);
    const svg_panel panel = {.title = title, .x_label = "k", .y_label = title, .x = d->x, .y = d->y, .count = n};
    const svg_groups groups = {d->group, d->names, c->system_count, false};
    text_add(d->out, "<figure>");
    svg_figure(d->out, &panel, &groups, description);
    text_add(d->out, "</figure>\n");
}

/* nDCG at the largest cutoff, else the first metric that users have values of. */
static int64_t find_primary(const comparison *c)
{
    int64_t found = -1;
    for (int64_t i = 0; i < c->column_count; i++)
        if (same_metric("ndcg", c->columns[i].name) || (found < 0 && c->columns[i].per_user))
            found = i;
    return found;
}

static int64_t find_column(const comparison *c, const char *metric, const char *cutoff)
{
    for (int64_t i = 0; i < c->column_count; i++)
        if (same_metric(metric, c->columns[i].name) && strcmp(comparison_cutoff(c->columns[i].name), cutoff) == 0)
            return i;
    return -1;
}

static void draw_scatter(const drawing *d, int64_t primary, const char *metric)
{
    const comparison *c = d->c;
    const char *accuracy = c->columns[primary].name;
    const int64_t other = find_column(c, metric, comparison_cutoff(accuracy));
    char title[200], description[300];
    if (other < 0)
        return;
    for (int64_t s = 0; s < c->system_count; s++) {
        d->x[s] = c->systems[s].value[primary];
        d->y[s] = c->systems[s].value[other];
        d->group[s] = s;
    }
    snprintf(title, sizeof title, "%.60s against %.60s", c->columns[other].name, accuracy);
    snprintf(description, sizeof description, "Dots: %s, one a system", title);
    const svg_panel panel = {.title = title,
                             .x_label = accuracy,
                             .y_label = c->columns[other].name,
                             .x = d->x,
                             .y = d->y,
                             .count = c->system_count};
    const svg_groups groups = {d->group, d->names, c->system_count, true};
    text_add(d->out, "<figure>");
    svg_figure(d->out, &panel, &groups, description);
    text_add(d->out, "</figure>\n");
}

/* How many users gain and lose how much; those for whom nothing changes would hide the others. */
static void draw_differences(const drawing *d, int64_t column, const compared_system *system)
{
    const comparison *c = d->c;
    double widest = 0;
    int64_t equal = 0, better = 0, worse = 0;
    char description[400];
    comparison_users(c, system, column, d->mine);
    comparison_users(c, &c->systems[c->baseline], column, d->its);
    for (int64_t u = 0; u < c->users; u++)
        widest = isnan(d->mine[u] - d->its[u]) ? widest : fmax(widest, fabs(d->mine[u] - d->its[u]));
    widest = widest > 0 ? widest : 1;
    for (int b = 0; b < BINS; b++) {
        d->x[b] = widest * (2.0 * b / (BINS - 1) - 1);
        d->y[b] = 0;
    }
    for (int64_t u = 0; u < c->users; u++) {
        const double difference = d->mine[u] - d->its[u];
        if (isnan(difference))
            continue;
        equal += difference == 0;
        better += difference > 0;
        worse += difference < 0;
        d->y[(int)lround((difference / widest + 1) / 2 * (BINS - 1))] += difference != 0;
    }
    text title = {.rt = c->rt};
    text_format(&title, "%s: %s - %s", c->columns[column].name, system->label, c->systems[c->baseline].label);
    snprintf(description, sizeof description,
             "Histogram of users' differences: %lld larger, %lld smaller, %lld equal (not drawn)",
             (long long)better, (long long)worse, (long long)equal);
    const svg_panel panel = {.title = title.bytes,
                             .x_label = "difference",
                             .y_label = "users",
                             .x = d->x,
                             .y = d->y,
                             .count = BINS,
                             .bars = true};
    text_add(d->out, "<figure>");
    svg_figure(d->out, &panel, NULL, description);
    text_format(d->out, "<figcaption>%s</figcaption></figure>\n", description);
    d->out->failed |= title.failed;
    text_release(&title);
}

static void draw_all(const drawing *d)
{
    const comparison *c = d->c;
    const int64_t primary = find_primary(c);
    for (int64_t i = 0; i < c->column_count; i++)
        if (is_last_of_metric(c, i))
            draw_bars(d, i);
    for (int64_t i = 0; i < c->column_count; i++)
        if (is_last_of_metric(c, i))
            draw_curves(d, i);
    if (primary < 0)
        return;
    draw_scatter(d, primary, "item_coverage");
    draw_scatter(d, primary, "novelty");
    for (int64_t s = 0; s < c->system_count && c->columns[primary].per_user; s++)
        if (s != c->baseline)
            draw_differences(d, primary, &c->systems[s]);
}

static void add_plots(const comparison *c, text *out)
{
    drawing d;
    add_heading(out, "plots", "Plots");
    text_add(out, "<div class=\"plots\">\n");
    if (drawing_create(c, out, &d) == MEDLEY_OK)
        draw_all(&d);
    else
        out->failed = true;
    drawing_release(&d);
    text_add(out, "</div>\n");
}

/* ---- Tests ---- */

static void add_tests(const comparison *c, text *out)
{
    static const char *const titles[] = {"metric",        "system", "against", "users",         "difference",
                                         "95 % interval", "t",      "p (t)",   "Holm",          "BH",
                                         "p (Wilcoxon)",  "Holm",   "BH",      "effect size d", "significant"};
    add_heading(out, "tests", "Differences");
    text_format(
        out,
        "<div class=\"wide\"><table>\n<caption>Paired, user by user. Holm and BH (Benjamini-Hochberg): p "
        "adjusted for all %lld tests of its kind. d: mean difference over its standard deviation.</caption>\n"
        "<thead><tr>",
        (long long)c->family);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        add_cell(out, "th scope=\"col\"", titles[i]);
    text_add(out, "</tr></thead>\n<tbody>\n");
    for (const compared_pair *p = c->pairs; p < c->pairs + c->pair_count; p++) {
        text_add(out, "<tr>");
        add_cell(out, "th scope=\"row\"", c->columns[p->column].name);
        add_cell(out, "td class=\"words\"", c->systems[p->system].label);
        add_cell(out, "td class=\"words\"", c->systems[p->against].label);
        text_format(out, "<td>%lld</td><td>", (long long)p->users);
        add_real(out, p->difference);
        text_add(out, "</td><td>");
        add_real(out, p->interval.low);
        text_add(out, " to ");
        add_real(out, p->interval.high);
        text_add(out, "</td><td>");
        add_real(out, p->t.t);
        text_add(out, "</td>");
        for (int kind = MARK_T; kind <= MARK_WILCOXON; kind++) {
            add_p(out, p->p[kind]);
            add_p(out, p->holm[kind]);
            add_p(out, p->bh[kind]);
        }
        text_add(out, "<td>");
        add_real(out, p->t.cohens_d);
        text_add(out, p->significant ? "</td><td>yes</td></tr>\n" : "</td><td>no</td></tr>\n");
    }
    text_add(out, "</tbody></table></div>\n");
}

/* ---- What is behind the numbers ---- */

static void add_protocol(const comparison *c, text *out)
{
    const json *protocol = json_member(c->runs[0].file.root, "protocol");
    add_heading(out, "protocol", "Protocol");
    text_add(out,
             "<table>\n<caption>As the first run's evaluation tells it; runs that differ in what decides are not "
             "compared.</caption>\n<tbody>\n");
    for (int64_t i = 0; i < json_count(protocol); i++) {
        const char *key = NULL;
        char shown[64];
        json_at(protocol, i, &key);
        if (key != NULL && strcmp(key, "model") != 0)
            add_fact(out, key, comparison_fact(protocol, key, shown));
    }
    add_fact(out, "metrics left out", c->left_out[0] != '\0' ? c->left_out : "none");
    text_add(out, "</tbody></table>\n");
}

static void add_runs(const comparison *c, text *out)
{
    add_heading(out, "runs", "Runs and their settings");
    for (int64_t i = 0; i < c->run_count; i++) {
        const compared_run *run = &c->runs[i];
        text_add(out, "<details open><summary>");
        html_add(out, run->path);
        text_add(out, "</summary>\n<table>\n<tbody>\n");
        add_fact(out, "system", c->systems[run->system].label);
        add_fact(out, "model", run->file.model);
        for (int64_t s = 0; s < run->setting_count; s++)
            add_fact(out, run->settings[s].key, run->settings[s].value);
        if (run->setting_count == 0)
            add_fact(out, "settings", "none known: no config.yaml");
        text_add(out, "</tbody></table></details>\n");
    }
}

static void add_definitions(const comparison *c, text *out)
{
    add_heading(out, "metrics", "Metrics");
    text_add(out, "<dl>\n");
    for (int64_t i = 0; i < c->column_count; i++) {
        if (!is_last_of_metric(c, i))
            continue;
        text_add(out, "<dt>");
        for (const char *p = c->columns[i].name; *p != '\0' && *p != '@'; p++)
            text_append(out, p, 1);
        text_add(out, "</dt><dd>");
        html_add(out, c->columns[i].definition);
        text_add(out, "</dd>\n");
    }
    text_add(out, "</dl>\n");
}

void comparison_page(const comparison *c, text *out)
{
    text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_add(out, c->evaluation);
    text_format(out, ": %lld systems</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n<section>\n<h1>",
                (long long)c->system_count, style, svg_page_style);
    html_add(out, c->evaluation);
    text_format(out, ": %lld systems, %lld users</h1>\n", (long long)c->system_count, (long long)c->users);
    add_values(c, out);
    add_plots(c, out);
    add_tests(c, out);
    add_protocol(c, out);
    add_runs(c, out);
    add_definitions(c, out);
    text_format(out, "</section>\n</main>\n<footer><p>medley %s</p></footer>\n</body>\n</html>\n",
                medley_version());
}
