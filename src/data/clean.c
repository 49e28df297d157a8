#include "data/clean.h"

#include <math.h>

#include "data/moment.h"

/* Bounds whose 0 means none. */
static double highest_rating(const prepare_params *p)
{
    return p->rating_ceiling > 0 ? p->rating_ceiling : INFINITY;
}

static medley_status time_range(const prepare_params *p, int64_t *from, int64_t *until, medley_error *err)
{
    TRY(moment_parse("time_from", p->time_from, from, err));
    TRY(moment_parse("time_until", p->time_until, until, err));
    if (*until == 0)
        *until = INT64_MAX;
    return MEDLEY_OK;
}

static medley_status check_amount(const char *name, double amount, medley_error *err)
{
    return amount < 1 || amount == floor(amount)
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "%s: %g; accepted: a share below 1 or a whole number", name, amount);
}

static medley_status check_bounds(const char *kind, int64_t least, int64_t most, medley_error *err)
{
    return most == 0 || least <= most
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "min_%s_activity: %lld is above max_%s_activity, %lld", kind,
                      (long long)least, kind, (long long)most);
}

medley_status clean_check(const prepare_params *p, medley_error *err)
{
    int64_t from, until;
    TRY(time_range(p, &from, &until, err));
    if (from >= until)
        return fail(err, MEDLEY_E_CONFIG, "time_from: %s is not before time_until, %s", p->time_from,
                    p->time_until);
    if (p->rating_min > p->rating_max)
        return fail(err, MEDLEY_E_CONFIG, "rating_min: %g is above rating_max, %g", p->rating_min, p->rating_max);
    if (p->rating_threshold > highest_rating(p))
        return fail(err, MEDLEY_E_CONFIG, "rating_threshold: %g is above rating_ceiling, %g", p->rating_threshold,
                    p->rating_ceiling);
    TRY(check_amount("sample_users", p->sample_users, err));
    TRY(check_amount("sample_items", p->sample_items, err));
    TRY(check_amount("sample_interactions", p->sample_interactions, err));
    TRY(check_bounds("user", p->min_user_activity, p->max_user_activity, err));
    return check_bounds("item", p->min_item_activity, p->max_item_activity, err);
}

/* ---- the steps ---- */

/* A step says in what [120] what it removed. */
typedef struct step {
    const char *name;
    bool row_by_row;
    bool (*asked)(const prepare_params *p);
    medley_status (*run)(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err);
} step;

static bool ratings_asked(const prepare_params *p)
{
    return p->rating_threshold > 0 || p->rating_ceiling > 0;
}

static medley_status keep_ratings(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    const double lowest = p->rating_threshold > 0 ? p->rating_threshold : -INFINITY;
    int64_t removed;
    if (d->rating == NULL)
        return fail(err, MEDLEY_E_CONFIG, "rating_%s: %g; the data set has no ratings",
                    p->rating_threshold > 0 ? "threshold" : "ceiling",
                    p->rating_threshold > 0 ? p->rating_threshold : p->rating_ceiling);
    if (p->rating_ceiling == 0)
        number_print(what, size, "rating below %g", p->rating_threshold);
    else if (p->rating_threshold == 0)
        number_print(what, size, "rating above %g", p->rating_ceiling);
    else
        number_print(what, size, "rating outside %g..%g", lowest, p->rating_ceiling);
    return filter_rating(d, lowest, highest_rating(p), &removed, err);
}

static bool times_asked(const prepare_params *p)
{
    return (p->time_from[0] != '\0' && strcmp(p->time_from, "0") != 0) ||
           (p->time_until[0] != '\0' && strcmp(p->time_until, "0") != 0);
}

static medley_status keep_times(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    int64_t from, until, removed;
    TRY(time_range(p, &from, &until, err));
    if (d->timestamp == NULL)
        return fail(err, MEDLEY_E_CONFIG, "time_from: '%s', time_until: '%s'; the data set has no times",
                    p->time_from, p->time_until);
    snprintf(what, size, "time outside %.40s..%.40s", p->time_from, p->time_until);
    return filter_time(d, from, until, &removed, err);
}

static bool duplicates_asked(const prepare_params *p)
{
    return p->duplicates != DUPLICATES_ALL;
}

static medley_status keep_one(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    int64_t repeated;
    snprintf(what, size, "repeated user and item");
    return filter_duplicates(d, (duplicate_rule)p->duplicates, &repeated, err);
}

