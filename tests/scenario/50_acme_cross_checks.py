# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 78 and 79: other moods of the CA, and what other programs make of our files."""

import base64
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

from support.client import names_of, x509


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lax"])
@pytest.mark.parametrize("key", ["ecdsa", "rsa"])
@pytest.mark.parametrize("retry_after", [0, 1])
def test_78_the_ca_in_its_moods(world, strict, key, retry_after):
    world.on_demand(strict=strict, key=key, retry_after=retry_after)
    for n in range(2):
        assert names_of(world.handshake(f"m{n}.example.com").der) == [f"m{n}.example.com"]
    assert world.ca.orders() == 2


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OtherClient:
    """A few lines of ACME on openssl's signatures, for keys in PEM files; P-256 only."""

    def __init__(self, world, key):
        self.world, self.key = world, key
        text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text_pub"], check=True,
                              capture_output=True).stdout.decode()
        point = bytes.fromhex(re.sub(r"[^0-9a-f]", "", text.split("pub:")[1].split("ASN1")[0]))
        assert len(point) == 65 and point[0] == 4
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
        self.directory = json.loads(self.open(world.ca.url)[1])

    def open(self, url, data=None, method=None):
        context = ssl.create_default_context(cafile=self.world.ca.trust)
        request = urllib.request.Request(url, data, {"Content-Type": "application/jose+json",
                                                     "User-Agent": "other"}, method=method)
        try:
            with urllib.request.urlopen(request, context=context, timeout=20) as got:
                return got.headers, got.read(), got.status
        except urllib.error.HTTPError as error:
            return error.headers, error.read(), error.code

    def sign(self, data):
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=data, check=True,
                             capture_output=True).stdout
        numbers, at = [], 2
        for _ in range(2):
            length = der[at + 1]
            numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big"))
            at += 2 + length
        return b"".join(numbers)

    def post(self, what, payload, kid=None):
        url = self.directory[what]
        for _ in range(20):
            nonce = self.open(self.directory["newNonce"], method="HEAD")[0]["Replay-Nonce"]
            head = {"alg": "ES256", "nonce": nonce, "url": url, **({"kid": kid} if kid else {"jwk": self.jwk})}
            parts = [b64(json.dumps(head).encode()), b64(json.dumps(payload).encode())]
            body = {"protected": parts[0], "payload": parts[1],
                    "signature": b64(self.sign(".".join(parts).encode()))}
            headers, text, status = self.open(url, json.dumps(body).encode())
            if b"badNonce" not in text:
                return headers, text, status
        raise AssertionError("only bad nonces")


def keys_of_accounts(store):
    for path in store.glob("accounts/**/*"):
        if path.is_file():
            found = re.search(r"-----BEGIN[^-]*PRIVATE KEY-----.*?-----END[^-]*PRIVATE KEY-----",
                              path.read_text().replace("\\n", "\n"), re.S)
            if found:
                yield found.group(0) + "\n"


def test_79_another_client_revokes_with_the_certificates_key(world):
    """The key and the leaf out of the bundle, as they are."""
    world.on_demand()
    assert world.handshake("gone.example.com").ok
    bundle = world.proxy.bundles("gone.example.com")[-1]
    leaf = subprocess.run(["openssl", "x509", "-in", bundle, "-outform", "DER"], check=True,
                          capture_output=True).stdout
    other = OtherClient(world, str(bundle))
    headers, text, status = other.post("revokeCert", {"certificate": b64(leaf), "reason": 4})
    assert status == 200, text
    serial = x509(leaf, "-serial").partition("=")[2].lower()
    assert b"Revoked" in world.ca.get(f"/cert-status-by-serial/{serial}")


def test_79_another_client_uses_our_account(world, tmp_path):
    world.on_demand()
    assert world.handshake("mine.example.com").ok
    keys = list(set(keys_of_accounts(world.proxy.store)))
    assert len(keys) == 1
    (tmp_path / "account.pem").write_text(keys[0])
    other = OtherClient(world, str(tmp_path / "account.pem"))
    headers, text, status = other.post("newAccount", {"onlyReturnExisting": True})
    assert status == 200, text
    kid = headers["Location"]
    headers, text, status = other.post("newOrder", {"identifiers": [
        {"type": "dns", "value": "theirs.example.com"}]}, kid=kid)
    assert status == 201, text
    assert world.ca.accounts() == 1


def test_79_openssl_verifies_the_chain_of_a_bundle(world, tmp_path):
    world.on_demand(chain_length=3)
    assert world.handshake("chain.example.com").ok
    bundle = world.proxy.bundles("chain.example.com")[-1]
    parts = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
                       bundle.read_text(), re.S)
    assert len(parts) == 4
    (tmp_path / "leaf").write_text(parts[0])
    (tmp_path / "others").write_text("".join(parts[1:]))
    done = subprocess.run(["openssl", "verify", "-CAfile", world.ca.root(), "-untrusted",
                           tmp_path / "others", tmp_path / "leaf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
