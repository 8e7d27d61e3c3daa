# SPDX-License-Identifier: GPL-3.0-or-later
"""`diagnose` looks at a name as a CA does, and finds what would keep it from validating."""

import json

from support.origin import Origin
from support.sallyport import command


def diagnose(world, name, ports=None, **how):
    got = command("diagnose", name, "--json", "-c", world.proxy.directory / "sallyport.json", "--ports",
                  ports or f"{world.http_port}:{world.tls_port}", timeout=90, **how)
    report = json.loads(got.stdout)
    return got.returncode, [(f["finding"], f["about"], f["text"]) for f in report["findings"]]


def about(found, what):
    return [(f, text) for f, where, text in found if where == what]


def with_resolver(world):
    world.with_ca().with_origin().with_ask()
    return world.with_proxy({"resolver": f"127.0.0.1:{world.ca.dns.port}"})


def test_a_name_that_points_here_is_good_in_everything(world):
    with_resolver(world)
    code, found = diagnose(world, "a.example.com")
    assert code == 0, found
    assert about(found, "A") == [("good", "127.0.0.1")]
    assert [f for f, _ in about(found, "address")] == ["good"]
    assert "the token arrives" in about(found, "http-01")[0][1]
    assert "the handshake arrives" in about(found, "tls-alpn-01")[0][1]
    assert about(found, "CA")[0][0] == "good" and about(found, "clock")[0][0] == "good"
    assert about(found, "CAA") == [("good", "no record keeps any CA from issuing")]
    assert world.ca.orders() == 0 and not world.ask.asked()
    text = command("diagnose", "a.example.com", "-c", world.proxy.directory / "sallyport.json",
                   "--ports", f"{world.http_port}:{world.tls_port}")
    assert text.returncode == 0 and "nothing bad" in text.stdout
    assert world.handshake("a.example.com").ok          # it harmed nothing


def test_what_is_wrong_in_dns_is_named(world):
    with_resolver(world)
    world.ca.dns.break_name("broken.example.com")
    world.ca.dns.tell("add-caa", host="example.com", policies=[{"tag": "issue", "value": "other.example"}])
    code, found = diagnose(world, "broken.example.com")
    assert code == 3 and any("SERVFAIL" in text for _, text in about(found, "A"))
    assert any("no address" in text for _, text in about(found, "DNS"))
    code, found = diagnose(world, "a.example.com")
    assert any("other.example" in text for _, text in about(found, "CAA"))


def test_another_server_at_the_address_is_found_out(world):
    with_resolver(world)
    other = world.ends(Origin())
    port = other.address.rsplit(":", 1)[1]
    code, found = diagnose(world, "a.example.com", ports=f"{port}:{port}")
    assert code == 3
    assert about(found, "http-01")[0][0] == "bad" and "not from this instance" in about(found, "http-01")[0][1]
    assert about(found, "tls-alpn-01")[0][0] == "bad"


def test_closed_ports_and_a_redirect_in_front_are_told(world):
    from support.origin import answer
    from support.process import free_port
    with_resolver(world)
    code, found = diagnose(world, "a.example.com", ports=f"{free_port()}:{free_port()}")
    assert code == 3 and "refused" in about(found, "http-01")[0][1]
    front = world.ends(Origin(lambda request, connection: connection.send(answer(
        "301 Moved", b"", ["Location: https://elsewhere.example/", "CF-Ray: 1", "Server: cloudflare"]))))
    port = front.address.rsplit(":", 1)[1]
    code, found = diagnose(world, "a.example.com", ports=f"{port}:{world.tls_port}")
    assert "redirects to https://elsewhere.example/" in about(found, "http-01")[0][1]
    assert about(found, "CDN") and about(found, "tls-alpn-01")[0][0] == "good"


def test_without_an_instance_the_rest_is_still_looked_at(world):
    with_resolver(world)
    world.proxy.stop()
    world.ca.process.kill()
    code, found = diagnose(world, "a.example.com")
    assert code == 3 and about(found, "A") and about(found, "CA")[0][0] == "bad"
    assert any("nothing runs" in text for _, text in about(found, "instance"))
    assert not about(found, "http-01")
