#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the files of this folder again, byte for byte, in the layouts that README.md describes.

Uses nothing but Python's standard library, and nothing of Multitudes: what it writes is what the
other tools' own code would write, so the tests read files that no code of ours has made.
"""

import hashlib
import json
import struct
from pathlib import Path

FOLDER = Path(__file__).parent
WIDTH = 8
LAYERS = 4

U32, I32, F32, BOOL, STRING = 4, 5, 6, 7, 8


def row(layer):
    """What the tests expect at a layer: exact in every format, also in bfloat16."""
    return [layer + i / 8 for i in range(WIDTH)]


def unit(i):
    return [1.0 if k == i else 0.0 for k in range(WIDTH)]


def pack(letter, values):
    return struct.pack("<%d%s" % (len(values), letter), *values)


def bf16(values):
    return b"".join(struct.pack("<f", v)[2:] for v in values)


# --- GGUF -----------------------------------------------------------------------------------------

def text(s):
    raw = s.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def entry(key, kind, value):
    out = text(key) + struct.pack("<I", kind)
    if kind == STRING:
        return out + text(value)
    return out + struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def padded(data, alignment=32):
    return data + b"\0" * (-len(data) % alignment)


def gguf(name, entries, tensors):
    """Version 3: header, entries, tensor infos, then the data, everything padded to 32 bytes."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))
    head += b"".join(entry(*e) for e in entries)
    data = b""
    for tensor, values in tensors:
        head += text(tensor) + struct.pack("<IQIQ", 1, len(values), 0, len(data))
        data += padded(pack("f", values))
    (FOLDER / name).write_bytes(padded(head) + data)


ARCHITECTURE = ("general.architecture", STRING, "controlvector")


def control_vectors():
    # repeng walks the layers from the last to the second.
    gguf("repeng.gguf",
         [ARCHITECTURE,
          ("controlvector.model_hint", STRING, "llama"),
          ("controlvector.layer_count", U32, LAYERS - 1)],
         [("direction.%d" % n, row(n)) for n in range(LAYERS - 1, 0, -1)])

    # llama.cpp's generator: what block i had is called direction.(i + 1), for all blocks but the
    # last. The count is signed. Its two methods, pca and mean, write the same layout.
    gguf("llama_cpp.gguf",
         [ARCHITECTURE,
          ("controlvector.model_hint", STRING, "llama"),
          ("controlvector.layer_count", I32, LAYERS - 1)],
         [("direction.%d" % (n + 1), row(n)) for n in range(LAYERS - 1)])

    # jukofyork's tool: blocks without a direction are left out; the count is the model's.
    gguf("jukofyork.gguf",
         [ARCHITECTURE,
          ("controlvector.model_hint", STRING, "llama"),
          ("controlvector.layer_count", U32, LAYERS)],
         [("direction.%d" % (n + 1), row(n)) for n in (0, 2)])

    # EasySteer: names are true layers, 0 included, and the method is said.
    def easysteer(name, method, extra):
        gguf(name,
             [ARCHITECTURE,
              ("controlvector.model_hint", STRING, "qwen2"),
              ("controlvector.method", STRING, method),
              ("controlvector.layer_count", U32, LAYERS)] + extra,
             [("direction.%d" % n, row(n)) for n in range(LAYERS)])

    def native(component):
        variance = {"mapping": [[n, 0.5] for n in range(LAYERS)]}
        return json.dumps({"version": 1, "component": component,
                           "metadata": {"mapping": [["explained_variance", variance]]}},
                          separators=(",", ":"))

    easysteer("easysteer_flat.gguf", "PCA",
              [("controlvector.explained_variance.%d" % n, F32, 0.5) for n in range(LAYERS)])
    easysteer("easysteer.gguf", "diffmean",
              [("controlvector.easysteer", STRING, native("hidden_states"))])
    easysteer("easysteer_heads.gguf", "diffmean",
              [("controlvector.easysteer", STRING, native("attention_heads"))])


