/* Places (b of a group of terms) are sorted by their row: least significant digit first, stable. Then parts of a fixed
 * number of places are summed. A part that starts within a row leaves what it has of it in a carry, so that a popular row
 * is shared out too. */
#include "autograd/row_terms.h"

enum {
    PIECE = 1 << 14,        /* places that a task of the sort moves */
    DIGIT_LEAST = 8,        /* bits of a digit: few places make few counters */
    DIGIT_MOST = 10,        /* more lines than that are not written at once quickly, the less by several threads */
    PART_NUMBERS = 1 << 17, /* that a task of the sums reads, */
    PLACE_NUMBERS = 15,     /* and what finding one of its places is worth beside them */
    PART_LEAST = 256,
    BUFFER = 128, /* terms on their way */
    FETCHED = 48, /* of which so many are being fetched while those before them are summed */
    SUMMED = 16,  /* at a time */
};

typedef struct row_source_entry {
    row_source source;
    struct row_source_entry *next;
} row_source_entry;

/* Sources of the same rows, or terms. */
typedef struct row_group {
    const uint32_t *row; /* [count] */
    row_term *term;      /* [count], or NULL */
    int64_t count;
    int64_t first; /* place, of those of the whole list */
    row_source_entry *sources, *last;
    struct row_group *next;
} row_group;

/* ---- collecting ---- */

static row_group *add_group(graph *g, row_terms *all, row_group made)
{
    row_group *group = graph_alloc(g, 1, sizeof *group);
    if (group == NULL || all == NULL)
        return NULL;
    *group = made;
    group->first = all->count;
    *(all->last != NULL ? &all->last->next : &all->first) = group;
    all->last = group;
    all->count += group->count;
    return group;
}

row_term *row_terms_add(graph *g, parameter *p, int64_t count)
{
    row_term *term = graph_alloc(g, count, sizeof *term);
    return add_group(g, graph_row_terms(g, p), (row_group){.term = term, .count = count}) != NULL ? term : NULL;
}

static void add_source(graph *g, row_terms *all, const row_source *s)
{
    row_source_entry *entry = graph_alloc(g, 1, sizeof *entry);
    row_group *group = all != NULL ? all->first : NULL;
    while (group != NULL && (group->row != s->row || group->count != s->count))
        group = group->next;
    if (group == NULL)
        group = add_group(g, all, (row_group){.row = s->row, .count = s->count});
    if (group == NULL || entry == NULL)
        return;
    *entry = (row_source_entry){.source = *s};
    *(group->last != NULL ? &group->last->next : &group->sources) = entry;
    group->last = entry;
}

void row_terms_add_source(graph *g, parameter *p, const row_source *s)
{
    add_source(g, graph_row_terms(g, p), s);
}

/* ---- sorting ---- */

typedef struct row_place {
    uint32_t row, place;
} row_place;

typedef struct row_sort {
    const row_terms *terms;
    int64_t count;
    int shift, bits;
    uint32_t *to; /* [pieces, 1 << bits] counts of digits, then where the next place of a digit goes */
    row_place *in, *out;
} row_sort;

static int64_t piece_end(const row_sort *s, int64_t task)
{
    return (task + 1) * PIECE < s->count ? (task + 1) * PIECE : s->count;
}

static medley_status write_places(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const row_sort *s = context;
    const row_group *group = s->terms->first;
    const int64_t end = piece_end(s, task);
    for (int64_t place = task * PIECE; place < end;) {
        while (group->first + group->count <= place)
            group = group->next;
        const int64_t last = group->first + group->count < end ? group->first + group->count : end;
        for (int64_t b = place - group->first; place < last; place++, b++)
            s->in[place] = (row_place){group->term != NULL ? group->term[b].row : group->row[b], (uint32_t)place};
    }
    return MEDLEY_OK;
}

static medley_status count_digits(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const row_sort *s = context;
    const uint32_t mask = (UINT32_C(1) << s->bits) - 1;
    const int64_t end = piece_end(s, task);
    uint32_t *const count = s->to + (task << s->bits);
    memset(count, 0, sizeof *count << s->bits);
    for (int64_t i = task * PIECE; i < end; i++)
        count[s->in[i].row >> s->shift & mask]++;
    return MEDLEY_OK;
}

static medley_status move_places(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const row_sort *s = context;
    const uint32_t mask = (UINT32_C(1) << s->bits) - 1;
    const int64_t end = piece_end(s, task);
    uint32_t *const to = s->to + (task << s->bits);
    for (int64_t i = task * PIECE; i < end; i++)
        s->out[to[s->in[i].row >> s->shift & mask]++] = s->in[i];
    return MEDLEY_OK;
}

