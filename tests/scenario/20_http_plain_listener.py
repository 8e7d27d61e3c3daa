# SPDX-License-Identifier: GPL-3.0-or-later
"""Port 80: live challenge tokens, and else the way to https unless the site says otherwise."""

from support.client import Http


def plain(world, host, path="/", method="GET"):
    with Http(world.http_port, host, plain=True) as c:
        c.request(method, path)
        return c.read(method)


def test_everything_is_redirected_to_https(world):
    world.with_own_certificate()
    for method in ("GET", "POST", "HEAD"):
        got = plain(world, "app.example.com", "/a/b?c=d", method)
        assert got.status == 308
        assert got.get("location") == f"https://app.example.com:{world.tls_port}/a/b?c=d"
    assert world.origin.requests == []


def test_a_site_may_serve_or_refuse_instead(world):
    world.with_own_certificate(site={"http": "serve"})
    assert plain(world, "app.example.com").body == b"hello from origin"
    assert world.origin.last.get("x-forwarded-proto") == "http"


def test_refuse(world):
    world.with_own_certificate(site={"http": "refuse"})
    assert plain(world, "app.example.com").status in (403, 404)
    assert world.origin.requests == []


def test_hosts_without_site_are_not_redirected(world):
    world.with_own_certificate()
    got = plain(world, "evil.example")
    assert got.status == 404 and got.get("location") is None


def test_strict_here_too(world):
    world.with_own_certificate()
    with Http(world.http_port, "x", plain=True) as c:
        c.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert c.read().status == 400 and c.is_closed()
