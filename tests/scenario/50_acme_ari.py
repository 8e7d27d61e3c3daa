# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 22 to 27: renewal information of the CA (RFC 9773), followed within bounds."""

import base64
import json
import ssl
import time
import urllib.request

import pytest

from support.client import x509
from support.fault import Fault
from support.process import wait_until

PAST = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"
FUTURE = "2090-01-01T00:00:00Z", "2090-01-02T00:00:00Z"
NAME = "ari.example.com"
LIFE = 200    # seconds: looked at within 10, due by its own time after 95 or more


def window(start, end, why=None):
    return json.dumps({"suggestedWindow": {"start": start, "end": end},
                       **({"explanationURL": why} if why else {})}).encode()


def is_ari(path):
    return "renewalInfo" in path


def payload(body):
    text = json.loads(body)["payload"]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) or b"{}")


def fresh_nonce(ca):
    context = ssl.create_default_context(cafile=ca.trust)
    request = urllib.request.Request(f"https://127.0.0.1:{ca.port}/nonce-plz", method="HEAD")
    return urllib.request.urlopen(request, context=context, timeout=10).headers["Replay-Nonce"]


class Orders:
    """A fault proxy that keeps what newOrder was asked for, and the answers it may give instead."""

    def __init__(self, world, advise=lambda n: None, refuse=None):
        self.asked, self.refuse, self.advise = [], refuse, advise
        self.looks = 0
        self.fault = world.ends(Fault(world.ca, self.rule))
        real = self.fault._ask
        self.fault._ask = lambda handler, body: self.note(handler, body, real)

    def note(self, handler, body, real):
        if handler.path.startswith("/order-plz"):
            asked = payload(body)
            refusal = self.refuse if "replaces" in asked else None
            self.asked.append(asked)
            if refusal:
                status, kind = refusal
                nonce = fresh_nonce(self.fault.pebble)
                problem = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "scripted"}
                return status, [("Content-Type", "application/problem+json"),
                                ("Replay-Nonce", nonce)], json.dumps(
                    problem).encode()
        return real(handler, body)

    def rule(self, n, method, path):
        if not is_ari(path):
            return None
        self.looks += 1
        return self.advise(self.looks)


def start(world, orders=None, **acme):
    url = orders.fault.url if orders else world.ca.url
    world.with_origin().with_proxy({
        "acme": {"ca": [{"directory": url, "trust": world.ca.trust}], **acme},
        "sites": {NAME: world.origin.address}})
    wait_until(lambda: world.handshake(NAME).ok, 20, "the first certificate")


def need_ari(world):
    if not world.ca.has("renewalInfo"):
        pytest.skip("this Pebble has no ARI")


def set_renewal_info(world, pem, answer):
    context = ssl.create_default_context(cafile=world.ca.trust)
    body = json.dumps({"Certificate": pem, "ARIResponse": answer}).encode()
    urllib.request.urlopen(f"https://127.0.0.1:{world.ca.management}/set-renewal-info/", body,
                           context=context, timeout=10).read()


def leaf_pem(world):
    text = world.proxy.bundles(NAME)[-1].read_text()
    begin = text.index("-----BEGIN CERTIFICATE-----")
    return text[begin:text.index("-----END CERTIFICATE-----", begin)] + "-----END CERTIFICATE-----\n"


def forget_advice(world):
    for path in (world.proxy.store / "advice").glob("*/*/*"):
        path.unlink()


def test_22_a_window_in_the_past_renews_and_names_the_replaced(world):
    world.with_ca(validity=LIFE)
    need_ari(world)
    orders = Orders(world)
    start(world, orders)
    wait_until(lambda: orders.looks >= 1, 70, "the first look")
    first = x509(world.handshake(NAME).der, "-serial")
    world.proxy.stop()
    forget_advice(world)
    set_renewal_info(world, leaf_pem(world), window(*PAST, "https://ca.example/why").decode())
    world.proxy.start()
    wait_until(lambda: x509(world.handshake(NAME).der, "-serial") != first, 80, "the renewal")
    replaced = [o["replaces"] for o in orders.asked if "replaces" in o]
    assert len(replaced) >= 1 and len(set(replaced)) == 1, orders.asked
    assert any("https://ca.example/why" in json.dumps(e)
               for e in world.proxy.events("renewal advised by the CA"))
    time.sleep(3)
    assert world.ca.issued() == 2


