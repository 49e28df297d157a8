#!/usr/bin/env python3
"""Trains the collaborative models in PyTorch on a Medley store, once a seed, and judges them on its test part.

An independent program with the same equations and settings: what `medley train` reaches over its seeds must lie in the
spread of what this reaches. Not needed to build or test Medley. Versions used: torch 2.15, numpy 2.

    seeds.py STORE SPLIT bprmf|lightgcn|vbpr [key=value ...]

Keys: factors epochs batch rate reg layers init bias features seeds (such as 1,2,3,4,5). Prints a line a seed and the mean
and standard deviation of ndcg@10 and recall@20 over full lists of what training and validation do not hold.
"""
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def part(store, split, name):
    folder = f"{store}/splits/{split}/{name}"
    return (torch.from_numpy(np.load(f"{folder}/user.npy").astype(np.int64)),
            torch.from_numpy(np.load(f"{folder}/item.npy").astype(np.int64)))


class Data:
    def __init__(self, store, split):
        train, val, test = (part(store, split, name) for name in ("train", "val", "test"))
        facts = json.load(open(f"{store}/dataset.json"))
        self.users, self.items = facts["users"], facts["items"]
        code = torch.unique(train[0] * self.items + train[1])  # distinct, sorted
        self.user, self.item, self.code = code // self.items, code % self.items, code
        self.known = torch.cat([train[0], val[0]]), torch.cat([train[1], val[1]])
        self.test = test

    def negatives(self, user, random):
        """Items that the user has not had, drawn evenly."""
        item = torch.randint(self.items, user.shape, generator=random)
        while True:
            code = user * self.items + item
            place = torch.searchsorted(self.code, code).clamp(max=len(self.code) - 1)
            bad = self.code[place] == code
            if not bad.any():
                return item
            item[bad] = torch.randint(self.items, (int(bad.sum()),), generator=random)


class BPRMF(torch.nn.Module):
    def __init__(self, d, o):
        super().__init__()
        self.user, self.item = (torch.nn.Parameter(torch.randn(n, o.factors) * o.init) for n in (d.users, d.items))
        self.bias = torch.nn.Parameter(torch.zeros(d.items)) if o.bias else None
        self.reg = o.reg

    def loss(self, u, i, j):
        p, q, r = self.user[u], self.item[i], self.item[j]
        x, squares = (p * (q - r)).sum(1), (p ** 2).sum() + (q ** 2).sum() + (r ** 2).sum()
        if self.bias is not None:
            b, c = self.bias[i], self.bias[j]
            x, squares = x + b - c, squares + (b ** 2).sum() + (c ** 2).sum()
        return F.softplus(-x).mean() + self.reg / 2 * squares / len(u)

    def scores(self, u):
        s = self.user[u] @ self.item.T
        return s if self.bias is None else s + self.bias


class LightGCN(torch.nn.Module):
    def __init__(self, d, o):
        super().__init__()
        self.users, self.layers, self.reg = d.users, o.layers, o.reg
        self.start = torch.nn.Parameter(torch.randn(d.users + d.items, o.factors) * o.init)
        row, column = torch.cat([d.user, d.item + d.users]), torch.cat([d.item + d.users, d.user])
        degree = torch.bincount(row, minlength=d.users + d.items).clamp(min=1).double()
        value = (degree[row] * degree[column]).rsqrt().float()
        n = d.users + d.items
        self.graph = torch.sparse_coo_tensor(torch.stack([row, column]), value, (n, n)).coalesce().to_sparse_csr()

    def all(self):
        layer, total = self.start, self.start
        for _ in range(self.layers):
            layer = self.graph @ layer
            total = total + layer
        return total / (self.layers + 1)

    def loss(self, u, i, j):
        e, i, j = self.all(), i + self.users, j + self.users
        x = (e[u] * (e[i] - e[j])).sum(1)
        squares = sum((self.start[k] ** 2).sum() for k in (u, i, j))
        return F.softplus(-x).mean() + self.reg / 2 * squares / len(u)

    def scores(self, u):
        e = self.all()
        return e[u] @ e[self.users:].T


