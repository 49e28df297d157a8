#!/usr/bin/env python3
"""Makes up scores and records what others say of the lists they make, for tests/metrics_parity_test.c.

    record_metrics.py [FOLDER]      default: tests/parity/metrics

    FOLDER/train.tsv     user, item
    FOLDER/test.tsv      user, item, rating; relevant from 3 on
    FOLDER/scores.tsv    a row a user, a column an item; no two of a row are equal
    FOLDER/tied.tsv      the same, with many equal
    FOLDER/items.tsv     item, two coordinates (a vector of length 1, or 0 0: none), genres separated by '|'
    FOLDER/expected.tsv  scores or tied, metric@k or metric, value, whose

Candidates are the items a user does not have in training. Packages: ranx, scikit-learn, NumPy. Elliot's and RecBole's
metrics are restated from their sources (elliot/evaluation/metrics, recbole/evaluator/metrics.py), since they do not
install beside current packages; where their definition is another than ours, docs/differences.md says so, and the value is
recorded as ours is defined, by plain formulas here.
"""
import math
import pathlib
import random
import sys

import numpy as np
import scipy.stats
import sklearn.metrics
from ranx import Qrels, Run, evaluate

USERS, ITEMS, CUTOFFS, FROM = 40, 50, [1, 5, 10], 3
MASK, GOLDEN = 2 ** 64 - 1, 0x9E3779B97F4A7C15
GENRES = ["action", "comedy", "drama", "horror", "romance"]


class Data:
    def __init__(self, seed):
        rng = random.Random(seed)
        popularity = [1 / (1 + i) ** 0.7 for i in range(ITEMS)]
        self.train, self.test = [], []
        for _ in range(USERS):
            count = rng.randint(4, 14)
            items = []
            while len(items) < count:
                item = rng.choices(range(ITEMS), popularity)[0]
                if item not in items:
                    items.append(item)
            held = rng.randint(1, min(6, count - 2))
            self.test.append({item: rng.randint(1, 5) for item in items[:held]})
            self.train.append(sorted(items[held:]))
        for row in self.test:
            row[max(row)] = rng.randint(FROM, 5)  # everybody has something to find
        self.scores = np.empty((USERS, ITEMS), np.float32)
        for u in range(USERS):
            row = rng.sample(range(1, 1000), ITEMS)
            for i in range(ITEMS):  # what is relevant is a little better
                row[i] += 1000 * (i in self.test[u] and rng.random() < 0.4)
            self.scores[u] = np.array(row, np.float32) / np.float32(2048)
        self.tied = np.floor(self.scores * 8).astype(np.float32) / 8
        self.vectors = np.zeros((ITEMS, 2))
        self.genres = []
        for i in range(ITEMS):
            angle = rng.uniform(0, 2 * math.pi)
            if i % 9 != 0:
                self.vectors[i] = math.cos(angle), math.sin(angle)
            self.genres.append(rng.sample(GENRES, rng.choice([0, 1, 1, 2, 3])))
        self.vectors = self.vectors.astype(np.float32)
        self.count = [sum(i in row for row in self.train) for i in range(ITEMS)]
        self.relevant = [{i: r for i, r in row.items() if r >= FROM} for row in self.test]
        self.candidates = [[i for i in range(ITEMS) if i not in row] for row in self.train]
        self.lists = [sorted(c, key=lambda i: -self.scores[u, i]) for u, c in enumerate(self.candidates)]


def mean(values):
    values = [v for v in values if not math.isnan(v)]
    return sum(values) / len(values)


