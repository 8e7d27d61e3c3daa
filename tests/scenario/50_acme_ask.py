# SPDX-License-Identifier: GPL-3.0-or-later
"""Who allows names: an endpoint that says yes to all, one that is down, several of them."""

import json
import time

import pytest

from support.client import get
from support.origin import Ask, Origin, answer
from support.process import free_port, wait_until
from support.sallyport import command


def tell(world, *args):
    return command(*args, "-c", world.proxy.directory / "sallyport.json")


def status(world):
    return json.loads(tell(world, "status", "--json").stdout)


def endpoint(world, i=0):
    return status(world)["ask"][i]


def asked_at(world, *urls, decide=lambda domain: 200, canary=404, **on_demand):
    """The usual world, with other URLs before (or instead of) its own endpoint's."""
    world.with_ca().with_origin().with_ask(decide, canary=canary)
    world.with_proxy({"on_demand": {"ask": [*urls, world.ask.url] if urls else world.ask.url, **on_demand}})
    return world


# --- the canary

def test_an_endpoint_that_allows_any_name_is_a_loud_error(world):
    asked_at(world, canary=200)
    wait_until(lambda: endpoint(world)["canary"] == "allowed", 10, "the canary's answer")
    event = world.proxy.events("ask endpoint allows a name that cannot exist")[0]
    assert event["level"] == "error" and event["code"] == "SP-220" and "404" in event["fix"]
    got = tell(world, "status")
    assert got.returncode == 3 and "allows any name" in got.stdout, got.stdout
    assert "SP-220" in command("help", "SP-220").stdout
    assert world.handshake("demo.example.com").ok        # the default only warns
    assert len(world.ask.canaries()) == 1


def test_a_strict_endpoint_is_told_from_it(world):
    world.on_demand()
    wait_until(lambda: endpoint(world)["canary"] == "denied", 10, "the canary's answer")
    target = world.ask.canaries()[0].target
    assert "domain=canary-" in target and ".invalid&ip=192.0.2.1" in target
    assert tell(world, "status").returncode == 0
    assert not world.proxy.events("SP-220")


def test_canaries_differ_from_start_to_start(world):
    world.on_demand()
    wait_until(world.ask.canaries, 10, "the first")
    world.proxy.restart()
    wait_until(lambda: len(world.ask.canaries()) == 2, 10, "the second")
    assert len({r.target for r in world.ask.canaries()}) == 2


@pytest.mark.slow
def test_a_careful_proxy_orders_nothing_until_the_endpoint_denies_it(world):
    world.with_ca().with_origin().with_ask(canary=200)
    world.with_proxy({"on_demand": {"canary": "refuse"}})
    wait_until(lambda: endpoint(world)["canary"] == "allowed", 10, "the canary's answer")
    assert not world.handshake("shop.example.com", root=None).ok
    report = json.loads(tell(world, "why", "shop.example.com", "--json").stdout)
    assert report["state"] == "parked" and report["cause"]["code"] == "SP-220", report
    assert world.ca.orders() == 0
    world.ask.canary = 404
    wait_until(lambda: endpoint(world)["canary"] == "denied", 40, "another question", every=0.5)
    wait_until(lambda: world.handshake("shop.example.com").ok, 20, "the certificate", every=0.5)
    assert tell(world, "status").returncode == 0


def test_off_means_that_it_is_not_asked(world):
    world.on_demand(config={"on_demand": {"canary": "off"}})
    assert world.handshake("a.example.com").ok
    assert endpoint(world)["canary"] == "not asked" and not world.ask.canaries()


def test_an_endpoint_that_is_down_does_not_keep_it_from_starting(world):
    port = free_port()
    world.with_ca().with_origin()
    world.with_proxy({"on_demand": {"ask": f"http://127.0.0.1:{port}/check"},
                      "sites": {"*": {"tls": "on_demand", "to": world.origin.address}}})
    wait_until(lambda: endpoint(world)["state"] == "no verdicts", 20, "its failure noticed", every=0.3)
    got = tell(world, "status")
    assert got.returncode == 3 and "gives no verdicts" in got.stdout
    assert endpoint(world)["canary"] == "not answered yet"


