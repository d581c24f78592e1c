#!/usr/bin/env bash
# Builds the Python module as a wheel, installs it where no compiler is in reach, and runs tests/python
# there, against the tool. Both environments lie in build/venv/VERSION and are kept; what they need comes from
# PyPI. Tests of frameworks that are not there (torch, diffusers, jax) are skipped and say so; names of them
# in VIDATTN_PYTHON_EXTRAS are installed. PYTHON is the interpreter. VIDATTN_COMPILED is a build of the tool whose
# kernels and methods the module takes, else it compiles its own, as `pip install .` does. Arguments go to pytest.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || version=none
builder=build/venv/$version/build tester=build/venv/$version/test wheels=build/wheels

say() { echo "python: $*" >&2; }

environment() { # FOLDER PACKAGE…
  local folder=$1
  shift
  [[ -x $folder/bin/pip ]] || "$python" -m venv "$folder" || return
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

read -ra extras <<<"${VIDATTN_PYTHON_EXTRAS:-}"
# cibuildwheel, which releases are built by, takes the same from pyproject.toml.
if ! environment "$builder" scikit-build-core "nanobind>=2.7" ||
  ! environment "$tester" numpy pytest pyyaml pandas "${extras[@]}"; then
  "$python" -c 'import ensurepip' 2>/dev/null || { say "skipped: $python has no venv"; exit 0; }
  folder=$(mktemp -d)
  trap 'rm -r "$folder"' EXIT
  "$builder/bin/python" -m pip download --quiet --no-deps --dest "$folder" pip ||
    { say "skipped: PyPI is out of reach"; exit 0; }
  say "no environment for it, though $python has venv and PyPI answers"
  exit 1
fi

rm -rf $wheels
# Python would name another compiler, whose objects ccache keeps apart from those of other builds.
CXX=${CXX:-c++} "$builder/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --config-settings=cmake.define.VIDATTN_VULKAN=OFF \
  --config-settings=cmake.define.VIDATTN_COMPILED="${VIDATTN_COMPILED:-}" --wheel-dir $wheels .
# Without a compiler: nothing but the environment is in reach.
env -i PATH="$root/$tester/bin" HOME="$HOME" "$tester/bin/python" -m pip install --quiet \
  --disable-pip-version-check --no-index --no-deps --force-reinstall $wheels/*.whl
VIDATTN_TOOL=${VIDATTN_TOOL:-$root/build/release/vidattn} "$tester/bin/python" -m pytest -q -rs \
  -p no:cacheprovider "$@" tests/python
