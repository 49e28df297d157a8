/* MovieLens as GroupLens publishes it (latest-small, 20M, 25M, 32M; 1M; 100K). */
#include "data/tmdb_tables.h"

typedef struct movielens_params {
    const char *fold, *images, *metadata_file, *texts_file;
    int64_t tags_most;
} movielens_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(movielens_params, fold, "",
                .help = "100K: a split it comes with, u1 to u5, ua or ub, as train and test; empty: all ratings"),
    MEDLEY_INT(movielens_params, tags_most, "20", 0, 1000,
               .help = "most frequent tags of a movie to keep as an attribute; 0: none"),
    MEDLEY_TEXT(movielens_params, images, "",
                .help = "folder of the input with images named by movie id; empty: posters, if it is there"),
    MEDLEY_TEXT(movielens_params, metadata_file, "",
                .help =
                    "movie table of TMDB (movies_metadata.csv, tmdb_5000_movies.csv), joined through links.csv; "
                    "relative to the input folder; empty: none"),
    MEDLEY_TEXT(movielens_params, texts_file, "",
                .help =
                    "CSV of the input folder whose columns movie_id and overview give movies their text; empty: "
                    "none"),
    MEDLEY_PARAMS_END,
};

/* ---- the three forms ---- */

static const char no_genres[] = "(no genres listed)";

static const fact_column csv_facts[] = {
    {.column = "genres?", .kind = FACT_LIST, .separator = "|", .none = no_genres}};
static const fact_column dat_facts[] = {
    {.column = "3", .key = "genres", .kind = FACT_LIST, .separator = "|", .none = no_genres}};
static const fact_column dat_user_facts[] = {
    {.column = "2", .key = "gender", .kind = FACT_TEXT},
    {.column = "3", .key = "age", .kind = FACT_NUMBER},
    {.column = "4", .key = "occupation", .kind = FACT_TEXT},
    {.column = "5", .key = "zip_code", .kind = FACT_TEXT},
};
static const fact_column u_user_facts[] = {
    {.column = "2", .key = "age", .kind = FACT_NUMBER},
    {.column = "3", .key = "gender", .kind = FACT_TEXT},
    {.column = "4", .key = "occupation", .kind = FACT_TEXT},
    {.column = "5", .key = "zip_code", .kind = FACT_TEXT},
};

/* One published form: the files that are there tell which. */
typedef struct movielens_form {
    const char *ratings, *movies, *users;
    interaction_layout interactions;
    item_layout items, people;
} movielens_form;

static const movielens_form forms[] = {
    {
        .ratings = "ratings.csv",
        .movies = "movies.csv",
        .interactions = {.delimiter = ",",
                         .header = true,
                         .quotes = true,
                         .user = "userId",
                         .item = "movieId",
                         .rating = "rating",
                         .timestamp = "timestamp",
                         .part = -1},
        .items = {.delimiter = ",",
                  .header = true,
                  .quotes = true,
                  .id = "movieId",
                  .title = "title",
                  .dated_titles = true,
                  .facts = csv_facts,
                  .fact_count = 1,
                  .text = "overview?",
                  .image = "image?"},
    },
    {
        .ratings = "ratings.dat",
        .movies = "movies.dat",
        .users = "users.dat",
        .interactions = {.delimiter = "::",
                         .user = "1",
                         .item = "2",
                         .rating = "3",
                         .timestamp = "4",
                         .encoding = ENCODING_LATIN1,
                         .part = -1},
        .items = {.delimiter = "::",
                  .id = "1",
                  .title = "2",
                  .dated_titles = true,
                  .facts = dat_facts,
                  .fact_count = 1,
                  .encoding = ENCODING_LATIN1},
        .people =
            {.delimiter = "::", .id = "1", .facts = dat_user_facts, .fact_count = 4, .encoding = ENCODING_LATIN1},
    },
    {
        .ratings = "u.data",
        .movies = "u.item",
        .users = "u.user",
        .interactions = {.delimiter = "\t", .user = "1", .item = "2", .rating = "3", .timestamp = "4", .part = -1},
        .items = {.delimiter = "|", .id = "1", .title = "2", .dated_titles = true, .encoding = ENCODING_LATIN1},
        .people =
            {.delimiter = "|", .id = "1", .facts = u_user_facts, .fact_count = 4, .encoding = ENCODING_LATIN1},
    },
};

enum { FORMS = sizeof forms / sizeof *forms, FORM_100K = 2, GENRES_MOST = 64, FIRST_GENRE = 6 };