def test_23_a_window_far_away_does_not_outlast_the_certificate(world):
    world.with_ca(validity=24)
    answer = 200, [("Content-Type", "application/json"), ("Retry-After", "21600")], window(*FUTURE)
    need_ari(world)
    orders = Orders(world, lambda n: answer)
    start(world, orders)
    wait_until(lambda: orders.looks >= 1, 20, "the first look")
    wait_until(lambda: world.ca.issued() >= 2, 30, "a renewal by the backstop")
    assert world.handshake(NAME).ok


@pytest.mark.parametrize("answer", [
    (200, [("Retry-After", "60")], b"{"),
    (200, [("Retry-After", "60")], window(PAST[1], PAST[0])),
    (200, [], window(*PAST)),
    (404, [], b""),
    (500, [], b"{}"),
    "silence",
], ids=["no JSON", "end before start", "no Retry-After", "404", "500", "silence"])
def test_24_bad_advice_leaves_the_certificates_own_time(world, answer):
    world.with_ca(validity=24)
    need_ari(world)
    orders = Orders(world, lambda n: answer)
    start(world, orders)
    wait_until(lambda: orders.looks >= 1, 20, "the first look")
    wait_until(lambda: world.ca.issued() >= 2, 30, "a renewal by lifetime")
    assert orders.looks <= world.ca.issued() + 1    # one look for each certificate
    assert world.handshake(NAME).ok


@pytest.mark.parametrize("after", ["0", "1000000000", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_24_retry_after_is_taken_within_bounds(world, after):
    world.with_ca(validity=LIFE)
    need_ari(world)
    orders = Orders(world, lambda n: (200, [("Retry-After", after)], window(*FUTURE)))
    start(world, orders)
    wait_until(lambda: orders.looks >= 1, 70, "the first look")
    time.sleep(5)
    assert orders.looks == 1 and world.ca.issued() == 1


def test_25_a_revoked_certificate_is_replaced(world):
    """Pebble moves the window of a revoked certificate into the past; so does this."""
    world.with_ca(validity=LIFE)
    need_ari(world)
    answer = 200, [("Retry-After", "21600")], window(*PAST, "https://ca.example/incident")
    orders = Orders(world, lambda n: answer if n == 1 else None)
    start(world, orders)
    wait_until(lambda: world.ca.issued() == 2, 80, "the replacement")
    record = [p.read_text() for p in (world.proxy.store / "advice").glob("*/*/*")]
    assert world.handshake(NAME).ok and record


@pytest.mark.parametrize("refusal", [(409, "alreadyReplaced"), (404, "malformed"),
                                     (403, "unauthorized"), (500, "serverInternal")],
                         ids=lambda r: str(r[0]))
def test_26_a_refused_replaces_is_dropped_at_once(world, refusal):
    world.with_ca(validity=LIFE)
    need_ari(world)
    answer = 200, [("Retry-After", "21600")], window(*PAST)
    orders = Orders(world, lambda n: answer if n == 1 else None, refuse=refusal)
    start(world, orders)
    wait_until(lambda: world.ca.issued() == 2, 80, "the replacement")
    tried = ["replaces" in o for o in orders.asked]
    # a nonce that Pebble refuses at random repeats an order as it is
    assert [t for i, t in enumerate(tried) if i == 0 or t != tried[i - 1]] == [False, True, False]
    assert not world.proxy.events("certificate refused")


def test_27_another_ca_is_not_told_what_it_never_issued(world, tmp_path):
    from support.pebble import Pebble
    world.with_ca(validity=600)
    need_ari(world)
    start(world)
    first = x509(world.handshake(NAME).der, "-serial")
    world.proxy.stop()
    old, other = world.ca, world.ends(Pebble(tmp_path / "other", world.http_port, world.tls_port))
    world.ca = other
    orders = Orders(world)
    world.ca = old
    world.proxy.config["acme"] = {"ca": [{"directory": orders.fault.url, "trust": other.trust}]}
    world.proxy.start()
    # served until the new one is there, and nobody is asked about it
    assert x509(world.handshake(NAME).der, "-serial") == first
    time.sleep(2)
    assert orders.looks == 0
    assert not any("replaces" in o for o in orders.asked)
