"""The published encoders at their real size with random weights: how long they take does not depend on them.

usage: extract_models.py TOKENIZERS FOLDER [NAME...]     writes FOLDER/NAME/model.onnx, of texts with a tokenizer beside it

TOKENIZERS   a folder with bert-base-uncased.vocab.txt, clip.bpe_simple_vocab_16e6.txt.gz, t5.tokenizer.json
"""

import gzip
import os
import shutil
import sys
import warnings

import tokenizers
import torch
import transformers as hf

SIZE = 224


def kaiming(model):
    """Random weights as they are made let the numbers of deep convolutional networks fade away."""
    for part in model.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
    return model


# name: the model, its output
IMAGES = {
    "mobilenet-v1": (lambda: kaiming(hf.MobileNetV1Model(hf.MobileNetV1Config(depth_multiplier=0.25, image_size=128))), "pooler_output"),
    "mobilenet-v2": (lambda: kaiming(hf.MobileNetV2Model(hf.MobileNetV2Config())), "pooler_output"),
    "resnet-50": (lambda: kaiming(hf.ResNetModel(hf.ResNetConfig())), "pooler_output"),
    "convnext-base-224": (lambda: hf.ConvNextModel(hf.ConvNextConfig(hidden_sizes=[128, 256, 512, 1024], depths=[3, 3, 27, 3])),
                          "pooler_output"),
    "dino-vitb16": (lambda: hf.ViTModel(hf.ViTConfig(), add_pooling_layer=False), "last_hidden_state"),
    "dinov2-base": (lambda: hf.Dinov2Model(hf.Dinov2Config(image_size=518, patch_size=14)), "last_hidden_state"),
    "siglip-base-patch16-224": (lambda: hf.SiglipVisionModel(hf.SiglipVisionConfig()), "pooler_output"),
    "clip-vit-base-patch32-image": (lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig()), "image_embeds"),
    "clip-vit-base-patch16-image": (lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(patch_size=16)), "image_embeds"),
}
TEXTS = {
    "clip-vit-base-patch32-text": (lambda: hf.CLIPTextModelWithProjection(hf.CLIPTextConfig()), "text_embeds"),
    "all-minilm-l6-v2": (lambda: hf.BertModel(hf.BertConfig(hidden_size=384, num_hidden_layers=6, intermediate_size=1536)),
                         "last_hidden_state"),
    "all-mpnet-base-v2": (lambda: hf.MPNetModel(hf.MPNetConfig(vocab_size=30527, max_position_embeddings=514)),
                          "last_hidden_state"),
    "bert-base-uncased": (lambda: hf.BertModel(hf.BertConfig()), "last_hidden_state"),
    "t5-base": (lambda: hf.T5EncoderModel(hf.T5Config(vocab_size=32128, d_model=768, d_ff=3072, num_layers=12, num_heads=12)),
                "last_hidden_state"),
}


def build(name):
    torch.manual_seed(7)
    return (IMAGES.get(name) or TEXTS[name])[0]().eval()


def clip_tokenizer(path):
    """Ids are numbered otherwise than CLIP's: as many, and as long to find."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        merges = [tuple(line.split()) for line in lines.read().split("\n")[1:49152 - 256 - 2 + 1]]
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    words = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(pair) for pair in merges]
    return hf.CLIPTokenizerFast(vocab={word: i for i, word in enumerate(words + ["<|startoftext|>", "<|endoftext|>"])}, merges=merges)


def tokenizer(name, folder):
    """Of transformers, for what write_tokenizer wrote."""
    if name.startswith("clip"):
        return clip_tokenizer(os.path.join(folder, "bpe_simple_vocab_16e6.txt.gz"))
    pad = {"t5-base": "<pad>", "all-mpnet-base-v2": "<pad>"}.get(name, "[PAD]")
    return hf.PreTrainedTokenizerFast(tokenizer_file=os.path.join(folder, "tokenizer.json"), pad_token=pad)


def write_tokenizer(name, source, folder):
    if name.startswith("clip"):
        shutil.copy(os.path.join(source, "clip.bpe_simple_vocab_16e6.txt.gz"), os.path.join(folder, "bpe_simple_vocab_16e6.txt.gz"))
    elif name.startswith("t5"):
        shutil.copy(os.path.join(source, "t5.tokenizer.json"), os.path.join(folder, "tokenizer.json"))
        shutil.copy(os.path.join(source, "t5.tokenizer_config.json"), os.path.join(folder, "tokenizer_config.json"))
    else:
        with open(os.path.join(source, "bert-base-uncased.vocab.txt"), encoding="utf-8") as lines:
            words = lines.read().split("\n")[:30522]
        if "mpnet" in name:
            words = list(dict.fromkeys(["<s>", "<pad>", "</s>", "[UNK]", *words, "<mask>"]))
        kind = hf.MPNetTokenizerFast if "mpnet" in name else hf.BertTokenizerFast
        kind(vocab={word: i for i, word in enumerate(words)}, model_max_length=512).save_pretrained(folder)


class Only(torch.nn.Module):
    def __init__(self, model, inputs, output):
        super().__init__()
        self.model, self.inputs, self.output = model, inputs, output

    def forward(self, *values):
        return getattr(self.model(**dict(zip(self.inputs, values)), return_dict=True), self.output)


def export(name, source, folder):
    model, output = build(name), (IMAGES.get(name) or TEXTS[name])[1]
    os.makedirs(folder, exist_ok=True)
    if name in IMAGES:
        side = 128 if name == "mobilenet-v1" else SIZE
        inputs, examples, axes = ["pixel_values"], (torch.randn(2, 3, side, side),), {"pixel_values": {0: "batch"}}
    else:
        write_tokenizer(name, source, folder)
        inputs = ["input_ids", "attention_mask"] + ["token_type_ids"] * isinstance(model, hf.BertModel)
        ids = torch.ones((2, 9), dtype=torch.int64)
        examples = (ids, *[torch.ones_like(ids) for _ in inputs[1:]])
        axes = {name: {0: "batch", 1: "tokens"} for name in inputs}
    axes[output] = {0: "batch", 1: "tokens"} if output == "last_hidden_state" and name in TEXTS else {0: "batch"}
    torch.onnx.export(Only(model, inputs, output).eval(), examples, os.path.join(folder, "model.onnx"), input_names=inputs,
                      output_names=[output], dynamic_axes=axes, opset_version=17, dynamo=False)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    warnings.filterwarnings("ignore")
    hf.logging.set_verbosity_error()
    with torch.no_grad():
        for one in sys.argv[3:] or [*IMAGES, *TEXTS]:
            export(one, sys.argv[1], os.path.join(sys.argv[2], one))
