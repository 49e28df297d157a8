#include "recommend/filter_expression.h"

#include <strings.h>

#include "data/item_attributes.h"

/* ---- the tree ---- */

typedef struct filter_value {
    literal_kind kind; /* TEXT, NUMBER or BOOL */
    const char *text;
    size_t length;
    bool numeric; /* a number, or a text that is one */
    double number;
    struct filter_value *next;
} filter_value;

enum { LESS = 1, EQUAL = 2, GREATER = 4 };

/* How a comparison looks at one of the item's values. */
typedef struct filter_operator {
    const char *name;
    int outcomes; /* of value against literal that meet it; 0: contains */
    bool none;    /* holds when no value meets it */
    bool list;    /* takes several literals, in parentheses */
    bool orders;  /* takes no true and false */
} filter_operator;

static const filter_operator operators[] = {
    {"=", EQUAL, false, false, false},   {"!=", EQUAL, true, false, false},
    {"<", LESS, false, false, true},     {"<=", LESS | EQUAL, false, false, true},
    {">", GREATER, false, false, true},  {">=", GREATER | EQUAL, false, false, true},
    {"has", EQUAL, false, false, false}, {"contains", 0, false, false, true},
    {"in", EQUAL, false, true, false},
};
enum { OPERATORS = sizeof operators / sizeof *operators };
#define OPERATOR_NAMES "= != < <= > >= has contains in"

typedef enum filter_kind { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_EXISTS, FILTER_COMPARE } filter_kind;

typedef struct filter_node {
    filter_kind kind;
    struct filter_node *first, *next; /* operands; the next operand of the parent */
    int64_t key;
    const filter_operator *how;
    filter_value *values;
} filter_node;

/* What an item says of itself besides its attributes. */
enum { OWN_ID, OWN_TITLE, OWN_TEXT, OWN_POPULARITY, OWN_COUNT };
static const char *const own_keys[OWN_COUNT] = {"id", "title", "text", "popularity"};

typedef struct filter_key {
    const char *name;
    int own;   /* of own_keys, or -1: an attribute */
    size_t at; /* in the expression, where it is first used */
} filter_key;

struct filter_expression {
    const medley_runtime *rt;
    char *expression;
    filter_node *root;
    filter_key *keys;
    int64_t key_count, key_capacity;
    arena parts;
};

/* ---- tokens ---- */

typedef enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SYMBOL } token_kind;

typedef struct filter_scan {
    filter_expression *f;
    size_t at;         /* behind the token */
    token_kind kind;   /* of the token */
    size_t start, end; /* of the token in the expression */
    const char *text;  /* TEXT: unescaped */
    size_t length;
    double number;
    int depth;
    medley_error *err;
} filter_scan;

/* "where: column 6: expected a value, found 'and': 'year = ^and'" */
static medley_status refuse_at(const filter_expression *f, size_t at, size_t end, const char *what,
                               const char *detail, medley_error *err)
{
    enum { AROUND = 24 };
    const char *const e = f->expression;
    size_t from = at > AROUND ? at - AROUND : 0, to = end;
    while (from < at && ((unsigned char)e[from] & 0xc0) == 0x80)
        from++;
    while (e[to] != '\0' && (to < end + AROUND || ((unsigned char)e[to] & 0xc0) == 0x80))
        to++;
    return fail(err, MEDLEY_E_CONFIG, "where: column %lld: %s%s: '%s%.*s^%.*s%s'", (long long)at + 1, what, detail,
                from > 0 ? "..." : "", (int)(at - from), e + from, (int)(to - at), e + at,
                e[to] != '\0' ? "..." : "");
}

static medley_status refuse_token(const filter_scan *s, const char *expected)
{
    enum { SHOWN = 40 };
    char found[64] = ", found the end";
    const size_t length = s->end - s->start;
    if (s->kind != TOKEN_END)
        number_print(found, sizeof found, ", found '%.*s'%s", length < SHOWN ? (int)length : SHOWN,
                     s->f->expression + s->start, length < SHOWN ? "" : "...");
    return refuse_at(s->f, s->start, s->end, expected, found, s->err);
}

