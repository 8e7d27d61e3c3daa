# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 71 and 72: a clock that is wrong, ours or the CA's."""

import os
import subprocess
import time

import pytest

from support.certificates import of_a_ca
from support.client import names_of
from support.fault import Fault
from support.process import ROOT, wait_until

DAY = 86400


@pytest.fixture(autouse=True)
def library(world):
    """What shifts the clock, built for this test."""
    if "asan" in os.environ.get("SALLYPORT_BINARY", ""):
        pytest.skip("the address sanitizer wants to be the first library")
    world.library = world.directory / "wrong_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", world.library,
                    ROOT / "tests" / "support" / "wrong_clock.c"], check=True)


def shifted(world, seconds):
    """The wall clock of the proxy, from now on or from its next start; timers stay what they are."""
    path = world.directory / "clock"
    path.with_suffix(".new").write_text(f"{seconds}\n")
    path.with_suffix(".new").rename(path)
    world.proxy.env = {"LD_PRELOAD": str(world.library), "WRONG_CLOCK": str(path)}


def wide(world, **how):
    """As world.on_demand, and by any clock the CA's API has a valid certificate."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    fault = world.ends(Fault(world.ca, certificate=of_a_ca(world.directory, "wide")))
    world.with_proxy({"acme": fault.acme()}, **how)


def test_71_two_years_back_at_start(world):
    """What is stored is served; the CA is left alone: its certificates would only look wrong."""
    wide(world)
    first = [world.handshake(f"n{n}.example.com") for n in range(3)]
    world.proxy.stop()
    seen = len(world.ca.requests())
    shifted(world, -730 * DAY)
    world.proxy.start()
    for n, was in enumerate(first):
        assert world.handshake(f"n{n}.example.com").der == was.der
    time.sleep(3)
    assert len(world.ca.requests()) == seen
    assert not world.handshake("new.example.com").ok
    assert world.ca.orders() == 3
    shifted(world, 0)
    wait_until(lambda: world.handshake("new.example.com").ok, 90, "an order once the clock is right", every=0.5)
    assert world.ca.orders() == 4


def test_71_two_years_ahead_at_start(world):
    """Everything looks expired, and what is ordered looks expired too: no storm."""
    wide(world)
    for n in range(6):
        assert world.handshake(f"n{n}.example.com").ok
    world.proxy.stop()
    world.proxy.config["on_demand"]["wait"] = "8s"
    orders = world.ca.orders()
    shifted(world, 730 * DAY)
    world.proxy.start()
    end = time.monotonic() + 6
    while time.monotonic() < end:
        for n in range(6):
            world.handshake(f"n{n}.example.com")
        time.sleep(0.3)
    assert world.ca.orders() - orders <= 12
    assert world.proxy.process.is_running()
    assert len({p.parent.name for p in world.proxy.bundles()}) == 6     # nothing was thrown away


@pytest.mark.slow(seconds=20)
def test_71_jumps_of_an_hour_while_running(world):
    """Timers go on, names are served, new ones obtained, nothing is ordered twice."""
    wide(world)
    world.proxy.stop()
    shifted(world, 0)
    world.proxy.start()
    assert world.handshake("steady.example.com").ok
    for n, offset in enumerate((3600, -3600, 3600, 0)):
        shifted(world, offset)
        time.sleep(1.2)
        assert world.handshake("steady.example.com").ok
        got = world.handshake(f"jump{n}.example.com")
        assert got.ok and got.seconds < 15, (offset, got)
    assert world.ca.orders() == 5


def test_72_the_cas_clock_is_ten_minutes_ahead(world):
    """The certificate is installed although it begins in ten minutes by our clock."""
    wide(world)
    world.proxy.stop()
    shifted(world, -600)
    world.proxy.start()
    assert names_of(world.handshake("ahead.example.com").der) == ["ahead.example.com"]
    world.proxy.restart()
    assert world.handshake("ahead.example.com").ok
    assert world.ca.orders() == 1
