"""The data sets of the comparison, made with fixed seeds.

usage: sets.py --data DIR SET ...        writes DIR/SET.npz (X float32, y int32) where it is not there yet

Sparse X is kept as scipy.sparse.save_npz does, beside y, and as LibSVM text for programs that read no such file.

  H      2,000,000 x 28    HIGGS-like: correlated, one third skewed, 7 derived columns, standardised
  S      3,000,000 x 18    SUSY-like: the same recipe with 12 base and 6 derived columns
  M      500,000 x 128     normal columns with Toeplitz correlation 0.7^|i-j|
  MR     500,000 x 128     M with about 1 positive label in 2000
  CT     581,012 x 54      covtype-like: 10 standardised numeric columns, one-hot groups of 4 and of 40
  E      60,000 x 2,000    epsilon-like: low rank plus noise, unit-norm rows
  SP     300,000 x 200,000 sparse: 39 entries a row, one in each of 39 fields of columns whose use is as Zipf's law has it, unit-norm rows
  MC     60,000 x 784      10 classes, non-negative, a fifth of the cells non-zero, in [0, 1]
  small  569 x 30          breast cancer (scikit-learn's copy), standardised, float64
  Hcv    300,000 x 28      the first rows of H, for cross-validation
  Mcv    100,000 x 128     the first rows of M

Labels come from a true logistic (softmax) model, except those of small.
"""

import argparse
import os
import time

import numpy as np


def load(folder, name):
    with np.load(os.path.join(folder, name + ".npz")) as f:
        if "X" in f:
            return f["X"], f["y"]
        from scipy.sparse import csr_matrix

        return csr_matrix((f["data"], f["indices"], f["indptr"]), shape=tuple(f["shape"])), f["y"]


def sparse(x):
    return not isinstance(x, np.ndarray)


def size(x):
    """Bytes of X; of sparse X the values, their columns and where rows begin, 4 bytes each."""
    return x.data.nbytes + x.indices.nbytes + x.indptr.nbytes if sparse(x) else x.nbytes


def file(folder, name):
    """The file that logreg-gpu is given."""
    return os.path.join(folder, name + (".libsvm" if name in SPARSE else ".npz"))


def standardise(x):
    x -= x.mean(axis=0, dtype=np.float64).astype(np.float32)
    x /= np.sqrt((x * x).mean(axis=0, dtype=np.float64)).astype(np.float32)
    return x


def labels(x, rng, spread, bias):
    """Draws labels whose logits have the given deviation and mean."""
    z = np.asarray(x @ rng.standard_normal(x.shape[1]).astype(np.float32), dtype=np.float64)
    z = (z - z.mean()) * (spread / z.std()) + bias
    return (rng.random(x.shape[0]) < 1 / (1 + np.exp(-z))).astype(np.int32)


def physics(n, base, derived, seed):
    rng = np.random.default_rng(seed)
    x = np.empty((n, base + derived), np.float32)
    load = rng.standard_normal((3, base)).astype(np.float32) * 0.5
    mix = rng.standard_normal((base, derived)).astype(np.float32) / np.sqrt(base)
    step = 250_000
    for a in range(0, n, step):
        b = min(a + step, n)
        z = rng.standard_normal((b - a, base), dtype=np.float32) * 0.7
        z += rng.standard_normal((b - a, 3), dtype=np.float32) @ load
        z[:, ::3] = np.exp(0.5 * z[:, ::3])
        x[a:b, :base] = z
        x[a:b, base:] = z @ mix + 0.3 * rng.standard_normal((b - a, derived), dtype=np.float32)
    return standardise(x), rng


def make_h():
    x, rng = physics(2_000_000, 21, 7, 101)
    return x, labels(x, rng, 2.5, -0.3)


def make_s():
    x, rng = physics(3_000_000, 12, 6, 102)
    return x, labels(x, rng, 2.5, -0.3)


def make_e():
    rng = np.random.default_rng(103)
    n, d, k = 60_000, 2000, 100
    a = rng.standard_normal((k, d)).astype(np.float32) * (1.0 / np.sqrt(1 + np.arange(k)))[:, None].astype(np.float32)
    x = rng.standard_normal((n, k), dtype=np.float32) @ a
    x += rng.standard_normal((n, d), dtype=np.float32)
    standardise(x)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x, labels(x, rng, 4.0, 0.0)


def make_m(bias=0.2):
    rng = np.random.default_rng(104)
    n, d = 500_000, 128
    i = np.arange(d)
    chol = np.linalg.cholesky(0.7 ** np.abs(i[:, None] - i[None, :])).astype(np.float32)
    x = np.ascontiguousarray(rng.standard_normal((n, d), dtype=np.float32) @ chol.T)
    return x, labels(x, rng, 2.5, bias)