static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_word(char c)
{
    return begins_word(c) || digit(c) || c == '.' || c == '-';
}

/* A quoted text; '\' takes the next quote or '\' as it is. */
static medley_status scan_text(filter_scan *s)
{
    const char *const e = s->f->expression, quote = e[s->at];
    char *to;
    size_t end = s->at + 1;
    while (e[end] != '\0' && e[end] != quote)
        end += e[end] == '\\' && e[end + 1] != '\0' ? 2 : 1;
    if (e[end] == '\0')
        return refuse_at(s->f, s->start, end, "a text whose quote is not closed", "", s->err);
    TRY(arena_alloc(&s->f->parts, (int64_t)(end - s->at), 1, &to, s->err));
    s->text = to;
    for (size_t i = s->at + 1; i < end; i++) {
        if (e[i] == '\\' && e[++i] != '\\' && e[i] != '"' && e[i] != '\'')
            return refuse_at(s->f, i - 1, i, "a '\\' that stands before neither a quote nor a '\\'", "", s->err);
        *to++ = e[i];
    }
    *to = '\0';
    s->length = (size_t)(to - s->text);
    s->at = end + 1;
    return MEDLEY_OK;
}

static medley_status scan_number(filter_scan *s)
{
    const char *const e = s->f->expression;
    s->at++;
    while (in_word(e[s->at]) || (e[s->at] == '+' && (e[s->at - 1] | 32) == 'e'))
        s->at++;
    if (!number_real(e + s->start, s->at - s->start, &s->number))
        return refuse_at(s->f, s->start, s->at, "what begins as a number is none; texts stand in quotes", "",
                         s->err);
    return MEDLEY_OK;
}

/* The next token. */
static medley_status scan(filter_scan *s)
{
    const char *const e = s->f->expression;
    while (e[s->at] == ' ' || e[s->at] == '\t' || e[s->at] == '\n' || e[s->at] == '\r')
        s->at++;
    const char c = e[s->at], after = c != '\0' ? e[s->at + 1] : '\0';
    medley_status status = MEDLEY_OK;
    s->start = s->at;
    if (c == '\0') {
        s->kind = TOKEN_END;
    } else if (c == '"' || c == '\'') {
        s->kind = TOKEN_TEXT;
        status = scan_text(s);
    } else if (digit(c) || ((c == '-' || c == '+' || c == '.') && (digit(after) || after == '.'))) {
        s->kind = TOKEN_NUMBER;
        status = scan_number(s);
    } else if (begins_word(c)) {
        s->kind = TOKEN_WORD;
        while (in_word(e[s->at]))
            s->at++;
    } else {
        s->kind = TOKEN_SYMBOL;
        s->at++;
        if (strchr("=!<>", c) != NULL)
            s->at += strspn(e + s->at, "=!<>");
    }
    s->end = s->at;
    return status;
}

/* Whether the token is this word, in any case, or this symbol. */
static bool is(const filter_scan *s, const char *name)
{
    const size_t length = s->end - s->start;
    return (s->kind == TOKEN_WORD || s->kind == TOKEN_SYMBOL) && strlen(name) == length &&
           strncasecmp(s->f->expression + s->start, name, length) == 0;
}

static medley_status expect(filter_scan *s, const char *symbol, const char *expected)
{
    return is(s, symbol) ? scan(s) : refuse_token(s, expected);
}

/* ---- parsing ---- */

static const char *const reserved[] = {"and", "or", "not", "in", "has", "contains", "true", "false"};

static bool is_key(const filter_scan *s)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (is(s, reserved[i]))
            return false;
    return s->kind == TOKEN_WORD || s->kind == TOKEN_TEXT;
}

