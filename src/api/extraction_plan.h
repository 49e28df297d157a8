/* Ducho's configuration of an extraction, read strictly: which encoders run over which pictures and texts.
 *
 *   dataset_path: ./data/office                  visual, textual, visual_textual, in any number
 *   visual:
 *     items:
 *       input_path: images                       a folder; of texts a TSV with item_column and text_column
 *       output_path: visual_embeddings           vectors go to <output_path>/<backend>/<model>/<layer>/<id>.npy
 *       model: [{model_name: ResNet50, output_layers: avgpool, backend: torch, batch_size: 32}]
 *
 * A model is one of the encoders, by name or by the hub's, or an ONNX export that is found for it; besides Ducho's keys it
 * takes model_path and the encoder's own settings. */
#ifndef API_EXTRACTION_PLAN_H
#define API_EXTRACTION_PLAN_H

#include "encode/encoder.h"
#include "io/yaml.h"

/* One encoder, over one input. */
typedef struct planned_extraction {
    modality modality;
    int line; /* of the model */
    const char *model, *layer;
    bool both;                             /* one of two modalities, each with settings of its own */
    bool whole_name;                       /* of the model, in folders */
    const char *input;                     /* a folder of pictures, or a TSV */
    const char *item_column, *text_column; /* "": the first and the last */
    const char *cache, *output;            /* folders; `output` is of the vectors */
    const char *feature;                   /* a plain name for a store's matrix */
    const encoder_class *class;
    void *params;
} planned_extraction;

/* What the plan says without effect. */
typedef struct plan_note {
    int line;
    const char *key, *note;
} plan_note;

typedef struct extraction_plan {
    const medley_runtime *rt;
    yaml_document *document;
    arena memory;
    planned_extraction *extractions;
    int64_t count, capacity;
    plan_note *notes;
    int64_t note_count, note_capacity;
} extraction_plan;

/* models: a folder with exports of models, by their names; "": none. Nothing but the plan is read, but folders of models are
 * looked for. Fails with E_NOT_FOUND, E_FORMAT, E_CONFIG, E_NOMEM. Release it also after a failure. */
MEDLEY_MUST_USE medley_status extraction_plan_read(const medley_runtime *rt, const char *path, const char *models,
                                                   extraction_plan *out, medley_error *err);
void extraction_plan_release(extraction_plan *p);

#endif
