"""A network's parameters out of a file of torch.save, without torch, and into one of safetensors."""
import collections
import hashlib
import json
import math
import pickle
import struct
import sys
import zipfile

Parameter = collections.namedtuple("Parameter", "shape bytes")  # float32, row major


class _Storage(str):
    """The type of a tensor's elements, by torch's name."""


class _Reader(pickle.Unpickler):
    """Knows ordered dictionaries and tensors, and refuses everything else that a pickle may call."""

    def __init__(self, archive, root):
        super().__init__(archive.open(root + "/data.pkl"))
        self.archive, self.root = archive, root

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name.endswith("Storage"):
            return _Storage(name)
        raise pickle.UnpicklingError(f"it calls {module}.{name}")

    def persistent_load(self, pid):
        _, kind, key, _, _ = pid
        return kind, self.archive.read(f"{self.root}/data/{key}")


def _tensor(storage, offset, shape, strides, *_):
    kind, values = storage
    dense = tuple(math.prod(shape[i + 1:]) for i in range(len(shape)))
    if strides != dense:
        sys.exit(f"a tensor of shape {list(shape)} lies in another order")
    if kind != "FloatStorage":  # counters of training
        return None
    return Parameter(list(shape), values[4 * offset:4 * (offset + math.prod(shape))])


def read(path):
    """Its float32 tensors by name."""
    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]
        found = _Reader(archive, root).load()
    return {name: one for name, one in found.items() if one is not None}


def write(parameters, path):
    """Writes them as safetensors, and prints the SHA-256 over names, shapes and bytes, by name."""
    digest, header, at = hashlib.sha256(), {}, 0
    for name, one in sorted(parameters.items()):
        if len(one.bytes) != 4 * math.prod(one.shape):
            sys.exit(f"{name} has {len(one.bytes)} bytes for shape {one.shape}")
        digest.update(f"{name} {one.shape}\n".encode())
        digest.update(one.bytes)
        header[name] = {"dtype": "F32", "shape": one.shape, "data_offsets": [at, at + len(one.bytes)]}
        at += len(one.bytes)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, one in sorted(parameters.items()):
            file.write(one.bytes)
    print(digest.hexdigest())
