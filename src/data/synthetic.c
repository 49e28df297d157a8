#include <math.h>

#include "data/synthetic_state.h"
#include "io/save.h"

const medley_param synthetic_table[] = {
    MEDLEY_TEXT(synthetic_params, out, NULL, .flags = MEDLEY_PARAM_REQUIRED | MEDLEY_PARAM_PATH,
                .help = "folder to make"),
    MEDLEY_INT(synthetic_params, users, "2000", 1, 50000000, .help = "users"),
    MEDLEY_INT(synthetic_params, items, "1000", 10, 10000000, .help = "items"),
    MEDLEY_INT(synthetic_params, interactions_per_user, "40", 3, 100000,
               .help = "mean length of a user's history"),
    MEDLEY_INT(synthetic_params, genres, "12", 1, 18, .help = "genres that tastes differ in"),
    MEDLEY_REAL(synthetic_params, sequel, "0.25", 0, 1,
                .help = "probability that the next pick continues the series of the last"),
    MEDLEY_BOOL(
        synthetic_params, images, "false",
        .help =
            "give items a style, which part of the preference is for, draw covers and write texts that tell it"),
    MEDLEY_REAL(synthetic_params, style, "0.5", 0, 1,
                .help =
                    "with images: share of the variance of preference that is for styles; the rest is for genres"),
    MEDLEY_REAL(synthetic_params, cold_items, "0.1", 0, 0.9,
                .help =
                    "with images: share of the items that are released in the last fifth of the time, or not yet"),
    MEDLEY_REAL(synthetic_params, missing_images, "0.02", 0, 1,
                .help = "with images: share of items without a cover"),
    MEDLEY_REAL(synthetic_params, missing_texts, "0.02", 0, 1,
                .help = "with images: share of items without an overview"),
    MEDLEY_INT(synthetic_params, seed, "1", 0, 9e15, .help = "the same seed makes the same files"),
    MEDLEY_BOOL(synthetic_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a data set that is there"),
    MEDLEY_PARAMS_END,
};

int64_t synthetic_genre(const world *w, int64_t item)
{
    int64_t g = 0;
    while (item >= w->first[g + 1])
        g++;
    return g;
}

/* Items of a genre lie together; popularity falls as 1 / rank^0.8 over a shuffled rank. */
static void create_items(world *w)
{
    const synthetic_params *p = w->p;
    for (int64_t g = 0; g <= p->genres; g++)
        w->first[g] = p->items * g / p->genres;
    for (int64_t g = 0; g < p->genres; g++) {
        double sum = 0;
        const double size = (double)(w->first[g + 1] - w->first[g]);
        for (int64_t i = w->first[g]; i < w->first[g + 1]; i++) {
            const double rank = 1 + size * random_uniform((uint64_t)p->seed, STREAM_ITEM, (uint64_t)i);
            w->popular[i] = sum += pow(rank, -0.8);
        }
    }
}

int64_t synthetic_draw(const double *sums, int64_t low, int64_t high, double target)
{
    while (low + 1 < high) {
        const int64_t middle = low + (high - low - 1) / 2;
        if (sums[middle] > target)
            high = middle + 1;
        else
            low = middle + 1;
    }
    return low;
}

/* Shares of the genres in a user's taste: few large, many small. */
static void taste_of(const world *w, int64_t user, double *sums)
{
    double sum = 0;
    for (int64_t g = 0; g < w->p->genres; g++) {
        const double u = random_uniform((uint64_t)w->p->seed, STREAM_TASTE, (uint64_t)(user * w->p->genres + g));
        sums[g] = sum += pow(-log(1 - u), 3);
    }
}

/* The next part of the item's series, or -1 behind the last one. */
static int64_t sequel_of(const world *w, int64_t item)
{
    const int64_t g = synthetic_genre(w, item), place = item - w->first[g];
    return (place + 1) % SERIES != 0 && item + 1 < w->first[g + 1] ? item + 1 : -1;
}

static int64_t length_of(const world *w, int64_t user)
{
    /* log-normal with mean interactions_per_user: sigma 0.8, so mu = log(mean) - 0.32 (Box-Muller) */
    const uint64_t seed = (uint64_t)w->p->seed;
    const double a = random_uniform(seed, STREAM_LENGTH, (uint64_t)(2 * user));
    const double b = random_uniform(seed, STREAM_LENGTH, (uint64_t)(2 * user + 1));
    const double normal = sqrt(-2 * log(1 - a)) * cos(6.283185307179586 * b);
    const int64_t length = (int64_t)llround(exp(log((double)w->p->interactions_per_user) - 0.32 + 0.8 * normal));
    const int64_t most = w->p->items / 2 > 3 ? w->p->items / 2 : 3;
    return length < 3 ? 3 : length > most ? most : length;
}

static double half_stars(double stars)
{
    return fmin(5, fmax(0.5, round(stars * 2) / 2));
}

static void add_number(text *out, int64_t value, char end)
{
    char digits[24];
    int at = (int)sizeof digits;
    digits[--at] = end;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    text_append(out, digits + at, sizeof digits - (size_t)at);
}

/* The one who picks. */
typedef struct visitor {
    uint64_t seed, stream, counter;
    double taste[GENRES_MOST]; /* running sum of shares */
    liking likes;              /* with images */
} visitor;

static double chance(visitor *v)
{
    return random_uniform(v->seed, v->stream, v->counter++);
}

static int64_t pick(const world *w, visitor *v)
{
    if (w->p->images)
        return synthetic_pick(w, &v->likes, v->stream, &v->counter);
    const int64_t g = synthetic_draw(v->taste, 0, w->p->genres, chance(v) * v->taste[w->p->genres - 1]);
    const int64_t low = w->first[g], high = w->first[g + 1];
    return synthetic_draw(w->popular, low, high, chance(v) * w->popular[high - 1]);
}

static int64_t stars_of(const world *w, visitor *v, int64_t item)
{
    const double noise = chance(v);
    if (w->p->images)
        return (int64_t)(10 * half_stars(3.4 + 0.7 * synthetic_utility(w, &v->likes, item) + 1.6 * (noise - 0.5)));
    const int64_t g = synthetic_genre(w, item);
    const double share = (v->taste[g] - (g > 0 ? v->taste[g - 1] : 0)) / v->taste[w->p->genres - 1];
    return (int64_t)(10 * half_stars(2.5 + 2 * fmin(1, 2.5 * share) + 1.6 * (noise - 0.5)));
}

static bool can_pick(const world *w, int64_t user, const uint32_t *taken, int64_t item, int64_t time)
{
    return taken[item] != (uint32_t)user + 1 && (!w->p->images || w->release[item] <= time);
}

static void add_row(int64_t user, int64_t item, int64_t stars, int64_t time, text *out)
{
    add_number(out, user + 1, ',');
    add_number(out, item + 1, ',');
    add_number(out, stars / 10, '.');
    add_number(out, stars % 10, ',');
    add_number(out, time, '\n');
}

/* Histories last a few weeks; with images each goes on to the end, so that all meet the late items. */
static void write_user(const world *w, int64_t user, uint32_t *taken, text *out, int64_t *rows)
{
    const bool images = w->p->images;
    visitor v = {.seed = (uint64_t)w->p->seed, .stream = STREAM_USER + (uint64_t)user};
    int64_t last = -1, left = length_of(w, user);
    if (images)
        synthetic_liking(w, user, &v.likes);
    else
        taste_of(w, user, v.taste);
    int64_t time = FIRST_TIME + (int64_t)((images ? 1.6e8 : 3e8) * chance(&v));
    const double gap = images ? (double)(LAST_TIME - time) / (double)(left + 1) : 40000;
    for (; left > 0; left--) {
        int64_t item = -1;
        if (last >= 0 && chance(&v) < w->p->sequel)
            item = sequel_of(w, last);
        for (int tries = 0; (item < 0 || !can_pick(w, user, taken, item, time)) && tries < 100; tries++)
            item = pick(w, &v);
        if (!can_pick(w, user, taken, item, time))
            break; /* the taste is exhausted */
        taken[item] = (uint32_t)user + 1;
        const int64_t stars = stars_of(w, &v, item);
        time += 60 + (int64_t)(-gap * log(1 - chance(&v)));
        add_row(user, item, stars, time, out);
        (*rows)++;
        last = item;
    }
}

static medley_status write_users(void *context, int64_t task, int worker, medley_error *err)
{
    const world *w = context;
    text *out = &w->rows[task];
    const int64_t first = (w->round * TASKS_PER_ROUND + task) * USERS_PER_TASK;
    out->length = 0;
    w->written[task] = 0;
    for (int64_t u = first; u < first + USERS_PER_TASK && u < w->p->users; u++)
        write_user(w, u, w->taken[worker], out, &w->written[task]);
    return text_status(out, err);
}

static medley_status write_ratings(world *w, const char *folder, int64_t *rows, medley_error *err)
{
    const char header[] = "userId,movieId,rating,timestamp\n";
    const int64_t per_round = (int64_t)TASKS_PER_ROUND * USERS_PER_TASK,
                  rounds = (w->p->users + per_round - 1) / per_round;
    char *path = NULL;
    save *ratings = NULL;
    medley_status status = MEDLEY_OK;
    *rows = 0;
    TRY_DONE(file_join(w->rt, folder, "ratings.csv", &path, err));
    TRY_DONE(save_open(w->rt, path, &ratings, err));
    TRY_DONE(save_write(ratings, header, sizeof header - 1, err));
    for (w->round = 0; w->round < rounds; w->round++) {
        TRY_DONE(runtime_progress(w->rt, "making ratings", w->round * per_round, w->p->users, err));
        TRY_DONE(parallel_run(w->rt, TASKS_PER_ROUND, write_users, w, err));
        for (int i = 0; i < TASKS_PER_ROUND; i++) {
            TRY_DONE(save_write(ratings, w->rows[i].bytes, (size_t)w->rows[i].length, err));
            *rows += w->written[i];
        }
    }
    status = save_commit(ratings, err);
    ratings = NULL;
done:
    save_abandon(ratings);
    mem_free(path);
    return status;
}

/* ---- covers ---- */

static medley_status write_cover(const world *w, int64_t item, medley_error *err)
{
    char name[32];
    item_look look;
    void *bytes = NULL;
    char *path = NULL;
    size_t length;
    file *out = NULL;
    medley_status status = MEDLEY_OK;
    synthetic_looks(w, item, &look);
    snprintf(name, sizeof name, "%lld.jpg", (long long)item + 1);
    TRY_DONE(w->paint(w->rt, &look, &bytes, &length, err));
    TRY_DONE(file_join(w->rt, w->covers, name, &path, err));
    TRY_DONE(file_create(w->rt, path, &out, err));
    status = file_write(out, bytes, length, err);
done:
    file_close(out); /* the folder is flushed as a whole */
    mem_free(path);
    mem_free(bytes);
    return status;
}

static medley_status write_some_covers(void *context, int64_t task, int worker, medley_error *err)
{
    const world *w = context;
    const int64_t first = (w->round * TASKS_PER_ROUND + task) * COVERS_PER_TASK;
    (void)worker;
    for (int64_t i = first; i < first + COVERS_PER_TASK && i < w->p->items; i++)
        if (!synthetic_lacks(w, i, LACKS_COVER))
            TRY(write_cover(w, i, err));
    return MEDLEY_OK;
}

static medley_status write_covers(world *w, const char *folder, medley_error *err)
{
    const int64_t per_round = (int64_t)TASKS_PER_ROUND * COVERS_PER_TASK;
    char *covers;
    TRY(file_join(w->rt, folder, "posters", &covers, err));
    medley_status status = file_make_folder(w->rt, covers, err);
    w->covers = covers;
    for (w->round = 0; status == MEDLEY_OK && w->round * per_round < w->p->items; w->round++) {
        status = runtime_progress(w->rt, "drawing covers", w->round * per_round, w->p->items, err);
        if (status == MEDLEY_OK)
            status = parallel_run(w->rt, TASKS_PER_ROUND, write_some_covers, w, err);
    }
    mem_free(covers);
    return status;
}

static int64_t count_unreleased(const world *w)
{
    int64_t count = 0;
    for (int64_t i = 0; i < w->p->items; i++)
        count += w->release[i] == INT64_MAX;
    return count;
}

static int64_t count_late(const world *w)
{
    int64_t count = 0;
    for (int64_t i = 0; i < w->p->items; i++)
        count += w->release[i] > FIRST_TIME && w->release[i] < INT64_MAX;
    return count;
}

static int64_t count_without(const world *w, int what)
{
    int64_t count = 0;
    for (int64_t i = 0; i < w->p->items; i++)
        count += synthetic_lacks(w, i, what);
    return count;
}

/* ---- all ---- */

static medley_status create_world(world *w, medley_error *err)
{
    const synthetic_params *p = w->p;
    TRY(mem_alloc(w->rt, p->genres + 1, sizeof *w->first, &w->first, err));
    TRY(mem_alloc(w->rt, p->items, sizeof *w->popular, &w->popular, err));
    TRY(mem_alloc_zero(w->rt, TASKS_PER_ROUND, sizeof *w->rows, &w->rows, err));
    TRY(mem_alloc_zero(w->rt, TASKS_PER_ROUND, sizeof *w->written, &w->written, err));
    TRY(mem_alloc_zero(w->rt, parallel_workers(w->rt), sizeof *w->taken, &w->taken, err));
    for (int i = 0; i < TASKS_PER_ROUND; i++)
        w->rows[i].rt = w->rt;
    for (int i = 0; i < parallel_workers(w->rt); i++)
        TRY(mem_alloc_zero(w->rt, p->items, sizeof **w->taken, &w->taken[i], err));
    TRY(mem_alloc_zero(w->rt, p->items, sizeof *w->release, &w->release, err));
    create_items(w);
    if (p->images)
        synthetic_releases(w);
    return MEDLEY_OK;
}

static void release_world(world *w)
{
    for (int i = 0; w->rows != NULL && i < TASKS_PER_ROUND; i++)
        text_release(&w->rows[i]);
    for (int i = 0; w->taken != NULL && i < parallel_workers(w->rt); i++)
        mem_free(w->taken[i]);
    mem_free(w->taken);
    mem_free(w->rows);
    mem_free(w->written);
    mem_free(w->first);
    mem_free(w->popular);
    mem_free(w->release);
}

static void tell(const world *w, int64_t rows, medley_report *report)
{
    const synthetic_params *const p = w->p;
    report_facts(report, "counts", "Synthetic data set");
    report_string(report, "folder", p->out);
    report_int(report, "users", p->users);
    report_int(report, "items", p->items);
    report_int(report, "interactions", rows);
    if (!p->images)
        return;
    report_int(report, "covers", p->items - count_without(w, LACKS_COVER));
    report_int(report, "without_overview", count_without(w, LACKS_OVERVIEW));
    report_int(report, "released_late", count_late(w));
    report_int(report, "not_released", count_unreleased(w));
}

medley_status synthetic_run(const medley_runtime *rt, const synthetic_params *p, cover_painter paint,
                            medley_report *report, medley_error *err)
{
    world w = {.rt = rt, .p = p, .paint = paint};
    save_folder *folder = NULL;
    int64_t rows = 0;
    medley_status status = MEDLEY_OK;
    if (p->genres > p->items)
        return fail(err, MEDLEY_E_CONFIG, "genres: %lld is outside 1..%lld, the number of items",
                    (long long)p->genres, (long long)p->items);
    TRY_DONE(save_folder_open(rt, p->out, p->force, "ratings.csv", &folder, err));
    TRY_DONE(create_world(&w, err));
    TRY_DONE(write_ratings(&w, save_folder_path(folder), &rows, err));
    TRY_DONE(synthetic_movies(&w, save_folder_path(folder), err));
    if (p->images)
        TRY_DONE(write_covers(&w, save_folder_path(folder), err));
    tell(&w, rows, report);
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    save_folder_abandon(folder);
    release_world(&w);
    return status;
}
