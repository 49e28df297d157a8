/* Pretrained encoders, each a row: a published model is its table of defaults.
 *
 * What is computed is the model's own affair, and what goes in is said by the files beside it. A row says what of the output
 * is the vector, whether it is made of length 1, and what the model's authors say of pictures and texts where no file does:
 * the longest text, and how pixels are prepared. */
#include "encode/pretrained.h"

#define MODEL_HELP                                                                                       \
    "folder of an ONNX export, an .onnx file with its tokenizer or preprocessor_config.json beside it, " \
    "or a model of the Hugging Face cache"
#define OUTPUT_HELP "the vector: pooled, cls, mean, or of an output NAME, NAME:cls, NAME:mean"

#define SHARED_PARAMS(model_, flags_, output_, normalize_)                                                    \
    MEDLEY_TEXT(pretrained_params, model, model_, .flags = MEDLEY_PARAM_PATH | (flags_), .help = MODEL_HELP), \
        MEDLEY_TEXT(pretrained_params, output, output_, .help = OUTPUT_HELP),                                 \
        MEDLEY_BOOL(pretrained_params, normalize, normalize_, .help = "scale each vector to length 1")

#define IMAGE_ENCODER(name_, shown, title_, paper_, summary_, model_, flags_, output_, normalize_, preparation_) \
    static const medley_param name_##_params[] = {                                                               \
        SHARED_PARAMS(model_, flags_, output_, normalize_),                                                      \
        MEDLEY_ENUM(pretrained_params, preparation, preparation_, IMAGE_PREPARATIONS,                            \
                    .help = "how pixels are prepared where the folder has no preprocessor_config.json"),         \
        MEDLEY_INT(pretrained_params, batch, "4", 1, 4096, .flags = MEDLEY_PARAM_TRANSIENT,                      \
                   .help = "pictures that are encoded at once"),                                                 \
        MEDLEY_PARAMS_END,                                                                                       \
    };                                                                                                           \
    const encoder_class encoder_##name_ = {                                                                      \
        .name = shown,                                                                                           \
        .title = title_,                                                                                         \
        .summary = summary_,                                                                                     \
        .modality = MODALITY_IMAGE,                                                                              \
        .paper = paper_,                                                                                         \
        .params = name_##_params,                                                                                \
        .params_size = sizeof(pretrained_params),                                                                \
        .open = pretrained_open_images,                                                                          \
        .prepare = pretrained_prepare_image,                                                                     \
        SHARED_MEMBERS,                                                                                          \
    }

#define TEXT_ENCODER(name_, shown, title_, paper_, summary_, model_, flags_, output_, normalize_, max_tokens_) \
    static const medley_param name_##_params[] = {                                                             \
        SHARED_PARAMS(model_, flags_, output_, normalize_),                                                    \
        MEDLEY_INT(pretrained_params, max_tokens, max_tokens_, 0, 65536,                                       \
                   .help = "longest text, the rest is cut off; 0: as the tokenizer's files say"),              \
        MEDLEY_INT(pretrained_params, batch, "512", 1, 1 << 20, .flags = MEDLEY_PARAM_TRANSIENT,               \
                   .help = "tokens that are encoded at once, padding included"),                               \
        MEDLEY_PARAMS_END,                                                                                     \
    };                                                                                                         \
    const encoder_class encoder_##name_ = {                                                                    \
        .name = shown,                                                                                         \
        .title = title_,                                                                                       \
        .summary = summary_,                                                                                   \
        .modality = MODALITY_TEXT,                                                                             \
        .paper = paper_,                                                                                       \
        .params = name_##_params,                                                                              \
        .params_size = sizeof(pretrained_params),                                                              \
        .open = pretrained_open_texts,                                                                         \
        .prepare = pretrained_prepare_text,                                                                    \
        SHARED_MEMBERS,                                                                                        \
    }

#define SHARED_MEMBERS                                                                                 \
    .close = pretrained_close, .identity = pretrained_identity, .preparation = pretrained_preparation, \
    .length = pretrained_length, .batch_size = pretrained_batch_size, .encode = pretrained_encode

#define CLIP_PAPER \
    "Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021"
#define SBERT_PAPER "Reimers and Gurevych, Sentence-BERT, EMNLP 2019"

IMAGE_ENCODER(mobilenet_v2, "mobilenet-v2", "MobileNetV2 1.0, 224 pixels",
              "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
              "pictures by a small convolutional network, ImageNet classes; 1280 numbers",
              "google/mobilenet_v2_1.0_224", 0, "pooled", "false", "mobilenet");
IMAGE_ENCODER(resnet_50, "resnet-50", "ResNet-50",
              "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
              "pictures by a convolutional network, ImageNet classes; 2048 numbers", "microsoft/resnet-50", 0,
              "pooled", "false", "imagenet");
