# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 73 to 76: what validators get, and everybody else does not."""

import re
import socket
import subprocess
import threading
import time

import pytest

from support.client import Http, handshake
from support.process import free_port, wait_until

SLEEP = 12   # the CA waits up to this long before it validates: our time to look around


def in_validation(world, host="live.example.com", challenge="tls-alpn-01", **ca):
    """A proxy in the middle of validating this name; the CA's visit is far off."""
    world.with_ca(sleep=SLEEP, **ca).with_origin().with_ask()
    world.with_proxy({"acme": world.acme(challenges=[challenge])})
    t = threading.Thread(target=world.handshake, args=(host,), kwargs={"root": None})
    t.start()
    wait_until(lambda: world.ca.count("/chalZ/"), 10, "the challenge to be posted")
    return t


def challenge_certificate(world, host):
    return handshake(world.tls_port, host, alpn=["acme-tls/1"])


def by_the_book(world, got, san, extension):
    """RFC 8737 3, 8738 6 and what Boulder checks beyond them."""
    assert got.alpn == "acme-tls/1"
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], input=got.der,
                          capture_output=True, check=True).stdout.decode()
    assert re.findall(r"(?:DNS|IP Address):[^\s,]+", text) == [san]
    assert len(re.findall(r"1\.3\.6\.1\.5\.5\.7\.1\.31: critical", text)) == 1
    issuer, subject = (re.search(rf"{w}: ?(.*)", text).group(1).strip() for w in ("Issuer", "Subject"))
    assert issuer == subject
    names = re.findall(r"X509v3 [\w ]+:|1\.3\.6\.1[\d.]+:", text)
    assert len(names) == len(set(names))
    path = world.directory / "challenge.pem"
    path.write_bytes(subprocess.run(["openssl", "x509", "-inform", "DER"], input=got.der,
                                    capture_output=True, check=True).stdout)
    done = subprocess.run(["openssl", "verify", "-no_check_time", "-ignore_critical", "-check_ss_sig",
                           "-CAfile", path, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    asn1 = subprocess.run(["openssl", "asn1parse", "-inform", "DER"], input=got.der, check=True,
                          capture_output=True).stdout.decode()
    value = re.search(r"1\.3\.6\.1\.5\.5\.7\.1\.31\n.*BOOLEAN.*\n.*HEX DUMP\]:(\w+)", asn1)
    assert value and value.group(1).startswith("0420") and len(value.group(1)) == 68
    # Boulder compares the whole extension: one name, of the right kind, byte for byte
    value = re.search(r"X509v3 Subject Alternative Name\n.*HEX DUMP\]:(\w+)", asn1)
    assert value and bytes.fromhex(value.group(1)) == extension


def test_73_the_challenge_certificate_is_by_the_book(world):
    t = in_validation(world)
    name = b"live.example.com"
    by_the_book(world, challenge_certificate(world, "live.example.com"), "DNS:live.example.com",
                bytes([0x30, len(name) + 2, 0x82, len(name)]) + name)
    t.join(60)
    assert world.handshake("live.example.com").ok


@pytest.mark.parametrize("address,reverse,san", [
    ("127.0.0.1", "1.0.0.127.in-addr.arpa", "IP Address:127.0.0.1"),
    ("::1", "1." + "0." * 31 + "ip6.arpa", "IP Address:0:0:0:0:0:0:0:1")])
def test_73_that_of_an_address_is_too(world, address, reverse, san):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, 0), family=family).close()
    except OSError:
        pytest.skip(f"this machine has no {address}")
    where = f"[{address}]:{world.tls_port}" if ":" in address else f"{address}:{world.tls_port}"
    listen = [where] if ":" not in address else [where, f"127.0.0.1:{world.tls_port}"]
    world.with_ca(sleep=SLEEP).with_origin().with_proxy({
        "listen": {"https": listen, "http": "off"}, "sites": {address: world.origin.address},
        "acme": world.acme(challenges=["tls-alpn-01"])})
    wait_until(lambda: world.ca.count("/chalZ/"), 10, "the challenge to be posted")
    raw = socket.inet_pton(family, address)
    by_the_book(world, handshake(world.tls_port, reverse, alpn=["acme-tls/1"], address=address), san,
                bytes([0x30, len(raw) + 2, 0x87, len(raw)]) + raw)
    # the address itself is no name that could be asked for, and none at all is not enough
    assert handshake(world.tls_port, None, alpn=["acme-tls/1"], address=address).alert == \
        "no_application_protocol"
    wait_until(lambda: handshake(world.tls_port, None, address=address).ok, 60, "the certificate")


def test_74_acme_tls_1_for_other_names_is_an_alert(world):
    t = in_validation(world)
    for host in ("other.example.com", None):
        got = challenge_certificate(world, host)
        assert got.alert in ("unrecognized_name", "no_application_protocol"), got
    mixed = handshake(world.tls_port, "live.example.com", alpn=["acme-tls/1", "h2"])
    assert mixed.alpn != "acme-tls/1"
    t.join(60)
    assert world.ca.issued() == 1


def counters(world):
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(world.proxy.store / "control.sock"))
    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: sallyport\r\nConnection: close\r\n\r\n")
    text = b""
    while more := s.recv(65536):
        text += more
    return {name.decode(): int(n) for name, n in re.findall(rb"^sallyport_(\w+) (\d+)", text, re.M)}