def projections():
    def glp(name, version, rank, hook, alpha, tensors, more=()):
        content = hashlib.sha256(b"".join(pack("f", v) for _, v in tensors)).hexdigest()
        layers = sorted({int(t.split(".")[1]) for t, _ in tensors})
        gguf(name,
             [ARCHITECTURE,
              ("general.type", STRING, "controlvector"),
              ("general.base_model.count", U32, 1),
              ("general.base_model.0.name", STRING, "some-model"),
              ("glp.spec_version", U32, version),
              ("glp.mode", STRING, "project"),
              ("glp.alpha_default", F32, alpha),
              ("glp.rank", U32, rank),
              ("glp.orthonormal", BOOL, True),
              ("glp.hook_point", STRING, hook),
              ("glp.derived_at", STRING, "residual_stream_post_layer"),
              ("glp.method", STRING, "paired_difference_of_means"),
              ("glp.layer_ids_zero_based", STRING, ",".join(map(str, layers))),
              ("glp.content_sha256", STRING, content),
              ("glp.created", STRING, "2026-09-01")] + list(more),
             tensors)

    stream = "residual_stream_post_layer"
    one = [("direction.2", unit(2)), ("direction.3", unit(3))]
    two = [("direction.1", unit(0)), ("direction.1.1", unit(1)),
           ("direction.3", unit(4)), ("direction.3.1", unit(5))]
    glp("glp_rank1.gguf", 1, 1, stream, 4.0, one)
    glp("glp_rank2.gguf", 2, 2, stream, 1.0, two)
    glp("glp_scales.gguf", 2, 2, stream, 1.0, two, [("glp.dir_scales", STRING, "1.0,0.5")])
    glp("glp_ffn.gguf", 1, 1, "ffn_out_pre_residual", 1.0, one)


# --- safetensors ----------------------------------------------------------------------------------

def safetensors(name, metadata, tensors):
    """Length, header without spaces, padded to 8 bytes, then the data in the header's order."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for tensor, dtype, shape, raw in tensors:
        header[tensor] = {"dtype": dtype, "shape": shape,
                          "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    raw = json.dumps(header, separators=(",", ":")).encode("utf-8")
    raw += b" " * (-len(raw) % 8)
    (FOLDER / name).write_bytes(struct.pack("<Q", len(raw)) + raw + data)


def tensor_files():
    safetensors("directions.safetensors", {"format": "pt"},
                [("direction.%d" % n, "F32", [WIDTH], pack("f", row(n))) for n in range(1, LAYERS)])
    # The reference implementation sorts by element size and then by name.
    safetensors("mixed.safetensors", None,
                [("layers.2", "F64", [WIDTH], pack("d", row(2))),
                 ("layers.0", "BF16", [1, WIDTH], bf16(row(0))),
                 ("layers.1", "F16", [WIDTH], pack("e", row(1)))])


# --- npy ------------------------------------------------------------------------------------------

def npy(name, version, descr, fortran, shape, data):
    """Magic, version, length, a dict literal with room to grow, padded so that data is aligned."""
    header = "{'descr': %r, 'fortran_order': %r, 'shape': %r, }" % (descr, fortran, shape)
    header += " " * (21 - len(repr(shape[-1 if fortran else 0])))
    raw = header.encode("utf-8" if version == 3 else "latin1")
    size = "<H" if version == 1 else "<I"
    before = 8 + struct.calcsize(size)
    raw += b" " * (64 - (before + len(raw) + 1) % 64) + b"\n"
    (FOLDER / name).write_bytes(b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(raw)) +
                                raw + data)


def arrays():
    rows = [row(n) for n in range(LAYERS)]
    flat = [x for r in rows for x in r]
    turned = [rows[n][i] for i in range(WIDTH) for n in range(LAYERS)]
    npy("rows.npy", 1, "<f4", False, (LAYERS, WIDTH), pack("f", flat))
    npy("rows_fortran.npy", 2, "<f8", True, (LAYERS, WIDTH), pack("d", turned))
    npy("rows_half.npy", 3, "<f2", False, (LAYERS, WIDTH), pack("e", flat))
    npy("row.npy", 1, "<f4", False, (WIDTH,), pack("f", row(2)))
    npy("rows_big_endian.npy", 1, ">f4", False, (LAYERS, WIDTH),
        struct.pack(">%df" % len(flat), *flat))


if __name__ == "__main__":
    control_vectors()
    projections()
    tensor_files()
    arrays()
