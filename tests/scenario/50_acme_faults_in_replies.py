# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 48, 50 to 53, 57 to 60: a CA that answers in time, and oddly."""

import json
import socket
import subprocess
import threading
import time

import pytest

from support.client import names_of
from support.fault import JSON, Fault, edited, headed
from support.process import wait_until

PROBLEM = [("Content-Type", "application/problem+json")]


def behind(world, rule, ca=None, **config):
    """A proxy on demand whose CA is seen through `rule`, called only while world.bad is set."""
    world.with_ca(**{"nonce_reject": 0, **(ca or {})}).with_origin().with_ask()
    world.bad = False
    fault = world.ends(Fault(world.ca, lambda n, method, path:
                             rule(n, method, path) if world.bad else None))
    acme = {"retry_min": "1s", **config.pop("acme", {})}
    world.with_proxy({"acme": fault.acme(**acme), "on_demand": {"wait": "8s"}, "workers": 1, **config})
    return fault


def on(path, verdict):
    return lambda n, method, got: verdict if got.startswith(path) else None


def refused_then_well(world, fault, host, orders=2, requests=40):
    """It fails in few requests, stored names are served meanwhile, and heals within a few seconds."""
    assert world.handshake("stored.example.com").ok
    before, had = len(fault.seen), fault.orders()
    world.bad = True
    got = world.handshake(host)
    assert not got.ok
    assert world.handshake("stored.example.com").seconds < 2
    assert not world.proxy.bundles(host)
    assert fault.orders() - had <= orders, (fault.orders(), had)
    assert len(fault.seen) - before <= requests, fault.seen[before:]
    world.bad = False
    wait_until(lambda: world.handshake(host).ok, 40, f"recovery of {host}", every=0.3)


def test_48_a_name_the_ca_will_never_sign(world):
    """Refused once by policy: no second order while others are served."""
    world.on_demand(blocked=["blocked.example.com"], nonce_reject=0)
    world.proxy.stop()
    world.proxy.config["acme"]["retry_min"] = "1s"
    world.proxy.start()
    assert not world.handshake("blocked.example.com").ok
    asked = world.ca.count("/order-plz")
    assert asked == 1
    end = time.monotonic() + 6
    while time.monotonic() < end:
        assert not world.handshake("blocked.example.com").ok
        time.sleep(0.5)
    assert world.ca.count("/order-plz") == asked
    assert world.handshake("fine.example.com").ok


@pytest.mark.slow(seconds=30)
def test_50_an_order_that_is_processing_for_ever(world):
    """Looked at ever more seldom, by one job, without a second order."""
    stuck = edited(lambda o: {**o, "status": "processing"})
    fault = behind(world, lambda n, method, path:
                   stuck if path.startswith(("/finalize-order", "/my-order")) else None)
    world.bad = True
    assert not world.handshake("stuck.example.com").ok     # its 8 s are over
    time.sleep(12)
    assert fault.orders() == 1
    assert 2 <= fault.count("/my-order") <= 12, fault.count("/my-order")
    world.bad = False
    wait_until(lambda: world.handshake("stuck.example.com").ok, 40, "the certificate", every=0.3)
    assert (fault.orders(), world.ca.issued()) == (1, 1)


@pytest.mark.slow(seconds=25)
def test_50_an_authorization_that_is_pending_for_ever(world):
    """The other challenge of the same authorization is not touched."""
    def pend(authz):
        authz["status"] = "pending"
        for challenge in authz["challenges"]:
            challenge["status"] = "pending"
    fault = behind(world, on("/authZ", edited(pend)), ca={"authz_reuse": 0})
    world.bad = True
    assert not world.handshake("pending.example.com").ok
    time.sleep(10)
    assert fault.count("/chalZ") == 1 and fault.orders() == 1
    assert fault.count("/authZ") <= 12
    world.bad = False
    wait_until(lambda: world.handshake("pending.example.com").ok, 40, "the certificate", every=0.3)
    assert fault.orders() == 1


@pytest.mark.parametrize("kind,orders", [("tls", 2), ("unauthorized", 2), ("connection", 2), ("caa", 1),
                                         ("incorrectResponse", 2), ("dns", 2), ("newfangled", 2)])
