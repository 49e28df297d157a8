/* What tests share: a runtime with a counting allocator, scratch folders, failing allocations. */
#ifndef TESTS_TESTING_H
#define TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* ours is in base/error.h */
#undef fail_msg
#define fail_msg(...)                       \
    do {                                    \
        print_error("ERROR: " __VA_ARGS__); \
        print_error("\n");                  \
        _fail(__FILE__, __LINE__);          \
    } while (0)

#include <medley/runtime.h>

#include "base/error.h"
#include "base/runtime.h"

/* A runtime whose allocator counts live blocks and fails after `allowed` allocations (-1: never). */
typedef struct test_memory {
    _Atomic int64_t live, allocations, allowed;
} test_memory;
medley_runtime *test_runtime(test_memory *memory, int threads);
/* Frees it and asserts that no block is left. */
void test_runtime_end(medley_runtime *rt, test_memory *memory);

/* A new empty folder under $TMPDIR (else /dev/shm or /tmp), removed with all it holds by test_folder_end. */
char *test_folder(void);
void test_folder_end(char *folder);
/* folder/name, valid until the 8th next call. */
const char *test_path(const char *folder, const char *name);
void test_write(const char *path, const void *bytes, size_t length);
void test_write_text(const char *path, const char *text);
/* A file's content, NUL-ended; free with test_read_end. */
char *test_read(const char *path, size_t *length);
void test_read_end(char *bytes);
/* Two files hold the same bytes. */
void assert_same_file(const char *a, const char *b);

/* The shared data folder, or NULL (and a line on stderr that says what is skipped) when absent:
 * $MEDLEY_TEST_DATA, else ../shared/data beside the checkout. */
const char *test_data(const char *name);

/* Asserts that a call returned `want` and that its message holds `part`. */
#define assert_fails(call, want, part)                                                                       \
    do {                                                                                                     \
        medley_error error_ = {MEDLEY_OK, ""};                                                               \
        medley_error *err = &error_;                                                                         \
        const medley_status got_ = (call);                                                                   \
        if (got_ != (want) || strstr(error_.message, part) == NULL)                                          \
            fail_msg("%s: %s '%s', expected %s '...%s...'", #call, medley_status_name(got_), error_.message, \
                     medley_status_name(want), part);                                                        \
    } while (0)

/* Asserts success; the call may use `err`. */
#define assert_ok(call)                                                               \
    do {                                                                              \
        medley_error error_ = {MEDLEY_OK, ""};                                        \
        medley_error *err = &error_;                                                  \
        const medley_status got_ = (call);                                            \
        (void)err;                                                                    \
        if (got_ != MEDLEY_OK)                                                        \
            fail_msg("%s: %s '%s'", #call, medley_status_name(got_), error_.message); \
    } while (0)

/* Runs `call`, which may use `rt` and `err`, with 0, 1, 2, ... allocations allowed until it returns
 * OK. Every earlier run must return E_NOMEM and leave no block behind; so must `undo` after the OK one. */
#define BRUTAL(rt, memory, call, undo)                                                                           \
    for (int64_t allowed_ = 0;; allowed_++) {                                                                    \
        const int64_t before_ = (memory)->live;                                                                  \
        medley_error error_ = {MEDLEY_OK, ""};                                                                   \
        medley_error *err = &error_;                                                                             \
        (void)err;                                                                                               \
        (memory)->allowed = allowed_;                                                                            \
        const medley_status got_ = (call);                                                                       \
        (memory)->allowed = -1;                                                                                  \
        if (got_ == MEDLEY_OK) {                                                                                 \
            undo;                                                                                                \
            assert_int_equal((memory)->live, before_);                                                           \
            break;                                                                                               \
        }                                                                                                        \
        if (got_ != MEDLEY_E_NOMEM)                                                                              \
            fail_msg("allocation %lld: %s '%s'", (long long)allowed_, medley_status_name(got_), error_.message); \
        assert_int_equal((memory)->live, before_);                                                               \
    }

/* Runs `call`, which may use `rt` and `err`, with its 1st, 2nd, 3rd, ... change of the disk failing
 * until it returns OK. Every earlier run must return E_IO and leave no block behind, and `check` what
 * it should be; so must `undo` after the OK one. Needs "io/file.h". */
#define FULL_DISK(rt, memory, call, check, undo)                                                             \
    for (int64_t allowed_ = 1;; allowed_++) {                                                                \
        const int64_t before_ = (memory)->live;                                                              \
        struct file_faults faults_ = {allowed_};                                                             \
        medley_error error_ = {MEDLEY_OK, ""};                                                               \
        medley_error *err = &error_;                                                                         \
        (void)err;                                                                                           \
        (rt)->faults = &faults_;                                                                             \
        const medley_status got_ = (call);                                                                   \
        (rt)->faults = NULL;                                                                                 \
        if (got_ == MEDLEY_OK) {                                                                             \
            undo;                                                                                            \
            assert_int_equal((memory)->live, before_);                                                       \
            assert_true(allowed_ > 1);                                                                       \
            break;                                                                                           \
        }                                                                                                    \
        if (got_ != MEDLEY_E_IO)                                                                             \
            fail_msg("change %lld: %s '%s'", (long long)allowed_, medley_status_name(got_), error_.message); \
        assert_int_equal((memory)->live, before_);                                                           \
        check;                                                                                               \
    }

#endif