/* ---- 100K ---- */

/* As u.genre lists them. */
static const char *const genre_names[] = {"unknown",   "Action",   "Adventure",   "Animation", "Children's",
                                          "Comedy",    "Crime",    "Documentary", "Drama",     "Fantasy",
                                          "Film-Noir", "Horror",   "Musical",     "Mystery",   "Romance",
                                          "Sci-Fi",    "Thriller", "War",         "Western"};

/* Columns of u.item: 19 flags and the date, with keys in the order of the catalogue. */
typedef struct item_columns {
    fact_column facts[GENRES_MOST + 1];
    char position[GENRES_MOST][16];
    char *listed; /* u.genre, cut into names */
    int count;
} item_columns;

static bool add_genre(item_columns *c, const char *name)
{
    if (c->count == GENRES_MOST)
        return false;
    snprintf(c->position[c->count], sizeof c->position[0], "%d?", FIRST_GENRE + c->count);
    c->facts[c->count] =
        (fact_column){.column = c->position[c->count], .key = "genres", .kind = FACT_FLAG, .value = name};
    c->count++;
    return true;
}

/* "Action|1" lines, whose order is that of the flags. */
static medley_status read_genres(const medley_runtime *rt, const char *input, item_columns *c, medley_error *err)
{
    char *path;
    size_t length;
    TRY(file_join(rt, input, "u.genre", &path, err));
    const bool there = file_exists(path);
    const medley_status status = there ? file_read_whole(rt, path, 65536, &c->listed, &length, err) : MEDLEY_OK;
    mem_free(path);
    TRY(status);
    for (size_t i = 0; !there && i < sizeof genre_names / sizeof *genre_names; i++)
        (void)add_genre(c, genre_names[i]);
    for (char *line = c->listed; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n'), *bar = strchr(line, '|');
        if (bar == NULL || (end != NULL && bar > end))
            break; /* the file ends with an empty line */
        *bar = '\0';
        if (!add_genre(c, line))
            return fail(err, MEDLEY_E_FORMAT, "u.genre: more than %d genres", GENRES_MOST);
        line = end != NULL ? end + 1 : NULL;
    }
    c->facts[c->count++] = (fact_column){.column = "3?", .key = "release_date", .kind = FACT_TEXT};
    return MEDLEY_OK;
}

static medley_status read_u_item(const medley_runtime *rt, const char *input, ingest *in, medley_error *err)
{
    item_columns columns = {.count = 0};
    item_layout layout = forms[FORM_100K].items;
    medley_status status;
    TRY_DONE(read_genres(rt, input, &columns, err));
    layout.facts = columns.facts;
    layout.fact_count = columns.count;
    status = reader_items(rt, input, "u.item", &layout, in, err);
done:
    mem_free(columns.listed);
    return status;
}

/* u1.base is the training part and u1.test the test part. */
static medley_status read_fold(const medley_runtime *rt, const char *input, const char *fold, ingest *in,
                               medley_error *err)
{
    static const char *const folds[] = {"u1", "u2", "u3", "u4", "u5", "ua", "ub"};
    static const struct {
        const char *ending;
        int part;
    } files[] = {{"base", PART_TRAIN}, {"test", PART_TEST}};
    bool known = false;
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
        known |= strcmp(folds[i], fold) == 0;
    if (!known)
        return fail(err, MEDLEY_E_CONFIG, "fold: '%s' is none; accepted: u1, u2, u3, u4, u5, ua, ub or nothing",
                    fold);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[16], *path;
        const char *names = name;
        interaction_layout layout = forms[FORM_100K].interactions;
        layout.part = files[i].part;
        snprintf(name, sizeof name, "%s.%s", fold, files[i].ending);
        TRY(reader_need(rt, input, &names, 1, &path, err));
        const medley_status status = ingest_interactions(in, path, &layout, err);
        mem_free(path);
        TRY(status);
    }
    return MEDLEY_OK;
}

/* ---- the CSV forms' further tables ---- */

static medley_status read_tags(const medley_runtime *rt, const char *input, int64_t most, ingest *in,
                               medley_error *err)
{
    static const item_layout layout = {.delimiter = ",", .header = true, .quotes = true, .id = "movieId"};
    static const char *const names[] = {"tags.csv"};
    char *path;
    if (most == 0)
        return MEDLEY_OK;
    TRY(reader_file(rt, input, names, 1, &path, err));
    const medley_status status =
        path != NULL ? ingest_tags(in, path, &layout, "tag", "tags", most, err) : MEDLEY_OK;
    mem_free(path);
    return status;
}

