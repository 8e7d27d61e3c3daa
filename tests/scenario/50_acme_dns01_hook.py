# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01 by a program of the operator's: wildcards, and what they save."""

import stat
import sys

import pytest

from support.bind import texts
from support.client import fingerprint, names_of
from support.process import wait_until
from support.sallyport import command

HOOK = """#!{python}
import json, os, sys, urllib.request
action, name, value = sys.argv[1:]
assert (action, name, value) == tuple(os.environ["SALLYPORT_DNS_" + x] for x in
                                      ("ACTION", "NAME", "VALUE"))
open("{notes}", "a").write(f"{{action}} {{name}}\\n")
verb, what = ("set-txt", {{"value": value}}) if action == "present" else ("clear-txt", {{}})
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:{management}/" + verb,
    json.dumps({{"host": name + ".", **what}}).encode(), method="POST"), timeout=5)
"""


class Hook:
    """The program, and what it was called for."""

    def __init__(self, world, text=HOOK):
        self.notes, self.path = world.directory / "hook.notes", world.directory / "hook"
        self.path.write_text(text.format(python=sys.executable, notes=self.notes,
                                         management=world.ca.dns.management))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def calls(self):
        return self.notes.read_text().splitlines() if self.notes.exists() else []


def dns(world, hook, **more):
    server = f"127.0.0.1:{world.ca.dns.port}"
    return {"exec": [str(hook.path)], "nameservers": [server], "propagation_every": "200ms", **more}


def with_hook(world, sites, text=HOOK, config=None, dns_more=None, **acme):
    world.with_ca(nonce_reject=0).with_origin()
    hook = Hook(world, text)
    acme = world.acme(dns=dns(world, hook, **(dns_more or {})), retry_min="1s", **acme)
    world.with_proxy({"resolver": f"127.0.0.1:{world.ca.dns.port}", "acme": acme,
                      "sites": {name: {"to": world.origin.address, **how} for name, how in
                                sites.items()}, **(config or {})})
    return hook


def test_one_wildcard_serves_every_name_below_it(world):
    hook = with_hook(world, {"*.example.com": {}})
    first = world.handshake("a.example.com")
    assert first.ok and names_of(first.der) == ["*.example.com"]
    for host in ("b.example.com", "c.example.com", "a.example.com"):
        assert fingerprint(world.handshake(host).der) == fingerprint(first.der)
    assert not world.handshake("deep.a.example.com").ok
    assert not world.handshake("example.com").ok
    assert world.ca.orders() == 1
    wait_until(lambda: len(hook.calls()) == 2, 15, "cleanup")
    assert hook.calls() == [f"{what} _acme-challenge.example.com" for what in ("present", "cleanup")]
    assert texts("127.0.0.1", world.ca.dns.port, "_acme-challenge.example.com") == []


def test_a_named_site_below_a_wildcard_has_no_order_of_its_own(world):
    with_hook(world, {"*.example.com": {}, "app.example.com": {}, "www.example.com": {}})
    got = [world.handshake(host) for host in ("app.example.com", "www.example.com", "x.example.com")]
    assert {names_of(h.der)[0] for h in got} == {"*.example.com"}
    assert world.ca.orders() == 1


def test_a_restart_and_on_demand_find_the_stored_wildcard(world):
    with_hook(world, {"*.example.com": {}})
    first = world.handshake("a.example.com")
    assert first.ok
    orders = world.ca.orders()
    world.proxy.restart()
    assert fingerprint(world.handshake("new.example.com").der) == fingerprint(first.der)
    world.with_ask(lambda name: 403)
    world.proxy.stop()
    world.proxy.config["sites"] = {"*": {"tls": "on_demand", "to": world.origin.address}}
    world.proxy.config["on_demand"] = {"ask": world.ask.url}
    world.proxy.start()
    assert fingerprint(world.handshake("newer.example.com").der) == fingerprint(first.der)
    assert world.ca.orders() == orders and not world.ask.asked()
    assert not world.handshake("a.other.example").ok
    assert world.ask.asked()


def test_a_wildcard_is_renewed_with_nobody_there(world):
    world.with_ca(validity=40).with_origin()
    hook = Hook(world)
    world.with_proxy({"resolver": f"127.0.0.1:{world.ca.dns.port}",
                      "acme": world.acme(dns=dns(world, hook)),
                      "sites": {"*.example.com": {"to": world.origin.address}}})
    first = world.handshake("a.example.com")
    assert first.ok
    wait_until(lambda: fingerprint(world.handshake("b.example.com").der) != fingerprint(first.der),
               45, "a renewed wildcard")
    assert names_of(world.handshake("c.example.com").der) == ["*.example.com"]


