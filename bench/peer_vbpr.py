"""Steps of VBPR in PyTorch beside ours: same data, threads, batch size and equations, random features.

    peer_vbpr.py make DATA OUT
    peer_vbpr.py BENCH_VBPR STORE/splits/NAME FEATURES [THREADS [STEPS [RUNS]]]

The first makes 4,096 random numbers for each item of the .tsv files of DATA: OUT.npy, and OUT.txt of their ids. FEATURES
are of the store (medley features import). Prints, for products in float and in bfloat16 on our side,

    name  ours_s  peer_s  ratio       of a step, by the clock
    # processor seconds of a step of both, and their ratio, which a loaded machine disturbs less

PyTorch's is the published form: features of positives and negatives gathered, a linear layer, normalised, dense Adam, a
vectorised sampler. Needs numpy and torch.
"""
import os
import pathlib
import subprocess
import sys
import time

import numpy

FACTORS, BATCH, LENGTH = 64, 1024, 4096


def make(data, out):
    ids = sorted({line.split("\t")[1] for name in ("train", "val", "test")
                  for line in pathlib.Path(data, name + ".tsv").read_text().splitlines()})
    numpy.save(out + ".npy", numpy.random.default_rng(1).standard_normal((len(ids), LENGTH), numpy.float32))
    pathlib.Path(out + ".txt").write_text("".join(item + "\n" for item in ids))


class Steps:
    """Mean seconds of a step, by the clock and of all processors; the first ones are not counted."""
    WARM = 3

    def __init__(self, steps):
        self.steps = steps

    def run(self, step):
        for number in range(self.WARM + self.steps):
            if number == self.WARM:
                start = time.perf_counter(), time.process_time()
            step()
        return numpy.array([time.perf_counter() - start[0], time.process_time() - start[1]]) / self.steps


def negatives(torch, user, code, items):
    """Items that the users have not had, drawn evenly; code: user * items + item of all pairs, ascending."""
    item = torch.randint(items, user.shape)
    while True:
        wanted = user * items + item
        bad = code[torch.searchsorted(code, wanted).clamp(max=len(code) - 1)] == wanted
        if not bad.any():
            return item
        item[bad] = torch.randint(items, (int(bad.sum()),))


def sampler(torch, split, users, items, batch):
    user, item = (torch.from_numpy(numpy.load(f"{split}/train/{name}.npy").astype(numpy.int64))
                  for name in ("user", "item"))
    code = torch.unique(user * items + item)
    user, item = code // items, code % items
    order = torch.randperm(len(code))
    at = 0

    def draw():
        nonlocal order, at
        if at >= len(order):
            order, at = torch.randperm(len(code)), 0
        some, at = order[at:at + batch], at + batch
        return user[some], item[some], negatives(torch, user[some], code, items)

    return draw, user, item


def peer(split, features, threads, steps):
    import torch
    import torch.nn.functional as F
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    rows = torch.from_numpy(numpy.load(features).astype(numpy.float32))
    items = len(rows)
    users = 1 + int(numpy.load(f"{split}/train/user.npy").max())
    draw, _, _ = sampler(torch, split, users, items, BATCH)
    gamma_u, gamma_i, theta_u = (torch.nn.Parameter(torch.empty(n, FACTORS)) for n in (users, items, users))
    projection = torch.nn.Linear(rows.shape[1], FACTORS)
    for w in (gamma_u, gamma_i, theta_u, projection.weight):
        torch.nn.init.xavier_uniform_(w)
    optimizer = torch.optim.Adam([gamma_u, gamma_i, theta_u, *projection.parameters()], lr=1e-3)

    def step():
        u, i, j = draw()
        p, t, q, r = gamma_u[u], theta_u[u], gamma_i[i], gamma_i[j]
        e, f = (F.normalize(projection(rows[k])) for k in (i, j))
        x = (p * (q - r)).sum(1) + (t * (e - f)).sum(1)
        squares = sum((v ** 2).sum() for v in (p, t, q, r, e, f))
        loss = F.softplus(-x).mean() + 1e-5 / 2 * squares / len(u)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return Steps(steps).run(step)


def ours(bench, split, threads, steps, settings):
    done = subprocess.run([bench, str(threads), split, str(steps)] + settings, check=True, capture_output=True, text=True)
    return numpy.array([float(number) for number in done.stdout.split("  ")[1:]])


def report(name, own, theirs):
    own, theirs = (numpy.array(side) for side in (own, theirs))
    wall, work = (own.min(0)[k] / theirs.min(0)[k] for k in (0, 1))
    print(f"{name}  {own.min(0)[0]:.6f}  {theirs.min(0)[0]:.6f}  {wall:.3f}")
    print(f"# processor seconds {own.min(0)[1]:.6f}, {theirs.min(0)[1]:.6f}: {work:.3f}", flush=True)


def main(bench, split, features, threads="2", steps="48", runs="3"):
    import torch
    threads, steps = int(threads), int(steps)
    store = split[:split.index("/splits/")]
    sides = {"float": [], "bfloat16": [], "torch": []}
    for _ in range(int(runs)):  # interleaved
        for kind in ("float", "bfloat16"):
            sides[kind].append(ours(bench, split, threads, steps, [
                f"features={features}", f"factors={FACTORS}", f"batch_size={BATCH}", f"mixed_precision={kind != 'float'}".lower()]))
        sides["torch"].append(peer(split, f"{store}/features/{features}.npy", threads, steps // 3))
    for kind in ("float", "bfloat16"):
        report(f"vbpr step in {kind}, PyTorch {torch.__version__.split('+')[0]} in float", sides[kind], sides["torch"])


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    make(*sys.argv[2:]) if sys.argv[1] == "make" else main(*sys.argv[1:])
