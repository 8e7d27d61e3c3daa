# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU per request, memory over connections, time to a new name: SVG from results.json, by matplotlib."""

import statistics
import sys

COLORS = {"sallyport": "#0b6e4f", "nginx": "#7a8b99", "HAProxy": "#5b8db8", "hitch": "#b9a44c", "Caddy": "#b5651d"}


def medians(results, row, key):
    got = results["rows"].get(row, {})
    return {name: statistics.median(g[key] for g in rounds) for name, rounds in got.items()}


def bars(axis, values, title, unit):
    names = [n for n in COLORS if n in values]
    axis.bar(names, [values[n] for n in names], color=[COLORS[n] for n in names])
    for n in names:
        axis.annotate(f"{values[n]:.3g}", (n, values[n]), ha="center", va="bottom", fontsize=8)
    axis.set_title(title, fontsize=9)
    axis.set_ylabel(unit, fontsize=8)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def cpu(plt, results, here):
    figure, axes = plt.subplots(2, 3, figsize=(11, 6))
    rows = [r for r in results["rows"] if "idle" not in r and "MLKEM" not in r][:6]
    for axis, row in zip(axes.flat, rows):
        bars(axis, medians(results, row, "cpu"), row, "ms CPU" if "MiB" in row else "µs CPU")
    figure.suptitle("CPU of the proxy per unit of work (less is better)", fontsize=11)
    figure.tight_layout()
    figure.savefig(here / "cpu.svg")


def memory(plt, results, here):
    row = next((r for r in results["rows"] if r.startswith("idle")), None)
    if not row:
        return
    figure, axis = plt.subplots(figsize=(6, 3.5))
    for name, each in medians(results, row, "bytes").items():
        counts = [0, 2500, 5000, 7500, 10000]
        axis.plot(counts, [n * each / (1 << 20) for n in counts], color=COLORS[name], label=name)
    axis.set_title("Memory over idle keep-alive TLS connections, at the measured bytes each", fontsize=9)
    axis.set_xlabel("connections", fontsize=8)
    axis.set_ylabel("MiB", fontsize=8)
    axis.legend(fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(here / "memory.svg")


def new_names(plt, results, here):
    got = results.get("on_demand") or {}
    if not got:
        return
    keys = list(next(iter(got.values())))
    figure, axes = plt.subplots(1, len(keys), figsize=(11, 3.2))
    for axis, key in zip(axes, keys):
        bars(axis, {name: rows[key] for name, rows in got.items() if key in rows}, key, "s")
    figure.suptitle("First visit to a new hostname, certificate and all (Pebble)", fontsize=11)
    figure.tight_layout()
    figure.savefig(here / "new-names.svg")


def draw(results, here):
    try:
        import matplotlib
    except ImportError:
        print("no plots: python3-matplotlib is not installed", file=sys.stderr)
        return
    matplotlib.use("svg")
    # the same data give the same file
    matplotlib.rcParams.update({"svg.hashsalt": "sallyport", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt
    cpu(plt, results, here)
    memory(plt, results, here)
    new_names(plt, results, here)
