"""Writes the files beside this one, by pyarrow: the same table packed in many ways.

usage: make.py        (needs pyarrow and numpy)

The table has 23 rows, i from 0:
  single   float32   i / 4 - 2
  double   float64   (i - 11) * 0.1
  i8 .. u64          i - 5 (i for the unsigned), the widest number in row 3
  flag     bool      i is a multiple of 3
  price    decimal   (i - 4) / 100
  city     text      Paris, Oslo, Rome by turns
  label    int64     i % 2
holes.* lack the cells of double, i8, flag and city in every fifth row.
"""
import datetime
import decimal
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

os.chdir(os.path.dirname(os.path.abspath(__file__)))
n = 23
i = np.arange(n)
columns = {"single": pa.array((i / 4 - 2).astype(np.float32)), "double": pa.array((i - 11) * 0.1)}
for bits in (8, 16, 32, 64):
    signed, unsigned = (i - 5).tolist(), i.tolist()
    signed[3], unsigned[3] = -(2 ** (min(bits, 53) - 1)), 2 ** min(bits, 53) - 1
    columns["i%d" % bits] = pa.array(signed, getattr(pa, "int%d" % bits)())
    columns["u%d" % bits] = pa.array(unsigned, getattr(pa, "uint%d" % bits)())
columns["flag"] = pa.array((i % 3 == 0).tolist())
columns["price"] = pa.array([decimal.Decimal(int(k) - 4) / 100 for k in i], pa.decimal128(7, 2))
columns["city"] = pa.array([("Paris", "Oslo", "Rome")[k % 3] for k in i])
columns["label"] = pa.array(i % 2)
table = pa.table(columns)
holes = table
for name in ("double", "i8", "flag", "city"):
    values = table.column(name).to_pylist()
    holes = holes.set_column(holes.schema.get_field_index(name), name, pa.array([None if k % 5 == 2 else v for k, v in enumerate(values)], table.schema.field(name).type))

small = dict(row_group_size=9, data_page_size=16, write_batch_size=4, store_decimal_as_integer=True)
for codec in ("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4"):
    pq.write_table(table, codec.lower() + ".parquet", compression=codec, **small)
for version in ("1.0", "2.0"):
    pq.write_table(table, "pages-v%s.parquet" % version[0], data_page_version=version, **small)
    pq.write_table(holes, "holes-v%s.parquet" % version[0], data_page_version=version, **small)
pq.write_table(table, "plain.parquet", use_dictionary=False, **small)
pq.write_table(table, "delta.parquet", use_dictionary=False, column_encoding={"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "single": "BYTE_STREAM_SPLIT", "double": "BYTE_STREAM_SPLIT", "city": "DELTA_LENGTH_BYTE_ARRAY"}, **small)
pq.write_table(table.append_column("day", pa.array([datetime.date(2024, 1, 1)] * n)).append_column("list", pa.array([[1]] * n)), "refused.parquet")
pq.write_table(pa.table({"a": [1.5, 2, 3], "nothing": pa.nulls(3), "bytes": [b"\xff", b"u", b"v"], "y": [0, 1, 0], "__index_level_0__": [2, 0, 1]}), "pandas.parquet")