def test_check_online_asks_before_anything_runs(world):
    world.with_ca().with_origin().with_ask()
    silent = f"http://127.0.0.1:{free_port()}/check"
    world.with_proxy({"on_demand": {"ask": [world.ask.url, silent]}}, start=False)
    world.proxy.write_config()
    assert tell(world, "check").returncode == 0 and not world.ask.canaries()
    got = tell(world, "check", "--online")
    assert got.returncode == 3 and "it denies" in got.stdout and "SP-202" in got.stderr, got
    world.ask.canary = 200
    rows = json.loads(tell(world, "check", "--online", "--json").stdout)["ask"]
    assert [r["canary"] for r in rows] == ["allowed", "not answered yet"]


# --- what is remembered, and what is never asked

def test_names_deeper_than_the_rule_are_refused_without_asking(world):
    world.on_demand(config={"on_demand": {"max_labels": 4}})
    assert world.handshake("a.b.example.com").ok
    assert world.handshake("www.a.b.example.com", root=None).alert == "unrecognized_name"
    assert len(world.ask.asked()) == 1 and world.ca.orders() == 1


def test_a_yes_is_remembered_for_as_long_as_it_says(world):
    world.on_demand(lambda domain: says(ttl=2 if domain[0] == "s" else 600))
    for name, times in (("long.example.com", 1), ("short.example.com", 2)):
        assert world.handshake(name).ok
        time.sleep(2.5)
        assert tell(world, "forget", name).returncode == 0
        assert world.handshake(name).ok                  # ordered again
        assert len(world.ask.asked(name)) == times, name


def test_an_announced_name_is_ordered_when_it_gets_its_first_address(world):
    world.with_ca().with_origin().with_ask(lambda domain: 403)
    world.ca.dns.tell("set-default-ipv4", ip="")
    world.with_proxy({"resolver": f"127.0.0.1:{world.ca.dns.port}"})
    assert tell(world, "add", "new.example.com").returncode == 0

    def why():
        return json.loads(tell(world, "why", "new.example.com", "--json").stdout)
    wait_until(lambda: why()["state"] == "parked", 10, "no address yet", every=0.3)
    time.sleep(4)                                        # some looks in vain
    assert world.ca.orders() == 0 and why()["scope"] == "dns"
    world.ca.dns.tell("add-a", host="new.example.com", addresses=["127.0.0.1"])
    wait_until(lambda: why()["state"] == "held", 30, "its certificate", every=0.3)
    assert world.handshake("new.example.com").ok and not world.ask.asked()


# --- several URLs

def test_the_next_url_is_asked_when_one_gives_no_verdict(world):
    first = world.ends(Ask(lambda domain: 500))
    asked_at(world, first.url, decide=lambda domain: 200 if domain == "good.example.com" else 403)
    assert world.handshake("good.example.com").ok
    assert world.handshake("bad.example.com").alert == "unrecognized_name"
    assert len(first.asked()) == 2 and len(world.ask.asked()) == 2


def test_a_verdict_of_the_first_url_is_final(world):
    first = world.ends(Ask(lambda domain: 403))
    asked_at(world, first.url)
    assert world.handshake("a.example.com").alert == "unrecognized_name"
    assert len(first.asked()) == 1 and not world.ask.asked()


def test_a_silent_first_url_costs_its_timeout_twice_at_most(world):
    def silent(request, connection):
        time.sleep(60)
    first = world.ends(Ask(lambda domain: silent, canary=silent))
    asked_at(world, first.url, ask_timeout="2s")
    for i in range(5):
        assert world.handshake(f"n{i}.example.com").ok
    assert len(first.asked()) <= 2 and len(world.ask.asked()) == 5
    assert status(world)["ask"][0]["state"] == "no verdicts" and status(world)["ask"][1]["state"] == "well"
    got = tell(world, "status")
    assert got.returncode == 3 and first.url in got.stdout


@pytest.mark.slow
def test_a_dead_first_url_is_found_well_again(world):
    port = free_port()
    asked_at(world, f"http://127.0.0.1:{port}/check")
    assert world.handshake("a.example.com").ok
    wait_until(lambda: endpoint(world)["state"] == "no verdicts", 20, "its failure noticed", every=0.3)
    assert world.handshake("b.example.com").ok
    first = world.ends(Ask(port=port))
    wait_until(lambda: endpoint(world)["state"] == "well", 90, "its recovery noticed", every=0.3)
    assert first.canaries() and not first.asked()        # no visitor had to find out
    assert world.handshake("c.example.com").ok and first.asked()
    assert tell(world, "status").returncode == 0


# --- what a yes says beside it

