"""convert_ppocrv4.py FOLDER FILE: PP-OCRv4's text detector of rapidocr-onnxruntime, unpacked in FOLDER, as
OpenCV 4.6 reads it.

Input: float32 [1,3,H,W], BGR, (value / 255 - 0.5) / 0.5; H and W are multiples of 32. Output: float32
[1,1,H,W], for every pixel the probability that it lies in the middle of a line of text.

The network stays as it is, but for how two operations are written: OpenCV 4.6 knows Clip with its limits
as attributes alone, as ONNX had them up to opset 10, where Resize has no region of interest.
"""
import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper

import onnx_file

MODEL = "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"


def constants(graph):
    return {node.output[0]: onnx.numpy_helper.to_array(node.attribute[0].t)
            for node in graph.node if node.op_type == "Constant"}


def rewrite(graph):
    """From opset 12 to 10."""
    known = constants(graph)
    for node in graph.node:
        if node.op_type == "Clip":
            low, high = (float(numpy.squeeze(known[name])) for name in node.input[1:])
            del node.input[1:]
            node.attribute.extend(onnx.helper.make_attribute(key, value)
                                  for key, value in (("min", low), ("max", high)))
        elif node.op_type == "Resize":
            # Resize-10 is what these attributes say.
            said = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            if said != {"mode": b"nearest", "coordinate_transformation_mode": b"asymmetric",
                        "nearest_mode": b"floor"}:
                sys.exit(f"{node.name} resizes in another way: {said}")
            del node.input[1]
            del node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("mode", "nearest"))


def remove_unused(graph):
    """Constants that nothing reads any more."""
    read = {name for node in graph.node for name in node.input}
    kept = [node for node in graph.node if node.op_type != "Constant" or node.output[0] in read]
    del graph.node[:]
    graph.node.extend(kept)


def main(folder, file):
    model = onnx.load(str(pathlib.Path(folder) / MODEL))
    if [one.version for one in model.opset_import] != [12]:
        sys.exit("it is not of opset 12")
    rewrite(model.graph)
    remove_unused(model.graph)
    model.opset_import[0].version = 10
    onnx_file.save(model, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
