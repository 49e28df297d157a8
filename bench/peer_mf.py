"""Epochs of matrix factorisation as PyTorch's users write it beside ours: MovieLens ratings, batches of 128, Adam.

    peer_mf.py BENCH_MF FOLDER [THREADS [EPOCHS [RUNS]]]

FOLDER holds user.npy, item.npy and rating.npy, as a store's interactions/ does. Prints, for a loop over a DataLoader and
for one over shuffled index arrays, which has no work but the model's:

    name  ours_s  peer_s  ratio       of an epoch
    # loss of the last epoch: ours, theirs

All three have 20 factors, uniform starts in 0..0.05, no biases, a dense Adam step of 0.001 a batch (rows=exact is ours).
Needs numpy and torch.
"""
import pathlib
import subprocess
import sys
import time

import numpy
import torch

FACTORS, BATCH, RATE = 20, 128, 1e-3


class Ratings(torch.utils.data.Dataset):
    def __init__(self, user, item, rating):
        self.user, self.item, self.rating = (torch.from_numpy(part) for part in (user, item, rating))

    def __len__(self):
        return len(self.rating)

    def __getitem__(self, at):
        return self.user[at], self.item[at], self.rating[at]


class Factors(torch.nn.Module):
    def __init__(self, users, items):
        super().__init__()
        self.user, self.item = torch.nn.Embedding(users, FACTORS), torch.nn.Embedding(items, FACTORS)
        for table in (self.user, self.item):
            torch.nn.init.uniform_(table.weight, 0, 0.05)

    def forward(self, user, item):
        return (self.user(user) * self.item(item)).sum(1)


def shuffled(data):
    order = torch.randperm(len(data))
    for first in range(0, len(data), BATCH):
        at = order[first:first + BATCH]
        yield data.user[at], data.item[at], data.rating[at]


def peer(data, users, items, epochs, batches):
    """Seconds of each epoch, and the last one's loss."""
    torch.manual_seed(1)
    model, measure = Factors(users, items), torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    seconds, loss = [], float("nan")
    for _ in range(epochs):
        start, total = time.perf_counter(), 0.0
        for user, item, rating in batches(data):
            optimizer.zero_grad()
            loss = measure(model(user, item), rating)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rating)
        seconds.append(time.perf_counter() - start)
        loss = total / len(data)
    return float(numpy.median(seconds)), loss


def ours(bench, folder, threads, epochs):
    done = subprocess.run([bench, str(threads), folder, "-", f"factors={FACTORS}", f"epochs={epochs}",
                           f"batch_size={BATCH}", f"learning_rate={RATE}", "optimizer=adam", "rows=exact",
                           "regularization=0", "init=0.05"], check=True, capture_output=True, text=True)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    return float(numpy.median([float(row[1]) for row in rows])), float(rows[-1][2])


def main(bench, folder, threads="2", epochs="3", runs="3"):
    torch.set_num_threads(int(threads))
    user, item, rating = (numpy.load(pathlib.Path(folder) / f"{name}.npy") for name in ("user", "item", "rating"))
    users, items = int(user.max()) + 1, int(item.max()) + 1
    data = Ratings(user.astype(numpy.int64), item.astype(numpy.int64), rating)
    peers = {
        "DataLoader": lambda ratings: torch.utils.data.DataLoader(ratings, batch_size=BATCH, shuffle=True),
        "shuffled indexes": shuffled,
    }
    times = {name: [] for name in ("ours", *peers)}
    losses = {}
    for _ in range(int(runs)):  # interleaved
        seconds, losses["ours"] = ours(bench, folder, threads, epochs)
        times["ours"].append(seconds)
        for name, batches in peers.items():
            seconds, losses[name] = peer(data, users, items, int(epochs), batches)
            times[name].append(seconds)
    best = {name: min(each) for name, each in times.items()}
    for name in peers:
        print(f"mf, torch {torch.__version__.split('+')[0]} {name}  {best['ours']:.4f}  {best[name]:.4f}  "
              f"{best['ours'] / best[name]:.4f}")
        print(f"# loss of epoch {epochs}: {losses['ours']:.4f}, theirs {losses[name]:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
