#!/usr/bin/env bash
# What can be said about the sources without running them: the rules of the house (tests/house.py),
# subjects of commits, format, shell scripts, and clang-tidy on what changed.
#
# Usage: tests/lint.sh [FILE.cpp…]
#   FILE.cpp… for clang-tidy, which takes ten to thirty seconds a file. Without: the files that changed
#   since BASE, at most TIDY_MAX of them (4 unless told), a draw from them where there are more; with
#   TIDY=all every file. BASE is where the branch left main, and on main the commit before.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
"$root/harness/setup.sh" "$root/tests/packages.txt"

status=0
failed() { echo "lint: $*"; status=1; }

empty_tree=4b825dc642cb6eb9a060e54bf8d69288fbee4904
find_base() {
  local main base head
  head=$(git rev-parse HEAD)
  for main in origin/main main; do
    base=$(git merge-base HEAD "$main" 2>/dev/null) || continue
    [[ $base == "$head" ]] || { echo "$base"; return; }
  done
  git rev-parse -q --verify HEAD~1 || echo $empty_tree
}
base=${BASE:-$(find_base)}

said=$(python3 tests/house_test.py 2>&1) || failed "tests/house_test.py: $said"
python3 tests/house.py || failed "the rules of the house are broken"
python3 tests/architecture.py --check || failed "the picture of the house"

subjects() { [[ $base == "$empty_tree" ]] || git log --no-merges --format='%h %s' "$base..HEAD"; }
while read -r commit subject; do
  ((${#subject} <= 72)) || failed "$commit: a subject of ${#subject} characters; at most 72"
done < <(subjects)

mapfile -t sources < <(git ls-files -co --exclude-standard '*.h' '*.cpp')
clang-format --dry-run --Werror "${sources[@]}" || failed "clang-format -i mends the format"
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run)
shellcheck "${scripts[@]}" || failed "shellcheck"

# The preset that compiles every file by itself. Some need headers that the build makes.
"$root/harness/build.sh" debug revision shaders
# Without those that include libtorch's headers, which clang 16 cannot compile.
compiled=$(sed -n "s|^ *\"file\": \"$root/\(.*\)\".*|\1|p" build/debug/compile_commands.json |
  grep -vE '^harness/(dit/torch/|videos/torch_plugin)' | sort -u)
# Changed sources, and the source of the same stem for a changed header.
changed() {
  { git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cpp'
    git ls-files -o --exclude-standard '*.h' '*.cpp'; } | sed 's/\.h$/.cpp/' | sort -u |
    comm -12 - <(echo "$compiled")
}
most=${TIDY_MAX:-4}
if (($#)); then
  files=("$@")
elif [[ ${TIDY:-} == all ]]; then
  mapfile -t files <<<"$compiled"
else
  mapfile -t files < <(changed)
  if ((${#files[@]} > most)); then
    echo "lint: clang-tidy sees $most of ${#files[@]} changed files; TIDY=all sees all"
    mapfile -t files < <(printf '%s\n' "${files[@]}" |
      shuf -n "$most" --random-source=<(yes "$(git rev-parse HEAD)"))
  fi
fi

# Version 16 is the first that knows lambdas which capture structured bindings, without OpenMP.
extra=(--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unknown-pragmas --extra-arg=-fno-openmp)
tidy() { # FILE…
  printf '%s\0' "$@" | xargs -0 -n1 -P"$(nproc)" clang-tidy-16 -p build/debug --quiet "${extra[@]}" \
    2> >(grep -vE '^[0-9]+ warnings? (generated|treated)' >&2)
}
# A run that finds nothing means something only where a planted bug is found.
echo 'int planted(const int* p) { return p == nullptr ? *p : 0; }' >build/debug/planted.cpp
[[ $(tidy build/debug/planted.cpp 2>&1) == *NullDereference* ]] || failed "clang-tidy misses a planted bug"
if ((${#files[@]})); then
  tidy "${files[@]}" || failed "clang-tidy"
fi
echo "lint: ${#sources[@]} C++ files, ${#scripts[@]} scripts, clang-tidy on ${#files[@]}"
exit $status
