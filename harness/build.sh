#!/usr/bin/env bash
# Usage: build.sh [PRESET [TARGET…]]. Installs what is missing, configures where needed and builds a
# preset of CMakePresets.json (release by default), all of it or some targets. Writes to stderr, so that callers keep their stdout.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:-release}
build=$root/build/$preset

"$root/harness/setup.sh"

# Ninja configures again by itself when a CMakeLists.txt changes, but does not know the presets.
if [[ ! -f $build/build.ninja || $root/CMakePresets.json -nt $build/build.ninja ]]; then
  cmake -S "$root" --preset "$preset" >&2
fi
shift || true
targets=()
[[ $# -eq 0 ]] || targets=(--target "$@")
cmake --build "$build" "${targets[@]}" >&2
