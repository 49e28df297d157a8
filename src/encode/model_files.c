#include "encode/model_files.h"

#include "io/file.h"

/* What an export calls its files, the likeliest first. The encoder of T5 is half of a model that writes, too. */
static const char *const usual_names[][4] = {
    [MODALITY_IMAGE] = {"vision_model.onnx", "image_encoder.onnx", "model.onnx", "encoder_model.onnx"},
    [MODALITY_TEXT] = {"text_model.onnx", "text_encoder.onnx", "encoder_model.onnx", "model.onnx"},
};
enum { USUAL_NAMES = sizeof usual_names[0] / sizeof *usual_names[0] };

static bool ends_with(const char *name, const char *ending)
{
    const size_t length = strlen(name), end = strlen(ending);
    return length >= end && strcmp(name + length - end, ending) == 0;
}

void model_files_release(model_files *files)
{
    mem_free(files->model);
    mem_free(files->folder);
    *files = (model_files){NULL, NULL};
}

static medley_status path_if_there(const medley_runtime *rt, const char *folder, const char *name, char **out,
                                   medley_error *err)
{
    TRY(file_join(rt, folder, name, out, err));
    if (!file_exists(*out)) {
        mem_free(*out);
        *out = NULL;
    }
    return MEDLEY_OK;
}

medley_status model_files_beside(const medley_runtime *rt, const model_files *files, const char *name, char **path,
                                 medley_error *err)
{
    return path_if_there(rt, files->folder, name, path, err);
}

/* ---- in a folder ---- */

/* The one .onnx of a folder, whatever it is called. */
static medley_status only_model(const medley_runtime *rt, const char *folder, char **out, medley_error *err)
{
    char **names;
    int64_t count, found = 0, at = 0;
    medley_status status = MEDLEY_OK;
    TRY(file_list(rt, folder, &names, &count, err));
    for (int64_t i = 0; i < count; i++)
        if (ends_with(names[i], ".onnx")) {
            found++;
            at = i;
        }
    if (found > 1)
        status =
            fail(err, MEDLEY_E_CONFIG, "model: '%s' has %lld .onnx files; name one", folder, (long long)found);
    else if (found == 1)
        status = file_join(rt, folder, names[at], out, err);
    file_names_free(names, count);
    return status;
}

static medley_status find_in_folder(const medley_runtime *rt, const char *folder, modality tower, model_files *out,
                                    medley_error *err)
{
    static const char *const folders[] = {"", "onnx/"};
    for (int i = 0; i < USUAL_NAMES; i++)
        for (size_t f = 0; f < sizeof folders / sizeof *folders && out->model == NULL; f++) {
            char name[64];
            snprintf(name, sizeof name, "%s%s", folders[f], usual_names[tower][i]);
            TRY(path_if_there(rt, folder, name, &out->model, err));
        }
    if (out->model == NULL)
        TRY(only_model(rt, folder, &out->model, err));
    return out->model == NULL ? MEDLEY_OK : mem_text(rt, folder, strlen(folder), &out->folder, err);
}

/* ---- a file ---- */

/* What goes with onnx/model.onnx lies beside onnx/. */
static medley_status take_file(const medley_runtime *rt, const char *path, model_files *out, medley_error *err)
{
    char *absolute = NULL;
    TRY(mem_text(rt, path, strlen(path), &out->model, err));
    TRY(file_absolute(rt, path, &absolute, err));
    *strrchr(absolute, '/') = '\0';
    if (ends_with(absolute, "/onnx"))
        *strrchr(absolute, '/') = '\0';
    out->folder = absolute;
    return MEDLEY_OK;
}

/* ---- the hub's cache ---- */

/* "org/name", as the hub names models. */
static bool is_hub_name(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash != NULL && slash > name && slash[1] != '\0' && strchr(slash + 1, '/') == NULL && name[0] != '.';
}

static bool add_hub_folder(text *path)
{
    static const char *const places[][2] = {
        {"HF_HUB_CACHE", ""}, {"HF_HOME", "/hub"}, {"HOME", "/.cache/huggingface/hub"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *value = getenv(places[i][0]);
        if (value != NULL && value[0] != '\0') {
            text_add(path, value);
            text_add(path, places[i][1]);
            return true;
        }
    }
    return false;
}

/* The snapshot of the last revision in name order: the cache keeps one of each revision that was asked for. */
static medley_status find_in_snapshots(const medley_runtime *rt, const char *folder, modality tower,
                                       model_files *out, medley_error *err)
{
    char **names;
    int64_t count;
    medley_status status = MEDLEY_OK;
    if (!file_is_folder(folder))
        return MEDLEY_OK;
    TRY(file_list(rt, folder, &names, &count, err));
    for (int64_t i = count - 1; i >= 0 && out->model == NULL && status == MEDLEY_OK; i--) {
        char *snapshot;
        status = file_join(rt, folder, names[i], &snapshot, err);
        if (status == MEDLEY_OK && file_is_folder(snapshot))
            status = find_in_folder(rt, snapshot, tower, out, err);
        mem_free(snapshot);
    }
    file_names_free(names, count);
    return status;
}

/* The organisation itself, then those who publish exports of others' models under the same name. */
static medley_status find_in_cache(const medley_runtime *rt, const char *name, modality tower, model_files *out,
                                   medley_error *err)
{
    static const char *const publishers[] = {NULL, "Xenova", "onnx-community"};
    const char *slash = strchr(name, '/');
    medley_status status = MEDLEY_OK;
    for (size_t i = 0; i < sizeof publishers / sizeof *publishers && out->model == NULL; i++) {
        text path = {.rt = rt};
        const bool known = add_hub_folder(&path);
        text_add(&path, "/models--");
        if (publishers[i] != NULL)
            text_add(&path, publishers[i]);
        else
            text_append(&path, name, (size_t)(slash - name));
        text_add(&path, "--");
        text_add(&path, slash + 1);
        text_add(&path, "/snapshots");
        status = text_status(&path, err);
        if (status == MEDLEY_OK && known)
            status = find_in_snapshots(rt, path.bytes, tower, out, err);
        text_release(&path);
        TRY(status);
    }
    return MEDLEY_OK;
}

medley_status model_files_find(const medley_runtime *rt, const char *name, modality tower, model_files *out,
                               medley_error *err)
{
    *out = (model_files){NULL, NULL};
    if (file_exists(name) && !file_is_folder(name))
        return take_file(rt, name, out, err);
    if (file_exists(name)) {
        TRY(find_in_folder(rt, name, tower, out, err));
        return out->model != NULL
                   ? MEDLEY_OK
                   : fail(err, MEDLEY_E_NOT_FOUND, "model: folder '%s' has no %s", name, usual_names[tower][0]);
    }
    if (is_hub_name(name))
        TRY(find_in_cache(rt, name, tower, out, err));
    if (out->model != NULL)
        return MEDLEY_OK;
    return fail(
        err, MEDLEY_E_NOT_FOUND,
        "model: '%s' is no folder, no file, and no model of the Hugging Face cache; 'optimum-cli export onnx "
        "--model NAME FOLDER' makes a folder to give here",
        name);
}
