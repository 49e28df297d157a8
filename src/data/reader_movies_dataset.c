/* The Movies Dataset (Kaggle, rounakbanik/the-movies-dataset), and TMDB 5000 as its movie table. */
#include "data/tmdb_tables.h"

typedef struct movies_params {
    const char *ratings;
    int64_t cast_most;
} movies_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(movies_params, ratings, "",
                .help = "file of the ratings; empty: ratings.csv, else ratings_small.csv"),
    MEDLEY_INT(movies_params, cast_most, "10", 1, 1000,
               .help = "actors of a movie to keep, in the order of billing"),
    MEDLEY_PARAMS_END,
};

static medley_status read_ratings(const medley_runtime *rt, const char *input, const char *name, ingest *in,
                                  medley_error *err)
{
    static const interaction_layout layout = {.delimiter = ",",
                                              .header = true,
                                              .quotes = true,
                                              .user = "userId",
                                              .item = "movieId",
                                              .rating = "rating",
                                              .timestamp = "timestamp",
                                              .part = -1};
    static const char *const usual[] = {"ratings.csv", "ratings_small.csv"};
    char *path;
    TRY(name[0] != '\0' ? reader_need(rt, input, &name, 1, &path, err)
                        : reader_need(rt, input, usual, 2, &path, err));
    const medley_status status = ingest_interactions(in, path, &layout, err);
    mem_free(path);
    return status;
}

static medley_status read_movies(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                 medley_error *err)
{
    static const char *const movies[] = {"movies_metadata.csv", "tmdb_5000_movies.csv"};
    const movies_params *p = values;
    bool linked;
    char *path;
    TRY(read_ratings(rt, input, p->ratings, in, err));
    TRY(tmdb_links_read(rt, input, in, &linked, err));
    TRY(reader_need(rt, input, movies, 2, &path, err));
    const medley_status status = tmdb_movies_read(path, linked, false, in, err);
    mem_free(path);
    TRY(status);
    return tmdb_credits_read(rt, input, linked, p->cast_most, in, err);
}

const reader_class reader_movies_dataset = {
    .name = "movies_dataset",
    .summary = "The Movies Dataset (Kaggle): ratings.csv with movies_metadata.csv, credits.csv, keywords.csv",
    .details =
        "Ratings use MovieLens' ids and the other tables TMDB's: links.csv joins them; without it ids are taken "
        "to be the same. tmdb_5000_movies.csv and tmdb_5000_credits.csv are taken, too. Lists in columns may be "
        "Python's or JSON's. A row that is broken (movies_metadata.csv has some) is reported and skipped. "
        "Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(movies_params),
    .read = read_movies,
};
