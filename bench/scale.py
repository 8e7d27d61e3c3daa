# SPDX-License-Identifier: GPL-3.0-or-later
"""What grows with the number of names and visitors: many stored names, many waiting, many at once, load."""

import json
import os
import socket
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from on_demand import timed
from parts import BINARY, HOST, LOAD_CPU, PROXY_CPU, ROOT, Process, Sallyport, free_port, pss_bytes

from support.client import client_hello, handshake
from support.origin import Ask, Origin, answer
from support.pebble import Pebble

STORED = 100_000
SUFFIX = "stored.example.com"


def configuration(store, tls_port, http_port, ask, to, ca=None, **on_demand):
    return {
        "store": str(store), "workers": 1, "log": {"level": "error", "access": False},
        "listen": {"https": f"127.0.0.1:{tls_port}", "http": f"127.0.0.1:{http_port}"},
        "acme": {"ca": [{"directory": ca.url, "trust": ca.trust} if ca else {"directory": "https://127.0.0.1:1/"}]},
        "on_demand": {"ask": ask.url, **on_demand}, "sites": {"*": {"tls": "on_demand", "to": to.address}}}


def begin(directory, config):
    path = directory / "scale.json"
    path.write_text(json.dumps(config))
    return Process(["taskset", "-c", str(PROXY_CPU), BINARY, "run", "-c", path], directory, "sallyport")


def stored_names(bench):
    """Start to the first served handshake with 100,000 names in the store, and the memory then."""
    directory = bench.work / "stored"
    directory.mkdir()
    subprocess.run([ROOT / "build" / "release" / "bench" / "fill_store", directory / "store", str(STORED), SUFFIX],
                   check=True)
    ask, origin, out = Ask(), Origin(), {"start_ms": [], "rss_mib": []}
    for n in range(5):
        port = free_port()
        began = time.monotonic()
        p = begin(directory, configuration(directory / "store", port, free_port(), ask, origin))
        name, end = f"n{n * 17001}.{SUFFIX}", began + 30
        while not handshake(port, name).ok:
            if time.monotonic() > end:
                raise RuntimeError(p.output()[-500:])
        out["start_ms"].append((time.monotonic() - began) * 1000)
        time.sleep(3)
        out["rss_mib"].append(p.rss_bytes() / (1 << 20))
        hot = sorted(handshake(port, f"n{k * 997 % STORED}.{SUFFIX}").seconds * 1000 for k in range(200))
        out.setdefault("cold_ms", []).append(hot[100])
        p.stop()
    ask.stop(), origin.stop()
    return {"start to first handshake, 100,000 stored names (ms)": statistics.median(out["start_ms"]),
            "memory 3 s after (RSS, MiB)": statistics.median(out["rss_mib"]),
            "handshake with a stored name for the first time, by a Python client (ms)":
                statistics.median(out["cold_ms"])}


def waiting(bench, count=4000):
    """Clients parked because the ask endpoint thinks: bytes beyond the hello each of them sent."""
    directory = bench.work / "waiting"
    directory.mkdir()
    hold = threading.Event()

    def slowly(request, connection):
        hold.wait(60)
        connection.send(answer("403 No", b""))
    ask, origin, port = Ask(lambda domain: slowly), Origin(), free_port()
    p = begin(directory, configuration(directory / "store", port, free_port(), ask, origin, ask_timeout="30s",
                                       wait="60s", max_waiting=100000, max_waiting_per_name=100000))
    p.wait_port(port)
    hello, socks = client_hello("waits.example.com"), []

    def park(n):
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall(hello)
            socks.append(s)
    park(500)
    time.sleep(1)
    before = pss_bytes([p.pid])
    park(count)
    time.sleep(1.5)
    each = (pss_bytes([p.pid]) - before) / count - len(hello)
    for s in socks:
        s.close()
    hold.set()
    p.kill()
    ask.stop(), origin.stop()
    return {f"handshake waiting for a certificate, beyond its hello of {len(hello)} bytes (bytes)": each}


def visits(bench, port, name, seconds):
    """Full handshakes with a stored name, 100 a second, by a client that never waits for the crowd on its core, as
    one with a machine of its own does not: (p50 and p99 in ms, when it ended)."""
    argv = ["chrt", "-f", "1", "taskset", "-c", str(LOAD_CPU), bench.load_program, str(port), name, "handshake",
            "c=16", "rate=100", f"n={100 * seconds}"]
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=60)
    got = json.loads(done.stdout.strip().splitlines()[-1])
    if got["failed"]:
        raise RuntimeError(f"{got['failed']} handshakes with a stored name failed")
    return got["p50_us"] / 1000, got["p99_us"] / 1000, time.monotonic()


