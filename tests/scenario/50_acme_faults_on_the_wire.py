# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 41, 42, 43, 54, 55: connections to the CA that break, fall silent, drip, or are not the CA's."""

import itertools
import threading
import time

import pytest

from support.certificates import of_a_ca
from support.fault import JSON, Fault, Raw
from support.process import free_port, wait_until
from support.sallyport import Sallyport

# the requests of one issuance: (name, first segment of the path, how many of that kind came before)
POINTS = [("directory", "/dir", 0), ("nonce", "/nonce-plz", 0), ("newAccount", "/sign-me-up", 0),
          ("newOrder", "/order-plz", 0), ("authz", "/authZ", 0), ("challenge", "/chalZ", 0),
          ("poll", "/authZ", 1), ("finalize", "/finalize-order", 0), ("order", "/my-order", 0),
          ("certificate", "/certZ", 0)]


def at(path, first, verdict):
    return lambda n, method, got: verdict if got.startswith(path) and n == first else None


class Single:
    """One proxy with one site and a fault proxy of its own; many share a CA that validates nothing."""

    def __init__(self, world, label, rule, **acme):
        self.host = f"{label.lower()}.example.com"
        self.fault = world.ends(Fault(world.ca, rule))
        self.proxy = world.ends(Sallyport(world.directory / label, {
            "workers": 1, "acme": self.fault.acme(retry_min="1s", **acme),
            "sites": {self.host: f"127.0.0.1:{free_port()}"}}, start=False))

    def served(self):
        from support.client import handshake
        try:
            return handshake(self.proxy.tls_port, self.host).ok
        except OSError:
            return False


def all_served(parts, seconds):
    for part in parts:
        part.proxy.start(wait=False)
    end, missing = time.monotonic() + seconds, list(parts)
    while missing and time.monotonic() < end:
        time.sleep(0.1)
        missing = [p for p in missing if not p.served()]
    return [p.host for p in missing]


@pytest.mark.slow(seconds=20)
@pytest.mark.parametrize("how", ["reset", "reset_after", "middle"])
def test_41_a_reset_at_each_message(world, how):
    """Before it is read, after the CA acted, in the middle of the reply: one certificate in the end."""
    world.with_ca(nonce_reject=0, env={"PEBBLE_VA_ALWAYS_VALID": "1"})
    parts = [Single(world, label, at(path, n, how)) for label, path, n in POINTS]
    missing = all_served(parts, 60)
    assert not missing, missing
    for part in parts:
        assert part.fault.orders() <= 2, part.host
        assert len(part.proxy.bundles(part.host)) == 1, part.host
        assert len(part.fault.seen) <= 40, part.host
    assert world.ca.accounts() == len(parts)


def drip(answer):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    return itertools.chain([head], slowly())


def slowly():
    for _ in range(200):
        time.sleep(1)
        yield b" "


@pytest.mark.slow(seconds=75)
@pytest.mark.timeout(240)
def test_42_silence_at_each_message(world):
    """A deadline ends it, the request comes again. 54: one byte a second ends the same way."""
    world.with_ca(nonce_reject=0, env={"PEBBLE_VA_ALWAYS_VALID": "1"})
    parts = [Single(world, label, at(path, n, "silence")) for label, path, n in POINTS]
    parts += [Single(world, f"drip-{label}", at(path, n, Raw(drip)))
              for label, path, n in POINTS if label in ("directory", "newOrder", "certificate")]
    missing = all_served(parts, 150)
    assert not missing, missing
    for part in parts:
        assert part.fault.orders() <= 2, part.host
        assert len(part.proxy.bundles(part.host)) == 1, part.host
        assert len(part.fault.seen) <= 40, part.host


@pytest.mark.parametrize("kind", ["unknown-issuer", "wrong-name", "expired"])
def test_43_a_server_that_is_not_the_ca(world, kind):
    """Not a request is sent to it; what is stored is served; the right server is soon found again."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    world.with_proxy()
    assert world.handshake("stored.example.com").ok
    world.proxy.stop()
    fault = world.ends(Fault(world.ca, certificate=of_a_ca(world.directory, kind)))
    world.proxy.config["acme"] = fault.acme(retry_min="1s")
    world.proxy.config["on_demand"]["wait"] = "8s"
    world.proxy.start()
    assert not world.handshake("new.example.com").ok
    time.sleep(2)
    assert world.handshake("stored.example.com").ok
    assert fault.seen == []
    assert 1 <= fault.connections <= 20, fault.connections
    assert world.ca.orders() == 1


def endless(answer):
    yield b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{\"a\":\""
    while True:
        yield b"x" * 65536


def endless_1xx(answer):
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 100


def huge_head(answer):
    yield b"HTTP/1.1 201 Created\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100))
    yield b"Content-Length: 2\r\n\r\n{}"


def chunked_garbage(answer):
    yield b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n"


def too_short(answer):
    yield b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{\"status\":"


def garbage(answer):
    yield bytes(range(256)) * 64


WIRE = [endless, endless_1xx, huge_head, chunked_garbage, too_short, garbage]
ANSWERS = {
    "captive-portal": (200, [("Content-Type", "text/html")], b"<html>please log in</html>"),
    "redirect": (301, [("Location", "https://127.0.0.1:1/elsewhere")], b""),
    "gzip": (201, [*JSON, ("Content-Encoding", "gzip")], b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\0" * 40),
}


@pytest.mark.parametrize("what", WIRE + list(ANSWERS), ids=lambda w: w if isinstance(w, str) else w.__name__)
def test_54_55_replies_that_are_none(world, what):
    """To newOrder. Bounded memory and requests, nothing stored; afterwards all is well."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    raw = ANSWERS[what] if isinstance(what, str) else Raw(what)
    bad = {"now": False}
    fault = world.ends(Fault(world.ca, lambda n, method, path:
                             raw if bad["now"] and path.startswith("/order-plz") else None))
    world.with_proxy({"acme": fault.acme(retry_min="1s"), "on_demand": {"wait": "10s"}, "workers": 1})
    assert world.handshake("good.example.com").ok
    bad["now"], before = True, len(fault.seen)
    rss = world.proxy.process.rss_bytes()
    asking = threading.Thread(target=world.handshake, args=("bad.example.com",))
    asking.start()
    asking.join(30)
    assert not asking.is_alive()
    assert world.handshake("good.example.com").ok
    assert not world.proxy.bundles("bad.example.com")
    assert len(fault.seen) - before <= 25
    assert world.proxy.process.rss_bytes() - rss < 8 << 20
    if isinstance(raw, Raw):
        assert raw.sent < 64 << 20, raw.sent    # what the kernel's buffers took, not the proxy
    bad["now"] = False
    wait_until(lambda: world.handshake("bad.example.com").ok, 60, "recovery", every=0.3)
