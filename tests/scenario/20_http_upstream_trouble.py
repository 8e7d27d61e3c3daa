# SPDX-License-Identifier: GPL-3.0-or-later
"""Backends that are down, slow, or break off."""

import time

import pytest

from support.origin import answer
from support.process import free_port, wait_until


def test_down_is_502_with_a_code(world):
    world.with_own_certificate()
    world.origin.stop()
    with world.http() as c:
        c.request()
        got = c.read()
        assert got.status == 502 and b"SP-501" in got.body
        c.request()   # the client's connection is still good
        assert c.read().status == 502


def test_slow_is_504(world):
    world.with_own_certificate(config={"timeouts": {"response": "1s"}},
                               respond=lambda r, c: time.sleep(5))
    begin = time.monotonic()
    with world.http() as c:
        c.request()
        got = c.read()
    assert got.status == 504 and b"SP-502" in got.body and time.monotonic() - begin < 4


def test_it_comes_back_when_the_backend_does(world):
    world.with_own_certificate()
    port = world.origin.port
    world.origin.stop()
    with world.http() as c:
        c.request()
        assert c.read().status == 502
    from support.origin import Origin
    again = Origin.__new__(Origin)
    import socket
    import threading
    again.__dict__.update(world.origin.__dict__)
    again.listener = socket.socket()
    again.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    again.listener.bind(("127.0.0.1", port))
    again.listener.listen(16)
    threading.Thread(target=again._accept, daemon=True).start()
    world.ends(again)

    def works():
        with world.http() as c:
            c.request()
            return c.read().status == 200
    wait_until(works, 15, "recovery", every=0.3)


def closes_after(n):
    """Closes the idle connection after every n requests, without announcing it."""
    def respond(r, c):
        c.send(answer(body=r.target.encode()))
        if (c.n + 1) % n == 0:
            c.close()
    return respond


def test_stale_pooled_connections_are_retried_for_idempotent_requests(world):
    world.with_own_certificate(config={"workers": 1}, respond=closes_after(2))
    with world.http() as c:
        for n in range(40):
            c.request("GET", f"/{n}")
            got = c.read()
            assert (got.status, got.body) == (200, f"/{n}".encode())
    assert [r.target for r in world.origin.requests] == [f"/{n}" for n in range(40)]


def test_a_post_that_may_have_been_done_is_not_repeated(world):
    def respond(r, c):
        if c.n == 0:
            c.send(answer())
        else:
            c.close()   # read, perhaps acted upon, never answered
    world.with_own_certificate(config={"workers": 1}, respond=respond)
    with world.http() as c:
        c.request()
        assert c.read().status == 200
        c.request("POST", "/pay", body=b"1")
        assert c.read().status == 502
    assert [r.target for r in world.origin.requests].count("/pay") == 1


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_an_answer_broken_off_is_broken_off_for_the_client(world, how):
    def respond(r, c):
        c.send(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100\r\n\r\n0123456789" if how == "length"
               else b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n"))
        time.sleep(0.1)
        c.close()
    world.with_own_certificate(respond=respond)
    with world.http() as c:
        c.request()
        assert c.read_head().status == 200
        with pytest.raises((EOFError, OSError)):
            c._exactly(1000)
        assert not c.buffer.endswith(b"0\r\n\r\n")


def test_several_servers_share_and_stand_in(world):
    from support.origin import Origin
    from support import certificates
    chain, key = certificates.make(world.directory / "own", "app.example.com")
    world.root = str(world.directory / "own" / "root.pem")
    a, b = (world.ends(Origin()) for _ in range(2))
    dead = f"127.0.0.1:{free_port()}"
    world.with_proxy({"workers": 1,
                      "upstreams": {"app": {"servers": [a.address, b.address, dead],
                                            "balance": "round_robin"}},
                      "sites": {"app.example.com": {"cert": chain, "key": key, "to": "app"}}})
    with world.http() as c:
        for _ in range(30):
            c.request()
            assert c.read().status == 200
    assert len(a.requests) >= 8 and len(b.requests) >= 8


def test_a_client_that_leaves_ends_the_upstream_request(world):
    ended = []

    def respond(r, c):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                c.send(bytes(65536))
                time.sleep(0.005)
        except OSError:
            ended.append(1)
            raise
    world.with_own_certificate(respond=respond)
    c = world.http()
    c.request()
    c.read_head()
    c.close()
    wait_until(lambda: ended, 10, "the upstream connection to end")
