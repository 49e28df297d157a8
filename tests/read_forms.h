/* Files as publishers write them, and reading them with a reader. Include it behind read_dataset.h and
 * fixture.h. */
#ifndef TESTS_READ_FORMS_H
#define TESTS_READ_FORMS_H

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "data/reader.h"

static inline const reader_class *reader_named(const char *name)
{
    const reader_class *const *found = reader_classes;
    while (*found != NULL && strcmp((*found)->name, name) != 0)
        found++;
    assert_non_null(*found);
    return *found;
}

/* Reads a path with a reader and settings key, value, ..., NULL. */
static inline medley_status read_path(const medley_runtime *with, const char *reader, const char *path,
                                      const ingest_options *options, const char *const *settings, dataset *out,
                                      medley_error *err)
{
    _Alignas(16) char values[1024] = {0};
    ingest *in;
    const reader_class *r = reader_named(reader);
    assert_true(r->params_size <= sizeof values);
    medley_params_reset(r->params, values);
    for (; settings != NULL && *settings != NULL; settings += 2)
        TRY(medley_param_set(medley_param_find(r->params, settings[0]), values, settings[1], err));
    *out = (dataset){.rt = with};
    TRY(ingest_create(with, options, &in, err));
    medley_status status = r->read(with, values, path, in, err);
    if (status == MEDLEY_OK)
        status = ingest_finish(in, out, err);
    ingest_free(in);
    return status;
}

static inline medley_status read_as(const char *reader, const char *const *settings, dataset *out,
                                    medley_error *err)
{
    return read_path(rt, reader, folder, &stopping, settings, out, err);
}

static inline void put(const char *name, const char *content)
{
    test_write_text(test_path(folder, name), content);
}

static inline void put_gzip(const char *name, const char *content)
{
    gzFile out = gzopen(test_path(folder, name), "wb");
    assert_int_equal(gzwrite(out, content, (unsigned)strlen(content)), (int)strlen(content));
    assert_int_equal(gzclose(out), Z_OK);
}

static inline void put_zstd(const char *name, const char *content)
{
    char packed[8192];
    const size_t used = ZSTD_compress(packed, sizeof packed, content, strlen(content), 3);
    assert_false(ZSTD_isError(used));
    test_write(test_path(folder, name), packed, used);
}

static inline void drop(const char *name)
{
    assert_int_equal(unlink(test_path(folder, name)), 0);
}

static inline const item_facts *facts_of(const dataset *d, const char *id)
{
    const uint32_t index = idmap_find(&d->items, id, strlen(id));
    assert_true(index != IDMAP_NONE);
    assert_non_null(d->facts);
    return &d->facts[index];
}

#define assert_attributes(d, id, want) assert_string_equal(facts_of(d, id)->attributes, want)

static inline const char *user_of(const dataset *d, const char *id)
{
    return dataset_user_attributes(d, id, strlen(id));
}

/* Some small files. */
static const char ratings_csv[] = "userId,movieId,rating,timestamp\n1,1,5,10\n1,2,3,20\n2,3,4,30\n";
static const char links_csv[] = "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113497,8844\n3,1,862\n4,2,\n";
static const char reviews_2014[] =
    "{\"reviewerID\": \"A2SU\", \"asin\": \"0000013714\", \"reviewerName\": \"J. \\\"Mc\\\" D\", \"helpful\": [2, 3], "
    "\"reviewText\": \"I \\u00e9 {[\", \"overall\": 5.0, \"summary\": \"\", \"unixReviewTime\": 1252800000, "
    "\"reviewTime\": \"09 13, 2009\"}\n"
    "{\"reviewerID\": \"B\\u00e9\", \"asin\": \"0000013714\", \"overall\": 2.0, \"unixReviewTime\": 1252800001}\r\n"
    "\n"
    "{ \"unixReviewTime\" : 7 , \"overall\" : 1 , \"asin\" : \"x\\/y\" , \"reviewerID\" : \"A2SU\" }";

#endif
