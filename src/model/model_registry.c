#include "model/model.h"

#define MEDLEY_MODEL(name) extern const model_class model_##name;
#include "model/models.def"
#undef MEDLEY_MODEL

#define MEDLEY_MODEL(name) &model_##name,
const model_class *const model_classes[] = {
#include "model/models.def"
    NULL,
};
