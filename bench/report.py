# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of RESULTS.md from what was measured; nothing in them is written by hand."""

import os
import platform

import targets


def cpu_words():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def main_table(rows, medians, names):
    out = [line(["work", "unit", *names]), line(["---"] * (len(names) + 2))]
    for row in rows:
        got = medians.get(row.name, {})
        out.append(line([row.name, row.unit, *(number(got[n]) if n in got else "–" for n in names)]))
    return out


def ratio_table(rows, medians, names):
    peers = [n for n in names if n != "sallyport"]
    out = [line(["sallyport ÷", *peers]), line(["---"] * (len(peers) + 1))]
    for row in rows:
        got = medians.get(row.name, {})
        ours = got.get("sallyport")
        out.append(line([row.name, *(f"{ours / got[n]:.2f}" if ours and n in got else "–" for n in peers)]))
    return out


def spread(rows, results, names):
    out = [line(["work", *(f"{n}: min … max (req/s, p99 ms, share of its core)" for n in names)]), line(["---"] * (len(names) + 1))]
    for row in rows:
        cells = []
        for n in names:
            got = results.get(row.name, {}).get(n)
            if not got:
                cells.append("–")
                continue
            low, high = min(g[row.key] for g in got), max(g[row.key] for g in got)
            more = ""
            if "rate" in got[0]:
                rates = sorted(g["rate"] for g in got)
                p99 = sorted(g["p99_ms"] for g in got)
                busy = sorted(g.get("busy", 0) for g in got)
                more = (f" ({number(rates[len(rates) // 2])}/s, {p99[len(p99) // 2]:.1f} ms, "
                        f"{100 * busy[len(busy) // 2]:.0f} %)")
            cells.append(f"{number(low)} … {number(high)}{more}")
        out.append(line([row.name, *cells]))
    return out


def on_demand_table(first):
    out = [line(["work", *first]), line(["---"] * (len(first) + 1))]
    keys = []
    for got in first.values():
        keys += [k for k in got if k not in keys]
    for key in keys:
        out.append(line([key, *(f"{got[key]:.2f} s" if key in got else "–" for got in first.values())]))
    return out


def scale_table(many):
    alone, (rate, p99) = many
    out = [line(["sallyport with many names", ""]), line(["---", "---"])]
    out += [line([words, number(value)]) for words, value in alone.items()]
    out += ["", line([f"p99 (ms) of small requests at {rate:,.0f}/s (70 % of our saturation), 100 handshakes/s beside",
                      *p99]), line(["---"] * (len(p99) + 1)), line(["", *map(number, p99.values())])]
    return out


def table(rows, medians, results, versions, first, many, rounds, date):
    names = list(versions)
    out = ["# What it costs, beside the others", "",
           "Written by `make bench`; medians of "
           f"{rounds} interleaved rounds on {date}, {cpu_words()}, "
           f"{os.cpu_count()} cores (shared, with steal time), Linux {platform.release().split('-')[0]}. "
           "Proxy alone on one core with one worker, load and backend (`origin.c`) on the other. ECDSA P-256, "
           "TLS 1.3, AES-128-GCM. Ratios are comparable between runs, times are not.", ""]
    out += [f"- {name}: {version}" for name, version in versions.items()]
    if first and many[0]:
        out += ["", "## Targets", "", *targets.table(medians, first, many[0], many[1][1])]
    out += ["", "## Cost per unit of work", "", *main_table(rows, medians, names), "",
            "## Ratio (below 1: sallyport needs less)", "", *ratio_table(rows, medians, names), "",
            "## Spread, throughput, latency", "", *spread(rows, results, names), ""]
    if first:
        out += ["## New hostnames, certificate and all (Pebble, retryAfter 1 s)", "", *on_demand_table(first), ""]
    if many[0] or many[1][1]:
        out += ["## Many names, many visitors", "", *scale_table(many), ""]
    out += ["## Method", ""]
    out += [f"- {row.name}: {row.method}; {row.unit} by "
            + ("/proc/PID/smaps_rollup" if row.key == "bytes" else "/proc/PID/task/*/schedstat of all its threads")
            for row in rows]
    out += ["- hitch forwards bytes and reads no HTTP: it shows what TLS alone costs.",
            "- New hostnames: time of one HTTPS request by a client that has never been there; Pebble validates "
            "without delay and rejects 5 % of nonces; every proxy asks an endpoint that allows.", ""]
    return "\n".join(out)
