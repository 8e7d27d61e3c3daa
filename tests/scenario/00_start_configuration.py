# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user types and what comes back: commands, configuration, errors with their place."""

import json
import re

import pytest

from support.process import free_port
from support.sallyport import Sallyport, command


def check(tmp_path, text, **env):
    path = tmp_path / "s.json"
    path.write_text(text)
    return command("check", "-c", path, env=env)


def test_version_and_help():
    done = command("version")
    assert done.returncode == 0 and "sallyport" in done.stdout and "wolfSSL" in done.stdout
    assert "run" in command("help").stdout and "proxy" in command("help").stdout
    told = command("help", "SP-204")
    assert told.returncode == 0 and "certificate not issued" in told.stdout
    assert command("help", "SP-999").returncode in (1, 2)
    assert json.loads(command("version", "--json").stdout)["version"]


def test_usage_errors_are_exit_code_2():
    for args in ((), ("frobnicate",), ("proxy",), ("run", "--no-such"), ("check", "a", "b")):
        done = command(*args)
        assert done.returncode == 2, (args, done)
        assert done.stderr


def test_a_large_example_is_good(tmp_path):
    done = check(tmp_path, """{
      "email": "ops@example.com", // comments are fine
      "acme": { "ca": ["letsencrypt", { "name": "zerossl", "eab": {
                "kid": "k", "hmac": "c2VjcmV0c2VjcmV0c2VjcmV0" } }], "challenges": ["tls-alpn-01", "http-01"], "key": "p256" },
      "on_demand": {
        "ask": "http://127.0.0.1:5555/check",
        "remember": { "allow": "1h", "deny": "10m", "if_ask_is_down": "7d" },
        "wait": "30s", "max_waiting": 1024, "max_labels": 5 },
      "upstreams": {
        "api": { "servers": ["10.0.0.11:8080", { "at": "10.0.0.12:8080", "weight": 2 }],
                 "balance": "least_requests", "health": { "path": "/healthz", "every": "5s" } } },
      "sites": {
        "app.example.com": "127.0.0.1:3000", /* short form */
        "www.example.com": { "redirect": "https://example.com" },
        "example.com": { "routes": { "/api/*": "api", "/*": "127.0.0.1:3000" } },
        "*": { "tls": "on_demand", "to": "127.0.0.1:4000" },
      },
      "listen": { "https": ":443", "http": ":80" },
      "store": "/var/lib/sallyport",
    }""")
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("text,place,words", [
    ('{\n "email": "a@b.c",\n "sitess": {}\n}', "3:", ["sitess", "sites"]),
    ('{\n "sites": {"a.example.com": "127.0.0.1:1"},\n "sites": {}\n}', "3:", ["sites"]),
    ('{"sites": {"a.example.com": {"to": 5}}}', "1:", ["sites"]),
    ('{"sites": {"a.example.com": "127.0.0.1:1"}, "timeouts": {"idle": "5 parsecs"}}', "1:", ["timeouts.idle"]),
    ('{"sites": {"*": {"tls": "on_demand", "to": "127.0.0.1:1"}}}', "", ["ask"]),
    ('{"sites": {"a_b.example.com": "127.0.0.1:1"}}', "1:", ["a_b.example.com"]),
    ('{"sites": {"*.example.com": "127.0.0.1:1"}}', "", ["*.example.com"]),
    ('{"sites": {"a.example.com": "127.0.0.1:99999"}}', "1:", ["99999"]),
    ('{"sites": {"a.example.com": "127.0.0.1:1"}, "acme": {"ca": "letsencript"}}', "1:", ["letsencrypt"]),
    ('{"sites": {"a.example.com": {"to": "127.0.0.1:1", "redirect": "https://b"}}}', "1:", ["redirect"]),
    ('{"sites": {"a.example.com": "127.0.0.1:1"}', "", []),
    ('{"sites": /* never closed ', "", []),
    ('{"email": "${NO_SUCH_VARIABLE}", "sites": {"a.example.com": "127.0.0.1:1"}}', "1:", ["NO_SUCH_VARIABLE"]),
    ('', "", []), ('[]', "", []), ('\x00\x01', "", []), ("[" * 100000, "", []),
    ('{"workers": 1e99, "sites": {"a.example.com": "127.0.0.1:1"}}', "1:", ["workers"]),
], ids=lambda v: None)
def test_errors_name_place_path_and_fix(tmp_path, text, place, words):
    done = check(tmp_path, text)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert re.search(r"s\.json(:\d+:\d+)?", said), said
    assert f"s.json:{place}" in said or not place, said
    for word in words:
        assert word in said, said
    assert "Segmentation" not in said


