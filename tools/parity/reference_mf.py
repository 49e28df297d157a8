"""iALS, SLIM, the Markov chain and the trivial models for reference.py, written in NumPy; slow, for small data.

Shares no code with the library. iALS and SLIM are also held against implicit and scikit-learn: see record_ials.py
and record_slim.py.
"""
import numpy as np


def random_uniform(seed, stream, counters):
    from reference import random_bits
    return (random_bits(seed, stream, counters) >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def ials_start(rows, factors, init, seed, stream):
    """Normal vectors of about the length `init` from counters, by Box and Muller; float32."""
    n = 2 * np.arange(rows * factors, dtype=np.uint64)
    a, b = 1 - random_uniform(seed, stream, n), random_uniform(seed, stream, n + np.uint64(1))
    normal = np.sqrt(-2 * np.log(a)) * np.cos(2 * np.pi * b)
    return (init / np.sqrt(factors) * normal).astype(np.float32).reshape(rows, factors)


DAY = 86400


def histories(split, *parts):
    """User -> [(item, time)], oldest first; what happened at once in the order of the parts."""
    found = {}
    for part in parts:
        user, item = split.events(part)
        for row in zip(user, item, split.column(part, "timestamp")):
            found.setdefault(int(row[0]), []).append((int(row[1]), int(row[2])))
    return {user: sorted(rows, key=lambda row: row[1]) for user, rows in found.items()}


def fade(half_life, age):
    """What something counts `age` seconds later."""
    return 2.0 ** (-age / (DAY * half_life)) if half_life > 0 else 1.0


def single(values):
    """What is kept as floats."""
    return np.asarray(values, np.float32).astype(np.float64)


def random(split, parameters, seed):
    return lambda history: np.zeros(history.shape)


def recent_popularity(split, parameters, seed):
    """Users by when they last had an item: those inside the window, counting less with age."""
    last = {}
    for user, rows in histories(split, "train").items():
        last.update({(user, item): time for item, time in rows})
    end = max(last.values())
    scores = np.zeros(split.items)
    for (_, item), time in last.items():
        if parameters["window_days"] == 0 or end - time < DAY * parameters["window_days"]:
            scores[item] += fade(parameters["half_life_days"], end - time)
    return lambda history: np.tile(scores, (history.shape[0], 1))


def markov(split, parameters, seed):
    """The chain of one item to the next, mixed with popularity. The equations of src/model/markov.c."""
    p, train = parameters, histories(split, "train")
    end = max(rows[-1][1] for rows in train.values())
    n, popular = np.zeros((split.items, split.items)), np.zeros(split.items)
    for rows in train.values():
        for at, (j, time) in enumerate(rows):
            popular[j] += fade(p["half_life_days"], end - time)
            for distance, (i, later) in enumerate(rows[at + 1:at + 1 + p["window"]]):
                n[j, i] += p["window_decay"] ** distance * fade(p["half_life_days"], end - later)
    total, strength = n.sum(axis=1), p["strength"]
    with np.errstate(divide="ignore", invalid="ignore"):
        backoff, kept, taken = {
            "dirichlet": lambda: (strength / (total + strength), (1 - strength / (total + strength)) / total, 0.0),
            "jelinek_mercer": lambda: (np.full(split.items, strength), (1 - strength) / total, 0.0),
            "absolute": lambda: (np.minimum(n, strength).sum(axis=1) / total, 1 / total, strength),
        }[p["smoothing"]]()
    backoff, kept = np.where(total > 0, backoff, 1.0), np.where(total > 0, kept, 0.0)
    chain = np.vstack([np.maximum(n - taken, 0) * kept[:, None], popular / popular.sum()])
    chain, backoff = single(chain), single(backoff)
    known = histories(split, "train", "val")

    def score(history, users):
        left = np.zeros((len(users), split.items + 1))
        for row, user in zip(left, users):
            rows = known.get(int(user), [])[::-1][:p["last"]]
            weights = [p["last_decay"] ** age * fade(p["half_life_days"], rows[0][1] - time)
                       for age, (_, time) in enumerate(rows)]
            for weight, (item, _) in zip(weights, rows):
                row[item] = np.float32(np.float32(row[item]) + np.float32(weight / sum(weights)))
                row[-1] += weight / sum(weights) * backoff[item]
            row[-1] = row[-1] if rows else 1
        return single(left) @ chain

    score.asks_who = True
    return score


def baseline(split, parameters, seed):
    """mean + b_u + b_i in turn, as Surprise's BaselineOnly does; b_u then from all known ratings."""
    train, known = split.ratings("train"), split.ratings("train", "val")
    reg_item, reg_user, mean = parameters["reg_item"], parameters["reg_user"], split.ratings("train").data.mean()
    b_user, b_item = np.zeros(split.users), np.zeros(split.items)

    def biases(matrix, others, reg):
        """Of the rows: the mean of what the others do not explain, drawn to zero."""
        count = np.diff(matrix.indptr)
        rest = matrix.data - mean - others[matrix.indices]
        return np.bincount(np.repeat(np.arange(len(count)), count), rest, len(count)) / np.maximum(reg + count, 1e-9)

    for _ in range(parameters["epochs"]):
        b_item = biases(train.T.tocsr(), b_user, reg_item)
        b_user = biases(train, b_item, reg_user)
    b_user = single(biases(known, b_item, reg_user))
    score = lambda history, users: single(mean + b_item)[None, :] + b_user[users][:, None]
    score.asks_who = True
    return score


def ials_solve(p, observed, y):
    """Vectors of the rows of `observed`, given those of its columns."""
    a0, shift = p["unobserved_weight"], p["unobserved_weight"] if p["loss"] == "confidence" else 0.0
    penalty = p["regularization"] * (observed.sum(axis=1) + a0 * len(y)) ** p["frequency_exponent"]
    return np.array([np.linalg.solve(a0 * y.T @ y + (y.T * row) @ y + reg * np.eye(y.shape[1]), (1 + shift) * row @ y)
                     for row, reg in zip(observed, penalty)])


def ials_score(items, p):
    score = lambda history: single(ials_solve(p, history.toarray(), items)) @ items.T
    score.vectors = items
    return score


def ials(split, parameters, seed):
    """The equations of src/model/ials.c over dense matrices, solved exactly; users from their histories."""
    p, seen = parameters, split.matrix("train").toarray()
    vectors = [ials_start(rows, p["factors"], p["init"], seed, stream).astype(np.float64)
               for stream, rows in enumerate(seen.shape)]
    for _ in range(p["epochs"]):
        vectors[0] = ials_solve(p, seen, vectors[1])
        vectors[1] = ials_solve(p, seen.T, vectors[0])
    return ials_score(single(vectors[1]), p)


def slim(split, parameters, seed):
    """1/2 |x_j - X w|^2 + l2/2 |w|^2 + l1 |w|_1 by plain coordinate descent of all items at once, until nothing changes."""
    p, train = parameters, split.matrix("train")
    gram = (train.T @ train).toarray()
    weights = np.zeros(gram.shape)
    changed, until = 1, max(1e-12, p["tolerance"] / 10)
    while changed > until:
        changed = 0
        for i in np.flatnonzero(gram.diagonal() > 0):
            others = np.flatnonzero(gram[i])
            a = gram[i] - gram[i, others] @ weights[others] + gram[i, i] * weights[i]
            now = np.sign(a) * np.maximum(np.abs(a) - p["l1"], 0) / (gram[i, i] + p["l2"])
            now[i] = 0
            if p["nonnegative"] == "true":
                now = np.maximum(now, 0)
            changed = max(changed, np.abs(now - weights[i]).max())
            weights[i] = now
    weights = single(weights)
    return lambda history: history @ weights


MODELS = {"random": random, "recent_popularity": recent_popularity, "markov": markov, "baseline": baseline, "ials": ials,
          "slim": slim}
SMALL_DATA = ("ials", "slim")  # hours to days on large data
PARAMETERS = {
    "random": {},
    "recent_popularity": {"window_days": 30.0, "half_life_days": 0.0},
    "markov": {"window": 1, "window_decay": 0.5, "last": 1, "last_decay": 0.5, "smoothing": "dirichlet", "strength": 0.5,
               "half_life_days": 0.0},
    "baseline": {"reg_item": 10.0, "reg_user": 15.0, "epochs": 10},
    "ials": {"factors": 64, "epochs": 16, "regularization": 0.003, "unobserved_weight": 0.1, "frequency_exponent": 1.0,
             "init": 0.1, "loss": "ials"},
    "slim": {"l1": 1.0, "l2": 10.0, "nonnegative": "true", "tolerance": 1e-4, "sweeps": 100},
}
