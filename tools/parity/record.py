#!/usr/bin/env python3
"""Makes up small data sets and records what the reference says of them, for tests/parity_test.c.

    record.py [FOLDER]      default: tests/parity

    FOLDER/leave_one_out/{ratings,movies}.csv   format movielens, strategy leave_one_out
    FOLDER/fixed/{train,val,test}.tsv           format elliot, strategy fixed
    FOLDER/expected.tsv                         a row a case: split, settings of train and of evaluate, metrics

Ids, order and splits are worked out here, from their definitions: the program has no part in it. The data has what
goes wrong: equal times, repeated pairs, users with one interaction, users and items that training never saw.
"""
import pathlib
import random
import sys

import numpy as np

import reference

USERS, ITEMS = 60, 50
CUTOFFS = [1, 5, 10]
FIT_SEED, SEED = 3, 5
CASES = [  # model, settings
    ("popularity", []),
    ("itemknn", ["neighbours=5", "shrinkage=0"]),
    ("itemknn", ["neighbours=20", "shrinkage=10"]),
    ("itemknn", ["neighbours=10", "feedback=rating"]),
    ("itemknn", ["neighbours=10", "feedback=rating", "weights=rating", "similarity=adjusted_cosine"]),
    ("itemknn", ["neighbours=10", "feedback=rating", "similarity=pearson"]),
    ("itemknn", ["neighbours=10", "similarity=asymmetric_cosine", "alpha=0.3"]),
    ("itemknn", ["neighbours=10", "similarity=jaccard", "shrinkage=2"]),
    ("itemknn", ["neighbours=10", "similarity=dice"]),
    ("itemknn", ["neighbours=10", "similarity=tversky", "alpha=0.75", "beta=0.25"]),
    ("itemknn", ["neighbours=10", "weighting=tfidf"]),
    ("itemknn", ["neighbours=10", "weighting=bm25", "similarity=dot", "feedback=rating", "weights=rating"]),
    ("userknn", ["neighbours=5"]),
    ("userknn", ["neighbours=20", "feedback=rating", "weights=rating", "similarity=pearson", "shrinkage=1"]),
    ("userknn", ["neighbours=20", "feedback=rating", "similarity=adjusted_cosine"]),
    ("userknn", ["neighbours=20", "weighting=bm25"]),
    ("userknn", ["neighbours=20", "weighting=tfidf", "similarity=asymmetric_cosine", "alpha=0.8"]),
    ("userknn", ["neighbours=20", "similarity=jaccard", "weights=rating"]),
    ("p3alpha", ["neighbours=10"]),
    ("p3alpha", ["neighbours=20", "alpha=0.6", "feedback=rating", "normalise_similarity=true"]),
    ("rp3beta", ["neighbours=10"]),
    ("rp3beta", ["neighbours=20", "alpha=1.5", "beta=0.3", "feedback=rating"]),
    ("contentknn", ["fields=title", "neighbours=10"]),
    ("contentknn", ["fields=title", "neighbours=5", "sublinear=true", "min_items=2", "max_share=0.2", "weights=rating"]),
    ("ease", ["l2=20"]),
    ("random", []),
    ("recent_popularity", ["window_days=4", "half_life_days=1"]),
    ("markov", []),
    ("markov", ["window=3", "last=4", "smoothing=absolute", "half_life_days=1"]),
    ("markov", ["window=2", "last=2", "smoothing=jelinek_mercer", "strength=0.25"]),
    ("baseline", ["reg_item=1", "reg_user=1"]),
    ("ials", ["factors=3", "epochs=2"]),
    ("ials", ["factors=3", "epochs=2", "loss=confidence", "frequency_exponent=0", "regularization=0.5"]),
    ("slim", ["l1=0.5", "l2=2", "tolerance=1e-10", "sweeps=100000"]),
    ("slim", ["l1=0.5", "l2=2", "nonnegative=false", "tolerance=1e-10", "sweeps=100000"]),
]


class Recorded(reference.Split):
    """A split in memory. parts: name -> rows (user id, item id, rating, time), in input order."""

    def __init__(self, parts, more_items=()):
        rows = [row for part in parts.values() for row in part]
        self.user_index = {user: n for n, user in enumerate(dict.fromkeys(row[0] for row in rows))}
        item_ids = dict.fromkeys([row[1] for row in rows] + list(more_items))
        self.item_index = {item: n for n, item in enumerate(item_ids)}
        self.users, self.items = len(self.user_index), len(self.item_index)
        self.rows = {name: self.in_order(part) for name, part in parts.items()}

    def has(self, name):
        return True

    def texts(self, fields):
        return [title_of(item) for item in self.item_index]

    def in_order(self, rows):
        """By user and time; what happened at once stays in input order, for sorted() is stable."""
        return sorted(((self.user_index[user], self.item_index[item], rating, time) for user, item, rating, time in rows),
                      key=lambda row: (row[0], row[3]))

    def leave_one_out(self):
        """Each user's last to test, the one before to validation, unless nothing is left for training."""
        rows = self.rows.pop("all")
        self.rows = {"train": [], "val": [], "test": []}
        for user in range(self.users):
            own = [row for row in rows if row[0] == user]
            cuts = (len(own) - 2, len(own) - 1) if len(own) >= 3 else (len(own), len(own))
            for name, part in zip(self.rows, (own[:cuts[0]], own[cuts[0]:cuts[1]], own[cuts[1]:])):
                self.rows[name] += part
        return self

    def column(self, part, name):
        return np.array([row[("user", "item", "rating", "timestamp").index(name)] for row in self.rows[part]])