def test_a_missing_file_is_a_clear_error(tmp_path):
    done = command("run", "-c", tmp_path / "none.json")
    assert done.returncode == 1 and "none.json" in done.stderr


def test_environment_reaches_every_setting(tmp_path):
    secret = tmp_path / "mail"
    secret.write_text("file@example.com\n")
    done = command("config", "--json", env={
        "SALLYPORT_SITES": "a.example.com=127.0.0.1:3000, b.example.com=web:3001",
        "SALLYPORT_EMAIL_FILE": str(secret), "SALLYPORT_TIMEOUTS__IDLE": "7s",
        "SALLYPORT_DATA": str(tmp_path / "data"), "SALLYPORT_LISTEN__HTTPS": "127.0.0.1:8443"}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    got = json.dumps(json.loads(done.stdout))
    for word in ("a.example.com", "b.example.com", "web:3001", "file@example.com", "127.0.0.1:8443",
                 str(tmp_path / "data")):
        assert word in got, word
    assert re.search(r'"idle": "?7', got)


def test_unknown_environment_is_an_error(tmp_path):
    done = command("check", env={"SALLYPORT_SITES": "a.example.com=127.0.0.1:1",
                                 "SALLYPORT_TIMEOUT__IDLE": "7s"}, cwd=tmp_path)
    assert done.returncode == 1 and "SALLYPORT_TIMEOUT" in done.stderr + done.stdout


def test_config_tells_where_values_come_from(tmp_path):
    path = tmp_path / "s.json"
    path.write_text('{"email": "a@example.com",\n "sites": {"a.example.com": "127.0.0.1:3000"}}')
    done = command("config", "-c", path, env={"SALLYPORT_TIMEOUTS__IDLE": "7s"})
    said = done.stdout
    assert done.returncode == 0
    assert re.search(r"s\.json:1", said) and "SALLYPORT_TIMEOUTS__IDLE" in said and "default" in said


def test_secrets_are_not_printed(tmp_path):
    path = tmp_path / "s.json"
    path.write_text('{"acme": {"ca": [{"directory": "https://ca.example/dir", "eab": {"kid": "k1", '
                    '"hmac": "c2VjcmV0LXZhbHVlLXRoYXQtaXMtbG9uZw"}}]}, '
                    '"sites": {"a.example.com": "127.0.0.1:3000"}}')
    for args in (("config", "-c", path), ("config", "-c", path, "--json")):
        done = command(*args)
        assert done.returncode == 0, done.stderr
        assert "c2VjcmV0" not in done.stdout + done.stderr


def test_schema_is_json_schema_and_knows_the_keys():
    schema = json.loads(command("schema").stdout)
    assert {"sites", "acme", "listen", "store", "on_demand"} <= set(schema["properties"])


def test_a_port_in_use_is_a_clear_error(world):
    import socket
    world.with_origin()
    with socket.create_server(("127.0.0.1", free_port())) as busy:
        port = busy.getsockname()[1]
        s = Sallyport(world.directory / "p", {"sites": {"a.example.com": {"tls": "off", "http": "serve",
                                                                          "to": world.origin.address}}},
                      tls_port=port, start=False)
        done = command("run", "-c", s.write_config())
    assert done.returncode == 1 and str(port) in done.stderr + done.stdout
