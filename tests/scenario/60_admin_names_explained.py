# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket, and what `why`, `certs` and `status` tell: of a running instance and of a store."""

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from support.process import wait_until
from support.sallyport import command


def ask(world, *args, timeout=60):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=timeout)


def why(world, name):
    got = ask(world, "why", name, "--json")
    return got.returncode, json.loads(got.stdout)


class SocketHttp(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        # a long path would not fit into a socket address
        fd = os.open(os.path.dirname(self.path), os.O_PATH)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(f"/proc/self/fd/{fd}/{os.path.basename(self.path)}")
        os.close(fd)


def get(world, path, method="GET", body=None):
    c = SocketHttp(str(world.proxy.store / "control.sock"))
    c.request(method, path, body)
    answer = c.getresponse()
    return answer.status, answer.read()


def test_a_held_name_tells_what_is_served(world):
    world.on_demand()
    assert world.handshake("shop.example.com").ok
    code, got = why(world, "shop.example.com")
    assert code == 0 and got["state"] == "held" and got["wanted"] == "on demand" and got["running"]
    assert got["served"]["valid"] and got["served"]["challenge"] in ("tls-alpn-01", "http-01")
    assert got["since"] <= got["served"]["renew_at"] < got["served"]["not_after"]
    text = ask(world, "why", "SHOP.example.com.").stdout
    assert "shop.example.com: held" in text and got["served"]["serial"] in text


def test_denied_and_unknown_names_are_told_apart(world):
    world.on_demand(lambda domain: 200 if domain.startswith("good") else 403)
    assert not world.handshake("bad.example.com").ok
    code, got = why(world, "bad.example.com")
    assert code == 1 and got["state"] == "denied" and got["cause"]["code"] == "SP-201"
    assert "ask endpoint denies" in got["cause"]["detail"] and got["next"]
    code, got = why(world, "never.example.com")
    assert code == 1 and got["state"] == "unknown" and "cause" not in got
    assert ask(world, "why", "no such name").returncode == 1


def test_a_failing_name_has_the_cas_words_before_and_after_a_restart(world):
    world.with_ca().with_origin().with_ask()
    world.ca.dns.break_name("broken.example.com")
    world.with_proxy()
    assert not world.handshake("broken.example.com").ok
    code, first = why(world, "broken.example.com")
    assert code == 1 and first["state"] == "failing" and first["attempts"] >= 1
    assert first["cause"]["type"] and first["cause"]["detail"] and first["next"] > first["since"]
    text = ask(world, "why", "broken.example.com").stdout
    for word in ("SP-", "why ", "fix ", "next ", first["cause"]["type"]):
        assert word in text
    world.proxy.restart()
    code, again = why(world, "broken.example.com")
    assert code == 1 and again["state"] == "failing"
    assert again["cause"] == first["cause"] and again["next"] == first["next"]
    world.proxy.stop()
    code, still = why(world, "broken.example.com")
    assert code == 1 and still["state"] == "failing" and not still["running"]
    assert still["cause"] == first["cause"] and still["next"] == first["next"]


def test_a_configured_name_without_certificate_degrades_the_status(world):
    world.with_ca().with_origin()
    world.ca.dns.break_name("bad.example.com")
    world.with_proxy({"sites": {n: world.origin.address for n in ("bad.example.com", "ok.example.com")}})
    wait_until(lambda: world.proxy.events("no certificate for name"), 20, "a failed order")
    assert world.handshake("ok.example.com").ok
    got = ask(world, "status", "--json")
    status = json.loads(got.stdout)
    assert got.returncode == 3 and status["state"] == "degraded"
    assert [w["name"] for w in status["certificates"]["without"]] == ["bad.example.com"]
    assert "bad.example.com has no certificate" in " ".join(status["degraded"])
    quiet = ask(world, "status", "--quiet")
    assert quiet.returncode == 3 and not quiet.stdout and not quiet.stderr
    assert "look at" in ask(world, "status").stdout


def test_status_of_a_healthy_instance(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    got = ask(world, "status", "--json")
    status = json.loads(got.stdout)
    assert got.returncode == 0 and status["state"] == "fine" and not status["degraded"]
    assert status["process"]["pid"] == world.proxy.process.pid
    assert status["listen"]["https"] == [f"127.0.0.1:{world.tls_port}"]
    assert status["cas"][0]["state"] == "works" and status["certificates"]["due_soon"] == 0
    due = datetime.fromisoformat(status["certificates"]["next_renewal"].replace("Z", "+00:00"))
    assert 10 < (due - datetime.now(timezone.utc)).days < 1000
    assert status["counters"]["acme_issued_total"] == 1
    assert "fine" in ask(world, "status").stdout


def test_certs_by_pages_and_by_expiry_running_or_not(world):
    world.on_demand()
    names = {f"n{i}.example.com" for i in range(5)}
    for name in names:
        assert world.handshake(name).ok
    running = json.loads(ask(world, "certs", "--json").stdout)
    assert {c["name"] for c in running["certs"]} == names and running["damaged"] == 0
    seen, cursor = [], None
    while True:
        page = json.loads(ask(world, "certs", "--json", "--max", "2",
                              *(["--after", cursor] if cursor else [])).stdout)
        assert len(page["certs"]) <= 2
        seen += [c["name"] for c in page["certs"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert sorted(seen) == sorted(names)
    ends = [c["not_after"] for c in json.loads(ask(world, "certs", "--sort", "expiry",
                                                   "--json").stdout)["certs"]]
    assert ends == sorted(ends) and len(ends) == 5
    assert ask(world, "certs").stdout.count("good") == 5
    world.proxy.stop()
    before = sorted(str(p) for p in world.proxy.store.rglob("*"))
    stopped = json.loads(ask(world, "certs", "--json").stdout)
    assert stopped["certs"] == running["certs"]
    code, got = why(world, "n1.example.com")
    assert code == 0 and got["state"] == "held" and not got["running"] and got["served"]["valid"]
    assert sorted(str(p) for p in world.proxy.store.rglob("*")) == before
    assert ask(world, "status").returncode == 1


def test_a_damaged_certificate_is_told_and_left_alone_when_nothing_runs(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    world.proxy.stop()
    bundle = world.proxy.bundles("a.example.com")[0]
    bundle.write_bytes(bundle.read_bytes()[:200])
    code, got = why(world, "a.example.com")
    assert code == 1 and got["state"] == "quarantined" and bundle.exists()
    listed = ask(world, "certs", "--json")
    assert listed.returncode == 3 and json.loads(listed.stdout)["damaged"] == 1


def test_the_socket_is_its_users_alone(world):
    world.on_demand()
    path = world.proxy.store / "control.sock"
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    assert get(world, "/v1/status")[0] == 200
    world.proxy.stop()
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_another_user_is_refused_even_if_the_files_let_him(world):
    world.with_ca().with_origin().with_ask()
    place = world.directory / "open"
    place.mkdir()
    for above in [place, *place.parents][:-1]:
        if above.stat().st_uid == os.geteuid() and above != above.parent:
            above.chmod(above.stat().st_mode | 0o055)
    world.with_proxy({"admin": {"socket": str(place / "c.sock")}})
    (place / "c.sock").chmod(0o666)
    script = ("import os,socket,sys\nos.chdir(sys.argv[1])\nos.setgid(65534);os.setuid(65534)\n"
              "s=socket.socket(socket.AF_UNIX);s.settimeout(5)\ns.connect('c.sock')\n"
              "try:\n s.sendall(b'GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n"
              " print(len(s.recv(100)))\nexcept OSError: print(0)\n")
    got = subprocess.run([sys.executable, "-c", script, place], capture_output=True, text=True)
    assert got.stdout.strip() == "0", got
    assert world.proxy.events("another user at the control socket")
    assert ask(world, "status").returncode == 0


def test_nonsense_at_the_socket_is_refused_and_harms_nothing(world):
    world.on_demand()
    assert get(world, "/nothing")[0] == 404
    assert get(world, "/v1/status", "DELETE")[0] == 404
    assert get(world, "/v1/names/bad%20name")[0] == 422
    assert get(world, "/v1/names/" + "a" * 300 + ".com")[0] == 422
    assert get(world, "/v1/names/a.example.com/issue", "POST", "not json")[0] == 422
    with pytest.raises((OSError, http.client.HTTPException)):
        get(world, "/v1/names/a.example.com/issue", "POST", b"x" * 200000)
    assert get(world, "/v1/status")[0] == 200


def test_more_clients_than_places_and_half_requests_do_not_block_it_for_ever(world):
    world.on_demand()
    path = str(world.proxy.store / "control.sock")
    fd = os.open(os.path.dirname(path), os.O_PATH)
    held = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.connect(f"/proc/self/fd/{fd}/control.sock")
        held.append(s)
    os.close(fd)
    wait_until(lambda: ask(world, "status").returncode == 0, 5, "a place", every=0.2)
    assert world.handshake("a.example.com").ok


def test_metrics_are_prometheus_text(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    status, text = get(world, "/metrics")
    lines = text.decode().splitlines()
    assert status == 200 and "sallyport_acme_issued_total 1" in lines
    assert "# TYPE sallyport_connections_open gauge" in lines
    assert "# TYPE sallyport_requests_total counter" in lines
    for line in lines:
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2


def test_a_second_instance_on_the_store_leaves_the_socket_alone_and_takes_it_over(world):
    from support.sallyport import Sallyport
    world.on_demand()
    other = world.ends(Sallyport(world.directory / "other", {
        **world.proxy.config, "listen": {"https": "127.0.0.1:0", "http": "off"}}, start=False))
    other.start(wait=False)
    wait_until(lambda: other.events("no control socket for now"), 10, "a warning")
    assert json.loads(ask(world, "status", "--json").stdout)["process"]["pid"] == world.proxy.process.pid
    world.proxy.stop()
    wait_until(lambda: ask(world, "status", "--quiet").returncode in (0, 3), 15, "the other one", every=0.5)
    assert json.loads(ask(world, "status", "--json").stdout)["process"]["pid"] == other.process.pid


def test_off_is_off(world):
    world.with_ca().with_origin().with_ask().with_proxy({"admin": {"socket": "off"}})
    assert world.handshake("a.example.com").ok
    assert not (world.proxy.store / "control.sock").exists()
    assert ask(world, "status").returncode == 1
    assert why(world, "a.example.com")[1]["state"] == "held"
