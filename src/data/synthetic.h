/* A made-up data set with known structure, in the shape of MovieLens.
 *
 * Every item belongs to a genre and a series of it; every user has a taste over genres. A user
 * picks mostly by taste and popularity and, with probability `sequel`, the next part of the series
 * of the last pick: so taste can be learnt from co-occurrence and order from sequences.
 *
 * With `images` items have a style too, which covers and overviews show, and a user u picks item i at time t with
 *
 *   p(i | u, t) ~ popularity_i exp(S (sqrt(1 - style) G_ug(i) + sqrt(style) / sqrt(F) sum over f of A_uf(v_if))),
 *
 * if it is released at t. G and A, the user's liking of genres and of the values of each of the F factors of style, have
 * mean 0 and variance 1 over genres and over values: so `style` is the share of the variance of preference that is due
 * to style. Of `cold_items` a part is released in the last fifth of the time, and a part never. */
#ifndef DATA_SYNTHETIC_H
#define DATA_SYNTHETIC_H

#include "base/report.h"

typedef struct synthetic_params {
    const char *out;
    int64_t users, items, interactions_per_user, genres, seed;
    double sequel;
    bool images;
    double style, cold_items, missing_images, missing_texts;
    bool force;
} synthetic_params;

extern const medley_param synthetic_table[];

/* The factors of style: covers show the first three, overviews tell the other two. */
enum { STYLE_PALETTE, STYLE_PATTERN, STYLE_LIGHT, STYLE_MOOD, STYLE_SETTING, STYLES };
enum { PALETTES = 6, PATTERNS = 6, LIGHTS = 3, MOODS = 6, SETTINGS = 6, STYLE_VALUES_MOST = 6, GENRES_MOST = 18 };

/* What a cover shows of an item. */
typedef struct item_look {
    uint64_t seed; /* of all that is drawn by chance, and the item's own */
    int64_t genre; /* below GENRES_MOST */
    int style[STYLES];
} item_look;

/* Draws an item's cover: the bytes of a JPEG, mem_alloc'd. */
typedef medley_status (*cover_painter)(const medley_runtime *rt, const item_look *look, void **bytes,
                                       size_t *length, medley_error *err);

/* Writes ratings.csv (userId,movieId,rating,timestamp) and movies.csv (movieId,title,genres,overview), and with
 * `images` posters/<movieId>.jpg by `paint`. The same bytes for any number of threads. */
MEDLEY_MUST_USE medley_status synthetic_run(const medley_runtime *rt, const synthetic_params *p,
                                            cover_painter paint, medley_report *report, medley_error *err);

#endif
