"""Forward and backward of every op beside PyTorch in eager mode: same shapes, threads and minute, sides alternating.

    peer_ops.py [--processor] BENCH_OPS [THREADS [SECONDS [ROUNDS [CASES]]]]

CASES: a regular expression. --processor: processor time instead of the wall clock, for a machine that is busy with
other work. Prints a Markdown table: median milliseconds of both, the ratio of the peer's to ours (higher is better), and
what share of our time the floor is: bytes that must move over the speed of a copy, or operations over that of a product,
both measured in the same run.
Exit code 1 when a ratio is below its bound.

The peer has its best settings: fused optimizers, sparse gradients of tables, products by the matrix A and by its transpose
made beforehand instead of autograd's, scaled_dot_product_attention. Needs torch.
"""
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # both sides: a spinning thread takes the other side's processor

import torch
import torch.nn.functional as F

PADDED = 40
LEAST, MEDIAN, TWICE = 0.9, 1.5, re.compile(r"attention|gather_adam|catalogue_cross_entropy")
POSITIVE = {"div", "log", "sqrt"}


def below(count, n):
    return torch.randint(0, n, (count,))


def variable(shape, positive=False):
    u = torch.rand(shape)
    return (u + 0.5 if positive else 2 * u - 1).requires_grad_()


def table(shape):
    return torch.empty(shape).normal_(0, 0.1).requires_grad_()


def by_gradient(build, variables):
    """A step: forward, then backward from a given gradient into the .grad of each variable, an array of its own; of a
    table, the sums of distinct rows, as ours are."""
    grad = torch.full_like(build().detach(), 1e-3)

    def step():
        for x in variables:
            x.grad = None
        build().backward(grad)
        for x in variables:
            if x.grad.is_sparse:
                x.grad = x.grad.coalesce()
    return step


def of(function, variables):
    """Maker of steps of an op of its first `variables` shapes."""
    def make(name, shapes):
        x = [variable(shape, name in POSITIVE) for shape in shapes[:variables]]
        return by_gradient(lambda: function(*x), x)
    return make


def gather(_, shapes):
    p, row = table(shapes[0]), below(shapes[1][0], shapes[0][0])
    return by_gradient(lambda: F.embedding(row, p, sparse=True), [p])


