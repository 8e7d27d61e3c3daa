# SPDX-License-Identifier: GPL-3.0-or-later
"""One row of the table each: what is done, how it is counted, which proxies can do it."""

import subprocess
import time

from parts import FDS, HOST, LOAD_CPU


class Row:
    """`measure(bench, proxy)` returns {column: number}; `unit` and `scale` are for printing `key`."""

    def __init__(self, name, method, key, unit, measure, only=None):
        self.name, self.method, self.key, self.unit = name, method, key, unit
        self.measure, self.only = measure, only

    def fits(self, proxy):
        return self.only is None or proxy.name in self.only


def per_unit(mode, scale, **how):
    """CPU of the proxy (user and system, all its threads) per request, with what the load saw."""
    def measure(bench, proxy):
        warm = {**how, "n": max(how["n"] // 10, how.get("c", 64))}
        bench.load(proxy.port, mode, **warm)
        before = proxy.cpu()
        got = bench.load(proxy.port, mode, **how)
        cpu = proxy.cpu() - before
        return {"cpu": cpu / got["done"] * scale, "rate": got["done"] / got["seconds"], "busy": cpu / got["seconds"],
                "p99_ms": got["p99_us"] / 1000, "resumed": got["resumed"]}
    return measure


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
    Row("small request, keep-alive, 64 connections", "GET of 120 bytes over kept connections", "cpu", "µs CPU",
        per_unit("request", 1e6, c=64, n=50000)),
    Row("the same, head and body sent apart by the backend", "GET of 120 bytes in two segments", "cpu", "µs CPU",
        per_unit("request", 1e6, c=64, n=50000, path="/apart")),
    Row("connect + full handshake (X25519) + request + close", "16 clients at a time", "cpu", "µs CPU",
        per_unit("connect", 1e6, c=16, n=4000)),
    Row("the same with X25519MLKEM768", "the client offers only this group", "cpu", "µs CPU",
        per_unit("connect", 1e6, c=16, n=4000, group="mlkem")),
    Row("the same resumed by ticket", "each client offers the ticket of the one before", "cpu", "µs CPU",
        per_unit("resume", 1e6, c=16, n=4000)),
    Row("64 KiB response", "keep-alive, 16 connections", "cpu", "µs CPU",
        per_unit("request", 1e6, c=16, n=10000, path="/64k")),
    Row("1 MiB response", "keep-alive, 8 connections", "cpu", "ms CPU",
        per_unit("request", 1e3, c=8, n=1500, path="/1m")),
    Row("1 MiB upload", "keep-alive, 8 connections, Content-Length", "cpu", "ms CPU",
        per_unit("request", 1e3, c=8, n=1500, path="/upload", body=1 << 20)),
    Row("idle keep-alive connection after one request", f"{IDLE:,} held, growth of PSS beyond the first 1,000",
        "bytes", "bytes", idle_memory(IDLE)),
]

