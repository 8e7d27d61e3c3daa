# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies pass through and are never collected: memory stays flat, slow sides hold back fast ones."""

import threading
import time

import pytest

from support.origin import answer

GIB = 1 << 30
PIECE = bytes(256 * 1024)


def counting(total):
    sent = [0]

    def respond(r, c):
        c.send(f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n".encode())
        for _ in range(total // len(PIECE)):
            c.send(PIECE)
            sent[0] += len(PIECE)
    return sent, respond


@pytest.mark.memory
@pytest.mark.slow
def test_one_gib_through_a_slow_reader_holds_less_than_one_mib(world):
    sent, respond = counting(GIB)
    world.with_own_certificate(config={"workers": 1}, respond=respond)
    with world.http() as c:     # warm: the code and buffers every connection needs
        c.request("GET", "/")
        c.read_head()
    time.sleep(0.5)
    before = world.proxy.process.rss_bytes()
    grown, received = 0, 0
    with world.http() as c:
        sent[0] = 0
        c.request("GET", "/")
        c.read_head()
        received += len(c.buffer)
        for n in range(40):     # a slow reader: the kernel's buffers fill, then the proxy must wait
            time.sleep(0.05)
            grown = max(grown, world.proxy.process.rss_bytes() - before)
        stalled = sent[0]
        time.sleep(0.5)
        assert sent[0] - stalled < 16 * len(PIECE), "the origin was not held back"
        n = 0
        while received < GIB:   # then at full speed, to the last byte
            got = c.sock.recv(1 << 20)
            assert got
            received += len(got)
            n += 1
            if n % 2000 == 0:
                grown = max(grown, world.proxy.process.rss_bytes() - before)
    assert received == GIB
    assert grown < 1 << 20, grown


@pytest.mark.memory
@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_to_a_slow_origin_is_held_back(world, chunked):
    total = 200 << 20
    hold, taken = threading.Event(), [0]

    def respond(r, c):
        hold.wait(10)
        if chunked:
            while size := int(c.read_until(b"\r\n"), 16):
                taken[0] += size
                while size:
                    size -= len(c.recv(min(size, 1 << 20)))
                c.read_exactly(2)
            c.read_exactly(2)
        else:
            left = int(r.get("content-length"))
            while left:
                left -= len(c.recv(min(left, 1 << 20)))
            taken[0] = total
        c.send(answer())
    world.with_own_certificate(config={"workers": 1}, respond=respond, read_body=False)
    before = world.proxy.process.rss_bytes()
    with world.http() as c:
        c.send("POST / HTTP/1.1\r\nHost: app.example.com\r\n"
               + ("Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {total}\r\n\r\n"))
        sent = [0]

        def push():
            for _ in range(total // len(PIECE)):
                c.send((f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n") if chunked else PIECE)
                sent[0] += len(PIECE)
            if chunked:
                c.send(b"0\r\n\r\n")
        pusher = threading.Thread(target=push)
        pusher.start()
        time.sleep(1.5)
        assert sent[0] < 40 << 20, "the client was not held back"
        grown = world.proxy.process.rss_bytes() - before
        hold.set()
        pusher.join(60)
        assert c.read().status == 200
    assert taken[0] == total
    assert grown < 2 << 20, grown


def test_first_bytes_do_not_wait_for_the_last(world):
    def respond(r, c):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n")
        for n in range(3):
            c.send(f"6\r\nevent{n}\r\n".encode())
            time.sleep(1.5)
        c.send(b"0\r\n\r\n")
    world.with_own_certificate(respond=respond)
    with world.http() as c:
        begin = time.monotonic()
        c.request()
        c.read_head()
        while b"event0" not in c.buffer:
            c._more()
        assert time.monotonic() - begin < 1.4


def test_a_stalled_body_is_given_up(world):
    world.with_own_certificate(config={"timeouts": {"body": "1s"}}, respond=lambda r, c: (
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), time.sleep(10)))
    with world.http() as c:
        begin = time.monotonic()
        c.request()
        c.read_head()
        with pytest.raises((EOFError, OSError)):
            c._exactly(100)
        assert time.monotonic() - begin < 6


def test_a_slow_head_is_given_up(world):
    world.with_own_certificate(config={"timeouts": {"head": "1s"}})
    with world.http() as c:
        c.send("GET / HTTP/1.1\r\nHost: app.exam")
        begin = time.monotonic()
        raw = c.read_to_end()
        assert time.monotonic() - begin < 6
        assert raw == b"" or raw.startswith(b"HTTP/1.1 408")


def test_idle_connections_end(world):
    world.with_own_certificate(config={"timeouts": {"idle": "1s"}})
    with world.http() as c:
        c.request()
        assert c.read().status == 200
        assert c.is_closed(6)
