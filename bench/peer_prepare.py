#!/usr/bin/env python3
"""What `medley prepare` does to ratings.csv, by polars and pandas.

    peer_prepare.py FILE THREADS [JOB...]

Prints name, seconds and peak memory in MiB between tabs. Each job has a process of its own, so that peaks are its
own; the time is that of the work, without starting Python and importing.

    polars read   read_csv, nothing else
    polars        read, number users and items, sort by (user, time), write columns without compression
    pandas        the same
"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time


def polars_read(path, folder):
    import polars
    yield
    polars.read_csv(path)


def polars_whole(path, folder):
    import polars as pl
    yield
    table = pl.read_csv(path)
    for column, name in (("userId", "user"), ("movieId", "item")):
        ids = table.select(pl.col(column).unique(maintain_order=True)).with_row_index(name)
        table = table.join(ids, on=column, how="left", maintain_order="left").drop(column)
    table = table.sort("user", "timestamp", maintain_order=True)
    table.select("user", "item", pl.col("rating").cast(pl.Float32), "timestamp").write_ipc(
        folder / "interactions.arrow", compression="uncompressed")


def pandas_whole(path, folder):
    import numpy
    import pandas
    yield
    table = pandas.read_csv(path)
    for column, name in (("userId", "user"), ("movieId", "item")):
        table[name] = pandas.factorize(table.pop(column))[0].astype(numpy.uint32)
    table = table.sort_values(["user", "timestamp"], kind="stable")
    for name, kind in (("user", "uint32"), ("item", "uint32"), ("rating", "float32"), ("timestamp", "int64")):
        numpy.save(folder / f"{name}.npy", table[name].to_numpy(kind))


JOBS = {"polars read": polars_read, "polars": polars_whole, "pandas": pandas_whole}


def run(job, path):
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        steps = JOBS[job](path, pathlib.Path(folder))
        next(steps)  # imports
        start = time.monotonic()
        next(steps, None)
        seconds = time.monotonic() - start
    print(f"{job}\t{seconds:.3f}\t{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}", flush=True)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    path, threads, jobs = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:] or list(JOBS)
    if os.environ.get("PEER_CHILD"):
        return run(jobs[0], path)
    for job in jobs:
        environment = {**os.environ, "PEER_CHILD": "1", "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads}
        subprocess.run([sys.executable, __file__, path, threads, job], env=environment, check=True)


if __name__ == "__main__":
    main()
