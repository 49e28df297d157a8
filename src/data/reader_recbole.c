/* RecBole's atomic files: <name>.inter, .item and .user with typed headers, whole or as benchmark parts. */
#include "data/reader.h"

typedef struct recbole_params {
    const char *name, *user, *item, *rating, *timestamp, *images;
} recbole_params;

static const medley_param params_table[] = {
    MEDLEY_TEXT(recbole_params, name, "", .help = "files are <name>.inter and so on; empty: the only ones there"),
    MEDLEY_TEXT(recbole_params, user, "user_id|userID|user", .help = "field of the user, without its type"),
    MEDLEY_TEXT(recbole_params, item, "item_id|itemID|item", .help = "field of the item"),
    MEDLEY_TEXT(recbole_params, rating, "rating?", .help = "field of the rating; '?' behind it: may be absent"),
    MEDLEY_TEXT(recbole_params, timestamp, "timestamp?", .help = "field of the time"),
    MEDLEY_TEXT(recbole_params, images, "",
                .help = "folder of the input with images named by item id; empty: images, if it is there"),
    MEDLEY_PARAMS_END,
};

/* Benchmark files: ml.train.inter, ml.valid.inter and ml.test.inter, or part1 to part3. */
static const char *const part_endings[][2] = {
    {".train.inter", ".part1.inter"}, {".valid.inter", ".part2.inter"}, {".test.inter", ".part3.inter"}};

static bool is_part(const char *name)
{
    for (int part = 0; part <= PART_TEST; part++)
        if (reader_ends_with(name, part_endings[part][0]) || reader_ends_with(name, part_endings[part][1]))
            return true;
    return false;
}

/* A name to take the others from: the whole's, or that of the training part. */
static bool is_first(const char *name)
{
    return is_part(name) ? reader_ends_with(name, part_endings[0][0]) || reader_ends_with(name, part_endings[0][1])
                         : reader_ends_with(name, ".inter");
}

/* The stem of "ml.train.inter.gz" is "ml". */
static medley_status find_stem(const medley_runtime *rt, const char *input, const char *name, char **out,
                               medley_error *err)
{
    static const char *const endings[] = {".train.inter", ".part1.inter", ".inter"};
    if (name[0] != '\0')
        return mem_text(rt, name, strlen(name), out, err);
    if (!file_is_folder(input))
        return fail(err, file_exists(input) ? MEDLEY_E_FORMAT : MEDLEY_E_NOT_FOUND, "input: '%s' is not a folder",
                    input);
    TRY(reader_only_file(rt, input, "name", ".inter", is_first, out, err));
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (!reader_ends_with(*out, endings[i]))
            continue;
        char *at = *out;
        for (char *next = at; (next = strstr(next, endings[i])) != NULL; next++)
            at = next;
        *at = '\0';
        break;
    }
    return MEDLEY_OK;
}

static medley_status read_inter(const medley_runtime *rt, const recbole_params *p, const char *input,
                                const char *stem, const char *const *endings, int64_t count, int part, bool needed,
                                ingest *in, medley_error *err)
{
    const interaction_layout layout = {.delimiter = "\t",
                                       .header = true,
                                       .user = p->user,
                                       .item = p->item,
                                       .rating = p->rating,
                                       .timestamp = p->timestamp,
                                       .time_unit = TIME_AUTO,
                                       .part_column = part < 0 ? "x_label?" : NULL,
                                       .part = part,
                                       .typed_header = true};
    char name[2][256], *path = NULL;
    const char *names[2] = {name[0], name[1]};
    for (int64_t i = 0; i < count; i++)
        snprintf(name[i], sizeof name[i], "%s%s", stem, endings[i]);
    TRY(needed ? reader_need(rt, input, names, count, &path, err)
               : reader_file(rt, input, names, count, &path, err));
    const medley_status status = path != NULL ? ingest_interactions(in, path, &layout, err) : MEDLEY_OK;
    mem_free(path);
    return status;
}

static medley_status read_rows(const medley_runtime *rt, const recbole_params *p, const char *input,
                               const char *stem, ingest *in, medley_error *err)
{
    static const char *const whole[] = {".inter"};
    char name[256], *path;
    const char *names = name;
    snprintf(name, sizeof name, "%s.inter", stem);
    TRY(reader_file(rt, input, &names, 1, &path, err));
    const bool is_whole = path != NULL;
    mem_free(path);
    if (is_whole)
        return read_inter(rt, p, input, stem, whole, 1, -1, true, in, err);
    for (int part = 0; part <= PART_TEST; part++)
        TRY(read_inter(rt, p, input, stem, part_endings[part], 2, part, part != PART_VAL, in, err));
    return MEDLEY_OK;
}

static medley_status read_tables(const medley_runtime *rt, const recbole_params *p, const char *input,
                                 const char *stem, ingest *in, medley_error *err)
{
    const item_layout items = {.delimiter = "\t",
                               .header = true,
                               .id = p->item,
                               .title = "title|movie_title|item_title|item_name|name?",
                               .text = "description|overview|text?",
                               .image = "image|image_url|image_path?",
                               .typed_header = true,
                               .rest_are_facts = true},
                      users = {.delimiter = "\t",
                               .header = true,
                               .id = p->user,
                               .typed_header = true,
                               .rest_are_facts = true};
    char name[256];
    snprintf(name, sizeof name, "%s.item", stem);
    TRY(reader_items(rt, input, name, &items, in, err));
    snprintf(name, sizeof name, "%s.user", stem);
    return reader_users(rt, input, name, &users, in, err);
}

static medley_status read_recbole(const medley_runtime *rt, const void *values, const char *input, ingest *in,
                                  medley_error *err)
{
    static const char *const images[] = {"images", NULL};
    const recbole_params *p = values;
    char *stem;
    TRY(find_stem(rt, input, p->name, &stem, err));
    medley_status status = read_rows(rt, p, input, stem, in, err);
    if (status == MEDLEY_OK)
        status = read_tables(rt, p, input, stem, in, err);
    mem_free(stem);
    TRY(status);
    return reader_images(rt, input, p->images, images, in, err);
}

const reader_class reader_recbole = {
    .name = "recbole",
    .summary = "RecBole's atomic files .inter, .item, .user; MMRec's .inter with x_label",
    .details =
        "Tab-separated, with headers like `user_id:token` (types may be missing, as in MMRec). Columns of .item and "
        ".user that have no role become attributes: token a text, token_seq a list, float a number. A column "
        "x_label (0, 1, 2), or files .train.inter, .valid.inter, .test.inter (or .part1 to .part3), fix the split. "
        "Other files are not read: RecBole's .kg, .link, .net and embeddings, and what MMRec puts beside its .inter "
        "(text_feat.npy, image_feat.npy, u_id_mapping.csv, i_id_mapping.csv, tables of metadata). "
        "Plain, .gz or .zst.",
    .params = params_table,
    .params_size = sizeof(recbole_params),
    .read = read_recbole,
};
