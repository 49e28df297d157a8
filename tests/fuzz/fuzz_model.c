/* Any file is loaded as a model or refused; all that it scores with is there. */
#include "fuzz.h"

#include "model/model.h"

/* What has `length` numbers, or is absent. */
static void read_floats(const float *values, int64_t length)
{
    if (values != NULL)
        fuzz_read(values, length * (int64_t)sizeof *values);
}

static void read_sparse(const csr *m)
{
    if (m->start == NULL)
        return;
    fuzz_read(m->start, (m->rows + 1) * (int64_t)sizeof *m->start);
    fuzz_read(m->index, csr_count(m) * (int64_t)sizeof *m->index);
    read_floats(m->value, csr_count(m));
    for (int64_t at = 0; at < csr_count(m); at++)
        FUZZ_CHECK(m->index[at] < m->columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    fuzz_file f = fuzz_file_create(data, size);
    medley_error err = {MEDLEY_OK, ""};
    model_file m = {0};
    scoring how = {0};
    fuzz_check_status(model_load(rt, f.path, &m, &err), MEDLEY_E_FORMAT, &err);
    if (m.file != NULL && m.class->scoring(m.params, &m.state, m.users, m.items, &how, NULL) == MEDLEY_OK) {
        FUZZ_CHECK(how.items == m.items);
        read_floats(how.user, m.users * how.factors);
        read_floats(how.item, how.items * how.factors);
        read_floats(how.bias, how.items);
        read_floats(how.dense, how.form == SCORING_LINEAR_DENSE ? how.items * how.items : 0);
        read_sparse(&how.sparse);
    }
    if (m.file != NULL)
        model_file_release(&m);
    fuzz_file_end(&f);
    medley_runtime_free(rt);
    return 0;
}
