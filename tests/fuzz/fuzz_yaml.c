/* Any bytes are read or refused; what is read survives being written and read again; trees hold together. */
#include "fuzz.h"

#include "io/yaml.h"

typedef struct pair {
    const char *key, *value;
} pair;

static medley_status compare(void *context, const char *key, const char *value, int line, medley_error *err)
{
    const pair *want = context;
    (void)err;
    FUZZ_CHECK(strcmp(key, want->key) == 0 && strcmp(value, want->value) == 0 && line == 1);
    return MEDLEY_OK;
}

static medley_status write_and_read(void *context, const char *key, const char *value, int line, medley_error *err)
{
    text out = {.rt = context};
    pair want = {key, value};
    FUZZ_CHECK(line >= 1);
    if (strlen(key) > 160) /* YAML's limit is 1024 characters; an escaped one takes 6 */
        return MEDLEY_OK;
    yaml_write_pair(&out, key, value);
    FUZZ_CHECK(text_status(&out, err) == MEDLEY_OK);
    FUZZ_CHECK(yaml_read(context, "again", out.bytes, (size_t)out.length, compare, &want, err) == MEDLEY_OK);
    text_release(&out);
    return MEDLEY_OK;
}

/* Checks what the header promises of a node, and of all below it. */
static int64_t check_node(const yaml_node *node, bool is_member, int depth)
{
    int64_t nodes = 1;
    FUZZ_CHECK(node->line >= 1 && depth <= 16 && (node->key != NULL) == is_member);
    FUZZ_CHECK((node->value != NULL) == (node->kind == YAML_SCALAR));
    FUZZ_CHECK(node->kind != YAML_SCALAR || node->count == 0);
    for (int64_t i = 0; i < node->count; i++) {
        const yaml_node *child = &node->children[i];
        nodes += check_node(child, node->kind == YAML_MAP, depth + (child->kind != YAML_SCALAR));
        FUZZ_CHECK(node->kind != YAML_MAP || node->count > 100 || yaml_child(node, child->key) == child);
    }
    return nodes;
}

static medley_status check_tree(const medley_runtime *rt, const uint8_t *data, size_t size, medley_error *err)
{
    yaml_document *document;
    const medley_status status = yaml_parse(rt, "x.yaml", (const char *)data, size, &document, err);
    FUZZ_CHECK((status == MEDLEY_OK) == (document != NULL));
    FUZZ_CHECK(document == NULL || check_node(yaml_root(document), false, 1) <= 100000);
    yaml_document_free(document);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    medley_error err = {MEDLEY_OK, ""};
    const medley_status tree = check_tree(rt, data, size, &err);
    fuzz_check_status(tree, MEDLEY_E_FORMAT, &err);
    err = (medley_error){MEDLEY_OK, ""};
    const medley_status status = yaml_read(rt, "x.yaml", (const char *)data, size, write_and_read, rt, &err);
    fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
    FUZZ_CHECK(tree == MEDLEY_OK || status != MEDLEY_OK); /* a flat mapping is a tree too */
    medley_runtime_free(rt);
    return 0;
}
