/* Amazon reviews (McAuley lab): the forms of 2014, 2018 and 2023. */
#include "data/reader.h"
#include "io/json_lines.h"

typedef struct amazon_params {
    const char *reviews_file, *metadata_file, *images;
} amazon_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(amazon_params, reviews_file, "",
                .help =
                    "the reviews, a file of the input folder; empty: its only .json or .jsonl (.csv, if there is "
                    "none) whose name does not begin with meta"),
    MEDLEY_TEXT(
        amazon_params, metadata_file, "",
        .help = "what the items are, a file of the input folder; empty: the only one that begins with meta, if "
                "it is there"),
    MEDLEY_TEXT(amazon_params, images, "",
                .help = "folder of the input with images named by item id; empty: images, if it is there"),
    MEDLEY_PARAMS_END,
};

/* ---- reviews ---- */

/* The fields of one year's form, known by the key of the user. */
static const interaction_layout review_forms[] = {
    {.format = ROWS_JSON_LINES,
     .user = "reviewerID",
     .item = "asin",
     .rating = "overall",
     .timestamp = "unixReviewTime",
     .part = -1},
    {.format = ROWS_JSON_LINES,
     .user = "user_id",
     .item = "parent_asin",
     .rating = "rating",
     .timestamp = "timestamp",
     .time_unit = TIME_AUTO,
     .part = -1},
    {.format = ROWS_JSON_LINES,
     .user = "user_id",
     .item = "asin",
     .rating = "rating",
     .timestamp = "timestamp",
     .time_unit = TIME_AUTO,
     .part = -1},
};

static const interaction_layout review_table = {.delimiter = ",",
                                                .header = true,
                                                .quotes = true,
                                                .user = "user_id",
                                                .item = "parent_asin|asin",
                                                .rating = "rating",
                                                .timestamp = "timestamp",
                                                .time_unit = TIME_AUTO,
                                                .part = -1};

enum { FORMS = sizeof review_forms / sizeof *review_forms };

static medley_status read_reviews(const medley_runtime *rt, const char *path, ingest *in, medley_error *err)
{
    char *line;
    const interaction_layout *form = NULL;
    if (reader_ends_with(path, ".csv"))
        return ingest_interactions(in, path, &review_table, err);
    TRY(reader_first_line(rt, path, &line, err));
    for (int i = 0; form == NULL && i < FORMS; i++)
        if (json_lines_has(line, review_forms[i].user) && json_lines_has(line, review_forms[i].item))
            form = &review_forms[i];
    if (line[0] == '\n') /* nothing there: ingest says whether that is fine */
        form = &review_forms[0];
    mem_free(line);
    if (form == NULL)
        return fail(
            err, MEDLEY_E_FORMAT,
            "%s:1: no review: accepted are JSON objects with reviewerID and asin (2014, 2018), or user_id and "
            "parent_asin (2023)",
            path);
    return ingest_interactions(in, path, form, err);
}

/* ---- metadata ---- */

static bool is_text(const literal *value)
{
    return value != NULL && value->kind == LITERAL_TEXT;
}

/* A text, or the texts of a list with spaces between. */
static void add_prose(fact_rows *rows, const literal *value)
{
    if (is_text(value)) {
        facts_text(rows, value->text, value->length);
        return;
    }
    if (value == NULL || value->kind != LITERAL_LIST)
        return;
    text whole = {.rt = rows->arena.rt};
    for (const literal *v = value->first; v != NULL; v = v->next)
        if (is_text(v)) {
            if (whole.length > 0)
                text_append(&whole, " ", 1);
            text_append(&whole, v->text, v->length);
        }
    if (whole.failed)
        rows->failed = true;
    else if (whole.length > 0)
        facts_text(rows, whole.bytes, (size_t)whole.length);
    text_release(&whole);
}

/* Where an image is: a text, the first of a list, or of a dict the largest. */
static const literal *image_of(const literal *value)
{
    static const char *const sizes[] = {"hi_res", "large", "thumb"};
    while (value != NULL && value->kind == LITERAL_LIST)
        value = value->first;
    if (is_text(value))
        return value;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const literal *image = literal_member(value, sizes[i]);
        while (image != NULL && image->kind == LITERAL_LIST)
            image = image->first;
        if (is_text(image))
            return image;
    }
    return NULL;
}

