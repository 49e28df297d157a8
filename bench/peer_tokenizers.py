"""Tokenizing beside Hugging Face's tokenizers, one thread on both sides, interleaved, medians.

usage: peer_tokenizers.py BENCH_TOKENIZER DATA WORK

Texts: overviews of tmdb-5000, one a line, several times over in different orders. Prints "tokenize NAME  ours  peer  ratio" in seconds;
stops where the ids of the two differ.
"""

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

RUNS = 5


def texts_of(data):
    rng = random.Random(1)
    folder, texts = os.path.join(data, "tmdb-5000"), []
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            if name.endswith(".csv"):
                with open(os.path.join(where, name), encoding="utf-8") as file:
                    texts += [" ".join(row["overview"].split()) for row in csv.DictReader(file) if row.get("overview")]
    return [text for _ in range(2) for text in rng.sample(texts, len(texts))]


def bert(path):
    with open(path, encoding="utf-8") as file:
        vocab = {line.rstrip("\n"): i for i, line in enumerate(file)}
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.BertProcessing(("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"]))
    t.add_special_tokens(["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"])
    return t


def byte_level(texts, work):
    """Trained here: no published one is at hand."""
    from tokenizers import trainers

    path = os.path.join(work, "tokenizer.json")
    if not os.path.exists(path):
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.train_from_iterator(texts[:2000], trainers.BpeTrainer(
            vocab_size=20000, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
        t.save(path)
    return path


def id_hash(encodings):
    value = count = 0
    for encoding in encodings:
        for i in encoding.ids:
            value = (value * 31 + i) & 0xFFFFFFFFFFFFFFFF
        count += len(encoding.ids)
    return count, value


def compare(program, name, path, peer, texts, lines):
    ours, theirs = [], []
    for _ in range(RUNS):
        words = subprocess.run([program, path, lines, "1"], check=True, capture_output=True, text=True).stdout.split()
        ours.append(float(words[0]))
        start = time.perf_counter()
        encodings = peer.encode_batch(texts)
        theirs.append(time.perf_counter() - start)
    if id_hash(encodings) != (int(words[1]), int(words[2])):
        sys.exit(f"tokenize {name}: the ids differ")
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"tokenize {name}  {a:.4f}  {b:.4f}  {a / b:.4f}", flush=True)


def main(program, data, work):
    os.makedirs(work, exist_ok=True)
    shared = os.path.join(data, "tokenizers")
    texts = texts_of(data)
    lines = os.path.join(work, "texts.txt")
    with open(lines, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(text + "\n" for text in texts)
    vocab, t5 = os.path.join(shared, "bert-base-uncased.vocab.txt"), os.path.join(shared, "t5.tokenizer.json")
    compare(program, "WordPiece, BERT", vocab, bert(vocab), texts, lines)
    compare(program, "Unigram, T5", t5, Tokenizer.from_file(t5), texts, lines)
    path = byte_level(texts, work)
    compare(program, "byte-level BPE", path, Tokenizer.from_file(path), texts, lines)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
