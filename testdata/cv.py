"""Golden numbers of cross-validation: scikit-learn's LogisticRegressionCV with explicit
folds (row index mod 5), at tight tolerance. Writes cv.json beside itself.

    python testdata/cv.py          made with scikit-learn 1.9.1, numpy 2.4.6
"""
import json, os, warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegressionCV

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))


def load(name):
    rows = np.loadtxt(os.path.join(here, "..", "dataset", "builtin", name + ".csv"), delimiter=",", skiprows=1)
    x, y = rows[:, :-1], rows[:, -1].astype(int)
    return (x - x.mean(0)) / x.std(0), y


def case(data, scoring, weights=None, class_weight=None, Cs=(1e-3, 1e-1, 10.0)):
    x, y = load(data)
    fold = np.arange(len(y)) % 5
    splits = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(5)]
    w = None if weights is None else 1.0 + np.arange(len(y)) % 5
    m = LogisticRegressionCV(
        Cs=list(Cs), cv=splits, scoring=scoring, solver="newton-cg", tol=1e-12, max_iter=10000,
        class_weight=class_weight, use_legacy_attributes=True, l1_ratios=(0.0,),
    ).fit(x, y, sample_weight=w)
    scores = np.asarray(list(m.scores_.values())[0]).reshape(5, len(Cs)).T  # [C][fold]
    if scoring == "neg_log_loss":
        scores = -scores
    return dict(
        data=data, scoring={"neg_log_loss": "log_loss"}.get(scoring, scoring), weights=weights,
        balanced=class_weight == "balanced", Cs=list(Cs), scores=scores.tolist(), best_C=float(np.ravel(m.C_)[0]),
        coef=m.coef_.tolist(), intercept=np.ravel(m.intercept_).tolist(),
    )


cases = []
for data in ("breast_cancer", "iris"):
    for scoring in ("neg_log_loss", "roc_auc" if data == "breast_cancer" else "roc_auc_ovr", "accuracy"):
        cases.append(case(data, scoring))
    cases.append(case(data, "neg_log_loss", weights="1+(i%5)"))
    cases.append(case(data, "accuracy", weights="1+(i%5)"))
    cases.append(case(data, "neg_log_loss", class_weight="balanced"))
with open(os.path.join(here, "cv.json"), "w") as f:
    json.dump(dict(scikit_learn=sklearn.__version__, numpy=np.__version__, cases=cases), f, indent=1)
    f.write("\n")
