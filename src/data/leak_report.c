#include "data/leak_report.h"

#include "data/split.h"

enum { PAIR_COUNTED = 1 << PART_COUNT };

/* What is known while the rows are walked user by user. */
typedef struct leak_state {
    const interactions *events;
    const uint8_t *part;
    int64_t latest_train;
    uint8_t *item_parts;   /* [items] the parts that have the item, 1 << part_name */
    uint8_t *own_parts;    /* [items] ... of the user at hand, if own_user says so */
    uint32_t *own_user;    /* [items] last user, + 1, whose parts own_parts holds */
    uint8_t *cold_counted; /* [items] 1 << part_name: counted as cold in that part */
} leak_state;

static bool has(int parts, part_name which)
{
    return (parts >> which & 1) != 0;
}

/* The user's rows: which parts have them, and the latest time in each. */
static int gather_user(const leak_state *s, int64_t start, int64_t end, int64_t latest[PART_COUNT])
{
    const interactions *v = s->events;
    int parts = 0;
    for (int which = 0; which < PART_COUNT; which++)
        latest[which] = INT64_MIN;
    for (int64_t i = start; i < end; i++) {
        const int which = s->part[i];
        const uint32_t item = v->item[i];
        if (s->own_user[item] != v->user[i] + 1)
            s->own_parts[item] = 0;
        s->own_user[item] = v->user[i] + 1;
        s->own_parts[item] |= (uint8_t)(1 << which);
        parts |= 1 << which;
        if (v->timestamp != NULL && v->timestamp[i] > latest[which])
            latest[which] = v->timestamp[i];
    }
    return parts;
}

static void count_row(const leak_state *s, int64_t i, int user_parts, const int64_t latest[PART_COUNT],
                      part_name known, part_leaks *out)
{
    const interactions *v = s->events;
    const uint32_t item = v->item[i];
    const uint8_t own_bit = (uint8_t)(1 << s->part[i]);
    const bool cold_item = !has(s->item_parts[item], PART_TRAIN);
    out->cold_items += cold_item && (s->cold_counted[item] & own_bit) == 0;
    s->cold_counted[item] |= own_bit;
    out->cold_interactions += cold_item || !has(user_parts, PART_TRAIN);
    out->in_train += has(s->own_parts[item], PART_TRAIN);
    out->in_known += has(s->own_parts[item], known);
    if (v->timestamp == NULL)
        return;
    out->before_train += v->timestamp[i] < s->latest_train;
    out->before_own_train += v->timestamp[i] < latest[PART_TRAIN];
    out->before_own_known += v->timestamp[i] < latest[known];
}

static void count_user(const leak_state *s, int64_t start, int64_t end, leak_report *out)
{
    int64_t latest[PART_COUNT];
    const int parts = gather_user(s, start, end, latest);
    for (int64_t i = start; i < end; i++) {
        uint8_t *own = &s->own_parts[s->events->item[i]];
        if (s->part[i] == PART_VAL)
            count_row(s, i, parts, latest, PART_VAL_KNOWN, &out->val);
        else if (s->part[i] == PART_TEST)
            count_row(s, i, parts, latest, PART_TEST_KNOWN, &out->test);
        if ((*own & (*own - 1)) != 0 && (*own & PAIR_COUNTED) == 0) {
            out->repeated_pairs++;
            *own |= PAIR_COUNTED;
        }
    }
    for (int which = 0; which < PART_COUNT; which++)
        out->part[which].users += has(parts, (part_name)which);
    out->val.cold_users += has(parts, PART_VAL) && !has(parts, PART_TRAIN);
    out->test.cold_users += has(parts, PART_TEST) && !has(parts, PART_TRAIN);
}

/* What must be known of all rows before the first one is judged. */
static void gather_all(leak_state *s, int64_t items, leak_report *out)
{
    const interactions *v = s->events;
    for (int64_t i = 0; i < v->count; i++) {
        out->part[s->part[i]].interactions++;
        s->item_parts[v->item[i]] |= (uint8_t)(1 << s->part[i]);
        if (s->part[i] == PART_TRAIN && v->timestamp != NULL && v->timestamp[i] > s->latest_train)
            s->latest_train = v->timestamp[i];
    }
    for (int64_t i = 0; i < items; i++)
        for (int which = 0; which < PART_COUNT; which++)
            out->part[which].items += has(s->item_parts[i], (part_name)which);
}