def gather_adam(_, shapes):
    embedding = torch.nn.Embedding(*shapes[0], sparse=True)
    row, grad = below(shapes[1][0], shapes[0][0]), torch.full((shapes[1][0], shapes[0][1]), 1e-3)
    optimizer = torch.optim.SparseAdam(embedding.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        embedding(row).backward(grad)
        optimizer.step()
    return step


def bag_mean(_, shapes):
    p, bags = table(shapes[0]), shapes[1][0]
    row, start = below(20 * bags, shapes[0][0]), torch.arange(0, 20 * bags, 20)
    return by_gradient(lambda: F.embedding_bag(row, p, start, mode="mean", sparse=True), [p])


def gather_dot(_, shapes):
    p, q = table(shapes[0]), table(shapes[1])
    a, c = (below(shapes[2][0], min(shapes[0][0], shapes[1][0])) for _ in range(2))
    return by_gradient(lambda: (F.embedding(a, p, sparse=True) * F.embedding(c, q, sparse=True)).sum(1), [p, q])


def rows_square(_, shapes):
    p, row = table(shapes[0]), below(shapes[1][0], shapes[0][0])
    return by_gradient(lambda: F.embedding(row, p, sparse=True).square().sum(), [p])


def select(_, shapes):
    x, row = variable(shapes[0]), below(shapes[1][0], shapes[0][0])
    return by_gradient(lambda: x.index_select(0, row), [x])


def linear_rows(_, shapes):
    w, b, features = variable(shapes[0]), variable(shapes[1]), torch.rand(shapes[2])
    row = below(shapes[3][0], shapes[2][0])
    return by_gradient(lambda: F.linear(features.index_select(0, row), w, b), [w, b])


def mlp_bf16(_, shapes):
    x = [variable(shape) for shape in shapes]

    def forward():
        with torch.autocast("cpu", torch.bfloat16):
            return F.linear(F.linear(x[0], x[1]), x[2])
    return by_gradient(forward, x)


def spmm(_, shapes):
    n, each = shapes[0][0], 170
    index = torch.stack([torch.arange(n).repeat_interleave(each), below(n * each, n)])
    coo = torch.sparse_coo_tensor(index, torch.rand(n * each), (n, n)).coalesce()
    a, transposed, x = coo.to_sparse_csr(), coo.t().coalesce().to_sparse_csr(), torch.rand(shapes[0])
    return lambda: (a @ x, transposed @ x)


def pairwise_dots(_, shapes):
    x = variable(shapes[0])
    i, j = torch.tril_indices(shapes[0][1], shapes[0][1], -1)
    return by_gradient(lambda: torch.bmm(x, x.transpose(1, 2))[:, i, j], [x])


def causal_padded(_, shapes):
    q, k, v = (variable(shape) for shape in shapes[:3])
    b, _, t, _ = shapes[0]
    place = torch.arange(t)
    mask = (place[None, :] <= place[:, None])[None] & (place < 1 + below(b, PADDED)[:, None])[:, None]
    return by_gradient(lambda: F.scaled_dot_product_attention(q, k, v, mask[:, None]), [q, k, v])


def batch_norm(_, shapes):
    x, gain, bias = (variable(shape) for shape in shapes[:3])
    mean, variance = torch.zeros(shapes[1]), torch.ones(shapes[1])
    return by_gradient(lambda: F.batch_norm(x, mean, variance, gain, bias, training=True), [x, gain, bias])


def against(loss):
    def make(_, shapes):
        x, target = variable(shapes[0]), torch.rand(shapes[1])
        return by_gradient(lambda: loss(x, target), [x])
    return make


def cross_entropy(_, shapes):
    x, target = variable(shapes[0]), below(*shapes[0])
    return by_gradient(lambda: F.cross_entropy(x, target), [x])


def catalogue_cross_entropy(_, shapes):
    x, w, target = variable(shapes[0]), variable(shapes[1]), below(shapes[0][0], shapes[1][0])
    return by_gradient(lambda: F.cross_entropy(x @ w.T, target), [x, w])


def sampled_softmax(_, shapes):
    x, w, target = variable(shapes[0]), table(shapes[1]), below(shapes[0][0], shapes[1][0])
    sample = below(shapes[2][0], shapes[1][0])
    hidden, zero = target[:, None] == sample, torch.zeros(shapes[0][0], dtype=torch.long)

    def forward():
        own = (x * F.embedding(target, w, sparse=True)).sum(1, keepdim=True)
        others = (x @ F.embedding(sample, w, sparse=True).T).masked_fill(hidden, -math.inf)
        return F.cross_entropy(torch.cat([own, others], 1), zero)
    return by_gradient(forward, [x, w])


def info_nce(_, shapes):
    x, y, item, own = variable(shapes[0]), variable(shapes[1]), below(shapes[0][0], 60000), torch.arange(shapes[0][0])
    hidden = (item[:, None] == item) & (own[:, None] != own)
    return by_gradient(lambda: F.cross_entropy((x @ y.T / 0.1).masked_fill(hidden, -math.inf), own), [x, y])


def updated(optimizer):
    def make(_, shapes):
        p = table(shapes[0])
        p.grad = torch.rand(shapes[0])
        return optimizer([p], lr=1e-3, fused=True).step
    return make


MAKE = {name: of(function, 2) for name, function in {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "matmul": torch.matmul,
    "matmul_abt": lambda a, b: a @ b.T, "rows_dot": lambda x, y: (x * y).sum(-1),
    "concat_last": lambda x, y: torch.cat([x, y], -1), "stack_middle": lambda x, y: torch.stack([x, y], 1),
    "bpr": lambda positive, negative: F.softplus(negative - positive).mean()}.items()}
MAKE |= {name: of(function, 3) for name, function in {
    "linear": F.linear, "mlp": lambda x, w, v: F.linear(F.linear(x, w), v), "attention": F.scaled_dot_product_attention,
    "attention_causal": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    "layer_norm": lambda x, gain, bias: F.layer_norm(x, gain.shape, gain, bias)}.items()}
MAKE |= {name: of(function, 1) for name, function in {
    "scale": lambda x: x * 0.5, "shift": lambda x: x + 0.5, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
    "square": torch.square, "relu": F.relu, "leaky_relu": lambda x: F.leaky_relu(x, 0.2), "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "tanh": torch.tanh, "sigmoid": torch.sigmoid, "silu": F.silu,
    "softplus": F.softplus, "dropout": lambda x: F.dropout(x, 0.2), "sum": torch.sum, "mean": torch.mean,
    "sum_first": lambda x: x.sum(0), "sum_last": lambda x: x.sum(-1), "mean_middle": lambda x: x.mean(1),
    "max_last": lambda x: x.max(-1).values,
    "slice_middle": lambda x: x[:, 10:10 + x.shape[1] // 2].contiguous(),
    "permute_heads": lambda x: x.permute(0, 2, 1, 3).contiguous(), "transpose": lambda x: x.transpose(1, 2).contiguous(),
    "softmax": lambda x: x.softmax(-1), "log_softmax": lambda x: x.log_softmax(-1),
    "l2_normalise": lambda x: F.normalize(x, dim=-1)}.items()}
MAKE |= {"gather": gather, "gather_adam": gather_adam, "bag_mean": bag_mean, "gather_dot": gather_dot,
         "rows_square": rows_square, "select": select, "linear_rows": linear_rows, "mlp_bf16": mlp_bf16, "spmm": spmm,
         "pairwise_dots": pairwise_dots, "attention_causal_padded": causal_padded, "batch_norm": batch_norm,
         "mse": against(F.mse_loss), "bce": against(F.binary_cross_entropy_with_logits), "cross_entropy": cross_entropy,
         "catalogue_cross_entropy": catalogue_cross_entropy, "sampled_softmax": sampled_softmax, "info_nce": info_nce,
         "sgd": updated(torch.optim.SGD), "adam": updated(torch.optim.Adam), "adamw": updated(torch.optim.AdamW),
         "adagrad": updated(torch.optim.Adagrad)}


def measure(step, seconds):
    """As bench_ops does: medians of steps, wall and processor seconds."""
    wall, processor = [], []
    step(), step()
    end = time.process_time() + seconds
    while len(wall) < 3 or len(wall) < 4096 and time.process_time() < end:
        before, used = time.perf_counter(), time.process_time()
        step()
        wall.append(time.perf_counter() - before)
        processor.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(processor)


def operations(op, shapes):
    """Multiplications and additions of forward and backward, of products; 0: bytes bound the op."""
    n = [math.prod(shape) for shape in shapes]
    if op == "linear_rows":
        return 4 * shapes[3][0] * n[0]
    if op in ("matmul", "matmul_abt"):
        return 6 * n[0] * shapes[1][-1 if op == "matmul" else 0]
    if op == "linear":
        return 6 * n[0] * shapes[1][0]
    if op.startswith("mlp"):
        return 6 * shapes[0][0] * (n[1] + n[2])
    if op == "spmm":
        return 4 * 170 * n[0]
    if op == "pairwise_dots":
        return 3 * n[0] * (shapes[0][1] - 1)
    if op.startswith("attention"):
        return (7 if "causal" in op else 14) * n[0] * shapes[0][2]
    if op == "catalogue_cross_entropy":
        return 6 * n[0] * shapes[1][0]
    if op == "sampled_softmax":
        return 6 * n[0] * shapes[2][0]
    return 6 * n[0] * shapes[0][0] if op == "info_nce" else 0


def bytes_moved(op, shapes):
    """Of forward and backward, each number once: read x, write y; read dy (and x), write dx."""
    n = [math.prod(shape) for shape in shapes]
    if op in ("gather", "rows_square", "gather_dot", "bag_mean", "gather_adam", "select"):
        rows = math.prod(shapes[-1]) * (20 if op == "bag_mean" else 2 if op == "gather_dot" else 1)
        return 4 * shapes[0][1] * rows * (9 if op == "gather_adam" else 3)
    if op in ("sgd", "adagrad", "adam", "adamw"):
        return 4 * n[0] * {"sgd": 3, "adagrad": 5}.get(op, 7)
    if op == "linear_rows":
        return 4 * 2 * shapes[3][0] * shapes[2][1]
    if op in ("sum", "mean", "sum_first", "sum_last", "mean_middle"):
        return 4 * 2 * n[0]
    return 4 * (3 * n[0] + 2 * sum(n[1:])) if len(n) == 1 or op in ("mse", "bce", "cross_entropy") else 4 * 3 * sum(n)


def shown(seconds):
    return f"{1e3 * seconds:.3g}"


def main(clock, bench, threads="2", seconds="0.3", rounds="3", wanted="."):
    warnings.filterwarnings("ignore", message="Sparse")
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    names = [name for name in subprocess.run([bench, "list"], check=True, capture_output=True,
                                             text=True).stdout.splitlines() if re.search(wanted, name)]
    server = subprocess.Popen([bench, "serve", threads], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(name):
        server.stdin.write(f"{name}\t{seconds}\n")
        server.stdin.flush()
        return [float(value) for value in server.stdout.readline().split()]
    copy, product = ask("machine")
    print(f"{platform.machine()}, {threads} thread{'s' if threads != '1' else ''}, "
          f"{('wall clock', 'processor time')[clock]}, PyTorch {torch.__version__}; "
          f"copy {copy / 1e9:.1f} GB/s, product {product / 1e9:.0f} GFLOP/s of one thread; medians of {rounds} rounds\n")
    print("| op | ours, ms | PyTorch, ms | PyTorch / ours | floor / ours | |\n|---|--:|--:|--:|--:|---|")
    ratios, missed, by_name = [], 0, {}
    for name in names:
        op, shapes = name.split()[0], [tuple(int(n) for n in s.split(",")) for s in re.findall(r"\[(.*?)\]", name)]
        step = MAKE[op](op, shapes)
        both = [(ask(name)[clock], measure(step, float(seconds))[clock]) for _ in range(int(rounds))]
        ours, peer = (statistics.median(side) for side in zip(*both))
        share = max(bytes_moved(op, shapes) / copy, operations(op, shapes) / product) / (
            1 if clock else int(threads)) / ours
        bound = 2.0 if TWICE.search(name) else LEAST
        by_name[name.replace("mlp_bf16", "mlp")] = by_name.get(name.replace("mlp_bf16", "mlp"), []) + [ours]
        ratios.append(peer / ours)
        missed += ratios[-1] < bound
        print(f"| {name} | {shown(ours)} | {shown(peer)} | {ratios[-1]:.2f} | {share:.2f} | "
              f"{'' if ratios[-1] >= bound else f'below {bound:g}'} |", flush=True)
    median = statistics.median(ratios)
    print(f"\nMedian ratio {median:.2f} (bound {MEDIAN:g}), least {min(ratios):.2f}; {missed} of {len(ratios)} below their "
          "bounds.")
    for name, times in by_name.items():
        if len(times) == 2:
            print(f"{name}: bfloat16 products {times[0] / times[1]:.2f} x as fast as float.")
    server.stdin.close()
    return missed > 0 or median < MEDIAN and wanted == "."


if __name__ == "__main__":
    ARGUMENTS = [value for value in sys.argv[1:] if value != "--processor"]
    sys.exit(main(len(ARGUMENTS) < len(sys.argv) - 1, *ARGUMENTS))
