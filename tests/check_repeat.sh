#!/usr/bin/env bash
# Usage: check_repeat.sh [PASSES] [SLOWDOWNS]. On an idle machine: `vidattn check` on an unchanged
# build must pass PASSES times in a row (20 unless told), and find a method that became 10% slower
# SLOWDOWNS times (3). Prints a line for each; exit 1 at the first wrong verdict.
set -euo pipefail

passes=${1:-20} slowdowns=${2:-3}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$root/build/release/tests/vidattn_drill
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/s.json" <<'JSON'
{"name": "repeat", "workloads": [{"grid": [8, 16, 16], "heads": 2, "dim": 64}],
 "backends": ["stga", "moga:num_groups=5"], "devices": ["drill_cpu"],
 "timing": {"seconds": 2, "interval": 0.015}}
JSON
check() { "$tool" check --quiet --baseline "$folder/b.json" --db "$folder/v.db" "$@"; }

check --suite "$folder/s.json" --accept "first record"
for ((i = 1; i <= passes; ++i)); do
  check >"$folder/out" || { cat "$folder/out"; echo "unchanged build, pass $i: wrong verdict"; exit 1; }
  echo "unchanged build, pass $i of $passes: $(tail -1 "$folder/out")"
done
for ((i = 1; i <= slowdowns; ++i)); do
  code=0
  VIDATTN_DRILL=slow check >"$folder/out" || code=$?
  ((code == 1)) || { cat "$folder/out"; echo "10% slower, try $i: exit $code"; exit 1; }
  echo "10% slower, try $i of $slowdowns: $(tail -1 "$folder/out")"
done