def test_51_a_validation_that_fails(world, kind, orders):
    """At most one order for each challenge type, then backoff that survives a restart."""
    def spoil(authz):
        authz["status"] = "invalid"
        for challenge in authz["challenges"]:
            challenge["status"] = "invalid"
            challenge["error"] = {"type": f"urn:ietf:params:acme:error:{kind}", "status": 403,
                                  "detail": "During secondary validation: no"}
    fault = behind(world, lambda n, method, path:
                   edited(spoil) if path.startswith("/authZ") and n != 0 and told else None,
                   acme={"retry_min": "30s"})
    told = []

    def rule(n, method, path):
        if path.startswith("/chalZ"):
            told.append(path)
        return edited(spoil) if told and path.startswith("/authZ") and told.pop() else None
    fault.rule = rule
    assert not world.handshake("no.example.com").ok
    assert 1 <= fault.orders() <= orders
    had = len(fault.seen)
    assert world.handshake("no.example.com").seconds < 2
    world.proxy.restart()
    assert not world.handshake("no.example.com").ok
    assert len(fault.seen) == had
    kept = [p.read_text() for p in world.proxy.store.glob("failures/*/*/*")]
    assert len(kept) == 1 and kind in kept[0] and "secondary validation" in kept[0]
    fault.rule = lambda n, method, path: None
    assert world.handshake("yes.example.com").ok


def test_52_an_order_that_is_invalid_without_a_reason(world):
    def spoil(order):
        order.pop("error", None)
        order["status"] = "invalid"
    fault = behind(world, on("/finalize-order", edited(spoil)))
    refused_then_well(world, fault, "odd.example.com")


def without(key):
    def drop(o):
        o.pop(key, None)
    return edited(drop)


