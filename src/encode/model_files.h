/* Where the files of a pretrained model are: an export folder as `optimum-cli export onnx` writes it or the Hugging Face
 * hub keeps it (model.onnx, or onnx/model.onnx; tokenizer.json; preprocessor_config.json), or one .onnx file. */
#ifndef ENCODE_MODEL_FILES_H
#define ENCODE_MODEL_FILES_H

#include "encode/encoder.h"

typedef struct model_files {
    char *model;  /* the .onnx */
    char *folder; /* of what goes with it */
} model_files;

/* `name`: a folder, a file, or what the hub calls it ("openai/clip-vit-base-patch32"), which is looked for in the cache of
 * its clients ($HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub), with those who publish exports of others' models. Of
 * a model with two towers, the one named. Fails with E_NOT_FOUND, E_CONFIG, E_NOMEM. Release it also after a failure. */
MEDLEY_MUST_USE medley_status model_files_find(const medley_runtime *rt, const char *name, modality tower,
                                               model_files *out, medley_error *err);
void model_files_release(model_files *files);

/* folder/name if it is there, else NULL. */
MEDLEY_MUST_USE medley_status model_files_beside(const medley_runtime *rt, const model_files *files,
                                                 const char *name, char **path, medley_error *err);

#endif
