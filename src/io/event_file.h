/* TensorBoard's event files: scalars over steps, written whole.
 *
 * A file is records of TFRecord's framing (length, its masked CRC-32C, bytes, their masked CRC-32C), each an Event of
 * tensorflow/core/util/event.proto; the first says "brain.Event:2". A name must hold "tfevents". */
#ifndef IO_EVENT_FILE_H
#define IO_EVENT_FILE_H

#include "base/base.h"

/* Castagnoli's CRC (RFC 3720, B.4), and as TFRecord stores it: rotated and shifted, so that a CRC of data that hold one
 * is still good. */
uint32_t crc32c(const void *bytes, size_t length);
uint32_t crc32c_masked(const void *bytes, size_t length);

/* Appends the first record of a file; wall_time in seconds since 1970. */
void event_file_begin(text *out, double wall_time);
/* Appends one scalar: what `tag` was at `step`. */
void event_file_scalar(text *out, double wall_time, int64_t step, const char *tag, float value);

#endif
