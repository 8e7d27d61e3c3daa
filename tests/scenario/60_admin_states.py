# SPDX-License-Identifier: GPL-3.0-or-later
"""Issue 4.9: every state of a name is reached, and told by `why` for people and programs."""

import json
import threading

from support.fault import Fault
from support.origin import answer
from support.process import wait_until
from support.sallyport import command

PROBLEM = [("Content-Type", "application/problem+json")]


class Stage:
    """Names in a CA that does nothing more from a certain request on."""

    def __init__(self, world, **acme):
        self.world, self.stops_at, self.answer = world, None, "silence"
        world.with_ca(nonce_reject=0).with_origin().with_ask(
            lambda domain: 403 if domain.startswith("bad") else 200)
        self.fault = world.ends(Fault(world.ca, self.rule))
        ca = {"directory": self.fault.url, "trust": world.ca.trust}
        world.with_proxy({"acme": {"ca": [ca], **acme}, "on_demand": {"wait": "1s"}})

    def rule(self, n, method, path):
        return self.answer if self.stops_at and path.startswith(self.stops_at) else None

    def run(self, *args):
        return command(*args, "-c", self.world.proxy.directory / "sallyport.json", timeout=60)

    def why(self, name):
        return json.loads(self.run("why", name, "--json").stdout)

    def visit(self, name):
        threading.Thread(target=self.world.handshake, args=(name,), daemon=True).start()

    def is_told(self, name, state):
        """Within some seconds, in both forms; the report."""
        wait_until(lambda: self.why(name)["state"] == state, 20, f"{name} {state}", every=0.1)
        assert f"{name}: {state}" in self.run("why", name).stdout
        return self.why(name)


def test_before_and_without_an_order(world):
    s = Stage(world)
    assert s.is_told("never.example.com", "unknown")["running"]
    assert not world.handshake("bad.example.com").ok
    assert s.is_told("bad.example.com", "denied")["cause"]["code"] == "SP-201"


def test_on_the_way_to_a_certificate(world):
    s = Stage(world, max_orders=1)
    s.stops_at = "/order-plz"
    s.visit("first.example.com")
    got = s.is_told("first.example.com", "ordering")
    assert got["activity"] and got["since"]
    s.visit("second.example.com")
    assert "waiting" in s.is_told("second.example.com", "queued")["activity"]


def test_while_it_is_validated(world):
    s = Stage(world)
    s.stops_at = "/chalZ"
    s.visit("seen.example.com")
    assert "01" in s.is_told("seen.example.com", "validating")["activity"]


def test_held_and_renewed(world):
    s = Stage(world)
    assert world.handshake("held.example.com").ok
    got = s.is_told("held.example.com", "held")
    assert got["served"]["valid"] and got["next"] == got["served"]["renew_at"]
    s.stops_at = "/order-plz"
    assert s.run("renew", "held.example.com", "--no-wait").returncode in (0, 3)
    assert s.is_told("held.example.com", "renewing")["served"]["valid"]


def test_parked_until_the_ca_is_well(world):
    s = Stage(world)
    s.stops_at, s.answer = "/dir", (503, PROBLEM + [("Retry-After", "600")], b"")
    assert not world.handshake("parked.example.com").ok
    got = s.is_told("parked.example.com", "parked")
    assert got["scope"] == "ca" and got["next"] and got["cause"]["code"]
    assert "attempt at the earliest" in s.run("why", "parked.example.com").stdout


def test_failing_with_cause_attempts_and_next(world):
    s = Stage(world)
    world.ca.dns.break_name("failing.example.com")
    assert not world.handshake("failing.example.com").ok
    got = s.is_told("failing.example.com", "failing")
    assert got["attempts"] == 1 and got["next"] > got["since"] and got["cause"]["detail"]


def test_quarantined(world):
    s = Stage(world)
    assert world.handshake("torn.example.com").ok
    world.proxy.stop()
    for bundle in world.proxy.bundles("torn.example.com"):
        bundle.write_bytes(b"torn")
    assert s.is_told("torn.example.com", "quarantined")["cause"]["code"]


def test_what_is_left_is_told_running_or_not(world):
    body = b'{"tenant": "acme-corp", "ttl": 600}'
    world.with_ca().with_origin().with_ask(
        lambda domain: lambda request, connection: connection.send(answer(body=body)))
    ca = {"directory": world.ca.url, "trust": world.ca.trust, "name": "own", "limits": {
        "orders": "300/3h", "per_registered_domain": "50/7d", "per_name": "5/7d", "failures": "5/h"}}
    world.with_proxy({"acme": {"ca": [ca]}, "on_demand": {"budget": {"per_tenant": "20/h"}}})
    world.ca.dns.break_name("left.example.com")
    assert not world.handshake("left.example.com").ok
    assert world.handshake("right.example.com").ok

    def left():
        got = command("why", "left.example.com", "--json", "-c", world.proxy.directory / "sallyport.json",
                      timeout=60)
        return {b["what"]: b for b in json.loads(got.stdout)["budget"]}
    now = left()
    assert now["failed validations of the name"]["left"] in (3, 4), now
    assert now["failed validations of the name"]["next"] and now["failed validations of the name"]["ca"] == "own"
    assert now["certificates below the registered domain"]["left"] == 49
    assert now["certificates below the registered domain"]["of"] == "example.com"
    assert now["certificates for exactly these names"]["left"] == 5
    assert now["orders of the account"]["left"] in (297, 298)
    assert now["new names of the tenant"]["left"] == 18 and now["new names of the tenant"]["of"] == "acme-corp"
    text = command("why", "left.example.com", "-c", world.proxy.directory / "sallyport.json", timeout=60).stdout
    assert "of 5 failed validations of the name (left.example.com) at own, one more " in text
    status = command("status", "--json", "-c", world.proxy.directory / "sallyport.json", timeout=60)
    account = json.loads(status.stdout)["cas"][0]
    assert account["orders_limit"] == 300 and account["orders_left"] in (297, 298) and account["orders_next"]
    world.proxy.stop()
    then = left()
    assert then["failed validations of the name"]["left"] == now["failed validations of the name"]["left"]
    assert then["certificates below the registered domain"]["left"] == 49
    # orders of a crash would not be forgotten: some are counted ahead
    assert then["orders of the account"]["left"] <= now["orders of the account"]["left"]
    assert "new names of the tenant" not in then   # whose it is, only the endpoint knows
