"""What converters to TorchScript share: tracing, a check against the original, a checksum."""
import hashlib
import sys

import torch


def parameters_sha256(module):
    """SHA-256 over names, shapes and bytes of all parameters and buffers, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def save(network, example, others, path):
    """Traces `network` on `example` and saves it, and prints its parameters' SHA-256. Ends the program
    where the file gives something else than the network on any of `others`."""
    network.eval()
    with torch.no_grad():
        traced = torch.jit.trace(network, example, check_trace=False)
        traced.save(str(path))
        loaded = torch.jit.load(str(path)).eval()
        for other in [example] + others:
            difference = (loaded(other) - network(other)).abs().max().item()
            if not difference <= 1e-6:  # NaN, too
                sys.exit(f"its TorchScript differs by {difference} from the package's network")
    print(parameters_sha256(loaded))
