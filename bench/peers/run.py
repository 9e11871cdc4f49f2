"""Compares logreg-gpu with its peers on this machine: same data, same run, one judge.

usage: run.py --bin bin/logreg-gpu --data DIR --out DIR [--sets "H S M"] [--limit SECONDS]

Writes OUT/peers-<cpu>-<date>.json and .md; sets that are not asked for stay as they are
in a file of the same machine and day. See sets.py for the data, judge.py for the
objective and peers.py for who is compared.

What is timed, for all: from data in memory to coefficients, 2 threads, no reading of
files. Ours is seconds.fit of `train --json` plus bringing X to the backend (load less
read: choosing the column map, checking, converting), each run a process of its own;
a peer's is fit() with data already in its format, three runs in one process. Everybody
is shown at the loosest setting that reaches the target, relative sub-optimality 1e-6;
we also at our default. Ours is run before the peers and after them again. A peer that
takes 5 times the best peer so far is stopped: it cannot be the best.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile

import judge
import peers
import sets

RUNS = 5  # of ours, before the peers and after
TOLERANCES = ["1e-4", "1e-5", "1e-6"]
CV = {"M": "Mcv", "H": "Hcv"}
PACKAGES = ("numpy", "scikit-learn", "liblinear-official", "snapml", "glum", "torch")
DEFAULT = "small H S M CT E SP MC cv"


def cpu():
    fields = {}
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            for line in f:
                key, _, value = line.partition(":")
                fields.setdefault(key.strip(), value.strip())
    model = fields.get("model name") or platform.processor() or platform.machine()
    family = fields.get("cpu family")
    return model + (" family %s model %s" % (family, fields["model"]) if family else "")


# A new process counts the memory of the one that started it as its own: with X in this one
# that would be more than ours takes. So a small one starts ours.
METER = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as f:
    f.write(str(usage.ru_maxrss * 1024))
sys.exit(status != 0)
"""


def ours(binary, *args):
    """Runs the program with --json; returns its object and the most memory it held."""
    with tempfile.TemporaryFile() as out, tempfile.NamedTemporaryFile("r") as peak:
        command = [binary, *args, "--json", "--quiet", "--backend", "cpu", "--threads", peers.THREADS]
        if subprocess.run([sys.executable, "-S", "-c", METER, peak.name, *command], stdout=out).returncode != 0:
            raise SystemExit("%s failed" % " ".join(command))
        out.seek(0)
        return json.load(out), int(peak.read())


class Ours:
    """The runs of one setting."""

    def __init__(self, binary, path, *flags):
        self.command = (binary, "train", path, *flags)
        self.result = {"who": "logreg-gpu", "setting": " ".join(flags) or "defaults", "seconds": [], "fit_seconds": [], "peak_bytes": 0}

    def run(self, times, minimum, x, y):
        for _ in range(times):
            r, peak = ours(*self.command)
            s = r["seconds"]
            self.result["fit_seconds"].append(s["fit"])
            self.result["seconds"].append(s["fit"] + s["load"] - s["read"])
            self.result["peak_bytes"] = max(self.result["peak_bytes"], peak)
        if "gap" not in self.result:
            w, b = (r["coef"][0], r["intercept"][0]) if len(r["coef"]) == 1 else (r["coef"], r["intercept"])
            self.result["gap"] = judge.objective(x, y, w, b) / minimum - 1
            for key in ("solver", "dtype", "status", "iterations", "passes"):
                self.result[key] = r[key]
        return self.result


def converted(args, name, cols):
    """The set in our own format, which keeps float32 as it is."""
    source = sets.file(args.data, name)
    path = os.path.join(args.data, name + ".lrb")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        subprocess.run([args.bin, "convert", source, path, "--dtype", "float32", "--features", str(cols), "--quiet"], check=True)
    return path


def compare(args, name):
    sets.ensure(args.data, name)
    minimum = judge.minimum(args.data, name)["free"]
    x, y = sets.load(args.data, name)
    path = converted(args, name, x.shape[1]) if sets.sparse(x) else sets.file(args.data, name)
    out = {"rows": x.shape[0], "cols": x.shape[1], "classes": int(y.max()) + 1, "bytes": sets.size(x), "minimum": minimum, "load_average": [os.getloadavg()[0]]}
    for tolerance in TOLERANCES:
        first = Ours(args.bin, path, "--tol", tolerance)
        if first.run(1, minimum, x, y)["gap"] <= peers.TARGET:
            break
    usual = Ours(args.bin, path)
    first.run(RUNS - 1, minimum, x, y)
    usual.run(RUNS, minimum, x, y)
    out["results"] = [first.result, usual.result]
    show(name, first.result)
    show(name, usual.result)
    best = None
    for peer_name, peer in peers.PEERS.items():
        if peer.binary and out["classes"] > 2 or peer.dense and sets.sparse(x):
            continue
        limit = args.limit if best is None else min(args.limit, max(10, int(5 * best)))
        for r in run_peer(args, name, peer_name, limit):
            out["results"].append(r)
            show(name, r)
            if reached(r):
                best = min(best or r["seconds"][0], *r["seconds"])
    first.run(RUNS, minimum, x, y)
    usual.run(RUNS, minimum, x, y)
    show(name, first.result)
    out["load_average"].append(os.getloadavg()[0])
    return out


