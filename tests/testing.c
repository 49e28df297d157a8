#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void *counting_resize(void *context, void *block, size_t old_size, size_t new_size)
{
    test_memory *m = context;
    (void)old_size;
    if (new_size == 0) {
        m->live -= block != NULL;
        free(block);
        return NULL;
    }
    if (m->allowed >= 0 && m->allowed-- == 0) {
        m->allowed = 0;
        return NULL;
    }
    m->allocations++;
    m->live += block == NULL;
    return realloc(block, new_size);
}

medley_runtime *test_runtime(test_memory *memory, int threads)
{
    medley_runtime *rt;
    memory->live = memory->allocations = 0;
    memory->allowed = -1;
    const medley_runtime_options options = {.allocator = {counting_resize, memory}, .threads = threads};
    assert_int_equal(medley_runtime_create(&options, &rt, NULL), MEDLEY_OK);
    rt->hash_seed = 0; /* a test that fails fails again */
    return rt;
}

void test_runtime_end(medley_runtime *rt, test_memory *memory)
{
    medley_runtime_free(rt);
    assert_int_equal(memory->live, 0);
}

/* Tests flush small files by the thousand, which a disk takes minutes for: in memory, where there is room. */
static const char *scratch_base(void)
{
    const char *named = getenv("TMPDIR");
    struct statvfs shared;
    if (named != NULL && named[0] != '\0')
        return named;
    const bool roomy =
        statvfs("/dev/shm", &shared) == 0 && (uint64_t)shared.f_bavail * shared.f_frsize > UINT64_C(1) << 30;
    return roomy && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

char *test_folder(void)
{
    char *path = NULL;
    if (asprintf(&path, "%s/medley-test-XXXXXX", scratch_base()) < 0 || mkdtemp(path) == NULL)
        fail_msg("cannot make a scratch folder");
    return path;
}

void test_folder_end(char *folder)
{
    char *command = NULL;
    if (asprintf(&command, "chmod -R u+rwX '%s' && rm -rf '%s'", folder, folder) < 0 || system(command) != 0)
        fail_msg("cannot remove %s", folder);
    free(command);
    free(folder);
}

const char *test_path(const char *folder, const char *name)
{
    static char paths[8][4096];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void test_write(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

void test_write_text(const char *path, const char *text)
{
    test_write(path, text, strlen(text));
}

char *test_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    size_t used = 0, room = 4096;
    char *bytes = malloc(room);
    for (size_t got; (got = fread(bytes + used, 1, room - used - 1, file)) > 0;) {
        used += got;
        if (room - used < 2)
            bytes = realloc(bytes, room *= 2);
    }
    fclose(file);
    bytes[used] = '\0';
    if (length != NULL)
        *length = used;
    return bytes;
}

void test_read_end(char *bytes)
{
    free(bytes);
}

void assert_same_file(const char *a, const char *b)
{
    size_t length, other;
    char *bytes = test_read(a, &length), *others = test_read(b, &other);
    if (length != other || memcmp(bytes, others, length) != 0)
        fail_msg("%s and %s differ", a, b);
    test_read_end(bytes);
    test_read_end(others);
}

const char *test_data(const char *name)
{
    static char path[4096];
    const char *root = getenv("MEDLEY_TEST_DATA");
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : MEDLEY_SOURCE_DIR "/../shared/data", name);
    if (stat(path, &st) == 0)
        return path;
    fprintf(stderr, "SKIPPED: %s is not there (set MEDLEY_TEST_DATA)\n", path);
    return NULL;
}
