#!/usr/bin/env python3
"""Runs the program and the reference on real data sets and prints by how much their metrics differ.

    compare.py PROGRAM DATA [--sets ml-100k,...] [--models ease,...] [--ease-items 13000] [--cases]

DATA holds the folders that configs/ names. Every set is prepared and split (seed 1) as configs/ says; every
model is fitted with its defaults (iALS and SLIM: with settings that the reference can afford), with --cases also with
the settings that record.py records, and judged on every task that the set allows. What has no reference, model or
metric, is named as skipped. Exit code 1 when a metric differs by more than 1e-6, unless it is shown why, and the line
says so:

near-ties  Weights are floats rounded from an inverse (EASE), from sums in single precision (iALS) or from a descent
           that ends (SLIM), and two ways to compute them differ in the last bits: so some items score the same or
           not, by chance. A line is "near-ties" only where both hold: no weight differs by more than the bound in
           WEIGHTS, and the reference, given the weights that the program saved, has the program's metrics to 1e-6.
           Both numbers are printed.
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
TOLERANCE = 1e-6
AFFORDABLE = {"ials": ["factors=8", "epochs=2"], "slim": ["tolerance=1e-8", "sweeps=100000"]}
CUTOFFS = [5, 10, 20]
SEED = 1  # of splits
SMALL = 1e7  # pairs of users and items that dense references can hold and solve for
SWEEP = 1e9  # numbers that the reference's SLIM may read in a sweep, of hundreds
NEEDS = {"recent_popularity": "timestamp", "baseline": "rating", "markov": "order"}
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
    """(largest difference, the metric that has it), of the metrics that the reference has"""
    if theirs.keys() - ours.keys():
        sys.exit(f"metrics that the program does not have: {', '.join(sorted(theirs.keys() - ours.keys()))}")
    return max((abs(ours[name] - theirs[name]), name) for name in theirs)


def without_reference(ours, theirs):
    return {name.split("@")[0] for name in ours.keys() - theirs.keys()}


# ---- What the program saved, as the reference's weights or vectors ----

def saved_tensors(run):
    """Of model.safetensors, read by its definition: length of the header, header, data."""
    types = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U32": np.uint32}
    raw = (run / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + length])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(raw[8 + length:], np.uint8)[slice(*entry["data_offsets"])]
            .view(types[entry["dtype"]]).reshape(entry["shape"]) for name, entry in header.items()}


def saved_ease(run):
    return saved_tensors(run)["weights"].astype(np.float64)


def saved_slim(run):
    t = saved_tensors(run)
    items = len(t["weights.start"]) - 1
    return reference.sp.csr_matrix((t["weights.value"].astype(np.float64), t["weights.index"], t["weights.start"]),
                                   shape=(items, items)).toarray()


def saved_ials(run):
    return saved_tensors(run)["items"].astype(np.float64)


def of_one_item(score, items):
    """A linear model's scores for histories of one item are its weights."""
    return np.concatenate([score(reference.sp.identity(items, format="csr")[first:first + 1024])
                           for first in range(0, items, 1024)])


# model -> (what was saved, the same of the reference's score, score given what was saved, bound of their difference)
WEIGHTS = {
    "ease": (saved_ease, of_one_item, lambda saved, parameters: lambda h: h @ saved, 1e-7),
    "slim": (saved_slim, of_one_item, lambda saved, parameters: lambda h: h @ saved, 1e-6),
    "ials": (saved_ials, lambda score, items: score.vectors, reference_mf.ials_score, 1e-4),
}


def explain(model, run, split, score, parameters, judge):
    """The verdict on a difference: whether it is one of weights in their last bits alone."""
    if model not in WEIGHTS:
        return "DIFFERS"
    saved, of_reference, given, bound = WEIGHTS[model]
    weights = saved(run)
    apart = float(np.abs(of_reference(score, split.items) - weights).max())
    left = judge(given(weights, parameters))
    verdict = f"weights differ by {apart:.1e}, and by {left:.1e} the metrics of the same weights"
    return f"{'near-ties' if apart <= bound and left <= TOLERANCE else 'DIFFERS'}: {verdict}"


