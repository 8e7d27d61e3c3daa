# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that are allowed without asking: a file of names, and what the operator told."""

import json
import os

import pytest

from support.process import wait_until
from support.sallyport import command


def tell(world, *args, timeout=60):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=timeout)


def status(world):
    return json.loads(tell(world, "status", "--json").stdout)


def listed(world):
    return {o["name"]: o["is"] for o in json.loads(tell(world, "listed", "--json").stdout)["listed"]}


def replace(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    os.rename(new, path)


def with_file(world, text, ask=None, **on_demand):
    """Nobody is asked, unless `ask` decides."""
    world.names = world.directory / "allowed.txt"
    world.names.write_text(text)
    world.with_ca().with_origin()
    settings = {"names_file": str(world.names), **on_demand}
    if ask:
        settings["ask"] = world.with_ask(ask).ask.url
    world.with_proxy({"on_demand": settings,
                      "sites": {"*": {"tls": "on_demand", "to": world.origin.address}}})
    return world


def refused(world, name):
    return world.handshake(name, root=None).alert == "unrecognized_name"


# --- the file

def test_only_listed_names_are_served_without_an_endpoint(world):
    with_file(world, "# ours\nshop.example.com\n*.customers.example.com  tenant=acme\n")
    assert world.handshake("shop.example.com").ok
    assert world.handshake("one.customers.example.com").ok
    assert refused(world, "www.example.com") and refused(world, "a.b.customers.example.com")
    assert refused(world, "customers.example.com")
    assert world.ca.orders() == 2
    report = json.loads(tell(world, "why", "shop.example.com", "--json").stdout)
    assert report["wanted"] == "listed" and report["state"] == "held"
    assert status(world)["lists"]["file"]["names"] == 2 and tell(world, "status").returncode == 0


def test_a_changed_file_counts_within_seconds_and_refusals_are_forgotten(world):
    with_file(world, "a.example.com\n")
    assert refused(world, "b.example.com")       # remembered for ten minutes
    with open(world.names, "a") as f:
        f.write("b.example.com\n")
    wait_until(lambda: world.handshake("b.example.com", root=None).ok, 15, "the new name", every=0.3)
    replace(world.names, "c.example.com\n")
    wait_until(lambda: world.handshake("c.example.com", root=None).ok, 15, "another file", every=0.3)
    assert refused(world, "d.example.com")
    assert world.handshake("a.example.com").ok or refused(world, "a.example.com")


def test_a_bad_file_leaves_the_list_before_in_force(world):
    with_file(world, "a.example.com\nb.example.com\n")
    replace(world.names, "a.example.com\nc.example.com\n* # everybody\n")
    wait_until(lambda: status(world)["state"] == "degraded", 15, "the complaint", every=0.3)
    got = tell(world, "status")
    assert got.returncode == 3 and "allowed.txt:3:1" in got.stdout, got.stdout
    assert world.proxy.events("list of names not used")
    assert world.handshake("b.example.com").ok and refused(world, "c.example.com")
    checked = tell(world, "check")
    assert checked.returncode == 1 and "SP-221" in checked.stderr and "allowed.txt:3:1" in checked.stderr
    replace(world.names, "c.example.com\n")
    assert tell(world, "check").returncode == 0
    wait_until(lambda: world.handshake("c.example.com", root=None).ok, 15, "the good one", every=0.3)
    assert tell(world, "status").returncode == 0


def test_a_missing_file_does_not_keep_it_from_starting(world):
    with_file(world, "a.example.com\n")
    assert world.handshake("a.example.com").ok
    world.proxy.stop()
    world.names.unlink()
    world.proxy.start()
    assert world.handshake("a.example.com").ok           # held
    assert not world.handshake("b.example.com", root=None).ok
    assert json.loads(tell(world, "why", "b.example.com", "--json").stdout)["state"] == "parked"
    assert tell(world, "status").returncode == 3
    replace(world.names, "b.example.com\n")
    wait_until(lambda: world.handshake("b.example.com", root=None).ok, 20, "its return", every=0.5)


def test_with_an_endpoint_only_unlisted_names_are_asked_about(world):
    with_file(world, "a.example.com\n", ask=lambda domain: 200 if domain == "b.example.com" else 403)
    assert world.handshake("a.example.com").ok and not world.ask.asked()
    assert world.handshake("b.example.com").ok and len(world.ask.asked()) == 1
    assert refused(world, "c.example.com")


@pytest.mark.slow
def test_what_is_no_longer_listed_lapses(world):
    """Certificates of forty seconds: the listed one is renewed, the other is not."""
    world.names = world.directory / "allowed.txt"
    world.names.write_text("stays.example.com\ngoes.example.com\n")
    world.with_ca(validity=40).with_origin()
    world.with_proxy({"on_demand": {"names_file": str(world.names)},
                      "sites": {"*": {"tls": "on_demand", "to": world.origin.address}}})
    for name in ("stays.example.com", "goes.example.com"):
        assert world.handshake(name, root=None).ok
    replace(world.names, "stays.example.com\n")
    wait_until(lambda: status(world)["lists"]["file"]["names"] == 1, 15, "the shorter list")
    wait_until(lambda: len(world.proxy.bundles("stays.example.com")) > 1, 60, "a renewal", every=1)
    wait_until(lambda: refused(world, "goes.example.com"), 60, "its end", every=1)
    assert len(world.proxy.bundles("goes.example.com")) == 1
    assert world.handshake("stays.example.com", root=None).ok


def test_a_million_names_are_read_and_cost_little(world):
    n = 1_000_000
    with_file(world, "".join(f"c{i}.customers.example.com\n" for i in range(n)))
    look = status(world)["lists"]["file"]
    assert look["names"] == n and look["bytes"] < 8 * n + 4096
    assert world.handshake("c999999.customers.example.com").ok
    assert refused(world, "c1000000.customers.example.com")


# --- told

def told(world, **config):
    world.with_ca().with_origin()
    world.with_proxy({"on_demand": {"listed_only": True, **config},
                      "sites": {"*": {"tls": "on_demand", "to": world.origin.address}}})
    return world


def test_told_names_are_allowed_at_once_and_after_a_restart(world):
    told(world)
    assert refused(world, "a.example.com")
    got = tell(world, "allow", "a.example.com", "*.b.example.com", "--tenant", "acme")
    assert got.returncode == 0 and "2 names allowed" in got.stdout, got
    assert world.handshake("a.example.com").ok
    world.proxy.kill()
    world.proxy.start()
    assert listed(world) == {"a.example.com": "allowed", "*.b.example.com": "allowed"}
    assert world.handshake("x.b.example.com").ok
    assert refused(world, "c.example.com")
    assert tell(world, "deny", "*.b.example.com").returncode == 0
    assert listed(world) == {"a.example.com": "allowed"}
    assert refused(world, "y.b.example.com")


def test_a_denied_name_is_denied_whoever_else_allows_it(world):
    world.on_demand()
    assert tell(world, "deny", "bad.example.com").returncode == 0
    assert refused(world, "bad.example.com") and not world.ask.asked()
    refusal = tell(world, "add", "bad.example.com")
    assert refusal.returncode == 1 and "allow bad.example.com" in refusal.stderr
    world.proxy.restart()
    assert refused(world, "bad.example.com") and listed(world) == {"bad.example.com": "denied"}
    assert tell(world, "allow", "bad.example.com").returncode == 0
    assert world.handshake("bad.example.com").ok and not world.ask.asked()


def test_a_file_is_told_whole_or_not_at_all(world, tmp_path):
    told(world)
    names = tmp_path / "told.txt"
    names.write_text("".join(f"n{i}.example.com tenant=t{i % 7}\n" for i in range(5000)) + "bad name\n")
    got = tell(world, "allow", "--file", names)
    assert got.returncode == 1 and "told.txt:5001" in got.stderr and listed(world) == {}
    names.write_text("".join(f"n{i}.example.com tenant=t{i % 7}  # x\n" for i in range(5000)))
    got = tell(world, "allow", "--file", names, "--json")
    assert json.loads(got.stdout) == {"ok": True, "allow": 5000}
    world.proxy.restart()
    assert len(listed(world)) == 5000
    assert world.handshake("n4999.example.com").ok


@pytest.mark.parametrize("words", [["*"], ["*.com"], ["192.0.2.1"], ["a_b.example.com"], []])
def test_what_is_no_name_is_refused_with_the_reason(world, words):
    told(world)
    got = tell(world, "allow", *words)
    assert got.returncode in (1, 2) and "SP-" in got.stderr and listed(world) == {}


def test_nothing_is_told_when_nothing_runs(world):
    told(world)
    world.proxy.stop()
    got = tell(world, "allow", "a.example.com")
    assert got.returncode == 1 and "nothing runs" in got.stderr


# --- another configuration

def test_a_reload_brings_another_file_and_other_endpoints(world, tmp_path):
    with_file(world, "a.example.com\n")
    assert world.handshake("a.example.com").ok and refused(world, "b.example.com")
    other = tmp_path / "other.txt"
    other.write_text("b.example.com\n")
    world.proxy.config["on_demand"]["names_file"] = str(other)
    world.proxy.write_config()
    assert tell(world, "reload").returncode == 0
    wait_until(lambda: world.handshake("b.example.com", root=None).ok, 15, "the other list", every=0.3)
    assert refused(world, "c.example.com")
    world.with_ask(lambda domain: 200 if domain == "c.example.com" else 403)
    world.proxy.config["on_demand"] = {"ask": world.ask.url}
    world.proxy.write_config()
    assert tell(world, "reload").returncode == 0
    wait_until(lambda: world.handshake("c.example.com", root=None).ok, 15, "the endpoint", every=0.3)
    wait_until(world.ask.canaries, 10, "its canary")
    assert refused(world, "d.example.com") and world.handshake("a.example.com").ok
