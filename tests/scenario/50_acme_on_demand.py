# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 31, 32, 35, 37 to 40: names nobody has seen before."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.client import client_hello, fingerprint, names_of
from support.origin import answer
from support.process import wait_until


def test_31_the_first_visit_waits_the_second_does_not(world):
    world.on_demand()
    first = world.handshake("new.example.com")
    assert names_of(first.der) == ["new.example.com"]
    seen = len(world.ca.requests())
    second = world.handshake("new.example.com")
    assert fingerprint(second.der) == fingerprint(first.der)
    assert second.seconds < 3
    assert len(world.ca.requests()) == seen


def test_31_a_restart_serves_from_the_store(world):
    world.on_demand()
    first = world.handshake("new.example.com")
    world.proxy.stop()
    seen, asked = len(world.ca.requests()), len(world.ask.asked())
    world.ask.stop()
    world.proxy.start()
    assert fingerprint(world.handshake("new.example.com").der) == fingerprint(first.der)
    assert len(world.ca.requests()) == seen and len(world.ask.asked()) == asked


def test_first_request_to_backend_over_a_new_name(world):
    from support.client import get
    world.on_demand()
    got = get(world.tls_port, "fresh.example.com", root=world.ca.root())
    assert (got.status, got.body) == (200, b"hello from origin")


def test_32_concurrent_first_visitors_cause_one_order(world):
    world.on_demand(config={"workers": 3})
    with ThreadPoolExecutor(200) as pool:
        got = list(pool.map(lambda _: world.handshake("one.example.com"), range(200)))
    assert all(h.ok for h in got), {h.alert for h in got}
    assert len({h.der for h in got}) == 1
    assert (world.ca.orders(), len(world.ask.asked("one.example.com"))) == (1, 1)


def test_32_visitors_beyond_the_cap_fail_fast(world):
    world.on_demand(sleep=8, config={"on_demand": {"max_waiting_per_name": 4}, "workers": 1})
    with ThreadPoolExecutor(30) as pool:
        got = list(pool.map(lambda _: world.handshake("one.example.com"), range(30)))
    served, refused = [h for h in got if h.ok], [h for h in got if not h.ok]
    assert len(served) >= 4 and refused
    assert max(h.seconds for h in refused) < 2
    assert world.ca.orders() == 1


@pytest.mark.memory
@pytest.mark.slow
def test_35_a_flood_of_random_names_touches_neither_ca_nor_disk(world):
    """Denied by ask at most once each, then from memory; the good name stays quick."""
    world.on_demand(decide=lambda d: 200 if d == "good.example.com" else 403,
                    config={"on_demand": {"max_labels": 4}})
    assert world.handshake("good.example.com").ok
    orders, files = world.ca.orders(), len(list(world.proxy.store.rglob("*")))
    model = client_hello("x" * 12 + ".example.com").partition(b"x" * 12)
    end, counts = time.monotonic() + 8, [0] * 4

    def flood(k):
        n = 0
        while time.monotonic() < end:
            n += 1
            label = f"{k}{n:011d}".encode()
            try:
                with socket.create_connection(("127.0.0.1", world.tls_port), timeout=10) as s:
                    s.sendall(model[0] + label + model[2])
                    s.recv(100)
            except OSError:
                pass
        counts[k] = n
    world.proxy.process.rss_bytes()
    threads = [threading.Thread(target=flood, args=(k,)) for k in range(4)]
    [t.start() for t in threads]
    time.sleep(2)
    early, slowest = world.proxy.process.rss_bytes(), 0
    while time.monotonic() < end:
        slowest = max(slowest, world.handshake("good.example.com").seconds)
        time.sleep(0.05)
    [t.join() for t in threads]
    assert sum(counts) > 100
    assert world.ca.orders() == orders
    # what is remembered of the good name may come late
    assert len(list(world.proxy.store.rglob("*"))) < files + 10
    assert world.proxy.process.rss_bytes() - early < 8 << 20
    assert slowest < 5, slowest


@pytest.mark.parametrize("kind", [403, 404, 410, 500, 302, 204, "slow", "garbage", "huge", "down"])
def test_37_only_200_permits(world, kind):
    def trouble(request, connection):
        if kind == "slow":
            time.sleep(6)
        if kind == "garbage":
            connection.send(b"\0\1\2garbage\r\n\r\n")
        if kind == "huge":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + bytes(1000000))
        connection.close()
    world.on_demand(decide=lambda d: kind if isinstance(kind, int) else trouble,
                    config={"on_demand": {"ask_timeout": "1s"}})
    if kind == "down":
        world.ask.stop()
    got = world.handshake("maybe.example.com")
    assert not got.ok and got.seconds < 5
    assert world.ca.orders() == 0
    if kind in (403, 404, 410):
        assert got.alert == "unrecognized_name"
        assert world.handshake("maybe.example.com").alert == "unrecognized_name"
        assert len(world.ask.asked()) == 1    # the denial is remembered


