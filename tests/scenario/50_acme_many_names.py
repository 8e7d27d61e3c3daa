# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 33 and 34, as large as a test may be: many names at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.process import wait_until


@pytest.mark.slow(seconds=25)
def test_33_a_hundred_new_names_at_once(world):
    """All get theirs, few are under way at a time, and who has one does not notice."""
    world.on_demand(config={"on_demand": {"wait": "60s", "max_waiting": 2000}})
    assert world.handshake("stored.example.com").ok
    under_way, ended, quick = [], threading.Event(), []

    def watch():
        while not ended.is_set():
            under_way.append(world.ca.orders() - world.ca.issued())
            time.sleep(0.1)
    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(100) as pool:
        got = [pool.submit(world.handshake, f"n{n}.example.com", timeout=90) for n in range(100)]
        while not all(g.done() for g in got):
            quick.append(world.handshake("stored.example.com").seconds)
            time.sleep(0.05)
    ended.set()
    watcher.join()
    assert all(g.result().ok for g in got), {g.result().alert for g in got}
    assert world.ca.orders() == 101
    assert max(under_way) <= 18, max(under_way)     # 16, and what the log is behind
    quick.sort()
    assert quick[len(quick) // 2] < 0.5, quick      # the machine is shared with the hundred clients


@pytest.mark.slow(seconds=60)
@pytest.mark.timeout(300)
def test_34_many_configured_names_and_a_restart_half_way(world):
    hosts = [f"h{n}.example.com" for n in range(300)]
    world.with_ca(nonce_reject=0, env={"PEBBLE_VA_ALWAYS_VALID": "1"}).with_origin()
    world.with_proxy({"sites": {host: world.origin.address for host in hosts},
                      "log": {"level": "info", "format": "json"}})
    wait_until(lambda: world.ca.issued() >= 150, 120, "half of them", every=0.1)
    world.proxy.stop()
    done = {p.parent.name for p in world.proxy.bundles()}
    assert len(done) >= 100
    before = world.ca.orders()
    world.proxy.start()
    wait_until(lambda: len({p.parent.name for p in world.proxy.bundles()}) == 300, 120, "all of them",
               every=0.2)
    assert world.ca.orders() - before <= 300 - len(done)
    assert world.ca.orders() <= 300 + 16
    for host in hosts[::30]:
        assert world.handshake(host).ok
    assert world.proxy.process.rss_bytes() < 96 << 20