static bool modalities_asked(const prepare_params *p)
{
    return p->without_image == WITHOUT_DROP || p->without_text == WITHOUT_DROP;
}

static medley_status keep_modalities(dataset *d, const prepare_params *p, char *what, size_t size,
                                     medley_error *err)
{
    const bool image = p->without_image == WITHOUT_DROP, with_text = p->without_text == WITHOUT_DROP;
    int64_t items;
    TRY(filter_modality(d, image, with_text, &items, err));
    snprintf(what, size, "%lld items without %s: fewer candidates, another task", (long long)items,
             image && with_text ? "image or text"
             : image            ? "image"
                                : "text");
    return MEDLEY_OK;
}

static bool users_sampled(const prepare_params *p)
{
    return p->sample_users > 0;
}

static bool items_sampled(const prepare_params *p)
{
    return p->sample_items > 0;
}

static bool interactions_sampled(const prepare_params *p)
{
    return p->sample_interactions > 0;
}

static medley_status sample(dataset *d, const prepare_params *p, sample_kind kind, double amount, char *what,
                            size_t size, medley_error *err)
{
    static const char *const names[] = {"users", "items", "interactions"};
    int64_t removed;
    number_print(what, size, "not in the sample: %g %s, seed %lld", amount, names[kind],
                 (long long)p->sample_seed);
    return filter_sample(d, kind, amount, (uint64_t)p->sample_seed, &removed, err);
}

static medley_status sample_users(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    return sample(d, p, SAMPLE_USERS, p->sample_users, what, size, err);
}

static medley_status sample_items(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    return sample(d, p, SAMPLE_ITEMS, p->sample_items, what, size, err);
}

static medley_status sample_rows(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    return sample(d, p, SAMPLE_INTERACTIONS, p->sample_interactions, what, size, err);
}

static activity_bounds bounds_of(const prepare_params *p)
{
    return (activity_bounds){p->min_user_activity, p->max_user_activity, p->min_item_activity,
                             p->max_item_activity};
}

static bool activity_asked(const prepare_params *p)
{
    return p->min_user_activity > 1 || p->min_item_activity > 1 || p->max_user_activity > 0 ||
           p->max_item_activity > 0;
}

/* "5..", "5..100", "..100" */
static void print_bounds(char *out, size_t size, int64_t least, int64_t most)
{
    const int at = snprintf(out, size, "%lld..", (long long)least);
    if (most > 0)
        snprintf(out + at, size - (size_t)at, "%lld", (long long)most);
}

static medley_status keep_activity(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    const activity_bounds bounds = bounds_of(p);
    char users[48], items[48];
    int64_t removed;
    print_bounds(users, sizeof users, bounds.user_least, bounds.user_most);
    print_bounds(items, sizeof items, bounds.item_least, bounds.item_most);
    snprintf(what, size, "activity outside %s of users, %s of items", users, items);
    return filter_activity(d, &bounds, &removed, err);
}

static bool core_asked(const prepare_params *p)
{
    return p->min_user_interactions > 1 || p->min_item_interactions > 1;
}

static medley_status keep_core(dataset *d, const prepare_params *p, char *what, size_t size, medley_error *err)
{
    int64_t removed, rounds;
    TRY(filter_k_core(d, p->min_user_interactions, p->min_item_interactions, &removed, &rounds, err));
    snprintf(what, size, "k-core (%lld, %lld), %lld rounds", (long long)p->min_user_interactions,
             (long long)p->min_item_interactions, (long long)rounds);
    return MEDLEY_OK;
}

/* The order is part of what a store is: a threshold before the core gives other users than one behind it. */
static const step steps[] = {
    {"without_image and without_text", false, modalities_asked, keep_modalities},
    {"rating_threshold and rating_ceiling", true, ratings_asked, keep_ratings},
    {"time_from and time_until", true, times_asked, keep_times},
    {"duplicates", false, duplicates_asked, keep_one},
    {"sample_users", false, users_sampled, sample_users},
    {"sample_items", false, items_sampled, sample_items},
    {"sample_interactions", false, interactions_sampled, sample_rows},
    {"activity", false, activity_asked, keep_activity},
    {"k-core", false, core_asked, keep_core},
};
enum { STEPS = sizeof steps / sizeof *steps };

/* ---- running and telling ---- */

