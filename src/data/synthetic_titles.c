/* Titles and overviews of made-up films. */
#include "data/synthetic_state.h"
#include "io/save.h"

static const char *const genre_names[GENRES_MOST] = {
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

/* "Silent Harbor 2 (1998)"; one in eight has its article behind a comma, as MovieLens writes it. */
static void add_title(const world *w, int64_t item, text *out)
{
    const int64_t g = synthetic_genre(w, item), place = item - w->first[g], series = place / SERIES,
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

medley_status synthetic_movies(const world *w, const char *folder, medley_error *err)
{
    text out = {.rt = w->rt};
    medley_status status = MEDLEY_OK;
    text_add(&out, "movieId,title,genres,overview\n");
    for (int64_t item = 0; item < w->p->items; item++) {
        const uint64_t bits = random_bits((uint64_t)w->p->seed, STREAM_ITEM + 20, (uint64_t)item);
        const int64_t g = synthetic_genre(w, item);
        text_format(&out, "%lld,", (long long)item + 1);
        add_title(w, item, &out);
        text_format(&out, ",%s", genre_names[g]);
        if (bits % 3 == 0 && w->p->genres > 1)
            text_format(&out, "|%s",
                        genre_names[(g + 1 + (int64_t)(bits >> 8) % (w->p->genres - 1)) % w->p->genres]);
        if (!w->p->images)
            text_format(&out, ",\"%s at its most %s: %s.\"\n", genre_names[g],
                        adjectives[(bits >> 20) % COUNT(adjectives)], plots[(bits >> 32) % COUNT(plots)]);
        else if (synthetic_lacks(w, item, LACKS_OVERVIEW))
            text_add(&out, ",\n");
        else {
            text_add(&out, ",\"");
            synthetic_overview(w, item, &out);
            text_add(&out, "\"\n");
        }
    }
    TRY_DONE(text_status(&out, err));
    status = save_in(w->rt, folder, "movies.csv", out.bytes, (size_t)out.length, err);
done:
    text_release(&out);
    return status;
}