def test_an_ordinary_name_may_use_it_as_well(world):
    hook = with_hook(world, {"app.example.com": {}}, challenges=["dns-01"])
    assert names_of(world.handshake("app.example.com").der) == ["app.example.com"]
    assert hook.calls()[0] == "present _acme-challenge.app.example.com"


def test_a_cname_leads_to_where_the_record_belongs(world):
    world.with_ca().with_origin()
    hook = Hook(world)
    world.ca.dns.tell("set-cname", host="_acme-challenge.example.com.", target="elsewhere.example.net.")
    world.with_proxy({"resolver": f"127.0.0.1:{world.ca.dns.port}",
                      "acme": world.acme(dns=dns(world, hook)),
                      "sites": {"*.example.com": {"to": world.origin.address}}})
    wait_until(hook.calls, 15, "the hook")
    assert hook.calls()[0] == "present elsewhere.example.net"


BROKEN = "#!/bin/sh\necho the zone is on fire >&2\nexit 7\n"


def test_a_failing_hook_is_told_and_the_next_challenge_tried(world):
    with_hook(world, {"app.example.com": {}}, text=BROKEN, challenges=["dns-01", "http-01"])
    assert names_of(world.handshake("app.example.com").der) == ["app.example.com"]
    assert world.proxy.events("status 7: the zone is on fire")
    assert world.ca.orders() == 2


def test_a_wildcard_with_a_failing_hook_backs_off_and_tells(world):
    with_hook(world, {"*.example.com": {}, "app.example.com": {}}, text=BROKEN)
    got = world.handshake("app.example.com")
    assert got.ok and names_of(got.der) == ["app.example.com"], "a named site stands alone"
    refused = world.handshake("x.example.com")
    assert not refused.ok and refused.seconds < 5
    assert world.proxy.events("the zone is on fire")
    assert world.ca.count("/chalZ") <= 1


def test_a_hanging_hook_ends_at_its_deadline(world):
    hang = "#!/bin/sh\ntrap '' TERM\nsleep 300\n"
    with_hook(world, {"*.example.com": {}}, text=hang, dns_more={"exec_timeout": "1s"})
    wait_until(lambda: world.proxy.events("took too long"), 20, "the deadline")
    assert world.proxy.stop() == 0


def test_a_stop_while_the_hook_runs_is_prompt(world):
    hang = "#!/bin/sh\ntouch \"{notes}\"\nsleep 300\n"
    hook = with_hook(world, {"*.example.com": {}}, text=hang)
    wait_until(hook.notes.exists, 20, "the hook")
    assert world.proxy.stop(15) == 0


def test_dns_persist_asks_once_for_a_record_and_then_works(world):
    """Nobody sets records for us: the log says which one is wanted, the operator sets it once."""
    world.with_ca().with_origin()
    offered = "dns-persist-01" in world.ca.get("/dir", management=False).decode() or \
        world.ca.has("profiles")
    if not offered:
        pytest.skip("this Pebble has no dns-persist-01")
    server = f"127.0.0.1:{world.ca.dns.port}"
    world.with_proxy({"resolver": server,
                      "acme": world.acme(challenges=["dns-persist-01"], retry_min="1s", retry_max="2s",
                                         dns={"nameservers": [server]}),
                      "sites": {"*.example.com": {"to": world.origin.address}}})
    wait_until(lambda: world.proxy.events("needs this record"), 20, "the record in words")
    said = next(e for e in world.proxy.events("needs this record"))["detail"]
    name, _, value = said.partition("once: ")[2].partition(" TXT ")
    assert name == "_validation-persist.example.com" and value.endswith("; policy=wildcard\"")
    world.ca.dns.tell("set-txt", host=name + ".", value=value.strip('"'))
    wait_until(lambda: world.handshake("a.example.com").ok, 30, "the wildcard")
    assert names_of(world.handshake("b.example.com").der) == ["*.example.com"]


def test_08_a_wildcard_without_dns_is_a_clear_error(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"sites": {"*.example.com": "127.0.0.1:1"}}')
    got = command("check", "-c", path)
    assert got.returncode != 0
    assert "dns-01" in got.stdout + got.stderr and "acme.dns" in got.stdout + got.stderr
