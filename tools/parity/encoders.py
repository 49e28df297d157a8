#!/usr/bin/env python3
"""Exports small models of the real classes with random weights, and records what PyTorch makes of a few texts and pictures,
for src/encode/pretrained_test.c.

    encoders.py [FOLDER]      default: tests/encoders

    FOLDER/<model>/{model.onnx, tokenizer.json or preprocessor_config.json, ...}   as transformers and torch.onnx write them
    FOLDER/<model>/expected.tsv     a row an item: the text, or the file of a picture; numbers of its vector
    FOLDER/pictures/*.png

Needs torch, transformers, tokenizers, onnx, Pillow. Every vector is of one item alone: no batch, no padding.
"""
import json
import pathlib
import shutil
import sys
import warnings

sys.path.pop(0)  # this folder has a tokenizers.py of its own

import numpy as np
import onnx
import tokenizers
import torch
import transformers as hf
from PIL import Image
from tokenizers import models, pre_tokenizers, trainers

warnings.filterwarnings("ignore")
hf.logging.set_verbosity_error()

WIDTH, LAYERS, HEADS, SIZE, PATCH = 16, 2, 2, 32, 8
TEXTS = [
    "A gentle comedy of two sisters and a lighthouse.",
    "the quick brown fox jumps over the lazy dog",
    "Space!",
    "",
    "naïve café — 21st century, (almost) 100 % of it; and so on and so on and so on and so on and so on and so on",
    "In a small town by the sea, an old watchmaker finds a letter that was written before he was born, and follows it.",
]
CORPUS = TEXTS * 2 + ["sisters and towns, letters and lights", "a watch that was made in the last century"] * 2
PICTURES = {"wide.png": (60, 40), "tall.png": (33, 77), "square.png": (32, 32), "small.png": (9, 13)}
SHARED = dict(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=2 * WIDTH)


class Only(torch.nn.Module):
    """A model as a function of named inputs with named outputs."""

    def __init__(self, model, inputs, outputs):
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def forward(self, *values):
        said = self.model(**dict(zip(self.inputs, values)), return_dict=True)
        return tuple(getattr(said, name) for name in self.outputs)


def shorten(path):
    """Names of what is inside, and where it was traced, are most of a small file."""
    model = onnx.load(path)
    graph = model.graph
    kept = {v.name: v.name for v in [*graph.input, *graph.output]}
    for at, node in enumerate(graph.node):
        node.name, node.doc_string = "", ""
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = kept.setdefault(name, f"v{len(kept)}") if name else ""
    for tensor in graph.initializer:
        tensor.name = kept.setdefault(tensor.name, f"v{len(kept)}")
    del graph.value_info[:]
    graph.name = "main"
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def export(folder, model, inputs, outputs, examples, axes):
    path = folder / "model.onnx"
    torch.onnx.export(Only(model, inputs, outputs).eval(), tuple(examples), str(path), input_names=inputs,
                      output_names=outputs, dynamic_axes=axes, opset_version=14, dynamo=False)
    shorten(path)


def wake(model):
    """As they are made, models hardly tell one input from another: weights are small, norms and scales do nothing."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layer_scale" in name or "lambda" in name:
                parameter.uniform_(0.5, 1.5)
        for module in model.modules():
            if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d)):
                module.weight.normal_(0, 1.5 / module.weight[0].numel() ** 0.5)
            if isinstance(module, torch.nn.Embedding):
                module.weight.normal_()
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    return model.eval()


def check_differ(folder, rows):
    unit = np.array([vector.numpy() / np.linalg.norm(vector.numpy()) for _, vector in rows])
    alike = (unit @ unit.T)[np.triu_indices(len(rows), 1)]
    assert alike.max() < 0.999, f"{folder.name}: the vectors of two items are all but equal ({alike.max():.4f})"


def write_expected(folder, rows):
    with open(folder / "expected.tsv", "w", encoding="utf-8") as out:
        for name, vector in rows:
            out.write(name + "\t" + " ".join(f"{v:.9g}" for v in vector.tolist()) + "\n")


# ---- texts ----

def wordpiece_vocabulary(special):
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=special, show_progress=False)
    t = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator([text.lower() for text in CORPUS], trainer)
    return t.get_vocab()


def bytes_and_merges(special, suffix=""):
    """Every byte is a token, and some pairs are: as many merges as the training finds."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False, initial_alphabet=alphabet,
                                  end_of_word_suffix=suffix)
    t = tokenizers.Tokenizer(models.BPE(end_of_word_suffix=suffix))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator([text.lower() for text in CORPUS], trainer)
    merges = [tuple(m) for m in json.loads(t.to_str())["model"]["merges"]][:60]
    tokens = special + alphabet + [letter + suffix for letter in alphabet if suffix]
    tokens += [a + b for a, b in merges if a + b not in tokens]
    made = {}
    for token in tokens:
        made.setdefault(token, len(made))
    usable = [(a, b) for a, b in merges if a in made and b in made]
    return made, usable


