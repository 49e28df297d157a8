"""Extraction of vectors, from files to disk, beside ONNX Runtime alone and beside PyTorch; all threads on all sides.

usage: peer_extract.py BENCH_EXTRACT DATA ENCODERS WORK THREADS [NAME...]

DATA      encoders/ (MobileNets with their weights), fashion-images/, ml-100k/
ENCODERS  all-minilm-l6-v2/ as tools/parity/real_encoders.py exports it, and any that extract_models.py writes; what is not
          there is left out
NAME      of an encoder; mobilenet-v2 and all-minilm-l6-v2 if there is none

ONNX Runtime alone has samples in order of size in batches of the same size as ours, on tensors that are ready: the better of
a session of all threads and sessions of one thread each. PyTorch runs the same architecture with random weights, which take
as long. Pictures: a DataLoader that reads and prepares with Pillow and NumPy, a .npy an item. Texts: batches in order of
length, mean of the tokens. The MobileNets also one picture at a time, as Ducho does.
Prints "extract 100 by NAME (PEER)  ours  peer  ratio" in seconds, medians of runs in turns (BENCH_RUNS); then items a
second, as a comment. With one thread it is the processor's seconds, in which other work on the machine hardly shows; two
threads of PyTorch that wait for each other beside such work take many times as long, so with more it must be quiet.
"""

import csv
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers as hf  # noqa: E402
from PIL import Image  # noqa: E402

import extract_models as models  # noqa: E402

RUNS, BATCH = int(os.environ.get("BENCH_RUNS", 3)), 32
# Contents, such that a run of ours takes seconds; the others get as many up to PEER_COUNT.
COUNTS = {"mobilenet-v1": 512, "mobilenet-v2": 128, "resnet-50": 64, "clip-vit-base-patch32-image": 64,
          "all-minilm-l6-v2": 128, "clip-vit-base-patch32-text": 128, "all-mpnet-base-v2": 64, "bert-base-uncased": 64,
          "t5-base": 64}
USUAL_COUNT, PEER_COUNT = 16, 32
REAL = {"mobilenet-v1": ("onnx-image", "mobilenet_v1_1.0_128"), "mobilenet-v2": ("mobilenet-v2", "mobilenet_v2_1.0_224_quant.f32.onnx")}
hf.logging.set_verbosity_error()


class Pictures(torch.utils.data.Dataset):
    def __init__(self, paths, side):
        self.paths, self.side = paths, side

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        picture, least = Image.open(self.paths[i]).convert("RGB"), self.side * 256 // 224
        scale = least / min(picture.size)
        wide, high = (max(least, int(edge * scale)) for edge in picture.size)
        picture = picture.resize((wide, high), Image.BILINEAR)
        left, top = (wide - self.side) // 2, (high - self.side) // 2
        pixels = np.asarray(picture.crop((left, top, left + self.side, top + self.side)), np.float32) / 127.5 - 1
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def clock():
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def vectors(model, name, **inputs):
    said = model(**inputs)
    output = (models.IMAGES.get(name) or models.TEXTS[name])[1]
    states = getattr(said, output)
    return states[:, 0] if output == "last_hidden_state" else states.flatten(1)


def torch_pictures(name, model, paths, batch, folder):
    os.makedirs(folder, exist_ok=True)
    loader, done = torch.utils.data.DataLoader(Pictures(paths, 128 if name == "mobilenet-v1" else 224), batch_size=batch), 0
    start = clock()
    for pixels in loader:
        for row in vectors(model, name, pixel_values=pixels).numpy():
            np.save(os.path.join(folder, f"{done}.npy"), row)
            done += 1
    return clock() - start


