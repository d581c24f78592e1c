#!/usr/bin/env bash
# Builds vidattn where needed and runs it: the main job without arguments, else
# `vidattn ARGUMENTS` in the caller's folder.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/harness/build.sh" release vidattn
[[ $# -eq 0 ]] || exec "$root/build/release/vidattn" "$@"
"$root/build/release/vidattn" run
"$root/harness/next.sh"
