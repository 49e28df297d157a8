/* Any bytes as a raw data set, through every reader: a data set whose indexes fit and whose rows are in order, or
 * one line that says what is wrong.
 *
 * The first byte chooses the form, and by its highest bit whether files may be empty; the bytes up to the first 0x1e are the interactions, those behind it the
 * items. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/reader.h"
#include "io/utf8.h"

enum { ROWS_FD = 100, ITEMS_FD = 101, VALUES = 1024, FILES = 2, SETTINGS = 10 };

/* A reader, what its files are called, and settings: key, value, ... */
static const struct form {
    const char *reader, *files[FILES], *settings[SETTINGS];
} forms[] = {
    {"movielens", {"ratings.csv", "movies.csv"}, {NULL}},
    {"movielens", {"ratings.dat", "movies.dat"}, {NULL}},
    {"movielens", {"u.data", "u.item"}, {NULL}},
    {"elliot", {"dataset.tsv", NULL}, {NULL}},
    {"elliot", {"train.tsv", "test.tsv"}, {NULL}},
    {"sequences", {"rows", "items"}, {"file", "rows", "items_file", "items"}},
    {"delimited", {"rows", "items"}, {"file", "rows", "items_file", "items", "encoding", "latin1"}},
    {"delimited", {"rows", NULL}, {"file", "rows", "header", "false", "time_unit", "milliseconds"}},
    {"movielens", {"u1.base", "u1.test"}, {"fold", "u1"}},
    {"movielens", {"u.data", "u.user"}, {NULL}},
    {"movielens", {"ratings.csv", "tags.csv"}, {"tags_most", "2"}},
    {"movielens", {"ratings.csv", "links.csv"}, {NULL}},
    {"movies_dataset", {"ratings.csv", "movies_metadata.csv"}, {NULL}},
    {"amazon", {"reviews.json", "meta.json"}, {NULL}},
    {"recbole", {"x.inter", "x.item"}, {NULL}},
    {"pixelrec", {"x.csv", "x_item_info.csv"}, {NULL}},
    {"elliot", {"reviews.tsv", "meta.tsv"}, {NULL}},
    {"sequences", {"x.txt", "x_item2attributes.json"}, {NULL}},
    {"delimited",
     {"rows", "users"},
     {"file", "rows", "users_file", "users", "time_format", "iso8601", "user_numbers", "2", "user_categories",
      "3"}},
    {"catalogue", {"rows", NULL}, {"file", "rows", "categories", "3"}},
};

enum { FORMS = sizeof forms / sizeof *forms };

static char scratch[64];

static void remove_scratch(void)
{
    medley_runtime *rt = fuzz_runtime();
    FUZZ_CHECK(file_remove_tree(rt, scratch, NULL) == MEDLEY_OK);
    medley_runtime_free(rt);
}

/* A folder a form, whose files are links to descriptors that every input fills anew. */
static void create_scratch(void)
{
    static const char *const targets[FILES] = {"/proc/self/fd/100", "/proc/self/fd/101"};
    if (scratch[0] != '\0')
        return;
    snprintf(scratch, sizeof scratch, "/tmp/medley-fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(scratch) != NULL);
    atexit(remove_scratch);
    for (int n = 0; n < FORMS; n++) {
        char folder[96], path[128];
        snprintf(folder, sizeof folder, "%s/%d", scratch, n);
        FUZZ_CHECK(mkdir(folder, 0700) == 0);
        for (int i = 0; i < FILES && forms[n].files[i] != NULL; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, forms[n].files[i]);
            FUZZ_CHECK(symlink(targets[i], path) == 0);
        }
    }
    /* A reader without a form would not be fuzzed. */
    for (int r = 0; reader_classes[r] != NULL; r++) {
        bool found = false;
        for (int n = 0; n < FORMS; n++)
            found |= strcmp(forms[n].reader, reader_classes[r]->name) == 0;
        FUZZ_CHECK(found);
    }
}

static const reader_class *reader_of(const struct form *f)
{
    int r = 0;
    while (strcmp(reader_classes[r]->name, f->reader) != 0)
        r++;
    return reader_classes[r];
}