static medley_status run_step(dataset *d, const prepare_params *p, const step *s, clean_step *row,
                              medley_error *err)
{
    const int64_t rows = d->count;
    int64_t users, items;
    TRY(filter_count(d, &users, &items, err));
    TRY(s->run(d, p, row->what, sizeof row->what, err));
    TRY(filter_count(d, &row->users_left, &row->items_left, err));
    row->interactions_left = d->count;
    row->interactions = rows - d->count;
    row->users = users - row->users_left;
    row->items = items - row->items_left;
    return MEDLEY_OK;
}

static medley_status log_repeated(dataset *d, medley_error *err)
{
    int64_t repeated;
    TRY(filter_duplicates(d, DUPLICATES_ALL, &repeated, err));
    if (repeated > 0)
        runtime_log(d->rt, MEDLEY_LOG_INFO,
                    "%lld interactions repeat a user and item; all are kept (duplicates: all)",
                    (long long)repeated);
    return MEDLEY_OK;
}

bool clean_drops_idle_items(const prepare_params *p)
{
    return p->catalogue == CATALOGUE_INTERACTED || p->min_item_interactions > 0;
}

/* Items that nobody ever interacted with go with those that lost their last interaction above. */
static medley_status renumber(dataset *d, const prepare_params *p, clean_log *log, medley_error *err)
{
    int64_t users, items, active_users, active_items, before;
    TRY(filter_count(d, &active_users, &active_items, err));
    before = d->items.count - active_items - log->emptied;
    TRY(filter_reindex(d, clean_drops_idle_items(p), &users, &items, err));
    if (items > 0 && before > 0) {
        clean_step *row = &log->steps[log->count++];
        *row = (clean_step){.items = before,
                            .interactions_left = d->count,
                            .users_left = active_users,
                            .items_left = active_items};
        snprintf(row->what, sizeof row->what, "items nobody interacted with");
    }
    return MEDLEY_OK;
}

medley_status clean_run(dataset *d, const prepare_params *p, clean_scope scope, clean_log *log, medley_error *err)
{
    int64_t users, items;
    *log = (clean_log){.count = 0};
    for (const step *s = steps; s < steps + STEPS; s++) {
        if (!s->asked(p) || (scope == CLEAN_ROWS && !s->row_by_row))
            continue;
        clean_step *row = &log->steps[log->count++];
        TRY(run_step(d, p, s, row, err));
        if (s->run != keep_modalities) /* the first step, which takes its items out of the catalogue itself */
            log->emptied += row->items;
        if (d->count == 0 && scope == CLEAN_ALL)
            return fail(err, MEDLEY_E_FORMAT,
                        "%s: no interaction is left after cleaning; '%s' removed the last: loosen it", p->input,
                        row->what);
    }
    if (scope == CLEAN_ROWS)
        return filter_reindex(d, false, &users, &items, err);
    if (p->duplicates == DUPLICATES_ALL)
        TRY(log_repeated(d, err));
    return renumber(d, p, log, err);
}

void clean_left_out(const prepare_params *p, char *names, size_t size)
{
    size_t at = 0;
    names[0] = '\0';
    for (const step *s = steps; s < steps + STEPS; s++)
        if (!s->row_by_row && s->asked != duplicates_asked && s->asked(p) && at < size)
            at += (size_t)snprintf(names + at, size - at, "%s%s", at > 0 ? ", " : "", s->name);
}

json *clean_describe(const clean_log *log)
{
    json *rows = json_new_array();
    for (const clean_step *s = log->steps; s < log->steps + log->count; s++) {
        json *row = json_new_object();
        json_set_text(row, "step", s->what);
        json_set_int(row, "interactions", s->interactions);
        json_set_int(row, "users", s->users);
        json_set_int(row, "items", s->items);
        json_set_int(row, "interactions_left", s->interactions_left);
        json_set_int(row, "users_left", s->users_left);
        json_set_int(row, "items_left", s->items_left);
        json_append(rows, row);
    }
    return rows;
}

void clean_tell(const clean_log *log, medley_report *report)
{
    report_table(report, "filters", "Removed",
                 "step|interactions|users|items|interactions_left|users_left|items_left");
    for (const clean_step *s = log->steps; s < log->steps + log->count; s++) {
        const int64_t cells[] = {s->interactions,      s->users,      s->items,
                                 s->interactions_left, s->users_left, s->items_left};
        report_string(report, NULL, s->what);
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
            report_int(report, NULL, cells[i]);
    }
}
