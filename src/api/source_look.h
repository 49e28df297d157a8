/* A first look at what something was made from: names, sizes and times of change, which cost little. Where they are the same,
 * so is what was made; where they differ, making it again finds out what really has changed. */
#ifndef API_SOURCE_LOOK_H
#define API_SOURCE_LOOK_H

#include "data/store.h"
#include "encode/encoder.h"
#include "io/fingerprint.h"

/* A file, or a folder's files; that nothing is there is a look too. */
MEDLEY_MUST_USE medley_status source_look_path(const medley_runtime *rt, const char *path, fingerprint *print,
                                               medley_error *err);
/* What an encoder of that kind reads of the items: all of their texts, or the files of their pictures. images: as the
 * setting of extract. */
MEDLEY_MUST_USE medley_status source_look_items(const medley_store *store, modality kind, const char *images,
                                                fingerprint *print, medley_error *err);

#endif