def crowd_once(bench, count=1000, at_once=100):
    """1,000 new hostnames, 100 at a time, while a stored name is visited for four seconds of it. The CA and the crowd
    are on the other core, as all are that load the proxy."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CPU})
    try:
        return crowd_beside(bench, count, at_once)
    finally:
        os.sched_setaffinity(0, mine)


def crowd(bench, rounds=5):
    """Medians of as many rounds. Pebble 2.10 can lock up for good while several newOrder requests come at once (a
    read lock taken twice in FindValidAuthorization, with a writer between): then everything waits, and that round
    begins again."""
    done, failed = [], 0
    while len(done) < rounds:
        try:
            done.append(crowd_once(bench))
            print(f"  {done[-1]}", flush=True)
        except Exception as error:
            failed += 1
            print(f"  a crowd failed: {error}", flush=True)
            if failed == 2 * rounds:
                raise
    return {words: statistics.median(got[words] for got in done) for words in done[0]}


def crowd_beside(bench, count, at_once):
    directory = bench.work / f"crowd-{free_port()}"
    directory.mkdir()
    tls_port, http_port = free_port(), free_port()
    ca = Pebble(directory / "ca", http_port, tls_port)
    ask, origin = Ask(), Origin()
    p = begin(directory, configuration(directory / "store", tls_port, http_port, ask, origin, ca, wait="120s"))
    try:
        p.wait_port(tls_port)
        root, held = ca.root(), "held.example.com"
        timed(tls_port, held, root)
        quiet = visits(bench, tls_port, held, 3)
        began = time.monotonic()
        with ThreadPoolExecutor(at_once + 1) as pool:
            visitor = pool.submit(visits, bench, tls_port, held, 4)
            got = list(pool.map(lambda n: timed(tls_port, f"c{n}.example.com", root), range(count)))
        took = time.monotonic() - began
        busy = visitor.result()
    finally:
        p.kill()
        for part in (ask, origin, ca):
            part.stop()
    if busy[2] > began + took:
        raise RuntimeError("the crowd was gone before the visitor")
    return {f"{count:,} new hostnames, {at_once} at a time: all (s)": took,
            "… median of one (s)": statistics.median(got), "… worst (s)": max(got),
            "a stored name's handshake meanwhile, 100 a second, p50 (ms)": busy[0], "… p99 (ms)": busy[1],
            "… and before, p50 (ms)": quiet[0], "… before, p99 (ms)": quiet[1]}


def saturation(bench):
    """Requests per second the small-request row does at most, of sallyport."""
    proxy = Sallyport(bench)
    proxy.start()
    try:
        bench.load(proxy.port, "request", c=64, n=10000)
        return bench.load(proxy.port, "request", c=64, n=60000)
    finally:
        proxy.stop()


def latency(bench, proxies, rounds):
    """p99 of small requests offered at 70 % of our saturation, 100 full handshakes a second beside them."""
    best = saturation(bench)
    rate = 0.7 * best["done"] / best["seconds"]
    out = {}
    for _ in range(max(rounds, 5)):
        for kind in proxies:
            proxy = kind(bench)
            try:
                proxy.start()
                bench.load(proxy.port, "request", c=64, n=5000)
                beside = subprocess.Popen(
                    ["taskset", "-c", str(LOAD_CPU), bench.load_program, str(proxy.port), HOST, "connect", "c=16",
                     "n=500", "rate=100"], stdout=subprocess.DEVNULL)
                got = bench.load(proxy.port, "request", c=64, n=int(rate * 4), rate=int(rate))
                beside.wait(60)
                out.setdefault(proxy.name, []).append(got["p99_us"] / 1000)
            except Exception as error:
                print(f"  latency {proxy.name} failed: {error}", flush=True)
            finally:
                proxy.stop()
    return rate, {name: statistics.median(got) for name, got in out.items()}


def measure(bench, proxies, rounds):
    """({words: number} of sallyport alone, (rate, {proxy: p99}))"""
    alone = {}
    for part in (stored_names, waiting, crowd):
        try:
            got = part(bench)
            print(f"  {got}", flush=True)
            alone.update(got)
        except Exception as error:
            print(f"  {part.__name__} failed: {error}", flush=True)
    return alone, latency(bench, proxies, rounds)



