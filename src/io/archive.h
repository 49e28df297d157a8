/* Unpacking what data sets are published in: zip and tar, the latter plain or compressed. */
#ifndef IO_ARCHIVE_H
#define IO_ARCHIVE_H

#include "base/base.h"

/* Unpacks the files of an archive below `folder`, which must exist. `strip` is the archive's own top folder,
 * whose content comes directly into `folder`; "": none. `most` is how many bytes all files together may take.
 *
 * Refuses (E_FORMAT, with the entry's name) what is no archive, damaged, encrypted or longer than `most`,
 * names that leave the folder (absolute, with ".."), and entries that are neither file nor folder: links, devices.
 * Fails also with E_IO, E_NOMEM, E_STOPPED. On failure `folder` holds what came before. */
MEDLEY_MUST_USE medley_status unpack_archive(const medley_runtime *rt, const char *path, const char *folder,
                                             const char *strip, int64_t most, medley_error *err);

#endif
