#!/usr/bin/env python3
"""Records what PyTorch makes of the weights and batches of tests/learner_parity_test.c.

    MEDLEY_RECORD_PARITY=FOLDER build/release/learner_parity_test     # this side's weights and batches
    learners.py FOLDER tests/parity/learners                          # adds scores, losses, gradients, weights after ten steps

The models are written down again here from their papers, in double precision, with PyTorch's optimizers (Adam 0.05).
Versions used: torch 2.15, safetensors 0.6, numpy 2. Not needed to build or test.
"""
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.numpy import save_file

ITEMS, MASK = 18, (1 << 64) - 1


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def uniform(seed, stream, counter):
    golden = 0x9E3779B97F4A7C15
    bits = mix(mix(mix((seed + golden) & MASK) ^ ((stream + golden) & MASK)) ^ ((counter + golden) & MASK))
    return (bits >> 11) * 2.0 ** -53


def features(name, missing):
    """The matrices that the test imports; item 3 is in 'one' alone."""
    seed, length = {"one": (1, 12), "two": (2, 7), "three": (3, 12)}[name]
    rows = [[float(np.float32(f"{2 * uniform(seed, i, j) - 1:.6f}")) for j in range(length)] for i in range(ITEMS)]
    rows = torch.tensor(rows, dtype=torch.float64)
    if seed != 1:
        others = torch.arange(ITEMS) != 3
        rows[3] = rows[others].mean(0) if missing == "mean" else 0
    return rows


class Model(torch.nn.Module):
    def __init__(self, start, o):
        super().__init__()
        self.o = o
        self.w = {n: torch.nn.Parameter(torch.from_numpy(v).double()) for n, v in start.items()}
        self.reg = float(o.get("regularization", self.REG))


class MF(Model):
    REG = 0

    def prepare(self, data):
        self.mean = torch.cat([r for r in data["rating"]]).double().mean()

    def predict(self, u, i):
        r = (self.w["user"][u] * self.w["item"][i]).sum(-1)
        if "user_bias" in self.w:
            r = r + self.mean + self.w["user_bias"][u, 0] + self.w["item_bias"][i, 0]
        return r

    def loss(self, b):
        u, i = b["user"], b["item"]
        squares = sum((w[u if n.startswith("user") else i] ** 2).sum() for n, w in self.w.items())
        return ((self.predict(u, i) - b["rating"]) ** 2).mean() + self.reg * squares / len(u)

    def scores(self):
        u, i = self.w["user"].shape[0], self.w["item"].shape[0]
        return self.predict(torch.arange(u)[:, None], torch.arange(i)[None, :])


class BPRMF(Model):
    REG = 0.01

    def prepare(self, data):
        pass

    def loss(self, b):
        u, i, j = b["user"], b["positive"], b["negative"]
        p, q, r = self.w["user"][u], self.w["item"][i], self.w["item"][j]
        x, squares = (p * q).sum(1) - (p * r).sum(1), sum((v ** 2).sum() for v in (p, q, r))
        if "bias" in self.w:
            x = x + self.w["bias"][i, 0] - self.w["bias"][j, 0]
            squares = squares + (self.w["bias"][i] ** 2).sum() + (self.w["bias"][j] ** 2).sum()
        return -F.logsigmoid(x).mean() + self.reg / 2 * squares / len(u)

    def scores(self):
        s = self.w["user"] @ self.w["item"].T
        return s + self.w["bias"].T if "bias" in self.w else s


class LightGCN(Model):
    REG = 1e-4

    def prepare(self, data):
        length = data["length"]
        self.users, items = len(length), ITEMS
        a = torch.zeros(self.users, items, dtype=torch.float64)
        a[np.repeat(np.arange(self.users), length), data["item"]] = 1
        whole = torch.zeros(self.users + items, self.users + items, dtype=torch.float64)
        whole[:self.users, self.users:], whole[self.users:, :self.users] = a, a.T
        half = whole.sum(1).clamp(min=1) ** -0.5
        self.graph = half[:, None] * whole * half[None, :]

    def all(self):
        layers = [self.w["embedding"]]
        for _ in range(int(self.o["layers"])):
            layers.append(self.graph @ layers[-1])
        return torch.stack(layers).mean(0)

    def loss(self, b):
        e, rows = self.all(), (b["user"], b["positive"] + self.users, b["negative"] + self.users)
        p, q, r = (e[k] for k in rows)
        squares = sum((self.w["embedding"][k] ** 2).sum() for k in rows)
        return -F.logsigmoid((p * (q - r)).sum(1)).mean() + self.reg / 2 * squares / len(p)

    def scores(self):
        e = self.all()
        return e[:self.users] @ e[self.users:].T


