"""Steps of LightGCN in PyTorch beside ours: same data, threads, batch size and equations.

    peer_lightgcn.py BENCH_LIGHTGCN STORE/splits/NAME [THREADS [BATCH [STEPS [RUNS]]]]

Prints, for PyTorch's products with a matrix of coordinates, as its authors' program (LightGCN-PyTorch) has it, and of
compressed rows,

    name  ours_s  peer_s  ratio       of a step, by the clock
    # processor seconds of a step of both, and their ratio, which a loaded machine disturbs less

64 numbers a vector, 3 layers, dense Adam, a vectorised sampler on both. Needs numpy and torch.
"""
import os
import sys

import numpy

from peer_vbpr import FACTORS, Steps, ours, report, sampler

LAYERS = 3


def peer(split, threads, batch, steps, compressed):
    import torch
    import torch.nn.functional as F
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    users, items = (1 + int(numpy.load(f"{split}/train/{name}.npy").max()) for name in ("user", "item"))
    draw, user, item = sampler(torch, split, users, items, batch)
    n = users + items
    row, column = torch.cat([user, item + users]), torch.cat([item + users, user])
    degree = torch.bincount(row, minlength=n).clamp(min=1).double()
    value = (degree[row] * degree[column]).rsqrt().float()
    graph = torch.sparse_coo_tensor(torch.stack([row, column]), value, (n, n)).coalesce()
    if compressed:
        graph = graph.to_sparse_csr()
    start = torch.nn.Parameter(torch.randn(n, FACTORS) * 0.1)
    optimizer = torch.optim.Adam([start], lr=1e-3)

    def step():
        u, i, j = draw()
        i, j = i + users, j + users
        layers = [start]
        for _ in range(LAYERS):
            layers.append(torch.sparse.mm(graph, layers[-1]))
        e = torch.mean(torch.stack(layers, dim=1), dim=1)
        x = (e[u] * e[i]).sum(1) - (e[u] * e[j]).sum(1)
        squares = sum(start[k].norm(2).pow(2) for k in (u, i, j))
        loss = F.softplus(-x).mean() + 1e-4 / 2 * squares / len(u)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return Steps(steps).run(step)


def main(bench, split, threads="2", batch="2048", steps="16", runs="2"):
    import torch
    threads, batch, steps = int(threads), int(batch), int(steps)
    own, theirs = [], {"coordinates": [], "compressed rows": []}
    for _ in range(int(runs)):  # interleaved
        own.append(ours(bench, split, threads, steps, [f"factors={FACTORS}", f"layers={LAYERS}", f"batch_size={batch}"]))
        for kind in theirs:
            theirs[kind].append(peer(split, threads, batch, max(3, steps // 4), kind != "coordinates"))
    for kind in theirs:
        report(f"lightgcn step of {batch}, PyTorch {torch.__version__.split('+')[0]}, {kind}", own, theirs[kind])


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main(*sys.argv[1:])