def compare_model(program, split, folder, name, model, settings):
    """Yields (task, largest difference, its metric, verdict, metrics without a reference)."""
    run = folder / f"{name}-{model}"
    flags = [f"--{key.replace('_', '-')}={value}" for key, _, value in (setting.partition("=") for setting in settings)]
    program("train", "--store", folder / "store", "--split", name, "--model", model, "--run", run, "--force", *flags)
    parameters = reference.model_parameters(model, settings)
    score = reference.MODELS[model](split, parameters, 0)
    for task, mask in TASKS.items():
        if task == "next_item" and not split.ordered:
            continue
        ours = program.metrics(run, task)
        theirs = reference.evaluate(split, score, task, mask, CUTOFFS, 0)
        most, metric = worst(ours, theirs)
        verdict = "ok" if most <= TOLERANCE else explain(
            model, run, split, score, parameters,
            lambda given: worst(ours, reference.evaluate(split, given, task, mask, CUTOFFS, 0))[0])
        yield task, most, metric, verdict, without_reference(ours, theirs)


def cases_of(model, split, more):
    """The settings to fit a model with; those by ratings only where there are some."""
    rated = split.has("rating")
    recorded = [settings for name, settings in record.CASES if more and name == model]
    return [AFFORDABLE.get(model, [])] + [settings for settings in recorded if rated or not any("=rating" in text for text in settings)]


def why_skipped(split, model, ease_items):
    if model not in reference.MODELS:
        return "no reference"
    if model in ("ease", "slim", "ials") and split.items > ease_items:
        return f"{split.items} items, --ease-items is {ease_items}"
    if model in reference_mf.SMALL_DATA and split.items * split.users > SMALL:
        return f"{split.users} users x {split.items} items are too many for the reference"
    if model == "slim":
        train = split.matrix("train")
        work = (train.T @ train).nnz * split.items
        if work > SWEEP:
            return f"{work:.0e} numbers to read in each sweep are too many for the reference"
    if model == "contentknn" and not any(text.strip() for text in split.texts(["title", "text"])):
        return "the items have no texts"
    if model in NEEDS and not (split.ordered if NEEDS[model] == "order" else split.has(NEEDS[model])):
        return f"the data has no {NEEDS[model]}"
    return None


def compare_set(program, data, name, models, ease_items, more, folder):
    """The number of lines that differ, and the metrics without a reference."""
    bad, unknown = 0, set()
    program("prepare", "--config", CONFIGS / name / "prepare.yaml", "--input", data / name, "--store", folder / "store")
    for config in sorted(CONFIGS.joinpath(name).glob("*.yaml")):
        if config.stem == "prepare":
            continue
        program("split", "--config", config, "--store", folder / "store", "--seed", SEED)
        split = reference.Split(folder / "store", config.stem)
        for model in models:
            label = f"{name}\t{config.stem}\t{model}"
            why = why_skipped(split, model, ease_items)
            if why:
                print(f"{label}\t-\t-\t-\tskipped: {why}", flush=True)
                continue
            start = time.monotonic()
            for settings in cases_of(model, split, more):
                for task, most, metric, verdict, alone in compare_model(program, split, folder, config.stem, model,
                                                                        settings):
                    bad += verdict.startswith("DIFFERS")
                    unknown |= alone
                    print(f"{' '.join([label, *settings])}\t{task}\t{most:.1e}\t{metric}\t{verdict}", flush=True)
            print(f"# {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return bad, unknown


def main():
    known = sorted(path.name for path in CONFIGS.iterdir() if (path / "prepare.yaml").exists())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--sets", default=",".join(known), help="default: all of configs/")
    parser.add_argument("--models", help="default: all that the program has")
    parser.add_argument("--ease-items", type=int, default=13000, help="largest catalogue to fit EASE on")
    parser.add_argument("--cases", action="store_true", help="also the settings that record.py records")
    options = parser.parse_args()
    program = Program(options.program.resolve())
    has = [row["name"] for row in program("list", "models")["models"]]
    sets, models = options.sets.split(","), options.models.split(",") if options.models else has
    for unknown in (set(sets) - set(known)) | (set(models) - set(has)):
        parser.error(f"unknown '{unknown}' (sets: {', '.join(known)}; models: {', '.join(has)})")
    bad, alone = 0, set()
    print("set\tsplit\tmodel\ttask\tdifference\tlargest at\tverdict")
    for name in sets:
        with tempfile.TemporaryDirectory(prefix="medley-parity-") as folder:
            differ, unknown = compare_set(program, options.data, name, models, options.ease_items, options.cases,
                                          pathlib.Path(folder))
            bad, alone = bad + differ, alone | unknown
    print(f"# metrics without a reference here, recorded from packages in tests/parity/metrics: "
          f"{', '.join(sorted(alone)) or 'none'}")
    return 1 if bad > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