static medley_status read_links(const medley_runtime *rt, const char *input, ingest *in, medley_error *err)
{
    static const fact_column ids[] = {{.column = "imdbId?", .kind = FACT_TEXT},
                                      {.column = "tmdbId?", .kind = FACT_TEXT}};
    static const item_layout layout = {.delimiter = ",",
                                       .header = true,
                                       .quotes = true,
                                       .id = "movieId",
                                       .facts = ids,
                                       .fact_count = 2,
                                       .secondary = true};
    return reader_items(rt, input, "links.csv", &layout, in, err);
}

/* ---- tables from elsewhere ---- */

static medley_status read_metadata(const medley_runtime *rt, const char *input, const char *name, ingest *in,
                                   medley_error *err)
{
    bool linked;
    char *path;
    if (name[0] == '\0')
        return MEDLEY_OK;
    TRY(tmdb_links_read(rt, input, in, &linked, err));
    if (!linked)
        return fail(err, MEDLEY_E_NOT_FOUND, "metadata_file: '%s' has no links.csv, which tells TMDB's ids",
                    input);
    TRY(reader_need(rt, input, &name, 1, &path, err));
    const medley_status status = tmdb_movies_read(path, true, true, in, err);
    mem_free(path);
    return status;
}

static medley_status read_texts(const medley_runtime *rt, const char *input, const char *name, ingest *in,
                                medley_error *err)
{
    static const item_layout layout = {.delimiter = ",",
                                       .header = true,
                                       .quotes = true,
                                       .id = "movie_id|movieId|id",
                                       .text = "overview|description|text",
                                       .secondary = true};
    char *path;
    if (name[0] == '\0')
        return MEDLEY_OK;
    TRY(reader_need(rt, input, &name, 1, &path, err));
    const medley_status status = ingest_items(in, path, &layout, err);
    mem_free(path);
    return status;
}

/* ---- all of it ---- */

static medley_status find_form(const medley_runtime *rt, const char *input, const movielens_form **form,
                               char **ratings, medley_error *err)
{
    const char *names[FORMS];
    *ratings = NULL;
    for (int i = 0; i < FORMS; i++) {
        names[i] = forms[i].ratings;
        *form = &forms[i];
        TRY(reader_file(rt, input, &forms[i].ratings, 1, ratings, err));
        if (*ratings != NULL)
            return MEDLEY_OK;
    }
    return reader_need(rt, input, names, FORMS, ratings, err);
}

static medley_status read_movielens(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                    medley_error *err)
{
    static const char *const posters[] = {"posters", NULL};
    const movielens_params *p = values;
    const movielens_form *form = &forms[FORM_100K];
    char *ratings = NULL;
    if (p->fold[0] != '\0') {
        TRY(read_fold(rt, input, p->fold, in, err));
    } else {
        TRY(find_form(rt, input, &form, &ratings, err));
        const medley_status status = ingest_interactions(in, ratings, &form->interactions, err);
        mem_free(ratings);
        TRY(status);
    }
    if (form == &forms[FORM_100K])
        TRY(read_u_item(rt, input, in, err));
    else
        TRY(reader_items(rt, input, form->movies, &form->items, in, err));
    if (form->users != NULL)
        TRY(reader_users(rt, input, form->users, &form->people, in, err));
    TRY(read_tags(rt, input, p->tags_most, in, err));
    TRY(read_links(rt, input, in, err));
    TRY(read_metadata(rt, input, p->metadata_file, in, err));
    TRY(read_texts(rt, input, p->texts_file, in, err));
    return reader_images(rt, input, p->images, posters, in, err);
}

const reader_class reader_movielens = {
    .name = "movielens",
    .summary = "MovieLens folders as published: latest-small, 20M to 32M, 1M, 100K",
    .details =
        "ratings.csv (userId,movieId,rating,timestamp) with movies.csv (movieId,title,genres; an overview "
        "column, if any, becomes the item's text), tags.csv and links.csv; or ratings.dat with movies.dat and "
        "users.dat ('::', Latin-1); or u.data (tab) with u.item, u.user ('|', Latin-1), u.genre and the splits it "
        "comes with (fold). The year that ends a title becomes the attribute year. Plain, .gz or .zst. All but the "
        "ratings may be missing.",
    .params = params_table,
    .params_size = sizeof(movielens_params),
    .read = read_movielens,
};
