"""Precision, recall, hr, mrr, map and ndcg at 5, 10 and 20 of the same lists: ours, ranx's, RecBole's and Elliot's.

    peer_metrics.py BENCH_METRICS [THREADS [USERS [ITEMS]]]

Prints a line a peer: name  ours_s  peer_s  ratio, after checking that the values are equal. ranx is the package, from its
own native structures, compiled before it is measured. RecBole's collector and metrics (recbole/evaluator) and Elliot's
metrics (elliot/evaluation/metrics) are restated from their sources, RecBole's with NumPy in the place of torch: the packages
do not install beside current ones. All sides have the lists as arrays or dictionaries already; nothing is ranked.
"""
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

THREADS = sys.argv[2] if len(sys.argv) > 2 else "2"
os.environ["NUMBA_NUM_THREADS"] = THREADS
os.environ["OMP_NUM_THREADS"] = THREADS
import ranx  # noqa: E402  after its number of threads

USERS, ITEMS = (int(sys.argv[n]) if len(sys.argv) > n else preset for n, preset in ((3, 50000), (4, 10000)))
LENGTH, TARGETS, CUTOFFS, TIMES = 20, 5, [5, 10, 20], 3


def make(folder):
    rng = np.random.default_rng(1)
    lists = np.empty((USERS, LENGTH), np.uint32)
    targets = np.empty((USERS, TARGETS), np.uint32)
    for u in range(USERS):
        items = rng.choice(ITEMS // 20, LENGTH + TARGETS, replace=False) * 20 % ITEMS
        lists[u] = items[:LENGTH]
        hits = rng.integers(0, 4)
        targets[u] = np.sort(np.concatenate([rng.choice(items[:LENGTH], hits, replace=False), items[LENGTH + hits:]]))
    np.save(f"{folder}/lists.npy", lists)
    np.save(f"{folder}/targets.npy", targets)
    np.save(f"{folder}/items.npy", np.array([ITEMS]))
    return lists, targets


def by_ranx(lists, targets):
    qrels = ranx.Qrels.from_dict({str(u): {str(i): 1 for i in targets[u]} for u in range(USERS)})
    run = ranx.Run.from_dict({str(u): {str(i): float(LENGTH - n) for n, i in enumerate(lists[u])} for u in range(USERS)})
    names = {f"{ours}@{k}": f"{theirs}@{k}" for k in CUTOFFS for ours, theirs in
             (("precision", "precision"), ("recall", "recall"), ("hr", "hit_rate"), ("mrr", "mrr"), ("map", "map"),
              ("ndcg", "ndcg"))}

    def call():
        values = ranx.evaluate(qrels, run, list(names.values()), make_comparable=False)
        return {ours: values[theirs] for ours, theirs in names.items()}

    call()
    return call


def by_recbole(lists, targets, batch=512):
    """Collector.eval_batch_collect with the lists as topk_idx, then the metrics' metric_info."""
    def collect():
        parts = []
        for first in range(0, USERS, batch):
            idx, pos = lists[first:first + batch].astype(np.int64), targets[first:first + batch].astype(np.int64)
            matrix = np.zeros((len(idx), ITEMS), np.int32)
            matrix[np.arange(len(idx)).repeat(TARGETS), pos.ravel()] = 1
            parts.append(np.concatenate([np.take_along_axis(matrix, idx, 1), matrix.sum(1, keepdims=True)], 1))
        return np.concatenate(parts)

    def average_precision(pos, n):
        pre = pos.cumsum(axis=1) / np.arange(1, pos.shape[1] + 1)
        sums = np.cumsum(pre * pos.astype(float), axis=1)
        actual = np.where(n > pos.shape[1], pos.shape[1], n)
        result = np.zeros_like(pos, dtype=float)
        for row, lens in enumerate(actual):
            ranges = np.arange(1, pos.shape[1] + 1)
            ranges[lens:] = ranges[lens - 1]
            result[row] = sums[row] / ranges
        return result

    def reciprocal_rank(pos):
        idxs = pos.argmax(axis=1)
        result = np.zeros_like(pos, dtype=float)
        for row, idx in enumerate(idxs):
            result[row, idx:] = 1 / (idx + 1) if pos[row, idx] > 0 else 0
        return result

    def gain(pos, n):
        lens = np.where(n > pos.shape[1], pos.shape[1], n)
        ranks = np.zeros_like(pos, dtype=float)
        ranks[:, :] = np.arange(1, pos.shape[1] + 1)
        ideal = np.cumsum(1.0 / np.log2(ranks + 1), axis=1)
        for row, idx in enumerate(lens):
            ideal[row, idx:] = ideal[row, idx - 1]
        return np.cumsum(np.where(pos, 1.0 / np.log2(ranks + 1), 0), axis=1) / ideal

    def call():
        info = collect()
        pos, n = info[:, :-1], info[:, -1]
        results = {"precision": pos.cumsum(axis=1) / np.arange(1, pos.shape[1] + 1),
                   "recall": np.cumsum(pos, axis=1) / n.reshape(-1, 1), "hr": (np.cumsum(pos, axis=1) > 0).astype(int),
                   "mrr": reciprocal_rank(pos), "map": average_precision(pos, n), "ndcg": gain(pos, n)}
        return {f"{name}@{k}": value.mean(axis=0)[k - 1] for name, value in results.items() for k in CUTOFFS}

    return call


def by_elliot(lists, targets):
    """A pass over all users a metric and cutoff, as its evaluator makes; MAP is another quantity, so it is left out."""
    recommended = {u: [(int(i), float(LENGTH - n)) for n, i in enumerate(row)] for u, row in enumerate(lists)}
    relevant = {u: [int(i) for i in row] for u, row in enumerate(targets)}
    gains = {u: {i: 1 for i in row} for u, row in relevant.items()}

    def hits(u, k):
        return sum([1 for i in recommended[u][:k] if i[0] in relevant[u]])

    def reciprocal(u, k):
        for r, (i, _) in enumerate(recommended[u][:k]):
            if i in relevant[u]:
                return 1 / (r + 1)
        return 0

    def discount(r):
        return 1 / np.log(r + 2) * np.log(2)

    def gain(u, k):
        n = min(len(gains[u]), k)
        ideal = sum(map(lambda g, r: g * discount(r), sorted(gains[u].values()), range(n)))
        dcg = sum([gains[u].get(i, 0) * discount(r) for r, i in enumerate([i for i, _ in recommended[u][:k]]) if r < k])
        return dcg / ideal if dcg > 0 else 0

    metrics = {"precision": lambda u, k: hits(u, k) / k, "recall": lambda u, k: hits(u, k) / len(relevant[u]),
               "hr": lambda u, k: 1 if hits(u, k) > 0 else 0, "mrr": reciprocal, "ndcg": gain}

    def call():
        return {f"{name}@{k}": np.average([of_user(u, k) for u in recommended])
                for k in CUTOFFS for name, of_user in metrics.items()}

    return call


def main():
    with tempfile.TemporaryDirectory() as folder:
        measure(folder, *make(folder))


def run_ours(folder):
    ours = subprocess.run([sys.argv[1], THREADS, folder, "5"], check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in (line.split() for line in ours.stdout.splitlines())}


def measure(folder, lists, targets):
    """Interleaved; the best of as many runs of each."""
    for name, make_call in ((f"ranx {ranx_version()}", by_ranx), ("RecBole, restated", by_recbole),
                            ("Elliot, restated", by_elliot)):
        call, best, seconds = make_call(lists, targets), float("inf"), float("inf")
        for _ in range(TIMES):
            values = run_ours(folder)
            seconds = min(seconds, values["seconds"])
            start = time.perf_counter()
            theirs = call()
            best = min(best, time.perf_counter() - start)
        for metric, value in theirs.items():
            if metric.startswith("map") and name.startswith("ranx") and TARGETS > int(metric.split("@")[1]):
                continue  # divided by |T|, ours by min(k, |T|)
            assert abs(value - values[metric]) < 1e-9, (name, metric, value, values[metric])
        print(f"metrics, {name}  {seconds:.4f}  {best:.4f}  {seconds / best:.4f}")


def ranx_version():
    from importlib.metadata import version
    return version("ranx")


main()
