"""The fits of other RP3beta (K = 100, alpha = 1, beta = 0.6) beside ours, on the same matrix and threads.

    peer_rp3beta.py BENCH_RP3BETA FOLDER [THREADS]

The peers: irspack, whose kernel is C++, and the block loop over SciPy products of Ferrari Dacrema et al.'s evaluation
code (RecSys 2019), which Elliot has too, with the partition of NumPy for its sort. Both are first checked against
each other. Prints a line a peer: name  ours_s  peer_s  ratio. Needs what peer_itemknn.py needs.
"""
import sys

import irspack
import numpy
import scipy
import scipy.sparse
from irspack.recommenders import RP3betaRecommender

from peer_itemknn import matrix_of, measure

NEIGHBOURS, BETA, BLOCK = 100, 0.6, 200


def steps(matrix):
    sums = numpy.asarray(matrix.sum(axis=1)).ravel()
    return scipy.sparse.diags(1 / numpy.maximum(sums, 1)) @ matrix


def by_scipy(matrix, neighbours=NEIGHBOURS):
    from_user, from_item = steps(matrix).tocsr(), steps(matrix.T.tocsr()).tocsr()
    degree = numpy.asarray(matrix.sum(axis=0)).ravel()
    penalty = numpy.where(degree > 0, numpy.maximum(degree, 1) ** -BETA, 0)
    rows, columns, values = [], [], []
    items = matrix.shape[1]
    for first in range(0, items, BLOCK):
        block = (from_item[first:first + BLOCK] @ from_user).toarray() * penalty
        numpy.fill_diagonal(block[:, first:], 0)
        kept = numpy.argpartition(-block, min(neighbours, items - 1), axis=1)[:, :neighbours]
        found = numpy.take_along_axis(block, kept, axis=1)
        row, place = found.nonzero()
        rows.append(row + first)
        columns.append(kept[row, place])
        values.append(found[row, place])
    entries = (numpy.concatenate(values), (numpy.concatenate(rows), numpy.concatenate(columns)))
    return scipy.sparse.csr_matrix(entries, shape=(items, items))


def by_irspack(matrix, threads, neighbours=NEIGHBOURS):
    model = RP3betaRecommender(matrix, alpha=1, beta=BETA, top_k=neighbours, n_threads=threads)
    return model.learn()


def check(matrix):
    """irspack keeps items by target: all of them are kept to compare."""
    part = matrix[:, :1000].tocsr()
    theirs, plain = by_irspack(part, 1, part.shape[1]).W, by_scipy(part, part.shape[1])
    apart = abs(scipy.sparse.csr_matrix(theirs) - plain)
    apart.setdiag(0)
    if apart.max() > 1e-6 * plain.max():
        sys.exit(f"irspack and SciPy differ by {apart.max():g}")


def main(bench, folder, threads="2"):
    matrix = matrix_of(folder)
    check(matrix)
    measure("rp3beta", bench, folder, threads, {
        f"irspack {irspack.__version__}": lambda: by_irspack(matrix, int(threads)),
        f"SciPy {scipy.__version__}": lambda: by_scipy(matrix),
    })


if __name__ == "__main__":
    main(*sys.argv[1:])
