#include "data/synthetic.h"

#include <math.h>

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
    MEDLEY_INT(synthetic_params, seed, "1", 0, 9e15, .help = "the same seed makes the same files"),
    MEDLEY_BOOL(synthetic_params, force, "false", .flags = MEDLEY_PARAM_TRANSIENT,
                .help = "replace a data set that is there"),
    MEDLEY_PARAMS_END,
};

enum { SERIES = 4, USERS_PER_TASK = 256, TASKS_PER_ROUND = 64 };

/* Streams of random numbers: what a (seed, stream, counter) is for. */
enum { STREAM_ITEM = 1, STREAM_TASTE = 2, STREAM_LENGTH = 3, STREAM_USER = 1000 };

static const char *const genre_names[] = {
    "Action",    "Adventure", "Animation", "Children", "Comedy",  "Crime",  "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror",    "Musical",   "Mystery",  "Romance", "Sci-Fi", "Thriller",    "War",   "Western",
};
static const char *const adjectives[] = {
    "Silent", "Crimson",  "Last",  "Hidden",   "Golden", "Broken", "Distant", "Electric", "Frozen",    "Gentle",
    "Hollow", "Midnight", "Paper", "Restless", "Second", "Secret", "Stolen",  "Velvet",   "Wandering", "Winter",
};
static const char *const nouns[] = {
    "Harbor", "Garden",  "Machine", "Letter",  "River",   "Empire",  "Orchard", "Signal",
    "Mirror", "Lantern", "Voyage",  "Castle",  "Shadow",  "Bridge",  "Compass", "Parade",
    "Winter", "Engine",  "Island",  "Promise", "Station", "Theatre",
};
static const char *const plots[] = {
    "a stranger arrives and nothing stays as it was",
    "two rivals must share one secret",
    "a family keeps a promise too long",
    "an old map leads further than it should",
    "the town forgets a name that one child remembers",
    "a machine learns what its makers fear",
    "the way home is the longest road",
    "a debt is paid in the wrong coin",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What the data set is drawn from. */
typedef struct world {
    const medley_runtime *rt;
    const synthetic_params *p;
    int64_t *first;   /* [genres + 1] items of genre g: first[g] .. first[g+1] - 1 */
    double *popular;  /* [items] running sum of popularity within the genre */
    text *rows;       /* [TASKS_PER_ROUND] what tasks wrote */
    uint32_t **taken; /* [workers][items] last user, + 1, who picked the item */
    int64_t round;
    int64_t *written; /* [TASKS_PER_ROUND] rows */
} world;

static int64_t genre_of(const world *w, int64_t item)
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

/* The index in sums[low..high) where `target` falls. */
static int64_t draw(const double *sums, int64_t low, int64_t high, double target)
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
    const int64_t g = genre_of(w, item), place = item - w->first[g];
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

/* Half stars around how much the user likes the genre. */
static double rating_of(double share, double noise)
{
    const double stars = 2.5 + 2 * fmin(1, 2.5 * share) + 1.6 * (noise - 0.5);
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

static void write_user(const world *w, int64_t user, uint32_t *taken, text *out, int64_t *rows)
{
    const synthetic_params *p = w->p;
    const uint64_t seed = (uint64_t)p->seed, stream = STREAM_USER + (uint64_t)user;
    double taste[COUNT(genre_names)];
    uint64_t counter = 0;
    int64_t last = -1;
    taste_of(w, user, taste);
    int64_t time = 1262304000 + (int64_t)(3e8 * random_uniform(seed, stream, counter++)); /* from 2010 on */
    for (int64_t left = length_of(w, user); left > 0; left--) {
        int64_t item = -1;
        if (last >= 0 && random_uniform(seed, stream, counter++) < p->sequel)
            item = sequel_of(w, last);
        for (int tries = 0; (item < 0 || taken[item] == (uint32_t)user + 1) && tries < 100; tries++) {
            const double at = random_uniform(seed, stream, counter++) * taste[p->genres - 1];
            const int64_t g = draw(taste, 0, p->genres, at);
            const int64_t low = w->first[g], high = w->first[g + 1];
            item = draw(w->popular, low, high, random_uniform(seed, stream, counter++) * w->popular[high - 1]);
        }
        if (taken[item] == (uint32_t)user + 1)
            break; /* the taste is exhausted */
        taken[item] = (uint32_t)user + 1;
        const int64_t g = genre_of(w, item);
        const double share = (taste[g] - (g > 0 ? taste[g - 1] : 0)) / taste[p->genres - 1];
        const int64_t stars = (int64_t)(10 * rating_of(share, random_uniform(seed, stream, counter++)));
        time += 60 + (int64_t)(-40000 * log(1 - random_uniform(seed, stream, counter++)));
        add_number(out, user + 1, ',');
        add_number(out, item + 1, ',');
        add_number(out, stars / 10, '.');
        add_number(out, stars % 10, ',');
        add_number(out, time, '\n');
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

/* "Silent Harbor 2 (1998)"; one in eight has its article behind a comma, as MovieLens writes it. */
static void add_title(const world *w, int64_t item, text *out)
{
    const int64_t g = genre_of(w, item), place = item - w->first[g], series = place / SERIES,
                  part = place % SERIES;
    const uint64_t bits =
        random_bits((uint64_t)w->p->seed, STREAM_ITEM + 10, (uint64_t)(g * w->p->items + series));
    const char *adjective = adjectives[bits % COUNT(adjectives)], *noun = nouns[(bits >> 16) % COUNT(nouns)];
    const bool article = (bits >> 40) % 8 == 0;
    text_format(out, article ? "\"%s %s" : "%s %s", adjective, noun);
    if (part > 0)
        text_format(out, " %d", (int)part + 1);
    text_format(out, article ? ", The (%d)\"" : " (%d)", 1960 + (int)((bits >> 48) % 50) + (int)part * 2);
}

static medley_status write_movies(const world *w, const char *folder, medley_error *err)
{
    text out = {.rt = w->rt};
    medley_status status = MEDLEY_OK;
    text_add(&out, "movieId,title,genres,overview\n");
    for (int64_t item = 0; item < w->p->items; item++) {
        const uint64_t bits = random_bits((uint64_t)w->p->seed, STREAM_ITEM + 20, (uint64_t)item);
        const int64_t g = genre_of(w, item);
        text_format(&out, "%lld,", (long long)item + 1);
        add_title(w, item, &out);
        text_format(&out, ",%s", genre_names[g]);
        if (bits % 3 == 0 && w->p->genres > 1)
            text_format(&out, "|%s",
                        genre_names[(g + 1 + (int64_t)(bits >> 8) % (w->p->genres - 1)) % w->p->genres]);
        text_format(&out, ",\"%s at its most %s: %s.\"\n", genre_names[g],
                    adjectives[(bits >> 20) % COUNT(adjectives)], plots[(bits >> 32) % COUNT(plots)]);
    }
    TRY_DONE(text_status(&out, err));
    status = save_in(w->rt, folder, "movies.csv", out.bytes, (size_t)out.length, err);
done:
    text_release(&out);
    return status;
}

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
    create_items(w);
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
}

medley_status synthetic_run(const medley_runtime *rt, const synthetic_params *p, medley_report *report,
                            medley_error *err)
{
    world w = {.rt = rt, .p = p};
    save_folder *folder = NULL;
    int64_t rows = 0;
    medley_status status = MEDLEY_OK;
    if (p->genres > p->items)
        return fail(err, MEDLEY_E_CONFIG, "genres: %lld is outside 1..%lld, the number of items",
                    (long long)p->genres, (long long)p->items);
    TRY_DONE(save_folder_open(rt, p->out, p->force, "ratings.csv", &folder, err));
    TRY_DONE(create_world(&w, err));
    TRY_DONE(write_ratings(&w, save_folder_path(folder), &rows, err));
    TRY_DONE(write_movies(&w, save_folder_path(folder), err));
    report_facts(report, "counts", "Synthetic data set");
    report_string(report, "folder", p->out);
    report_int(report, "users", p->users);
    report_int(report, "items", p->items);
    report_int(report, "interactions", rows);
    TRY_DONE(report_status(report, err));
    status = save_folder_commit(folder, err);
    folder = NULL;
done:
    save_folder_abandon(folder);
    release_world(&w);
    return status;
}
