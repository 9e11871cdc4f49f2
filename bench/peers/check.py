"""Holds the newest results to what they must show; exit status 1 where something is missed.

usage: check.py --bin bin/logreg-gpu --ingest PROGRAM --data DIR --out DIR

What is missing it asks of run.py and ingest.py.
"""

import argparse
import glob
import json
import os
import sys

import ingest
import run

FASTER = {"H": 10, "S": 10, "M": 10, "CT": 10, "MC": 10, "E": 2, "SP": 3}
FULL_READS = {"H": 5, "S": 5, "M": 5, "CT": 5, "E": 12, "SP": 15, "MC": 60}
CV_FASTER = {"M": 25, "H": 40}
CV_READS = 8
READ_SHARE = {18: 0.60, 28: 0.60, 64: 0.85, 128: 0.85, 1024: 0.85, 2000: 0.85}
SMALL_SECONDS = 1e-3

# How fast a file is read, in terms of what ingest.held_to says. Of gzip the last block can
# only be parsed when the decompressor is done: a hundredth of its time, which noise hides.
INGEST = {"csv": 1.5, "csv.gz": 0.95, "libsvm": 10, "parquet": 1.0, "arrow": 1.0, "arrow.lz4": 1.0, "lrb": 0.8, "npy": 0.8}


def newest(folder, kind):
    """The results of the newest file, {} without one."""
    files = sorted(glob.glob(os.path.join(folder, kind + "-*.json")), key=lambda f: f[-15:])
    if not files:
        return {}
    with open(files[-1]) as f:
        return json.load(f)


def missing(results):
    wanted = [s for s in ["small", *FASTER] if s not in results.get("sets", {})]
    if not set(CV_FASTER) <= set(results.get("cv", {})):
        wanted.append("cv")
    if not results.get("machine"):
        wanted.append("machine")
    return wanted


def checks(results):
    """Yields (what, measured, wanted, whether it holds)."""
    for name, least in FASTER.items():
        s = results["sets"][name]
        us = s["results"][0]
        yield name + ": sub-optimality", "%.1e" % us["gap"], "<= 1e-6", run.reached(us)
        ratio, than = run.faster(s)
        yield "%s: times faster than %s" % (name, than), ratio, ">= %d" % least, bool(ratio) and float(ratio) >= least
        # An iteration reads X once, and the start once.
        full = us["iterations"] + 1
        yield name + ": full reads of X", "%d" % full, "<= %d" % FULL_READS[name], full <= FULL_READS[name]
        memory = 1.5 * s["bytes"] + 200e6
        yield name + ": peak memory in MB", "%.0f" % (us["peak_bytes"] / 1e6), "<= %.0f" % (memory / 1e6), us["peak_bytes"] <= memory
    for name, least in CV_FASTER.items():
        s = results["cv"][name]
        us, best = s["results"][0], run.best_peer(s)
        if best:
            ratio = min(best["seconds"]) / min(us["seconds"])
            yield "cv %s: times faster than %s" % (name, best["who"]), "%.1f" % ratio, ">= %d" % least, ratio >= least
        # Of all rows, for the fits of folds; passes count samples, statistics and the refit too.
        yield "cv %s: joint reads of X" % name, "%d" % us["joint_reads"], "<= %d" % CV_READS, us["joint_reads"] <= CV_READS
    for row in results["machine"]["eval"]:
        least = READ_SHARE.get(row["cols"])
        if row["backend"] == "cpu" and row["storage"] == "float32" and least:
            yield "one read of %d columns: share of a plain read" % row["cols"], "%.2f" % row["share"], ">= %.2f" % least, row["share"] >= least
    for row in results["machine"]["fit"]:
        if row["backend"] == "cpu" and row["rows"] == 569:
            yield "569 x 30: ms a fit", "%.2f" % (row["seconds"] * 1e3), "< 1", row["seconds"] < SMALL_SECONDS


def ingest_checks(results):
    for kind, least in INGEST.items():
        s = results["formats"][kind]
        other = ingest.held_to(kind, s)
        if other:
            ratio = ingest.ratio(s, other)
            yield "%s: as fast as %s, times" % (kind, other["who"]), "%.2f" % ratio, ">= %g" % least, ratio >= least
        for r in ingest.named(s, "Python gzip"):
            yield "%s: as fast as %s, times" % (kind, r["who"]), "%.2f" % ingest.ratio(s, r), ">= 1", ingest.ratio(s, r) >= 1
        for r in s["results"]:
            if not r["agrees"]:
                yield "%s: numbers agree with %s" % (kind, r["who"]), "no", "yes", False


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", required=True)
    p.add_argument("--ingest", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    wanted = missing(newest(args.out, "peers"))
    if wanted:
        run.main(["--bin", args.bin, "--data", args.data, "--out", args.out, "--sets", " ".join(wanted)])
    wanted = [kind for kind in INGEST if kind not in newest(args.out, "ingest").get("formats", {})]
    if wanted:
        ingest.main(["--bin", args.bin, "--ingest", args.ingest, "--data", args.data, "--out", args.out, "--formats", " ".join(wanted)])
    missed = 0
    for kind, checked in (("peers", checks), ("ingest", ingest_checks)):
        results = newest(args.out, kind)
        print("%s, %s, %s" % (results["cpu"], results["date"], results["version"]))
        for what, measured, limit, holds in checked(results):
            missed += not holds
            print("%-7s %-72s %10s  %s" % ("ok" if holds else "MISSED", what, measured, limit))
    sys.exit("%d targets are missed" % missed if missed else 0)


if __name__ == "__main__":
    main()