static void run_pass(graph *g, row_sort *s, int64_t pieces)
{
    uint32_t sum = 0;
    graph_parallel(g, pieces, count_digits, s);
    for (int64_t digit = 0; digit < INT64_C(1) << s->bits; digit++)
        for (int64_t task = 0; task < pieces; task++) {
            uint32_t *const to = s->to + (task << s->bits) + digit;
            const uint32_t count = *to;
            *to = sum;
            sum += count;
        }
    graph_parallel(g, pieces, move_places, s);
}

/* Of the numbers below count. */
static int bits_of(int64_t count)
{
    int bits = 1;
    while (INT64_C(1) << bits < count)
        bits++;
    return bits;
}

/* Whether places are sorted as they come. */
static bool ascend(const row_terms *terms)
{
    const row_group *only = terms->first;
    if (only->next != NULL || only->row == NULL)
        return false;
    int64_t b = 1;
    while (b < only->count && only->row[b - 1] <= only->row[b])
        b++;
    return b >= only->count;
}

/* NULL after keeping a failure. */
static const row_place *sort(graph *g, const row_terms *terms, int64_t rows)
{
    const int64_t count = terms->count, pieces = (count + PIECE - 1) / PIECE;
    const int many = bits_of(count) + 1 < DIGIT_MOST ? bits_of(count) + 1 : DIGIT_MOST;
    const int most = many > DIGIT_LEAST ? many : DIGIT_LEAST, needed = bits_of(rows);
    const int passes = (needed + most - 1) / most, bits = (needed + passes - 1) / passes;
    row_sort s = {.terms = terms, .count = count, .bits = bits};
    s.in = graph_alloc(g, count, sizeof *s.in);
    s.out = graph_alloc(g, count, sizeof *s.out);
    s.to = graph_alloc(g, pieces << bits, sizeof *s.to);
    if (graph_failed(g))
        return NULL;
    graph_parallel(g, pieces, write_places, &s);
    for (int pass = ascend(terms) ? passes : 0; pass < passes; pass++) {
        s.shift = pass * bits;
        run_pass(g, &s, pieces);
        row_place *const sorted = s.out;
        s.out = s.in;
        s.in = sorted;
    }
    return s.in;
}

struct row_sorted {
    const row_terms *terms;
    const row_place *place;
    struct row_sorted *before;
};

static bool same_places(const row_terms *x, const row_terms *y)
{
    const row_group *a = x->first, *b = y->first;
    while (a != NULL && b != NULL && a->row != NULL && a->row == b->row && a->count == b->count) {
        a = a->next;
        b = b->next;
    }
    return a == NULL && b == NULL;
}

/* Those of a table that the same rows are picked of, if there was one. NULL after keeping a failure. */
static const row_place *sort_once(graph *g, const row_terms *terms, int64_t rows, row_sorts *all)
{
    for (const struct row_sorted *one = all->last; one != NULL; one = one->before)
        if (same_places(one->terms, terms))
            return one->place;
    struct row_sorted *made = graph_alloc(g, 1, sizeof *made);
    const row_place *place = sort(g, terms, rows);
    if (made == NULL || place == NULL)
        return NULL;
    *made = (struct row_sorted){terms, place, all->last};
    all->last = made;
    return place;
}

/* ---- summing ---- */

typedef struct summing {
    const row_terms *terms;
    const row_place *place; /* [count] sorted */
    int64_t count, part;    /* in all, and of a task */
    int64_t D;
    const real *own; /* the table itself, or NULL */
    uint32_t *row;   /* as in row_sums */
    real *value;
    int64_t *start; /* [tasks] the number of the first row that starts in the task's part, of all */
    real *carry;    /* [tasks, D] */
} summing;

/* Terms on their way to a row_sums, those from `head` on are not summed yet. */
typedef struct term_buffer {
    row_sums sums;
    int64_t head, tail;
    row_term term[BUFFER];
} term_buffer;

/* At most SUMMED more come between two calls. */
static inline void push(term_buffer *b, row_term term)
{
    table_fetch(term.vector, b->sums.D);
    b->term[b->tail++] = term;
}

static void sum_fetched(term_buffer *b)
{
    if (b->tail - b->head >= FETCHED + SUMMED) {
        table_sum(&b->sums, b->term + b->head, SUMMED);
        b->head += SUMMED;
    }
    if (b->tail + SUMMED > BUFFER) {
        memmove(b->term, b->term + b->head, (size_t)(b->tail - b->head) * sizeof *b->term);
        b->tail -= b->head;
        b->head = 0;
    }
}

static int64_t part_end(const summing *s, int64_t task)
{
    return (task + 1) * s->part < s->count ? (task + 1) * s->part : s->count;
}

