"""Extraction of vectors, from files to disk, beside ONNX Runtime alone and beside PyTorch; all threads on all sides.

usage: peer_extract.py BENCH_EXTRACT DATA ENCODERS WORK THREADS [MINILM]

DATA      encoders/ (MobileNetV2), fashion-images/, ml-100k/
ENCODERS  all-minilm-l6-v2/ as tools/parity/real_encoders.py exports it; texts are left out without it
MINILM    a folder of the same weights for PyTorch; without it random ones, which take as long

Pictures in PyTorch: a DataLoader that reads and prepares with Pillow, the network of the same shapes with random weights, a .npy an item,
one picture at a time and 32. Texts: batches of 32 in order of length, mean of the tokens.
Prints "extract NAME  ours  peer  ratio" in seconds, the better of two runs each, interleaved.
"""

import csv
import os
import subprocess
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers as hf  # noqa: E402
from PIL import Image  # noqa: E402

PICTURES, TEXTS, RUNS = 512, 1000, 2
hf.logging.set_verbosity_error()


class Pictures(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        picture = Image.open(self.paths[i]).convert("RGB")
        scale = 256 / min(picture.size)
        wide, high = (max(256, int(side * scale)) for side in picture.size)
        picture = picture.resize((wide, high), Image.BILINEAR)
        left, top = (wide - 224) // 2, (high - 224) // 2
        pixels = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32) / 127.5 - 1
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def mobilenet():
    """Weights such that activations keep their size: the usual random ones fade to denormal numbers, which are slow."""
    model = hf.MobileNetV2Model(hf.MobileNetV2Config()).eval()
    for part in model.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
    return model


def torch_pictures(model, paths, batch, folder):
    os.makedirs(folder, exist_ok=True)
    loader, done = torch.utils.data.DataLoader(Pictures(paths), batch_size=batch), 0
    start = time.perf_counter()
    for pixels in loader:
        for row in model(pixel_values=pixels).pooler_output.flatten(1).numpy():
            np.save(os.path.join(folder, f"{done}.npy"), row)
            done += 1
    return time.perf_counter() - start


def torch_texts(model, tokenizer, texts, folder):
    os.makedirs(folder, exist_ok=True)
    start = time.perf_counter()
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    rows = np.empty((len(texts), 384), np.float32)
    for first in range(0, len(order), 32):
        part = order[first:first + 32]
        inputs = tokenizer([texts[i] for i in part], padding=True, truncation=True, max_length=256, return_tensors="pt")
        mask = inputs["attention_mask"].unsqueeze(-1)
        mean = (model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
        rows[part] = torch.nn.functional.normalize(mean).numpy()
    np.save(os.path.join(folder, "texts.npy"), rows)
    return time.perf_counter() - start


class Ours:
    def __init__(self, program, work, threads):
        self.program, self.log, self.threads = program, os.path.join(work, "extract.log"), threads

    def seconds(self, encoder, model, path, batch, what="all"):
        """The least, by name."""
        command = [self.program, encoder, model, path, self.log, self.threads, batch, what]
        least = {}
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
            name, value = line.split("\t")[:2]
            least[name] = min(float(value), least.get(name, np.inf))
        return min(least.values())


def show(name, ours, peer):
    print(f"extract {name}  {ours:.4f}  {peer:.4f}  {ours / peer:.4f}", flush=True)


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def pictures(ours, name, folder, data, work):
    paths = sorted(os.path.join(folder, file) for file in os.listdir(folder) if file.endswith(".jpg"))[:PICTURES]
    listed = write_lines(os.path.join(work, "pictures.txt"), paths)
    model = os.path.join(data, "encoders/mobilenet_v2_1.0_224_quant.f32.onnx")
    peer = mobilenet()
    mine, alone, single, many = (np.inf,) * 4
    for _ in range(RUNS):
        mine = min(mine, ours.seconds("mobilenet-v2", model, listed, "0"))
        alone = min(alone, *(ours.seconds("mobilenet-v2", model, listed, batch, "ready") for batch in ("1", "4", "16")))
        single = min(single, torch_pictures(peer, paths, 1, os.path.join(work, "npy")))
        many = min(many, torch_pictures(peer, paths, 32, os.path.join(work, "npy")))
    show(f"{name} (ready tensors)", mine, alone)
    show(f"{name} (PyTorch, one at a time)", mine, single)
    show(f"{name} (PyTorch, 32 at a time)", mine, many)


def texts(ours, data, encoders, work, minilm):
    with open(os.path.join(data, "ml-100k/items_tmdb.csv"), encoding="utf-8") as rows:
        found = dict.fromkeys(" ".join(row["overview"].split()) for row in csv.DictReader(rows) if row["overview"])
    found = list(found)[:TEXTS]
    listed = write_lines(os.path.join(work, "texts.txt"), found)
    folder = os.path.join(encoders, "all-minilm-l6-v2")
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    peer = hf.AutoModel.from_pretrained(minilm) if minilm else hf.BertModel(hf.AutoConfig.from_pretrained(folder))
    mine = theirs = np.inf
    for _ in range(RUNS):
        mine = min(mine, ours.seconds("all-minilm-l6-v2", folder, listed, "0"))
        theirs = min(theirs, torch_texts(peer.eval(), tokenizer, found, os.path.join(work, "npy")))
    show("overviews (PyTorch, 32 at a time)", mine, theirs)


def main(program, data, encoders, work, threads, minilm=None):
    os.makedirs(work, exist_ok=True)
    torch.set_num_threads(int(threads))
    ours = Ours(program, work, threads)
    with torch.inference_mode():
        pictures(ours, "pictures of 224 x 224", os.path.join(data, "fashion-images/images"), data, work)
        pictures(ours, "posters of 92 x 138", os.path.join(data, "ml-100k/posters"), data, work)
        if os.path.isdir(os.path.join(encoders, "all-minilm-l6-v2")):
            texts(ours, data, encoders, work, minilm)


if __name__ == "__main__":
    if len(sys.argv) not in (6, 7):
        sys.exit(__doc__)
    main(*sys.argv[1:])