def make_ct():
    rng = np.random.default_rng(105)
    n = 581_012
    load = rng.standard_normal((4, 10)).astype(np.float32)
    num = standardise(rng.standard_normal((n, 10), dtype=np.float32) + rng.standard_normal((n, 4), dtype=np.float32) @ load)
    x = np.zeros((n, 54), np.float32)
    x[:, :10] = num
    rows = np.arange(n)
    area = rng.choice(4, size=n, p=[0.45, 0.05, 0.44, 0.06])
    x[rows, 10 + area] = 1
    p = 1.0 / (1 + np.arange(40)) ** 1.5
    p = rng.permutation(p / p.sum())
    rank = np.argsort(np.argsort(num[:, 0] + 0.5 * rng.standard_normal(n)))
    soil = np.minimum(np.searchsorted(np.cumsum(p), (rank + 0.5) / n), 39)
    x[rows, 14 + soil] = 1
    return x, labels(x, rng, 2.5, 0.0)


def make_sp():
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(106)
    n, d, k = 300_000, 200_000, 39
    edges = np.linspace(0, d, k + 1).astype(np.int64)
    order = rng.permutation(d)
    cols = np.empty((n, k), np.int32)
    for j in range(k):
        size = int(edges[j + 1] - edges[j])
        share = np.cumsum(1.0 / (1 + np.arange(size)) ** 1.1)
        rank = np.searchsorted(share / share[-1], rng.random(n))
        cols[:, j] = order[edges[j] + np.minimum(rank, size - 1)]
    cols.sort(axis=1)
    val = np.abs(rng.normal(1.0, 0.3, (n, k))).astype(np.float32)
    val /= np.linalg.norm(val, axis=1, keepdims=True)
    x = csr_matrix((val.ravel(), cols.ravel(), np.arange(0, n * k + 1, k, dtype=np.int32)), shape=(n, d))
    return x, labels(x, rng, 3.0, -0.5)


def make_mc():
    rng = np.random.default_rng(107)
    n, d, k, c = 60_000, 784, 24, 10
    yy, xx = np.divmod(np.arange(d), 28)
    a = np.zeros((k, d))
    for j in range(k):  # smooth bumps on a 28 x 28 grid
        for _ in range(3):
            cy, cx = rng.uniform(4, 24, 2)
            a[j] += rng.choice([-1, 1]) * np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / (2 * rng.uniform(2, 4) ** 2))
    u = rng.standard_normal((n, k)) @ a + 0.25 * rng.standard_normal((n, d))
    u -= np.quantile(u[:5000], 0.8)
    x = np.clip(u, 0, None)
    x = np.minimum(x / np.quantile(x[:5000], 0.99), 1.0).astype(np.float32)
    w = rng.standard_normal((k, c)).T @ a
    z = x @ w.T.astype(np.float32)
    z = (z - z.mean(0)) / z.std(0)
    z -= z.mean(axis=1, keepdims=True)
    z *= 12.0 / z.std()
    return np.ascontiguousarray(x), np.argmax(z + rng.gumbel(size=z.shape), axis=1).astype(np.int32)


def make_small():
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y.astype(np.int32)


MAKE = {"H": make_h, "S": make_s, "M": make_m, "MR": lambda: make_m(-10.65), "CT": make_ct, "E": make_e, "SP": make_sp, "MC": make_mc, "small": make_small}
SPARSE = ["SP"]
HEAD = {"Hcv": ("H", 300_000), "Mcv": ("M", 100_000)}


def write_libsvm(path, x, y):
    """Indices from 1; nine digits tell every float32 from its neighbours."""
    with open(path, "w") as f:
        for i, label in enumerate(y):
            row = slice(x.indptr[i], x.indptr[i + 1])
            f.write("%d %s\n" % (label, " ".join("%d:%.9g" % e for e in zip((x.indices[row] + 1).tolist(), x.data[row].tolist()))))


def ensure(folder, name):
    path = os.path.join(folder, name + ".npz")
    if os.path.exists(path):
        return
    os.makedirs(folder, exist_ok=True)
    start = time.time()
    if name in HEAD:
        whole, rows = HEAD[name]
        ensure(folder, whole)
        x, y = load(folder, whole)
        x, y = x[:rows], y[:rows]
    else:
        x, y = MAKE[name]()
    part = os.path.join(folder, "." + name)
    if name in SPARSE:
        write_libsvm(part, x, y)
        os.replace(part, file(folder, name))
        np.savez(part + ".npz", data=x.data, indices=x.indices, indptr=x.indptr, shape=x.shape, y=y)
    else:
        np.savez(part + ".npz", X=x, y=y)
    os.replace(part + ".npz", path)
    print("made %s: %d x %d, %.1f s" % (name, *x.shape, time.time() - start), flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("sets", nargs="+", choices=[*MAKE, *HEAD])
    args = p.parse_args()
    for s in args.sets:
        ensure(args.data, s)