static medley_status count_starts(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const summing *s = context;
    int64_t starts = task == 0;
    for (int64_t i = task == 0 ? 1 : task * s->part; i < part_end(s, task); i++)
        starts += s->place[i].row != s->place[i - 1].row;
    s->start[task] = starts;
    return MEDLEY_OK;
}

/* What at most SUMMED places of a row and a group give by a source. */
static void push_source(const row_source *s, int64_t D, int64_t first, const row_place *at, int64_t count,
                        term_buffer *buffer)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t b = at[i].place - first;
        const real *const vector = s->vector + (s->pick != NULL ? s->pick[b] : b) * D;
        push(buffer, (row_term){vector, at[i].row, s->scale != NULL ? s->scale[b] : s->factor});
    }
    sum_fetched(buffer);
}

static real sum_of_scales(const row_source *s, int64_t first, const row_place *at, int64_t count)
{
    real sum = s->scale != NULL ? 0 : (real)count * s->factor;
    for (int64_t i = 0; i < count && s->scale != NULL; i++)
        sum += s->scale[at[i].place - first];
    return sum;
}

/* What at most SUMMED places of a row and a group give to it; returns the sum of the factors of the row itself. */
static real push_places(const summing *s, const row_group *group, const row_place *at, int64_t count,
                        term_buffer *buffer)
{
    real of_itself = 0;
    for (int64_t i = 0; i < count && group->term != NULL; i++)
        push(buffer, group->term[at[i].place - group->first]);
    sum_fetched(buffer);
    for (const row_source_entry *entry = group->sources; entry != NULL; entry = entry->next)
        if (entry->source.vector == s->own && entry->source.pick == entry->source.row)
            of_itself += sum_of_scales(&entry->source, group->first, at, count);
        else
            push_source(&entry->source, s->D, group->first, at, count, buffer);
    return of_itself;
}

/* How many of the places before `most` are of the first one's row and group. */
static int64_t run_of(const row_place *at, int64_t most, const row_group *group)
{
    int64_t count = 1;
    while (count < most && at[count].row == at->row && at[count].place - group->first < group->count)
        count++;
    return count;
}

static const row_group *group_of(const summing *s, const row_group *near, uint32_t place)
{
    const row_group *group = place < near->first ? s->terms->first : near;
    while (place - group->first >= group->count)
        group = group->next;
    return group;
}

/* What places of a row and a group give to its number: a buffer is of no use. */
static real number_of(const summing *s, const row_group *group, const row_place *at, int64_t count)
{
    real sum = 0;
    for (int64_t i = 0; i < count && group->term != NULL; i++) {
        const row_term *const term = &group->term[at[i].place - group->first];
        sum += term->scale * *term->vector;
    }
    for (const row_source_entry *entry = group->sources; entry != NULL; entry = entry->next) {
        const row_source *const source = &entry->source;
        if (source->vector == s->own && source->pick == source->row) {
            sum += sum_of_scales(source, group->first, at, count) * s->own[at->row];
            continue;
        }
        for (int64_t i = 0; i < count; i++) {
            const int64_t b = at[i].place - group->first;
            const real number = source->vector[source->pick != NULL ? source->pick[b] : b];
            sum += (source->scale != NULL ? source->scale[b] : source->factor) * number;
        }
    }
    return sum;
}

static medley_status sum_numbers(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const summing *s = context;
    const int64_t first = task * s->part, end = part_end(s, task);
    const row_group *group = s->terms->first;
    int64_t next = s->start[task];
    s->carry[task] = 0;
    real *sum = &s->carry[task];
    for (int64_t i = first, count; i < end; i += count) {
        const row_place *const at = &s->place[i];
        group = group_of(s, group, at->place);
        count = run_of(at, end - i, group);
        const bool starts = i == 0 || at[-1].row != at->row;
        if (starts && s->row != NULL) {
            s->row[next] = at->row;
            sum = &s->value[next++];
            *sum = 0;
        } else if (starts) {
            sum = &s->value[at->row];
        }
        *sum += number_of(s, group, at, count);
    }
    return MEDLEY_OK;
}

static medley_status sum_part(void *context, int64_t task, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    const summing *s = context;
    const int64_t first = task * s->part, end = part_end(s, task);
    const row_group *group = s->terms->first;
    term_buffer buffer = {.sums = {.D = s->D, .row = s->row, .value = s->value, .next = s->start[task], .at = -1}};
    if (first > 0 && s->place[first - 1].row == s->place[first].row) {
        buffer.sums.at = s->place[first].row;
        buffer.sums.sum = memset(s->carry + task * s->D, 0, (size_t)s->D * sizeof *s->carry);
    }
    real of_itself = 0;
    for (int64_t i = first, count; i < end; i += count) {
        const row_place *const at = &s->place[i];
        group = group_of(s, group, at->place);
        count = run_of(at, least(end - i, SUMMED), group);
        of_itself += push_places(s, group, at, count, &buffer);
        if (s->own != NULL && (i + count == end || at[count].row != at->row)) {
            push(&buffer, (row_term){s->own + at->row * s->D, at->row, of_itself});
            sum_fetched(&buffer);
            of_itself = 0;
        }
    }
    table_sum(&buffer.sums, buffer.term + buffer.head, buffer.tail - buffer.head);
    return MEDLEY_OK;
}

