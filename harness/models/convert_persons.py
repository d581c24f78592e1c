"""convert_persons.py FOLDER FILE: the selfie segmentation of mediapipe, unpacked in FOLDER, as ONNX that
OpenCV 4.6 reads.

Input: float32 [1,3,256,256], RGB, 0 to 1. Output: float32 [1,1,256,256], for every pixel the probability
that it shows a person.

TensorFlow Lite has channels last and ONNX has them first, so weights are transposed; every operator has
one of the same meaning. Weights are stored as float16 and become float32.
"""
import pathlib
import struct
import sys

import numpy
import onnx
import onnx.numpy_helper

import onnx_file
from tflite_file import Network

MODEL = "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"
SAME = 0  # padding of the options; 1 is none


def same_pads(size, kernel, stride):
    """Rows before and after, so that there are ceil(size / stride) results."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Graph:
    """ONNX, made operator by operator."""

    def __init__(self, network):
        self.network = network
        self.constants = dict(network.constants)  # by tensor
        self.nodes, self.tensors = [], []

    def name(self, tensor):
        return f"t{tensor}"

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes))

    def constant(self, array, name):
        self.tensors.append(onnx.numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    def convolve(self, one, depthwise):
        """Weights are [outputs,H,W,inputs], of a depthwise one [1,H,W,channels]."""
        source, weights, bias = one.inputs
        out = self.name(one.outputs[0])
        kernel = self.constants[weights].astype(numpy.float32)
        kernel = kernel.transpose(3, 0, 1, 2) if depthwise else kernel.transpose(0, 3, 1, 2)
        if one.options.number(4 if depthwise else 3, "b"):
            sys.exit("a convolution has an activation of its own")
        strides = [one.options.number(2), one.options.number(1)]
        pads = [(0, 0), (0, 0)]
        if one.options.number(0, "b") == SAME:
            pads = [same_pads(*axis) for axis in
                    zip(self.network.shapes[source][1:3], kernel.shape[2:], strides)]
        names = [self.name(source), self.constant(kernel, out + "_weights"),
                 self.constant(self.constants[bias].astype(numpy.float32), out + "_bias")]
        self.add("Conv", names, out, kernel_shape=kernel.shape[2:], strides=strides,
                 pads=[before for before, _ in pads] + [after for _, after in pads],
                 group=kernel.shape[0] if depthwise else 1)

    def transpose_convolve(self, one):
        """mediapipe's own: weights [outputs,H,W,inputs]; options are the padding and the strides."""
        source, weights, bias = one.inputs
        out = self.name(one.outputs[0])
        kernel = self.constants[weights].astype(numpy.float32).transpose(3, 0, 1, 2)
        _, across, down = struct.unpack_from("<3i", one.custom)
        if list(kernel.shape[2:]) != [down, across]:
            sys.exit("its transposed convolution overlaps itself")
        names = [self.name(source), self.constant(kernel, out + "_weights"),
                 self.constant(self.constants[bias].astype(numpy.float32), out + "_bias")]
        self.add("ConvTranspose", names, out, kernel_shape=kernel.shape[2:], strides=[down, across])

    def pool(self, one):
        size = [one.options.number(4), one.options.number(3)]
        if size != self.network.shapes[one.inputs[0]][1:3]:
            sys.exit("a pooling is not over the whole picture")
        self.add("GlobalAveragePool", [self.name(one.inputs[0])], self.name(one.outputs[0]))

    def resize(self, one):
        source, size = one.inputs
        out = self.name(one.outputs[0])
        if one.options.number(2, "b") or not one.options.number(3, "b"):
            sys.exit("pixels of a resizing are not where their centres are")
        factors = self.constants[size] / self.network.shapes[source][1:3]
        self.constant(numpy.float32([]), out + "_roi")
        scales = self.constant(numpy.float32([1, 1, *factors]), out + "_scales")
        self.add("Resize", [self.name(source), out + "_roi", scales], out, mode="linear",
                 coordinate_transformation_mode="half_pixel")

    def hard_swish(self, one):
        source, out = self.name(one.inputs[0]), self.name(one.outputs[0])
        self.add("HardSigmoid", [source], out + "_gate", alpha=1 / 6, beta=0.5)
        self.add("Mul", [source, out + "_gate"], out)

    def take(self, one):
        simple = {"ADD": "Add", "MUL": "Mul", "RELU": "Relu", "LOGISTIC": "Sigmoid"}
        if one.name == "DEQUANTIZE":
            self.constants[one.outputs[0]] = self.constants[one.inputs[0]]
        elif one.name in simple:
            self.add(simple[one.name], [self.name(tensor) for tensor in one.inputs],
                     self.name(one.outputs[0]))
        elif one.name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            self.convolve(one, one.name.startswith("DEPTHWISE"))
        else:
            others = {"AVERAGE_POOL_2D": self.pool, "RESIZE_BILINEAR": self.resize,
                      "HARD_SWISH": self.hard_swish, "Convolution2DTransposeBias": self.transpose_convolve}
            if one.name not in others:
                sys.exit(f"it has an operator {one.name}, which is not known here")
            others[one.name](one)

    def model(self):
        def value(tensor):
            batch, height, width, channels = self.network.shapes[tensor]
            return onnx.helper.make_tensor_value_info(self.name(tensor), onnx.TensorProto.FLOAT,
                                                      [batch, channels, height, width])
        graph = onnx.helper.make_graph(self.nodes, "persons", [value(one) for one in self.network.inputs],
                                       [value(one) for one in self.network.outputs], self.tensors)
        opset = onnx.helper.make_opsetid("", 11)
        return onnx.helper.make_model(graph, producer_name="vidattn", opset_imports=[opset], ir_version=6)


def main(folder, file):
    network = Network(pathlib.Path(folder) / MODEL)
    graph = Graph(network)
    for one in network.operators:
        graph.take(one)
    onnx_file.save(graph.model(), file)


if __name__ == "__main__":
    main(*sys.argv[1:])