BODIES = {
    "truncated": lambda status, headers, body: (status, headers, body[:len(body) // 2]),
    "wrong-types": edited(lambda o: {"status": 5, "authorizations": "x", "finalize": [], "expires": {}}),
    "no-finalize": without("finalize"),
    "no-authorizations": without("authorizations"),
    "no-status": without("status"),
    "nested": lambda status, headers, body: (status, headers, b'{"status":' + b"[" * 10000),
    "deep-object": lambda status, headers, body: (status, headers, b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "array": lambda status, headers, body: (status, headers, b"[" + body + b"]"),
    "null": lambda status, headers, body: (status, headers, b"null"),
    "bad-utf8": lambda status, headers, body: (status, headers, b'{"status":"pending\xff\xc0\x80"}'),
    "nul": lambda status, headers, body: (status, headers,
                                          b'{"status":"pending\\u0000","authorizations":["https://x\\u0000"]}'),
    "megabyte": edited(lambda o: {**o, "status": "p" * 1000000}),
    "many": edited(lambda o: {**o, "authorizations": o["authorizations"] * 5000}),
    "no-body": lambda status, headers, body: (status, headers, b""),
}


@pytest.mark.parametrize("what", list(BODIES))
def test_53_orders_that_make_no_sense(world, what):
    fault = behind(world, lambda n, method, path:
                   BODIES[what] if path.startswith(("/order-plz", "/my-order")) else None)
    assert world.handshake("stored.example.com").ok
    rss = world.proxy.process.rss_bytes()
    refused_then_well(world, fault, "odd.example.com")
    assert world.proxy.process.rss_bytes() - rss < 8 << 20


def test_53_duplicate_keys_and_unknown_members_do_no_harm(world):
    def twice(status, headers, body):
        return status, headers, body.rstrip()[:-1] + b',"status":"pending","x":{"y":[1,null,true]}}'
    behind(world, on("/order-plz", twice))
    world.bad = True
    got = world.handshake("twice.example.com")     # accepted or refused, never anything else
    world.bad = False
    assert got.ok or wait_until(lambda: world.handshake("twice.example.com").ok, 40, "recovery")


def pem_parts(body):
    end = b"-----END CERTIFICATE-----\n"
    return [part + end for part in body.split(end) if part.strip()]


def to_der(body):
    done = subprocess.run(["openssl", "x509", "-outform", "DER"], input=body, capture_output=True, check=True)
    return done.stdout


CHAINS = {
    "empty": lambda body, other: b"",
    "der": lambda body, other: to_der(body),
    "other-key": lambda body, other: other,
    "fifty": lambda body, other: b"".join(pem_parts(body)[:1] + pem_parts(body)[1:] * 50),
    "issuer-first": lambda body, other: b"".join(reversed(pem_parts(body))),
    "broken-link": lambda body, other: pem_parts(body)[0] + pem_parts(other)[0],
    "leaf-cut": lambda body, other: body[:300],
    "private-key": lambda body, other: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("what", list(CHAINS))
def test_57_chains_that_are_not_installed(world, what):
    other = {}

    def keep(status, headers, body):
        other.setdefault("body", body)
        return status, headers, body

    def spoil(status, headers, body):
        return status, headers, CHAINS[what](body, other["body"])
    fault = behind(world, on("/certZ", spoil))
    good = fault.rule
    fault.rule = lambda n, method, path: good(n, method, path) or (
        keep if path.startswith("/certZ") else None)
    refused_then_well(world, fault, "odd.example.com")


@pytest.mark.parametrize("what", ["crlf", "text"])
def test_57_chains_that_only_look_odd(world, what):
    def rewrite(status, headers, body):
        if what == "crlf":
            return status, headers, body.replace(b"\n", b"\r\n")
        parts = pem_parts(body)
        return status, headers, b"subject=leaf\n\n" + b"\nissuer=x, it says\n\n".join(parts) + b"\n\n"
    behind(world, on("/certZ", rewrite))
    world.bad = True
    assert names_of(world.handshake("look.example.com").der) == ["look.example.com"]
    world.proxy.restart()
    world.bad = True
    assert world.handshake("look.example.com").ok


def test_57_a_certificate_that_expired_on_its_way(world):
    """Two seconds of life, three of download: refused, and no storm of orders for it."""
    def late(status, headers, body):
        time.sleep(3)
        return status, headers, body
    fault = behind(world, on("/certZ", late), ca={"validity": 2}, acme={"retry_min": "20s"})
    world.bad = True
    assert not world.handshake("late.example.com").ok
    time.sleep(3)
    assert not world.handshake("late.example.com").ok
    assert fault.orders() <= 2


def test_57_another_names_certificate_does_not_replace_ours(world):
    """A renewal that brings a wrong chain: the old one stays served."""
    fault = behind(world, on("/certZ", None), ca={"validity": 24})
    assert world.handshake("other.example.com").ok
    kept = {}
    fault.rule = lambda n, method, path: (lambda s, h, b: (s, h, kept.setdefault("chain", b))) \
        if path.startswith("/certZ") else None
    first = world.handshake("kept.example.com")
    bundles = len(world.proxy.bundles("kept.example.com"))
    begin = time.monotonic()
    wait_until(lambda: fault.count("/certZ") >= 3, 30, "a renewal's download", every=0.1)
    while time.monotonic() - begin < 18:
        got = world.handshake("kept.example.com")
        assert got.der == first.der
        time.sleep(0.5)
    assert len(world.proxy.bundles("kept.example.com")) == bundles


def replaced(name, *values):
    """The header `name` with these values (none: gone), the others as they are."""
    def change(headers):
        rest = [(n, v) for n, v in headers if n.lower() != name.lower()]
        return rest + [(name, v) for v in values]
    return headed(change)


# what the CA's answer to everything becomes, and whether it must do at once
HEADERS = {
    "no-nonce": (replaced("Replay-Nonce"), "/order-plz", True),
    "empty-nonce": (replaced("Replay-Nonce", ""), "/authZ", True),
    "two-nonces": (replaced("Replay-Nonce", "AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB"),
                   "/order-plz", True),
    "long-nonce": (replaced("Replay-Nonce", "A" * 9000), "/order-plz", True),
    "odd-nonce": (replaced("Replay-Nonce", "a b\"c\\d"), "/authZ", True),
    "latin-nonce": (replaced("Replay-Nonce", "caf\xe9"), "/chalZ", True),
    "lower-case": (headed(lambda headers: [(n.lower(), v) for n, v in headers]), "/", True),
    "upper-case": (headed(lambda headers: [(n.upper(), v) for n, v in headers]), "/", True),
    "retry-nonsense": (replaced("Retry-After", "soon", "-7", "99999999999999999999"), "/", True),
    "retry-long-ago": (replaced("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"), "/", True),
    "links": (replaced("Link", "<https://x/>;rel=\"alternate\"", "<", ";;;", "<\xff>; rel=up" * 100), "/", True),
    "no-type": (replaced("Content-Type"), "/order-plz", True),
    "no-location": (replaced("Location"), "/order-plz", False),
    "no-account-location": (replaced("Location"), "/sign-me-up", False),
    "bad-location": (replaced("Location", "https://a@b/\xff", "ftp://x"), "/order-plz", False),
    "huge-location": (replaced("Location", "https://127.0.0.1/" + "x" * 20000), "/order-plz", False),
}


@pytest.mark.parametrize("what", list(HEADERS))
def test_58_headers_missing_repeated_huge(world, what):
    change, path, is_harmless = HEADERS[what]
    fault = behind(world, on(path, change))
    world.bad = True
    got = world.handshake("head.example.com")
    assert got.ok or not is_harmless
    assert len(fault.seen) <= 45
    world.bad = False
    if path == "/sign-me-up":
        world.proxy.restart()       # trouble with the account is remembered for a minute
    wait_until(lambda: world.handshake("head.example.com").ok, 45, "recovery", every=0.3)
    assert world.ca.issued() == 1


def trap():
    """A listener nobody should come to: (port, how many came)."""
    listener, came = socket.create_server(("127.0.0.1", 0)), []

    def accept():
        while True:
            try:
                came.append(listener.accept()[0].recv(400))
            except OSError:
                return
    threading.Thread(target=accept, daemon=True).start()
    return listener, came


@pytest.mark.parametrize("form", ["http://127.0.0.1:{port}/x", "file:///etc/passwd",
                                  "https://user:word@127.0.0.1:{port}/x", "//127.0.0.1:{port}/x",
                                  "https://127.0.0.1:{fault}/x\r\nX-Injected: yes",
                                  "https://127.0.0.1:{fault}/x HTTP/1.1\r\nHost: x\r\n\r\nGET /",
                                  "/relative", "", "https://", "https://[::1/", "https://127.0.0.1:99999/"])
@pytest.mark.parametrize("where", ["authorizations", "finalize"])
def test_59_urls_that_lead_astray(world, form, where):
    listener, came = trap()
    fault = None

    def lead(order):
        url = form.format(port=listener.getsockname()[1], fault=fault.port)
        order[where] = [url] if where == "authorizations" else url
    fault = behind(world, lambda n, method, path:
                   edited(lead) if path.startswith(("/order-plz", "/my-order")) else None)
    assert world.handshake("stored.example.com").ok
    world.bad, before = True, len(fault.seen)
    assert not world.handshake("astray.example.com").ok
    world.bad = False
    paths = {path for _, _, path in fault.seen[before:]}
    assert not came and not any("Injected" in p or p == "/x" or p.startswith("/rel") for p in paths), paths
    assert len(fault.seen) - before <= 30
    listener.close()
    wait_until(lambda: world.handshake("astray.example.com").ok, 45, "recovery", every=0.3)


def test_60_unknown_challenges_stand_in_front(world):
    """The right one is chosen; exactly one is posted."""
    def crowd(authz):
        mine = authz["challenges"]
        authz["challenges"] = [
            {"type": "dns-persist-01", "url": mine[0]["url"], "status": "pending",
             "issuer-domain-names": ["ca.example"]},
            {"type": "quantum-42", "url": "https://127.0.0.1:1/x", "status": "pending", "token": "t" * 43},
            {"type": "tls-alpn-01", "url": mine[0]["url"], "status": "pending"},      # no token
            {"type": "http-01", "status": "pending", "token": "t" * 43},              # no url
            {"type": 7}, None, "http-01", [], *mine]
    fault = behind(world, on("/authZ", edited(crowd)))
    world.bad = True
    assert names_of(world.handshake("crowd.example.com").der) == ["crowd.example.com"]
    assert fault.count("/chalZ") == 1 and fault.orders() == 1


def test_problems_without_a_body_or_a_status(world):
    """Some servers' 404s are empty, some problems lack `status`, some are plain text."""
    answers = [(404, [], b""), (400, PROBLEM, json.dumps({"type": "about:blank"}).encode()),
               (403, [("Content-Type", "text/plain")], b"forbidden"), (500, JSON, b"{}"),
               (418, PROBLEM, b'{"type":"urn:ietf:params:acme:error:malformed","detail":7}')]
    state = {}
    fault = behind(world, lambda n, method, path:
                   state["answer"] if path.startswith("/order-plz") else None)
    assert world.handshake("stored.example.com").ok
    for n, answer in enumerate(answers):
        state["answer"] = answer
        world.bad, before = True, len(fault.seen)
        assert not world.handshake(f"p{n}.example.com").ok
        assert len(fault.seen) - before <= 15, answer
        assert world.handshake("stored.example.com").ok
        world.bad = False
        wait_until(lambda: world.handshake(f"p{n}.example.com").ok, 45, f"recovery from {answer}", every=0.3)
