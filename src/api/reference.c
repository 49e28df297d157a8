/* Reference texts made from parameter tables alone. */
#include "api/operation.h"
#include "io/json.h"

/* The name as a flag, "--top-k". */
static void add_flag(text *out, const char *name)
{
    text_add(out, "--");
    for (const char *p = name; *p != '\0'; p++)
        text_append(out, *p == '_' ? "-" : p, 1);
}

static void add_markdown_cell(text *out, const char *cell)
{
    for (const char *p = cell; *p != '\0'; p++)
        text_format(out, *p == '|' ? "\\%c" : "%c", *p);
}

static const char *default_of(const medley_param *p)
{
    return p->preset == NULL ? "required" : p->preset[0] == '\0' ? "none" : p->preset;
}

static bool has_settings(const medley_entry *e)
{
    return e->params != NULL && e->params->kind != MEDLEY_PARAM_END;
}

/* The groups of an operation's settings; ends with name NULL. */
static const setting_group *groups_of(const char *kind, const char *name)
{
    static const setting_group none[] = {{.name = NULL}};
    for (int i = 0; strcmp(kind, "operations") == 0 && operation_classes[i] != NULL; i++)
        if (strcmp(operation_classes[i]->name, name) == 0 && operation_classes[i]->groups != NULL)
            return operation_classes[i]->groups;
    return none;
}

/* What stands in a group, "those of prepare, but store, force", in `shown`. */
static void describe_group(const setting_group *g, char *shown, size_t size)
{
    if (g->operation == NULL)
        snprintf(shown, size, "a mapping a member of %s, or a variant: settings and their spaces", g->spaces);
    else
        snprintf(shown, size, "settings of %s%s%s", g->operation->name, g->given != NULL ? ", but " : "",
                 g->given != NULL ? g->given : "");
    for (char *c = shown; *c != '\0'; c++)
        if (*c == '|')
            *c = ' ';
}

static void render_help(text *out, const char *kind, const medley_entry *e)
{
    text_format(out, "%s: %s\n", e->name, e->summary);
    if (e->details != NULL && e->details[0] != '\0') {
        text_add(out, "\n");
        int column = 0; /* wrapped at 90 columns, between words */
        for (const char *p = e->details; *p != '\0';) {
            const size_t word = strcspn(p, " \n"), gap = p[word] != '\0';
            if (column > 0 && column + (int)word > 90) {
                text_add(out, "\n");
                column = 0;
            }
            text_append(out, p, word);
            column += (int)word + 1;
            p += word + gap;
            if (*p != '\0' && column + (int)strcspn(p, " \n") <= 90)
                text_add(out, " ");
        }
        text_add(out, "\n");
    }
    if (has_settings(e))
        text_add(out, "\nSettings (flag, accepted, default):\n");
    for (const medley_param *p = e->params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        char accepted[256];
        medley_param_accepts(p, accepted, sizeof accepted);
        const int64_t start = out->length;
        text_add(out, "  ");
        add_flag(out, p->name);
        text_pad(out, start, 28);
        text_format(out, " %s, %s\n      %s\n", accepted, default_of(p), p->help);
    }
    const setting_group *g = groups_of(kind, e->name);
    if (g->name != NULL)
        text_add(out, "\nGroups of settings, in YAML under their name, or --set GROUP.SETTING=VALUE:\n");
    for (; g->name != NULL; g++) {
        char shown[256];
        describe_group(g, shown, sizeof shown);
        text_format(out, "  %s: %s\n      %s\n", g->name, shown, g->help);
    }
}

static void render_markdown(text *out, const char *kind, const medley_entry *e)
{
    text_format(out, "# %s (%s)\n\n%s.\n", e->name, kind, e->summary);
    if (e->details != NULL && e->details[0] != '\0')
        text_format(out, "\n%s\n", e->details);
    if (!has_settings(e))
        return;
    text_add(out, "\n| setting | accepted | default | searched | meaning |\n|---|---|---|---|---|\n");
    for (const medley_param *p = e->params; p->kind != MEDLEY_PARAM_END; p++) {
        char accepted[256];
        medley_param_accepts(p, accepted, sizeof accepted);
        const char *const cells[] = {accepted, default_of(p), p->sweep != NULL ? p->sweep : "", p->help};
        text_format(out, "| `%s` |", p->name);
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
            text_add(out, " ");
            add_markdown_cell(out, cells[i]);
            text_add(out, cells[i][0] != '\0' ? " |" : "|");
        }
        text_add(out, "\n");
    }
}