medley_status leak_report_find(const medley_store *store, const uint8_t *part, leak_report *out, medley_error *err)
{
    const interactions *v = &store->files.view;
    leak_state s = {.events = v, .part = part, .latest_train = INT64_MIN};
    medley_status status = MEDLEY_OK;
    *out = (leak_report){.timed = v->timestamp != NULL};
    TRY_DONE(mem_alloc_zero(store->rt, store->items, 1, &s.item_parts, err));
    TRY_DONE(mem_alloc_zero(store->rt, store->items, 1, &s.own_parts, err));
    TRY_DONE(mem_alloc_zero(store->rt, store->items, 1, &s.cold_counted, err));
    TRY_DONE(mem_alloc_zero(store->rt, store->items, sizeof *s.own_user, &s.own_user, err));
    gather_all(&s, store->items, out);
    for (int64_t start = 0, end; start < v->count; start = end) {
        end = split_user_end(v, start);
        count_user(&s, start, end, out);
    }
done:
    mem_free(s.item_parts);
    mem_free(s.own_parts);
    mem_free(s.cold_counted);
    mem_free(s.own_user);
    return status;
}

/* ---- telling ---- */

/* A number for people (report) or for split.json (object). */
static void put(medley_report *report, json *object, const char *name, int64_t value)
{
    if (report != NULL)
        report_int(report, name, value);
    else
        json_set_int(object, name, value);
}

static void put_part(const leak_report *l, part_name which, medley_report *report, json *object)
{
    const part_leaks *p = which == PART_VAL ? &l->val : &l->test;
    const part_name known = which == PART_VAL ? PART_VAL_KNOWN : PART_TEST_KNOWN;
    const bool held_out = l->part[known].interactions > 0;
    const struct {
        const char *name;
        int64_t value;
        bool shown;
    } rows[] = {
        {"before_latest_training", p->before_train, l->timed},
        {"before_own_training", p->before_own_train, l->timed},
        {"before_own_known", p->before_own_known, l->timed && held_out},
        {"pairs_also_in_training", p->in_train, true},
        {"pairs_also_known", p->in_known, held_out},
        {"users_without_training", p->cold_users, true},
        {"items_without_training", p->cold_items, true},
        {"interactions_of_either", p->cold_interactions, true},
    };
    char name[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(name, sizeof name, "%s_%s", part_names[which], rows[i].name);
        if (rows[i].shown)
            put(report, object, name, rows[i].value);
    }
}

/* The test part always, validation where there is one. */
static void put_leaks(const leak_report *l, medley_report *report, json *object)
{
    put_part(l, PART_TEST, report, object);
    if (l->part[PART_VAL].interactions > 0)
        put_part(l, PART_VAL, report, object);
    put(report, object, "pairs_in_several_parts", l->repeated_pairs);
}

void leak_report_describe(const leak_report *l, json *root)
{
    json *users = json_new_object(), *items = json_new_object(), *leaks = json_new_object();
    for (int which = 0; which < PART_COUNT; which++) {
        if (which > PART_TEST && l->part[which].interactions == 0)
            continue;
        json_set_int(users, part_names[which], l->part[which].users);
        json_set_int(items, part_names[which], l->part[which].items);
    }
    put_leaks(l, NULL, leaks);
    json_set(root, "users", users);
    json_set(root, "items", items);
    json_set(root, "leaks", leaks);
}

void leak_report_tell(const leak_report *l, medley_report *report)
{
    report_table(report, "parts", "Parts", "part|interactions|users|items");
    for (int which = 0; which < PART_COUNT; which++) {
        if (which > PART_TEST && l->part[which].interactions == 0)
            continue;
        report_string(report, NULL, part_names[which]);
        report_int(report, NULL, l->part[which].interactions);
        report_int(report, NULL, l->part[which].users);
        report_int(report, NULL, l->part[which].items);
    }
    report_facts(report, "leaks", "Leak report");
    if (!l->timed)
        report_string(report, "test_before_latest_training", "unknown: the store has no times");
    put_leaks(l, report, NULL);
}