static medley_status parse_key(filter_scan *s, int64_t *out)
{
    filter_expression *f = s->f;
    const char *name = s->text;
    if (!is_key(s))
        return refuse_token(s, "expected a key, not, exists or (");
    if (s->kind == TOKEN_WORD)
        TRY(arena_text(&f->parts, f->expression + s->start, s->end - s->start, &name, s->err));
    for (*out = 0; *out < f->key_count; (*out)++)
        if (strcmp(f->keys[*out].name, name) == 0)
            return scan(s);
    TRY(mem_reserve(f->rt, &f->keys, &f->key_capacity, f->key_count + 1, sizeof *f->keys, s->err));
    filter_key *k = &f->keys[f->key_count++];
    *k = (filter_key){.name = name, .own = -1, .at = s->start};
    for (int i = 0; i < OWN_COUNT; i++)
        if (strcmp(name, own_keys[i]) == 0)
            k->own = i;
    return scan(s);
}

static medley_status parse_value(filter_scan *s, const filter_operator *how, filter_value **out)
{
    const bool truth = is(s, "true");
    filter_value value = {.kind = LITERAL_TEXT, .text = s->text, .length = s->length, .number = s->number};
    if (s->kind == TOKEN_NUMBER && how->outcomes != 0)
        value.kind = LITERAL_NUMBER;
    else if ((truth || is(s, "false")) && !how->orders)
        value = (filter_value){.kind = LITERAL_BOOL, .number = truth};
    else if (s->kind != TOKEN_TEXT)
        return refuse_token(s, how->outcomes == 0 ? "expected a text in quotes"
                               : how->orders      ? "expected a number or a text in quotes"
                                                  : "expected a text in quotes, a number, true or false");
    if (value.kind == LITERAL_NUMBER)
        value.numeric = true;
    else if (value.kind == LITERAL_TEXT)
        value.numeric = number_real(value.text, value.length, &value.number);
    TRY(arena_alloc(&s->f->parts, 1, sizeof **out, out, s->err));
    **out = value;
    return scan(s);
}

static medley_status parse_values(filter_scan *s, filter_node *node)
{
    filter_value **at = &node->values;
    if (!node->how->list)
        return parse_value(s, node->how, at);
    TRY(expect(s, "(", "expected ("));
    for (;;) {
        TRY(parse_value(s, node->how, at));
        at = &(*at)->next;
        if (!is(s, ","))
            return expect(s, ")", "expected , or )");
        TRY(scan(s));
    }
}

static medley_status add_node(filter_scan *s, filter_kind kind, filter_node *first, filter_node **out)
{
    TRY(arena_alloc(&s->f->parts, 1, sizeof **out, out, s->err));
    **out = (filter_node){.kind = kind, .first = first};
    return MEDLEY_OK;
}

static medley_status parse_comparison(filter_scan *s, filter_node **out)
{
    TRY(add_node(s, FILTER_COMPARE, NULL, out));
    TRY(parse_key(s, &(*out)->key));
    for (int i = 0; i < OPERATORS; i++)
        if (is(s, operators[i].name))
            (*out)->how = &operators[i];
    if ((*out)->how == NULL)
        return refuse_token(s, "expected one of " OPERATOR_NAMES);
    TRY(scan(s));
    return parse_values(s, *out);
}

static medley_status parse_exists(filter_scan *s, filter_node **out)
{
    TRY(add_node(s, FILTER_EXISTS, NULL, out));
    TRY(scan(s));
    TRY(expect(s, "(", "expected ( behind exists"));
    TRY(parse_key(s, &(*out)->key));
    return expect(s, ")", "expected )");
}

static medley_status parse_either(filter_scan *s, filter_node **out);

static medley_status parse_one(filter_scan *s, filter_node **out)
{
    medley_status status;
    if (is(s, "exists"))
        return parse_exists(s, out);
    if (!is(s, "not") && !is(s, "("))
        return parse_comparison(s, out);
    if (++s->depth > FILTER_EXPRESSION_DEEPEST)
        return refuse_at(s->f, s->start, s->end, "nested more than 64 deep", "", s->err);
    if (is(s, "not")) {
        filter_node *operand;
        TRY(scan(s));
        TRY(parse_one(s, &operand));
        status = add_node(s, FILTER_NOT, operand, out);
    } else {
        TRY(scan(s));
        TRY(parse_either(s, out));
        status = expect(s, ")", "expected and, or, )");
    }
    s->depth--;
    return status;
}

