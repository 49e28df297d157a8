/* Data sets that `medley fetch` knows: where their publishers keep them, and how to tell that they came whole. */
#ifndef DATA_PUBLIC_SET_H
#define DATA_PUBLIC_SET_H

#include "base/base.h"

typedef struct public_file {
    const char *url;
    const char *checksum; /* as the publisher states it: "md5:..."; NULL: states none */
} public_file;

enum { PUBLIC_FILES_MOST = 2 };

typedef struct public_set {
    const char *name, *summary;
    const char *details;                  /* where its terms are, and how to read it */
    public_file files[PUBLIC_FILES_MOST]; /* up to one without a URL */
    const char *folder;                   /* the archive's own top folder; "": none */
    int64_t most;                         /* bytes: more in one file, or unpacked from one, is not what we know */
} public_set;

extern const public_set public_sets[]; /* ends with one without a name */

int64_t public_set_files(const public_set *set);

#endif
