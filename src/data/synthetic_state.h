/* What the files of the made-up data set share. */
#ifndef DATA_SYNTHETIC_STATE_H
#define DATA_SYNTHETIC_STATE_H

#include "data/synthetic.h"

enum { SERIES = 4, USERS_PER_TASK = 256, TASKS_PER_ROUND = 64, COVERS_PER_TASK = 16 };

/* Streams of random numbers: what a (seed, stream, counter) is for. */
enum {
    STREAM_ITEM = 1,
    STREAM_TASTE = 2,
    STREAM_LENGTH = 3,
    STREAM_STYLE = 40,
    STREAM_SERIES_STYLE = 41,
    STREAM_RELEASE = 42,
    STREAM_LIKING = 43,
    STREAM_MISSING = 44,
    STREAM_OVERVIEW = 45,
    STREAM_COVER = 46,
    STREAM_USER = 1000
};

/* With images: the time that all histories lie in, 2010 to 2020, more or less. */
#define FIRST_TIME INT64_C(1262304000)
#define LAST_TIME INT64_C(1577836800)

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
    /* with images */
    int64_t *release; /* [items] time from which the item can be picked */
    cover_painter paint;
    const char *covers; /* folder */
} world;

int64_t synthetic_genre(const world *w, int64_t item);

/* The first index in running sums[low..high) that is above `target`. */
int64_t synthetic_draw(const double *sums, int64_t low, int64_t high, double target);

/* ---- styles ---- */

/* What a user likes, with images. */
typedef struct liking {
    double genre[GENRES_MOST];               /* G */
    double style[STYLES][STYLE_VALUES_MOST]; /* A */
    double genre_sums[GENRES_MOST];          /* of the chances of genres, popularity included */
    double best;                             /* bound of the style's part of the exponent */
} liking;

void synthetic_looks(const world *w, int64_t item, item_look *out);
void synthetic_releases(world *w);
void synthetic_liking(const world *w, int64_t user, liking *out);
/* Draws an item as synthetic.h says, of any release; counter: of the stream, moved on. */
int64_t synthetic_pick(const world *w, const liking *l, uint64_t stream, uint64_t *counter);
/* The user's liking of an item: mean 0, variance 1 over items. */
double synthetic_utility(const world *w, const liking *l, int64_t item);
enum { LACKS_COVER, LACKS_OVERVIEW };
bool synthetic_lacks(const world *w, int64_t item, int what);

/* ---- words ---- */

MEDLEY_MUST_USE medley_status synthetic_movies(const world *w, const char *folder, medley_error *err);
/* A few sentences that tell genre, mood and setting. */
void synthetic_overview(const world *w, int64_t item, text *out);

#endif
