/* Any bytes are a picture, all of whose pixels are there and can be prepared, or refused. */
#include "fuzz.h"

#include "encode/image_preparation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const image_limits limits = {.pixels_most = 1 << 18, .bytes_most = 1 << 20};
    static const image_preparation p = {.resize = true,
                                        .crop = true,
                                        .rescale = true,
                                        .normalize = true,
                                        .shortest_edge = 9,
                                        .crop_height = 8,
                                        .crop_width = 12,
                                        .filter = RESAMPLE_BICUBIC,
                                        .rescale_factor = 1.0 / 255,
                                        .deviation = {1, 1, 1},
                                        .height = 8,
                                        .width = 12};
    medley_runtime *rt = fuzz_runtime();
    medley_error err = {MEDLEY_OK, ""};
    float out[3 * 8 * 12];
    image m;
    const medley_status status = image_decode(rt, data, size, size % 2 == 0 ? 18 : 0, &limits, &m, &err);
    fuzz_check_status(status, status == MEDLEY_E_LIMIT ? MEDLEY_E_LIMIT : MEDLEY_E_FORMAT, &err);
    if (status == MEDLEY_OK) {
        FUZZ_CHECK(m.width > 0 && m.height > 0 && m.width <= m.original_width && m.height <= m.original_height);
        fuzz_read(m.pixels, 3 * m.width * m.height);
        FUZZ_CHECK(image_prepare(rt, &p, &m, out, &err) == MEDLEY_OK);
        for (int i = 0; i < 3 * 8 * 12; i++)
            FUZZ_CHECK(out[i] >= 0 && out[i] <= 1);
    }
    image_release(&m);
    medley_runtime_free(rt);
    return 0;
}
