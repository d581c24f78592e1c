"""Reads what a network of TensorFlow Lite holds (schema.fbs, version 3): operators, tensors, constants. A
FlatBuffer's table is found by offsets, and a field that is at its default is not there."""
import struct

import numpy

TYPES = {0: numpy.float32, 1: numpy.float16, 2: numpy.int32}
NAMES = {0: "ADD", 1: "AVERAGE_POOL_2D", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
         14: "LOGISTIC", 18: "MUL", 19: "RELU", 23: "RESIZE_BILINEAR", 117: "HARD_SWISH"}
CUSTOM = 32


class Table:
    """A table of a FlatBuffer; fields by their number in the schema."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def _number(self, form, at):
        return struct.unpack_from("<" + form, self.data, at)[0]

    def _field(self, number):
        """Where a field lies; None where it is not there."""
        names = self.at - self._number("i", self.at)
        slot = 4 + 2 * number
        offset = self._number("H", names + slot) if slot < self._number("H", names) else 0
        return self.at + offset if offset else None

    def number(self, field, form="i", default=0):
        at = self._field(field)
        return default if at is None else self._number(form, at)

    def table(self, field):
        at = self._field(field)
        return Table(self.data, at + self._number("I", at))

    def bytes(self, field, size=1):
        """A vector of numbers of `size` bytes."""
        at = self._field(field)
        if at is None:
            return b""
        at += self._number("I", at)
        return self.data[at + 4:at + 4 + size * self._number("I", at)]

    def numbers(self, field):
        return numpy.frombuffer(self.bytes(field, 4), numpy.int32).tolist()

    def tables(self, field):
        at = self._field(field)
        at += self._number("I", at)
        slots = [at + 4 + 4 * i for i in range(self._number("I", at))]
        return [Table(self.data, slot + self._number("I", slot)) for slot in slots]


class Operator:
    def __init__(self, table, codes):
        self.name = codes[table.number(0, "I")]
        self.inputs, self.outputs = table.numbers(1), table.numbers(2)
        self.options = table.table(4) if table.number(3, "B") else None
        self.custom = table.bytes(5)


class Network:
    def __init__(self, path):
        with open(path, "rb") as opened:
            data = opened.read()
        model = Table(data, struct.unpack_from("<I", data)[0])
        codes = []
        for code in model.tables(1):
            number = max(code.number(0, "b"), code.number(3))
            codes.append(code.bytes(1).decode() if number == CUSTOM else NAMES.get(number, str(number)))
        graph = model.tables(2)[0]
        buffers = model.tables(4)
        self.shapes, self.constants = [], {}
        for index, tensor in enumerate(graph.tables(0)):
            self.shapes.append(tensor.numbers(0))
            content = buffers[tensor.number(2, "I")].bytes(0)
            if content:
                values = numpy.frombuffer(content, TYPES[tensor.number(1, "b")])
                self.constants[index] = values.reshape(self.shapes[-1])
        self.inputs, self.outputs = graph.numbers(1), graph.numbers(2)
        self.operators = [Operator(one, codes) for one in graph.tables(3)]
