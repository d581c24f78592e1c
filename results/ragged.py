"""What holds back plans whose query blocks have key lists of their own: share of the dense kernel's rate.

Every map keeps a fifth of the keys for each block of queries: `tokens` draws single ones, `blocks` draws blocks of
64, `run` takes neighbours, `shared` gives all queries the same drawn blocks. Rates are of running alone and beside full attention
in the same blocks (`realised_share_run`). Needs numpy and the release build. Usage: python results/ragged.py
"""
import json
import pathlib
import subprocess
import tempfile

import numpy

TOOL = pathlib.Path(__file__).parent.parent / "build/release/vidattn"
BLOCK, DENSITY = 64, 0.2
GRIDS = ["2,16,32", "4,32,32", "8,32,48", "12,40,64"]  # 1,024 to 30,720 tokens


PATTERNS = ["tokens", "blocks", "run", "shared"]


def block_map(pattern, queries, keys, generator):
    kept = max(1, round(DENSITY * keys))
    chosen = numpy.zeros((queries, keys), numpy.uint8)
    drawn = generator.permutation(keys)[:kept]
    for q in range(queries):
        if pattern in ("tokens", "blocks"):
            drawn = generator.permutation(keys)[:kept]
        if pattern == "run":
            drawn = numpy.arange(kept) + generator.integers(keys - kept + 1)
        chosen[q, drawn] = 1
    return chosen[None, None]


def shares(grid, block_q, folder):
    tokens = numpy.prod([int(n) for n in grid.split(",")])
    command = [TOOL, "run", "--quiet", "--grid", grid, "--heads", "1", "--repeat", "7", "--backend", "full"]
    for pattern in PATTERNS:
        path = folder / f"{pattern}.npy"
        keys = tokens if pattern == "tokens" else tokens // BLOCK
        numpy.save(path, block_map(pattern, tokens // block_q, keys, numpy.random.default_rng(1)))
        command += ["--backend", f"map:{path}"]
    subprocess.run([*command, "--out", folder / "run.json"], check=True, stdout=subprocess.DEVNULL)
    cases = json.loads((folder / "run.json").read_text())["cases"]
    return tokens, [case["metrics"]["realised_share_run"]["value"] for case in cases[1:]]


def main():
    print(f"{'queries':>8}{'tokens':>8}{'K and V':>10}" + "".join(f"{pattern:>9}" for pattern in PATTERNS))
    with tempfile.TemporaryDirectory() as name:
        for block_q in (64, 256):
            for grid in GRIDS:
                tokens, found = shares(grid, block_q, pathlib.Path(name))
                print(f"{block_q:>8}{tokens:>8}{2 * tokens * 128 * 4 / 2**20:>6.0f} MiB" +
                      "".join(f"{share:>9.2f}" for share in found), flush=True)


main()
