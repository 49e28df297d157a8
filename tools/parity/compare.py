#!/usr/bin/env python3
"""Runs the program and the reference on real data sets and prints by how much their metrics differ.

    compare.py PROGRAM DATA [--sets ml-100k,...] [--models ease,...] [--ease-items 13000] [--cases]

DATA holds the folders that configs/ names. Every set is prepared and split (seed 1) as configs/ says; every
model is fitted with its defaults, with --cases also with the settings that record.py records, and judged on every
task that the set allows. Exit code 1 when a metric differs
by more than 1e-6, unless it is shown why, and the line says so:

near-ties  EASE's weights are floats rounded from an inverse, and two ways to invert differ in the last bits: so
           items with the same users score the same or not, by chance. A line is "near-ties" only where both
           hold: no weight differs by more than 1e-7, and the reference, given the weights that the program
           saved, has the program's metrics to 1e-6. Both numbers are printed.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import record
import reference
import reference_mf

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
TOLERANCE, WEIGHT_TOLERANCE = 1e-6, 1e-7
CUTOFFS = [5, 10, 20]
SEED = 1  # of splits
TASKS = {"retrieval": True, "next_item": False}  # and whether known items are masked


class Program:
    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments):
        done = subprocess.run([self.path, *map(str, arguments), "--quiet", "--json"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{arguments[0]}: exit code {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def metrics(self, run, task):
        report = self("evaluate", "--run", run, "--task", task, "--cutoffs", ",".join(map(str, CUTOFFS)))
        return {f"{row['metric']}{column}": value
                for row in report["metrics"] for column, value in row.items() if column != "metric"}


def worst(ours, theirs):
    """(largest difference, the metric that has it)"""
    if ours.keys() != theirs.keys():
        sys.exit(f"metrics of only one of the two: {', '.join(sorted(ours.keys() ^ theirs.keys()))}")
    return max((abs(ours[name] - theirs[name]), name) for name in ours)


def saved_weights(run):
    """The tensor "weights" of model.safetensors, read by its definition: length of the header, header, data."""
    raw = (run / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    entry = json.loads(raw[8:8 + length])["weights"]
    first, end = entry["data_offsets"]
    return np.frombuffer(raw[8 + length + first:8 + length + end], np.float32).reshape(entry["shape"])


def weight_difference(ours, score):
    """Blocks of rows of the reference's weights are its scores for histories of one item."""
    most = 0.0
    for first in range(0, len(ours), 1024):
        rows = slice(first, min(first + 1024, len(ours)))
        one_item = reference.sp.identity(len(ours), format="csr")[rows]
        most = max(most, float(np.abs(score(one_item) - ours[rows]).max()))
    return most


def compare_model(program, split, folder, name, model, settings):
    """Yields (task, largest difference, its metric, verdict)."""
    run = folder / f"{name}-{model}"
    flags = [f"--{key.replace('_', '-')}={value}" for key, _, value in (setting.partition("=") for setting in settings)]
    program("train", "--store", folder / "store", "--split", name, "--model", model, "--run", run, "--force", *flags)
    score = reference.MODELS[model](split, reference.model_parameters(model, settings), 0)
    ordered = json.loads((folder / "store" / "dataset.json").read_text())["ordered"]
    for task, mask in TASKS.items():
        if task == "next_item" and not ordered:
            continue
        ours = program.metrics(run, task)
        most, metric = worst(ours, reference.evaluate(split, score, task, mask, CUTOFFS, 0))
        verdict = "ok" if most <= TOLERANCE else "DIFFERS"
        if model == "ease" and most > TOLERANCE:
            weights = saved_weights(run)
            apart = weight_difference(weights, score)
            exact = weights.astype(np.float64)
            left, _ = worst(ours, reference.evaluate(split, lambda h: h @ exact, task, mask, CUTOFFS, 0))
            verdict = f"weights differ by {apart:.1e}, and by {left:.1e} the metrics of the same weights"
            explained = apart <= WEIGHT_TOLERANCE and left <= TOLERANCE
            verdict = f"{'near-ties' if explained else 'DIFFERS'}: {verdict}"
        yield task, most, metric, verdict


def cases_of(model, split, more):
    """The settings to fit a model with; those by ratings only where there are some."""
    rated = (split.folder / "train" / "rating.npy").exists()
    recorded = [settings for name, settings in record.CASES if more and name == model]
    return [[]] + [settings for settings in recorded if rated or not any("=rating" in text for text in settings)]


def compare_set(program, data, name, models, ease_items, more, folder):
    """The number of lines that differ."""
    bad = 0
    program("prepare", "--config", CONFIGS / name / "prepare.yaml", "--input", data / name, "--store", folder / "store")
    for config in sorted(CONFIGS.joinpath(name).glob("*.yaml")):
        if config.stem == "prepare":
            continue
        program("split", "--config", config, "--store", folder / "store", "--seed", SEED)
        split = reference.Split(folder / "store", config.stem)
        for model in models:
            label = f"{name}\t{config.stem}\t{model}"
            if model == "ease" and split.items > ease_items:
                print(f"{label}\t-\t-\t-\tskipped: {split.items} items, --ease-items is {ease_items}", flush=True)
                continue
            if model == "contentknn" and not any(text.strip() for text in split.texts(["title", "text"])):
                print(f"{label}\t-\t-\t-\tskipped: the items have no texts", flush=True)
                continue
            start = time.monotonic()
            for settings in cases_of(model, split, more):
                for task, most, metric, verdict in compare_model(program, split, folder, config.stem, model, settings):
                    bad += verdict.startswith("DIFFERS")
                    print(f"{' '.join([label, *settings])}\t{task}\t{most:.1e}\t{metric}\t{verdict}", flush=True)
            print(f"# {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return bad


def main():
    known = sorted(path.name for path in CONFIGS.iterdir() if (path / "prepare.yaml").exists())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--sets", default=",".join(known), help="default: all of configs/")
    parser.add_argument("--models", default=",".join(m for m in reference.MODELS if m not in reference_mf.SMALL_DATA))
    parser.add_argument("--ease-items", type=int, default=13000, help="largest catalogue to fit EASE on")
    parser.add_argument("--cases", action="store_true", help="also the settings that record.py records")
    options = parser.parse_args()
    sets, models = options.sets.split(","), options.models.split(",")
    for unknown in (set(sets) - set(known)) | (set(models) - set(reference.MODELS)):
        parser.error(f"unknown '{unknown}' (sets: {', '.join(known)}; models: {', '.join(reference.MODELS)})")
    bad = 0
    print("set\tsplit\tmodel\ttask\tdifference\tlargest at\tverdict")
    for name in sets:
        with tempfile.TemporaryDirectory(prefix="medley-parity-") as folder:
            bad += compare_set(Program(options.program.resolve()), options.data, name, models, options.ease_items,
                               options.cases, pathlib.Path(folder))
    return 1 if bad > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
