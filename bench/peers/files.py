"""The files that reading is compared on, made from the sets.

usage: files.py --data DIR --ingest PROGRAM [FILE ...]        writes DIR/FILE where it is not there yet

  H500k.csv     the first 500,000 rows of H, 28 columns of %.7g with a header, no label
  H500k.csv.gz  the same, by gzip -6
  SP.svm        SP as LibSVM text, indices from 1, %.6g
  H.parquet     H and its labels, float32, snappy, as pyarrow writes it
  H.arrow       the same, as pyarrow writes an Arrow file: not packed
  H.feather     the same, as pyarrow writes Feather by default: lz4
  H.npy         X of H, as numpy.save writes it
  H.lrb         the same in our own format, written by PROGRAM (bench/ingest)
"""

import argparse
import gzip
import os
import shutil
import subprocess
import time

import numpy as np

import sets

CSV_ROWS = 500_000


def names(x):
    return ["f%d" % i for i in range(x.shape[1])]


def csv(args, path):
    x = sets.load(args.data, "H")[0][:CSV_ROWS]
    row = ",".join(["%.7g"] * x.shape[1])
    with open(path, "w") as f:
        f.write(",".join(names(x)) + "\n")
        for a in range(0, len(x), 10_000):
            f.write("\n".join(row % tuple(r) for r in x[a : a + 10_000].tolist()) + "\n")


def csv_gz(args, path):
    ensure(args, "H500k.csv")
    with open(os.path.join(args.data, "H500k.csv"), "rb") as f, gzip.open(path, "wb", compresslevel=6) as g:
        shutil.copyfileobj(f, g, 1 << 20)


def libsvm(args, path):
    x, y = sets.load(args.data, "SP")
    with open(path, "w") as f:
        for i in range(len(y)):
            a, b = x.indptr[i], x.indptr[i + 1]
            entries = zip((x.indices[a:b] + 1).tolist(), x.data[a:b].tolist())
            f.write("%d %s\n" % (y[i], " ".join("%d:%.6g" % e for e in entries)))


def parquet(args, path):
    import pyarrow.parquet as pq

    pq.write_table(table(args), path, compression="snappy")


def table(args):
    import pyarrow as pa

    x, y = sets.load(args.data, "H")
    return pa.table({**{name: x[:, i] for i, name in enumerate(names(x))}, "label": y})


def arrow(args, path):
    import pyarrow as pa

    t = table(args)
    with pa.ipc.new_file(path, t.schema) as out:
        out.write_table(t)


def feather(args, path):
    import pyarrow.feather

    pyarrow.feather.write_feather(table(args), path)


def npy(args, path):
    with open(path, "wb") as f:
        np.save(f, sets.load(args.data, "H")[0])


def lrb(args, path):
    ensure(args, "H.npy")
    subprocess.run([args.ingest, "-write", path, os.path.join(args.data, "H.npy")], check=True)


MAKE = {"H500k.csv": csv, "H500k.csv.gz": csv_gz, "SP.svm": libsvm, "H.parquet": parquet, "H.arrow": arrow, "H.feather": feather, "H.npy": npy, "H.lrb": lrb}
FROM = {"H500k.csv": "H", "SP.svm": "SP", "H.parquet": "H", "H.arrow": "H", "H.feather": "H", "H.npy": "H"}


def ensure(args, name):
    """Returns the path of the file."""
    path = os.path.join(args.data, name)
    if not os.path.exists(path):
        if name in FROM:
            sets.ensure(args.data, FROM[name])
        start = time.time()
        part = os.path.join(args.data, ".part-" + name)
        MAKE[name](args, part)
        os.replace(part, path)
        print("made %s: %.1f MB, %.1f s" % (name, os.path.getsize(path) / 1e6, time.time() - start), flush=True)
    return path


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--ingest", required=True)
    p.add_argument("files", nargs="*", default=list(MAKE))
    args = p.parse_args()
    for name in args.files:
        ensure(args, name)