IMAGE_ENCODER(convnext_base_224, "convnext-base-224", "ConvNeXt base",
              "Liu et al., A ConvNet for the 2020s, CVPR 2022",
              "pictures by a modern convolutional network, ImageNet classes; 1024 numbers",
              "facebook/convnext-base-224", 0, "pooled", "false", "imagenet");
IMAGE_ENCODER(dino_vitb16, "dino-vitb16", "DINO ViT-B/16",
              "Caron et al., Emerging Properties in Self-Supervised Vision Transformers, ICCV 2021",
              "pictures by a transformer that learnt from pictures alone; 768 numbers", "facebook/dino-vitb16", 0,
              "cls", "false", "dino");
IMAGE_ENCODER(dinov2_base, "dinov2-base", "DINOv2 ViT-B/14",
              "Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, TMLR 2024",
              "pictures by a transformer that learnt from many pictures alone; 768 numbers",
              "facebook/dinov2-base", 0, "cls", "false", "imagenet");
IMAGE_ENCODER(siglip_base_patch16_224, "siglip-base-patch16-224", "SigLIP ViT-B/16, image tower",
              "Zhai et al., Sigmoid Loss for Language Image Pre-Training, ICCV 2023",
              "pictures by a transformer that learnt from captions; 768 numbers", "google/siglip-base-patch16-224",
              0, "pooled", "true", "siglip");
IMAGE_ENCODER(clip_vit_base_patch32_image, "clip-vit-base-patch32-image", "CLIP ViT-B/32, image tower", CLIP_PAPER,
              "pictures, in one space with the text tower's texts; 512 numbers", "openai/clip-vit-base-patch32", 0,
              "pooled", "true", "clip");
IMAGE_ENCODER(clip_vit_base_patch16_image, "clip-vit-base-patch16-image", "CLIP ViT-B/16, image tower", CLIP_PAPER,
              "pictures, in one space with the text tower's texts; 512 numbers", "openai/clip-vit-base-patch16", 0,
              "pooled", "true", "clip");
TEXT_ENCODER(clip_vit_base_patch32_text, "clip-vit-base-patch32-text", "CLIP ViT-B/32, text tower", CLIP_PAPER,
             "texts, in one space with the image tower's pictures; 512 numbers", "openai/clip-vit-base-patch32", 0,
             "pooled", "true", "77");
TEXT_ENCODER(clip_vit_base_patch16_text, "clip-vit-base-patch16-text", "CLIP ViT-B/16, text tower", CLIP_PAPER,
             "texts, in one space with the image tower's pictures; 512 numbers", "openai/clip-vit-base-patch16", 0,
             "pooled", "true", "77");
TEXT_ENCODER(all_minilm_l6_v2, "all-minilm-l6-v2", "Sentence-BERT MiniLM, 6 layers", SBERT_PAPER,
             "texts by a small transformer, alike where meanings are; 384 numbers",
             "sentence-transformers/all-MiniLM-L6-v2", 0, "mean", "true", "256");
TEXT_ENCODER(all_mpnet_base_v2, "all-mpnet-base-v2", "Sentence-BERT MPNet", SBERT_PAPER,
             "texts by a transformer, alike where meanings are; 768 numbers",
             "sentence-transformers/all-mpnet-base-v2", 0, "mean", "true", "384");
TEXT_ENCODER(bert_base_uncased, "bert-base-uncased", "BERT base, lower case",
             "Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, NAACL 2019",
             "texts by a transformer that learnt to fill gaps; 768 numbers", "google-bert/bert-base-uncased", 0,
             "mean", "false", "512");
TEXT_ENCODER(roberta_base, "roberta-base", "RoBERTa base",
             "Liu et al., RoBERTa: A Robustly Optimized BERT Pretraining Approach, arXiv:1907.11692, 2019",
             "texts by a transformer that learnt to fill gaps; 768 numbers", "FacebookAI/roberta-base", 0, "mean",
             "false", "512");
TEXT_ENCODER(
    t5_base, "t5-base", "T5 base, encoder",
    "Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, JMLR 2020",
    "texts by the reading half of a transformer that rewrites them; 768 numbers", "google-t5/t5-base", 0, "mean",
    "false", "512");
IMAGE_ENCODER(onnx_image, "onnx-image", "any image encoder as ONNX", "",
              "pictures by a model of your own, exported to ONNX", NULL, MEDLEY_PARAM_REQUIRED, "pooled", "false",
              "imagenet");
TEXT_ENCODER(onnx_text, "onnx-text", "any text encoder as ONNX", "",
             "texts by a model of your own, exported to ONNX", NULL, MEDLEY_PARAM_REQUIRED, "mean", "false", "0");