typedef medley_status (*filter_parser)(filter_scan *s, filter_node **out);

/* operand {word operand}: one operand stands for itself. */
static medley_status parse_chain(filter_scan *s, filter_parser operand, const char *word, filter_kind kind,
                                 filter_node **out)
{
    TRY(operand(s, out));
    if (!is(s, word))
        return MEDLEY_OK;
    filter_node *last = *out;
    TRY(add_node(s, kind, last, out));
    while (is(s, word)) {
        TRY(scan(s));
        TRY(operand(s, &last->next));
        last = last->next;
    }
    return MEDLEY_OK;
}

static medley_status parse_both(filter_scan *s, filter_node **out)
{
    return parse_chain(s, parse_one, "and", FILTER_AND, out);
}

static medley_status parse_either(filter_scan *s, filter_node **out)
{
    return parse_chain(s, parse_both, "or", FILTER_OR, out);
}

medley_status filter_expression_parse(const medley_runtime *rt, const char *expression, filter_expression **out,
                                      medley_error *err)
{
    filter_expression *f;
    *out = NULL;
    const size_t length = strlen(expression);
    if (length > FILTER_EXPRESSION_LONGEST)
        return fail(err, MEDLEY_E_CONFIG, "where: %lld bytes; at most %d are accepted", (long long)length,
                    FILTER_EXPRESSION_LONGEST);
    TRY(mem_alloc_zero(rt, 1, sizeof *f, &f, err));
    f->rt = rt;
    f->parts.rt = rt;
    filter_scan s = {.f = f, .err = err};
    medley_status status = mem_text(rt, expression, length, &f->expression, err);
    if (status == MEDLEY_OK)
        status = scan(&s);
    if (status == MEDLEY_OK)
        status = parse_either(&s, &f->root);
    if (status == MEDLEY_OK && s.kind != TOKEN_END)
        status = refuse_token(&s, "expected and, or or the end");
    if (status != MEDLEY_OK) {
        filter_expression_free(f);
        return status;
    }
    *out = f;
    return MEDLEY_OK;
}

void filter_expression_free(filter_expression *f)
{
    if (f == NULL)
        return;
    mem_free(f->expression);
    mem_free(f->keys);
    arena_release(&f->parts);
    mem_free(f);
}

/* ---- evaluating ---- */

static bool contains(const literal *value, const filter_value *want)
{
    if (value->kind != LITERAL_TEXT)
        return false;
    for (size_t i = 0; i + want->length <= value->length; i++)
        if (memcmp(value->text + i, want->text, want->length) == 0)
            return true;
    return false;
}

static int outcome_of(int order)
{
    return order < 0 ? LESS : order > 0 ? GREATER : EQUAL;
}

/* How an item's value stands to a literal; 0: they do not compare. */
static int outcome(const literal *value, const filter_value *want)
{
    double number = value->number;
    if (value->kind == LITERAL_BOOL || want->kind == LITERAL_BOOL)
        return value->kind != want->kind ? 0 : outcome_of((number > want->number) - (number < want->number));
    if (value->kind == LITERAL_TEXT && want->kind == LITERAL_TEXT) {
        const size_t shared = value->length < want->length ? value->length : want->length;
        const int order = memcmp(value->text, want->text, shared);
        return outcome_of(order != 0 ? order : (value->length > want->length) - (value->length < want->length));
    }
    if (!want->numeric || (value->kind == LITERAL_TEXT && !number_real(value->text, value->length, &number)))
        return 0;
    return outcome_of((number > want->number) - (number < want->number));
}

static bool scalar(const literal *value)
{
    return value->kind == LITERAL_TEXT || value->kind == LITERAL_NUMBER || value->kind == LITERAL_BOOL;
}

/* The first of an item's values of a key, and the next: a list's scalars, or the scalar itself. */
static const literal *next_scalar(const literal *at)
{
    while (at != NULL && !scalar(at))
        at = at->next;
    return at;
}

