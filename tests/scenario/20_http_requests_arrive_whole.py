# SPDX-License-Identifier: GPL-3.0-or-later
"""One request in is one request out: methods, bodies, headers, connections."""

import socket
import time

import pytest

from support.client import Http
from support.origin import Origin, answer


def test_a_request_arrives_as_it_was_sent(world):
    world.with_own_certificate()
    with world.http() as c:
        c.request("GET", "/a/b?x=1&y=%20z", ["Accept: text/plain", "X-Own: one", "X-Own: two"])
        got = c.read()
    seen = world.origin.last
    assert (got.status, got.body) == (200, b"hello from origin")
    assert (seen.method, seen.target) == ("GET", "/a/b?x=1&y=%20z")
    assert seen.get("host") == "app.example.com" and seen.get("accept") == "text/plain"
    assert [v for n, v in seen.headers if n == "x-own"] == ["one", "two"]


def test_forwarding_headers_are_ours(world):
    """What an untrusted client says of itself is replaced."""
    world.with_own_certificate()
    with world.http() as c:
        c.request(headers=["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: http",
                           "X-Forwarded-Host: evil", "Forwarded: for=6.6.6.6"])
        assert c.read().status == 200
    seen = world.origin.last
    assert seen.get("x-forwarded-for") == "127.0.0.1"
    assert seen.get("x-forwarded-proto") == "https"
    assert seen.get("x-forwarded-host") == "app.example.com"
    assert "6.6.6.6" not in seen.get("forwarded") and "127.0.0.1" in seen.get("forwarded")
    assert "1.1 " in seen.get("via")


def test_trusted_proxies_are_believed(world):
    world.with_own_certificate(config={"trusted_proxies": ["127.0.0.0/8"]})
    with world.http() as c:
        c.request(headers=["X-Forwarded-For: 6.6.6.6", "Via: 1.0 edge"])
        c.read()
    seen = world.origin.last
    assert [p.strip() for p in seen.get("x-forwarded-for").split(",")] == ["6.6.6.6", "127.0.0.1"]
    vias = ", ".join(v for n, v in seen.headers if n == "via")
    assert vias.startswith("1.0 edge, 1.1 ")


def test_connection_names_fields_that_stay_here(world):
    world.with_own_certificate()
    with world.http() as c:
        c.request(headers=["Connection: keep-alive, X-Hop, X-Forwarded-For, Via, Host, Content-Length",
                           "X-Hop: 1", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
                           "TE: gzip", "X-End: 1"])
        assert c.read().status == 200
    seen = world.origin.last
    for gone in ("x-hop", "keep-alive", "proxy-connection"):
        assert seen.get(gone) is None, gone
    assert "gzip" not in (seen.get("te") or "")
    assert seen.get("x-end") == "1" and seen.get("x-forwarded-for") == "127.0.0.1"
    assert seen.get("via") and seen.get("host") == "app.example.com"


def test_hop_by_hop_fields_of_the_answer_stay_here(world):
    world.with_own_certificate(respond=lambda r, c: c.send(answer(headers=[
        "Connection: X-Hop", "X-Hop: 1", "X-End: 1", "Keep-Alive: timeout=1", "Set-Cookie: a=1",
        "Set-Cookie: b=2"])))
    with world.http() as c:
        c.request()
        got = c.read()
    assert got.get("x-hop") is None and got.get("keep-alive") is None
    assert got.get("x-end") == "1"
    assert [v for n, v in got.headers if n == "set-cookie"] == ["a=1", "b=2"]
    assert got.get("date")


def test_connections_are_kept_on_both_sides(world):
    world.with_own_certificate(config={"workers": 1})
    with world.http() as c:
        for _ in range(20):
            c.request()
            assert c.read().status == 200
    assert len(world.origin.requests) == 20 and world.origin.connections == 1


def test_pipelined_requests_are_answered_in_order(world):
    world.with_own_certificate(respond=lambda r, c: c.send(answer(body=r.target.encode())))
    with world.http() as c:
        c.send(b"".join(f"GET /{n} HTTP/1.1\r\nHost: app.example.com\r\n\r\n".encode()
                        for n in range(50)))
        assert [c.read().body for _ in range(50)] == [f"/{n}".encode() for n in range(50)]


def test_bodies_with_length_and_in_chunks(world):
    world.with_own_certificate()
    body = bytes(range(256)) * 1000
    with world.http() as c:
        c.request("POST", "/l", body=body)
        assert c.read().status == 200
        assert world.origin.last.body == body
        assert world.origin.last.get("content-length") == str(len(body))
        c.request("POST", "/c", ["Transfer-Encoding: chunked"],
                  b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert c.read().status == 200
        assert world.origin.last.body == b"hello world"
        assert world.origin.last.get("transfer-encoding") == "chunked"
        assert ("x-sum", "1") in world.origin.last.trailers
        c.request("POST", "/empty", ["Content-Length: 0"])
        assert c.read().status == 200 and world.origin.last.get("content-length") == "0"


def test_chunked_answers_and_trailers(world):
    world.with_own_certificate(respond=lambda r, c: c.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        b"3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n"))
    with world.http() as c:
        c.request(headers=["TE: trailers"])
        head = c.read_head()
        assert head.get("transfer-encoding") == "chunked"
        c.sock.settimeout(5)
        while b"\r\n0\r\n" not in c.buffer or not c.buffer.endswith(b"\r\n\r\n"):
            c._more()
        assert b"abc" in c.buffer and b"X-Sum: 7" in c.buffer


