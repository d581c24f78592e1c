#!/usr/bin/env bash
# Usage: setup.sh [LIST…]. Installs the Debian packages of the lists (packages.txt beside this script
# unless given) that are missing; does nothing when all are there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -gt 0 ]] || set -- "$here/packages.txt"

say() { echo "setup: $*" >&2; }

mapfile -t packages < <(sed 's/#.*//' "$@" | awk 'NF { print $1 }')

if ! command -v dpkg-query >/dev/null; then
  say "not a Debian system; please provide what these packages hold: ${packages[*]}"
  exit 0
fi

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
  awk '$1 == "installed" { print $2 }' || true)
mapfile -t missing < <(comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) \
  <(sort -u <<<"$installed"))
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    say "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
  as_root=(sudo)
  [[ -t 0 ]] || as_root=(sudo -n) # nobody there to type a password
fi

say "installing ${missing[*]}"
# Another apt (unattended-upgrades) may hold the lock for a while.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
  </dev/null >&2; then
  say "could not install: ${missing[*]}"
  exit 1
fi
