"""packages.py NAME FOLDER: what the package itself makes of every FOLDER/N.npy, a frame uint8 [H,W,3] in BGR.

NAME ppocrv4: FOLDER/N.result.npy is int32 [boxes,4,2], corners (x, y), by rapidocr-onnxruntime.
NAME persons: it is float32 [H,W], the probability of a person, by mediapipe.

networks_test.cpp runs it with the Python that VIDATTN_PACKAGES_PYTHON names, made for example by
  python3 -m venv V && V/bin/pip install rapidocr-onnxruntime==1.4.4 mediapipe==0.10.14
"""
import pathlib
import sys

import numpy


def ppocrv4():
    from rapidocr_onnxruntime import RapidOCR
    engine = RapidOCR()

    def boxes(frame):
        found, _ = engine(frame, use_det=True, use_cls=False, use_rec=False)
        return numpy.rint(numpy.array(found or [])).astype(numpy.int32).reshape(-1, 4, 2)
    return boxes


def persons():
    from mediapipe import solutions
    segmentation = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    return lambda frame: segmentation.process(numpy.ascontiguousarray(frame[:, :, ::-1])).segmentation_mask


def main(name, folder):
    judge = {"ppocrv4": ppocrv4, "persons": persons}[name]()
    for path in sorted(pathlib.Path(folder).glob("*.npy")):
        if not path.name.endswith(".result.npy"):
            numpy.save(path.with_suffix(".result.npy"), judge(numpy.load(path)))


if __name__ == "__main__":
    main(*sys.argv[1:])
