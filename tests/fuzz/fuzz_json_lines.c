/* Any bytes are lines whose wanted members the slow twin (jansson) finds, too, or lines that are refused. */
#include "fuzz.h"

#include "../json_lines_twin.h"

static const json_lines_key keys[] = {
    {"user", JSON_LINES_TEXT | JSON_LINES_NUMBER}, {"item", JSON_LINES_TEXT}, {"rating", JSON_LINES_NUMBER}};
enum { KEYS = sizeof keys / sizeof *keys };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    json_lines_table t = {.fault_count = 0};
    record_block block = {.length = size + 1};
    FUZZ_CHECK(mem_alloc_zero(rt, (int64_t)size + 1 + RECORDS_PADDING, 1, &block.bytes, NULL) == MEDLEY_OK);
    if (size > 0)
        memcpy(block.bytes, data, size);
    block.bytes[size] = '\n';
    FUZZ_CHECK(json_lines_parse(rt, &block, keys, KEYS, &t, NULL) == MEDLEY_OK);
    const char *line = (const char *)data, *const end = line + size;
    int64_t faults = 0;
    for (int64_t row = 0; row < t.fields.row_count; row++) {
        const int64_t first = row > 0 ? t.fields.row_end[row - 1] : 0, count = t.fields.row_end[row] - first;
        const char *stop = size > 0 && line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;
        const size_t length = stop != NULL ? (size_t)(stop - line) : (size_t)(end - line);
        FUZZ_CHECK(count == KEYS || count == 1 || count == 0);
        for (int64_t f = first; f < first + count; f++)
            FUZZ_CHECK(t.fields.fields[f].start <= t.fields.fields[f].end &&
                       t.fields.fields[f].end <= block.length);
        if (count != 1)
            FUZZ_CHECK(
                twin_check(line, length, keys, KEYS, block.bytes, count == KEYS ? &t.fields.fields[first] : NULL));
        if (count == 0)
            FUZZ_CHECK(t.faults[faults].row == row && t.faults[faults++].column <= length + 1);
        line += length + (stop != NULL);
    }
    FUZZ_CHECK(faults == t.fault_count);
    json_lines_release(&t);
    mem_free(block.bytes);
    medley_runtime_free(rt);
    return 0;
}
