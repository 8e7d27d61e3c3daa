# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the first visitor of a new hostname waits: sallyport and Caddy, the only peer that can."""

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from parts import BINARY, PROXY_CPU, Process, free_port

from support.client import get
from support.origin import Ask, Origin
from support.pebble import Pebble


def timed(port, host, root):
    begin = time.monotonic()
    got = get(port, host, root=root, timeout=180)
    if got.status != 200:
        raise RuntimeError(f"{host}: {got.status}")
    return time.monotonic() - begin


def start_sallyport(bench, ca, ask, origin, tls_port, http_port, directory):
    path = directory / "od.json"
    path.write_text(json.dumps({
        "store": str(directory / "store"), "workers": 1, "log": {"level": "error", "access": False},
        "listen": {"https": f"127.0.0.1:{tls_port}", "http": f"127.0.0.1:{http_port}"},
        "acme": {"ca": [{"directory": ca.url, "trust": ca.trust}]}, "on_demand": {"ask": ask.url, "wait": "120s"},
        "sites": {"*": {"tls": "on_demand", "to": origin.address}}}))
    return Process(["taskset", "-c", str(PROXY_CPU), BINARY, "run", "-c", path], directory, "sallyport")


def start_caddy(bench, ca, ask, origin, tls_port, http_port, directory):
    trust = bench.work / f"trust-{tls_port}.pem"
    trust.write_bytes(open(ca.trust, "rb").read())
    name = f"Caddyfile-{tls_port}"
    (bench.work / name).write_text(f"""
{{
  admin off
  http_port {http_port}
  https_port {tls_port}
  acme_ca {ca.url}
  acme_ca_root {bench.inside(trust.name)}
  on_demand_tls {{
    ask {ask.url}
  }}
  log {{
    level ERROR
  }}
}}
https:// {{
  tls {{
    on_demand
  }}
  reverse_proxy {origin.address}
}}
""")
    return bench.run_in_tree(f"caddy-{tls_port}", ["caddy", "run", "--config", bench.inside(name),
                                                   "--adapter", "caddyfile"], PROXY_CPU,
                             {"HOME": bench.inside(), "GOMAXPROCS": "1",
                              "XDG_DATA_HOME": bench.inside(f"caddy-{tls_port}")})


def one(bench, start, tag, crowd):
    """{row: seconds} for one fresh proxy with an empty store."""
    tls_port, http_port = free_port(), free_port()
    directory = bench.work / f"od-{tls_port}"
    directory.mkdir()
    ca = Pebble(directory / "ca", http_port, tls_port)
    origin, ask, proxy = Origin(), Ask(), None
    out = {}
    try:
        proxy = start(bench, ca, ask, origin, tls_port, http_port, directory)
        proxy.wait_port(tls_port)
        root = ca.root()
        timed(tls_port, f"warm-{tag}.example.com", root)   # the account is made once in a life
        singles = [timed(tls_port, f"n{n}-{tag}.example.com", root) for n in range(5)]
        out["first request to a new hostname, median of 5"] = statistics.median(singles)
        if crowd:
            with ThreadPoolExecutor(20) as pool:
                got = list(pool.map(lambda n: timed(tls_port, f"c{n}-{tag}.example.com", root), range(crowd)))
            out[f"{crowd} new hostnames, 20 at a time: median"] = statistics.median(got)
            out[f"{crowd} new hostnames, 20 at a time: worst"] = max(got)
    finally:
        if proxy:
            proxy.kill()
        for part in (ask, origin, ca):
            part.stop()
    return out


def measure(bench, rounds):
    """{proxy: {row: median seconds}}. The crowd is measured once for Caddy: its own limiter (10 orders in
    10 s) makes that take minutes."""
    starts = {"sallyport": start_sallyport, **({"Caddy": start_caddy} if bench.tree else {})}
    got = {name: [] for name in starts}
    for n in range(min(rounds, 2)):
        for name, start in starts.items():
            try:
                got[name].append(one(bench, start, f"r{n}", 60 if n == 0 or name == "sallyport" else 0))
                print(f"  new hostnames {name}: {got[name][-1]}", flush=True)
            except Exception as error:
                print(f"  new hostnames {name} failed: {error}", flush=True)
    return {name: {key: statistics.median(g[key] for g in runs if key in g)
                   for key in (runs[0] if runs else {})} for name, runs in got.items()}
