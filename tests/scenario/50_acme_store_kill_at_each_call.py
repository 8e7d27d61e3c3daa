# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 62, not by luck: killed before each call that changes the store, from its making to the first
certificate and its renewal. What is there afterwards is usable, and one more start makes all well."""

import os
import socket
import subprocess
import time

import pytest

from support.client import client_hello, names_of
from support.process import ROOT, wait_until
from support.sallyport import Sallyport, command

PARTS = 6


@pytest.fixture(autouse=True)
def library(world):
    """What does the killing, built for this test."""
    if "asan" in os.environ.get("SALLYPORT_BINARY", ""):
        pytest.skip("the address sanitizer wants to be the first library")
    world.library = world.directory / "kill_at_call.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", world.library,
                    ROOT / "tests" / "support" / "kill_at_call.c"], check=True)


def pair_matches(bundle):
    key = subprocess.run(["openssl", "pkey", "-in", bundle, "-pubout"], capture_output=True)
    leaf = subprocess.run(["openssl", "x509", "-in", bundle, "-noout", "-pubkey"], capture_output=True)
    return key.returncode == 0 and key.stdout == leaf.stdout


def proxy_that_dies(world, n):
    """On a store of its own, killed before its nth call (0: never; the calls are counted)."""
    directory = world.directory / f"run{n}"
    proxy = Sallyport(directory, {
        "acme": world.acme(retry_min="1s", retry_max="2s"), "on_demand": {"ask": world.ask.url, "wait": "20s"},
        "sites": {"*": {"tls": "on_demand", "to": world.origin.address}}, "workers": 1},
        world.http_port, world.tls_port, start=False)
    directory.mkdir(exist_ok=True)
    proxy.env = {"LD_PRELOAD": str(world.library), "KILL_BELOW": str(proxy.store), "KILL_AT": str(n),
                 "KILL_COUNT": str(directory / "count")}
    return proxy


def counted(proxy):
    return int((proxy.directory / "count").read_text())


def visit(world, proxy, host):
    """Asks for the name as soon as that is possible; it may die of it, or before."""
    def asked():
        if not proxy.process.is_running():
            return True
        try:
            s = socket.create_connection(("127.0.0.1", world.tls_port))
        except OSError:
            return False
        s.sendall(client_hello(host))
        s.settimeout(20)
        try:
            return s.recv(1) is not None
        except OSError:
            return True
        finally:
            s.close()
    wait_until(asked, 30, "a visit")



def life(world, proxy, host):
    """The first visit, and a renewal."""
    proxy.start(wait=False)
    visit(world, proxy, host)
    if proxy.process.is_running():
        command("renew", host, "--store", proxy.store)


def assert_recovers(world, proxy, host, orders):
    for bundle in proxy.bundles():
        assert pair_matches(bundle), bundle
    proxy.env = {}
    proxy.start()
    got = wait_until(lambda: (h := world.handshake(host)).ok and h, 60, host, every=0.2)
    assert names_of(got.der) == [host]
    bundles = proxy.bundles(host)
    assert 1 <= len(bundles) <= 2 and all(map(pair_matches, bundles))
    assert world.ca.orders() - orders <= 3      # the first, its renewal, and one that was lost
    assert not list((proxy.store / "quarantine").iterdir())
    assert len(list((proxy.store / "accounts").glob("*/*"))) == 1
    assert command("audit", "--verify", "--store", proxy.store).returncode == 0
    log = (proxy.store / "audit.log").read_text()
    for bundle in proxy.bundles():     # each had its entry before it was saved
        serial = next(line for line in bundle.read_text().splitlines() if line.startswith("serial: "))
        assert f'"serial":"{serial.split()[1]}"' in log, (serial, log)
    proxy.kill()


@pytest.mark.slow(seconds=60)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_62_kill_9_before_each_call(world, part):
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    whole = proxy_that_dies(world, 0)
    life(world, whole, "whole.example.com")
    wait_until(lambda: len(whole.bundles("whole.example.com")) == 2, 30, "a life without a kill")
    time.sleep(0.5)
    whole.kill()
    total, killed = counted(whole), 0
    assert total > 50
    for n in range(1 + part, total + 1, PARTS):
        host, orders = f"at{n}.example.com", world.ca.orders()
        proxy = world.ends(proxy_that_dies(world, n))
        life(world, proxy, host)
        deadline = time.monotonic() + 3
        while proxy.process.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
        killed += not proxy.process.is_running()
        proxy.kill()
        assert_recovers(world, proxy, host, orders)
    print(total, "calls", killed, "kills")
    # a later life has a call more or less, by which thread is first
    assert killed >= (total // PARTS) * 3 // 4
