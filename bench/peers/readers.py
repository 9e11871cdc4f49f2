"""The peers that read files, in one process that answers line by line as bench/ingest does.

usage: readers.py < questions        a question is a JSON list: the name of the reader and a path

An answer is a JSON object: seconds, and what was read: rows, cols and the sum of the
magnitudes of its numbers. Only reading is timed; the table before is gone by then.
"""

import gc
import gzip
import json
import os
import sys
import time

from peers import THREADS  # which limits most of them, before numpy is loaded

os.environ.setdefault("POLARS_MAX_THREADS", THREADS)

import numpy as np


class Reader:
    """read(path) is timed; matrix(result) is not."""

    def __init__(self, needs, read, matrix=lambda r: r):
        self.needs, self.read, self.matrix = needs, read, matrix


def pandas():
    import pandas as pd

    return pd


def polars():
    import polars as pl

    return pl


def arrow():
    import pyarrow as pa

    pa.set_cpu_count(int(THREADS))
    pa.set_io_thread_count(int(THREADS))
    return pa


def arrow_csv(path):
    import pyarrow.csv as pc

    arrow()
    return pc.read_csv(path)


def arrow_parquet(path):
    import pyarrow.parquet as pq

    arrow()
    return pq.read_table(path)


def arrow_file(path):
    """An Arrow file, as fast as there is a way: mapped into memory."""
    return arrow().ipc.open_file(arrow().memory_map(path)).read_all()


def arrow_matrix(table):
    """The features, row by row: of the ways there are, the fastest seen."""
    columns = [table.column(i).to_numpy() for i, name in enumerate(table.column_names) if name != "label"]
    out = np.empty((table.num_rows, len(columns)), np.float32)
    step = 4096
    for a in range(0, len(out), step):
        rows = out[a : a + step]
        for i, c in enumerate(columns):
            rows[:, i] = c[a : a + step]
    return out


def arrow_stacked(table):
    return np.stack([table.column(i).to_numpy() for i, name in enumerate(table.column_names) if name != "label"], axis=1).astype(np.float32, copy=False)


def frame(f):
    return f[[c for c in f.columns if c != "label"]].to_numpy()


def svmlight(path):
    from sklearn.datasets import load_svmlight_file

    return load_svmlight_file(path, dtype=np.float32, n_features=200_000)[0]


def gunzip(path):
    with gzip.open(path, "rb") as g:
        while g.read(1 << 22):
            pass


C = {"engine": "c"}

READERS = {
    "csv": {
        "pandas.read_csv engine=c": Reader("pandas", lambda p: pandas().read_csv(p, **C), frame),
        "pandas.read_csv engine=c dtype=float32": Reader("pandas", lambda p: pandas().read_csv(p, dtype=np.float32, **C), frame),
        "pandas.read_csv engine=c dtype=float32, C-order matrix": Reader(
            "pandas", lambda p: np.ascontiguousarray(pandas().read_csv(p, dtype=np.float32, **C).to_numpy())
        ),
        "polars.read_csv": Reader("polars", lambda p: polars().read_csv(p), frame),
        "polars.read_csv, float32 C-order matrix": Reader(
            "polars", lambda p: polars().read_csv(p).cast(polars().Float32).to_numpy(order="c")
        ),
        "pyarrow.csv.read_csv": Reader("pyarrow", arrow_csv, arrow_matrix),
        "pyarrow.csv.read_csv, float32 C-order matrix": Reader("pyarrow", lambda p: arrow_matrix(arrow_csv(p))),
    },
    "csv.gz": {
        "Python gzip, decompression alone": Reader("numpy", gunzip, None),
        "pandas.read_csv engine=c": Reader("pandas", lambda p: pandas().read_csv(p, **C), frame),
        "polars.read_csv": Reader("polars", lambda p: polars().read_csv(p), frame),
        "pyarrow.csv.read_csv": Reader("pyarrow", arrow_csv, arrow_matrix),
    },
    "libsvm": {
        "sklearn load_svmlight_file": Reader("sklearn", svmlight, lambda x: x),
    },
    "parquet": {
        "pyarrow.parquet.read_table, C-order matrix by numpy.stack": Reader("pyarrow", lambda p: arrow_stacked(arrow_parquet(p))),
        "pyarrow.parquet.read_table, C-order matrix in blocks": Reader("pyarrow", lambda p: arrow_matrix(arrow_parquet(p))),
        "pyarrow.parquet.read_table": Reader("pyarrow", arrow_parquet, arrow_matrix),
        "polars.read_parquet, C-order matrix": Reader(
            "polars", lambda p: polars().read_parquet(p).drop("label").to_numpy(order="c")
        ),
    },
    "arrow": {
        "pyarrow.ipc, mapped, C-order matrix by numpy.stack": Reader("pyarrow", lambda p: arrow_stacked(arrow_file(p))),
        "pyarrow.ipc, mapped, C-order matrix in blocks": Reader("pyarrow", lambda p: arrow_matrix(arrow_file(p))),
        "polars.read_ipc, C-order matrix": Reader("polars", lambda p: polars().read_ipc(p).drop("label").to_numpy(order="c")),
    },
    "arrow.lz4": {
        "pyarrow.ipc, mapped, C-order matrix by numpy.stack": Reader("pyarrow", lambda p: arrow_stacked(arrow_file(p))),
        "pyarrow.ipc, mapped, C-order matrix in blocks": Reader("pyarrow", lambda p: arrow_matrix(arrow_file(p))),
        "polars.read_ipc, C-order matrix": Reader("polars", lambda p: polars().read_ipc(p).drop("label").to_numpy(order="c")),
    },
    "lrb": {},
    "npy": {
        "numpy.load": Reader("numpy", np.load),
    },
}


def size(x):
    """Rows, columns and the sum of the magnitudes of a matrix."""
    if hasattr(x, "indptr"):
        return x.shape[0], x.shape[1], float(np.abs(x.data, dtype=np.float64).sum())
    total = 0.0
    for a in range(0, len(x), 100_000):
        total += float(np.abs(x[a : a + 100_000].astype(np.float64)).sum())
    return len(x), x.shape[1], total


def main():
    known = set()
    for line in sys.stdin:
        kind, name, path = json.loads(line)
        reader = READERS[kind][name]
        try:
            __import__(reader.needs)
            gc.collect()
            start = time.perf_counter()
            result = reader.read(path)
            answer = {"seconds": time.perf_counter() - start}
        except ImportError as e:
            answer = {"missing": str(e)}
        except Exception as e:  # a peer's failure is a result
            answer = {"failed": "%s: %s" % (type(e).__name__, str(e).split("\n")[0])}
        else:
            if reader.matrix and (kind, name) not in known:
                answer["rows"], answer["cols"], answer["sum"] = size(reader.matrix(result))
                known.add((kind, name))
            del result
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