def mix64(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def tie_key(user, item, seed=0):
    """The hash that orders equal scores (src/base/hash.h)."""
    return mix64(mix64(mix64(seed + GOLDEN & MASK) ^ user + GOLDEN & MASK) ^ item + GOLDEN & MASK)


def discount(place):
    return 1 / math.log2(place + 2)


# ---- packages ----

def by_ranx(d, out):
    qrels = Qrels({f"u{u}": {f"i{i}": 1 for i in d.relevant[u]} for u in range(USERS)})
    run = Run({f"u{u}": {f"i{i}": float(d.scores[u, i]) for i in d.candidates[u]} for u in range(USERS)})
    names = {"precision": "precision", "recall": "recall", "f1": "f1", "hr": "hit_rate", "mrr": "mrr", "ndcg": "ndcg"}
    for ours, theirs in names.items():
        for k in CUTOFFS:
            out("scores", f"{ours}@{k}", evaluate(qrels, run, f"{theirs}@{k}"), "ranx")
    out("scores", "map@10", evaluate(qrels, run, "map@10"), "ranx")  # equal while |T| <= k


def by_sklearn(d, out):
    for name, scores in (("scores", d.scores), ("tied", d.tied)):
        auc, gauc, weight, ndcg = [], 0, 0, {k: [] for k in CUTOFFS}
        for u in range(USERS):
            y = [int(i in d.relevant[u]) for i in d.candidates[u]]
            s = [float(scores[u, i]) for i in d.candidates[u]]
            auc.append(sklearn.metrics.roc_auc_score(y, s))
            gauc += auc[-1] * sum(y)
            weight += sum(y)
            for k in CUTOFFS:
                ndcg[k].append(sklearn.metrics.ndcg_score([y], [s], k=k))
        out(name, "auc", mean(auc), "scikit-learn roc_auc_score, mean over users")
        out(name, "gauc", gauc / weight, "scikit-learn roc_auc_score, weighted by relevant items")
        for k in CUTOFFS:
            out(name, f"ndcg@{k}", mean(ndcg[k]), "scikit-learn ndcg_score, which averages ties")
    pairs = [(r, float(d.scores[u, i])) for u in range(USERS) for i, r in d.test[u].items()]
    rating, predicted = zip(*pairs)
    out("scores", "rmse", math.sqrt(sklearn.metrics.mean_squared_error(rating, predicted)), "scikit-learn")
    out("scores", "mae", sklearn.metrics.mean_absolute_error(rating, predicted), "scikit-learn")
    low = [min(p, 1 - 2.0 ** -11) for p in predicted]
    out("scores", "log_loss", sklearn.metrics.log_loss([r >= FROM for r in rating], low), "scikit-learn")


# ---- RecBole's definitions ----

def by_recbole(d, out):
    of = "RecBole, restated"
    for k in CUTOFFS:
        pos = np.array([[i in d.relevant[u] for i in row[:k]] for u, row in enumerate(d.lists)], int)
        relevant = np.array([len(r) for r in d.relevant])
        places = np.arange(1, k + 1)
        hits = pos.cumsum(axis=1)
        out("scores", f"precision@{k}", np.mean(hits[:, -1] / k), of)
        out("scores", f"recall@{k}", np.mean(hits[:, -1] / relevant), of)
        out("scores", f"hr@{k}", np.mean(hits[:, -1] > 0), of)
        out("scores", f"mrr@{k}", np.mean(np.where(pos.any(axis=1), 1 / (pos.argmax(axis=1) + 1), 0)), of)
        out("scores", f"map@{k}", np.mean((hits / places * pos).sum(axis=1) / np.minimum(relevant, k)), of)
        gains = 1 / np.log2(places + 1)
        out("scores", f"ndcg@{k}",
            np.mean((pos * gains).sum(axis=1) / [gains[:min(n, k)].sum() for n in relevant]), of)
        shown = [[d.count[i] for i in row[:k]] for row in d.lists]
        out("scores", f"arp@{k}", np.mean(shown), of)
        out("scores", f"item_coverage@{k}", len({i for row in d.lists for i in row[:k]}) / ITEMS, of)
    for name, scores in (("scores", d.scores), ("tied", d.tied)):
        total = 0
        for u in range(USERS):
            ranks = scipy.stats.rankdata([-scores[u, i] for i in d.candidates[u]])
            own = [r for r, i in zip(ranks, d.candidates[u]) if i in d.relevant[u]]
            n, m = len(ranks), len(own)
            total += m * ((n + 1) * m - m * (m + 1) / 2 - sum(own)) / ((n - m) * m)
        out(name, "gauc", total / sum(len(r) for r in d.relevant), of)


# ---- Elliot's definitions ----

def by_elliot(d, out):
    norm, users = sum(d.count), sum(len(row) > 0 for row in d.train)
    most = -math.log2(min(c for c in d.count if c) / norm)
    epc = [1 - c / users for c in d.count]
    efd = [-math.log2(c / norm) if c else most for c in d.count]
    for k in CUTOFFS:
        tops = [row[:k] for row in d.lists]
        of = "Elliot, restated"
        out("scores", f"map_elliot@{k}",
            mean([sum(sum(i in d.relevant[u] for i in top[:n]) / n for n in range(1, k + 1)) / k
                  for u, top in enumerate(tops)]), of)
        graded = []
        for u, top in enumerate(tops):
            gain = {i: 2 ** (r - FROM + 1) - 1 for i, r in d.relevant[u].items()}
            ideal = sum(g * discount(n) for n, g in enumerate(sorted(gain.values(), reverse=True)[:k]))
            graded.append(sum(gain.get(i, 0) * discount(n) for n, i in enumerate(top)) / ideal)
        out("scores", f"ndcg_graded@{k}", mean(graded), of)
        for name, novelty in (("epc", epc), ("efd", efd)):
            out("scores", f"{name}@{k}",
                mean([sum((i in d.relevant[u]) * discount(n) * novelty[i] for n, i in enumerate(top)) /
                      sum(discount(n) for n in range(len(top))) for u, top in enumerate(tops)]), of)
        out("scores", f"arp@{k}", mean([sum(d.count[i] for i in top) / k for top in tops]), of)
        shown = sorted(sum(i in top for top in tops) for i in range(ITEMS))
        total = sum(shown)
        gini = sum((2 * (j + 1) - ITEMS - 1) * c / total for j, c in enumerate(shown)) / (ITEMS - 1)
        out("scores", f"gini_elliot@{k}", 1 - gini, of)
        out("scores", f"gini@{k}", gini, of)
        out("scores", f"shannon_entropy@{k}",
            sum(sum(-math.log2(sum(i in t for t in tops) / total) / k for i in top) for top in tops) / USERS, of)
        out("scores", f"item_coverage@{k}", sum(c > 0 for c in shown) / ITEMS, of + " / items")
        out("scores", f"user_coverage@{k}", sum(len(top) > 0 for top in tops) / USERS, of + " / users")
        # the short head as ours is: items of equal popularity stay together
        least, taken = 0, 0
        for c in sorted(d.count, reverse=True):
            if taken >= 0.8 * norm:
                break
            taken, least = taken + c, c
        head = {i for i in range(ITEMS) if d.count[i] >= least}
        tail = set(range(ITEMS)) - head
        out("scores", f"aplt@{k}", mean([sum(i in tail for i in top) / k for top in tops]), of)
        out("scores", f"aclt@{k}", mean([sum(i in tail for i in top) for top in tops]), of)
        reo, rsp = [], []
        for group in (head, tail):
            reo.append(sum(len(set(top) & set(d.relevant[u]) & group) for u, top in enumerate(tops)) /
                       sum(len(set(d.relevant[u]) & group) for u in range(USERS)))
            rsp.append(sum(len(set(top) & group) for top in tops) /
                       sum(len(group - set(row)) for row in d.train))
        out("scores", f"popreo@{k}", np.std(reo) / np.mean(reo), of)
        out("scores", f"poprsp@{k}", np.std(rsp) / np.mean(rsp), of)


# ---- plain formulas ----

def by_formula(d, out):
    users = sum(len(row) > 0 for row in d.train)
    weight = [1 / max(c, 1) for c in d.count]
    has = [bool(np.any(v)) for v in d.vectors]
    popular = [sorted(c, key=lambda i: (-d.count[i], tie_key(u, i))) for u, c in enumerate(d.candidates)]
    of = "formula"
    for k in CUTOFFS:
        tops = [row[:k] for row in d.lists]
        capped, novelty, diversity, ild, covered, kl, hellinger, ap = [], [], [], [], [], [], [], []
        hits = [0.0, 0.0]
        gains = [0.0, 0.0]
        for u, top in enumerate(tops):
            rel = d.relevant[u]
            most = min(k, len(rel))
            capped.append(sum(i in rel for i in top) / most)
            ap.append(sum(sum(j in rel for j in top[:n + 1]) / (n + 1) for n, i in enumerate(top) if i in rel) / most)
            novelty.append(mean([-math.log2(max(d.count[i], 1) / users) for i in top]))
            best = sorted((weight[i] for i in rel), reverse=True)[:most]
            hits[0] += sum(weight[i] for i in top if i in rel)
            hits[1] += sum(best)
            gains[0] += sum(weight[i] * discount(n) for n, i in enumerate(top) if i in rel)
            gains[1] += sum(w * discount(n) for n, w in enumerate(best))
            pairs = [(a, b) for a in top for b in top if a < b and has[a] and has[b]]
            dots = [float(d.vectors[a].astype(float) @ d.vectors[b].astype(float)) for a, b in pairs]
            diversity.append(mean([1 - c for c in dots]) if pairs else math.nan)
            ild.append(mean([math.sqrt(max(0, 2 - 2 * c)) for c in dots]) if pairs else math.nan)
            covered.append(len({g for i in top for g in d.genres[i]}) / len(GENRES))
            p, q = mix(d, d.train[u]), mix(d, top)
            kl.append(math.nan if p is None or q is None else
                      sum(a * math.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q) if a > 0))
            hellinger.append(math.nan if p is None or q is None else
                             math.sqrt(sum((math.sqrt(a) - math.sqrt(b)) ** 2 for a, b in zip(p, q)) / 2))
        for name, values in (("recall_capped", capped), ("novelty", novelty), ("s_recall", covered), ("map", ap),
                             ("calibration_kl", kl), ("calibration_hellinger", hellinger)):
            out("scores", f"{name}@{k}", mean(values), of)
        if k > 1:
            out("scores", f"diversity@{k}", mean(diversity), of)
            out("scores", f"ild@{k}", mean(ild), of)
        out("scores", f"hr_debiased@{k}", hits[0] / hits[1], of)
        out("scores", f"ndcg_debiased@{k}", gains[0] / gains[1], of)
        out("scores", f"serendipity@{k}",
            mean([sum(i in d.relevant[u] and i not in popular[u][:k] for i in top) / k
                  for u, top in enumerate(tops)]), of)


def mix(d, items):
    shares = [sum(1 / len(d.genres[i]) for i in items if g in d.genres[i]) for g in GENRES]
    return [s / sum(shares) for s in shares] if sum(shares) else None


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/parity/metrics")
    folder.mkdir(parents=True, exist_ok=True)
    d = Data(7)

    def write(name, rows):
        (folder / name).write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))

    write("train.tsv", [(u, i) for u in range(USERS) for i in d.train[u]])
    write("test.tsv", [(u, i, r) for u in range(USERS) for i, r in sorted(d.test[u].items())])
    write("scores.tsv", [[f"{float(s):.17g}" for s in row] for row in d.scores])
    write("tied.tsv", [[f"{float(s):g}" for s in row] for row in d.tied])
    write("items.tsv", [(i, f"{d.vectors[i][0]:.9g}", f"{d.vectors[i][1]:.9g}", "|".join(d.genres[i]))
                        for i in range(ITEMS)])
    rows = []

    def out(case, name, value, source):
        rows.append((case, name, f"{value:.15g}", source))

    by_ranx(d, out)
    by_sklearn(d, out)
    by_recbole(d, out)
    by_elliot(d, out)
    by_formula(d, out)
    write("expected.tsv", rows)
    print(len(rows), "values")


main()
