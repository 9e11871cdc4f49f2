"""The one judge of every result: the objective in float64, and its minimum by Newton's method.

usage: judge.py --data DIR SET ...       finds the minima that are not in DIR yet

  objective = |w|^2 / 2 + C sum_i log-loss_i,  C = 1, the intercept free

Snap ML and LIBLINEAR's dual solver penalise the intercept like a coefficient; they are
judged by that objective and its own minimum ("penalised" below). The minima are exact
to the rounding of a float64 sum: Newton's decrement estimates what is left.
"""

import argparse
import json
import os
import time

import numpy as np

import sets


def blocks(x):
    rows, cols = x.shape
    step = rows if sets.sparse(x) else max(1, 20_000_000 // cols)
    return [slice(a, min(a + step, rows)) for a in range(0, rows, step)]


def with_ones(x):
    out = np.ones((len(x), x.shape[1] + 1))
    out[:, :-1] = x
    return out


def objective(x, y, w, b, penalised=False):
    """w is (d,) for two classes and (classes, d) for more; b goes with it."""
    w, b = np.asarray(w, np.float64), np.asarray(b, np.float64)
    f = 0.5 * float((w * w).sum()) + (0.5 * float((b * b).sum()) if penalised else 0.0)
    for rows in blocks(x):
        z = x[rows].astype(np.float64) @ w.T + b
        if w.ndim == 1:
            f += float(np.logaddexp(0.0, np.where(y[rows] == 1, -z, z)).sum())
        else:
            high = z.max(axis=1)
            f += float((np.log(np.exp(z - high[:, None]).sum(axis=1)) + high - z[np.arange(len(z)), y[rows]]).sum())
    return f


def binary_minimum(x, y, penalised, start):
    """Newton with the whole Hessian."""
    d = x.shape[1]
    penalty = np.ones(d + 1)
    penalty[d] = float(penalised)

    def at(v, want):
        f, g, h = 0.5 * (penalty * v * v).sum(), penalty * v, np.diag(penalty)
        for rows in blocks(x):
            a = with_ones(x[rows])
            z = a @ v
            f += np.logaddexp(0.0, np.where(y[rows] == 1, -z, z)).sum()
            if want:
                p = 1 / (1 + np.exp(-np.clip(z, -700, 700)))
                g = g + a.T @ (p - y[rows])
                a *= np.sqrt(p * (1 - p))[:, None]
                h = h + a.T @ a
        return f, g, h

    v = start if start is not None else np.zeros(d + 1)
    f, g, h = at(v, True)
    for _ in range(60):
        step = np.linalg.solve(h, g)
        decrement = g @ step
        if decrement < 1e-14 * f:
            break
        t = 1.0
        while t > 1e-6 and at(v - t * step, False)[0] > f - 1e-4 * t * decrement and decrement > 1e-11 * f:
            t /= 2
        v = v - t * step
        f, g, h = at(v, True)
    return v, float(g @ np.linalg.solve(h, g)) / 2 / f


def softmax_minimum(x, y):
    """Truncated Newton: conjugate gradients with the diagonal as preconditioner."""
    n, d = x.shape
    k = int(y.max()) + 1
    a = with_ones(x)
    truth = np.eye(k)[y]
    penalty = np.ones((k, d + 1))
    penalty[:, d] = 0
    damped = penalty.copy()
    damped[:, d] = 1e-9  # the common shift of the intercepts is free
    squares = a * a

    def at(v):
        z = a @ v.T
        high = z.max(axis=1, keepdims=True)
        e = np.exp(z - high)
        s = e.sum(axis=1, keepdims=True)
        p = e / s
        f = 0.5 * (penalty * v * v).sum() + (np.log(s[:, 0]) + high[:, 0]).sum() - z[np.arange(n), y].sum()
        return f, penalty * v + (p - truth).T @ a, p

    def hessian(p, s):
        u = a @ s.T
        return damped * s + (p * (u - (p * u).sum(axis=1, keepdims=True))).T @ a

    v = np.zeros((k, d + 1))
    f, g, p = at(v)
    first = np.linalg.norm(g)
    for _ in range(200):
        size = np.linalg.norm(g)
        if size < 1e-9 * first:
            break
        m = damped + (p * (1 - p)).T @ squares
        step, r = np.zeros_like(g), g.copy()
        q = r / m
        rq = (r * q).sum()
        stop = min(0.1, 0.1 * np.sqrt(size / first)) * np.sqrt(rq)
        direction = q.copy()
        for _ in range(300):
            hd = hessian(p, direction)
            alpha = rq / (direction * hd).sum()
            step += alpha * direction
            r -= alpha * hd
            q = r / m
            before, rq = rq, (r * q).sum()
            if np.sqrt(rq) < stop:
                break
            direction = q + rq / before * direction
        decrement = (g * step).sum()
        t = 1.0
        while True:
            new = at(v - t * step)
            if new[0] <= f - 1e-4 * t * decrement or decrement < 1e-12 * f or t < 1e-6:
                break
            t /= 2
        v = v - t * step
        f, g, p = new
        if decrement < 1e-14 * f:
            break
    return v, float((g * g / (damped + (p * (1 - p)).T @ squares)).sum()) / 2 / f


def sparse_minimum(x, y, penalised, start):
    """Truncated Newton: conjugate gradients with the diagonal as preconditioner."""
    from scipy.sparse import csr_matrix, hstack

    n, d = x.shape
    a = hstack([x.astype(np.float64), csr_matrix(np.ones((n, 1)))]).tocsr()
    columns = a.T.tocsr()
    squares = columns.multiply(columns).tocsr()
    penalty = np.ones(d + 1)
    penalty[d] = float(penalised)

    def at(v):
        z = a @ v
        p = 1 / (1 + np.exp(-np.clip(z, -700, 700)))
        return 0.5 * (penalty * v * v).sum() + np.logaddexp(0.0, np.where(y == 1, -z, z)).sum(), penalty * v + columns @ (p - y), p * (1 - p)

    v = start if start is not None else np.zeros(d + 1)
    f, g, s = at(v)
    first = np.linalg.norm(g)
    for _ in range(200):
        m = penalty + squares @ s
        size = np.linalg.norm(g)
        step, r = np.zeros_like(g), g.copy()
        q = r / m
        rq = r @ q
        stop = min(0.1, 0.1 * np.sqrt(size / first)) * np.sqrt(rq)
        direction = q.copy()
        for _ in range(1000):
            hd = penalty * direction + columns @ (s * (a @ direction))
            alpha = rq / (direction @ hd)
            step += alpha * direction
            r -= alpha * hd
            q = r / m
            before, rq = rq, r @ q
            if np.sqrt(rq) < stop:
                break
            direction = q + rq / before * direction
        decrement = g @ step
        t = 1.0
        while True:
            new = at(v - t * step)
            if new[0] <= f - 1e-4 * t * decrement or decrement < 1e-12 * f or t < 1e-6:
                break
            t /= 2
        v = v - t * step
        f, g, s = new
        if decrement < 1e-14 * f:
            break
    return v, float((g * g / (penalty + squares @ s)).sum()) / 2 / f


def minimum(folder, name):
    """Returns {"free": f*, "penalised": f*, ...}, from the cache in folder where it is there."""
    path = os.path.join(folder, name + ".minimum.json")
    if os.path.exists(path):
        with open(path) as f:
            return json.load(f)
    x, y = sets.load(folder, name)
    start = time.time()
    out = {}
    if y.max() > 1:
        v, gap = softmax_minimum(x, y)
        out["free"], out["free_gap"] = objective(x, y, v[:, :-1], v[:, -1]), gap
    else:
        v = None
        for key in ("free", "penalised"):
            v, gap = (sparse_minimum if sets.sparse(x) else binary_minimum)(x, y, key == "penalised", v)
            out[key], out[key + "_gap"] = objective(x, y, v[:-1], v[-1], key == "penalised"), gap
    print("minimum of %s: %s, %.0f s" % (name, out, time.time() - start), flush=True)
    with open(path, "w") as f:
        json.dump(out, f)
    return out


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("sets", nargs="+")
    args = p.parse_args()
    for s in args.sets:
        minimum(args.data, s)
