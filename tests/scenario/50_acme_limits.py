# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 36, 44-47: what a CA allows, what we allow others, and a CA that says "too many"."""

import email.utils
import json
import threading
import time

import pytest

from support.fault import Fault
from support.origin import answer
from support.process import wait_until
from support.sallyport import command

PROBLEM = [("Content-Type", "application/problem+json")]


def too_many(detail, seconds):
    body = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": detail, "status": 429}
    return 429, PROBLEM + [("Retry-After", str(seconds))], json.dumps(body).encode()


def behind_fault(world, rule, config=None, limits=None, **ca):
    """The whole set, with the fault in front of the CA."""
    world.with_ca(nonce_reject=0, **ca).with_origin().with_ask()
    fault = world.ends(Fault(world.ca, rule))
    it = {"directory": fault.url, "trust": world.ca.trust, **({"limits": limits} if limits else {})}
    world.with_proxy({"acme": {"ca": [it]}, **(config or {})})
    return fault


def orders(fault):
    return [at for at, method, path in fault.seen if path.startswith("/order-plz")]


def status(world):
    got = command("status", "--json", "-c", world.proxy.directory / "sallyport.json")
    return json.loads(got.stdout)


def test_36_a_flood_of_names_below_one_domain_ends_at_its_budget(world):
    """Its victims are refused fast; other domains, and what is held, do not notice."""
    world.on_demand(config={"on_demand": {"budget": {"per_registered_domain": "5/7d"}}})
    assert world.handshake("held.other.example").ok
    flood = [world.handshake(f"x{n}.platform.example") for n in range(5)]
    assert all(h.ok for h in flood), [h.alert for h in flood]
    began = time.monotonic()
    refused = [world.handshake(f"y{n}.platform.example") for n in range(20)]
    assert not any(h.ok for h in refused)
    assert time.monotonic() - began < 10
    assert world.ca.orders() == 6
    assert world.handshake("new.another.example").ok
    assert world.handshake("x0.platform.example").ok
    world.proxy.restart()
    assert not world.handshake("z.platform.example").ok   # counted across the restart
    assert world.handshake("x1.platform.example").ok
    assert world.ca.orders() == 7


def test_36_renewals_go_on_while_the_budget_is_spent(world):
    short = {"short": {"description": "for renewals", "validityPeriod": 40}}
    world.on_demand(profiles=short, config={"on_demand": {"budget": {"per_registered_domain": "2/7d"}}})
    first = world.handshake("a.platform.example")
    assert first.ok and world.handshake("b.platform.example").ok
    assert not world.handshake("c.platform.example").ok
    wait_until(lambda: world.handshake("a.platform.example").der != first.der, 60, "a renewal",
               every=1)


def test_36_tenants_have_budgets_of_their_own(world):
    def decide(domain):
        body = json.dumps({"tenant": domain.split("-")[0], "ttl": 60}).encode()
        return lambda request, connection: connection.send(answer(body=body))
    world.on_demand(decide, config={"on_demand": {"budget": {"per_tenant": "2/h"}}})
    assert world.handshake("greedy-1.one.example").ok
    assert world.handshake("greedy-2.two.example").ok
    began = time.monotonic()
    assert not world.handshake("greedy-3.three.example").ok
    assert time.monotonic() - began < 3
    assert world.handshake("modest-1.one.example").ok
    assert world.ca.orders() == 3


def test_36_limits_of_the_ca_are_kept_without_being_told(world):
    world.with_ca().with_origin().with_ask()
    world.with_proxy({"acme": {"ca": [{"directory": world.ca.url, "trust": world.ca.trust,
                                       "limits": {"per_registered_domain": "3/7d"}}]}})
    assert all(world.handshake(f"n{n}.platform.example").ok for n in range(3))
    assert not world.handshake("n4.platform.example").ok
    assert world.handshake("n4.other.example").ok
    assert world.ca.orders() == 4


@pytest.mark.parametrize("form", ["integer", "date"])
def test_44_a_busy_ca_is_left_alone_for_as_long_as_it_asks(world, form):
    def rule(n, method, path):
        if not path.startswith("/order-plz") or n:
            return None
        after = "5" if form == "integer" else email.utils.formatdate(time.time() + 5, usegmt=True)
        return 503, PROBLEM + [("Retry-After", after)], b""
    fault = behind_fault(world, rule, config={"on_demand": {"wait": "2s"}})
    assert not world.handshake("a.example.com").ok
    refused_at = orders(fault)[0]
    assert not world.handshake("b.example.com").ok   # the breaker is everybody's
    wait_until(lambda: world.handshake("b.example.com").ok, 20, "the CA to be asked again", every=0.5)
    later = [at - refused_at for at, _, _ in fault.seen if at > refused_at + 0.5]
    assert 4 <= later[0] <= 15, later[0]   # a date has no fractions of seconds


