#include "autograd/graph.h"

#define MEDLEY_OP(file, name) extern const op_class op_##name;
#include "autograd/ops.def"
#undef MEDLEY_OP
#define MEDLEY_OP(file, name) &op_##name,

const op_class *const op_classes[] = {
#include "autograd/ops.def"
    NULL,
};
