#!/usr/bin/env python3
"""Pillow and NumPy for bench_image: pictures of a folder to normalised planes, on one thread.

    peer_image.py FOLDER [pictures] [runs] [edge]
    peer_image.py make FOLDER [pictures]        writes photographs of 1500x1000 pixels, the same every time

Prints name and milliseconds a picture, the median of the runs. `draft` is Pillow's way to shrink while it reads.
"""
import io
import pathlib
import statistics
import sys
import time

import numpy as np
from PIL import Image

MEAN = np.array([0.48, 0.45, 0.40], np.float32)
DEVIATION = np.array([0.27, 0.26, 0.28], np.float32)


def decode(data, edge, draft=False):
    picture = Image.open(io.BytesIO(data))
    if draft:
        picture.draft("RGB", (2 * edge, 2 * edge))
    return picture.convert("RGB")


def prepare(picture, edge):
    width, height = picture.size
    shorter = min(width, height)
    picture = picture.resize((edge * width // shorter, edge * height // shorter), Image.Resampling.BICUBIC)
    left, top = (picture.width - edge) // 2, (picture.height - edge) // 2
    pixels = np.asarray(picture.crop((left, top, left + edge, top + edge)), dtype=np.float32)
    pixels *= np.float32(1 / 255)
    pixels -= MEAN
    pixels /= DEVIATION
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def measure(name, files, runs, work):
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        for data in files:
            work(data)
        seconds.append((time.perf_counter() - start) / len(files))
    print(f"pillow {name}\t{1e3 * statistics.median(seconds):.3f}")


def make(folder, count):
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(1)
    for i in range(count):
        coarse = Image.fromarray(draw.integers(0, 256, (20, 30, 3), np.uint8))
        fine = draw.normal(0, 5, (1000, 1500, 3))
        pixels = np.asarray(coarse.resize((1500, 1000), Image.Resampling.BICUBIC)) + fine
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.jpg", quality=85)


def main():
    def argument(at, preset):
        return int(sys.argv[at]) if len(sys.argv) > at else preset
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]), argument(3, 20))
        return
    edge, runs = argument(4, 224), argument(3, 5)
    files = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).iterdir())[:argument(2, 300)]]
    measure("decode", files, runs, lambda data: decode(data, edge))
    measure("decode and prepare", files, runs, lambda data: prepare(decode(data, edge), edge))
    measure("the same, shrunk while read", files, runs, lambda data: prepare(decode(data, edge, True), edge))


if __name__ == "__main__":
    main()
