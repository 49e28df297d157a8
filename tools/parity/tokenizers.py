"""Token ids of the library that pretrained encoders were trained with, for tests/tokenizer_parity_test.c.

usage: tokenizers.py OUT DATA [--texts N]       N texts for each tokenizer (default 100000), for a comparison by hand:
                                                MEDLEY_TOKENIZER_RECORDINGS=OUT tokenizer_parity_test
       tokenizers.py tests/parity/tokenizers DATA --small     what the repository keeps
       ... --only NAME,...                                    those whose names begin so

DATA: ../shared/data. OUT/<name>/records.gz holds the texts and ids; beside it the tokenizer's files, or `shared`, the
name of a file in DATA/tokenizers. Made with tokenizers 0.23, transformers 5.23, sentencepiece 0.2.3.
"""

import csv
import gzip
import io
import json
import os
import random
import shutil
import struct
import sys
import tempfile

# this file is called as the library that it imports
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import transformers  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402
from tokenizers import AddedToken  # noqa: E402


# ---- texts ---------------------------------------------------------------------------------------------------------


def real_texts(data, rng, count):
    """Overviews, titles and reviews of the public sets."""
    texts = []
    tmdb = os.path.join(data, "tmdb-5000")
    csv.field_size_limit(1 << 30)
    for folder, _, names in os.walk(tmdb):
        for name in sorted(names):
            if name.endswith(".csv"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    for row in csv.DictReader(file):
                        texts += [row[key] for key in ("overview", "title", "tagline", "original_title", "cast") if row.get(key)]
    for folder in ("amazon-office-elliot", "ml-100k", "ml-latest-small", "ml-1m-sequences"):
        for where, _, names in os.walk(os.path.join(data, folder)):
            for name in sorted(names):
                path = os.path.join(where, name)
                if os.path.getsize(path) < 1 << 28 and name.rsplit(".", 1)[-1] in ("tsv", "csv", "txt", "json", "item", "md", "dat"):
                    with open(path, "rb") as file:
                        lines = file.read(1 << 22).split(b"\n")
                    texts += rng.sample(lines, min(len(lines), 300))
    texts = [t.encode() if isinstance(t, str) else t for t in texts]
    texts = [t[:2000] for t in texts]
    rng.shuffle(texts)
    return texts[:count]


SPECIALS = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "<s>", "</s>", "<mask>", "<pad>", "<unk>", "<|startoftext|>",
            "<|endoftext|>", "<extra_id_0>", "<extra_id_17>", "<extra_id_99>", "[cls]", "[CLS", "<|endoftext|", "<extra_id_100>",
            "</w>", "##ing", "##", "\u2581", "\u2581the", "<0x41>", "\u0120the"]
PIECES = ["the", "The", "THE", "it's", "don't", "we'll", "I'm", "you've", "they're", "I'd", "IT'S", "'s", "'", "''", "'ll'll",
          "\u2019s", "naïve", "café", "cafe\u0301", "İstanbul", "ıI", "straße", "STRASSE", "ẞ", "ΟΔΥΣΣΕΥΣ", "Σίσυφος", "ς", "Æsop",
          "ﬁne", "Ⅳ", "①②", "½", "x²", "１２３", "ＡＢＣ", "日本語", "中文字", "한국어", "\u1112\u1161\u11ab", "ไทย", "हिन्दी", "العربية",
          "עִבְרִית", "ру́сский", "Ελληνικά", "👍", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "👍🏽", "😀😀", "☺️", "\u200d", "\u200b", "\u200e", "\u202e",
          "\ufeff", "\u00a0", "\u2009", "\u3000", "\u2028", "\u0085", "\x00", "\x01", "\x7f", "\ufffd", "\t", "\n", "\r\n", "\r", "\x0b",
          "\x0c", " ", "  ", "   ", "\u00ad", "\u0301", "\u0327\u0301", "\u0301\u0327", "a\u0301\u0327b", "\u1e9b\u0323", "\u0344", "\u212b",
          "2024", "3.14", "1,000", "$5", "50%", "C++", "e-mail", "a.b@c.de", "http://x.y/z?q=1&r=2", "...", "!!!", "?!", "--", "—", "“”",
          "«»", "‘’", "©®™", "¿¡", "€£¥", "\u0600a", "\U00010d50", "\U0001e944\U0001e94a", "\U0002f800", "\u0f73", "\u0e33", "\u0b94",
          "_", "__init__", "snake_case", "#tag", "@user", "\\", "/", "|", "~", "`", "^", "<", ">", "=", "+", "&amp;", "<br>"]


