#!/usr/bin/env bash
# Usage: get_models.sh [NAME…] [--yes] [--into DIR]. Downloads networks from PyPI, after asking once, and
# puts them where vidattn finds them: harness/models/table.txt lists them, README.md there has the rules.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3 # Debian's, for which its torch is made
[[ -x $python ]] || "$here/setup.sh" /dev/stdin <<<python3
exec "$python" "$here/models/get_models.py" "$@"
