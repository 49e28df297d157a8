#!/usr/bin/env python3
"""Is the reference's idea of neighbours that of the packages? Compares it with implicit and scikit-learn.

    check_neighbours.py         made-up matrices; prints the largest difference of each, of implicit
                                in proportion; exit code 1 above 1e-6

implicit keeps an item among its own neighbours, and so is asked for one more; its sums are doubles.
"""
import sys
import warnings

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from sklearn.metrics.pairwise import cosine_similarity, pairwise_distances

import reference

USERS, ITEMS, NEIGHBOURS = 300, 200, 10


def made_up():
    draw = np.random.default_rng(1)
    there = draw.random((USERS, ITEMS)) < 0.3 * draw.random(ITEMS) ** 2
    return sp.csr_matrix(there * draw.integers(1, 11, (USERS, ITEMS)) / 2.0)


def similarities(x, neighbours=NEIGHBOURS, **changed):
    """[I, I] of the reference."""
    parameters = {**reference.NEIGHBOURS, "neighbours": neighbours, **changed}
    items = x.T.tocsr()
    items = reference.weighting(items, parameters)(items)
    return reference.nearest(items, items, parameters, 0, range(x.shape[1]), range(x.shape[1])).toarray()


def implicits(model, x):
    model.fit(x, show_progress=False)
    kept = model.similarity.tolil()
    kept.setdiag(0)
    return kept.toarray()


def of_both(theirs, ours):
    """Where both keep a neighbour: which of equal ones are kept is a matter of chance."""
    both = (theirs > 0) & (ours > 0)
    assert both.sum() > 0.95 * (ours > 0).sum()
    return (np.abs(theirs - ours)[both] / ours[both]).max()


def positive_others(matrix, rows):
    """scikit-learn takes two rows without anything for equal."""
    someone = rows.any(axis=1)
    matrix = np.where((matrix > 0) & someone & someone[:, None], matrix, 0)
    np.fill_diagonal(matrix, 0)
    return matrix


def centred(x, axis):
    """Less the mean of what is there."""
    there = (x != 0)
    return np.where(there, x - x.sum(axis=axis, keepdims=True) / np.maximum(there.sum(axis=axis, keepdims=True), 1), 0)


def main():
    warnings.simplefilter("ignore")
    ratings = made_up()
    ones = (ratings > 0).astype(np.float64)
    rows = ratings.toarray().T  # of items
    everyone = {"neighbours": ITEMS}
    checks = {
        "implicit CosineRecommender": of_both(implicits(CosineRecommender(NEIGHBOURS + 1), ones), similarities(ones)),
        "implicit CosineRecommender, ratings": of_both(implicits(CosineRecommender(NEIGHBOURS + 1), ratings),
                                                       similarities(ratings)),
        "implicit TFIDFRecommender": of_both(implicits(TFIDFRecommender(NEIGHBOURS + 1), ratings),
                                             similarities(ratings, weighting="tfidf")),
        "implicit BM25Recommender": of_both(implicits(BM25Recommender(NEIGHBOURS + 1, K1=1.2, B=0.75), ratings),
                                            similarities(ratings, weighting="bm25", similarity="dot", k1=1.2, b=0.75)),
        "scikit-learn cosine": np.abs(positive_others(cosine_similarity(rows), rows) -
                                      similarities(ratings, **everyone)).max(),
        "scikit-learn jaccard": np.abs(positive_others(1 - pairwise_distances(rows > 0, metric="jaccard"), rows) -
                                       similarities(ones, similarity="jaccard", **everyone)).max(),
        "scikit-learn dice": np.abs(positive_others(1 - pairwise_distances(rows > 0, metric="dice"), rows) -
                                    similarities(ones, similarity="dice", **everyone)).max(),
        "scikit-learn cosine, users' means taken": np.abs(
            positive_others(cosine_similarity(centred(rows, 0)), rows) -
            similarities(ratings, similarity="adjusted_cosine", **everyone)).max(),
        "scikit-learn cosine, items' means taken": np.abs(
            positive_others(cosine_similarity(centred(rows, 1)), rows) -
            similarities(ratings, similarity="pearson", **everyone)).max(),
    }
    for name, apart in checks.items():
        print(f"{name}\t{apart:.1e}\t{'ok' if apart <= 1e-6 else 'DIFFERS'}")
    return 0 if max(checks.values()) <= 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