/* Parts that a row was cut into come together, in order. */
static void add_carries(const summing *s, int64_t tasks)
{
    for (int64_t task = 1; task < tasks; task++) {
        const uint32_t row = s->place[task * s->part].row;
        if (s->place[task * s->part - 1].row != row)
            continue;
        real *const sum = s->value + (s->row != NULL ? s->start[task] - 1 : row) * s->D;
        for (int64_t d = 0; d < s->D; d++)
            sum[d] += s->carry[task * s->D + d];
    }
}

/* Returns how many distinct rows there are. */
static int64_t run_sums(graph *g, summing *s)
{
    const int64_t fair = PART_NUMBERS / (s->D + PLACE_NUMBERS);
    s->part = fair > PART_LEAST ? fair : PART_LEAST;
    const int64_t tasks = (s->count + s->part - 1) / s->part;
    int64_t rows = 0;
    s->start = graph_alloc(g, tasks, sizeof *s->start);
    s->carry = graph_alloc(g, tasks * s->D, sizeof *s->carry);
    graph_parallel(g, tasks, count_starts, s);
    for (int64_t task = 0; task < tasks && !graph_failed(g); task++) {
        const int64_t starts = s->start[task];
        s->start[task] = rows;
        rows += starts;
    }
    graph_parallel(g, tasks, s->D == 1 ? sum_numbers : sum_part, s);
    if (!graph_failed(g))
        add_carries(s, tasks);
    return rows;
}

/* NULL: no source is of the table's own rows. */
static const real *own_rows(const row_terms *terms, const real *value)
{
    for (const row_group *group = terms->first; group != NULL; group = group->next)
        for (const row_source_entry *entry = group->sources; entry != NULL; entry = entry->next)
            if (entry->source.vector == value && entry->source.pick == entry->source.row)
                return value;
    return NULL;
}

static void sum_into(graph *g, const row_terms *terms, int64_t rows, int64_t D, const real *own, real *out)
{
    const row_place *sorted = sort(g, terms, rows);
    if (sorted != NULL)
        run_sums(g, &(summing){
                        .terms = terms, .place = sorted, .count = terms->count, .D = D, .own = own, .value = out});
}

void row_terms_scatter(graph *g, const row_source *s, int sources, int64_t rows, int64_t D, real *out)
{
    row_terms terms = {0};
    const real *own = NULL;
    for (int k = 0; k < sources; k++) {
        own = s[k].pick == s[k].row ? s[k].vector : own;
        add_source(g, &terms, &s[k]);
    }
    if (terms.count > 0 && !graph_failed(g))
        sum_into(g, &terms, rows, D, own, out);
}

static void sum_rows(graph *g, const row_terms *terms, int64_t rows, int64_t D, const real *own, row_sorts *sorts,
                     row_gradient *out)
{
    const int64_t most = terms->count < rows ? terms->count : rows;
    const row_place *sorted = sort_once(g, terms, rows, sorts);
    uint32_t *row = graph_alloc(g, most, sizeof *row);
    real *value = graph_alloc(g, most * D, sizeof *value);
    if (graph_failed(g))
        return;
    summing s = {
        .terms = terms, .place = sorted, .count = terms->count, .D = D, .own = own, .row = row, .value = value};
    *out = (row_gradient){.count = run_sums(g, &s), .row = row, .value = value};
}

void row_terms_sum(graph *g, parameter *p, row_sorts *sorts)
{
    const row_terms *terms = p->terms;
    p->terms = NULL;
    p->rows = (row_gradient){0};
    if (terms == NULL || terms->count == 0)
        return;
    const int64_t rows = p->shape.size[0], D = shape_width(p->shape);
    const real *own = own_rows(terms, p->value);
    if (terms->count > UINT32_MAX)
        graph_fail(g, MEDLEY_E_LIMIT, "parameter '%s': %lld rows are picked in a step, the most is 4294967295",
                   p->name, (long long)terms->count);
    else if (p->kind == PARAMETER_ROWS)
        sum_rows(g, terms, rows, D, own, sorts, &p->rows);
    else
        sum_into(g, terms, rows, D, own, p->grad);
}