def torch_texts(name, model, tokenizer, texts, folder):
    os.makedirs(folder, exist_ok=True)
    longest = 77 if name.startswith("clip") else 256 if "minilm" in name else 384
    start = clock()
    order, rows = sorted(range(len(texts)), key=lambda i: -len(texts[i])), {}
    for first in range(0, len(order), BATCH):
        part = order[first:first + BATCH]
        inputs = tokenizer([texts[i] for i in part], padding=True, truncation=True, max_length=longest, return_tensors="pt")
        inputs = {key: inputs[key] for key in ("input_ids", "attention_mask")}
        if name.startswith("clip"):
            mean = vectors(model, name, **inputs)
        else:
            mask = inputs["attention_mask"].unsqueeze(-1)
            mean = (model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
        rows.update(zip(part, torch.nn.functional.normalize(mean).numpy()))
    np.save(os.path.join(folder, "texts.npy"), np.stack([rows[i] for i in range(len(texts))]))
    return clock() - start


def ours(program, name, model, listed, work, threads):
    """Seconds of all of it, and of the runtime alone."""
    kind = REAL[name][0] if name in REAL else name
    command = [program, kind, model, listed, os.path.join(work, "extract.log"), threads, "0", "1"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    mine, *alone = (float(line.split("\t")[2 if threads == "1" else 1]) for line in lines)
    return mine, min(alone)


def show(name, what, mine, peer):
    print(f"extract 100 by {name} ({what})  {mine:.4f}  {peer:.4f}  {mine / peer:.4f}", flush=True)


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def find_contents(name, data):
    count = COUNTS.get(name, USUAL_COUNT)
    if name in models.IMAGES:
        folder = os.path.join(data, "fashion-images/images")
        return sorted(os.path.join(folder, file) for file in os.listdir(folder) if file.endswith(".jpg"))[:count]
    with open(os.path.join(data, "ml-100k/items_tmdb.csv"), encoding="utf-8") as rows:
        return list(dict.fromkeys(" ".join(row["overview"].split()) for row in csv.DictReader(rows) if row["overview"]))[:count]


def compare(name, program, data, encoders, work, threads):
    folder = os.path.join(encoders, name)
    where = os.path.join(folder, "model.onnx")
    if name == "mobilenet-v2" and not os.path.exists(where):
        where = os.path.join(data, "encoders", REAL[name][1])
    if not os.path.exists(where):
        return
    contents = find_contents(name, data)
    listed = write_lines(os.path.join(work, "contents.txt"), contents)
    model = models.build(name)
    some, made = contents[:PEER_COUNT], os.path.join(work, "npy")
    if name in models.IMAGES:
        peers = {f"PyTorch, {min(batch, len(some))} at a time": lambda batch=batch: torch_pictures(name, model, some, batch, made)
                 for batch in ([1, BATCH] if name.startswith("mobilenet") else [BATCH])}
    else:
        tokenizer = models.tokenizer(name, folder)
        # the same share of long ones
        some = sorted(contents, key=len)[::max(1, len(contents) // PEER_COUNT)]
        peers = {f"PyTorch, {BATCH} at a time": lambda: torch_texts(name, model, tokenizer, some, made)}
    seconds = {"ready tensors": [], **{what: [] for what in peers}}
    mine = []
    for _ in range(RUNS):
        all_of_it, alone = ours(program, name, where if name in models.IMAGES else folder, listed, work, threads)
        mine.append(100 * all_of_it / len(contents))
        seconds["ready tensors"].append(100 * alone / len(contents))
        for what, run in peers.items():
            seconds[what].append(100 * run() / len(some))
    for what, values in seconds.items():
        show(name, what, statistics.median(mine), statistics.median(values))
    print(f"# {name}: {100 / statistics.median(mine):.1f} a second, "
          f"{statistics.median(a / m for a, m in zip(seconds['ready tensors'], mine)):.3f} of the runtime alone", flush=True)


def main(program, data, encoders, work, threads, *names):
    os.makedirs(work, exist_ok=True)
    torch.set_num_threads(int(threads))
    with torch.inference_mode():
        for name in names or ("mobilenet-v2", "all-minilm-l6-v2"):
            compare(name, program, data, encoders, work, threads)


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