def bert():
    vocabulary = wordpiece_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    config = hf.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **SHARED)
    return hf.BertTokenizerFast(vocab=vocabulary), hf.BertModel(config), True


def mpnet():
    vocabulary = wordpiece_vocabulary(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"])
    config = hf.MPNetConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **SHARED)
    return hf.MPNetTokenizerFast(vocab=vocabulary), hf.MPNetModel(config), False


def roberta():
    vocabulary, merges = bytes_and_merges(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    config = hf.RobertaConfig(vocab_size=len(vocabulary), max_position_embeddings=64, type_vocab_size=1, **SHARED)
    return hf.RobertaTokenizerFast(vocab=vocabulary, merges=merges), hf.RobertaModel(config), False


def t5():
    letters = sorted({c for text in CORPUS for c in text.replace(" ", "▁")})
    words = sorted({"▁" + word for text in CORPUS for word in text.split()})
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(c, -6.0 - i / 100) for i, c in enumerate(letters) if c != "▁"]
    pieces += [(w, -4.0 - i / 100) for i, w in enumerate(words) if len(w) > 2]
    tokenizer = hf.T5TokenizerFast(vocab=pieces, extra_ids=0)
    config = hf.T5Config(vocab_size=len(pieces), d_model=WIDTH, d_kv=8, d_ff=2 * WIDTH, num_layers=LAYERS, num_heads=HEADS)
    return tokenizer, hf.T5EncoderModel(config), False


def clip_text():
    vocabulary, merges = bytes_and_merges([], "</w>")
    for token in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[token] = len(vocabulary)
    tokenizer = hf.CLIPTokenizerFast(vocab=vocabulary, merges=merges)
    config = hf.CLIPTextConfig(vocab_size=len(vocabulary), max_position_embeddings=64, projection_dim=WIDTH,
                               bos_token_id=len(vocabulary) - 2, eos_token_id=len(vocabulary) - 1,
                               pad_token_id=len(vocabulary) - 1, **SHARED)
    return tokenizer, hf.CLIPTextModelWithProjection(config), False


TEXT_MODELS = {"bert": (bert, "cls", False), "minilm": (bert, "mean", True), "mpnet": (mpnet, "mean", True),
               "roberta": (roberta, "mean", False), "t5": (t5, "mean", False), "clip-text": (clip_text, "text_embeds", True)}
LONGEST = 40


def text_vector(model, tokenizer, text, segments, output, unit):
    ids = tokenizer(text, truncation=True, max_length=LONGEST, return_tensors="pt")
    inputs = {"input_ids": ids["input_ids"], "attention_mask": ids["attention_mask"]}
    if segments:
        inputs["token_type_ids"] = torch.zeros_like(ids["input_ids"])
    said = model(**inputs, return_dict=True)
    states = said.last_hidden_state[0]
    vector = {"cls": states[0], "mean": states.mean(0)}.get(output)
    vector = getattr(said, output)[0] if vector is None else vector
    return vector / vector.norm() if unit else vector


def make_text_model(folder, make, output, unit):
    tokenizer, model, segments = make()
    wake(model)
    folder.mkdir(parents=True)
    tokenizer.save_pretrained(folder)
    inputs = ["input_ids", "attention_mask"] + ["token_type_ids"] * segments
    outputs = ["last_hidden_state"] if output in ("cls", "mean") else [output, "last_hidden_state"]
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]] * 2)
    examples = [ids, torch.ones_like(ids)] + [torch.zeros_like(ids)] * segments
    axes = {name: {0: "batch", 1: "tokens"} for name in inputs + ["last_hidden_state"]}
    axes.update({name: {0: "batch"} for name in outputs if name != "last_hidden_state"})
    export(folder, model, inputs, outputs, examples, axes)
    rows = [(text, text_vector(model, tokenizer, text, segments, output, unit)) for text in TEXTS]
    check_differ(folder, rows)
    write_expected(folder, rows)


