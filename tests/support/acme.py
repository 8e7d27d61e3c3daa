# SPDX-License-Identifier: GPL-3.0-or-later
"""A second client of the CA, with a key of the test's own or with one out of the store: what happens to an
account from outside. Signs with openssl; EC P-256 and RSA."""

import base64
import json
import pathlib
import re
import ssl
import subprocess
import urllib.error
import urllib.request


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*args, **how):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **how).stdout


def new_key(path, kind="ec"):
    """A private key (PKCS#8 PEM) at this path."""
    how = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
           "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}[kind]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    openssl("genpkey", *how, "-out", path)
    return path


def jwk(key):
    """The public key as RFC 7517 wants it, in RFC 7638's order."""
    text = openssl("pkey", "-in", key, "-noout", "-text_pub").decode()
    digits = re.search(r"(?:pub|Modulus):\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)
    data = bytes.fromhex(re.sub(r"[\s:]", "", digits))
    if "Modulus" in text:
        return {"e": "AQAB", "kty": "RSA", "n": b64(data.lstrip(b"\0"))}
    return {"crv": "P-256", "kty": "EC", "x": b64(data[1:33]), "y": b64(data[33:65])}


def integers(der):
    """The INTEGERs of a SEQUENCE, as bytes without their sign."""
    def element(at):
        size, at = der[at + 1], at + 2
        if size & 0x80:
            count, size = size & 0x7f, int.from_bytes(der[at:at + (size & 0x7f)], "big")
            at += count
        return at, at + size
    at, end = element(0)
    while at < end:
        start, at = element(at)
        yield der[start:at].lstrip(b"\0")


def private_jwk(key):
    """An RSA key as certbot keeps it."""
    names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
    numbers = list(integers(openssl("rsa", "-in", key, "-traditional", "-outform", "DER")))
    return {"kty": "RSA", **{n: b64(v) for n, v in zip(names, numbers[1:])}}


def raw_signature(der):
    """r and s of an ECDSA signature, 32 bytes each."""
    out, at = b"", 2
    for _ in range(2):
        size = der[at + 1]
        out += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return out


class Client:
    """Speaks as the account whose key this is."""

    def __init__(self, directory, trust, key):
        self.context, self.key = ssl.create_default_context(cafile=trust), str(key)
        self.jwk = jwk(key)
        self.urls = json.loads(self._fetch("GET", directory)[2])
        self.kid = None

    def _fetch(self, method, url, body=None):
        request = urllib.request.Request(url, body, {"User-Agent": "test",
                                                     "Content-Type": "application/jose+json"}, method=method)
        try:
            got = urllib.request.urlopen(request, context=self.context, timeout=20)
        except urllib.error.HTTPError as refusal:
            got = refusal
        return got.status, got.headers, got.read()

    def _sign(self, data):
        is_rsa = self.jwk["kty"] == "RSA"
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=data, check=True,
                              capture_output=True).stdout
        return made if is_rsa else raw_signature(made)

    def post(self, url, payload=None):
        """(status, headers, body as an object); None asks, as POST-as-GET."""
        for _ in range(20):
            nonce = self._fetch("HEAD", self.urls["newNonce"])[1]["Replay-Nonce"]
            header = {"alg": "RS256" if self.jwk["kty"] == "RSA" else "ES256", "nonce": nonce, "url": url,
                      **({"kid": self.kid} if self.kid else {"jwk": self.jwk})}
            protected = b64(json.dumps(header).encode())
            text = b64(json.dumps(payload).encode()) if payload is not None else ""
            body = {"protected": protected, "payload": text,
                    "signature": b64(self._sign(f"{protected}.{text}".encode()))}
            status, headers, answer = self._fetch("POST", url, json.dumps(body).encode())
            said = json.loads(answer) if answer else {}
            if not said.get("type", "").endswith("badNonce"):
                return status, headers, said
        raise RuntimeError("the CA takes no nonce")

    def register(self, contact=None, **more):
        """The account's URL; one that is there already is found."""
        self.kid = None
        status, headers, said = self.post(self.urls["newAccount"], {
            "termsOfServiceAgreed": True, **({"contact": [f"mailto:{contact}"]} if contact else {}), **more})
        assert status in (200, 201), (status, said)
        self.kid = headers["Location"]
        return self.kid

    def look(self):
        """The account as the CA has it, or the refusal."""
        return self.post(self.kid)

    def deactivate(self):
        status, _, said = self.post(self.kid, {"status": "deactivated"})
        assert status == 200 and said["status"] == "deactivated", (status, said)
