# SPDX-License-Identifier: GPL-3.0-or-later
"""BIND as the primary of example.com and acme.example.net, with dynamic updates by a TSIG key; and a
look at its records without any library."""

import base64
import pathlib
import socket
import struct

from . import peers
from .process import Process, can_connect, free_port, wait_until

KEY, SECRET = "update.example", base64.b64encode(b"a key of thirty-two bytes, yes!!").decode()
TXT = 16


class Named:
    """`records` are lines of a zone file, by zone."""

    address = "127.0.0.1"

    def __init__(self, directory, records=None, port=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        # its own root, so that nothing is ever asked outside
        zones = {".": "", "example.com": "", "acme.example.net": "", **(records or {})}
        for zone, more in zones.items():
            (self.directory / f"{zone.strip('.') or 'root'}.zone").write_text(
                f"$TTL 1\n@ SOA ns1 hostmaster 1 60 60 600 1\n@ NS ns1\nns1 A 127.0.0.1\n{more}\n")
        (self.directory / "named.conf").write_text(f"""
options {{
    directory "{self.directory}"; pid-file none; session-keyfile none; managed-keys-directory ".";
    listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};
    recursion yes; allow-recursion {{ any; }}; dnssec-validation no; notify no; allow-transfer {{ none; }}; minimal-responses yes;
}};
controls {{ }};
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
""" + "\n".join(f"""zone "{zone}" {{ type primary; file "{zone.strip('.') or 'root'}.zone";
    update-policy {{ grant {KEY} zonesub TXT; }}; }};""" for zone in zones))
        self.process = Process([peers.need("named"), "-g", "-c", "named.conf"], self.directory, "named")
        wait_until(lambda: can_connect(self.port), 15, "named")

    def texts(self, name):
        return texts(self.address, self.port, name)

    def stop(self):
        self.process.kill()


def _skip_name(message, at):
    while message[at]:
        if message[at] >= 0xc0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def texts(address, port, name):
    """The TXT values of a name, by UDP."""
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, TXT, 1),
                 (address, port))
        message = s.recv(4096)
    answers, at = struct.unpack_from("!H", message, 6)[0], _skip_name(message, 12) + 4
    found = []
    for _ in range(answers):
        at = _skip_name(message, at)
        kind, _, _, length = struct.unpack_from("!HHIH", message, at)
        if kind == TXT:
            found.append(message[at + 11:at + 11 + message[at + 10]].decode())
        at += 10 + length
    return found