static void add_image(fact_rows *rows, const literal *item)
{
    static const char *const keys[] = {"imUrl", "imageURLHighRes", "imageURL", "images", "image"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const literal *image = image_of(literal_member(item, keys[i]));
        if (image != NULL) {
            facts_image(rows, image->text, image->length);
            return;
        }
    }
}

/* 12.99 or "$1,299.00"; a range or anything else is no price. */
static void add_price(fact_rows *rows, const literal *value)
{
    char digits[32];
    size_t count = 0;
    double price;
    if (value == NULL)
        return;
    if (value->kind == LITERAL_NUMBER)
        facts_add_number(rows, "price", value->number);
    if (!is_text(value) || value->length >= sizeof digits)
        return;
    for (size_t i = value->text[0] == '$'; i < value->length; i++)
        if (value->text[i] != ',')
            digits[count++] = value->text[i];
    if (number_real(digits, count, &price))
        facts_add_number(rows, "price", price);
}

static void add_list(fact_rows *rows, const char *key, const literal *value)
{
    facts_list_begin(rows, key, 0);
    facts_list_names(rows, value, NULL, NULL);
    facts_list_end(rows);
}

static void add_attributes(fact_rows *rows, const literal *item)
{
    static const struct {
        const char *key, *attribute;
    } texts[] = {{"main_category", "main_category"},
                 {"main_cat", "main_category"},
                 {"brand", "brand"},
                 {"store", "brand"}},
      numbers[] = {{"average_rating", "average_rating"}, {"rating_number", "rating_number"}};
    const literal *categories = literal_member(item, "categories");
    add_list(rows, "categories", categories != NULL ? categories : literal_member(item, "category"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const literal *value = literal_member(item, texts[i].key);
        if (is_text(value))
            facts_add_text(rows, texts[i].attribute, value->text, value->length);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const literal *value = literal_member(item, numbers[i].key);
        if (value != NULL && value->kind == LITERAL_NUMBER)
            facts_add_number(rows, numbers[i].attribute, value->number);
    }
    add_price(rows, literal_member(item, "price"));
    const literal *ranks = literal_member(item, "salesRank");
    if (ranks != NULL && ranks->kind == LITERAL_DICT && ranks->first != NULL &&
        ranks->first->kind == LITERAL_NUMBER)
        facts_add_number(rows, "sales_rank", ranks->first->number);
}

static const char *take_item(const literal *item, fact_rows *rows)
{
    const literal *id = literal_member(item, "parent_asin");
    if (id == NULL)
        id = literal_member(item, "asin");
    if (!is_text(id) || id->length == 0)
        return "no text 'asin' or 'parent_asin'";
    facts_row(rows, id->text, id->length);
    const literal *title = literal_member(item, "title"), *about = literal_member(item, "description");
    if (is_text(title))
        facts_title(rows, title->text, title->length);
    if (about == NULL || (about->kind == LITERAL_LIST && about->first == NULL))
        about = literal_member(item, "features");
    add_prose(rows, about);
    add_image(rows, item);
    add_attributes(rows, item);
    return NULL;
}

/* ---- files ---- */

static bool is_lines(const char *name)
{
    return reader_ends_with(name, ".json") || reader_ends_with(name, ".jsonl");
}

static bool is_metadata(const char *name)
{
    return strncmp(name, "meta", 4) == 0 && is_lines(name);
}

static bool is_reviews(const char *name)
{
    return strncmp(name, "meta", 4) != 0 && is_lines(name);
}

static bool is_table(const char *name)
{
    return reader_ends_with(name, ".csv");
}

static medley_status any_file(const medley_runtime *rt, const char *folder, bool (*is_meant)(const char *name),
                              bool *found, medley_error *err)
{
    char **names;
    int64_t count;
    *found = false;
    TRY(file_list(rt, folder, &names, &count, err));
    for (int64_t i = 0; i < count; i++)
        *found |= is_meant(names[i]);
    file_names_free(names, count);
    return MEDLEY_OK;
}

static medley_status find_reviews(const medley_runtime *rt, const char *input, const char *name, char **path,
                                  medley_error *err)
{
    char *only;
    bool lines;
    if (!file_is_folder(input))
        return mem_text(rt, input, strlen(input), path, err);
    if (name[0] != '\0')
        return reader_need(rt, input, &name, 1, path, err);
    TRY(any_file(rt, input, is_reviews, &lines, err));
    TRY(reader_only_file(rt, input, "reviews_file", ".json, .jsonl or .csv of reviews",
                         lines ? is_reviews : is_table, &only, err));
    const medley_status status = file_join(rt, input, only, path, err);
    mem_free(only);
    return status;
}

static medley_status read_metadata(const medley_runtime *rt, const char *input, const char *name, ingest *in,
                                   medley_error *err)
{
    char *only = NULL, *path = NULL;
    bool found = false;
    medley_status status;
    if (name[0] == '\0') {
        TRY(any_file(rt, input, is_metadata, &found, err));
        if (!found)
            return MEDLEY_OK;
        TRY(reader_only_file(rt, input, "metadata_file", "meta*.json or .jsonl", is_metadata, &only, err));
        name = only;
    }
    TRY_DONE(reader_need(rt, input, &name, 1, &path, err));
    status = ingest_item_lines(in, path, take_item, false, err);
done:
    mem_free(only);
    mem_free(path);
    return status;
}

/* The splits that 2023 comes with: Books.train.csv, Books.valid.csv, Books.test.csv. */
static bool is_training_table(const char *name)
{
    return reader_ends_with(name, ".train.csv");
}

static medley_status read_split(const medley_runtime *rt, const char *input, ingest *in, medley_error *err)
{
    static const char *const endings[] = {"train", "valid", "test"};
    char *first;
    medley_status status = MEDLEY_OK;
    TRY(reader_only_file(rt, input, "reviews_file", ".train.csv", is_training_table, &first, err));
    const int stem = (int)(strstr(first, ".train.csv") - first);
    for (int part = 0; part <= PART_TEST && status == MEDLEY_OK; part++) {
        char name[512], *path = NULL;
        const char *names = name;
        interaction_layout layout = review_table;
        layout.part = part;
        snprintf(name, sizeof name, "%.*s.%s.csv", stem, first, endings[part]);
        status = reader_need(rt, input, &names, 1, &path, err);
        if (status == MEDLEY_OK)
            status = ingest_interactions(in, path, &layout, err);
        mem_free(path);
    }
    mem_free(first);
    return status;
}

static medley_status read_amazon(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                 medley_error *err)
{
    static const char *const images[] = {"images", NULL};
    const amazon_params *p = values;
    const bool whole_folder = file_is_folder(input);
    bool split = false;
    char *path;
    if (whole_folder && p->reviews_file[0] == '\0')
        TRY(any_file(rt, input, is_training_table, &split, err));
    if (split) {
        TRY(read_split(rt, input, in, err));
    } else {
        TRY(find_reviews(rt, input, p->reviews_file, &path, err));
        const medley_status status = read_reviews(rt, path, in, err);
        mem_free(path);
        TRY(status);
    }
    if (!whole_folder)
        return MEDLEY_OK;
    TRY(read_metadata(rt, input, p->metadata_file, in, err));
    return reader_images(rt, input, p->images, images, in, err);
}

const reader_class reader_amazon = {
    .name = "amazon",
    .summary = "Amazon reviews and metadata of 2014, 2018 and 2023: JSON lines, or the CSV of 2023",
    .details =
        "Reviews are JSON lines (reviewerID, asin, overall, unixReviewTime; or user_id, parent_asin, rating, "
        "timestamp in milliseconds), or CSV with a header, whole or as X.train.csv, X.valid.csv, X.test.csv. "
        "Metadata are JSON lines, or Python dicts as in 2014: title, description, categories, brand, price "
        "and the address of the image. Plain, .gz or .zst. The input may be the file of reviews alone.",
    .params = params_table,
    .params_size = sizeof(amazon_params),
    .read = read_amazon,
};
