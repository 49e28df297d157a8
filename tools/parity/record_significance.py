#!/usr/bin/env python3
"""Records what SciPy says of paired values and of families of p values, for src/eval/significance_test.c.

    record_significance.py [FILE]      default: tests/parity/significance.tsv

    pairs   name, a, b, t, its p, Cohen's d, Wilcoxon's smaller rank sum, its p, exact (0 or 1),
            percentile bootstrap of the mean of a - b at 95 %: low, high
    family  name, p values, Holm's, Benjamini and Hochberg's

Lists are joined by commas. "formula:N" stands for a_i = ((7919 i) mod 1000) / 1000, b_i = 0.497, i = 0..N-1.
SciPy's Wilcoxon is asked for the method that the program documents; its own "auto" is the same but for small
samples with ties or zeros. It has no Holm: that one is restated here from its definition.
"""
import pathlib
import sys

import numpy as np
from scipy import stats

RESAMPLES = 100_000


def text(value):
    return value if isinstance(value, str) else ",".join(repr(float(x)) for x in np.atleast_1d(value))


def pairs(name, a, b, a_text=None, b_text=None):
    d = a - b
    exact = len(d) <= 50 and np.all(d != 0) and len(np.unique(np.abs(d))) == len(d)
    t = stats.ttest_rel(a, b)
    w = stats.wilcoxon(a, b, zero_method="wilcox", correction=False, method="exact" if exact else "asymptotic")
    low, high = np.nan, np.nan
    if 20 <= len(d) <= 1000:
        low, high = stats.bootstrap((d,), np.mean, n_resamples=RESAMPLES, batch=1000, method="percentile",
                                    rng=np.random.default_rng(1)).confidence_interval
    return ["pairs", name, a_text or text(a), b_text or text(b), text(t.statistic), text(t.pvalue),
            text(np.mean(d) / np.std(d, ddof=1)), text(w.statistic), text(w.pvalue), str(int(exact)), text(low), text(high)]


def holm(p):
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(np.minimum(1, (len(p) - np.arange(len(p))) * p[order]))
    return adjusted


def family(name, p):
    p = np.array(p)
    return ["family", name, text(p), text(holm(p)), text(stats.false_discovery_control(p, method="bh"))]


def rows():
    random = np.random.default_rng(7)
    yield pairs("two", np.array([0.5, 0.25]), np.array([0.125, 0.0]))
    yield pairs("five", random.random(5), random.random(5))
    yield pairs("twelve", random.random(12) + 0.3, random.random(12))
    yield pairs("far apart", random.random(30) + 3, random.random(30))
    yield pairs("fifty", random.random(50), random.random(50))
    yield pairs("fifty-one", random.random(51) + 0.1, random.random(51))
    # Hit rates: zeros, and ties of size one.
    yield pairs("hits", (random.random(120) < 0.4).astype(float), (random.random(120) < 0.3).astype(float))
    yield pairs("quarters", np.round(random.random(40) * 4) / 4, np.round(random.random(40) * 4) / 4)
    yield pairs("nearly equal", *(lambda a: (a, a + 1e-9 * random.standard_normal(60)))(random.random(60)))
    n = 200_000
    yield pairs("many", np.arange(n) * 7919 % 1000 / 1000, np.full(n, 0.497), f"formula:{n}", "-")
    yield family("one", [0.03])
    yield family("textbook", [0.01, 0.04, 0.03, 0.005])
    yield family("ties and ends", [0.5, 0, 1, 0.02, 0.02, 0.5, 1e-300])
    yield family("thirty", random.random(30) ** 3)


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "parity" / "significance.tsv"
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    path.write_text("".join("\t".join(row) + "\n" for row in rows()))


if __name__ == "__main__":
    main()
