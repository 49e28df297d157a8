#!/usr/bin/env python3
"""Records what scikit-learn's ElasticNet makes of the columns of a small matrix, for src/model/slim_test.c.

    record_slim.py [FILE]      default: tests/parity/slim.tsv

    alpha, l1_ratio, positive (0 or 1), weights [I, I] by rows, joined by commas

The matrix is that of record_ials.py. An item is explained by the others: its own column is set to zero.
"""
import pathlib
import sys

import numpy as np
from sklearn.linear_model import ElasticNet

from record_ials import ITEMS, observed


def weights(x, alpha, l1_ratio, positive):
    w = np.zeros((ITEMS, ITEMS))
    for j in range(ITEMS):
        others = x.copy()
        others[:, j] = 0
        model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, positive=positive, fit_intercept=False, selection="cyclic",
                           max_iter=1_000_000, tol=1e-14)
        w[:, j] = model.fit(others, x[:, j]).coef_
    return w


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "parity" / "slim.tsv"
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    x = observed().astype(np.float64)
    lines = []
    for alpha, l1_ratio, positive in [(0.02, 0.5, True), (0.1, 0.1, True), (0.05, 0.5, False)]:
        values = ",".join(f"{value:.9g}" for value in weights(x, alpha, l1_ratio, positive).ravel())
        lines.append(f"{alpha}\t{l1_ratio}\t{int(positive)}\t{values}\n")
    path.write_text("".join(lines))


if __name__ == "__main__":
    main()