class VBPR(torch.nn.Module):
    def __init__(self, d, o):
        super().__init__()
        features = torch.from_numpy(np.load(f"{STORE}/features/{FEATURES}.npy").astype(np.float32))
        lacks = features.isnan().any(1)
        features[lacks] = features[~lacks].mean(0)
        self.features, self.reg = features, o.reg
        self.user, self.item, self.taste = (torch.nn.Parameter(torch.empty(n, o.factors)) for n in (d.users, d.items, d.users))
        self.projection = torch.nn.Linear(features.shape[1], o.factors)
        for w in (self.user, self.item, self.taste, self.projection.weight):
            torch.nn.init.xavier_uniform_(w)

    def loss(self, u, i, j):
        p, t, q, r = self.user[u], self.taste[u], self.item[i], self.item[j]
        e, f = (F.normalize(self.projection(self.features[k])) for k in (i, j))
        x = (p * (q - r)).sum(1) + (t * (e - f)).sum(1)
        return F.softplus(-x).mean() + self.reg / 2 * sum((v ** 2).sum() for v in (p, t, q, r, e, f)) / len(u)

    def scores(self, u):
        return self.user[u] @ self.item.T + self.taste[u] @ F.normalize(self.projection(self.features)).T


@torch.no_grad()
def judge(model, d):
    """ndcg@10 and recall@20, means over users with targets."""
    known, test = d.known[0] * d.items + d.known[1], d.test
    known, users = torch.unique(known), torch.unique(test[0])
    wanted = torch.zeros(d.users, d.items, dtype=torch.bool)
    wanted[test[0], test[1]] = True
    ndcg, recall = [], []
    discount = 1 / torch.log2(torch.arange(2, 12).double())
    for some in users.split(512):
        s = model.scores(some)
        low, high = torch.searchsorted(known, some * d.items), torch.searchsorted(known, (some + 1) * d.items)
        for row in range(len(some)):
            s[row, known[low[row]:high[row]] % d.items] = -torch.inf
        hits = wanted[some].gather(1, s.topk(20).indices).double()
        count = wanted[some].sum(1)
        ideal = discount.cumsum(0)[(count.clamp(max=10) - 1)]
        ndcg.append((hits[:, :10] * discount).sum(1) / ideal)
        recall.append(hits.sum(1) / count)
    return torch.cat(ndcg).mean().item(), torch.cat(recall).mean().item()


def run(kind, d, o, seed):
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    model = kind(d, o)
    optimizer, start = torch.optim.Adam(model.parameters(), lr=o.rate), time.time()
    for _ in range(o.epochs):
        for some in torch.randperm(len(d.user), generator=random).split(o.batch):
            u, i = d.user[some], d.item[some]
            optimizer.zero_grad()
            model.loss(u, i, d.negatives(u, random)).backward()
            optimizer.step()
    seconds = (time.time() - start) / o.epochs
    return (*judge(model, d), seconds)


class Options:
    factors, epochs, batch, rate, reg, layers, init, bias = 64, 20, 1024, 1e-3, 1e-2, 3, 0.1, 1
    features, seeds = "", "1,2,3,4,5"


STORE, SPLIT, NAME = sys.argv[1:4]
options = Options()
for pair in sys.argv[4:]:
    key, value = pair.split("=")
    setattr(options, key, type(getattr(options, key))(value))
FEATURES = options.features
data = Data(STORE, SPLIT)
rows = []
for seed in map(int, options.seeds.split(",")):
    rows.append(run({"bprmf": BPRMF, "lightgcn": LightGCN, "vbpr": VBPR}[NAME], data, options, seed))
    print(f"{NAME} seed {seed} ndcg@10 {rows[-1][0]:.4f} recall@20 {rows[-1][1]:.4f} seconds_an_epoch {rows[-1][2]:.2f}", flush=True)
rows = np.array(rows)
spread = rows.std(0, ddof=1) if len(rows) > 1 else 0 * rows[0]
print(f"{NAME} mean ndcg@10 {rows[:, 0].mean():.4f} sd {spread[0]:.4f} recall@20 {rows[:, 1].mean():.4f} sd {spread[1]:.4f}")
