"""Golden numbers of one-versus-rest: scikit-learn's OneVsRestClassifier of
LogisticRegression on standardised iris. Writes ovr.json beside itself.

    python testdata/ovr.py          made with scikit-learn 1.9.1, numpy 2.4.6
"""
import json, os

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

here = os.path.dirname(os.path.abspath(__file__))
rows = np.loadtxt(os.path.join(here, "..", "dataset", "builtin", "iris.csv"), delimiter=",", skiprows=1)
x, y = rows[:, :-1], rows[:, -1].astype(int)
x = (x - x.mean(0)) / x.std(0)
cases = []
for class_weight in (None, "balanced"):
    m = OneVsRestClassifier(
        LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-12, class_weight=class_weight)
    ).fit(x, y)
    cases.append(dict(
        balanced=class_weight == "balanced",
        coef=[e.coef_[0].tolist() for e in m.estimators_], intercept=[float(e.intercept_[0]) for e in m.estimators_],
        proba=m.predict_proba(x).tolist(),
    ))
with open(os.path.join(here, "ovr.json"), "w") as f:
    json.dump(dict(scikit_learn=sklearn.__version__, numpy=np.__version__, cases=cases), f)
    f.write("\n")
