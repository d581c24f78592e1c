"""Times full attention beside PyTorch's on the same tensors in one process, and writes cpu/peers.json and .txt.

Needs the Python module and PyTorch (`pip install . torch`), and an otherwise idle machine. Both are checked
against each other before they are timed; blocks of both take turns; the speedup is the median of the blocks'
ratios, with the smallest and largest. `of gemm` compares with the rate of PyTorch's own matrix product in that
type, measured in the same run. Usage: python results/peers.py [--pass forward both] [--dtype f32 bf16] …
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

import torch
import vidattn

DIM = 128
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
LIMITS = {"f32": 2e-5, "bf16": 2e-2}  # relative L2 between two float32 sums, two of rounded weights
FLOPS = {"forward": 4, "both": 14}  # per pair and channel


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pass", dest="passes", nargs="+", choices=FLOPS, default=["forward", "both"])
    parser.add_argument("--dtype", nargs="+", choices=TYPES, default=["f32", "bf16"])
    parser.add_argument("--tokens", nargs="+", type=int, default=[1024, 2048, 4096, 8192, 16384, 31200, 65536])
    parser.add_argument("--heads", nargs="+", type=int, default=[1, 4, 12])
    parser.add_argument("--most-flops", type=float, default=3e12, help="larger cases are left out")
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.15, help="least length of a block")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "cpu" / "peers.json")
    return parser.parse_args()


class Case:
    """One shape: [L,H,D] for vidattn, [1,H,L,D] for PyTorch, each as it likes them."""

    def __init__(self, dtype, heads, tokens, passes):
        generator = torch.Generator().manual_seed(tokens + heads)
        rows = [torch.randn(tokens, heads, DIM, generator=generator).to(TYPES[dtype]) for _ in range(4)]
        self.rows = rows
        self.heads_first = [x.transpose(0, 1).unsqueeze(0).contiguous() for x in rows]
        for x in self.rows[:3] + self.heads_first[:3]:
            x.requires_grad_(passes == "both")
        self.passes = passes

    def ours(self):
        q, k, v, d_out = self.rows
        return self._gradients(vidattn.attend(q, k, v, backend="full"), self.rows, d_out)

    def theirs(self):
        q, k, v, d_out = self.heads_first
        return self._gradients(torch.nn.functional.scaled_dot_product_attention(q, k, v), self.heads_first, d_out)

    def _gradients(self, out, tensors, d_out):
        if self.passes == "forward":
            return [out]
        return [out.detach(), *torch.autograd.grad(out, tensors[:3], d_out)]

    def error(self):
        """The largest relative L2 difference of an output or gradient."""
        pairs = zip(self.ours(), (x.squeeze(0).transpose(0, 1) for x in self.theirs()))
        return max(float((a.float() - b.float()).norm() / b.float().norm()) for a, b in pairs)


def seconds_of(work, least):
    """Seconds a call, over calls that together last at least so long."""
    calls, start = 0, time.perf_counter()
    while True:
        work()
        calls += 1
        passed = time.perf_counter() - start
        if passed >= least:
            return passed / calls


def gemm_rate(dtype):
    a = torch.randn(4096, 4096).to(TYPES[dtype])
    torch.mm(a, a)
    return 2 * 4096**3 / min(seconds_of(lambda: torch.mm(a, a), 0.5) for _ in range(3))


def measured(dtype, heads, tokens, passes, options, gemm):
    case = Case(dtype, heads, tokens, passes)
    error = case.error()
    if not error <= LIMITS[dtype]:
        sys.exit(f"peers.py: {dtype} {heads}x{tokens} {passes}: the results differ by {error:.2g}")
    ours, theirs = [], []
    for _ in range(options.blocks):
        ours.append(seconds_of(case.ours, options.seconds))
        theirs.append(seconds_of(case.theirs, options.seconds))
    ratios = [b / a for a, b in zip(ours, theirs)]
    flops = FLOPS[passes] * tokens**2 * heads * DIM
    return {"pass": passes, "dtype": dtype, "heads": heads, "tokens": tokens, "error": error, "seconds": ours,
            "pytorch_seconds": theirs, "speedup": statistics.median(ratios), "least": min(ratios),
            "most": max(ratios), "of_gemm": flops / statistics.median(ours) / gemm,
            "pytorch_of_gemm": flops / statistics.median(theirs) / gemm}


def line(row):
    return (f"{row['pass']:<8}{row['dtype']:<6}{row['heads']:>5}{row['tokens']:>8}{row['error']:>10.1e}"
            f"{row['speedup']:>9.2f}  [{row['least']:.2f}, {row['most']:.2f}]"
            f"{row['of_gemm']:>9.2f}{row['pytorch_of_gemm']:>9.2f}")


def main():
    options = arguments()
    load = os.getloadavg()[0]
    head = [f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, D = {DIM}, load average {load:.1f}"]
    if load > 0.5:
        head.append("DISTURBED: other programs ran")
    rates = {dtype: gemm_rate(dtype) for dtype in options.dtype}
    head += [f"matrix product of 4096, {dtype}: {rate / 1e9:.0f} GFLOP/s" for dtype, rate in rates.items()]
    head.append(f"{'pass':<8}{'dtype':<6}{'heads':>5}{'tokens':>8}{'error':>10}{'speedup':>9}  [least, most]"
                f"{'of gemm':>8} {'PyTorch':>8}")
    print("\n".join(head), flush=True)
    rows = []
    for passes in options.passes:
        for dtype in options.dtype:
            for heads in options.heads:
                for tokens in options.tokens:
                    if FLOPS[passes] * tokens**2 * heads * DIM > options.most_flops:
                        continue
                    rows.append(measured(dtype, heads, tokens, passes, options, rates[dtype]))
                    print(line(rows[-1]), flush=True)
    record = {"pytorch": torch.__version__, "threads": torch.get_num_threads(), "load": load,
              "gemm_flops": rates, "rows": rows}
    options.out.write_text(json.dumps(record, indent=1) + "\n")
    options.out.with_suffix(".txt").write_text("\n".join(head + [line(row) for row in rows]) + "\n")


if __name__ == "__main__":
    main()