def reached(r):
    return "gap" in r and r["gap"] <= peers.TARGET


def run_peer(args, name, peer_name, limit):
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "peers.py"), "--data", args.data, "--set", name, "--peer", peer_name, "--limit", str(limit)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield {"who": peer_name, **json.loads(line)}
    if done.returncode == -signal.SIGALRM:
        yield {"who": peer_name, "failed": "stopped after %d s" % limit}
    elif done.returncode != 0:
        yield {"who": peer_name, "failed": (done.stderr.strip().splitlines() or ["exit %d" % done.returncode])[-1]}


SKLEARN_CV = """
import sys, time, json, warnings
sys.path.insert(0, sys.argv[1])
import peers, sets
warnings.filterwarnings("ignore")
from sklearn.linear_model import LogisticRegressionCV
x, y = sets.load(sys.argv[2], sys.argv[3])
for jobs in (1, 2):
    times = []
    for _ in range(2):
        start = time.perf_counter()
        m = LogisticRegressionCV(Cs=10, cv=5, max_iter=1000, n_jobs=jobs).fit(x, y)
        times.append(time.perf_counter() - start)
    print(json.dumps({"who": "scikit-learn LogisticRegressionCV", "setting": "n_jobs %d" % jobs, "seconds": times, "best_C": float(m.C_[0])}), flush=True)
"""