static const literal *first_value(const literal *value)
{
    if (value == NULL || value->kind == LITERAL_DICT)
        return NULL;
    return value->kind == LITERAL_LIST ? next_scalar(value->first) : scalar(value) ? value : NULL;
}

static bool meets(const filter_node *node, const literal *value)
{
    for (const filter_value *want = node->values; want != NULL; want = want->next)
        if (node->how->outcomes == 0 ? contains(value, want) : (outcome(value, want) & node->how->outcomes) != 0)
            return true;
    return false;
}

static bool compare(const filter_node *node, const literal *value)
{
    const bool list = value != NULL && value->kind == LITERAL_LIST;
    const literal *at = first_value(value);
    if (at == NULL)
        return false;
    for (; at != NULL; at = list ? next_scalar(at->next) : NULL)
        if (meets(node, at))
            return !node->how->none;
    return node->how->none;
}

/* values: [key_count] of one item */
static bool holds(const filter_node *node, const literal *const *values)
{
    if (node->kind == FILTER_COMPARE)
        return compare(node, values[node->key]);
    if (node->kind == FILTER_EXISTS)
        return first_value(values[node->key]) != NULL;
    if (node->kind == FILTER_NOT)
        return !holds(node->first, values);
    const bool decides = node->kind == FILTER_OR;
    for (const filter_node *one = node->first; one != NULL; one = one->next)
        if (holds(one, values) == decides)
            return decides;
    return !decides;
}

typedef struct filter_pass {
    const filter_expression *f;
    const int64_t *popularity;
    uint8_t *allowed;
    const literal **values; /* [key_count] */
} filter_pass;

static literal text_literal(catalog_text t)
{
    return (literal){.kind = t.bytes != NULL ? LITERAL_TEXT : LITERAL_NONE, .text = t.bytes, .length = t.length};
}

static medley_status take_item(void *context, int64_t item, const catalog_item *row, const literal *attributes,
                               medley_error *err)
{
    const filter_pass *p = context;
    const double users = p->popularity != NULL ? (double)p->popularity[item] : 0;
    const literal own[OWN_COUNT] = {
        [OWN_ID] = text_literal(row->id),
        [OWN_TITLE] = text_literal(row->title),
        [OWN_TEXT] = text_literal(row->text),
        [OWN_POPULARITY] = {.kind = LITERAL_NUMBER, .number = users},
    };
    (void)err;
    for (int64_t k = 0; k < p->f->key_count; k++) {
        const filter_key *key = &p->f->keys[k];
        p->values[k] = key->own >= 0 ? &own[key->own] : literal_member(attributes, key->name);
    }
    p->allowed[item] &= holds(p->f->root, p->values);
    return MEDLEY_OK;
}

static medley_status check_keys(const filter_expression *f, const idmap *known, medley_error *err)
{
    for (int64_t k = 0; k < f->key_count; k++) {
        const filter_key *key = &f->keys[k];
        if (key->own >= 0 || idmap_find(known, key->name, strlen(key->name)) != IDMAP_NONE)
            continue;
        char hint[ITEM_ATTRIBUTES_HINT], what[128];
        number_print(what, sizeof what, "no item has an attribute '%.60s'", key->name);
        item_attributes_hint(known, key->name, own_keys, OWN_COUNT, hint);
        return refuse_at(f, key->at, key->at, what, hint, err);
    }
    return MEDLEY_OK;
}

medley_status filter_expression_apply(const filter_expression *f, const medley_store *store,
                                      const int64_t *popularity, uint8_t *allowed, medley_error *err)
{
    filter_pass pass = {.f = f, .popularity = popularity, .allowed = allowed};
    idmap known;
    idmap_init(&known, f->rt);
    medley_status status = mem_alloc(f->rt, f->key_count, sizeof *pass.values, &pass.values, err);
    if (status == MEDLEY_OK)
        status = item_attributes_read(store, take_item, &pass, &known, err);
    if (status == MEDLEY_OK)
        status = check_keys(f, &known, err);
    mem_free(pass.values);
    idmap_release(&known);
    return status;
}
