"""One peer fitted to one set, in a process of its own: prints one JSON object a setting.

usage: peers.py --data DIR --set SET --peer PEER [--limit SECONDS]

Data are in memory, in the form the peer wants them, before the clock starts; only
fit() is timed. A peer with several settings tries them from loose to tight until one
reaches the target, and that one is run three times in all.
"""

import os

THREADS = "2"
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(variable, THREADS)

import argparse
import json
import resource
import signal
import time
import warnings

import numpy as np

import judge
import sets

TARGET = 1e-6  # relative sub-optimality
RUNS = 3


class Peer:
    """fit(x, y) returns a function that fits and returns (coef, intercept, iterations)."""

    def __init__(self, fit, settings, penalised=False, binary=False, dense=False, note=""):
        self.fit, self.settings = fit, settings
        self.penalised, self.binary, self.dense, self.note = penalised, binary, dense, note


def sklearn(solver, dtype=np.float32):
    def prepare(x, y, tol):
        from sklearn.linear_model import LogisticRegression

        x = x.astype(dtype, copy=False)

        def fit():
            m = LogisticRegression(C=1.0, solver=solver, tol=tol, max_iter=20000).fit(x, y)
            w, b = (m.coef_[0], m.intercept_[0]) if len(m.coef_) == 1 else (m.coef_, m.intercept_)
            return w, b, int(np.max(m.n_iter_))

        return fit

    return prepare


def liblinear(solver):
    def prepare(x, y, eps):
        import scipy.sparse as sp
        from liblinear.liblinear import parameter, problem
        from liblinear.liblinearutil import train

        data = problem(np.where(y == 1, 1.0, -1.0), sp.csr_matrix(x, dtype=np.float64))
        flags = "-s %d -B 1 %s -e %g -q" % (solver, "-R" if solver == 0 else "", eps)

        def fit():
            m = train(data, parameter(flags))
            w, b = m.get_decfun()
            sign = 1.0 if m.get_labels()[0] == 1 else -1.0
            return sign * np.array(w), sign * b, None

        return fit

    return prepare


def snapml(x, y, tol):
    import snapml as snap

    x, y = x.astype(np.float32, copy=False), y.astype(np.float32)

    def fit():
        m = snap.LogisticRegression(regularizer=1.0, n_jobs=int(THREADS), tol=tol, dual=True, max_iter=1000, random_state=0)
        m.fit(x, y)
        return np.array(m.coef_, np.float64).ravel(), float(np.ravel(m.intercept_)[0]), getattr(m, "n_iter_", None)

    return fit


def glum(x, y, dtype):
    from glum import GeneralizedLinearRegressor

    x, y = x.astype(dtype, copy=False), y.astype(dtype)

    def fit():
        m = GeneralizedLinearRegressor(family="binomial", alpha=1.0 / len(y), l1_ratio=0, solver="irls-ls", max_iter=1000).fit(x, y)
        return m.coef_, float(m.intercept_), int(m.n_iter_)

    return fit


def torch_lbfgs(x, y, tol):
    import torch
    import torch.nn.functional as f

    torch.set_num_threads(int(THREADS))
    n, d = x.shape
    k = int(y.max()) + 1
    outputs = 1 if k == 2 else k
    xt = torch.from_numpy(x.astype(np.float32, copy=False))
    yt = torch.from_numpy(y.astype(np.float32 if k == 2 else np.int64))

    def fit():
        w = torch.zeros(d, outputs, requires_grad=True)
        b = torch.zeros(outputs, requires_grad=True)
        opt = torch.optim.LBFGS([w, b], max_iter=1000, max_eval=10000, tolerance_grad=tol, tolerance_change=1e-9, history_size=10, line_search_fn="strong_wolfe")

        def closure():
            opt.zero_grad()
            z = xt @ w + b
            loss = f.binary_cross_entropy_with_logits(z[:, 0], yt) if k == 2 else f.cross_entropy(z, yt)
            loss = loss + 0.5 / n * (w * w).sum()
            loss.backward()
            return loss

        opt.step(closure)
        w, b = w.detach().numpy().T, b.detach().numpy()
        iterations = opt.state[opt._params[0]]["n_iter"]
        return (w[0], b[0], iterations) if k == 2 else (w, b, iterations)

    return fit


PEERS = {
    "scikit-learn newton-cholesky": Peer(sklearn("newton-cholesky"), [1e-4, 1e-6], dense=True),
    "PyTorch LBFGS": Peer(torch_lbfgs, [1e-5, 1e-6, 1e-7], dense=True, note="strong Wolfe, history 10"),
    "scikit-learn newton-cg": Peer(sklearn("newton-cg"), [1e-4, 1e-5, 1e-6]),
    "scikit-learn lbfgs": Peer(sklearn("lbfgs"), [1e-4, 1e-5, 1e-6, 1e-7]),
    "Snap ML dual": Peer(snapml, [1e-3, 1e-4, 1e-5], penalised=True, binary=True),
    "glum irls-ls": Peer(glum, [np.float32, np.float64], binary=True, dense=True, note="default tolerance"),
    "LIBLINEAR -s 0": Peer(liblinear(0), [1e-2, 1e-4], binary=True, note="1 thread"),
    "LIBLINEAR -s 7": Peer(liblinear(7), [0.1, 0.01], penalised=True, binary=True, note="1 thread"),
    "scikit-learn saga": Peer(sklearn("saga"), [1e-4, 1e-5]),
    "scikit-learn lbfgs float64": Peer(sklearn("lbfgs", np.float64), [1e-5, 1e-6, 1e-7]),
}


def name(setting):
    return np.dtype(setting).name if isinstance(setting, type) else "tolerance %g" % setting


def run(folder, data, peer_name, limit):
    warnings.filterwarnings("ignore")
    peer = PEERS[peer_name]
    x, y = sets.load(folder, data)
    best = judge.minimum(folder, data)["penalised" if peer.penalised else "free"]

    def timed(fit):
        signal.alarm(limit)
        start = time.perf_counter()
        result = fit()
        seconds = time.perf_counter() - start
        signal.alarm(0)
        return seconds, result

    for setting in peer.settings:
        try:
            fit = peer.fit(x, y, setting)
            seconds, (w, b, iterations) = timed(fit)
        except ImportError as e:
            print(json.dumps({"missing": str(e)}), flush=True)
            return
        except Exception as e:  # a peer's failure is a result, e.g. a singular matrix in float32
            print(json.dumps({"setting": name(setting), "failed": "%s: %s" % (type(e).__name__, str(e).split("\n")[0])}), flush=True)
            continue
        gap = judge.objective(x, y, w, b, peer.penalised) / best - 1
        times = [seconds]
        if gap <= TARGET:
            times += [timed(fit)[0] for _ in range(RUNS - 1)]
        note = ", ".join(filter(None, [name(setting), peer.note, peer.penalised and "intercept penalised, judged so"]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"setting": note, "seconds": times, "iterations": iterations, "gap": gap, "peak_bytes": peak}), flush=True)
        if gap <= TARGET:
            return


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--set", required=True)
    p.add_argument("--peer", required=True, choices=list(PEERS))
    p.add_argument("--limit", type=int, default=120)
    args = p.parse_args()
    run(args.data, args.set, args.peer, args.limit)
