#include "tensor/shape.h"

const char *shape_format(shape s, char out[SHAPE_TEXT])
{
    int length = snprintf(out, SHAPE_TEXT, "[");
    for (int i = 0; i < s.rank; i++)
        length += snprintf(out + length, (size_t)(SHAPE_TEXT - length), "%s%lld", i > 0 ? "," : "",
                           (long long)s.size[i]);
    snprintf(out + length, (size_t)(SHAPE_TEXT - length), "]");
    return out;
}

/* The size of the axis that is `back` from the last one; 1 before the first. */
static int64_t size_from_end(shape s, int back)
{
    return back < s.rank ? s.size[s.rank - 1 - back] : 1;
}

bool shape_broadcast(shape a, shape b, shape *out)
{
    *out = (shape){.rank = a.rank > b.rank ? a.rank : b.rank};
    bool fits = true;
    for (int back = 0; back < out->rank; back++) {
        const int64_t of_a = size_from_end(a, back), of_b = size_from_end(b, back);
        fits = fits && (of_a == of_b || of_a == 1 || of_b == 1);
        out->size[out->rank - 1 - back] = of_a == 1 ? of_b : of_a;
    }
    return fits;
}