def says(**reply):
    def respond(request, connection):
        connection.send(answer(body=json.dumps(reply).encode()))
    return respond


def named_origin(world, text):
    def respond(request, connection):
        connection.send(answer(body=text.encode()))
    return world.ends(Origin(respond))


def body_of(world, name):
    return get(world.tls_port, name, root=world.ca.root()).body.decode()


def placing(world, replies, allow_to=("127.0.0.0/8", "green"), **config):
    """An endpoint with a reply per name, beside two more origins."""
    world.blue, world.green = named_origin(world, "blue"), named_origin(world, "green")
    world.with_ca().with_origin().with_ask(lambda domain: replies(world).get(domain, 403))
    on_demand = {"allow_to": list(allow_to)} if allow_to else {}
    world.with_proxy({"on_demand": on_demand, "upstreams": {"green": world.green.address, "red": "127.0.0.1:1"},
                      **config})
    return world


def test_a_reply_says_where_the_requests_of_a_name_go(world):
    placing(world, lambda w: {"a.example.com": says(to=w.blue.address), "b.example.com": says(to="green"),
                              "c.example.com": says(tenant="x")})
    for name, text in (("a", "blue"), ("b", "green"), ("c", "hello from origin")):
        assert body_of(world, f"{name}.example.com") == text
    asked = len(world.ask.asked())
    world.ask.stop()
    world.proxy.kill()
    world.proxy.start()
    for name, text in (("a", "blue"), ("b", "green"), ("c", "hello from origin")):
        assert body_of(world, f"{name}.example.com") == text
    assert len(world.ask.asked()) == asked


@pytest.mark.parametrize("to", ["192.0.2.1:80", "red", "nobody", "localhost:80", "", 7, "127.0.0.1:0"])
def test_a_reply_that_leads_where_it_may_not_is_no_verdict(world, to):
    placing(world, lambda w: {"a.example.com": says(to=to)})
    assert not world.handshake("a.example.com", root=None).ok
    report = json.loads(tell(world, "why", "a.example.com", "--json").stdout)
    assert report["state"] == "parked" and report["cause"]["code"] == "SP-222"
    assert world.proxy.events("ask reply leads where it may not")[0]["level"] == "error"
    assert world.ca.orders() == 0


def test_without_permission_a_reply_leads_nowhere_else(world):
    placing(world, lambda w: {"a.example.com": says(to=w.blue.address)}, allow_to=None)
    assert body_of(world, "a.example.com") == "hello from origin"


def test_one_name_cannot_be_reached_over_the_connection_of_another(world):
    from support.client import Http
    placing(world, lambda w: {"a.example.com": says(to=w.blue.address), "b.example.com": says(to="green")})
    assert body_of(world, "b.example.com") == "green"
    c = Http(world.tls_port, "a.example.com", root=world.ca.root())
    c.request(host="b.example.com")
    assert c.read().status == 421


def test_what_is_permitted_no_more_is_502_not_somebody_elses_page(world):
    placing(world, lambda w: {"a.example.com": says(to=w.blue.address)})
    assert body_of(world, "a.example.com") == "blue"
    world.proxy.stop()
    world.proxy.config["on_demand"]["allow_to"] = ["green"]
    world.proxy.start()
    got = get(world.tls_port, "a.example.com", root=world.ca.root())
    assert got.status == 502 and b"SP-222" in got.body
    assert tell(world, "forget", "a.example.com").returncode == 0


def test_a_reply_says_the_profile_of_a_name(world):
    profiles = {"classic": {"description": "90 d", "validityPeriod": 7776000},
                "blink": {"description": "24 s", "validityPeriod": 24}}
    world.with_ca(profiles=profiles).with_origin()
    if not world.ca.has("profiles"):
        pytest.skip("this Pebble has no profiles")
    world.with_ask(lambda domain: says(profile={"a": "blink", "b": "classic"}[domain[0]]))
    world.with_proxy()
    for name in ("a.example.com", "b.example.com"):
        assert world.handshake(name).ok

    def profile(name):
        text = world.proxy.bundles(name)[-1].read_text()
        return next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("profile: "))
    assert (profile("a.example.com"), profile("b.example.com")) == ("blink", "classic")
    world.proxy.restart()
    wait_until(lambda: len(world.proxy.bundles("a.example.com")) > 1, 60, "its renewal", every=0.5)
    assert profile("a.example.com") == "blink"