@pytest.mark.slow(seconds=130)
def test_45_a_storm_of_two_minutes_meets_few_requests(world):
    """A hundred names want a certificate of a CA that refuses everything: a look at once, one after ten
    seconds, then after thirty, then after sixty."""
    world.with_ca(nonce_reject=0).with_origin()
    fault = world.ends(Fault(world.ca, lambda n, method, path: (503, PROBLEM, b"")))
    sites = {f"n{n}.example.com": world.origin.address for n in range(100)}
    world.with_proxy({"acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust}]},
                      "sites": sites})
    time.sleep(120)
    assert 3 <= len(fault.seen) <= 15, fault.seen
    got = status(world)
    assert got["cas"][0]["state"] != "works" and "retry_at" in got["cas"][0], got["cas"]
    wait_until(lambda: status(world)["certificates"]["without_count"] == 100, 40, "all of them to be without")
    assert world.ca.orders() == 0 and world.ca.accounts() == 0


@pytest.mark.slow(seconds=55)
def test_45_after_a_storm_all_are_served(world):
    """It ends between the second look, ten seconds after the first, and the third, thirty seconds later."""
    storm = {"now": True}

    def rule(n, method, path):
        return (503, PROBLEM, b"") if storm["now"] else None
    world.with_ca(nonce_reject=0).with_origin()
    fault = world.ends(Fault(world.ca, rule))
    sites = {f"n{n}.example.com": world.origin.address for n in range(100)}
    world.with_proxy({"acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust}]},
                      "sites": sites})
    time.sleep(25)
    assert 1 <= len(fault.seen) <= 6, len(fault.seen)
    storm["now"] = False
    wait_until(lambda: world.ca.issued() == 100, 90, "all certificates", every=1)


def test_46_an_account_that_ordered_too_much_pauses(world):
    """Nobody asks again, not even after a restart; what is stored is served."""
    limited = {"now": False}

    def rule(n, method, path):
        if limited["now"] and path.startswith("/order-plz"):
            return too_many("too many new orders (300) from this account in the last 3h0m0s", 3600)
        return None
    fault = behind_fault(world, rule, config={"on_demand": {"wait": "2s"}})
    assert world.handshake("stored.example.com").ok
    limited["now"] = True
    before = len(orders(fault))
    assert not world.handshake("a.example.com").ok
    for n in range(20):
        assert not world.handshake(f"b{n}.example.com").ok
    assert len(orders(fault)) == before + 1
    assert world.handshake("stored.example.com").ok
    ca = status(world)["cas"][0]
    assert "retry_at" in ca, ca
    world.proxy.restart()
    assert world.handshake("stored.example.com").ok
    assert not world.handshake("c.example.com").ok
    assert len(orders(fault)) == before + 1


def test_47_one_name_that_is_limited_holds_up_no_other(world):
    def only_limited(status, headers, body):
        if b"limited.example.com" in body:
            return too_many('too many failed authorizations (5) for "limited.example.com" in the '
                            "last 1h0m0s", 3600)
        return status, headers, body
    fault = behind_fault(world, lambda n, method, path:
                         only_limited if path.startswith("/order-plz") else None)
    assert not world.handshake("limited.example.com").ok
    assert not world.handshake("limited.example.com").ok
    assert world.handshake("a.example.com").ok and world.handshake("b.example.com").ok
    assert len(orders(fault)) == 3


def test_47_a_domain_that_is_limited_closes_for_its_names(world):
    def only_domain(status, headers, body):
        if b"platform.example" in body:
            return too_many('too many certificates (50) already issued for "platform.example" in '
                            "the last 168h0m0s", 3600)
        return status, headers, body
    fault = behind_fault(world, lambda n, method, path:
                         only_domain if path.startswith("/order-plz") else None)
    got = []
    threads = [threading.Thread(target=lambda n=n: got.append(world.handshake(f"n{n}.platform.example")))
               for n in range(3)]
    assert not world.handshake("first.platform.example").ok
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(got) == 3 and not any(h.ok for h in got)
    assert world.handshake("a.other.example").ok
    assert len(orders(fault)) == 2
