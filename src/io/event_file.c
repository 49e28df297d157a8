#include "io/event_file.h"

/* Bit by bit: an event has some fifty bytes. */
uint32_t crc32c(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78U & (0U - (crc & 1)));
    }
    return ~crc;
}

uint32_t crc32c_masked(const void *bytes, size_t length)
{
    const uint32_t crc = crc32c(bytes, length);
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

/* ---- protobuf's wire format ---- */

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
/* Fields of Event, Summary and Summary.Value. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2 };

static void put_little(text *out, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        text_append(out, &(char){(char)(bits >> (8 * i) & 0xff)}, 1);
}

static void put_varint(text *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        put_little(out, number | 0x80, 1);
    put_little(out, number, 1);
}

static void put_key(text *out, int field, int wire)
{
    put_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_double(text *out, int field, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    put_key(out, field, WIRE_64);
    put_little(out, bits, 8);
}

static void put_float(text *out, int field, float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    put_key(out, field, WIRE_32);
    put_little(out, bits, 4);
}

static void put_bytes(text *out, int field, const char *bytes, size_t length)
{
    put_key(out, field, WIRE_BYTES);
    put_varint(out, length);
    text_append(out, bytes, length);
}

static int64_t varint_length(uint64_t number)
{
    int64_t length = 1;
    for (; number >= 0x80; number >>= 7)
        length++;
    return length;
}

enum { HEAD = 12 };

/* Length and its CRC are of sizes known before the record is, so they are filled in behind it. */
static int64_t open_record(text *out)
{
    static const char head[HEAD];
    text_append(out, head, HEAD);
    return out->length;
}

static void close_record(text *out, int64_t start)
{
    if (out->failed)
        return;
    const uint64_t length = (uint64_t)(out->length - start);
    unsigned char head[HEAD];
    for (int i = 0; i < 8; i++)
        head[i] = (unsigned char)(length >> (8 * i));
    const uint32_t crc = crc32c_masked(head, 8);
    for (int i = 0; i < 4; i++)
        head[8 + i] = (unsigned char)(crc >> (8 * i));
    memcpy(out->bytes + start - HEAD, head, sizeof head);
    put_little(out, crc32c_masked(out->bytes + start, (size_t)length), 4);
}

void event_file_begin(text *out, double wall_time)
{
    static const char version[] = "brain.Event:2";
    const int64_t start = open_record(out);
    put_double(out, EVENT_WALL_TIME, wall_time);
    put_bytes(out, EVENT_VERSION, version, sizeof version - 1);
    close_record(out, start);
}

void event_file_scalar(text *out, double wall_time, int64_t step, const char *tag, float value)
{
    const size_t length = strlen(tag);
    const int64_t value_length = 1 + varint_length(length) + (int64_t)length + 1 + 4;
    const int64_t start = open_record(out);
    put_double(out, EVENT_WALL_TIME, wall_time);
    put_key(out, EVENT_STEP, WIRE_VARINT);
    put_varint(out, (uint64_t)step);
    put_key(out, EVENT_SUMMARY, WIRE_BYTES);
    put_varint(out, (uint64_t)(1 + varint_length((uint64_t)value_length) + value_length));
    put_key(out, SUMMARY_VALUE, WIRE_BYTES);
    put_varint(out, (uint64_t)value_length);
    put_bytes(out, VALUE_TAG, tag, length);
    put_float(out, VALUE_SIMPLE, value);
    close_record(out, start);
}
