#include "api/encoding.h"

#include "io/npy.h"
#include "io/save.h"

medley_status encoding_cache_check(int strategy, bool precompute, medley_error *err)
{
    return precompute && strategy == CACHE_DISABLED
               ? fail(err, MEDLEY_E_CONFIG, "precompute: needs a cache; accepted: cache hybrid, memory or disk")
               : MEDLEY_OK;
}

medley_status encoding_open(encoding *e, const void *params, medley_error *err)
{
    return e->class->open(e->rt, params, &e->encoder, err);
}

medley_status encoding_run(encoding *e, const char *log, const encoding_cache *cache, medley_error *err)
{
    TRY(sample_cache_open(e->rt, (cache_strategy)cache->strategy, cache->folder, e->class->preparation(e->encoder),
                          cache->memory << 20, cache->disk << 20, &e->cache, err));
    e->source.prepare_first = cache->precompute;
    TRY(extraction_run(e->rt, e->class, e->encoder, &e->source, log, e->cache, &e->done, err));
    const char *const what = e->class->modality == MODALITY_IMAGE ? "picture" : "text";
    if (e->done.without + e->done.refused == e->done.items)
        return fail(err, MEDLEY_E_FORMAT, "%s: no item has a %s that can be encoded", e->class->name, what);
    return e->done.length > 0
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_FORMAT, "%s: the items' %ss have nothing that vectors could be made of",
                      e->class->name, what);
}

void encoding_release(encoding *e)
{
    extraction_release(&e->done);
    sample_cache_close(e->cache);
    if (e->encoder != NULL)
        e->class->close(e->encoder);
    *e = (encoding){0};
}

/* ---- files ---- */

static const char *const outcome_names[] = {"encoded", "without", "refused"};

medley_status encoding_write_items(const encoding *e, const char *path, medley_error *err)
{
    const extraction *const x = &e->done;
    text rows = {.rt = e->rt};
    text_add(&rows, "item\toutcome\tcontent\treason\n");
    for (int64_t i = 0; i < x->items; i++) {
        text_add_plain(&rows, e->ids[i]);
        text_format(&rows, "\t%s\t%s\t", outcome_names[x->outcome[i]], x->print[i]);
        text_add_plain(&rows, x->reason[i] != NULL ? x->reason[i] : "");
        text_add(&rows, "\n");
    }
    medley_status status = text_status(&rows, err);
    if (status == MEDLEY_OK)
        status = save_bytes(e->rt, path, rows.bytes, (size_t)rows.length, err);
    text_release(&rows);
    return status;
}

enum { ID_LONGEST = 250 };

/* What could lead out of the folder is refused. */
static bool id_is_name(const char *id)
{
    return id[0] != '\0' && strchr(id, '/') == NULL && strcmp(id, ".") != 0 && strcmp(id, "..") != 0 &&
           strlen(id) <= ID_LONGEST;
}

medley_status encoding_check_ids(const encoding *e, medley_error *err)
{
    for (int64_t i = 0; i < e->source.items; i++)
        if (!id_is_name(e->ids[i]))
            return fail(err, MEDLEY_E_ARGUMENT, "the id '%.60s' cannot name a file", e->ids[i]);
    return MEDLEY_OK;
}

static medley_status write_npy(const encoding *e, const char *folder, int64_t item, text *bytes, float *row,
                               medley_error *err)
{
    char name[ID_LONGEST + 8], header[NPY_HEADER_MOST];
    snprintf(name, sizeof name, "%s.npy", e->ids[item]);
    TRY(extraction_row(&e->done, item, row, err));
    bytes->length = 0;
    text_append(bytes, header, npy_header(header, NPY_F32, 1, e->done.length));
    text_append(bytes, (const char *)row, (size_t)e->done.length * sizeof *row);
    TRY(text_status(bytes, err));
    return save_in(e->rt, folder, name, bytes->bytes, (size_t)bytes->length, err);
}

medley_status encoding_write_npys(const encoding *e, const char *folder, medley_error *err)
{
    text bytes = {.rt = e->rt};
    float *row;
    medley_status status = MEDLEY_OK;
    TRY(mem_alloc(e->rt, e->done.length, sizeof *row, &row, err));
    TRY_DONE(file_make_folder(e->rt, folder, err));
    for (int64_t i = 0; i < e->done.items; i++)
        if (e->done.outcome[i] == ITEM_ENCODED)
            TRY_DONE(write_npy(e, folder, i, &bytes, row, err));
done:
    text_release(&bytes);
    mem_free(row);
    return status;
}

/* ---- what is told ---- */

json *encoding_describe(const encoding *e)
{
    json *about = json_new_object();
    json_set_text(about, "source", e->class->modality == MODALITY_IMAGE ? "pictures" : "texts");
    json_set_text(about, "source_format", "encoder");
    json_set_text(about, "encoder", e->class->name);
    json_set_text(about, "identity", e->class->identity(e->encoder));
    json_set_int(about, "vectors", e->done.distinct);
    json_set_int(about, "without", e->done.without);
    json_set_int(about, "refused", e->done.refused);
    return about;
}

double encoding_coverage(const encoding *e)
{
    const extraction *const x = &e->done;
    return x->items > 0 ? (double)(x->items - x->without - x->refused) / (double)x->items : 0;
}

double encoding_rate(const encoding *e)
{
    return e->done.seconds > 0 ? (double)e->done.encoded / e->done.seconds : 0;
}

void encoding_tell(const encoding *e, medley_report *report)
{
    const extraction *const x = &e->done;
    report_string(report, "encoder", e->class->name);
    report_int(report, "items", x->items);
    report_int(report, "length", x->length);
    report_int(report, "distinct", x->distinct);
    report_int(report, "encoded_before", x->found);
    report_int(report, "encoded_now", x->encoded);
    report_int(report, "without", x->without);
    report_int(report, "refused", x->refused);
    report_real(report, "coverage", encoding_coverage(e));
    report_real(report, "seconds", x->seconds);
    report_real(report, "a_second", encoding_rate(e));
}

void encoding_tell_refused(const encoding *e, medley_report *report)
{
    const extraction *const x = &e->done;
    enum { TOLD = 10 };
    if (x->refused == 0)
        return;
    report_table(report, "refused_items", "Refused", "item|reason");
    for (int64_t i = 0, told = 0; i < x->items && told < TOLD; i++)
        if (x->outcome[i] == ITEM_REFUSED) {
            report_string(report, NULL, e->ids[i]);
            report_string(report, NULL, x->reason[i]);
            told++;
        }
}
