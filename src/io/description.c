#include "io/description.h"

#include "io/save.h"

medley_status description_add(const medley_runtime *rt, json *options, const medley_param *table,
                              const void *values, medley_error *err)
{
    char *value = NULL;
    int64_t capacity = 0;
    medley_status status = MEDLEY_OK;
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        if ((p->flags & (MEDLEY_PARAM_PATH | MEDLEY_PARAM_TRANSIENT)) != 0)
            continue;
        const int length = medley_param_format(p, values, NULL, 0);
        TRY_DONE(mem_reserve(rt, &value, &capacity, (int64_t)length + 1, 1, err));
        medley_param_format(p, values, value, (size_t)length + 1);
        json_set_text(options, p->name, value);
    }
done:
    mem_free(value);
    return status;
}

medley_status description_save(const medley_runtime *rt, const json *root, const char *folder, const char *name,
                               medley_error *err)
{
    text rendered = {.rt = rt};
    medley_status status = json_render(root, 2, &rendered, err);
    if (status == MEDLEY_OK)
        status = save_in(rt, folder, name, rendered.bytes, (size_t)rendered.length, err);
    text_release(&rendered);
    return status;
}
