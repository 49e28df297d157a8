"""The fit of implicit's CosineRecommender (K = 100) beside ours, on the same matrix and threads.

    peer_itemknn.py BENCH_ITEMKNN FOLDER [THREADS]

FOLDER holds user.npy and item.npy, as a store's interactions/ does. Prints: name  ours_s  peer_s  ratio.
Needs implicit, numpy and scipy.
"""
import subprocess
import sys
import time
import warnings

import numpy
import scipy.sparse
from implicit.nearest_neighbours import CosineRecommender


def main(bench, folder, threads="2"):
    user, item = (numpy.load(f"{folder}/{name}.npy") for name in ("user", "item"))
    matrix = scipy.sparse.csr_matrix((numpy.ones(len(user)), (user, item)))
    matrix.data[:] = 1  # repeated pairs were added up
    warnings.simplefilter("ignore")  # about a conversion inside implicit
    ours = peer = float("inf")
    for _ in range(5):  # interleaved; the best of as many fits of each
        result = subprocess.run([bench, threads, folder, "1"], check=True, capture_output=True, text=True)
        ours = min(ours, float(result.stdout.split()[-1]))
        model = CosineRecommender(K=100, num_threads=int(threads))
        start = time.perf_counter()
        model.fit(matrix, show_progress=False)
        peer = min(peer, time.perf_counter() - start)
    print(f"itemknn fit, implicit {sys.modules['implicit'].__version__}  {ours:.3f}  {peer:.3f}  {ours / peer:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