static void put(int fd, const uint8_t *data, size_t size)
{
    fuzz_file f = fuzz_file_create(data, size);
    FUZZ_CHECK(dup2(f.fd, fd) == fd);
    fuzz_file_end(&f);
}

static void check_attributes(const char *attributes)
{
    json *object = NULL;
    if (attributes == NULL)
        return;
    FUZZ_CHECK(json_parse("attributes", attributes, strlen(attributes), &object, NULL) == MEDLEY_OK);
    FUZZ_CHECK(json_is_object(object) && json_count(object) > 0);
    json_free(object);
}

static void check_dataset(const dataset *d, bool may_be_empty)
{
    FUZZ_CHECK(d->count > 0 || may_be_empty);
    for (int64_t i = 0; i < d->count; i++) {
        FUZZ_CHECK(d->user[i] < d->users.count && d->item[i] < d->items.count);
        const bool same_user = i > 0 && d->user[i] == d->user[i - 1];
        FUZZ_CHECK(i == 0 || d->user[i] >= d->user[i - 1]);
        FUZZ_CHECK(!same_user || d->timestamp == NULL || d->timestamp[i] >= d->timestamp[i - 1]);
        FUZZ_CHECK(d->rating == NULL || (d->rating[i] >= 0 && d->rating[i] <= 1000));
    }
    for (int64_t i = 0; d->facts != NULL && i < d->items.count; i++) {
        const char *const texts[] = {d->facts[i].title, d->facts[i].text, d->facts[i].image,
                                     d->facts[i].attributes};
        for (int t = 0; t < 4; t++)
            if (texts[t] != NULL)
                FUZZ_CHECK(utf8_invalid_at(texts[t], strlen(texts[t])) < 0);
        check_attributes(d->facts[i].attributes);
    }
    for (int64_t i = 0; i < d->user_table.count; i++)
        check_attributes(d->user_attributes[i]);
}

static medley_status read_form(const medley_runtime *rt, const struct form *f, const char *folder,
                               bool may_be_empty, medley_error *err)
{
    const reader_class *reader = reader_of(f);
    const ingest_options options = {.on_error = ON_ERROR_SKIP, .rating_min = 0, .rating_max = 1000};
    _Alignas(16) char values[VALUES] = {0};
    ingest *in;
    dataset d = {.rt = rt};
    FUZZ_CHECK(reader->params_size <= sizeof values);
    medley_params_reset(reader->params, values);
    for (int i = 0; i < SETTINGS && f->settings[i] != NULL; i += 2)
        FUZZ_CHECK(medley_param_set(medley_param_find(reader->params, f->settings[i]), values, f->settings[i + 1],
                                    NULL) == MEDLEY_OK);
    TRY(ingest_create(rt, &options, &in, err));
    ingest_clean_texts(in, true);
    if (may_be_empty)
        ingest_allow_empty(in);
    medley_status status = reader->read(rt, values, folder, in, err);
    if (status == MEDLEY_OK)
        status = ingest_finish(in, &d, err);
    if (status == MEDLEY_OK)
        check_dataset(&d, may_be_empty || strcmp(f->reader, "catalogue") == 0);
    dataset_release(&d);
    ingest_free(in);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[96];
    medley_error err = {MEDLEY_OK, ""};
    if (size == 0)
        return 0;
    create_scratch();
    const int n = (data[0] & 0x7f) % FORMS;
    const uint8_t *rows = data + 1, *separator = memchr(rows, 0x1e, size - 1);
    const size_t length = separator != NULL ? (size_t)(separator - rows) : size - 1;
    put(ROWS_FD, rows, length);
    put(ITEMS_FD, rows + length + (separator != NULL), size - 1 - length - (separator != NULL));
    snprintf(folder, sizeof folder, "%s/%d", scratch, n);
    medley_runtime *rt = fuzz_runtime();
    fuzz_check_status(read_form(rt, &forms[n], folder, data[0] >= 0x80, &err), MEDLEY_E_FORMAT, &err);
    medley_runtime_free(rt);
    return 0;
}