def test_an_answer_that_ends_with_the_connection(world):
    def respond(r, c):
        c.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        c.close()
    world.with_own_certificate(respond=respond)
    with world.http() as c:
        c.request()
        assert c.read().body == b"until the end"


@pytest.mark.parametrize("status,head", [
    ("200 OK", "HEAD"), ("204 No Content", "GET"), ("304 Not Modified", "GET")])
def test_answers_without_body(world, status, head):
    def respond(r, c):
        extra = b"" if status.startswith("204") else b"Content-Length: 1000\r\n"
        c.send(f"HTTP/1.1 {status}\r\n".encode() + extra + b"ETag: \"x\"\r\n\r\n")
    world.with_own_certificate(respond=respond)
    with world.http() as c:
        for _ in range(3):   # the connection stays usable
            c.request(head)
            got = c.read(head)
            assert got.status == int(status[:3]) and got.get("etag") == '"x"'
            assert got.get("content-length") == (None if status.startswith("204") else "1000")


def test_http_1_0_clients(world):
    world.with_own_certificate(respond=lambda r, c: c.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    with world.http() as c:
        c.send(b"GET / HTTP/1.0\r\nHost: app.example.com\r\n\r\n")
        raw = c.read_to_end()
    assert raw.endswith(b"\r\n\r\nabc") and b"chunked" not in raw.lower()
    assert world.origin.last.version == "HTTP/1.1"


def test_interim_answers_pass(world):
    def respond(r, c):
        c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        c.send(answer())
    world.with_own_certificate(respond=respond)
    with world.http() as c:
        c.request()
        got = c.read()
    assert [i.status for i in got.interim] == [103] and got.interim[0].get("link")


def test_100_continue_is_asked_of_the_origin(world):
    def respond(r, c):
        if r.target == "/no":
            c.send(answer("413 Too Large", b"no"))
            c.close()
            return
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert c.read_exactly(5) == b"12345"
        c.send(answer())
    world.with_own_certificate(respond=respond, read_body=False)
    with world.http() as c:
        c.send("POST /yes HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 5\r\n"
               "Expect: 100-continue\r\n\r\n")
        assert c.read_head().status == 100
        c.send("12345")
        assert c.read().status == 200
    with world.http() as c:
        c.send("POST /no HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 5\r\n"
               "Expect: 100-continue\r\n\r\n")
        assert c.read_head().status == 413


def test_an_answer_before_the_body_has_come(world):
    def respond(r, c):
        c.send(answer("403 Forbidden", b"no"))
        c.close()
    world.with_own_certificate(respond=respond, read_body=False)
    with world.http() as c:
        c.send("POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 100000000\r\n\r\nbegin")
        assert c.read().status == 403


def test_a_client_that_half_closes_gets_its_answer(world):
    """On the plain listener, where a half-close is a FIN and not the end of TLS."""
    world.with_own_certificate(respond=lambda r, c: (time.sleep(0.3), c.send(answer())),
                               site={"http": "serve"})
    with Http(world.http_port, "app.example.com", plain=True) as c:
        c.request(headers=["Connection: close"])
        c.sock.shutdown(socket.SHUT_WR)
        assert c.read().body == b"hello from origin"


def test_websocket_tunnels(world):
    def respond(r, c):
        assert r.get("upgrade") == "websocket" and r.get("connection").lower() == "upgrade"
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Accept: x\r\n\r\nfirst")
        while data := c.recv():
            c.send(b"<" + data + b">")
        c.close()
    world.with_own_certificate(respond=respond)
    with world.http() as c:
        c.request(headers=["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k"])
        got = c.read()
        assert got.status == 101 and got.get("upgrade") == "websocket"
        assert c._exactly(5) == b"first"
        for n in range(5):
            c.send(f"msg{n}")
            assert c._exactly(6) == f"<msg{n}>".encode()
        big = bytes(200000)
        c.send(big)
        received = b""
        while received.count(b"\0") < len(big):
            received += c._exactly(1) if not c.buffer else c._exactly(len(c.buffer))
        assert received.count(b"\0") == len(big)


def test_upgrade_refused_goes_on_as_http(world):
    world.with_own_certificate()
    with world.http() as c:
        c.request(headers=["Connection: Upgrade", "Upgrade: h2c"])
        assert c.read().status == 200
        c.request()
        assert c.read().status == 200


@pytest.mark.parametrize("kind", ["ipv6", "unix", "name", "tls"])
def test_kinds_of_upstreams(world, tmp_path, kind):
    import ssl
    from support import certificates
    chain, key = certificates.make(tmp_path / "own", "app.example.com")
    how, to = {}, None
    if kind == "ipv6":
        how = {"family": socket.AF_INET6}
    if kind == "unix":
        how = {"unix": tmp_path / "app.sock"}
    if kind == "tls":
        up, up_key = certificates.make(tmp_path / "own", "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(up, up_key)
        how = {"tls": context}
    world.with_origin(**how)
    to = world.origin.address
    config = {}
    if kind == "name":
        to = f"localhost:{world.origin.port}"
    if kind == "tls":
        config["upstreams"] = {"app": {"servers": [f"https://localhost:{world.origin.port}"],
                                       "tls_trust": str(tmp_path / "own" / "root.pem")}}
        to = "app"
    world.root = str(tmp_path / "own" / "root.pem")
    world.with_proxy({"sites": {"app.example.com": {"cert": chain, "key": key, "to": to}}, **config})
    with world.http() as c:
        c.request()
        assert c.read().body == b"hello from origin"
    assert isinstance(world.origin, Origin)
