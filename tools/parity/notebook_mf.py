#!/usr/bin/env python3
"""The MovieLens notebook's matrix factorisation and k-means in PyTorch and scikit-learn, on a Medley store.

Prints the mean loss of each epoch a seed: the curve that `medley train --model mf` must reproduce (history.csv, column
loss). Settings are the notebook's: 20 factors, uniform 0..0.05, Adam 1e-3, batches of 128. Versions used: torch 2.15.

    notebook_mf.py STORE SPLIT [epochs [seeds]]
"""
import json
import sys

import numpy as np
import torch

store, split = sys.argv[1:3]
epochs, seeds = (int(v) for v in (sys.argv[3:] + ["10", "3"][len(sys.argv) - 3:]))
folder = f"{store}/splits/{split}/train"
user, item = (torch.from_numpy(np.load(f"{folder}/{n}.npy").astype(np.int64)) for n in ("user", "item"))
rating = torch.from_numpy(np.load(f"{folder}/rating.npy"))
facts = json.load(open(f"{store}/dataset.json"))
for seed in range(1, seeds + 1):
    torch.manual_seed(seed)
    p, q = torch.nn.Embedding(facts["users"], 20), torch.nn.Embedding(facts["items"], 20)
    p.weight.data.uniform_(0, 0.05)
    q.weight.data.uniform_(0, 0.05)
    adam = torch.optim.Adam([*p.parameters(), *q.parameters()], lr=1e-3)
    curve = []
    for _ in range(epochs):
        total = 0.0
        for some in torch.randperm(len(user)).split(128):
            adam.zero_grad()
            loss = torch.nn.functional.mse_loss((p(user[some]) * q(item[some])).sum(1), rating[some])
            loss.backward()
            adam.step()
            total += loss.item() * len(some)
        curve.append(total / len(user))
    print("seed", seed, " ".join(f"{v:.4f}" for v in curve), flush=True)
