"""Makes people.csv and new.csv - numbers, text and missing cells, with a known truth -
and golden.json: what scikit-learn's ColumnTransformer of SimpleImputer and OneHotEncoder
(or FeatureHasher) with LogisticRegression makes of them, for several options of train.

    python cmd/logreg-gpu/testdata/tables/make.py      made with scikit-learn 1.9.1, numpy 2.4.6
"""
import csv, json, os

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)
NAMES = ["age", "city", "sex", "class", "fare", "job"]
CITIES = ["Lyon", "Paris", "Nice", "Saint-Étienne", 'Le "Havre"', "Aix, en Provence", "Ys"]
JOBS = ["baker", "clerk", "driver", "nurse", "teacher", "smith", "painter", "sailor", "weaver", "judge"]


def people(n, cities, jobs):
    """The cells of n rows, NaN where missing, the probability of "yes", and the label."""
    x = np.empty((n, 6), dtype=object)
    city = rng.choice(len(cities), n, p=np.array([8, 6, 4, 3, 2, 1, 1][: len(cities)]) / 25)
    job = rng.choice(len(jobs), n, p=np.r_[2.0 ** -np.arange(1, len(jobs)), 2.0 ** -(len(jobs) - 1)])
    sex = rng.choice(2, n)
    cls = rng.choice(3, n, p=[0.2, 0.3, 0.5]) + 1
    age = np.round(rng.normal(38, 13, n).clip(1, 90))
    fare = np.round(np.exp(rng.normal(3.5 - 0.5 * cls, 0.8)), 2)
    z = 0.9 - 0.03 * (age - 38) + np.array([0, 0.8, -0.6, 0.2, -0.9, 0.4, 0])[city] + 1.1 * sex - 0.7 * cls + 0.01 * fare
    z += np.resize([0.5, -0.5, 0.0], len(jobs))[job]
    p = 1 / (1 + np.exp(-z))
    for i in range(n):
        x[i] = [age[i], cities[city[i]], ["m", "f"][sex[i]], float(cls[i]), fare[i], jobs[job[i]]]
    for col, share in ((0, 0.1), (1, 0.05), (4, 0.03)):
        x[rng.random(n) < share, col] = np.nan
    return x, p, np.where(rng.random(n) < p, "yes", "no")


def write(name, x, y=None):
    marks = ["", "NA", "?", "nan"]  # one a column of numbers, in turn
    with open(os.path.join(here, name), "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        order = range(6) if y is not None else [5, 2, 0, 4, 3, 1]  # new.csv has another order, and no label
        out.writerow([NAMES[c] for c in order] + (["bought"] if y is not None else ["note"]))
        for i, row in enumerate(x):
            cells = [marks[(i + c) % 4] if row[c] != row[c] else f"{row[c]:g}" if isinstance(row[c], float) else row[c] for c in order]
            out.writerow(cells + [y[i] if y is not None else "to be ignored"])


x, _, y = people(1000, CITIES, JOBS)
new, truth, _ = people(150, CITIES[:5] + ["Brest", "Metz"], JOBS + ["astronaut"])
new[:5, 2] = np.nan  # missing where training has none
write("people.csv", x, y)
write("new.csv", new)
full = np.array([not any(v != v for v in row) for row in new])
write("new_full.csv", new[full])

NUMBERS = {0, 4}


def encoded(train, test, missing, categorical, ohe, cross=(), bits=0):
    """The matrices of both parts, column by column in the order of the file."""
    steps, hashed = [], []
    impute = SimpleImputer(strategy="mean", add_indicator=missing == "indicator")
    for c, name in enumerate(NAMES):
        if c in NUMBERS or name == "class" and not categorical:
            steps.append((name, impute, [c]))
        elif bits:
            hashed.append(c)
        else:
            steps.append((name, OneHotEncoder(sparse_output=False, **ohe), [c]))
    joined = lambda x: np.array([[":".join(x[i, list(cross)])] for i in range(len(x))], dtype=object)
    if cross:
        filled = lambda x: np.where([[v != v for v in row] for row in x], "<missing>", x)
        steps.append(("cross", OneHotEncoder(sparse_output=False, **ohe), [6]))
        train, test = (np.hstack([t, joined(filled(t))]) for t in (train, test))
    if bits:
        text = lambda v: "<missing>" if v != v else f"{v:g}" if isinstance(v, float) else v
        pairs = lambda x: [{NAMES[c]: text(row[c]) for c in hashed} for row in x]
        hasher = FeatureHasher(2**bits)
        steps.append(("hash", FunctionTransformer(lambda x: hasher.transform(pairs(x)).toarray()), list(range(6))))
    ct = ColumnTransformer(steps, sparse_threshold=0)
    return ct.fit_transform(train).astype(float), ct.transform(test).astype(float)


cases = []
for args, missing, categorical, ohe, kw, C in [
    ("--missing mean", "mean", False, dict(handle_unknown="ignore"), {}, 1.0),
    ("--missing indicator --categorical class --max-categories 5", "indicator", True, dict(handle_unknown="infrequent_if_exist", max_categories=5), {}, 0.5),
    ("--missing drop --min-frequency 0.05", "drop", False, dict(handle_unknown="infrequent_if_exist", min_frequency=0.05), {}, 2.0),
    ("--missing drop --min-frequency 40 --categorical class", "drop", True, dict(handle_unknown="infrequent_if_exist", min_frequency=40), {}, 1.0),
    ("--missing mean --cross city:sex", "mean", False, dict(handle_unknown="ignore"), dict(cross=(1, 2)), 1.0),
    ("--missing mean --hash-bits 7 --categorical class", "mean", True, {}, dict(bits=7), 1.0),
]:
    train, test, labels = x, new, y
    if missing == "drop":  # rows without missing cells alone, in both parts
        kept = np.array([not any(v != v for v in row) for row in x])
        train, test, labels = x[kept], new[full], y[kept]
    a, b = encoded(train, test, missing, categorical, ohe, **kw)
    m = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(a, labels)
    z = m.decision_function(a) * np.where(labels == "yes", 1, -1)
    objective = C * np.logaddexp(0, -z).sum() + 0.5 * (m.coef_**2).sum()
    cases.append(dict(
        args=args, C=C, rows=len(train), data="new_full.csv" if missing == "drop" else "new.csv",
        objective=objective, intercept=m.intercept_[0], coef=m.coef_[0].tolist(),
        proba=m.predict_proba(b)[:, 1].tolist(),
    ))
with open(os.path.join(here, "golden.json"), "w") as f:
    json.dump(dict(scikit_learn=sklearn.__version__, numpy=np.__version__, truth=truth.tolist(), cases=cases), f, indent=0)
    f.write("\n")
