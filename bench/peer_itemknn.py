"""The fits of implicit's and irspack's cosine ItemKNN (K = 100) beside ours, on the same matrix and threads.

    peer_itemknn.py BENCH_ITEMKNN FOLDER [THREADS]

FOLDER holds user.npy and item.npy, as a store's interactions/ does. Prints a line a package: name  ours_s  peer_s
ratio. Needs implicit, irspack, numpy and scipy.
"""
import subprocess
import sys
import time
import warnings

import implicit
import irspack
import numpy
import scipy.sparse
from implicit.nearest_neighbours import CosineRecommender
from irspack.recommenders import CosineKNNRecommender

FITS = 5


def matrix_of(folder):
    user, item = (numpy.load(f"{folder}/{name}.npy") for name in ("user", "item"))
    matrix = scipy.sparse.csr_matrix((numpy.ones(len(user)), (user, item)))
    matrix.data[:] = 1  # repeated pairs were added up
    return matrix


def measure(name, bench, folder, threads, peers):
    """peers: name -> fit(). Interleaved; the best of as many fits of each."""
    ours, best = float("inf"), dict.fromkeys(peers, float("inf"))
    warnings.simplefilter("ignore")  # about a conversion inside implicit
    for _ in range(FITS):
        result = subprocess.run([bench, threads, folder, "1"], check=True, capture_output=True, text=True)
        ours = min(ours, float(result.stdout.split()[-1]))
        for peer, fit in peers.items():
            start = time.perf_counter()
            fit()
            best[peer] = min(best[peer], time.perf_counter() - start)
    for peer, seconds in best.items():
        print(f"{name} fit, {peer}  {ours:.3f}  {seconds:.3f}  {ours / seconds:.3f}")


def main(bench, folder, threads="2"):
    matrix = matrix_of(folder)
    measure("itemknn", bench, folder, threads, {
        f"implicit {implicit.__version__}":
            lambda: CosineRecommender(K=100, num_threads=int(threads)).fit(matrix, show_progress=False),
        f"irspack {irspack.__version__}":
            lambda: CosineKNNRecommender(matrix, top_k=100, n_threads=int(threads)).learn(),
    })


if __name__ == "__main__":
    main(*sys.argv[1:])