def test_74_names_nobody_validates_cost_little(world):
    """Each may be another process's at our store; how often we look there is bounded, and nothing stays."""
    t = in_validation(world)
    before = counters(world)
    begin = time.monotonic()

    def flood(n):
        for i in range(400):
            got = challenge_certificate(world, f"n{i}-{n}.example.com")
            assert got.alert in ("unrecognized_name", "no_application_protocol"), got
    threads = [threading.Thread(target=flood, args=(n,)) for n in range(8)]
    [x.start() for x in threads]
    assert challenge_certificate(world, "live.example.com").alpn == "acme-tls/1"
    [x.join() for x in threads]
    seconds = time.monotonic() - begin
    sought = counters(world)["acme_challenges_sought_total"] - before["acme_challenges_sought_total"]
    assert 0 < sought <= 3200 and sought <= 500 + 500 * (seconds + 1)
    again = counters(world)["acme_challenges_sought_total"]
    for _ in range(3):
        challenge_certificate(world, "same.example.com")
    assert counters(world)["acme_challenges_sought_total"] - again <= 3
    assert len(list((world.proxy.store / "challenges").glob("*/*"))) == 1    # that of live.example.com
    t.join(60)
    assert world.handshake("live.example.com").ok


def test_74_a_validation_connection_is_no_http_connection(world):
    t = in_validation(world)
    from support.client import tls
    s = tls(world.tls_port, "live.example.com", alpn=["acme-tls/1"])
    try:
        s.sendall(b"GET / HTTP/1.1\r\nHost: live.example.com\r\n\r\n")
        assert s.recv(100) == b""
    except OSError:
        pass
    assert world.origin.requests == []
    t.join(60)


@pytest.mark.slow
def test_74_idle_validation_connections_end(world):
    """Ten thousand would not fit the client's own descriptors here; 1,500 show the deadline."""
    t = in_validation(world)
    fds, before, socks = world.proxy.process.fds(), world.proxy.process.rss_bytes(), []
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    for _ in range(1500):
        s = socket.create_connection(("127.0.0.1", world.tls_port))
        socks.append(s)
    time.sleep(1)
    grown = world.proxy.process.rss_bytes() - before
    assert grown < 1500 * 6000, grown
    wait_until(lambda: world.proxy.process.fds() < fds + 50, 25, "their end by deadline")
    [s.close() for s in socks]
    t.join(60)


def plain(world, host, path, method="GET"):
    with Http(world.http_port, host, plain=True) as c:
        c.request(method, path)
        return c.read(method)


class Tap:
    """Stands at the CA's httpPort, remembers the path, and passes everything on to the proxy."""

    def __init__(self, port, to):
        self.paths, self.bodies = [], []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.to = to
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        head = b""
        while b"\r\n\r\n" not in head:
            more = s.recv(65536)
            if not more:
                return
            head += more
        self.paths.append(head.split(b" ")[1].decode())
        with socket.create_connection(("127.0.0.1", self.to)) as up:
            up.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
                       if b"Connection: close" not in head else head)
            whole = b""
            while more := up.recv(65536):
                whole += more
        self.bodies.append(whole)
        s.sendall(whole)
        s.close()

    def stop(self):
        self.listener.close()


@pytest.mark.slow(seconds=65)
def test_75_76_tokens_are_exact_and_outlive_the_validation(world):
    tap_port = free_port()
    tap = world.ends(Tap(tap_port, world.http_port))
    world.with_ca(http_port=tap_port).with_origin().with_ask()
    world.with_proxy({"acme": world.acme(challenges=["http-01"])})
    assert world.handshake("tok.example.com").ok
    path = tap.paths[0]
    token = path.rsplit("/", 1)[1]
    body = tap.bodies[0].split(b"\r\n\r\n", 1)
    assert body[1].startswith(token.encode() + b".") and b"\n" not in body[1]
    assert b"200" in body[0].split(b"\r\n")[0]
    assert b"application/octet-stream" in body[0].lower()
    got = plain(world, "tok.example.com", path)            # the grace after validation
    assert (got.status, got.body) == (200, body[1])
    assert plain(world, f"tok.example.com:{tap_port}", path).status == 200
    assert plain(world, "tok.example.com", path, "HEAD").status == 200
    for host, where, method in (
            ("other.example.com", path, "GET"), ("tok.example.com", path + "x", "GET"),
            ("tok.example.com", path[:-1], "GET"), ("tok.example.com", path, "POST"),
            ("tok.example.com", path.replace("/acme-challenge/", "/acme-challenge//"), "GET"),
            ("tok.example.com", path.replace("/acme-challenge/", "/acme-challenge%2f"), "GET"),
            ("tok.example.com", "/.well-known/acme-challenge/../" + token, "GET"),
            ("tok.example.com", "/.well-known/acme-challenge/" + "a" * 8000, "GET"),
            ("tok.example.com", "/.well-known/acme-challenge/", "GET")):
        got = plain(world, host, where, method)
        assert got.status in (308, 404), (host, where, method, got.status)
        assert body[1] not in got.body
    deadline = time.monotonic() + 120
    while plain(world, "tok.example.com", path).status == 200:
        assert time.monotonic() < deadline, "the token stays for ever"
        time.sleep(3)


def test_75_the_backends_own_acme_gets_its_paths(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(), "sites": {
        "own.example.com": {"to": world.origin.address, "http": "serve"}}})
    got = plain(world, "own.example.com", "/.well-known/acme-challenge/" + "t" * 40)
    assert got.body == b"hello from origin"
    assert world.origin.last.target.startswith("/.well-known/acme-challenge/ttt")


def test_76_a_nonce_refused_changes_nothing(world):
    world.on_demand(nonce_reject=60)
    assert world.handshake("n.example.com").ok
    assert world.ca.orders() == 1