static void render_markdown_groups(text *out, const char *kind, const medley_entry *e)
{
    const setting_group *g = groups_of(kind, e->name);
    if (g->name != NULL)
        text_add(out, "\n| group | holds | meaning |\n|---|---|---|\n");
    for (; g->name != NULL; g++) {
        char shown[256];
        describe_group(g, shown, sizeof shown);
        text_format(out, "| `%s` | %s | ", g->name, shown);
        add_markdown_cell(out, g->help);
        text_add(out, " |\n");
    }
}

static json *schema_of(const medley_param *p)
{
    static const char *const types[] = {
        [MEDLEY_PARAM_INT] = "integer", [MEDLEY_PARAM_REAL] = "number", [MEDLEY_PARAM_BOOL] = "boolean",
        [MEDLEY_PARAM_ENUM] = "string", [MEDLEY_PARAM_TEXT] = "string",
    };
    json *schema = json_new_object();
    int64_t integer = 0;
    double real = 0;
    json_set_text(schema, "type", types[p->kind]);
    json_set_text(schema, "description", p->help);
    if (p->kind == MEDLEY_PARAM_INT) {
        json_set_int(schema, "minimum", (int64_t)p->min);
        json_set_int(schema, "maximum", (int64_t)p->max);
    } else if (p->kind == MEDLEY_PARAM_REAL) {
        json_set_real(schema, "minimum", p->min);
        json_set_real(schema, "maximum", p->max);
    } else if (p->kind == MEDLEY_PARAM_ENUM) {
        json *choices = json_new_array();
        char choice[128];
        for (const char *at = p->choices; at != NULL; at = strchr(at, '|') != NULL ? strchr(at, '|') + 1 : NULL) {
            snprintf(choice, sizeof choice, "%.*s", (int)strcspn(at, "|"), at);
            json_append_text(choices, choice);
        }
        json_set(schema, "enum", choices);
    }
    if (p->preset == NULL)
        return schema;
    if (p->kind == MEDLEY_PARAM_INT && number_int(p->preset, strlen(p->preset), &integer))
        json_set_int(schema, "default", integer);
    else if (p->kind == MEDLEY_PARAM_REAL && number_real(p->preset, strlen(p->preset), &real))
        json_set_real(schema, "default", real);
    else if (p->kind == MEDLEY_PARAM_BOOL)
        json_set_bool(schema, "default", p->preset[0] == 't');
    else
        json_set_text(schema, "default", p->preset);
    return schema;
}

/* Appends the names of what must be given to `required`. */
static json *properties_of(const medley_param *table, json *required)
{
    json *properties = json_new_object();
    for (const medley_param *p = table; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
        json_set(properties, p->name, schema_of(p));
        if ((p->flags & MEDLEY_PARAM_REQUIRED) != 0)
            json_append_text(required, p->name);
    }
    return properties;
}

/* The settings that each member brings when the operation's member_key names it. */
static json *alternatives_of(const operation_class *operation)
{
    json *alternatives = json_new_array();
    medley_entry member;
    for (int64_t i = 0; medley_registry_entry(operation->member_kind, i, &member); i++) {
        json *one = json_new_object(), *chosen = json_new_object(), *required = json_new_array();
        json *properties = properties_of(member.params, required);
        json_set_text(chosen, "const", member.name);
        json_set(properties, operation->member_key, chosen);
        json_set(one, "properties", properties);
        json_set(one, "required", required);
        json_append(alternatives, one);
    }
    return alternatives;
}

/* The operation that takes settings of a member as well as its own, or NULL. */
static const operation_class *choosing_operation(const char *kind, const char *name)
{
    for (int i = 0; strcmp(kind, "operations") == 0 && operation_classes[i] != NULL; i++)
        if (strcmp(operation_classes[i]->name, name) == 0 && operation_classes[i]->member_kind != NULL)
            return operation_classes[i];
    return NULL;
}

static json *free_object(void)
{
    json *object = json_new_object();
    json_set_text(object, "type", "object");
    return object;
}

/* A search space is a value, a list or a text such as "1..100": any value. Under another name than a member's stands a
 * variant, which says whose; its settings are checked when they are bound. */
