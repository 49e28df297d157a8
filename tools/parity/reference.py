#!/usr/bin/env python3
"""Models with their metrics, written from the papers and protocol in NumPy and SciPy.

Shares no code with the library: what both compute must agree. Slow and plain on purpose.

    reference.py STORE --split NAME --model itemknn --set neighbours=100 --task retrieval --cutoffs 5,10,20

prints {"metric@k": value}. Models are fitted on the training part; users are scored from, and for the task
`retrieval` not offered, what they have in training and validation; targets are in the test part.
"""
import argparse
import json
import math
import pathlib
import sqlite3
import sys

import numpy as np
import scipy.linalg
import scipy.sparse as sp

import reference_mf

BATCH = 512
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


# ---- Ties are broken by a hash of (seed, user, item): SplitMix64's finaliser, three times ----

def mix64(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def random_bits(seed, stream, counters):
    with np.errstate(over="ignore"):
        state = mix64(np.array([seed], np.uint64) + GOLDEN)
        state = mix64(state ^ (np.array([stream], np.uint64) + GOLDEN))
        return mix64(state ^ (np.asarray(counters).astype(np.uint64) + GOLDEN))


# ---- The store ----

class Split:
    def __init__(self, store, name):
        store = pathlib.Path(store)
        description = json.loads((store / "dataset.json").read_text())
        self.users, self.items = dataset_counts(description)
        self.ordered = description["ordered"]
        self.folder = store / "splits" / name

    def column(self, part, name):
        """Of every interaction of a part, by user and in time."""
        return np.load(self.folder / part / f"{name}.npy")

    def has(self, name):
        return (self.folder / "train" / f"{name}.npy").exists()

    def events(self, part):
        return tuple(self.column(part, name).astype(np.int64) for name in ("user", "item"))

    def matrix(self, *parts):
        """Who has what: ones, however often and in whichever part."""
        user, item = (np.concatenate(columns) for columns in zip(*map(self.events, parts)))
        matrix = sp.csr_matrix((np.ones(len(user)), (user, item)), shape=(self.users, self.items))
        matrix.sum_duplicates()
        matrix.data[:] = 1
        return matrix

    def ratings(self, *parts):
        """The matrix with ratings for ones; of repeated ones the last in time, of those at once the last part's."""
        user, item = (np.concatenate(columns) for columns in zip(*map(self.events, parts)))
        values = np.concatenate([self.column(part, "rating") for part in parts]).astype(np.float64)
        if len(parts) > 1 and self.has("timestamp"):
            in_time = np.argsort(np.concatenate([self.column(part, "timestamp") for part in parts]), kind="stable")
            user, item, values = user[in_time], item[in_time], values[in_time]
        _, from_end = np.unique((user * self.items + item)[::-1], return_index=True)
        last = len(user) - 1 - from_end
        return sp.csr_matrix((values[last], (user[last], item[last])), shape=(self.users, self.items))

    def texts(self, fields):
        """Of every item, its title and text and the values of its attributes, as far as they are wanted."""
        with sqlite3.connect(f"file:{self.folder.parents[1] / 'catalog.db'}?mode=ro", uri=True) as catalog:
            rows = catalog.execute("select title, text, attributes from items order by idx").fetchall()
        columns = [dict(json.loads(attributes or "{}"), title=title, text=text) for title, text, attributes in rows]
        return [" ".join(flat(item.get(field)) for field in fields) for item in columns]

    def targets(self, task):
        """User -> items to find: all of the test part, or the first of it."""
        found = {}
        for user, item in zip(*self.events("test")):
            if task == "retrieval":
                found.setdefault(int(user), set()).add(int(item))
            else:
                found.setdefault(int(user), {int(item)})
        return {user: np.array(sorted(items)) for user, items in sorted(found.items())}


def flat(value):
    if isinstance(value, (list, dict)):
        return " ".join(map(flat, value.values() if isinstance(value, dict) else value))
    return "" if value is None else str(value)


def dataset_counts(description):
    counts = description.get("counts", description)
    return int(counts["users"]), int(counts["items"])


# ---- Models: each is fitted on the training part and returns score(history of some users [B, I]) -> float64 [B, I] ----

def asks_who(score):
    """Of a score(history, users [B]) that is not made of items alone."""
    score.asks_who = True
    return score


def popularity(split, parameters, seed):
    counts = np.asarray(split.matrix("train").sum(axis=0)).ravel()
    return lambda history: np.tile(counts, (history.shape[0], 1))


def feedback(split, kind, *parts):
    return split.ratings(*parts) if kind == "rating" else split.matrix(*parts)


def rounded(matrix, values):
    """What is kept as floats."""
    return sp.csr_matrix((values.astype(np.float32).astype(np.float64), matrix.indices, matrix.indptr), matrix.shape)


def weighting(fitted, parameters):
    """Learns from the rows of one matrix; weighs those of any. implicit's tfidf_weight and bm25_weight."""
    kind, k1, b = parameters["weighting"], parameters["k1"], parameters["b"]
    having = np.bincount(fitted.indices, minlength=fitted.shape[1])
    with np.errstate(divide="ignore"):
        idf = np.log(fitted.shape[0]) - np.log1p(having)
    length = fitted.sum() / fitted.shape[0]

    def weigh(x):
        sums = np.repeat(np.asarray(x.sum(axis=1)).ravel(), np.diff(x.indptr))
        if kind == "tfidf":
            return rounded(x, np.sqrt(x.data) * idf[x.indices])
        if kind == "bm25":
            norm = k1 * (1 - b + b * sums / length)
            return rounded(x, x.data * (k1 + 1) / (norm + x.data) * idf[x.indices])
        return rounded(x, x.data)

    means = np.bincount(fitted.indices, weigh(fitted).data, fitted.shape[1]) / np.maximum(having, 1)

    def centre(x):
        count = np.diff(x.indptr)
        own = np.asarray(x.sum(axis=1)).ravel() / np.maximum(count, 1)
        if parameters["similarity"] == "adjusted_cosine":
            return rounded(x, x.data - means[x.indices])
        if parameters["similarity"] == "pearson":
            return rounded(x, x.data - np.repeat(own, count))
        return x

    return lambda x: centre(weigh(x))


def similarity(parameters, dot, own, other):
    """own, other: squares of the two rows' lengths."""
    kind, alpha, beta, shrinkage = (parameters[name] for name in ("similarity", "alpha", "beta", "shrinkage"))
    if kind == "dot":
        return dot / (1 + shrinkage)
    if kind == "asymmetric_cosine":
        return dot / (own ** alpha * other ** (1 - alpha) + shrinkage)
    if kind in ("jaccard", "dice", "tversky"):
        alpha, beta = {"jaccard": (1, 1), "dice": (0.5, 0.5), "tversky": (alpha, beta)}[kind]
        return dot / (dot + alpha * (own - dot) + beta * (other - dot) + shrinkage)
    return dot / (np.sqrt(own) * np.sqrt(other) + shrinkage)


def keep_nearest(products, similar, neighbours, seed, streams, themselves):
    """[R, N] the highest positive similar(row, columns, products) of each row."""
    rows, columns, values = [], [], []
    for row, stream in enumerate(streams):
        cut = slice(products.indptr[row], products.indptr[row + 1])
        j, dot = products.indices[cut], products.data[cut]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = similar(row, j, dot).astype(np.float32)
        found[~(found > 0) | (j == themselves[row])] = 0
        best = np.lexsort((random_bits(seed, stream, j), -found))[:neighbours]
        best = best[found[best] > 0]
        rows.append(np.full(len(best), row))
        columns.append(j[best])
        values.append(found[best].astype(np.float64))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(entries, shape=(len(streams), products.shape[1]))


def nearest(rows, others, parameters, seed, streams, themselves):
    own, other = (np.asarray(x.multiply(x).sum(axis=1)).ravel() for x in (rows, others))
    return keep_nearest((rows @ others.T).tocsr(), lambda row, j, dot: similarity(parameters, dot, own[row], other[j]),
                        parameters["neighbours"], seed, streams, themselves)


def itemknn(split, parameters, seed):
    """Deshpande and Karypis, TOIS 2004; each item keeps its K nearest others."""
    items = feedback(split, parameters["feedback"], "train").T.tocsr()
    items = weighting(items, parameters)(items)
    by_item = nearest(items, items, parameters, seed, range(split.items), range(split.items))
    if parameters["weights"] == "binary":
        return lambda history: (history @ by_item.T).toarray()
    known = split.ratings("train", "val")
    return asks_who(lambda history, users: (known[users] @ by_item.T).toarray())


def userknn(split, parameters, seed):
    """Each history has its K nearest users of training, itself not among them."""
    trained = feedback(split, parameters["feedback"], "train")
    known = feedback(split, parameters["feedback"], "train", "val")
    weigh = weighting(trained, parameters)
    profiles, right = weigh(trained), feedback(split, parameters["weights"], "train")

    def streams_of(history):
        """state = random_bits(state, item, 0) over the items of a row, in order; all rows at once."""
        state, count = np.zeros(history.shape[0], np.uint64), np.diff(history.indptr)
        for place in range(count.max(initial=0)):
            rows = np.flatnonzero(count > place)
            with np.errstate(over="ignore"):
                stream = history.indices[history.indptr[rows] + place].astype(np.uint64) + GOLDEN
                state[rows] = mix64(mix64(mix64(state[rows] + GOLDEN) ^ stream) ^ GOLDEN)
        return state

    def score(history, users):
        history.sort_indices()
        return (nearest(weigh(known[users]), profiles, parameters, seed, streams_of(history), users) @ right).toarray()

    return asks_who(score)


def rp3beta(split, parameters, seed):
    """Paudel et al., TiiS 2017: P_iu^alpha P_uj^alpha / popularity_j^beta; each item keeps its K likeliest targets."""
    alpha, kind = parameters["alpha"], parameters["feedback"]
    x = feedback(split, kind, "train")

    def steps(matrix):
        """Rows become probabilities, and powers of them."""
        matrix = matrix.astype(np.float64)
        sums = np.asarray(matrix.sum(axis=1)).ravel()
        matrix.data /= np.repeat(sums, np.diff(matrix.indptr))
        matrix.data **= alpha
        return matrix

    popularity = np.bincount(x.indices, minlength=split.items).astype(np.float64)
    walks = (steps(x.T.tocsr()) @ steps(x)).tocsr()
    weights = keep_nearest(walks, lambda row, j, p: p / popularity[j] ** parameters["beta"], parameters["neighbours"],
                           seed, range(split.items), range(split.items))
    if parameters["normalise_similarity"] == "true":
        weights.data /= np.repeat(np.asarray(weights.sum(axis=1)).ravel(), np.diff(weights.indptr))
        weights = rounded(weights, weights.data)
    known = feedback(split, kind, "train", "val")
    left = steps(known)
    left = rounded(left, left.data)
    return asks_who(lambda history, users: (left[users] @ weights).toarray())


def p3alpha(split, parameters, seed):
    """Cooper et al., WWW 2014."""
    return rp3beta(split, {**parameters, "beta": 0.0}, seed)


def contentknn(split, parameters, seed):
    """Cosine of scikit-learn's TF-IDF vectors; each item keeps its K nearest others."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # needed by this model alone

    words = TfidfVectorizer(min_df=parameters["min_items"], max_df=parameters["max_share"],
                            sublinear_tf=parameters["sublinear"] == "true")
    items = words.fit_transform(split.texts(parameters["fields"].split(","))).tocsr()
    items = rounded(items, items.data)
    near = keep_nearest((items @ items.T).tocsr(), lambda row, j, dot: dot, parameters["neighbours"], seed,
                        range(split.items), range(split.items))
    if parameters["weights"] == "binary":
        return lambda history: (history @ near.T).toarray()
    known = split.ratings("train", "val")
    return asks_who(lambda history, users: (known[users] @ near.T).toarray())


def ease(split, parameters, seed):
    """Steck, WWW 2019: P = (X'X + lambda I)^-1, B_ij = -P_ij / P_jj, zero diagonal."""
    train = split.matrix("train")
    gram = (train.T @ train).toarray()
    gram[np.diag_indices_from(gram)] += parameters["l2"]
    inverse = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    weights = weights.astype(np.float32).astype(np.float64)
    return lambda history: history @ weights


NEIGHBOURS = {"neighbours": 100, "similarity": "cosine", "shrinkage": 0.0, "alpha": 0.5, "beta": 0.5, "weighting": "none",
              "k1": 100.0, "b": 0.8, "feedback": "binary", "weights": "binary"}
WALK = {"neighbours": 100, "alpha": 1.0, "feedback": "binary", "normalise_similarity": "false"}
MODELS = {"popularity": popularity, "itemknn": itemknn, "ease": ease, "userknn": userknn, "p3alpha": p3alpha,
          "rp3beta": rp3beta, "contentknn": contentknn}
PARAMETERS = {
    "popularity": {},
    "itemknn": NEIGHBOURS,
    "userknn": NEIGHBOURS,
    "p3alpha": WALK,
    "rp3beta": {**WALK, "beta": 0.6},
    "contentknn": {"fields": "title,text", "neighbours": 100, "min_items": 1, "max_share": 0.5, "sublinear": "false",
                   "weights": "binary"},
    "ease": {"l2": 250.0},
}


MODELS |= reference_mf.MODELS
PARAMETERS |= reference_mf.PARAMETERS


def model_parameters(model, settings):
    """The defaults, changed by NAME=VALUE texts."""
    parameters = dict(PARAMETERS[model])
    for name, _, value in (setting.partition("=") for setting in settings):
        if name not in parameters:
            sys.exit(f"{model}: unknown parameter '{name}' (known: {', '.join(parameters) or 'none'})")
        parameters[name] = type(parameters[name])(value)
    return parameters


# ---- One user: where the targets stand, and the list as shown ----

def target_blocks(scores, targets):
    """(candidates above, candidates tied, targets among these) for each score that a candidate target has."""
    found = scores[targets]
    values, relevant = np.unique(found[found > -np.inf], return_counts=True)
    ordered = np.sort(scores)
    above = len(scores) - np.searchsorted(ordered, values, "right")
    tied = np.searchsorted(ordered, values, "right") - np.searchsorted(ordered, values, "left")
    return sorted(zip(above.tolist(), tied.tolist(), relevant.tolist()))


def shown_list(scores, length, seed, user):
    candidates = np.flatnonzero(scores > -np.inf)
    if len(candidates) > length:
        worst = -np.partition(-scores[candidates], length - 1)[length - 1]
        candidates = candidates[scores[candidates] >= worst]
    return candidates[np.lexsort((random_bits(seed, user, candidates), -scores[candidates]))][:length]


# ---- Metrics of one user, in expectation over the order of tied items ----

def expected_metrics(blocks, target_count, k):
    """blocks as target_blocks gives them; positions they do not cover hold no target."""
    chance = np.zeros(k)  # that the position holds a target
    for above, tied, relevant in blocks:
        inside = slice(min(above, k), min(above + tied, k))
        chance[inside] = relevant / tied
    together = np.outer(chance, chance)  # that both positions do: independent in different blocks
    for above, tied, relevant in blocks:
        inside = slice(min(above, k), min(above + tied, k))
        together[inside, inside] = relevant * (relevant - 1) / (tied * (tied - 1)) if tied > 1 else 1
    np.fill_diagonal(together, chance)
    rank = np.arange(1, k + 1)
    most = min(k, target_count)
    hits = chance.sum()
    return {
        "precision": hits / k,
        "recall": hits / target_count,
        "recall_capped": hits / most,
        "hr": expected_hit(blocks, k),
        "ndcg": (chance / np.log2(rank + 1)).sum() / (1 / np.log2(rank[:most] + 1)).sum(),
        "mrr": expected_reciprocal_rank(blocks, k),
        # precision@i times rel_i is the number of targets up to i, i among them, over i
        "map": (np.tril(together).sum(axis=1) / rank).sum() / most,
    }


def expected_hit(blocks, k):
    if not blocks or blocks[0][0] >= k:
        return 0.0
    above, tied, relevant = blocks[0]
    drawn = min(tied, k - above)
    return 1 - math.comb(tied - relevant, drawn) / math.comb(tied, drawn)


def expected_reciprocal_rank(blocks, k):
    if not blocks:
        return 0.0
    above, tied, relevant = blocks[0]
    ways = math.comb(tied, relevant)
    last = min(tied - relevant + 1, k - above)
    return sum(math.comb(tied - j, relevant - 1) / ways / (above + j) for j in range(1, last + 1))


def gini(counts):
    n = len(counts)
    share = np.sort(counts) / max(counts.sum(), 1)
    return float(((2 * np.arange(1, n + 1) - n - 1) * share).sum() / max(n - 1, 1))


def evaluate(split, score, task, mask, cutoffs, seed):
    train, known, targets = split.matrix("train"), split.matrix("train", "val"), split.targets(task)
    seen_by = np.asarray(train.sum(axis=0)).ravel()
    bits = -np.log2(np.maximum(seen_by, 1) / max(np.count_nonzero(np.diff(train.indptr)), 1))
    sums = {}
    shown = {k: np.zeros(split.items) for k in cutoffs}
    users = list(targets)
    for first in range(0, len(users), BATCH):
        batch = users[first:first + BATCH]
        who = (batch,) if getattr(score, "asks_who", False) else ()
        scores = score(known[batch], *who).astype(np.float32)
        if mask:
            scores[known[batch].nonzero()] = -np.inf
        for row, user in zip(scores, batch):
            blocks = target_blocks(row, targets[user])
            items = shown_list(row, max(cutoffs), seed, user)
            for k in cutoffs:
                values = expected_metrics(blocks, len(targets[user]), k)
                values["novelty"] = bits[items[:k]].mean() if len(items) > 0 else 0.0
                for name, value in values.items():
                    sums[f"{name}@{k}"] = sums.get(f"{name}@{k}", 0.0) + float(value)
                shown[k][items[:k]] += 1
    result = {name: value / len(users) for name, value in sums.items()}
    for k in cutoffs:
        result[f"item_coverage@{k}"] = float((shown[k] > 0).mean())
        result[f"gini@{k}"] = gini(shown[k])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--split", required=True)
    parser.add_argument("--model", required=True, choices=sorted(MODELS))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the model")
    parser.add_argument("--task", default="retrieval", choices=["retrieval", "next_item"])
    parser.add_argument("--mask", choices=["known", "none"], help="default: known for retrieval, none for next_item")
    parser.add_argument("--cutoffs", default="5,10,20")
    parser.add_argument("--seed", type=int, default=0, help="of the tie hash of shown lists")
    parser.add_argument("--fit-seed", type=int, help="of the tie hash of neighbours; default: --seed")
    options = parser.parse_args()
    mask = options.mask or ("known" if options.task == "retrieval" else "none")
    split = Split(options.store, options.split)
    fit_seed = options.seed if options.fit_seed is None else options.fit_seed
    score = MODELS[options.model](split, model_parameters(options.model, options.set), fit_seed)
    result = evaluate(split, score, options.task, mask == "known",
                      sorted(int(k) for k in options.cutoffs.split(",")), options.seed)
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
