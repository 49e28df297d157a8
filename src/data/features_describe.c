/* Which feature matrices settings name, and as they are now. */
#include "data/features_file.h"

/* Nothing where nothing tells of it: whoever opens it will say so. */
medley_status features_read_print(const medley_runtime *rt, const char *folder, const char *name,
                                  char print[FINGERPRINT_SIZE], medley_error *err)
{
    json *root;
    print[0] = '\0';
    if (folder == NULL || !features_name_is_plain(name))
        return MEDLEY_OK;
    const medley_status status = features_read_json(rt, folder, name, &root, err);
    if (status == MEDLEY_E_NOT_FOUND || status == MEDLEY_E_FORMAT)
        return MEDLEY_OK;
    TRY(status);
    const char *said = json_text(root, "fingerprint");
    snprintf(print, FINGERPRINT_SIZE, "%s", said != NULL ? said : "");
    json_free(root);
    return MEDLEY_OK;
}

/* `names` are separated by commas or blanks; behind a ':' stands a weight. */
static medley_status describe(const medley_runtime *rt, const char *folder, const char *names, const char *before,
                              text *out, medley_error *err)
{
    static const char between[] = ", ";
    for (const char *at = names + strspn(names, between); *at != '\0';
         at += strcspn(at, between), at += strspn(at, between)) {
        char name[FEATURES_NAME_MOST + 2], print[FINGERPRINT_SIZE];
        const size_t length = strcspn(at, ":, ");
        snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, at);
        TRY(features_read_print(rt, folder, name, print, err));
        text_format(out, "%s%s %s\n", before, name, print[0] != '\0' ? print : "-");
    }
    return text_status(out, err);
}

medley_status features_describe(const medley_runtime *rt, const char *folder, const medley_param *table,
                                const void *values, const char *before, text *out, medley_error *err)
{
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
        if ((p->flags & MEDLEY_PARAM_FEATURES) != 0)
            TRY(describe(rt, folder, *(const char *const *)(const void *)((const char *)values + p->offset),
                         before, out, err));
    return MEDLEY_OK;
}
