/* Values of systems, and tests of each pair of them, column by column. */
#include "api/comparison.h"

#include <math.h>

#include "eval/evaluation_interval.h"

/* Scratch for one system or pair. */
typedef struct testing_room {
    double *rows;           /* [users, columns] what is resampled */
    double *a, *b;          /* [users] */
    metric_column *columns; /* [columns] what evaluation_intervals averages: the mean, or nothing */
    interval *intervals;    /* [columns] */
} testing_room;

/* Stands for "the mean of the users' own values"; the rows are there already. */
static double value_of_row(const judged *user, int64_t k, const metric_context *context)
{
    (void)user;
    (void)k;
    (void)context;
    return (double)NAN;
}
static const metric_class mean_of_rows = {.name = "mean", .of_user = value_of_row};
static const metric_class nothing = {.name = "nothing"};

static bool is_averaged(const compared_column *column)
{
    return column->per_user && !column->pooled;
}

static medley_status room_create(const comparison *c, testing_room *r, medley_error *err)
{
    TRY(mem_alloc(c->rt, c->users, (size_t)c->column_count * sizeof *r->rows, &r->rows, err));
    TRY(mem_alloc(c->rt, c->users, sizeof *r->a, &r->a, err));
    TRY(mem_alloc(c->rt, c->users, sizeof *r->b, &r->b, err));
    TRY(mem_alloc(c->rt, c->column_count, sizeof *r->columns, &r->columns, err));
    return mem_alloc(c->rt, c->column_count, sizeof *r->intervals, &r->intervals, err);
}

static void room_release(testing_room *r)
{
    mem_free(r->rows);
    mem_free(r->a);
    mem_free(r->b);
    mem_free(r->columns);
    mem_free(r->intervals);
}

static void put_column(const comparison *c, const double *values, int64_t column, double *rows)
{
    for (int64_t u = 0; u < c->users; u++)
        rows[u * c->column_count + column] = values[u];
}

/* 95 % intervals of the columns of room->rows. */
static medley_status resample(const comparison *c, testing_room *r, medley_error *err)
{
    const bootstrap_options options = {
        .resamples = c->choices.resamples, .level = 0.95, .seed = (uint64_t)c->choices.seed};
    if (options.resamples > 0)
        return evaluation_intervals(c->rt, r->columns, c->column_count, r->rows, NULL, c->users, &options,
                                    r->intervals, err);
    for (int64_t i = 0; i < c->column_count; i++)
        r->intervals[i] = (interval){(double)NAN, (double)NAN};
    return MEDLEY_OK;
}

/* ---- Systems ---- */

/* A ratio of sums over users cannot be resampled from the users' own values; its evaluation did it. */
static interval interval_of_file(const comparison *c, const compared_system *s, int64_t column)
{
    const evaluation_file *f = &c->runs[s->first].file;
    const evaluation_file_column *own = &f->columns[evaluation_file_find(f, c->columns[column].name)];
    return s->runs == 1 && c->choices.resamples > 0 ? (interval){own->low, own->high}
                                                    : (interval){(double)NAN, (double)NAN};
}

static void summarise_runs(const comparison *c, const compared_system *s, int64_t column)
{
    double values[COMPARISON_RUNS_MOST];
    int64_t n = 0;
    for (const compared_run *run = c->runs; run < c->runs + c->run_count; run++)
        if (run->system == s - c->systems)
            values[n++] = run->file.columns[evaluation_file_find(&run->file, c->columns[column].name)].value;
    const sample_summary all = sample_summarise(values, n);
    s->value[column] = all.mean;
    s->std[column] = all.std;
}

static medley_status compute_system(comparison *c, compared_system *s, testing_room *r, medley_error *err)
{
    TRY(arena_alloc(&c->texts, c->column_count, sizeof *s->value, &s->value, err));
    TRY(arena_alloc(&c->texts, c->column_count, sizeof *s->std, &s->std, err));
    TRY(arena_alloc(&c->texts, c->column_count, sizeof *s->interval, &s->interval, err));
    for (int64_t i = 0; i < c->column_count; i++) {
        summarise_runs(c, s, i);
        r->columns[i] = (metric_column){.metric = is_averaged(&c->columns[i]) ? &mean_of_rows : &nothing};
        comparison_users(c, s, i, r->a);
        put_column(c, r->a, i, r->rows);
    }
    TRY(resample(c, r, err));
    for (int64_t i = 0; i < c->column_count; i++)
        s->interval[i] = is_averaged(&c->columns[i]) ? r->intervals[i] : interval_of_file(c, s, i);
    return MEDLEY_OK;
}

/* ---- Pairs ---- */

