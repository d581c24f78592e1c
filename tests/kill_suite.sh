#!/usr/bin/env bash
# Usage: kill_suite.sh [KILLS]. Kills a suite with SIGKILL at random moments (100 unless told) and
# checks after each kill that the store is whole and no finished case is gone, and at the end that
# --resume completes the suite. Prints one line; exit 1 at the first loss.
set -euo pipefail

kills=${1:-100}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool=$folder/vidattn  # a copy: only the same program resumes a run, whatever is built meanwhile
cp "$root/build/release/vidattn" "$tool"

cases=$((2 * kills < 30 ? 30 : 2 * kills))
groups=$(seq -s, 2 $((cases + 1)))
cat >"$folder/s.json" <<JSON
{"name": "kill", "workloads": [{"grid": [4, 8, 8], "heads": 1, "dim": 16}],
 "backends": [{"backend": "moga", "parameters": {"num_groups": [$groups]}}],
 "timing": {"seconds": 0.05, "min_blocks": 6, "interval": 0.9}}
JSON

# Cases with samples, cases, runs, finished runs. A kill may have come before there were tables.
query() { python3 -c "
import sqlite3
db = sqlite3.connect('$folder/v.db')
assert db.execute('PRAGMA integrity_check').fetchone()[0] == 'ok', 'damaged'
count = lambda what: db.execute('SELECT count(*) FROM ' + what).fetchone()[0]
tables = count('sqlite_master') > 0
whats = ('cases WHERE id IN (SELECT case_id FROM blocks)', 'cases', 'runs',
         'runs WHERE finished != \'\'')
print(*(count(what) if tables else 0 for what in whats))"; }

whole=0 stored=0 runs=0 finished=0
start() {
  resume=()
  ((runs == 0)) || resume=(--resume)
  "$tool" run "$folder/s.json" --db "$folder/v.db" "${resume[@]}" >"$folder/log" 2>&1 &
  child=$!
}

# What the program said was finished, line by line, must be in the store.
before=0 inflight=0
for ((i = 1; i <= kills; ++i)); do
  start
  # Now and then long enough for some cases, else anywhere in starting and in the first case.
  sleep "$((RANDOM % 4 == 0 ? RANDOM % 4 : 0)).$(printf '%03d' $((RANDOM % 950 + 50)))"
  kill -9 $child 2>/dev/null || true
  wait $child 2>/dev/null || true
  said=$((before + $(grep -c '^\[' "$folder/log" || true)))
  read -r whole stored runs finished < <(query)
  ((whole == stored && stored >= said)) || {
    echo "kill $i: $stored cases stored, $whole with samples, $said reported"
    exit 1
  }
  ((inflight += stored - said, before = stored)) || true
  ((finished == 0)) || break
done
if ((finished == 0)); then
  start
  wait $child || true
fi
read -r whole stored runs finished < <(query)
((finished == 1 && runs == 1)) || { echo "not finished"; cat "$folder/log"; exit 1; }
((stored == cases && whole == cases)) || { echo "$stored of $cases cases at the end"; exit 1; }
echo "$((i > kills ? kills : i)) kills, no finished case lost, store whole, all $cases cases there" \
  "after --resume ($before by the last kill; $inflight were stored but not yet reported when killed)"
