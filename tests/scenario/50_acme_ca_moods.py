# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 12 to 14, 49, 56, 70: a CA that rejects nonces, dawdles, or loses a reply."""

import time

import pytest

from support.client import names_of
from support.fault import Fault
from support.process import wait_until
from support.sallyport import command


def test_12_a_valid_authorization_needs_no_challenge(world):
    world.on_demand(authz_reuse=100)
    first = world.handshake("again.example.com")
    challenges = world.ca.count("/chalZ/")
    assert first.ok and challenges > 0
    assert command("renew", "again.example.com", "-c", world.proxy.write_config()).returncode == 0
    got = wait_until(lambda: (h := world.handshake("again.example.com")).der != first.der and h, 30,
                     "the second certificate", every=0.2)
    assert names_of(got.der) == ["again.example.com"]
    assert world.ca.orders() == 2 and world.ca.issued() == 2
    assert world.ca.count("/chalZ/") == challenges


@pytest.mark.parametrize("retry_after", [0, 1])
@pytest.mark.parametrize("strict", [True, False])
def test_13_profiles_arrays_and_retry_after_in_any_form(world, retry_after, strict):
    profiles = {n: {"description": n, "validityPeriod": v} for n, v in (
        ("classic", 7776000), ("tlsserver", 3888000), ("shortlived", 576000))}
    world.on_demand(retry_after=retry_after, strict=strict, profiles=profiles)
    for n in range(6):
        assert world.handshake(f"n{n}.example.com").ok
    assert world.ca.issued() == 6


def test_13_rsa_ca(world):
    world.on_demand(key="rsa")
    assert world.handshake("rsa.example.com").ok


@pytest.mark.slow
@pytest.mark.parametrize("percent", [20, 60])
def test_14_rejected_nonces(world, percent):
    world.on_demand(nonce_reject=percent)
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(10) as pool:
        got = list(pool.map(lambda n: world.handshake(f"n{n}.example.com"), range(50)))
    bad = [h.alert for h in got if not h.ok]
    assert not bad, bad
    assert world.ca.issued() == 50
    assert not list(world.proxy.store.glob("failures/*/*/*"))


def test_14_every_nonce_rejected_ends_in_bounded_requests(world):
    """After a certificate was stored, so that we see it is served meanwhile."""
    world.on_demand()
    assert world.handshake("stored.example.com").ok
    world.proxy.stop()
    world.ca.env["PEBBLE_WFE_NONCEREJECT"] = "100"
    world.ca.restart()
    world.proxy.config["on_demand"]["wait"] = "10s"
    world.proxy.start()
    before = len(world.ca.requests())
    assert not world.handshake("new.example.com").ok
    first = len(world.ca.requests()) - before
    assert first <= 40, first
    begin = time.monotonic()
    assert not world.handshake("new.example.com").ok   # in backoff: refused at once
    assert time.monotonic() - begin < 6   # it need not wait the ten seconds out
    assert world.handshake("stored.example.com", root=None).ok


@pytest.mark.slow
def test_49_slow_validation(world):
    """The CA thinks for up to 15 s before it comes; we wait without pestering it."""
    world.on_demand(sleep=15, retry_after=3, nonce_reject=0,
                    config={"on_demand": {"wait": "60s"}})
    begin = time.monotonic()
    assert world.handshake("slow.example.com", timeout=70).ok
    took = time.monotonic() - begin
    polls = world.ca.count("/authZ/")
    assert polls <= 6 + took / 3 + 4, (polls, took)


def test_56_a_lost_finalize_reply(world):
    """The CA issued, its answer never came: the order is read again, not repeated."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    fault = world.ends(Fault(world.ca, lambda n, method, path:
                             "swallow" if path.startswith("/finalize") and n == 0 else None))
    world.with_proxy({"acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust}]}})
    got = world.handshake("lost.example.com")
    assert names_of(got.der) == ["lost.example.com"]
    assert (world.ca.orders(), world.ca.issued()) == (1, 1)


def test_56_killed_between_finalize_and_download(world):
    """The key of the order journal fits the certificate that the CA already made."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    hold = {"now": True}
    fault = world.ends(Fault(world.ca, lambda n, method, path:
                             "drop" if hold["now"] and path.startswith("/certZ") else None))
    world.with_proxy({"acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust}]},
                      "sites": {"killed.example.com": world.origin.address}})
    wait_until(lambda: fault.count("/certZ"), 15, "the download to be tried")
    world.proxy.kill()
    hold["now"] = False
    world.proxy.start()
    wait_until(lambda: world.handshake("killed.example.com").ok, 90, "the certificate", every=0.2)
    assert (world.ca.orders(), world.ca.issued()) == (1, 1)


@pytest.mark.parametrize("path,answer", [
    ("/dir", (500, [], b"")), ("/dir", (200, [("Content-Type", "text/html")], b"<html>login</html>")),
    ("/dir", (200, [("Content-Type", "application/json")], b'{"newNonce": 5}')),
    ("/dir", (200, [("Content-Type", "application/json")], b"[" * 10000)),
    ("/dir", (200, [("Content-Type", "application/json")], b'{"newNonce":"http://x/","newAccount":"file:///",'
                                                          b'"newOrder":"https://a@b/"}')),
    ("/order-plz", (503, [("Retry-After", "5")], b"")),
    ("/order-plz", (201, [("Content-Type", "application/json")], b'{"status":5,"authorizations":"x"}')),
    ("/order-plz", (403, [("Content-Type", "application/problem+json")],
                    b'{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"\\u0000\xff"}')),
    ("/authZ", (200, [("Content-Type", "application/json")], b'{"status":"pending","challenges":[]}')),
    ("/finalize", (200, [("Content-Type", "application/json")], b"{")),
    ("/certZ", (200, [("Content-Type", "application/pem-certificate-chain")], b"")),
    ("/certZ", (200, [("Content-Type", "application/pem-certificate-chain")],
                b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
], ids=lambda v: v if isinstance(v, str) else f"{v[0]}-{len(v[2])}")
def test_nonsense_from_the_ca_fails_the_name_and_nothing_else(world, path, answer):
    """Then it comes to its senses; the process lives and what is stored is served."""
    world.with_ca().with_origin().with_ask()
    bad = {"now": False}
    fault = world.ends(Fault(world.ca, lambda n, method, got:
                             answer if bad["now"] and got.startswith(path) else None))
    world.with_proxy({"acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust}]},
                      "on_demand": {"wait": "8s"}})
    assert world.handshake("good.example.com").ok
    world.proxy.restart()
    bad["now"] = True
    before = len(fault.seen)
    assert not world.handshake("bad.example.com").ok
    assert len(fault.seen) - before < 60
    assert world.handshake("good.example.com").ok
    assert world.proxy.process.is_running()


def test_70_graceful_stop_during_issuance(world):
    world.on_demand(sleep=10, config={"timeouts": {"drain": "3s"}})
    import threading
    waiting = threading.Thread(target=world.handshake, args=("stop.example.com",))
    waiting.start()
    wait_until(lambda: world.ca.orders(), 10, "the order")
    begin = time.monotonic()
    assert world.proxy.stop(20) == 0
    assert time.monotonic() - begin < 8
    waiting.join(20)
    world.proxy.start()
    assert world.handshake("stop.example.com", timeout=60).ok
    assert world.ca.issued() <= 2
