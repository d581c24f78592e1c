#!/usr/bin/env bash
# Usage: check_repeat.sh [PASSES] [SLOWDOWNS]. `vidattn check` on an unchanged build must pass PASSES
# times in a row (20 unless told), and must fail SLOWDOWNS times (3) when a method became 10% slower,
# and when all methods and full attention did (where other programs hold the cores, that may be noted as
# not judged). Prints a line for each; exit 1 at the first wrong
# verdict.
set -euo pipefail

passes=${1:-20} slowdowns=${2:-3}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$root/build/release/tests/vidattn_drill
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/s.json" <<'JSON'
{"name": "repeat", "workloads": [{"grid": [10, 12, 26], "shots": [0, 4], "heads": 2, "dim": 64}],
 "backends": ["stga", "moga:num_groups=5"], "devices": ["drill_cpu"],
 "timing": {"seconds": 6, "interval": 0.015}}
JSON
check() { "$tool" check --baseline "$folder/b.json" --db "$folder/v.db" "$@"; }
# The last line of the verdict, how often it was measured again, and the load of the machine.
line() {
  echo "$1: $(tail -1 "$folder/out"); measured again $(grep -c '^measuring again' "$folder/out" || true)" \
    "times; load $(cut -d' ' -f1 /proc/loadavg)"
}
slower() {
  for ((i = 1; i <= slowdowns; ++i)); do
    code=0
    VIDATTN_DRILL=$1 check >"$folder/out" || code=$?
    ((code == 1)) || grep -q "not judged: other programs" "$folder/out" ||
      { cat "$folder/out"; echo "$2 10% slower, try $i: exit $code"; exit 1; }
    line "$2 10% slower, try $i of $slowdowns"
  done
}

check --quiet --suite "$folder/s.json" --accept "first record"
for ((i = 1; i <= passes; ++i)); do
  check >"$folder/out" || { cat "$folder/out"; echo "unchanged build, pass $i: wrong verdict"; exit 1; }
  line "unchanged build, pass $i of $passes"
done
slower slow "the methods"
slower slow_all "everything"