static json *spaces_schema(const setting_group *g)
{
    json *all = free_object(), *members = json_new_object(), *variant = free_object(), *names = json_new_array();
    json *variant_rows = json_new_object(), *member_row = json_new_object(), *required = json_new_array();
    medley_entry member;
    for (int64_t i = 0; medley_registry_entry(g->spaces, i, &member); i++) {
        json *one = json_new_object(), *types = json_new_array(), *rows = json_new_object();
        for (const medley_param *p = member.params; p != NULL && p->kind != MEDLEY_PARAM_END; p++) {
            json *row = json_new_object();
            json_set_text(row, "description", p->help);
            json_set(rows, p->name, row);
        }
        json *own_name = json_new_object();
        json_set_text(own_name, "const", member.name);
        json_set(rows, g->member_key, own_name);
        json_append_text(names, member.name);
        json_append_text(types, "object");
        json_append_text(types, "string");
        json_append_text(types, "null");
        json_set(one, "type", types);
        json_set(one, "properties", rows);
        json_set_bool(one, "additionalProperties", false);
        json_set(members, member.name, one);
    }
    json_set(member_row, "enum", names);
    json_set(variant_rows, g->member_key, member_row);
    json_append_text(required, g->member_key);
    json_set(variant, "properties", variant_rows);
    json_set(variant, "required", required);
    json_set(all, "properties", members);
    json_set(all, "additionalProperties", variant);
    return all;
}

/* Settings of another operation; what they must be together is checked when they are bound. */
static json *operation_group_schema(const setting_group *g)
{
    json *all = free_object(), *required = json_new_array();
    json_set(all, "properties", properties_of(g->operation->table, required));
    json_free(required);
    return all;
}

static void add_group_schemas(json *properties, const char *kind, const medley_entry *e)
{
    for (const setting_group *g = groups_of(kind, e->name); g->name != NULL; g++) {
        json *schema = g->operation != NULL ? operation_group_schema(g) : spaces_schema(g);
        const medley_param *row = medley_param_find(e->params, g->name);
        json_set_text(schema, "description", g->help);
        if (row != NULL) { /* "models: ease,itemknn" or "models: {ease: ...}" */
            json *either = json_new_array(), *both = json_new_object();
            json_append(either, schema_of(row));
            json_append(either, schema);
            json_set(both, "anyOf", either);
            schema = both;
        }
        json_set(properties, g->name, schema);
    }
}

static medley_status render_schema(text *out, const char *kind, const medley_entry *e, medley_error *err)
{
    const operation_class *choosing = choosing_operation(kind, e->name);
    json *root = json_new_object(), *required = json_new_array(), *properties = properties_of(e->params, required);
    json_set_text(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_set_text(root, "title", e->name);
    json_set_text(root, "description", e->summary);
    json_set_text(root, "type", "object");
    add_group_schemas(properties, kind, e);
    json_set(root, "properties", properties);
    json_set(root, "required", required);
    if (choosing != NULL)
        json_set(root, "oneOf", alternatives_of(choosing));
    json_set_bool(root, choosing != NULL ? "unevaluatedProperties" : "additionalProperties", false);
    const medley_status status = json_render(root, 2, out, err);
    json_free(root);
    text_add(out, "\n");
    return status;
}

static void render_sweep(text *out, const medley_entry *e)
{
    for (const medley_param *p = e->params; p != NULL && p->kind != MEDLEY_PARAM_END; p++)
        if (p->sweep != NULL)
            text_format(out, strchr(p->sweep, ':') != NULL ? "%s: %s\n" : "%s: [%s]\n", p->name, p->sweep);
}

medley_status medley_reference(medley_runtime *rt, const char *kind, const char *name, medley_reference_form form,
                               char **out, medley_error *err)
{
    medley_entry e;
    text rendered = {.rt = rt};
    *out = NULL;
    TRY(medley_registry_find(kind, name, &e, err));
    medley_status status = MEDLEY_OK;
    switch (form) {
    case MEDLEY_REFERENCE_HELP:
        render_help(&rendered, kind, &e);
        break;
    case MEDLEY_REFERENCE_MARKDOWN:
        render_markdown(&rendered, kind, &e);
        render_markdown_groups(&rendered, kind, &e);
        break;
    case MEDLEY_REFERENCE_SCHEMA:
        status = render_schema(&rendered, kind, &e, err);
        break;
    case MEDLEY_REFERENCE_SWEEP:
        render_sweep(&rendered, &e);
        break;
    default:
        status = fail(err, MEDLEY_E_ARGUMENT, "form: %d is no form of a reference", (int)form);
    }
    if (status == MEDLEY_OK)
        status = text_status(&rendered, err);
    if (status != MEDLEY_OK) {
        text_release(&rendered);
        return status;
    }
    *out = rendered.bytes;
    error_clear(err);
    return MEDLEY_OK;
}

void medley_text_free(char *string)
{
    mem_free(string);
}
