#include "api/agreement.h"

medley_status agreement_open(const medley_store *store, const char *attribute, int64_t k, agreement *out,
                             medley_error *err)
{
    text name = {.rt = store->rt};
    *out = (agreement){.rt = store->rt, .attribute = attribute, .k = k};
    text_format(&name, "attribute:%s", attribute);
    medley_status status = text_status(&name, err);
    if (status == MEDLEY_OK)
        status = item_space_open(store, name.bytes, &out->values, err);
    text_release(&name);
    TRY(status);
    return out->values.labels != NULL
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG,
                      "agreement: '%s' is numbers; accepted: an attribute with values to share", attribute);
}

void agreement_release(agreement *a)
{
    item_space_release(&a->values);
    *a = (agreement){0};
}

bool agreement_has(const agreement *a, uint32_t item)
{
    return item_space_has(&a->values, item);
}

/* How many of `items` [count] share a value with items[at], itself left out. seen [rows of values]: last asked by. */
static int64_t count_sharing(const csr *values, const csr *by_value, const uint8_t *takes_part, uint32_t item,
                             int64_t at, int64_t *seen)
{
    int64_t sharing = 0;
    for (int64_t v = values->start[item]; v < values->start[item + 1]; v++) {
        const uint32_t value = values->index[v];
        for (int64_t n = by_value->start[value]; n < by_value->start[value + 1]; n++) {
            const uint32_t other = by_value->index[n];
            sharing += takes_part[other] && other != item && seen[other] != at;
            seen[other] = at;
        }
    }
    return sharing;
}

medley_status agreement_expect(agreement *a, const uint32_t *items, int64_t count, medley_error *err)
{
    const csr *const values = &a->values.sparse.view;
    csr_owner by_value = {0};
    int64_t *seen = NULL;
    uint8_t *takes_part = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(csr_transpose(a->rt, values, &by_value, err));
    TRY_DONE(mem_alloc(a->rt, values->rows, sizeof *seen, &seen, err));
    TRY_DONE(mem_alloc_zero(a->rt, values->rows, 1, &takes_part, err));
    for (int64_t n = 0; n < count; n++)
        takes_part[items[n]] = 1;
    for (int64_t i = 0; i < values->rows; i++)
        seen[i] = -1;
    for (int64_t n = 0; n < count && count > 1; n++)
        a->chance +=
            (double)count_sharing(values, &by_value.view, takes_part, items[n], n, seen) / (double)(count - 1);
    a->items = count;
done:
    csr_release(&by_value);
    mem_free(seen);
    mem_free(takes_part);
    return status;
}

void agreement_add(agreement *a, uint32_t item, const uint32_t *nearest, int64_t count)
{
    int64_t sharing = 0;
    for (int64_t n = 0; n < count; n++)
        sharing += item_space_cosine(&a->values, item, nearest[n]) > 0;
    a->precision += (double)sharing / (double)a->k;
    a->short_lists += count < a->k;
}

void agreement_tell(const agreement *a, medley_report *report)
{
    const double items = a->items > 0 ? (double)a->items : 1;
    report_facts(report, "agreement", "Agreement");
    report_string(report, "attribute", a->attribute);
    report_int(report, "items", a->items);
    report_int(report, "values", a->values.dimensions);
    report_int(report, "k", a->k);
    report_real(report, "precision", a->precision / items);
    report_real(report, "by_chance", a->chance / items);
    if (a->short_lists > 0)
        report_int(report, "short_lists", a->short_lists);
}
