#include "data/tmdb_tables.h"

enum { MANY = 50 };

static const fact_column movie_facts[] = {
    {.column = "genres?", .kind = FACT_NAMES},
    {.column = "keywords?", .kind = FACT_NAMES, .most = MANY},
    {.column = "belongs_to_collection?", .key = "collection", .kind = FACT_NAMES},
    {.column = "production_companies?", .kind = FACT_NAMES, .most = MANY},
    {.column = "production_countries?", .kind = FACT_NAMES},
    {.column = "spoken_languages?", .kind = FACT_NAMES},
    {.column = "original_language?", .kind = FACT_TEXT},
    {.column = "tagline?", .kind = FACT_TEXT},
    {.column = "status?", .kind = FACT_TEXT},
    {.column = "release_date?", .kind = FACT_TEXT},
    {.column = "runtime?", .kind = FACT_NUMBER},
    {.column = "budget?", .kind = FACT_NUMBER},
    {.column = "revenue?", .kind = FACT_NUMBER},
    {.column = "popularity?", .kind = FACT_NUMBER},
    {.column = "vote_average?", .kind = FACT_NUMBER},
    {.column = "vote_count?", .kind = FACT_NUMBER},
    {.column = "imdb_id?", .kind = FACT_TEXT},
};

/* RFC 4180 with a header. */
static item_layout csv(const char *id, bool by_alias)
{
    return (item_layout){.delimiter = ",", .header = true, .quotes = true, .id = id, .by_alias = by_alias};
}

medley_status tmdb_links_read(const medley_runtime *rt, const char *folder, ingest *in, bool *found,
                              medley_error *err)
{
    static const char *const names[] = {"links.csv", "links_small.csv"};
    const item_layout layout = csv("movieId", false);
    char *path;
    TRY(reader_file(rt, folder, names, 2, &path, err));
    *found = path != NULL;
    if (path == NULL)
        return MEDLEY_OK;
    const medley_status status = ingest_aliases(in, path, &layout, "tmdbId", err);
    mem_free(path);
    return status;
}

medley_status tmdb_movies_read(const char *path, bool by_alias, bool secondary, ingest *in, medley_error *err)
{
    item_layout layout = csv("id", by_alias);
    layout.secondary = secondary;
    layout.title = "title|original_title";
    layout.text = "overview?";
    layout.facts = movie_facts;
    layout.fact_count = sizeof movie_facts / sizeof *movie_facts;
    return ingest_items(in, path, &layout, err);
}

medley_status tmdb_credits_read(const medley_runtime *rt, const char *folder, bool by_alias, int64_t cast_most,
                                ingest *in, medley_error *err)
{
    static const char *const credits[] = {"credits.csv", "tmdb_5000_credits.csv"};
    static const fact_column words[] = {{.column = "keywords", .kind = FACT_NAMES, .most = MANY}};
    const fact_column people[] = {
        {.column = "cast", .kind = FACT_NAMES, .most = cast_most},
        {.column = "crew", .key = "directors", .kind = FACT_NAMES, .where = "job", .equals = "Director"},
    };
    item_layout layout = csv("id|movie_id", by_alias);
    layout.secondary = true;
    layout.facts = people;
    layout.fact_count = 2;
    for (size_t i = 0; i < sizeof credits / sizeof *credits; i++)
        TRY(reader_items(rt, folder, credits[i], &layout, in, err));
    layout.facts = words;
    layout.fact_count = 1;
    return reader_items(rt, folder, "keywords.csv", &layout, in, err);
}
