#!/usr/bin/env bash
# Usage: build.sh [PRESET [TARGET…]]. Installs what the tool needs and is missing, configures where
# needed and builds a preset of CMakePresets.json (release by default), all of it or some targets.
# Writes to stderr, so that callers keep their stdout.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:-release}
build=$root/build/$preset
configured=$build/configured # its time is the last configuration's

"$root/harness/setup.sh"

# Ninja configures again by itself when a CMakeLists.txt changes, but knows neither the presets nor
# what was installed since: tests and optional parts are built where their packages are there.
stale() { [[ $1 -nt $configured ]]; }
if [[ ! -f $configured ]] || stale "$root/CMakePresets.json" || stale /var/lib/dpkg/status; then
  cmake -S "$root" --preset "$preset" >&2
  touch "$configured"
fi
shift || true
targets=()
[[ $# -eq 0 ]] || targets=(--target "$@")
cmake --build "$build" "${targets[@]}" >&2