def test_37_concurrent_questions_are_one(world):
    def slowly(request, connection):
        time.sleep(0.5)
        connection.send(answer("403 No", b""))
    world.on_demand(decide=lambda d: slowly)
    with ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: world.handshake("q.example.com").alert, range(20)))
    assert set(got) == {"unrecognized_name"} and len(world.ask.asked()) == 1


def test_37_ask_hears_name_and_client(world):
    world.on_demand()
    world.handshake("told.example.com")
    assert "domain=told.example.com" in world.ask.asked()[-1].target
    assert "ip=127.0.0.1" in world.ask.asked()[-1].target


def test_37_a_denial_is_forgotten_after_its_time(world):
    allowed = {"now": 403}
    world.on_demand(decide=lambda d: allowed["now"],
                    config={"on_demand": {"remember": {"deny": "1s"}}})
    assert world.handshake("later.example.com").alert == "unrecognized_name"
    allowed["now"] = 200
    wait_until(lambda: world.handshake("later.example.com").ok, 15, "allowed later", every=0.3)


def test_stored_names_are_served_while_ask_and_ca_are_down(world):
    world.on_demand()
    first = world.handshake("held.example.com")
    world.proxy.stop()
    world.ca.process.kill()
    world.ask.stop()
    world.proxy.start()
    for _ in range(3):
        assert world.handshake("held.example.com", root=None).der == first.der


@pytest.mark.parametrize("host", [None, "localhost", "a_b.example.com", "a." * 12 + "example.com"])
def test_38_names_refused_without_asking_anybody(world, host):
    world.on_demand()
    got = world.handshake(host, root=None)
    assert got.alert == "unrecognized_name", got
    assert world.ca.orders() == 0 and world.ask.asked() == []


def test_39_a_failing_name_is_refused_from_memory(world):
    world.on_demand(config={"on_demand": {"wait": "20s"}})
    world.ca.dns.break_name("broken.example.com")
    assert not world.handshake("broken.example.com").ok
    orders = world.ca.orders()
    assert 1 <= orders <= 2
    times = sorted(world.handshake("broken.example.com").seconds for _ in range(20))
    assert times[10] < 0.1, times      # a handshake's time, nothing waited for
    assert world.ca.orders() == orders
    world.proxy.restart()              # restarts do not forget
    assert not world.handshake("broken.example.com").ok
    assert world.ca.orders() == orders
    assert world.handshake("well.example.com").ok


@pytest.mark.slow
def test_39_the_next_attempt_follows_after_the_backoff(world):
    world.with_ca().with_origin().with_ask()
    world.with_proxy({"acme": world.acme(retry_min="3s")})
    world.ca.dns.break_name("b.example.com")
    assert not world.handshake("b.example.com").ok
    begin, orders = time.monotonic(), world.ca.orders()
    world.ca.dns.heal_name("b.example.com")
    wait_until(lambda: world.handshake("b.example.com").ok, 30, "recovery", every=0.2)
    assert time.monotonic() - begin > 1.5
    assert world.ca.orders() == orders + 1


def test_40_a_client_that_leaves_does_not_end_the_order(world):
    world.on_demand(sleep=4)
    fds = world.proxy.process.fds()
    for _ in range(40):
        s = socket.create_connection(("127.0.0.1", world.tls_port))
        s.sendall(client_hello("left.example.com"))
        time.sleep(0.01)
        s.close()
    # the order has some of its own meanwhile: connections to the CA and the ask endpoint, locks, files
    wait_until(lambda: world.proxy.process.fds() <= fds + 16, 3, "their descriptors released")
    wait_until(lambda: world.proxy.bundles("left.example.com"), 30, "the certificate stored")
    assert world.handshake("left.example.com").ok
    assert world.ca.orders() == 1


@pytest.mark.memory
def test_waiting_handshakes_cost_little(world):
    """A thousand parked clients, each with its hello and not much else."""
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    world.on_demand(sleep=14, config={"on_demand": {"max_waiting": 4096, "max_waiting_per_name": 4096,
                                                    "wait": "60s"}, "workers": 1})
    hello, socks = client_hello("park.example.com"), []
    s = socket.create_connection(("127.0.0.1", world.tls_port))
    s.sendall(hello)
    time.sleep(0.3)
    before = world.proxy.process.rss_bytes()
    for _ in range(1000):
        c = socket.create_connection(("127.0.0.1", world.tls_port))
        c.sendall(hello)
        socks.append(c)
    time.sleep(1)
    each = (world.proxy.process.rss_bytes() - before) / 1000
    [c.close() for c in socks]
    s.close()
    assert each < len(hello) + 4000, each