# ---- pictures ----

VISION = dict(image_size=SIZE, patch_size=PATCH, **SHARED)
EDGES = dict(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})
LARGER = dict(size={"shortest_edge": SIZE + 4}, crop_size={"height": SIZE, "width": SIZE})
EXACT = dict(size={"height": SIZE, "width": SIZE})
HALF = dict(image_mean=[0.5] * 3, image_std=[0.5] * 3)
IMAGENET = dict(image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])

IMAGE_MODELS = {
    "clip-image": (lambda: hf.CLIPVisionModelWithProjection(hf.CLIPVisionConfig(projection_dim=WIDTH, **VISION)),
                   lambda: hf.CLIPImageProcessorPil(**EDGES), "image_embeds", True),
    "siglip": (lambda: hf.SiglipVisionModel(hf.SiglipVisionConfig(**VISION)),
               lambda: hf.SiglipImageProcessorPil(**EXACT), "pooler_output", True),
    "dino": (lambda: hf.ViTModel(hf.ViTConfig(**VISION), add_pooling_layer=False),
             lambda: hf.ViTImageProcessorPil(**EXACT, **IMAGENET), "cls", False),
    "dinov2": (lambda: hf.Dinov2Model(hf.Dinov2Config(mlp_ratio=2, **VISION)),
               lambda: hf.BitImageProcessorPil(**LARGER, **IMAGENET), "cls", False),
    "resnet": (lambda: hf.ResNetModel(hf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2],
                                                      layer_type="bottleneck")),
               lambda: hf.ConvNextImageProcessorPil(size={"shortest_edge": SIZE}, crop_pct=0.875, **IMAGENET),
               "pooler_output", False),
    "convnext": (lambda: hf.ConvNextModel(hf.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 2, 1])),
                 lambda: hf.ConvNextImageProcessorPil(size={"shortest_edge": SIZE}, crop_pct=0.875, **IMAGENET),
                 "pooler_output", False),
    "mobilenet": (lambda: hf.MobileNetV2Model(hf.MobileNetV2Config(depth_multiplier=0.1, min_depth=8, depth_divisible_by=4,
                                                                  finegrained_output=False)),
                  lambda: hf.MobileNetV2ImageProcessorPil(**LARGER, **HALF), "pooler_output", False),
}


def draw(size, seed):
    """Waves of colour with some grain: what resizing gets wrong shows."""
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    planes = [128 + 90 * np.sin(x / random.uniform(2, 9) + c) * np.cos(y / random.uniform(2, 9)) for c in range(3)]
    return Image.fromarray(np.clip(np.stack(planes, 2) + random.normal(0, 20, (size[1], size[0], 3)), 0, 255).astype(np.uint8))


def image_vector(model, processor, picture, output, unit):
    said = model(processor(picture, return_tensors="pt")["pixel_values"], return_dict=True)
    vector = said.last_hidden_state[0, 0] if output == "cls" else getattr(said, output)[0].flatten()
    return vector / vector.norm() if unit else vector


def make_image_model(folder, pictures, make, prepare, output, unit):
    model, processor = wake(make()), prepare()
    folder.mkdir(parents=True)
    processor.save_pretrained(folder)
    outputs = ["last_hidden_state"] if output == "cls" else [output, "last_hidden_state"]
    axes = {name: {0: "batch"} for name in ["pixel_values", *outputs]}
    export(folder, model, ["pixel_values"], outputs, [torch.randn(2, 3, SIZE, SIZE)], axes)
    rows = [(name, image_vector(model, processor, Image.open(pictures / name).convert("RGB"), output, unit))
            for name in PICTURES]
    check_differ(folder, rows)
    write_expected(folder, rows)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/encoders")
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(7)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for seed, (name, size) in enumerate(PICTURES.items()):
        draw(size, seed).save(pictures / name)
    with torch.no_grad():
        for name, rest in TEXT_MODELS.items():
            make_text_model(folder / name, *rest)
        for name, rest in IMAGE_MODELS.items():
            make_image_model(folder / name, pictures, *rest)


if __name__ == "__main__":
    main()
