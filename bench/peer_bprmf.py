"""Epochs of implicit's BayesianPersonalizedRanking beside ours: same data, threads, number of factors, epochs.

    peer_bprmf.py BENCH_BPRMF SPLIT [THREADS [EPOCHS [RUNS]]]

SPLIT holds train/ and val/, as a store's splits/leave_one_out does. Prints

    name  ours_s  peer_s  ratio       of an epoch: as many triples as training has pairs
    # triples a second of both; ndcg@10 on validation of both after the last epoch

Both have 64 numbers a vector and a bias an item. Settings are each side's best of a small search for ndcg@10 on
validation after these epochs; negatives are verified on both. Needs implicit, numpy and scipy.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # implicit asks for it: its threads are its own

import numpy
import scipy.sparse

FACTORS = 64
OURS = {"batch_size": 32768, "learning_rate": 0.02, "regularization": 0.01}
THEIRS = {"learning_rate": 0.02, "regularization": 0.001}


def load(split, part):
    return tuple(numpy.load(f"{split}/{part}/{name}.npy") for name in ("user", "item"))


def ndcg(user, item, bias, seen, held_out):
    """Mean over users of 1 / log2(1 + rank) of the one item held out, 0 below rank 10."""
    total, count = 0.0, 0
    for first in range(0, len(held_out[0]), 1024):
        users, targets = (part[first:first + 1024] for part in held_out)
        score = user[users] @ item.T + bias
        own = score[numpy.arange(len(users)), targets]
        score[seen[users].nonzero()] = -numpy.inf
        rank = 1 + (score > own[:, None]).sum(1)
        total += float(numpy.where(rank <= 10, 1 / numpy.log2(1.0 + rank), 0).sum())
        count += len(users)
    return total / count


def peer(matrix, threads, epochs, settings):
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    model = BayesianPersonalizedRanking(factors=FACTORS, iterations=epochs, num_threads=threads, random_state=1,
                                        verify_negative_samples=True, **settings)
    seconds = []
    model.fit(matrix, show_progress=False, callback=lambda iteration, elapsed, *_: seconds.append(elapsed))
    return seconds, model.user_factors[:, :FACTORS], model.item_factors[:, :FACTORS], model.item_factors[:, FACTORS]


def ours(bench, split, threads, epochs, settings):
    with tempfile.TemporaryDirectory() as folder:
        chosen = {"factors": FACTORS, "epochs": epochs, **settings}
        done = subprocess.run([bench, str(threads), f"{split}/train", folder] +
                              [f"{name}={value}" for name, value in chosen.items()],
                              check=True, capture_output=True, text=True)
        tensors = [numpy.load(f"{folder}/{name}.npy") for name in ("user", "item", "bias")]
    return [float(line.split()[1]) for line in done.stdout.splitlines()[1:]], *tensors


def widened(tensor, rows):
    """Items that training has not seen score like zeros."""
    return numpy.concatenate([tensor, numpy.zeros((rows - len(tensor), *tensor.shape[1:]), tensor.dtype)])


def main(bench, split, threads="2", epochs="20", runs="3"):
    train, held_out = load(split, "train"), load(split, "val")
    items = 1 + max(train[1].max(), held_out[1].max())
    matrix = scipy.sparse.csr_matrix((numpy.ones(len(train[0]), numpy.float32), train))
    seen = scipy.sparse.csr_matrix((numpy.ones(len(train[0]), bool), train), shape=(1 + train[0].max(), items))
    matrix.data[:] = 1  # repeated pairs were added up
    sides = {"ours": [], "implicit": []}
    quality = {}
    for _ in range(int(runs)):  # interleaved
        for name, fitted in (("ours", ours(bench, split, threads, int(epochs), OURS)),
                             ("implicit", peer(matrix, int(threads), int(epochs), THEIRS))):
            seconds, user, item, bias = fitted
            sides[name].append(float(numpy.median(seconds)))
            quality[name] = ndcg(user, widened(item, items), widened(bias, items), seen, held_out)
    best = {name: min(seconds) for name, seconds in sides.items()}
    print(f"bprmf, implicit {sys.modules['implicit'].__version__}  {best['ours']:.4f}  {best['implicit']:.4f}  "
          f"{best['ours'] / best['implicit']:.3f}")
    print("# " + "; ".join(f"{name}: {matrix.nnz / best[name] / 1e6:.2f} million triples/s, ndcg@10 {quality[name]:.4f}"
                           for name in sides) + f" after {epochs} epochs")


if __name__ == "__main__":
    main(*sys.argv[1:])
