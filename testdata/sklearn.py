"""Makes sklearn.json and wine.csv: what scikit-learn's LogisticRegression comes to.

Built-in sets, and wine (178 x 13, three classes), standardised; l2, l1 and elasticnet;
sample weights and class weights. scikit-learn is run to its last digits; the objective
of what it returns is computed here in float64.

    python testdata/sklearn.py        # from the repository's root
"""
import json
import os
import sys
import warnings

sys.path.pop(0)  # this file is not the module it imports
import numpy as np
import sklearn
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


def write_wine():
    x, y = load_wine(return_X_y=True)
    with open(os.path.join(HERE, "wine.csv"), "w") as f:
        f.write(",".join("x%d" % j for j in range(x.shape[1])) + ",class\n")
        for row, label in zip(x, y):
            f.write(",".join("%r" % float(v) for v in row) + ",%d\n" % label)


def read(path):
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1].astype(int)


def objective(x, y, s, c, ratio, coef, intercept):
    z = x @ coef.T + intercept
    if len(coef) == 1:
        z = np.hstack([np.zeros_like(z), z])
    high = z.max(1)
    loss = np.log(np.exp(z - high[:, None]).sum(1)) + high - z[np.arange(len(y)), y]
    return c * float(s @ loss) + (1 - ratio) / 2 * float((coef**2).sum()) + ratio * float(np.abs(coef).sum())


def main():
    write_wine()
    cases = []
    for name, path in [("iris", "../dataset/builtin/iris.csv"), ("wine", "wine.csv"), ("breast_cancer", "../dataset/builtin/breast_cancer.csv")]:
        x, y = read(os.path.join(HERE, path))
        x = (x - x.mean(0)) / x.std(0)
        for penalty, ratio in [("l2", 0.0), ("l1", 1.0), ("elasticnet", 0.4)]:
            for c, weights in [(0.1, "even"), (1, "1+(i%5)"), (1, "balanced"), (3, "by class")]:
                s = np.ones(len(y))
                by = None
                if weights == "1+(i%5)":
                    s = 1.0 + np.arange(len(y)) % 5
                elif weights == "balanced":
                    by = {int(k): len(y) / (len(np.unique(y)) * (y == k).sum()) for k in np.unique(y)}
                elif weights == "by class":
                    by = {int(k): 1.0 + 2 * k for k in np.unique(y)}
                m = LogisticRegression(
                    C=c, l1_ratio=ratio, solver="newton-cg" if ratio == 0 else "saga", tol=1e-13, max_iter=200000,
                    class_weight="balanced" if weights == "balanced" else by,
                ).fit(x, y, sample_weight=s)
                if by:
                    s = s * np.array([by[k] for k in y])
                cases.append({
                    "data": name, "penalty": penalty, "l1_ratio": ratio, "C": c, "weights": weights,
                    "objective": objective(x, y, s, c, ratio, m.coef_, m.intercept_),
                    "coef": m.coef_.tolist(), "intercept": m.intercept_.tolist(),
                })
                print(name, penalty, c, weights, m.n_iter_, (m.coef_ == 0).sum(), flush=True)
    with open(os.path.join(HERE, "sklearn.json"), "w") as f:
        json.dump({"scikit_learn": sklearn.__version__, "numpy": np.__version__, "cases": cases}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
