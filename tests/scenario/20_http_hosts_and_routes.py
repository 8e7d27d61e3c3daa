# SPDX-License-Identifier: GPL-3.0-or-later
"""Which site and which upstream a request goes to."""

import pytest

from support import certificates
from support.client import Http
from support.origin import Origin, answer


def named(world, name):
    return world.ends(Origin(lambda r, c: c.send(answer(body=name.encode()))))


def ask(world, sni, host, path="/"):
    with Http(world.tls_port, sni, root=world.root) as c:
        c.request("GET", path, host=host)
        return c.read()


@pytest.fixture
def sites(world):
    chain, key = certificates.make(world.directory / "own", "a.example.com", "b.example.com",
                                   "*.wild.example.com")
    world.root = str(world.directory / "own" / "root.pem")
    own = {"cert": chain, "key": key}
    a, b, api, wild = (named(world, n) for n in ("a", "b", "api", "wild"))
    world.with_proxy({"sites": {
        "a.example.com": {**own, "routes": {"/api/*": api.address, "/exact": b.address,
                                            "/*": a.address}},
        "b.example.com": {**own, "routes": {"/only/*": b.address}},
        "*.wild.example.com": {**own, "to": wild.address}}})
    return world


def test_paths_choose_upstreams(sites):
    for path, body in (("/", b"a"), ("/api/x", b"api"), ("/api/", b"api"), ("/apix", b"a"),
                       ("/exact", b"b"), ("/exact?q=1", b"b"), ("/exact/x", b"a")):
        assert ask(sites, "a.example.com", "a.example.com", path).body == body, path


def test_a_path_without_route_is_404_with_a_code(sites):
    got = ask(sites, "b.example.com", "b.example.com", "/other")
    assert got.status == 404 and b"SP-408" in got.body


def test_host_may_have_port_case_and_dot(sites):
    for host in ("A.Example.com", f"a.example.com:{sites.tls_port}", "a.example.com."):
        assert ask(sites, "a.example.com", host).body == b"a", host


def test_a_host_of_another_site_is_421(sites):
    got = ask(sites, "a.example.com", "b.example.com", "/only/x")
    assert got.status == 421
    assert ask(sites, "a.example.com", "unknown.example").status in (404, 421)


def test_names_under_one_wildcard_are_one_site(sites):
    assert ask(sites, "x.wild.example.com", "y.wild.example.com").body == b"wild"


def test_absolute_form_counts_like_host(sites):
    with Http(sites.tls_port, "a.example.com", root=sites.root) as c:
        c.send("GET https://a.example.com/api/1 HTTP/1.1\r\nHost: a.example.com\r\n\r\n")
        assert c.read().body == b"api"


def test_redirect_sites(world):
    chain, key = certificates.make(world.directory / "own", "www.example.com")
    world.root = str(world.directory / "own" / "root.pem")
    world.with_proxy({"sites": {"www.example.com": {"cert": chain, "key": key,
                                                    "redirect": "https://example.com"}}})
    got = ask(world, "www.example.com", "www.example.com", "/a?b=c")
    assert got.status in (301, 308) and got.get("location") == "https://example.com/a?b=c"


def test_options_star(sites):
    with Http(sites.tls_port, "a.example.com", root=sites.root) as c:
        c.request("OPTIONS", "*")
        assert c.read().status in (200, 404)
