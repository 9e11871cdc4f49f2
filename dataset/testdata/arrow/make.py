"""Writes the files beside this one, by pyarrow 26 and polars 1: the same table packed in many ways.

usage: make.py        (needs pyarrow, polars and numpy)

The table has 23 rows in three batches, i from 0:
  half     float16   i / 4 - 2
  single   float32   i / 4 - 2
  double   float64   (i - 11) * 0.1
  i8 .. u64          i - 5 (i for the unsigned), the widest number in row 3
  flag     bool      i is a multiple of 3
  price    decimal   (i - 4) / 100
  small    decimal   of 32 bits, (i - 4) / 10
  rank     int32     i % 4, in a dictionary
  city     text      Paris, Oslo, Rome by turns
  large    text      the same, with offsets of 64 bits
  view     text      the same, as a string view, behind a word of more than 12 bytes
  town     text      the same as city, in a dictionary that has more entries
  label    int64     i % 2
holes.* lack the cells of double, i8, flag, price, rank, city, large, view and town in every fifth row;
sliced.arrow has the rows from 7 to 19 of holes; polars.arrow single, double, i64, flag, city
and label as polars writes them; grows.arrows and replaced.arrows are streams whose
dictionary of town grows or is another one from batch to batch.
"""
import datetime
import decimal
import os

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather

os.chdir(os.path.dirname(os.path.abspath(__file__)))
n = 23
i = np.arange(n)
columns = {"half": pa.array((i / 4 - 2).astype(np.float16)), "single": pa.array((i / 4 - 2).astype(np.float32)), "double": pa.array((i - 11) * 0.1)}
for bits in (8, 16, 32, 64):
    signed, unsigned = (i - 5).tolist(), i.tolist()
    signed[3], unsigned[3] = -(2 ** (min(bits, 53) - 1)), 2 ** min(bits, 53) - 1
    columns["i%d" % bits] = pa.array(signed, getattr(pa, "int%d" % bits)())
    columns["u%d" % bits] = pa.array(unsigned, getattr(pa, "uint%d" % bits)())
columns["flag"] = pa.array((i % 3 == 0).tolist())
columns["price"] = pa.array([decimal.Decimal(int(k) - 4) / 100 for k in i], pa.decimal128(7, 2))
columns["small"] = pa.array([decimal.Decimal(int(k) - 4) / 10 for k in i], pa.decimal32(5, 1))
columns["rank"] = pa.DictionaryArray.from_arrays(pa.array(i % 4, pa.int8()), pa.array([0, 1, 2, 3], pa.int32()))
cities = [("Paris", "Oslo", "Rome")[k % 3] for k in i]
codes = [(2, 0, 3)[k % 3] for k in i]
columns["city"] = pa.array(cities)
columns["large"] = pa.array(cities, pa.large_string())
columns["view"] = pa.array(["metropolis of " + c if c == "Oslo" else c for c in cities], pa.string_view())
columns["town"] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.uint16()), pa.array(["Oslo", "Bern", "Paris", "Rome"]))
columns["label"] = pa.array(i % 2)
table = pa.table(columns)
holes = table
for name in ("double", "i8", "flag", "price", "rank", "city", "large", "view", "town"):
    k = holes.schema.get_field_index(name)
    of = table.schema.field(name).type
    if pa.types.is_dictionary(of):
        d = table.column(name).chunk(0)
        cells = pa.DictionaryArray.from_arrays(pa.array([None if k % 5 == 2 else c for k, c in enumerate(d.indices.to_pylist())], of.index_type), d.dictionary)
    else:
        cells = pa.array([None if k % 5 == 2 else c for k, c in enumerate(table.column(name).to_pylist())], of)
    holes = holes.set_column(k, name, cells)


def write(name, table, stream=False, batches=None, **options):
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(name, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        for b in batches or table.to_batches(max_chunksize=9):
            out.write_batch(b)


write("plain.arrow", table)
write("stream.arrows", table, stream=True)
write("lz4.arrow", table, compression="lz4")
write("zstd.arrows", table, stream=True, compression="zstd")
write("holes.arrow", holes)
pa.feather.write_feather(holes, "holes.feather", compression="lz4")
pa.feather.write_feather(pa.table({"single": columns["single"]}), "old.feather", version=1)
write("sliced.arrow", holes.slice(7, 12))
pl.from_arrow(table.select(["single", "double", "i64", "flag", "city", "label"])).write_ipc("polars.arrow", compression="zstd")
towns = ["Oslo", "Bern", "Paris", "Rome"]
word = pa.dictionary(pa.int32(), pa.string())
few = pa.table({"single": columns["single"], "town": columns["town"].cast(word), "label": columns["label"]})


def batch(order, rows):
    at = {t: k for k, t in enumerate(order)}
    town = pa.DictionaryArray.from_arrays(pa.array([at[cities[k]] for k in rows], pa.int32()), pa.array(order))
    return pa.record_batch([columns["single"].take(pa.array(rows)), town, columns["label"].take(pa.array(rows))], schema=few.schema)


write("grows.arrows", few, True, [batch(towns[:3], [0, 1, 3, 4]), batch(towns, [2, 5, 6]), batch(towns + ["Bonn"], [7, 8])], emit_dictionary_deltas=True)
write("replaced.arrows", few, True, [batch(towns, [0, 1, 2]), batch(towns[::-1], [3, 4, 5]), batch(["Rome", "Paris", "Oslo"], [6, 7, 8])])
write("refused.arrow", table.select(["single"]).append_column("day", pa.array([datetime.date(2024, 1, 1)] * n)).append_column("list", pa.array([[1]] * n)).append_column("raw", pa.array([b"x"] * n)).append_column("when", pa.array([datetime.datetime(2024, 1, 1)] * n)).append_column("wide", pa.array([decimal.Decimal(1)] * n, pa.decimal256(50, 1))).append_column("nothing", pa.nulls(n)).append_column("pair", pa.array([{"a": 1.0, "b": "x"}] * n)).append_column("last", columns["single"]).append_column("label", table.column("label")))
