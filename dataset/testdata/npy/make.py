"""Writes the arrays that npy_test.go reads (numpy 2.4.6): python3 make.py

Every matrix is the same 3 x 4 numbers: three features and the label 0 or 1.
"""

import io

import numpy as np

table = np.array([[1, 2, 3, 0], [4, 5, 6, 1], [7, 8, 9, 0]])


def save(name, array, version=(1, 0)):
    with open(name + ".npy", "wb") as f:
        np.lib.format.write_array(f, array, version=version)


for kind in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"):
    t = np.dtype(kind)
    save("c_" + kind, table.astype(t))
    if t.itemsize > 1:
        save("big_" + kind, table.astype(t.newbyteorder(">")))
save("fortran_f4", np.asfortranarray(table, dtype="f4"))
save("fortran_big_i2", np.asfortranarray(table, dtype=">i2"))
save("version2", table.astype("f4"), (2, 0))
save("version3", table.astype("f8"), (3, 0))
save("labels", table[:, 3])
save("text", np.array(["a", "b"]))
save("records", np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]))
save("cube", np.zeros((2, 2, 2)))
save("empty", np.zeros((0, 4)))

x, y = table[:, :3].astype("f4"), table[:, 3]
weight, offset = np.array([1, 0.5, 2]), np.array([0, -1, 1], dtype="f4")
np.savez("stored.npz", X=x, y=y, sample_weight=weight, offset=offset)
np.savez_compressed("packed.npz", X=x.astype("f8"), y=y.astype("f8"), other=np.array([[5], [6], [7]]), w=weight)
