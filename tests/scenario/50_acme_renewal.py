# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 21, 28 and 30: renewal by the certificate's own lifetime, in real time."""

import time

import pytest

from support.client import x509
from support.process import wait_until


@pytest.mark.slow(seconds=80)
def test_21_forty_second_certificates_never_expire_in_use(world):
    world.on_demand(validity=40, config={"workers": 2})
    world.handshake("blink.example.com")
    end, serials, bad = time.monotonic() + 75, set(), []
    while time.monotonic() < end:
        got = world.handshake("blink.example.com")
        if not got.ok:
            bad.append((time.monotonic(), got.alert))
        else:
            serials.add(x509(got.der, "-serial"))
        time.sleep(0.25)
    assert not bad, bad
    assert 3 <= len(serials) <= 8, serials
    assert len(world.proxy.bundles("blink.example.com")) <= 2


@pytest.mark.slow(seconds=22)
def test_30_three_second_certificates_make_no_storm(world):
    world.on_demand(validity=3)
    world.handshake("flash.example.com")
    time.sleep(20)
    assert world.ca.orders() <= 20
    assert world.proxy.process.is_running()


@pytest.mark.slow(seconds=30)
def test_28_renewals_that_fail(world):
    """Served until the certificate ends, refused then, well again once the CA is."""
    world.with_ca(validity=25).with_origin().with_ask()
    world.with_proxy({"acme": world.acme(retry_min="2s", retry_max="4s")})
    assert world.handshake("fail.example.com").ok
    begin = time.monotonic()
    world.ca.dns.break_name("fail.example.com")
    while time.monotonic() - begin < 18:
        assert world.handshake("fail.example.com").ok
        time.sleep(0.5)
    wait_until(lambda: not world.handshake("fail.example.com").ok, 20, "expiry", every=0.3)
    world.ca.dns.heal_name("fail.example.com")
    wait_until(lambda: world.handshake("fail.example.com").ok, 40, "recovery", every=0.3)


@pytest.mark.slow(seconds=31)
def test_renewed_while_connections_go_on(world):
    from support.client import Http
    world.on_demand(validity=30)
    with Http(world.tls_port, "long.example.com", root=world.ca.root()) as c:
        first = c.sock.getpeercert(True)
        for _ in range(60):
            c.request()
            assert c.read().status == 200
            time.sleep(0.5)
        assert world.handshake("long.example.com").der != first


def test_configured_names_are_renewed_without_visitors(world):
    world.with_ca(validity=24).with_origin()
    world.with_proxy({"sites": {"quiet.example.com": world.origin.address}})
    wait_until(lambda: world.ca.issued() >= 3, 45, "two renewals nobody asked for", every=0.2)
    assert world.handshake("quiet.example.com").ok
