#!/usr/bin/env python3
"""Plots how likely a committee is a bad one, from what `cargo run -p ep-trust --example committees -- --csv` prints.

  cargo run --release -p ep-trust --example committees -- --csv | scripts/committees.py docs/figures/committees.svg

Lines are the exact probabilities that a committee may split (dishonest votes of a third and more); dots what 10,000
committees drawn by the chain's own code gave. apt-get install python3-matplotlib
"""

import csv
import sys

if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    sys.exit(__doc__)
try:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt
except ImportError as error:
    sys.exit(f"{error.name} is missing: apt-get install python3-matplotlib")

DRAWS = 10_000
rows = list(csv.DictReader(sys.stdin))
if not rows:
    sys.exit("there is nothing to plot on the standard input")
plt.rcParams.update({"svg.hashsalt": "elapse", "svg.fonttype": "none", "font.size": 9, "figure.figsize": (5.2, 3.2)})
figure, axes = plt.subplots()
for share in sorted({int(row["dishonest"]) for row in rows}):
    line = [row for row in rows if int(row["dishonest"]) == share]
    sizes = [int(row["seats"]) for row in line]
    (plotted,) = axes.plot(sizes, [float(row["may_split"]) for row in line], label=f"{share} % dishonest")
    drawn = [(size, int(row["drawn"]) / DRAWS) for size, row in zip(sizes, line) if int(row["drawn"])]
    axes.plot([size for size, _ in drawn], [part for _, part in drawn], "o", markersize=3, color=plotted.get_color())
axes.set(xscale="log", yscale="log", xlabel="seats expected", ylabel="committees that may split", ylim=(1e-9, 1))
axes.set_xticks([5, 10, 20, 50, 100, 200, 400], labels=["5", "10", "20", "50", "100", "200", "400"])
axes.legend(frameon=False)
axes.grid(alpha=0.3)
figure.tight_layout()
figure.savefig(sys.argv[1], metadata={"Date": None, "Creator": None})
