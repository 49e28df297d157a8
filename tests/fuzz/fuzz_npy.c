/* Any file is opened or refused; all the data it says it has is there. */
#include "fuzz.h"

#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file f = fuzz_file_create(data, size);
    medley_error err = {MEDLEY_OK, ""};
    npy n;
    fuzz_check_status(npy_open(f.path, &n, &err), MEDLEY_E_FORMAT, &err);
    if (n.data != NULL) {
        fuzz_read(n.data, npy_bytes(&n));
        FUZZ_CHECK((uintptr_t)n.data % 64 == 0);
    }
    npy_release(&n);
    fuzz_file_end(&f);
    return 0;
}
