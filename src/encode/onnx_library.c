/* ONNX Runtime's shared library, looked for when it is needed. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <glob.h>

#include "encode/onnx_library.h"

#include "io/file.h"

#define HOW_TO_GET_IT \
    "get it by 'pip install onnxruntime', 'npm install onnxruntime-node' or tools/install_onnxruntime.sh"

/* In the order of onnx_session.h. The prefix of a pattern is the value of a variable, or the folder above that of the
 * first python3 on the PATH. */
typedef enum prefix_kind { PREFIX_NONE, PREFIX_VIRTUAL_ENV, PREFIX_PYTHON } prefix_kind;

#define CAPI "/onnxruntime/capi/libonnxruntime.so*"
#if defined(__aarch64__)
#define NODE_FOLDER "linux/arm64"
#else
#define NODE_FOLDER "linux/x64"
#endif
static const struct place {
    prefix_kind prefix;
    const char *pattern;
} places[] = {
    {PREFIX_NONE, "build/onnxruntime/libonnxruntime.so*"},
    {PREFIX_VIRTUAL_ENV, "/lib/python3*/site-packages" CAPI},
    {PREFIX_NONE, ".venv/lib/python3*/site-packages" CAPI},
    {PREFIX_PYTHON, "/lib/python3*/site-packages" CAPI},
    {PREFIX_PYTHON, "/lib/python3*/dist-packages" CAPI},
    {PREFIX_PYTHON, "/local/lib/python3*/dist-packages" CAPI},
    {PREFIX_NONE, "node_modules/onnxruntime-node/bin/napi-v*/" NODE_FOLDER "/libonnxruntime.so*"},
};

enum { PLACES = sizeof places / sizeof *places };

medley_status onnx_told(const onnx_library *lib, onnx_abi_status *told, medley_status otherwise,
                        const char *context, medley_error *err)
{
    if (told == NULL)
        return MEDLEY_OK;
    char line[700];
    snprintf(line, sizeof line, "%s", lib->call->status_message(told));
    lib->call->status_release(told);
    size_t length = strlen(line);
    while (length > 0 && strchr("\n\r .", line[length - 1]) != NULL)
        line[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    const bool memory = strstr(line, "bad_alloc") != NULL || strstr(line, "allocate memory") != NULL;
    return fail(err, memory ? MEDLEY_E_NOMEM : otherwise, "%s: %s", context, line);
}

/* The runtime speaks through messages of its statuses alone. */
static void say_nothing(void *context, int severity, const char *category, const char *id, const char *place,
                        const char *message)
{
    (void)context;
    (void)severity;
    (void)category;
    (void)id;
    (void)place;
    (void)message;
}

/* Asked for a table that it does not have, the library prints: so the version is compared first. */
static bool version_will_do(const char *version)
{
    char *end;
    const long major = strtol(version, &end, 10);
    const long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return major > 1 || (major == 1 && minor >= ONNX_ABI_VERSION);
}

/* A loaded library stays: its threads and destructors are not ours to end. */
static medley_status load(onnx_library *lib, const char *path, medley_error *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL)
        return fail(err, MEDLEY_E_NOT_FOUND, "%s", dlerror());
    Dl_info place;
    onnx_abi_entry entry;
    void *symbol = dlsym(handle, "OrtGetApiBase");
    memcpy(&entry, &symbol, sizeof entry);
    dlclose(handle);
    if (symbol == NULL)
        return fail(err, MEDLEY_E_NOT_FOUND, "'%s' is not ONNX Runtime: it has no OrtGetApiBase", path);
    lib->version = entry()->version();
    lib->call = version_will_do(lib->version) ? entry()->table(ONNX_ABI_VERSION) : NULL;
    if (lib->call == NULL)
        return fail(err, MEDLEY_E_NOT_FOUND, "'%s' is ONNX Runtime %s; 1.%d or newer is needed", path,
                    lib->version, ONNX_ABI_VERSION);
    const char *real = dladdr(symbol, &place) != 0 && place.dli_fname != NULL ? place.dli_fname : path;
    TRY(mem_text(lib->rt, real, strlen(real), &lib->path, err));
    return onnx_told(lib, lib->call->env_create(say_nothing, NULL, ONNX_ABI_LOG_FATAL, "medley", &lib->env),
                     MEDLEY_E_LIMIT, path, err);
}

static medley_status try_load(onnx_library *lib, const char *path, medley_error *err)
{
    const medley_status status = load(lib, path, err);
    if (status == MEDLEY_OK)
        return MEDLEY_OK;
    mem_free(lib->path);
    *lib = (onnx_library){.rt = lib->rt};
    return status;
}

/* Tries the files that a pattern names; *found when one of them is the library. What is there but cannot be used is told
 * in *why, the first of all. */
static medley_status try_pattern(onnx_library *lib, const char *pattern, bool *found, medley_error *why,
                                 medley_error *err)
{
    glob_t matches;
    medley_status status = MEDLEY_OK;
    if (glob(pattern, 0, NULL, &matches) != 0)
        return MEDLEY_OK;
    for (size_t i = 0; i < matches.gl_pathc && !*found && status == MEDLEY_OK; i++) {
        char *path = NULL;
        medley_error failure = {MEDLEY_OK, ""};
        status = file_absolute(lib->rt, matches.gl_pathv[i], &path, err);
        if (status == MEDLEY_OK)
            *found = (failure.status = try_load(lib, path, &failure)) == MEDLEY_OK;
        if (failure.status == MEDLEY_E_NOMEM)
            status = fail(err, MEDLEY_E_NOMEM, "%s", failure.message);
        else if (failure.status != MEDLEY_OK && why->message[0] == '\0')
            *why = failure;
        mem_free(path);
    }
    globfree(&matches);
    return status;
}