/* Leaves a and b with the users who have both values; rows keeps NaN for the others. */
static int64_t keep_defined(const comparison *c, int64_t column, testing_room *r)
{
    int64_t n = 0;
    for (int64_t u = 0; u < c->users; u++) {
        r->rows[u * c->column_count + column] = r->a[u] - r->b[u];
        if (isnan(r->a[u]) || isnan(r->b[u]))
            continue;
        r->a[n] = r->a[u];
        r->b[n++] = r->b[u];
    }
    return n;
}

static medley_status test_column(const comparison *c, compared_pair *p, testing_room *r, medley_error *err)
{
    comparison_users(c, &c->systems[p->system], p->column, r->a);
    comparison_users(c, &c->systems[p->against], p->column, r->b);
    p->users = keep_defined(c, p->column, r);
    p->difference = p->p[MARK_T] = p->p[MARK_WILCOXON] = (double)NAN;
    p->t = (t_test){(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    if (p->users < 2)
        return MEDLEY_OK;
    TRY(t_test_paired(r->a, r->b, p->users, &p->t, err));
    TRY(wilcoxon_paired(c->rt, r->a, r->b, p->users, &p->wilcoxon, err));
    p->difference = p->t.mean;
    p->p[MARK_T] = p->t.p;
    p->p[MARK_WILCOXON] = p->wilcoxon.p;
    return MEDLEY_OK;
}

/* Fills the tests of all columns of one pair. */
static medley_status test_pair(comparison *c, int64_t system, int64_t against, testing_room *r, medley_error *err)
{
    const int64_t first = c->pair_count;
    for (int64_t i = 0; i < c->column_count; i++) {
        r->columns[i].metric = c->columns[i].per_user ? &mean_of_rows : &nothing;
        if (!c->columns[i].per_user)
            continue;
        compared_pair *p = &c->pairs[c->pair_count++];
        *p = (compared_pair){.system = system, .against = against, .column = i};
        TRY(test_column(c, p, r, err));
    }
    TRY(resample(c, r, err));
    for (compared_pair *p = c->pairs + first; p < c->pairs + c->pair_count; p++)
        p->interval = r->intervals[p->column];
    return MEDLEY_OK;
}

static medley_status test_pairs(comparison *c, testing_room *r, medley_error *err)
{
    const int64_t n = c->system_count, pairs = c->choices.pairs == PAIRS_ALL ? n * (n - 1) / 2 : n - 1;
    TRY(mem_alloc(c->rt, pairs * c->column_count, sizeof *c->pairs, &c->pairs, err));
    for (int64_t system = 0; system < n; system++)
        if (system != c->baseline)
            TRY(test_pair(c, system, c->baseline, r, err));
    for (int64_t system = 0; system < n && c->choices.pairs == PAIRS_ALL; system++)
        for (int64_t against = 0; against < system; against++)
            if (system != c->baseline && against != c->baseline)
                TRY(test_pair(c, system, against, r, err));
    return MEDLEY_OK;
}

/* ---- The family ---- */

/* p values of one kind of test, of all pairs and columns together. */
static medley_status adjust(comparison *c, comparison_mark kind, double *values, medley_error *err)
{
    int64_t n = 0;
    for (int64_t i = 0; i < c->pair_count; i++)
        if (!isnan(c->pairs[i].p[kind]))
            values[n++] = c->pairs[i].p[kind];
    c->family = n;
    double *const holm = values + c->pair_count, *const bh = holm + c->pair_count;
    TRY(p_adjust(c->rt, P_HOLM, values, n, holm, err));
    TRY(p_adjust(c->rt, P_BENJAMINI_HOCHBERG, values, n, bh, err));
    n = 0;
    for (compared_pair *p = c->pairs; p < c->pairs + c->pair_count; p++) {
        const bool there = !isnan(p->p[kind]);
        p->holm[kind] = there ? holm[n] : (double)NAN;
        p->bh[kind] = there ? bh[n] : (double)NAN;
        n += there;
    }
    return MEDLEY_OK;
}

static medley_status adjust_all(comparison *c, medley_error *err)
{
    const comparison_choices *choices = &c->choices;
    double *values;
    TRY(mem_alloc(c->rt, 3 * c->pair_count, sizeof *values, &values, err));
    medley_status status = adjust(c, MARK_T, values, err);
    if (status == MEDLEY_OK)
        status = adjust(c, MARK_WILCOXON, values, err);
    for (compared_pair *p = c->pairs; p < c->pairs + c->pair_count && status == MEDLEY_OK; p++)
        p->significant = (choices->adjust == P_HOLM ? p->holm : p->bh)[choices->test] < choices->alpha;
    mem_free(values);
    return status;
}

medley_status comparison_test(comparison *c, medley_error *err)
{
    testing_room room = {0};
    medley_status status;
    TRY_DONE(room_create(c, &room, err));
    for (int64_t s = 0; s < c->system_count; s++)
        TRY_DONE(compute_system(c, &c->systems[s], &room, err));
    TRY_DONE(test_pairs(c, &room, err));
    status = adjust_all(c, err);
done:
    room_release(&room);
    return status;
}
