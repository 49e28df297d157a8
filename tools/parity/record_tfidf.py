#!/usr/bin/env python3
"""Makes up texts of items and records what scikit-learn's TfidfVectorizer says of them, for src/data/tfidf_test.c.

    record_tfidf.py [FILE]      default: tests/parity/tfidf.json

The vectorizer has its defaults but for what a case names. Its words are ours but for two things that the texts
avoid: it takes '_' for a letter, and lower-cases where we fold case (the German sharp s).
Entries are item, column, weight in billionths.
"""
import json
import pathlib
import random
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

ITEMS = 40
WORDS = ("the a of in and The to is young his her life world family war when who finds love must after MAN woman "
         "secret city journey death night friends police escape murder mysterious Amélie naïve ÉLAN élan Ōsaka "
         "don't well-known 1999 2001 1999's Москва МОСКВА αθήνα 東京 x 7 co-op e.g. 3D R2-D2 ² Ⅷ").split()
CASES = [(1, 1.0, False), (2, 0.5, False), (1, 0.3, True), (3, 1.0, True)]


def make_items(draw):
    def words(most):
        return " ".join(WORDS[int(len(WORDS) * draw.random() ** 2)] + draw.choice(["", "", "", ",", ".", "! "])
                        for _ in range(draw.randrange(most)))
    return [{"title": words(5), "text": words(40)} for _ in range(ITEMS)]


def record(items, min_df, max_df, sublinear):
    vectorizer = TfidfVectorizer(min_df=min_df, max_df=max_df, sublinear_tf=sublinear)
    matrix = vectorizer.fit_transform(f"{item['title']} {item['text']}" for item in items).tocsr()
    # their columns are in order of code points, as those of UTF-8's bytes are
    assert list(vectorizer.get_feature_names_out()) == sorted(vectorizer.vocabulary_, key=str.encode)
    matrix.sort_indices()
    entries = []
    for item, column, weight in zip(np.repeat(np.arange(ITEMS), np.diff(matrix.indptr)), matrix.indices, matrix.data):
        entries += [int(item), int(column), round(float(weight) * 1e9)]
    return {"min_df": min_df, "max_df": max_df, "sublinear_tf": sublinear, "columns": matrix.shape[1],
            "entries": entries}


def main():
    preset = pathlib.Path(__file__).resolve().parents[2] / "tests" / "parity" / "tfidf.json"
    items = make_items(random.Random(1))
    recorded = {"items": items, "cases": [record(items, *case) for case in CASES]}
    pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else preset).write_text(
        json.dumps(recorded, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
