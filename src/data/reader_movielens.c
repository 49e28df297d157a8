/* MovieLens as GroupLens publishes it (latest-small, 20M, 25M, 32M; 1M; 100K). */
#include "data/reader.h"

/* One published form: the files that are there tell which. */
typedef struct movielens_form {
    const char *ratings, *movies;
    interaction_layout interactions;
    item_layout items;
} movielens_form;

static const movielens_form forms[] = {
    {
        "ratings.csv",
        "movies.csv",
        {.delimiter = ",",
         .header = true,
         .quotes = true,
         .user = "userId",
         .item = "movieId",
         .rating = "rating",
         .timestamp = "timestamp",
         .part = -1},
        {.delimiter = ",",
         .header = true,
         .quotes = true,
         .id = "movieId",
         .title = "title",
         .genres = "genres?",
         .genres_separator = "|",
         .text = "overview?",
         .image = "image?"},
    },
    {
        "ratings.dat",
        "movies.dat",
        {.delimiter = "::",
         .user = "1",
         .item = "2",
         .rating = "3",
         .timestamp = "4",
         .encoding = ENCODING_LATIN1,
         .part = -1},
        {.delimiter = "::",
         .id = "1",
         .title = "2",
         .genres = "3",
         .genres_separator = "|",
         .encoding = ENCODING_LATIN1},
    },
    {
        "u.data",
        "u.item",
        {.delimiter = "\t", .user = "1", .item = "2", .rating = "3", .timestamp = "4", .part = -1},
        {.delimiter = "|", .id = "1", .title = "2", .encoding = ENCODING_LATIN1},
    },
};

enum { FORMS = sizeof forms / sizeof *forms };

static medley_status read_movielens(const medley_runtime *rt, const void *params, const char *input, ingest *in,
                                    medley_error *err)
{
    const char *names[FORMS];
    char *ratings = NULL, *movies = NULL;
    const movielens_form *form = NULL;
    medley_status status = MEDLEY_OK;
    (void)params;
    for (int i = 0; i < FORMS && ratings == NULL; i++) {
        names[i] = forms[i].ratings;
        form = &forms[i];
        TRY(reader_file(rt, input, &form->ratings, 1, &ratings, err));
    }
    if (ratings == NULL)
        return reader_need(rt, input, names, FORMS, &ratings, err);
    TRY_DONE(ingest_interactions(in, ratings, &form->interactions, err));
    TRY_DONE(reader_file(rt, input, &form->movies, 1, &movies, err));
    if (movies != NULL)
        status = ingest_items(in, movies, &form->items, err);
done:
    mem_free(ratings);
    mem_free(movies);
    return status;
}

const reader_class reader_movielens = {
    .name = "movielens",
    .summary = "MovieLens folders as published: latest-small, 20M to 32M, 1M, 100K",
    .details =
        "ratings.csv (userId,movieId,rating,timestamp) with movies.csv (movieId,title,genres; an overview "
        "column, if any, becomes the item's text); or ratings.dat with movies.dat ('::', Latin-1); or u.data "
        "(tab) with u.item ('|', Latin-1). Plain, .gz or .zst. The item table may be missing.",
    .read = read_movielens,
};
