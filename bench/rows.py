# SPDX-License-Identifier: GPL-3.0-or-later
"""One row of the table each: what is done, how it is counted, which proxies can do it."""

import statistics
import subprocess
import time

from parts import FDS, HOST, LOAD_CPU


SLICES = 3


class Row:
    """`measure(bench, proxy)` returns {column: number}; `unit` and `scale` are for printing `key`. A row with `warm` is
    measured in SLICES short slices per round, all proxies started and taken in turn, so that a busy minute of the host
    meets them alike."""

    def __init__(self, name, method, key, unit, measure, only=None, warm=None):
        self.name, self.method, self.key, self.unit = name, method, key, unit
        self.measure, self.only, self.warm = measure, only, warm

    def fits(self, proxy):
        return self.only is None or proxy.name in self.only

    def merge(self, slices):
        """One round of one proxy from its slices: medians, since a burst of the host's lasts for one or two of them."""
        return {column: statistics.median(got[column] for got in slices) for column in slices[0]}


def work_row(name, method, unit, mode, scale, **how):
    """CPU of the proxy (user and system, all its threads) per request, with what the load saw."""
    def warm(bench, proxy):
        bench.load(proxy.port, mode, **{**how, "n": max(how["n"] // 2, how["c"])})

    def measure(bench, proxy):
        before = proxy.cpu()
        got = bench.load(proxy.port, mode, **how)
        cpu = proxy.cpu() - before
        return {"cpu": cpu / got["done"] * scale, "rate": got["done"] / got["seconds"], "busy": cpu / got["seconds"],
                "p99_ms": got["p99_us"] / 1000, "resumed": got["resumed"]}
    return Row(name, method, "cpu", unit, measure, warm=warm)


# a proxy may hold a backend connection for each of them
IDLE = min(10000, (FDS - 2000) // 2 - 1000)


def idle_memory(count):
    def measure(bench, proxy):
        argv = ["taskset", "-c", str(LOAD_CPU), bench.load_program, str(proxy.port), HOST, "idle"]
        # the first thousand pay for what is there only once
        first = hold(argv + ["c=1000"])
        time.sleep(1)
        base = proxy.memory()
        rest = hold(argv + [f"c={count}"])
        time.sleep(2)
        grown = proxy.memory() - base
        for p in (rest, first):
            p.stdin.close()
            p.wait(60)
        return {"bytes": grown / count}
    return measure


def hold(argv):
    p = subprocess.Popen(list(map(str, argv)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = p.stdout.readline()
    if not line.startswith("ready"):
        raise RuntimeError(f"load: {line}")
    return p


ROWS = [
    work_row("small request, keep-alive, 64 connections", "GET of 120 bytes over kept connections", "µs CPU",
             "request", 1e6, c=64, n=10000),
    work_row("the same, head and body sent apart by the backend", "GET of 120 bytes in two segments", "µs CPU",
             "request", 1e6, c=64, n=10000, path="/apart"),
    work_row("connect + full handshake (X25519) + request + close", "16 clients at a time", "µs CPU",
             "connect", 1e6, c=16, n=800),
    work_row("the same with X25519MLKEM768", "the client offers only this group", "µs CPU",
             "connect", 1e6, c=16, n=800, group="mlkem"),
    work_row("the same resumed by ticket", "each client offers the ticket of the one before", "µs CPU",
             "resume", 1e6, c=16, n=800),
    work_row("64 KiB response", "keep-alive, 16 connections", "µs CPU",
             "request", 1e6, c=16, n=2000, path="/64k"),
    work_row("1 MiB response", "keep-alive, 8 connections", "ms CPU",
             "request", 1e3, c=8, n=300, path="/1m"),
    work_row("1 MiB upload", "keep-alive, 8 connections, Content-Length", "ms CPU",
             "request", 1e3, c=8, n=300, path="/upload", body=1 << 20),
    Row("idle keep-alive connection after one request", f"{IDLE:,} held, growth of PSS beyond the first 1,000",
        "bytes", "bytes", idle_memory(IDLE)),
]
