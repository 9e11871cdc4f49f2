"""Writes golden.json: metrics by scikit-learn on random cases with ties and weights.

Run with scikit-learn >= 1.7 (Brier score of several classes): python golden.py > golden.json
"""
import json
import numpy as np
import sklearn
from sklearn import metrics as sk

rng = np.random.default_rng(20240607)
cases = []
for name, n, k, decimals, weights, skew in [
    ("binary", 60, 2, None, None, 1.0),
    ("binary, ties", 80, 2, 1, None, 1.0),
    ("binary, ties, weights", 80, 2, 1, "real", 1.0),
    ("binary, zero weights", 50, 2, 2, "some zero", 1.0),
    ("binary, certain", 40, 2, 0, "real", 1.0),
    ("binary, rare positives", 120, 2, 2, None, 0.05),
    ("three classes", 90, 3, None, None, 1.0),
    ("three classes, ties, weights", 90, 3, 1, "real", 1.0),
    ("five classes, ties, zero weights", 150, 5, 1, "some zero", 1.0),
    ("four classes, one never predicted", 80, 4, None, "real", 1.0),
]:
    z = rng.normal(size=(n, k)) * 2
    if "never" in name:
        z[:, 1] -= 50
    prior = np.ones(k); prior[-1] = skew; prior /= prior.sum()
    y = rng.choice(k, size=n, p=prior)
    y[:k] = np.arange(k)
    p = np.exp(z + 1.5 * np.eye(k)[y]); p /= p.sum(1, keepdims=True)
    if decimals is not None:  # tenths etc. that still sum to one
        p = np.round(p, decimals)
        p[:, 0] = 1 - p[:, 1:].sum(1)
        p = np.abs(np.round(p, 10))
        bad = np.abs(p.sum(1) - 1) > 1e-12
        p[bad] = np.eye(k)[0]
    w = {None: None, "real": rng.gamma(1, size=n), "some zero": rng.integers(0, 3, size=n).astype(float)}[weights]
    if w is not None:
        w[:k] = np.maximum(w[:k], 1)
    pred = p.argmax(1)
    # rows of weight zero are absent to us; scikit-learn would still count their labels
    kw = dict(sample_weight=w)
    prf = dict(zero_division=0, **kw)
    out = {
        "log_loss": sk.log_loss(y, p, labels=range(k), **kw),
        "accuracy": sk.accuracy_score(y, pred, **kw),
        "balanced_accuracy": sk.balanced_accuracy_score(y, pred, **kw),
        "confusion_matrix": sk.confusion_matrix(y, pred, labels=range(k), **kw).astype(float).tolist(),
    }
    if k == 2:
        out["roc_auc"] = sk.roc_auc_score(y, p[:, 1], **kw)
        out["average_precision"] = sk.average_precision_score(y, p[:, 1], **kw)
        out["brier"] = sk.brier_score_loss(y, p[:, 1], **kw)
        out["precision"], out["recall"], out["f1"], _ = sk.precision_recall_fscore_support(y, pred, average="binary", **prf)
    else:
        out["roc_auc"] = sk.roc_auc_score(y, p, multi_class="ovr", average="macro", **kw)
        out["average_precision"] = sk.average_precision_score(np.eye(k, dtype=int)[y], p, average="macro", **kw)
        out["brier"] = sk.brier_score_loss(y, p, labels=range(k), **kw)
        out["precision"], out["recall"], out["f1"], _ = sk.precision_recall_fscore_support(y, pred, average="macro", **prf)
        out["precision_weighted"], out["recall_weighted"], out["f1_weighted"], _ = \
            sk.precision_recall_fscore_support(y, pred, average="weighted", **prf)
    cases.append({"name": name, "classes": k, "y": y.tolist(), "pred": pred.tolist(),
                  "p": p.ravel().tolist(), "w": None if w is None else w.tolist(), "want": out})

lines = ",\n".join(json.dumps(c) for c in cases)
print('{"about": "written by golden.py", "scikit_learn": "%s", "numpy": "%s", "cases": [\n%s\n]}'
      % (sklearn.__version__, np.__version__, lines))
