#!/usr/bin/env python3
"""Writes the small ONNX models that src/encode/onnx_session_test.c and pretrained_test.c run.

    onnx_models.py [FOLDER]      default: tests/onnx

    linear.onnx    rows [n, 3] f32 -> double_rows [n, 3], sums [n], and places (i64) [n, 3]
    types.onnx     one input of each type that is taken -> wide f64 [2], half f16 [6], flag bool [2]
    shapes.onnx    data [-1] f32, shape [r] i64 -> reshaped, whose shape is known only then
    unknown.onnx   an operator that nobody has

    fixed.onnx     input_ids, attention_mask i32 [2, 5] -> last_hidden_state [2, 5, 1]: ids where the mask is 1, else 1000
    unmasked.onnx  input_ids i64 [n, t] -> last_hidden_state [n, t, 1]: t, which padding would change
    half.onnx      pixel_values f16 [1, 3, 2, 2] -> embedding f32 [1, 12]: the same numbers
    towers.onnx    input_ids, attention_mask, pixel_values [n, 3, h, w] -> text_embeds, image_embeds: means
    broken.onnx    pixel_values [n, 3, 2, 2] -> embedding [n, 3]: 1 / mean
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper


def save(folder, name, nodes, inputs, outputs, initializers=(), opset=13, domains=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in domains]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=7, producer_name="medley")
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def linear(folder):
    two = numpy_helper.from_array(np.array(2, np.float32), "two")
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    nodes = [
        helper.make_node("Mul", ["rows", "two"], ["double_rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["sums"], keepdims=0),
        helper.make_node("Cast", ["rows"], ["places"], to=T.INT64),
    ]
    save(folder, "linear", nodes, [info("rows", T.FLOAT, ["n", 3])],
         [info("double_rows", T.FLOAT, ["n", 3]), info("sums", T.FLOAT, ["n"]), info("places", T.INT64, ["n", 3])],
         [two, axis])


def types(folder):
    kinds = {"f32": T.FLOAT, "f16": T.FLOAT16, "f64": T.DOUBLE, "i64": T.INT64, "i32": T.INT32, "i8": T.INT8,
             "u8": T.UINT8, "bool": T.BOOL}
    nodes = [helper.make_node("Cast", [name], ["wide_" + name], to=T.DOUBLE) for name in kinds]
    nodes += [
        helper.make_node("Sum", ["wide_" + name for name in kinds], ["wide"]),
        helper.make_node("Cast", ["wide"], ["flag"], to=T.BOOL),
        helper.make_node("Identity", ["half_values"], ["half"]),
    ]
    halves = np.array([1, -2, 65504, 6e-8, np.inf, -0.0], np.float16)
    save(folder, "types", nodes, [info(name, kind, [2]) for name, kind in kinds.items()],
         [info("wide", T.DOUBLE, [2]), info("half", T.FLOAT16, [6]), info("flag", T.BOOL, [2])],
         [numpy_helper.from_array(halves, "half_values")])


def shapes(folder):
    save(folder, "shapes", [helper.make_node("Reshape", ["data", "shape"], ["reshaped"])],
         [info("data", T.FLOAT, ["n"]), info("shape", T.INT64, ["r"])], [info("reshaped", T.FLOAT, None)])


def unknown(folder):
    save(folder, "unknown", [helper.make_node("Nowhere", ["x"], ["y"], domain="medley.test")],
         [info("x", T.FLOAT, [1])], [info("y", T.FLOAT, [1])], domains=["medley.test"])


def fixed(folder):
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=T.BOOL),
        helper.make_node("Where", ["mask", "input_ids", "far"], ["kept"]),
        helper.make_node("Cast", ["kept"], ["numbers"], to=T.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "last"], ["last_hidden_state"]),
    ]
    save(folder, "fixed", nodes, [info("input_ids", T.INT32, [2, 5]), info("attention_mask", T.INT32, [2, 5])],
         [info("last_hidden_state", T.FLOAT, [2, 5, 1])],
         [numpy_helper.from_array(np.array(1000, np.int32), "far"),
          numpy_helper.from_array(np.array([2], np.int64), "last")])


def unmasked(folder):
    nodes = [
        helper.make_node("Shape", ["input_ids"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "one"], ["width"], axis=0),
        helper.make_node("Mul", ["input_ids", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "width"], ["widths"]),
        helper.make_node("Cast", ["widths"], ["numbers"], to=T.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "last"], ["last_hidden_state"]),
    ]
    constants = {"one": 1, "zero": 0, "last": [2]}
    save(folder, "unmasked", nodes, [info("input_ids", T.INT64, ["n", "t"])],
         [info("last_hidden_state", T.FLOAT, ["n", "t", 1])],
         [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()])


def half(folder):
    nodes = [
        helper.make_node("Cast", ["pixel_values"], ["numbers"], to=T.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["embedding"]),
    ]
    save(folder, "half", nodes, [info("pixel_values", T.FLOAT16, [1, 3, 2, 2])], [info("embedding", T.FLOAT, [1, 12])])


def towers(folder):
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["kept"]),
        helper.make_node("Cast", ["kept"], ["numbers"], to=T.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["text_embeds"], axes=[1], keepdims=1),
        helper.make_node("ReduceMean", ["pixel_values"], ["image_embeds"], axes=[2, 3], keepdims=0),
    ]
    save(folder, "towers", nodes,
         [info("input_ids", T.INT64, ["n", "t"]), info("attention_mask", T.INT64, ["n", "t"]),
          info("pixel_values", T.FLOAT, ["m", 3, "h", "w"])],
         [info("text_embeds", T.FLOAT, ["n", 1]), info("image_embeds", T.FLOAT, ["m", 3])])


def broken(folder):
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Reciprocal", ["mean"], ["embedding"]),
    ]
    save(folder, "broken", nodes, [info("pixel_values", T.FLOAT, ["n", 3, 2, 2])], [info("embedding", T.FLOAT, ["n", 3])])


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/onnx")
    folder.mkdir(parents=True, exist_ok=True)
    for make in (linear, types, shapes, unknown, fixed, unmasked, half, towers, broken):
        make(folder)


if __name__ == "__main__":
    main()
