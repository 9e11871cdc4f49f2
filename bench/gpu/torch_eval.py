#!/usr/bin/env python3
"""Times loss and gradient of logistic regression in PyTorch, on the shapes that
`measure run` times, and writes JSON for `measure report`.

Each shape is timed eagerly and through torch.compile, written as users write it
(autograd) and by hand (two matrix-vector products); the report takes the faster.
Results stay on the device: we give PyTorch that copy. Its parameters have the storage
type of X, which its products ask for; ours are float32 over float16 and bfloat16 X.
"""

import argparse
import json
import statistics
import time

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def by_hand(x, y, w, b):
    z = x @ w + b
    loss = bce(z, y, reduction="sum")
    r = torch.sigmoid(z) - y
    return loss, x.t() @ r, r.sum()


def forward(x, y, w, b):
    return bce(x @ w + b, y, reduction="sum")


def steps(compiled):
    """The ways of writing a step, each a function of x, y, w, b."""
    make = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
    loss_of, all_of = make(forward), make(by_hand)

    def autograd(x, y, w, b):
        loss = loss_of(x, y, w, b)
        return (loss, *torch.autograd.grad(loss, (w, b)))

    def without_tape(x, y, w, b):
        with torch.no_grad():
            return all_of(x, y, w, b)

    return {"autograd": autograd, "by hand": without_tape}


def median_seconds(step, device, budget):
    """Median of calls over the budget, at least five after three to warm up."""

    def call():
        start = time.perf_counter()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    for _ in range(3):
        call()
    times = []
    begin = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < budget:
        times.append(call())
    return statistics.median(times)


def numbers(rows, cols, dtype, device):
    """Draws from the standard normal distribution, without a float32 copy of all X."""
    x = torch.empty(rows, cols, dtype=dtype, device=device)
    flat = x.view(-1)
    chunk = 1 << 24
    for at in range(0, flat.numel(), chunk):
        part = flat[at : at + chunk]
        part.copy_(torch.randn(part.numel(), device=device))
    return x


def time_shape(rows, cols, storage, variants, device, budget):
    dtype = DTYPES[storage]
    x = numbers(rows, cols, dtype, device)
    y = (torch.arange(rows, device=device) * 7 % 11 % 2).to(dtype)
    w = (torch.randn(cols, device=device) / cols).to(dtype).requires_grad_()
    b = torch.zeros((), dtype=dtype, device=device, requires_grad=True)
    for variant in variants:
        if variant == "compile":
            torch.compiler.reset()
        for written, step in steps(variant == "compile").items():
            row = {
                "variant": variant,
                "written": written,
                "rows": rows,
                "cols": cols,
                "storage": storage,
            }
            try:
                row["seconds"] = median_seconds(lambda: step(x, y, w, b), device, budget)
            except Exception as e:  # out of memory, a compiler that gives up
                row["seconds"] = 0
                row["omitted"] = f"{type(e).__name__}: {e}".splitlines()[0][:200]
            print(row, flush=True)
            yield row


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--elements", type=int, default=1 << 30)
    p.add_argument("--cols", default="28,128,1024,8192")
    p.add_argument("--storage", default="float32,bfloat16,float64,float16")
    p.add_argument("--compile", default="float32,bfloat16", help="storage types to compile for")
    p.add_argument("--device", default="cuda")
    p.add_argument("--each", type=float, default=0.5, help="seconds for each row")
    p.add_argument("--until", type=float, default=240, help="seconds after which no shape is begun")
    p.add_argument("-o", default="torch.json")
    args = p.parse_args()

    begin = time.perf_counter()
    rows = []
    for storage in args.storage.split(","):
        variants = ["eager"] + (["compile"] if storage in args.compile.split(",") else [])
        for cols in map(int, args.cols.split(",")):
            if time.perf_counter() - begin > args.until:
                break
            n = max(args.elements // cols, 1)
            rows.extend(time_shape(n, cols, storage, variants, args.device, args.each))
            if args.device == "cuda":
                torch.cuda.empty_cache()
            with open(args.o, "w") as f:  # after each shape: a limit on time keeps what there is
                json.dump({"torch": torch.__version__, "rows": rows}, f, indent=1)


if __name__ == "__main__":
    main()
