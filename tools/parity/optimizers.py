#!/usr/bin/env python3
"""Records what PyTorch's optimizers and schedulers make of small arrays, for src/optim/optimizer_test.c and
src/optim/schedule_test.c.

    optimizers.py [FOLDER]      default: tests/parity

    optimizers.tsv    case, step, the weights after it joined by commas: a vector [7], then a table [5, 3]
                      start, 0: before the first; gradient, step: what every case is given
    schedules.tsv     case, what (rate by step or validation; value: what a plateau was told), values joined by commas

Single precision, on one thread. The sparse case touches the rows that TOUCHED names.
"""
import math
import os
import pathlib
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

VECTOR, ROWS, WIDTH, STEPS, RECORDED = 7, 5, 3, 12, (1, 2, 12)
RATE = 0.01
CASES = {
    "sgd": (torch.optim.SGD, {}),
    "sgd-decay": (torch.optim.SGD, {"weight_decay": 0.1}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "momentum-decay": (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    "adam": (torch.optim.Adam, {}),
    "adam-betas": (torch.optim.Adam, {"betas": (0.8, 0.95), "eps": 1e-3}),
    "adam-decay": (torch.optim.Adam, {"weight_decay": 0.1}),
    "adam-clip": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "adamw-decay": (torch.optim.AdamW, {"weight_decay": 0.3}),
    "adagrad": (torch.optim.Adagrad, {}),
    "adagrad-decay": (torch.optim.Adagrad, {"weight_decay": 0.1}),
    "sparse-adam": (torch.optim.SparseAdam, {}),
}
CLIP = 0.5


def touched(step):
    return [row for row in range(ROWS) if (step + row) % 3 == 0]


def rates(step):
    """The rate changes on the way: a step uses its own."""
    return RATE / (1 + step % 4)


def trajectory(name, start, gradients):
    make, options = CASES[name]
    vector = torch.nn.Parameter(start[:VECTOR].clone())
    table = torch.nn.Parameter(start[VECTOR:].reshape(ROWS, WIDTH).clone())
    sparse = make is torch.optim.SparseAdam
    optimizer = make([table] if sparse else [vector, table], lr=RATE, **options)
    for step in range(1, STEPS + 1):
        optimizer.param_groups[0]["lr"] = rates(step)
        vector.grad = gradients[step][:VECTOR].clone()
        table.grad = gradients[step][VECTOR:].reshape(ROWS, WIDTH).clone()
        if sparse:
            rows = touched(step)
            table.grad = torch.sparse_coo_tensor([rows], table.grad[rows], (ROWS, WIDTH))
        if name == "adam-clip":
            torch.nn.utils.clip_grad_norm_([vector, table], CLIP)
        optimizer.step()
        if step in RECORDED:
            yield step, torch.cat([vector.detach(), table.detach().ravel()])


def schedule(optimizer, scheduler, count, told=None):
    values = []
    for i in range(count):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([told[i]] if told else []))
    return values + [optimizer.param_groups[0]["lr"]]


def schedules():
    schedulers = torch.optim.lr_scheduler

    def fresh():
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)

    o = fresh()
    yield "cosine", "rate", schedule(o, schedulers.CosineAnnealingLR(o, T_max=20, eta_min=0.1), 20)
    o = fresh()
    yield "step", "rate", schedule(o, schedulers.StepLR(o, step_size=3, gamma=0.5), 10)
    o = fresh()
    warm = schedulers.LinearLR(o, start_factor=0.2, total_iters=4)
    yield "warmup", "rate", schedule(o, warm, 8)
    generator = torch.Generator().manual_seed(3)
    for mode, sign in (("min", 1), ("max", -1)):
        told = [sign * (1 + math.exp(-i / 4)) for i in range(40)]
        told = [x * (1 + 0.02 * float(torch.rand(1, generator=generator))) for x in told]
        if mode == "max":
            told = [3 + x for x in told]
        o = fresh()
        plateau = schedulers.ReduceLROnPlateau(o, mode=mode, factor=0.5, patience=2, threshold=0.01, min_lr=0.1)
        yield f"plateau-{mode}", "value", told
        yield f"plateau-{mode}", "rate", schedule(o, plateau, 40, told)[1:]


def text(values):
    return ",".join(f"{float(value):.9g}" for value in values)


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "parity"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    count = VECTOR + ROWS * WIDTH
    start = (0.2 + torch.rand(count, generator=generator)) * torch.tensor([1, -1] * (count // 2))
    gradients = {step: torch.randn(count, generator=generator) for step in range(1, STEPS + 1)}
    lines = [("start", 0, start), *(("gradient", step, g) for step, g in gradients.items())]
    lines += [(name, step, values) for name in CASES for step, values in trajectory(name, start, gradients)]
    (folder / "optimizers.tsv").write_text("".join(f"{a}\t{b}\t{text(c)}\n" for a, b, c in lines))
    (folder / "schedules.tsv").write_text("".join(f"{a}\t{b}\t{text(c)}\n" for a, b, c in schedules()))


if __name__ == "__main__":
    main()
