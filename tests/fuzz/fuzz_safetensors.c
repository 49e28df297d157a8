/* Any file is opened or refused; all the data its tensors say they have is there. */
#include "fuzz.h"

#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a", "b", "c", "", "__metadata__"};
    medley_runtime *rt = fuzz_runtime();
    fuzz_file f = fuzz_file_create(data, size);
    medley_error err = {MEDLEY_OK, ""};
    safetensors *s;
    fuzz_check_status(safetensors_open(rt, f.path, &s, &err), MEDLEY_E_FORMAT, &err);
    for (size_t i = 0; s != NULL && i < sizeof names / sizeof *names; i++) {
        const named_tensor *t = safetensors_find(s, names[i]);
        if (t != NULL)
            fuzz_read(t->data, named_tensor_bytes(t));
        (void)safetensors_metadata(s, names[i]);
    }
    safetensors_close(s);
    fuzz_file_end(&f);
    medley_runtime_free(rt);
    return 0;
}