def compare_cv(args, name):
    data = CV[name]
    sets.ensure(args.data, data)
    x, _ = sets.load(args.data, data)
    us = {"who": "logreg-gpu cv", "setting": "defaults", "seconds": [], "peak_bytes": 0}
    out = {"rows": len(x), "cols": x.shape[1], "results": [us]}

    def run(times):
        for _ in range(times):
            r, peak = ours(args.bin, "cv", os.path.join(args.data, data + ".npz"), "--Cs", "10", "--folds", "5")
            s = r["seconds"]
            us["seconds"].append(s["fit"] + s["load"] - s["read"])
            us["peak_bytes"] = max(us["peak_bytes"], peak)
            us["best_C"], us["passes"], us["joint_reads"] = r["best_C"], r["passes"], r["joint_reads"]

    run(2)
    show("cv " + name, us)
    done = subprocess.run([sys.executable, "-c", SKLEARN_CV, os.path.dirname(os.path.abspath(__file__)), args.data, data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        out["results"].append({"who": "scikit-learn LogisticRegressionCV", "failed": done.stderr.strip().splitlines()[-1]})
    for line in done.stdout.splitlines():
        out["results"].append(json.loads(line))
        show("cv " + name, out["results"][-1])
    run(2)
    return out


def spread(seconds):
    return " / ".join("%.4g" % f(seconds) for f in (min, statistics.median, max))


def show(name, r):
    if "seconds" in r:
        gap = ", gap %.1e" % r["gap"] if "gap" in r else ""
        print("%s  %s (%s): %s s%s" % (name, r["who"], r["setting"], spread(r["seconds"]), gap), flush=True)
    else:
        print("%s  %s: %s" % (name, r["who"], r.get("failed") or "not installed"), flush=True)


def table(results):
    """The results as text for people."""
    lines = [
        "# Peers, %s, %s" % (results["cpu"], results["date"]),
        "",
        "%s; %s threads for all; %s." % (results["version"], peers.THREADS, ", ".join("%s %s" % v for v in results["packages"].items())),
        "Made by `make bench-peers` (bench/peers/run.py says what is timed and how). Seconds are min / median / max of the runs; for ours, from X in",
        "memory to coefficients, the fit alone in brackets. Gap is (f - f*) / f* in float64. Bold: the best that reaches 1e-6. Memory is the",
        "process's peak, data and program included. Reads are reads of X, parts as their share.",
    ]
    for name, s in results["sets"].items():
        lines += ["", "## %s: %d x %d, %.4g MB" % (name, s["rows"], s["cols"], s["bytes"] / 1e6), ""]
        if s.get("version", results["version"]) != results["version"]:
            lines += ["By %s." % s["version"], ""]
        best = best_peer(s)
        ratio, than = faster(s)
        if than:
            lines += ["**%s x** faster than %s. Load average %s." % (ratio, than, " to ".join("%.1f" % v for v in s["load_average"])), ""]
        lines += ["| who | setting | seconds | gap | iterations | reads | peak MB |", "|---|---|--:|--:|--:|--:|--:|"]
        rows = [r for r in s["results"] if "gap" in r]
        for r in sorted(rows, key=lambda r: min(r["seconds"])):
            seconds = spread(r["seconds"])
            if r is best:
                seconds = "**%s**" % seconds
            if "fit_seconds" in r:
                seconds += " (%s)" % spread(r["fit_seconds"])
            reads = "%.3g" % r["passes"] if "passes" in r else ""
            lines.append("| %s | %s | %s | %.1e | %s | %s | %.0f |" % (r["who"], r["setting"], seconds, r["gap"], r["iterations"] or "", reads, r["peak_bytes"] / 1e6))
        for r in s["results"]:
            if "gap" not in r:
                lines.append("| %s | %s | %s | | | | |" % (r["who"], r.get("setting", ""), (r.get("failed") or "not installed")[:100].replace("|", "/")))
    if results["cv"]:
        lines += ["", "## Cross-validation: 10 Cs x 5 folds and the refit", "", "| set | who | setting | seconds | best C | reads |", "|---|---|---|--:|--:|--:|"]
        for name, s in results["cv"].items():
            for r in s["results"]:
                if "seconds" in r:
                    reads = "%.3g" % r["passes"] if "passes" in r else ""
                    lines.append("| %s %d x %d | %s | %s | %s | %.3g | %s |" % (name, s["rows"], s["cols"], r["who"], r["setting"], spread(r["seconds"]), r["best_C"], reads))
    if results.get("machine"):
        lines += ["", "## One read of X, and small fits", "", "What `logreg-gpu bench --json` says.", "", "```json", json.dumps(results["machine"], indent=1), "```"]
    return "\n".join(lines) + "\n"


def best_peer(s):
    theirs = [r for r in s["results"] if not r["who"].startswith("logreg-gpu") and "seconds" in r and ("gap" not in r or reached(r))]
    return min(theirs, key=lambda r: min(r["seconds"]), default=None)


def faster(s):
    """How many times faster we are than which peer, as text: at least so many where all that reached the target were stopped before."""
    us, best = min(s["results"][0]["seconds"]), best_peer(s)
    if best:
        return "%.3g" % (min(best["seconds"]) / us), "the best peer, " + best["who"]
    stopped = [float(m.group(1)) for r in s["results"] if (m := re.match(r"stopped after (\d+) s", r.get("failed", "")))]
    if stopped:
        return "%.3g" % (min(stopped) / us), "any peer: none reached the target before it was stopped after %g s or more" % min(stopped)
    return "", ""


def start(args, kind, empty, packages):
    """Returns where the results of this machine and day are kept, without extension, and what is there already."""
    date = datetime.date.today().isoformat()
    slug = re.sub("[^a-z0-9]+", "-", cpu().lower()).strip("-")
    base = os.path.join(args.out, "%s-%s-%s" % (kind, slug, date))
    results = empty
    if os.path.exists(base + ".json"):
        with open(base + ".json") as f:
            results = json.load(f)
    results["cpu"], results["date"] = cpu(), date
    results["version"] = subprocess.run([args.bin, "version"], stdout=subprocess.PIPE, text=True).stdout.split("\n")[0]
    results["packages"] = {}
    for package in packages:
        try:
            results["packages"][package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print("%s is not installed; the comparison goes without it" % package, file=sys.stderr)
    return base, results


def save(base, results, text):
    os.makedirs(os.path.dirname(base), exist_ok=True)
    with open(base + ".json", "w") as f:
        json.dump(results, f, indent=1)
    with open(base + ".md", "w") as f:
        f.write(text)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--sets", default=DEFAULT)
    p.add_argument("--limit", type=int, default=120)
    args = p.parse_args(argv)
    wanted = args.sets.split()
    for name in wanted:
        if name not in [*sets.MAKE, "cv", "machine"]:
            p.error("unknown set %r; the sets are %s" % (name, DEFAULT))
    base, results = start(args, "peers", {"sets": {}, "cv": {}}, PACKAGES)

    for name in wanted:
        if name == "cv":
            for each in CV:
                results["cv"][each] = {"version": results["version"], **compare_cv(args, each)}
                save(base, results, table(results))
        elif name != "machine":
            results["sets"][name] = {"version": results["version"], **compare(args, name)}
            save(base, results, table(results))
    if "small" in wanted or "machine" in wanted:
        results["machine"], _ = ours(args.bin, "bench")
        save(base, results, table(results))
    print("wrote %s.md" % base)


if __name__ == "__main__":
    main()
