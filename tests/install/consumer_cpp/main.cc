// A stranger's program in C++: RAII around the opaque types, and a parameter's table.
#include <cstdio>
#include <memory>

#include <medley/medley.h>

int main()
{
    medley_error error{};
    medley_runtime *raw = nullptr;
    if (medley_runtime_create(nullptr, &raw, &error) != MEDLEY_OK) {
        std::fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const std::unique_ptr<medley_runtime, decltype(&medley_runtime_free)> runtime(raw, medley_runtime_free);

    medley_entry model;
    if (medley_registry_find("models", "itemknn", &model, &error) != MEDLEY_OK) {
        std::fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const medley_param *neighbours = medley_param_find(model.params, "neighbours");
    std::printf("medley %s: %s, neighbours %s by default\n", medley_version(), model.summary,
                neighbours != nullptr ? neighbours->preset : "?");
    return neighbours != nullptr ? 0 : 1;
}