def make_rows(draw):
    """Interactions of users with a taste for one of five kinds of items, few days, in no order."""
    rows = []
    for user in range(USERS):
        kind = user % 5
        for _ in range(1 + user % 19 if user > 2 else user + 1):
            item = draw.randrange(ITEMS // 5) * 5 + kind if draw.random() < 0.6 else int(ITEMS * draw.random() ** 2)
            rows.append((f"u{user}", f"i{item}", draw.randrange(1, 11) / 2, 1000000000 + 86400 * draw.randrange(6)))
    draw.shuffle(rows)
    return rows


def title_of(item):
    """Words that items share, of which some stand twice."""
    number = sum(map(ord, item)) * 7
    return " ".join(["Item", item, *(f"word{number % most}" for most in (5, 7, 11, 13, 3))])


def write_leave_one_out(folder, draw):
    rows = make_rows(draw)
    table = [f"i{item}" for item in range(ITEMS)] + ["nobody-saw"]
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n" + "".join(f"{u},{i},{r:g},{t}\n" for u, i, r, t in rows))
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "".join(f"{i},{title_of(i)},\n" for i in table))
    return Recorded({"all": rows}, table).leave_one_out()


def write_fixed(folder, draw):
    parts = {"train": [], "val": [], "test": []}
    pairs = set()
    for row in make_rows(draw):
        if row[:2] not in pairs:
            pairs.add(row[:2])
            parts[draw.choices(list(parts), [6, 1, 3])[0]].append(row)
    parts["test"].append(("u-new", "i0", 5.0, 1000000000))
    parts["test"].append(("u1", "i-new", 5.0, 1000000000))
    for name, rows in parts.items():
        (folder / f"{name}.tsv").write_text("".join(f"{u}\t{i}\t{r:g}\t{t}\n" for u, i, r, t in rows))
    return Recorded(parts)


def check_gaps(model, split, score):
    """Scores that differ by so little that another inverse may order them otherwise make a bad record."""
    scores = np.sort(score(split.matrix("train", "val")).astype(np.float32), axis=1)
    gaps = np.diff(scores, axis=1)
    if (gaps[gaps > 0] < 1e-6 * np.abs(scores).max()).any():
        sys.exit(f"{model}: near-ties; choose another seed for the data")


ROUNDING = {"baseline": 2e-6, "ials": 2e-5, "slim": 1e-6}  # of scores that are sums of what was computed in floats


def check_rounding(model, split, score, task, values):
    """Metrics that change with scores by as much as rounding may change them make a bad record. Equal scores stay so."""
    for phase in range(4):
        def rounded(history, *users):
            scores = score(history, *users)
            return scores + ROUNDING[model] * np.sin(1e9 * scores + phase)
        rounded.asks_who = getattr(score, "asks_who", False)
        changed = reference.evaluate(split, rounded, task, task == "retrieval", CUTOFFS, SEED)
        if max(abs(changed[metric] - value) for metric, value in values.items()) > 1e-9:
            sys.exit(f"{model}: near-ties; choose other settings")


def record(name, split):
    """Rows of expected.tsv, and before them its header."""
    for model, settings in CASES:
        if model == "contentknn" and name == "fixed":  # has no texts
            continue
        score = reference.MODELS[model](split, reference.model_parameters(model, settings), FIT_SEED)
        if model == "ease":
            check_gaps(model, split, score)
        for task in ("retrieval", "next_item"):
            values = reference.evaluate(split, score, task, task == "retrieval", CUTOFFS, SEED)
            if model in ROUNDING:
                check_rounding(model, split, score, task, values)
            yield ["split", "train", "evaluate", *values]
            yield [name, " ".join([f"model={model}", *settings, f"seed={FIT_SEED}"]),
                   f"task={task} seed={SEED} cutoffs={','.join(map(str, CUTOFFS))}",
                   *(f"{value:.12g}" for value in values.values())]


def main():
    preset = pathlib.Path(__file__).resolve().parents[2] / "tests" / "parity"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else preset
    lines = {}  # the header, again and again, is one line
    for seed, (name, write) in enumerate([("leave_one_out", write_leave_one_out), ("fixed", write_fixed)], 1):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for cells in record(name, write(folder / name, random.Random(seed))):
            lines["\t".join(cells)] = None
    (folder / "expected.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
