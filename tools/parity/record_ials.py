#!/usr/bin/env python3
"""Records what implicit's AlternatingLeastSquares makes of a small matrix, for src/model/ials_test.c.

    record_ials.py [FILE]      default: tests/parity/ials.tsv

    solver, what (loss, item, score), values joined by commas

Users have items by chance, from counters, and vectors start from counters: the test makes both again. Both solvers run
for EPOCHS, with losses over all pairs after each; then the vectors of items, and the scores of every user's vector as
recalculate_user solves for it. implicit computes in single precision.
"""
import os
import pathlib
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

from reference_mf import ials_start, random_uniform

USERS, ITEMS, FACTORS, EPOCHS = 40, 30, 8, 5
ALPHA, REGULARIZATION = 5.0, 2.0
DATA_SEED, SEED = 11, 7


def observed():
    return np.array([random_uniform(DATA_SEED, user, np.arange(ITEMS)) < 0.5 / (1 + np.arange(ITEMS) % 5)
                     for user in range(USERS)])


def loss(model, seen):
    x, y = (f.astype(np.float64) for f in (model.user_factors, model.item_factors))
    s = x @ y.T
    return np.where(seen, ALPHA * (1 - s) ** 2, s ** 2).sum() + REGULARIZATION * ((x * x).sum() + (y * y).sum())


def rows():
    seen = observed()
    matrix = sp.csr_matrix(seen.astype(np.float32))
    for solver in ("cholesky", "cg"):
        model = AlternatingLeastSquares(factors=FACTORS, alpha=ALPHA, regularization=REGULARIZATION, iterations=EPOCHS,
                                        use_cg=solver == "cg", num_threads=1)
        model.user_factors, model.item_factors = (
            ials_start(count, FACTORS, 0.1, SEED, stream) for stream, count in enumerate((USERS, ITEMS)))
        losses = []
        model.fit(matrix, show_progress=False, callback=lambda *_: losses.append(loss(model, seen)))
        users = model.recalculate_user(np.arange(USERS), matrix)
        yield solver, "loss", losses
        yield solver, "item", model.item_factors
        yield solver, "score", users.astype(np.float64) @ model.item_factors.T.astype(np.float64)


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "parity" / "ials.tsv"
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    path.write_text("".join(f"{solver}\t{what}\t{','.join(f'{value:.8g}' for value in np.ravel(values))}\n"
                            for solver, what, values in rows()))


if __name__ == "__main__":
    main()
