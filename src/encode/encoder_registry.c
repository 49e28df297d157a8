#include "encode/encoder.h"

#define MEDLEY_ENCODER(file, name) extern const encoder_class encoder_##name;
#include "encode/encoders.def"
#undef MEDLEY_ENCODER

const encoder_class *const encoder_classes[] = {
#define MEDLEY_ENCODER(file, name) &encoder_##name,
#include "encode/encoders.def"
#undef MEDLEY_ENCODER
    NULL,
};
