/* What tests that walk all models of the registry give to those that are learnt by gradients: few epochs, and features. */
#ifndef TESTS_QUICK_MODELS_H
#define TESTS_QUICK_MODELS_H

#include "testing.h"

#include <medley/registry.h>

#include "base/base.h"

/* A value for the setting `epochs` of a model that is learnt by gradients; NULL: it is not. */
static inline const char *quick_epochs(const char *model)
{
    medley_entry entry;
    assert_ok(medley_registry_find("models", model, &entry, err));
    return medley_param_find(entry.params, "learning_rate") != NULL ? "3" : NULL;
}

/* A CSV of vectors for the items 1 .. `items`, but the second, to be imported. */
static inline void write_vectors(const char *path, int items)
{
    char bytes[32768];
    size_t length = 0;
    for (int i = 1; i <= items; i++) {
        assert_true(length + 100 < sizeof bytes);
        if (i != 2)
            length += (size_t)snprintf(bytes + length, sizeof bytes - length, "%d,%.4f,%.4f,%.4f\n", i,
                                       random_uniform(1, 0, (uint64_t)i), random_uniform(1, 1, (uint64_t)i),
                                       random_uniform(1, 2, (uint64_t)i));
    }
    test_write(path, bytes, length);
}

#endif
