"""What converters to ONNX share: a check of the model, a checksum."""
import hashlib

import onnx
import onnx.numpy_helper


def parameters_sha256(model):
    """SHA-256 over names, types, shapes and bytes of all constants and initializers, by name."""
    tensors = {one.name: one for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            tensors[node.output[0]] = node.attribute[0].t
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        array = onnx.numpy_helper.to_array(tensor)
        digest.update(f"{name} {array.dtype} {list(array.shape)}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save(model, path):
    """Saves it and prints its parameters' SHA-256. Throws where it is no valid ONNX."""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    print(parameters_sha256(model))