/* Characters of a folder's name that mean something in a pattern. */
static void add_escaped(text *pattern, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (memchr("*?[\\", name[i], 4) != NULL)
            text_add(pattern, "\\");
        text_append(pattern, name + i, 1);
    }
}

/* Adds the folder above the one that the first python3 of the PATH lies in; false: there is none. */
static bool add_python_prefix(text *pattern)
{
    const char *folder = getenv("PATH");
    while (folder != NULL && *folder != '\0') {
        const size_t length = strcspn(folder, ":");
        char program[4096];
        const int written = snprintf(program, sizeof program, "%.*s/python3", (int)length, folder);
        if (length > 0 && written < (int)sizeof program && file_exists(program)) {
            add_escaped(pattern, folder, length);
            text_add(pattern, "/..");
            return true;
        }
        folder += length + (folder[length] == ':');
    }
    return false;
}

static bool add_prefix(text *pattern, prefix_kind kind)
{
    const char *environment = getenv("VIRTUAL_ENV");
    if (kind == PREFIX_NONE)
        return true;
    if (kind == PREFIX_PYTHON)
        return add_python_prefix(pattern);
    if (environment == NULL || environment[0] == '\0')
        return false;
    add_escaped(pattern, environment, strlen(environment));
    return true;
}

static medley_status try_place(onnx_library *lib, const struct place *place, bool *found, medley_error *why,
                               medley_error *err)
{
    text pattern = {.rt = lib->rt};
    const bool there = add_prefix(&pattern, place->prefix);
    text_add(&pattern, place->pattern);
    medley_status status = text_status(&pattern, err);
    if (status == MEDLEY_OK && there)
        status = try_pattern(lib, pattern.bytes, found, why, err);
    text_release(&pattern);
    return status;
}

/* MEDLEY_ONNXRUNTIME: whoever names a library wants it or none. */
static medley_status load_named(onnx_library *lib, const char *name, medley_error *err)
{
    static const char *const patterns[] = {"/libonnxruntime.so*", "/lib/libonnxruntime.so*",
                                           "/capi/libonnxruntime.so*"};
    medley_error why = {MEDLEY_OK, ""};
    bool found = false;
    if (!file_exists(name))
        return fail(err, MEDLEY_E_NOT_FOUND, "MEDLEY_ONNXRUNTIME: '%s' does not exist", name);
    if (!file_is_folder(name)) {
        const medley_status status = try_load(lib, name, err);
        return status == MEDLEY_OK ? status : fail_while(err, status, "MEDLEY_ONNXRUNTIME");
    }
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns && !found; i++) {
        text pattern = {.rt = lib->rt};
        add_escaped(&pattern, name, strlen(name));
        text_add(&pattern, patterns[i]);
        medley_status status = text_status(&pattern, err);
        if (status == MEDLEY_OK)
            status = try_pattern(lib, pattern.bytes, &found, &why, err);
        text_release(&pattern);
        TRY(status);
    }
    if (found)
        return MEDLEY_OK;
    return why.message[0] != '\0'
               ? fail(err, why.status, "MEDLEY_ONNXRUNTIME: %s", why.message)
               : fail(err, MEDLEY_E_NOT_FOUND, "MEDLEY_ONNXRUNTIME: '%s' has no libonnxruntime.so", name);
}

static medley_status find(onnx_library *lib, medley_error *err)
{
    static const char *const usual[] = {"libonnxruntime.so.1", "libonnxruntime.so"};
    const char *named = getenv("MEDLEY_ONNXRUNTIME");
    medley_error why = {MEDLEY_OK, ""};
    bool found = false;
    if (named != NULL && named[0] != '\0')
        return load_named(lib, named, err);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const medley_status status = try_load(lib, usual[i], err);
        if (status == MEDLEY_OK || status == MEDLEY_E_NOMEM)
            return status;
    }
    for (int i = 0; i < PLACES && !found; i++)
        TRY(try_place(lib, &places[i], &found, &why, err));
    if (found)
        return MEDLEY_OK;
    return fail(
        err, MEDLEY_E_NOT_FOUND,
        "ONNX Runtime was not found in $MEDLEY_ONNXRUNTIME, the loader's path, build/onnxruntime, Python's "
        "site-packages, node_modules; " HOW_TO_GET_IT "%s%s",
        why.message[0] != '\0' ? "; of no use: " : "", why.message);
}

medley_status onnx_library_open(const medley_runtime *rt, onnx_library **out, medley_error *err)
{
    onnx_library *lib;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *lib, &lib, err));
    lib->rt = rt;
    const medley_status status = find(lib, err);
    if (status != MEDLEY_OK) {
        onnx_library_close(lib);
        return status;
    }
    *out = lib;
    error_clear(err);
    return MEDLEY_OK;
}

void onnx_library_close(onnx_library *lib)
{
    if (lib == NULL)
        return;
    if (lib->env != NULL)
        lib->call->env_release(lib->env);
    mem_free(lib->path);
    mem_free(lib);
}

const char *onnx_library_path(const onnx_library *lib)
{
    return lib->path;
}

const char *onnx_library_version(const onnx_library *lib)
{
    return lib->version;
}
