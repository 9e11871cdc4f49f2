"""Makes l1_reference.json: optima with l1 and elasticnet on the built-in data sets.

scikit-learn's saga finds the support; Newton's method on the support, with the signs
held, then takes the last digits, and the Karush-Kuhn-Tucker conditions over all
coefficients prove the result. Columns are standardised (deviation divided by N) unless
preparation says raw.

    python testdata/l1_reference.py        # from the repository's root
"""
import json
import warnings

import numpy as np
import scipy
import sklearn
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")


def read(name):
    table = np.loadtxt(f"dataset/builtin/{name}.csv", delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1].astype(int)


def smooth(X1, Y, s, C, ridge, W):
    """Value, gradient and Hessian of C sum s loss + ridge/2 |coef|^2; W is outputs x (D+1)."""
    Z = X1 @ W.T
    K, D1 = W.shape
    if K == 1:
        z = Z[:, 0]
        P = (0.5 * (1 + np.tanh(z / 2)))[:, None]
        loss = np.maximum(z, 0) - Y[:, 0] * z + np.log1p(np.exp(-np.abs(z)))
    else:
        m = Z.max(1, keepdims=True)
        E = np.exp(Z - m)
        P = E / E.sum(1, keepdims=True)
        loss = np.log(E.sum(1)) + m[:, 0] - (Z * Y).sum(1)
    f = C * (s @ loss) + ridge / 2 * (W[:, :-1] ** 2).sum()
    G = C * ((P - Y) * s[:, None]).T @ X1
    G[:, :-1] += ridge * W[:, :-1]
    H = np.zeros((K * D1, K * D1), X1.dtype)
    for a in range(K):
        for b in range(K):
            d = s * P[:, a] * ((a == b) - P[:, b])
            H[a * D1:(a + 1) * D1, b * D1:(b + 1) * D1] = C * (X1.T * d) @ X1
    for a in range(K):
        for j in range(D1 - 1):
            H[a * D1 + j, a * D1 + j] += ridge
    return f, G, H


def optimum(X, y, s, C, ratio):
    K = y.max() + 1
    model = LogisticRegression(penalty="elasticnet", l1_ratio=ratio, C=C, solver="saga", tol=1e-9, max_iter=20000)
    model.fit(X, y, sample_weight=s)
    W = np.hstack([model.coef_, model.intercept_[:, None]]).astype(np.longdouble)
    W[:, -1] -= W[:, -1].mean() if K > 2 else 0
    X1 = np.hstack([X, np.ones((len(X), 1))]).astype(np.longdouble)
    Y = np.eye(K)[y] if K > 2 else y[:, None].astype(float)
    s = (np.ones(len(y)) if s is None else s).astype(np.longdouble)
    lam = np.zeros_like(W)
    lam[:, :-1] = ratio
    free = (np.abs(W) > 1e-5 * np.abs(W).max()) | (lam == 0)
    W[~free] = 0
    value = lambda f, W: f + np.abs(lam * W).sum()
    saga = float(value(smooth(X1, Y, s, C, 1 - ratio, W)[0], W))
    for _ in range(500):
        f, G, H = smooth(X1, Y, s, C, 1 - ratio, W)
        off = np.where(free, -np.inf, np.abs(G) - lam)
        Hs = H[np.ix_(free.ravel(), free.ravel())].astype(float)
        step = np.zeros_like(W)
        # Coefficients that only just left zero have the sign that lowers the objective.
        sign = np.where(W != 0, np.sign(W), -np.sign(G))
        step[free] = -(np.linalg.pinv(Hs, rcond=1e-12, hermitian=True) @ (G + lam * sign)[free])
        crossing = (lam > 0) & (W * (W + step) < 0)
        if crossing.any():  # as far as the signs hold
            t = np.where(crossing, -W / np.where(crossing, step, 1), np.inf)
            first = np.unravel_index(t.argmin(), t.shape)
            W += t[first] * step
            W[first], free[first] = 0, False
            continue
        W += step
        if np.abs(step).max() < 1e-16 * np.abs(W).max():
            if off.max() < 0:
                break
            free[np.unravel_index(off.argmax(), off.shape)] = True
    f, G, H = smooth(X1, Y, s, C, 1 - ratio, W)
    on = np.abs((G + lam * np.sign(W))[free]).max()
    off = (np.abs(G) - lam)[~free].max(initial=-np.inf)
    assert on < 1e-12 * C * s.sum() and off < 0 and not (free & (lam > 0) & (W == 0)).any(), (on, off)
    rank = np.linalg.matrix_rank(Hs, hermitian=True, tol=1e-9 * np.linalg.norm(Hs, 2))
    return dict(
        objective=float(value(f, W)), saga=saga, unique=bool(rank == len(Hs) - (K > 2)),
        nonzero=int((W[:, :-1] != 0).sum()),
        intercept=[float(v) for v in W[:, -1]], coef=[[float(v) for v in row] for row in W[:, :-1]],
    )


cases = []
for data, preparation, weights, grid in [
    ("breast_cancer", "standardised", "", [(C, r) for C in (0.02, 0.1, 1, 10) for r in (1, 0.5, 0.1)]),
    ("breast_cancer", "standardised", "1+(i%5)", [(0.1, 1), (1, 0.7)]),
    ("iris", "standardised", "", [(C, r) for C in (0.1, 1, 10) for r in (1, 0.5)]),
    ("iris", "raw", "1+(i%5)", [(1, 1), (0.3, 0.5)]),
]:
    X, y = read(data)
    if preparation == "standardised":
        X = (X - X.mean(0)) / X.std(0)
    s = 1.0 + np.arange(len(y)) % 5 if weights else None
    for C, ratio in grid:
        case = dict(id=f"{data}/{preparation}/{weights or 'even'}/C={C:g}/ratio={ratio:g}",
                    data=f"{data}.csv", preparation=preparation, weights=weights, C=C, l1_ratio=ratio)
        case |= optimum(X, y, s, C, ratio)
        print(case["id"], case["nonzero"], case["unique"], case["objective"], case["saga"] / case["objective"] - 1, flush=True)
        cases.append(case)

about = ("Minima of C sum weight_i loss_i + (1 - l1_ratio)/2 |coef|^2 + l1_ratio |coef|_1, intercept unpenalised, made by l1_reference.py: "
         "Newton's method in 80-bit floats on the support that scikit-learn's saga finds, all conditions of optimality checked. saga is the "
         "objective that saga itself reached. unique: there is no other minimum with this support. Two classes: one row of coef, for class 1. "
         "standardised = (x - mean)/deviation, and coef are those of the standardised columns; weight 1+(i%5) counts rows i from 0.")
with open("testdata/l1_reference.json", "w") as out:
    json.dump(dict(about=about, scikit_learn=sklearn.__version__, numpy=np.__version__, scipy=scipy.__version__, cases=cases), out, indent=1)
    out.write("\n")
