"""Scores of videos, where they are built in: wheels are without OpenCV and FFmpeg."""


def video(path, **options):
    """Flicker, consistency and similarity of a video. This build has none: RuntimeError."""
    raise RuntimeError(f"{path}: this build of the module reads no videos; `vidattn metrics` does")
