/* NumPy's .npy files, version 1.0, little-endian, C order: written whole, mapped to read. */
#ifndef IO_NPY_H
#define IO_NPY_H

#include "io/mapped.h"

#define NPY_MAGIC "\x93NUMPY"

/* TEXT: Unicode texts of one length, NumPy's '<U12'; read only. */
typedef enum npy_type { NPY_U8, NPY_U32, NPY_I32, NPY_I64, NPY_F16, NPY_F32, NPY_F64, NPY_TEXT } npy_type;
size_t npy_type_size(npy_type type); /* TEXT: of one code point */

/* Writes a new file (not atomic: for files of a folder being built), and adds header and data to
 * `print` when it is not NULL. rows × columns; columns 0 means one dimension [rows]. */
struct fingerprint;
MEDLEY_MUST_USE medley_status npy_write(const medley_runtime *rt, const char *path, npy_type type, int64_t rows,
                                        int64_t columns, const void *data, struct fingerprint *print,
                                        medley_error *err);

/* The bytes in front of the data, for those who write the rows piece by piece. Returns their number. */
enum { NPY_HEADER_MOST = 128 };
size_t npy_header(char header[NPY_HEADER_MOST], npy_type type, int64_t rows, int64_t columns);

typedef struct npy {
    mapped file;
    npy_type type;
    int64_t width;         /* TEXT: code points of each value, behind its end zeros; else 1 */
    int64_t rows, columns; /* columns 0: one dimension */
    const void *data;      /* 64-byte aligned in the file */
} npy;
int64_t npy_bytes(const npy *n); /* of the data */

/* Maps a file and checks it: magic, type, order, and that its size is what the header says.
 * Fails with E_FORMAT naming what is wrong and what is accepted. */
MEDLEY_MUST_USE medley_status npy_open(const char *path, npy *out, medley_error *err);
/* As npy_open, and refuses another type or number of rows than asked (rows -1: any; one dimension). */
MEDLEY_MUST_USE medley_status npy_open_as(const char *path, npy_type type, int64_t rows, npy *out,
                                          medley_error *err);
void npy_release(npy *n);

#endif
