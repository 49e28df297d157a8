"""Epochs of implicit's AlternatingLeastSquares (64 factors, float32) beside ours: the same matrix, loss and threads.

    peer_ials.py BENCH_IALS FOLDER [THREADS [EPOCHS [ALPHA [REGULARIZATION]]]]

FOLDER holds user.npy and item.npy, as a store's interactions/ does. Prints, for implicit's Cholesky and conjugate
gradient against the same solver of ours:

    name  ours_s  peer_s  ratio       of an epoch
    # loss after the last epoch: ours, implicit's; seconds until ours is as low as that

Losses are implicit's, over all pairs, computed here from its factors in double: outside of what is timed. Both start from
the same vectors, so losses agree. Needs implicit, numpy and scipy.
"""
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # implicit asks for it: its threads are its own

import numpy
import scipy.sparse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "parity"))
from reference_mf import ials_start

FACTORS = 64


def loss(model, matrix, alpha, regularization):
    """Sum over observed of alpha (1 - s)^2, over others of s^2, and the penalties."""
    x, y = (f.astype(numpy.float64) for f in (model.user_factors, model.item_factors))
    total = float(((x.T @ x) * (y.T @ y)).sum()) + regularization * float((x * x).sum() + (y * y).sum())
    for first in range(0, matrix.shape[0], 4096):
        part = matrix[first:first + 4096].tocoo()
        s = numpy.einsum("nd,nd->n", x[first + part.row], y[part.col])
        total += float((alpha * (1 - s) ** 2 - s * s).sum())
    return total


def peer(matrix, threads, epochs, alpha, regularization, use_cg):
    from implicit.cpu.als import AlternatingLeastSquares
    model = AlternatingLeastSquares(factors=FACTORS, alpha=alpha, regularization=regularization, use_cg=use_cg,
                                    iterations=epochs, num_threads=threads, random_state=1, dtype=numpy.float32)
    model.user_factors, model.item_factors = (  # ours
        ials_start(rows, FACTORS, 0.1, 1, stream) for stream, rows in enumerate(matrix.shape))
    seconds = []
    model.fit(matrix, show_progress=False, callback=lambda iteration, elapsed, _: seconds.append(elapsed))
    return seconds, loss(model, matrix, alpha, regularization)


def ours(bench, folder, threads, solver, epochs, alpha, regularization):
    done = subprocess.run([bench, str(threads), folder, solver, str(epochs), str(FACTORS), str(alpha),
                           str(regularization)], check=True, capture_output=True, text=True)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    ends, losses = [float(row[1]) for row in rows], [float(row[2]) * (alpha - 1) for row in rows]
    return numpy.diff(ends, prepend=0), ends, losses


def main(bench, folder, threads="2", epochs="10", alpha="10", regularization="5"):
    threads, epochs, alpha, regularization = int(threads), int(epochs), float(alpha), float(regularization)
    user, item = (numpy.load(f"{folder}/{name}.npy") for name in ("user", "item"))
    matrix = scipy.sparse.csr_matrix((numpy.ones(len(user), numpy.float32), (user, item)))
    matrix.data[:] = 1  # repeated pairs were added up
    for solver in ("cholesky", "cg"):
        best_ours = best_peer = float("inf")
        for _ in range(2):  # interleaved
            each, ends, losses = ours(bench, folder, threads, solver, epochs, alpha, regularization)
            seconds, their_loss = peer(matrix, threads, epochs, alpha, regularization, solver == "cg")
            best_ours, best_peer = min(best_ours, float(numpy.median(each))), min(best_peer, float(numpy.median(seconds)))
        reached = next((f"{end:.3f}" for end, value in zip(ends, losses) if value <= their_loss * (1 + 1e-4)), "-")
        name = f"ials {solver}, implicit {sys.modules['implicit'].__version__}"
        print(f"{name}  {best_ours:.4f}  {best_peer:.4f}  {best_ours / best_peer:.3f}")
        print(f"# loss {losses[-1]:.6g}, implicit's {their_loss:.6g} after {sum(seconds):.3f} s; ours is there "
              f"(within 1e-4) after {reached} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