def bad_bytes(rng):
    return rng.choice([b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xc0\x80", b"\xf5",
                       b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xfe\xfe", b"\xc3\xc3\xa9", b"\xe2\x28\xa1"])


def word(rng):
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(PIECES)
    if kind < 0.6:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(rng.randint(1, 14)))
    if kind < 0.7:
        return rng.choice(SPECIALS)
    if kind < 0.8:
        return "".join(chr(rng.choice((rng.randint(32, 126), rng.randint(0xa0, 0x24f), rng.randint(0x300, 0x36f)))) for _ in range(rng.randint(1, 6)))
    if kind < 0.9:
        return chr(code_point(rng))
    return str(rng.randint(0, 10 ** rng.randint(1, 9)))


def code_point(rng):
    while True:
        c = rng.choice((rng.randint(0, 0x7ff), rng.randint(0, 0xffff), rng.randint(0x10000, 0x1ffff), rng.randint(0, 0x10ffff)))
        if not 0xd800 <= c < 0xe000:
            return c


def hostile_text(rng):
    parts = []
    for _ in range(rng.randint(0, 12)):
        parts.append(word(rng).encode("utf-8"))
        kind = rng.random()
        parts.append(b" " if kind < 0.6 else b"" if kind < 0.9 else bad_bytes(rng) if kind < 0.93 else rng.choice((b"  ", b"\t", b"\n", b"     ")))
    return b"".join(parts)


def special_texts():
    yield from (b"", b" ", b"   ", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbfbom", "\u0301".encode() * 200, b"a" * 99, b"a" * 100, b"a" * 101,
                b"a" * 1000, "é".encode() * 100, "é".encode() * 101, "e\u0301".encode() * 60, b" " * 1000, b"[CLS][SEP]", b" [MASK] ", b"a[MASK]b",
                b"x  <mask>  y", b"<s>a</s>", "的".encode() * 300, b"'s" * 50, b"1" * 200, b"." * 300, "😀".encode() * 100, b"ab " * 700)
    for special in SPECIALS:
        for form in ("{}", " {}", "{} ", "a{}b", "a {} b", "{0}{0}", "\u3000{}\n"):
            yield form.format(special).encode()


def every_code_point():
    for c in range(0x110000):
        if not 0xd800 <= c < 0xe000 and not (0xe1000 <= c < 0xffff0 or 0x40000 <= c < 0xe0000 or 0x100100 <= c < 0x10fff0):
            yield c


def code_point_texts():
    """Every code point alone and between letters: of those that differ little, many in a text."""
    many = []
    for c in every_code_point():
        plain = 0x3400 <= c < 0xa000 or 0xac00 <= c < 0xd7a4 or 0xe000 <= c < 0xf900 or c >= 0x17000 and not 0x1b000 <= c < 0x20000
        if not plain:
            yield f"{chr(c)} a{chr(c)}b x\u0301{chr(c)}\u0327 {chr(c)}{chr(c)}".encode()
            continue
        many.append(f"{chr(c)} a{chr(c)}b")
        if len(many) == 8:
            yield " ".join(many).encode()
            many = []


def corpus(data, count, small):
    rng = random.Random(7)
    if small:
        return list(special_texts()) + [hostile_text(rng) for _ in range(count)]
    texts = list(special_texts()) + real_texts(data, rng, count // 3) + list(code_point_texts())
    return texts + [hostile_text(rng) for _ in range(max(0, count - len(texts)))]


# ---- tokenizers ----------------------------------------------------------------------------------------------------


def sentences(texts):
    return [t.decode("utf-8", errors="replace") for t in texts]


def read_vocab(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return {line.rstrip("\n"): i for i, line in enumerate(file)}


def save(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(content)


def save_vocab(folder, vocab):
    save(folder, "vocab.txt", "".join(t + "\n" for t, _ in sorted(vocab.items(), key=lambda x: x[1])))


def clip_parts(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        merges = [tuple(line.split()) for line in file.read().split("\n")[1:49152 - 256 - 2 + 1]]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
    vocab = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {t: i for i, t in enumerate(vocab)}, merges


def byte_bpe(texts, size):
    """Trained as RoBERTa's was: bytes, then merges."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(t.to_str())["model"]
    return model["vocab"], [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]


def wordpiece(texts, size):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False, limit_alphabet=200))
    return t


def zoo(texts, size):
    """Pipelines that no published model has, so that every step is seen."""
    N, P = normalizers, pre_tokenizers
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]

    def unigram(normalizer, pre, byte_fallback, **added):
        t = Tokenizer(models.Unigram())
        t.normalizer, t.pre_tokenizer = normalizer, pre
        t.train_from_iterator(texts, trainers.UnigramTrainer(
            vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"] + (bytes_ if byte_fallback else []), unk_token="<unk>",
            show_progress=False))
        whole = json.loads(t.to_str())
        whole["model"]["byte_fallback"] = byte_fallback
        if byte_fallback:  # those are not looked for in texts
            whole["added_tokens"] = [a for a in whole["added_tokens"] if not a["content"].startswith("<0x")]
        return Tokenizer.from_str(json.dumps(whole))

    def bpe(normalizer, pre, **model):
        t = Tokenizer(models.BPE(unk_token="<unk>", **model))
        t.normalizer, t.pre_tokenizer = normalizer, pre
        more = {"end_of_word_suffix": model["end_of_word_suffix"]} if "end_of_word_suffix" in model else {}
        if "continuing_subword_prefix" in model:
            more["continuing_subword_prefix"] = model["continuing_subword_prefix"]
        special = ["<unk>"] + (bytes_ if model.get("byte_fallback") else [])
        t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                                         limit_alphabet=80, **more))
        if model.get("byte_fallback"):
            whole = json.loads(t.to_str())
            whole["added_tokens"] = [a for a in whole["added_tokens"] if not a["content"].startswith("<0x")]
            t = Tokenizer.from_str(json.dumps(whole))
        return t

    yield "zoo_1", unigram(N.Sequence([N.NFKC(), N.Lowercase(), N.StripAccents()]), P.Metaspace(prepend_scheme="first"), True)
    yield "zoo_2", unigram(N.Sequence([N.NFD(), N.Strip()]), P.Sequence([P.Whitespace(), P.Digits(individual_digits=True)]), False)
    yield "zoo_3", unigram(N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")]), P.Metaspace(prepend_scheme="never", split=False), True)
    yield "zoo_4", bpe(N.NFKD(), P.Sequence([P.WhitespaceSplit(), P.Punctuation("contiguous"), P.Digits()]), fuse_unk=True)
    yield "zoo_5", bpe(N.NFC(), P.Sequence([P.Split("a", "merged_with_previous"), P.Split(Regex(r"\s+"), "isolated")]),
                       continuing_subword_prefix="@@", byte_fallback=True)
    yield "zoo_6", bpe(N.Sequence([N.Replace(Regex(r"\s+"), " "), N.Strip(left=False)]),
                       P.Sequence([P.Punctuation("merged_with_next"), P.WhitespaceSplit()]), end_of_word_suffix="</w>", ignore_merges=True)
    t = bpe(N.Lowercase(), P.Sequence([P.Punctuation("removed"), P.Split(" ", "merged_with_next")]))
    t.add_tokens([AddedToken("the", single_word=True), AddedToken("An", lstrip=True, normalized=True), AddedToken("IS", rstrip=True, normalized=False),
                  AddedToken("café", lstrip=True, rstrip=True, single_word=True)])
    t.add_special_tokens([AddedToken("<s>", lstrip=True, rstrip=True), AddedToken("[SEP]", single_word=True)])
    t.post_processor = processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(
        single="<s> <s> $A [SEP]", special_tokens=[("<s>", t.token_to_id("<s>")), ("[SEP]", t.token_to_id("[SEP]"))])])
    yield "zoo_7", t


def tokenizers_of(data, out, texts, small, wanted):
    """Yields (name, what gives ids); writes its files, those that are not wanted elsewhere: training breaks ties
    differently each time, so files must not change without their records."""
    shared, elsewhere = os.path.join(data, "tokenizers"), tempfile.TemporaryDirectory()
    size = 600 if small else 20000

    def folder(name, shared_file=None):
        path = os.path.join(out if wanted(name) else elsewhere.name, name)
        os.makedirs(path, exist_ok=True)
        if shared_file:
            save(path, "shared", shared_file + "\n")
        return path

    vocab = read_vocab(os.path.join(shared, "bert-base-uncased.vocab.txt"))
    folder("bert", "bert-base-uncased.vocab.txt")
    yield "bert", transformers.BertTokenizer(vocab)._tokenizer
    folder("clip", "clip.bpe_simple_vocab_16e6.txt.gz")
    clip_vocab, clip_merges = clip_parts(os.path.join(shared, "clip.bpe_simple_vocab_16e6.txt.gz"))
    clip = transformers.CLIPTokenizer(clip_vocab, clip_merges)._tokenizer
    yield "clip", clip
    folder("t5", "t5.tokenizer.json")
    t5 = Tokenizer.from_file(os.path.join(shared, "t5.tokenizer.json"))
    yield "t5", t5
    folder("t5_pieces", "t5.spiece.model")
    yield "t5_pieces", t5_of_pieces(os.path.join(shared, "t5.spiece.model"), 0)

    tiny = wordpiece(texts, size)
    tiny_vocab = tiny.get_vocab()
    save_vocab(folder("bert_cased"), tiny_vocab)
    save(folder("bert_cased"), "tokenizer_config.json", '{"do_lower_case": false, "model_max_length": 1000000000000000019884624838656}')
    yield "bert_cased", transformers.BertTokenizer(tiny_vocab, do_lower_case=False)._tokenizer
    json_of = transformers.BertTokenizer(tiny_vocab)._tokenizer
    json_of.save(os.path.join(folder("bert_json"), "tokenizer.json"), pretty=False)
    yield "bert_json", json_of
    mpnet = {t: i for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>"] + [t for t, _ in sorted(tiny_vocab.items(), key=lambda x: x[1])] + ["<mask>"])}
    save_vocab(folder("mpnet"), mpnet)
    yield "mpnet", transformers.MPNetTokenizer(mpnet)._tokenizer
    bpe_vocab, bpe_merges = byte_bpe(texts, size)
    path = folder("roberta")
    save(path, "vocab.json", json.dumps(bpe_vocab, ensure_ascii=False))
    save(path, "merges.txt", "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in bpe_merges))
    # as the published files have it, and version 4 of transformers; version 5 by itself does not
    mask = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
    yield "roberta", transformers.RobertaTokenizer(bpe_vocab, bpe_merges, mask_token=mask)._tokenizer
    prefixed = transformers.RobertaTokenizer(bpe_vocab, bpe_merges, mask_token=mask, add_prefix_space=True)._tokenizer
    prefixed.save(os.path.join(folder("roberta_json"), "tokenizer.json"), pretty=False)
    yield "roberta_json", prefixed
    drawn = texts if small else texts[:1500] + [t.replace("\0", "") for t in sentences(corpus(data, 500, True))]
    for name, t in zoo(drawn, size if small else 8000):
        path = os.path.join(folder(name), "tokenizer.json")
        t.save(path, pretty=False)
        yield name, Tokenizer.from_file(path)  # scores are not read as they were written
    if small:
        return
    path = folder("clip_json")
    clip.save(os.path.join(path, "tokenizer.json"))
    yield "clip_json", clip
    whole = json.loads(clip.to_str())
    whole["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    save(folder("clip_old"), "tokenizer.json", json.dumps(whole))
    yield "clip_old", Tokenizer.from_str(json.dumps(whole))
    path = folder("clip_files")
    save(path, "vocab.json", json.dumps(clip_vocab, ensure_ascii=False))
    save(path, "merges.txt", "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in clip_merges))
    yield "clip_files", clip
    path = folder("t5_config")
    shutil.copy(os.path.join(shared, "t5.spiece.model"), os.path.join(path, "spiece.model"))
    save(path, "tokenizer_config.json", '{"extra_ids": 100, "model_max_length": 512}')
    yield "t5_config", t5_of_pieces(os.path.join(shared, "t5.spiece.model"), 100)
    path = folder("t5_new")
    path = os.path.join(path, "tokenizer.json")
    t5_of_pieces(os.path.join(shared, "t5.spiece.model"), 100).save(path)
    yield "t5_new", Tokenizer.from_file(path)
    minilm = os.environ.get("MEDLEY_MINILM")
    if minilm:
        shutil.copy(os.path.join(minilm, "tokenizer.json"), folder("minilm"))
        t = Tokenizer.from_file(os.path.join(minilm, "tokenizer.json"))
        yield "minilm", t


def t5_of_pieces(path, extra):
    import sentencepiece.sentencepiece_model_pb2 as proto

    model = proto.ModelProto()
    with open(path, "rb") as file:
        model.ParseFromString(file.read())
    pieces = [(p.piece, p.score) for p in model.pieces]
    pieces += [(f"<extra_id_{i}>", 0.0) for i in range(extra - 1, -1, -1)]
    return transformers.T5Tokenizer(pieces, extra_ids=extra, additional_special_tokens=None if extra else [],
                                    _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap)._tokenizer


def record(path, tokenizer, texts, rng):
    """Texts with all special tokens, and some cut short or without special tokens."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with gzip.GzipFile(path, "wb", mtime=0) as out:
        for start in range(0, len(texts), 2000):
            part = texts[start:start + 2000]
            strings = sentences(part)
            for special in (True, False):
                if not special:
                    part, strings = part[::7], strings[::7]
                for text, encoding in zip(part, tokenizer.encode_batch(strings, add_special_tokens=special)):
                    out.write(pack(text, 0, special, encoding.ids))
            for text, string in list(zip(part, strings))[:40]:
                most = rng.choice((2, 3, 5, 8, 16))
                most = max(most, tokenizer.num_special_tokens_to_add(False) + 1)
                tokenizer.enable_truncation(most)
                out.write(pack(text, most, True, tokenizer.encode(string).ids))
                tokenizer.no_truncation()


def pack(text, most, special, ids):
    return struct.pack("<4I", len(text), most, int(special), len(ids)) + text + struct.pack(f"<{len(ids)}I", *ids)


def main(out, data, small, count, only):
    rng = random.Random(11)
    texts = corpus(data, count, small)
    training = [t.replace("\0", "") for t in sentences(t for t in texts if len(t) > 20)[:4000 if small else 30000]]
    def wanted(name):
        return not only or any(name.startswith(start) for start in only)

    for name, tokenizer in filter(lambda pair: wanted(pair[0]), tokenizers_of(data, out, training, small, wanted)):
        record(os.path.join(out, name, "records.gz"), tokenizer, texts, rng)
        print(name, len(texts), flush=True)


if __name__ == "__main__":
    small = "--small" in sys.argv
    count = int(sys.argv[sys.argv.index("--texts") + 1]) if "--texts" in sys.argv else 120 if small else 100000
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    only = sys.argv[sys.argv.index("--only") + 1].split(",") if "--only" in sys.argv else []
    main(sys.argv[1], sys.argv[2], small, count, only)