class VBPR(Model):
    REG = 1e-5

    def prepare(self, data):
        f = [features(n, self.o.get("missing", "mean")) for n in self.o["features"].split(",")]
        fusion = self.o.get("fusion", "concat")
        if fusion == "concat":
            f = [torch.cat(f, 1)]
        elif fusion in ("sum", "mean"):
            f = [sum(f) / (len(f) if fusion == "mean" else 1)]
        elif fusion == "product":
            f = [torch.stack(f).prod(0)]
        self.f = f

    def project(self, items):
        z = [F.linear(f[items], self.w[f"projection.{k}"], self.w[f"projection_bias.{k}"]) for k, f in enumerate(self.f)]
        if "attention" in self.w:
            a = torch.softmax(torch.cat([torch.tanh(v) @ self.w["attention"] for v in z], 1), 1)
            return F.normalize(sum(a[:, k:k + 1] * v for k, v in enumerate(z)))
        return F.normalize(z[0])

    def loss(self, b):
        u, i, j = b["user"], b["positive"], b["negative"]
        p, t, q, r = self.w["user"][u], self.w["taste"][u], self.w["item"][i], self.w["item"][j]
        e, f = self.project(i), self.project(j)
        x = (p * q).sum(1) + (t * e).sum(1) - (p * r).sum(1) - (t * f).sum(1)
        return F.softplus(-x).mean() + self.reg / 2 * sum((v ** 2).sum() for v in (p, t, q, r, e, f)) / len(u)

    def scores(self):
        return self.w["user"] @ self.w["item"].T + self.w["taste"] @ self.project(torch.arange(ITEMS)).T


KINDS = {"mf": MF, "kmeans_mf": MF, "bprmf": BPRMF, "lightgcn": LightGCN, "vbpr": VBPR}


def lazily(model, optimizer, before):
    """SparseAdam's rule by Adam's own code: rows without gradient, and their moments, stay as they were."""
    for w in model.w.values():
        rest = w.grad.reshape(len(w), -1).abs().sum(1) == 0
        w.data[rest] = before[w][0][rest]
        for key in ("exp_avg", "exp_avg_sq"):
            optimizer.state[w][key][rest] = before[w][1][key][rest]


def record(path, to):
    with safe_open(path, "numpy") as f:
        inputs, facts = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()
    o = dict(line.split("=") for line in facts["settings"].splitlines())
    model = KINDS[facts["model"]]({k[6:]: v for k, v in inputs.items() if k.startswith("start.")}, o)
    matrix = {"rating": [torch.from_numpy(inputs["matrix.rating"])], "item": inputs["matrix.item"].astype(np.int64),
              "length": inputs["matrix.length"].astype(np.int64)}
    model.prepare(matrix)
    out, losses = {}, []
    if facts["model"] != "kmeans_mf":
        out["scores"] = model.scores().detach().numpy()
    optimizer = torch.optim.Adam(model.w.values(), lr=0.05)
    for step in range(10):
        batch = {k.split(".")[0]: torch.from_numpy(v.astype(np.float64 if k.startswith("rating") else np.int64))
                 for k, v in inputs.items() if k.endswith(f".{step}") and k.split(".")[0] in
                 ("user", "item", "rating", "positive", "negative")}
        optimizer.zero_grad()
        loss = model.loss(batch)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            out.update({f"gradient.{n}": w.grad.numpy().copy() for n, w in model.w.items()})
        before = {w: (w.data.clone(), {k: v.clone() if v.dim() else v for k, v in optimizer.state[w].items()} or
                      {k: torch.zeros_like(w) for k in ("exp_avg", "exp_avg_sq")}) for w in model.w.values()}
        optimizer.step()
        if o.get("rows") == "lazy":
            lazily(model, optimizer, before)
    out["losses"] = np.array(losses)
    out.update({f"end.{n}": w.detach().numpy() for n, w in model.w.items()})
    inputs.update({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in out.items()})
    save_file(inputs, to / path.name, facts)


target = pathlib.Path(sys.argv[2])
target.mkdir(parents=True, exist_ok=True)
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.safetensors")):
    record(path, target)
    print(path.name)
