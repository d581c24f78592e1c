"""What a file of a capture holds, and attention recomputed from it."""
import json

import safetensors
import torch


def read(path):
    """(tensors, metadata, what the tool does not read) of a file."""
    with safetensors.safe_open(path, "pt") as file:
        texts = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return tensors, json.loads(texts["vidattn.capture"]), json.loads(texts["vidattn.origin"])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def attention(tensors, said):
    """Full attention in float64. [L,H,DV]"""
    q, k, v = (tensors[name].double().transpose(0, 1) for name in "qkv")
    k, v = (x.repeat_interleave(q.shape[0] // x.shape[0], dim=0) for x in (k, v))
    scores = q @ k.transpose(1, 2) * said["softmax_scale"]
    if "valid" in said:
        scores[:, :, said["valid"]:] = -torch.inf
    if "mask" in tensors:
        scores[:, :, tensors["mask"] == 0] = -torch.inf
    return (scores.softmax(-1) @ v).transpose(0, 1)


def relative_error(found, expected):
    return float((found - expected.double()).norm() / expected.double().norm())
