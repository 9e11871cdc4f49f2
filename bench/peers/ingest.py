"""Compares how fast files become matrices with the peers: same files, same run, in turn.

usage: ingest.py --bin bin/logreg-gpu --ingest PROGRAM --data DIR --out DIR [--formats "csv csv.gz libsvm parquet arrow arrow.lz4 lrb npy"] [--rounds N]

Writes OUT/ingest-<cpu>-<date>.json and .md; formats that are not asked for stay as they
are in a file of the same machine and day. PROGRAM is bench/ingest; files.py has the
files and readers.py the peers.

Everybody has two threads and the file in the page cache. What is timed, for all: from a
path to a matrix in memory. Readers are asked in turn, once a round, so that all see the
same machine; ours gives its memory back to the system before each read and pays for
fresh pages, peers keep what their allocators keep. The least time of each counts.
Everybody's numbers are added up once, and must agree.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

import files
import peers
import readers
import run

FILES = {"csv": "H500k.csv", "csv.gz": "H500k.csv.gz", "libsvm": "SP.svm", "parquet": "H.parquet", "arrow": "H.arrow", "arrow.lz4": "H.feather", "lrb": "H.lrb", "npy": "H.npy"}
PACKAGES = ("numpy", "pandas", "polars", "pyarrow", "scikit-learn")
OURS = "logreg-gpu"

# What is asked of our own program besides reading: the name, and how it is called there.
BESIDE = {
    "csv.gz": ("our decompressor alone", "gunzip"),
    "lrb": ("plain read of the file", "read"),
    "npy": ("plain read of the file", "read"),
}


class Program:
    """A process that answers one line with one line."""

    def __init__(self, *command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question):
        print(question, file=self.child.stdin, flush=True)
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("%s ended when asked %r" % (self.child.args[0], question))
        return json.loads(line)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def compare(args, kind):
    path = files.ensure(args, FILES[kind])
    us = Program(args.ingest, "-serve", "-threads", peers.THREADS, "-cols", "200000")
    them = Program(sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "readers.py"))
    asked = {OURS: lambda: us.ask("%s=%s" % (kind.split(".")[0], path))}
    if kind in BESIDE:
        name, how = BESIDE[kind]
        asked[name] = lambda: us.ask("%s=%s" % (how, path))
    for name in readers.READERS[kind]:
        asked[name] = lambda name=name: them.ask(json.dumps([kind, name, path]))
    results = [{"who": name, "seconds": []} for name in asked]
    for r, ask in zip(results, asked.values()):  # once untimed: the file is in the page cache, modules are loaded
        r.update(ask())
        r["seconds"] = []
    for _ in range(args.rounds):
        for r, ask in zip(results, asked.values()):
            if "failed" not in r and "missing" not in r:
                r["seconds"].append(ask()["seconds"])
    us.close()
    them.close()
    out = {"file": FILES[kind], "bytes": os.path.getsize(path), "results": results, "load_average": os.getloadavg()[0]}
    if kind.endswith(".gz"):
        out["bytes"] = os.path.getsize(path[: -len(".gz")])  # of the text inside
    for r in results:
        r.pop("what", None)
        r["agrees"] = "sum" not in r or abs(r["sum"] / results[0]["sum"] - 1) < 1e-6  # single precision, and pandas' own rounding
        if r["seconds"]:
            print("%-8s %-60s %s s" % (kind, r["who"], run.spread(r["seconds"])), flush=True)
        else:
            print("%-8s %-60s %s" % (kind, r["who"], r.get("failed") or "is not installed"), flush=True)
    return out


def rate(s, r):
    return s["bytes"] / min(r["seconds"]) / 1e6


def table(results):
    """The results as text for people."""
    lines = [
        "# Reading files, %s, %s" % (results["cpu"], results["date"]),
        "",
        "%s; %s threads for all; %s." % (results["version"], peers.THREADS, ", ".join("%s %s" % v for v in results["packages"].items())),
        "Made by `make bench-ingest` (bench/peers/ingest.py says what is timed and how). Seconds are min / median / max of the rounds; MB/s is",
        "of the least, and of the text inside where the file is compressed.",
    ]
    for kind, s in results["formats"].items():
        lines += ["", "## %s: %s, %.1f MB" % (kind, s["file"], s["bytes"] / 1e6), ""]
        other = held_to(kind, s)
        if other:
            lines += ["**%.2f x** as fast as %s. Load average %.1f." % (ratio(s, other), other["who"], s["load_average"]), ""]
        lines += ["| who | seconds | MB/s |", "|---|--:|--:|"]
        timed = [r for r in s["results"] if r["seconds"]]
        for r in sorted(timed, key=lambda r: min(r["seconds"])):
            who = "**%s**" % r["who"] if r["who"] == OURS else r["who"]
            lines.append("| %s | %s | %.0f |" % (who, run.spread(r["seconds"]), rate(s, r)))
        for r in s["results"]:
            if not r["seconds"]:
                lines.append("| %s | %s | |" % (r["who"], (r.get("failed") or "not installed")[:100].replace("|", "/")))
    return "\n".join(lines) + "\n"


def named(s, who):
    """The results of a format whose reader's name begins so, the fastest first."""
    found = [r for r in s["results"] if r["who"].startswith(who) and r["seconds"]]
    return sorted(found, key=lambda r: min(r["seconds"]))


def held_to(kind, s):
    """The result that a format is compared with; None without a peer."""
    if kind in BESIDE:
        found = named(s, BESIDE[kind][0])
    elif kind == "parquet":
        found = [r for r in named(s, "pyarrow") if "matrix" in r["who"]]
    else:
        found = [r for r in named(s, "") if r["who"] != OURS]
    return found[0] if found else None


def ratio(s, r):
    """How many times faster ours is."""
    return min(r["seconds"]) / min(named(s, OURS)[0]["seconds"])


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ingest", required=True)
    p.add_argument("--bin", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--formats", default=" ".join(FILES))
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args(argv)
    wanted = args.formats.split()
    for kind in wanted:
        if kind not in FILES:
            p.error("unknown format %r; the formats are %s" % (kind, " ".join(FILES)))
    base, results = run.start(args, "ingest", {"formats": {}}, PACKAGES)
    for kind in wanted:
        results["formats"][kind] = compare(args, kind)
        run.save(base, results, table(results))
    print("wrote %s.md" % base)


if __name__ == "__main__":
    main()
