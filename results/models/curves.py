#!/usr/bin/env python3
"""Draws the loss over the steps of the logs in this folder, NAME.jsonl, as NAME.svg: every step, and means of 20 lines.
Logs of several stages begin at step 0 again, and are drawn one behind the other. Needs gnuplot.

Usage: results/models/curves.py
"""
import json
import pathlib
import subprocess

MEAN_OF = 20


def draw(log):
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    values = [line["loss"] for line in lines]
    stages = [i for i in range(1, len(lines)) if lines[i]["step"] < lines[i - 1]["step"]]
    means = [sum(values[max(0, i - MEAN_OF + 1):i + 1]) / min(i + 1, MEAN_OF) for i in range(len(values))]
    marks = "".join(f"set arrow from {i - 0.5},graph 0 to {i - 0.5},graph 1 nohead lc 'gray'\n" for i in stages)
    script = f"""set terminal svg size 720,300 font 'sans,11'
set output '{log.with_suffix(".svg")}'
set title '{log.stem}: loss over the lines of {log.name}'
set xlabel 'line'
set ylabel 'flow loss'
set key top right
{marks}plot '-' with dots lc 'gray40' title 'a step', '-' with lines lw 2 lc '#2b6cb0' title 'mean of {MEAN_OF} lines'
"""
    data = "".join("\n".join(f"{i} {v}" for i, v in enumerate(series)) + "\ne\n" for series in (values, means))
    subprocess.run(["gnuplot"], input=script + data, text=True, check=True)


for path in sorted(pathlib.Path(__file__).parent.glob("*.jsonl")):
    draw(path)
