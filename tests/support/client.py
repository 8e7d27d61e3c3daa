# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: TLS handshakes with every detail in the test's hands, raw HTTP over TLS, curl."""

import dataclasses
import re
import socket
import ssl
import subprocess
import time


@dataclasses.dataclass
class Handshake:
    """What one handshake gave: a certificate, or the alert that ended it."""
    alert: str = ""
    der: bytes = b""
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    resumed: bool = False
    seconds: float = 0.0
    session: object = None

    @property
    def ok(self):
        return bool(self.der)


def context(root=None, alpn=None, versions=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root:
        c.load_verify_locations(root)
    else:
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if alpn:
        c.set_alpn_protocols(alpn)
    if versions == "1.2":
        c.maximum_version = ssl.TLSVersion.TLSv1_2
    elif versions == "1.3":
        c.minimum_version = ssl.TLSVersion.TLSv1_3
    return c


def alert_of(error):
    """"unrecognized_name" from Python's words for it; the text itself when it is no alert."""
    reason = getattr(error, "reason", "") or ""
    found = re.match(r"(?:TLSV1|TLSV13|SSLV3)_(?:ALERT_)?(.*)", reason)
    if found:
        return found.group(1).lower()
    found = re.search(r"alert ([a-z ]+?)(?: \(|$)", str(error))   # those Python has no constant for
    return found.group(1).replace(" ", "_") if found else reason.lower() or type(error).__name__


def tls(port, host, root=None, alpn=None, versions=None, timeout=45, ctx=None, session=None,
        address="127.0.0.1"):
    """A connected ssl socket; host=None sends no SNI. Raises what Python raises."""
    c = ctx or context(root, alpn, versions)
    sock = socket.create_connection((address, port), timeout=timeout)
    try:
        if host is None:
            c.check_hostname = False
        return c.wrap_socket(sock, server_hostname=host, session=session)
    except BaseException:
        sock.close()
        raise


def handshake(port, host, **how):
    begin = time.monotonic()
    try:
        with tls(port, host, **how) as s:
            # TLS 1.3: an alert or the ticket may come after our side is done
            out = Handshake(der=s.getpeercert(True), version=s.version(), cipher=s.cipher()[0],
                            alpn=s.selected_alpn_protocol() or "", resumed=bool(s.session_reused))
    except (ssl.SSLError, OSError) as error:
        out = Handshake(alert=alert_of(error))
    out.seconds = time.monotonic() - begin
    return out


def client_hello(host):
    """The bytes OpenSSL begins a handshake with."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context(alpn=["http/1.1"]).wrap_bio(incoming, outgoing, server_hostname=host).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def names_of(der):
    """dNSNames of a certificate, by openssl."""
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-ext", "subjectAltName"],
                          input=der, capture_output=True, check=True).stdout.decode()
    return re.findall(r"(?:DNS|IP Address):([^,\s]+)", text)


def x509(der_or_path, *what):
    """`openssl x509 -noout` with these options."""
    args = ["openssl", "x509", "-noout", *what]
    if isinstance(der_or_path, bytes):
        return subprocess.run([*args, "-inform", "DER"], input=der_or_path, capture_output=True,
                              check=True).stdout.decode().strip()
    return subprocess.run([*args, "-in", str(der_or_path)], capture_output=True,
                          check=True).stdout.decode().strip()


def fingerprint(der):
    return x509(der, "-fingerprint", "-sha256")


@dataclasses.dataclass
class Answer:
    status: int
    reason: str
    headers: list
    body: bytes
    raw: bytes
    interim: list

    def get(self, name):
        values = [v for n, v in self.headers if n == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


class Http:
    """HTTP/1.1 by hand over TLS (or plain with host=None and tls=False)."""

    def __init__(self, port, host, plain=False, **how):
        if plain:
            self.sock = socket.create_connection(("127.0.0.1", port), timeout=45)
        else:
            self.sock = tls(port, host, alpn=["http/1.1"], **how)
        self.host, self.buffer = host, b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def request(self, method="GET", path="/", headers=(), body=b"", host=None):
        head = [f"{method} {path} HTTP/1.1", f"Host: {host or self.host}", *headers]
        if body and not any(h.lower().startswith(("content-length", "transfer")) for h in headers):
            head.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)

    def _more(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError(f"closed after {self.buffer[:200]!r}")
        self.buffer += more

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        out, self.buffer = self.buffer.split(mark, 1)
        return out

    def _exactly(self, n):
        while len(self.buffer) < n:
            self._more()
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def read_head(self):
        raw = self._until(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        version, status, *reason = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]
        return Answer(int(status), reason[0] if reason else "", headers, b"", raw, [])

    def read(self, method="GET"):
        """One answer, 1xx before it in .interim."""
        interim = []
        while (answer := self.read_head()).status < 200 and answer.status != 101:
            interim.append(answer)
        answer.interim = interim
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        if (answer.get("transfer-encoding") or "").lower() == "chunked":
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                answer.body += self._exactly(size)
                self._exactly(2)
            while self._until(b"\r\n"):
                pass
        elif (length := answer.get("content-length")) is not None:
            answer.body = self._exactly(int(length))
        else:
            answer.body = self.read_to_end()
        return answer

    def read_to_end(self):
        out, self.buffer = self.buffer, b""
        try:
            while more := self.sock.recv(65536):
                out += more
        except ssl.SSLEOFError:
            pass
        return out

    def is_closed(self, seconds=5):
        """The peer closes within this time, sending nothing more."""
        self.sock.settimeout(seconds)
        try:
            return not self.buffer and self.sock.recv(1) == b""
        except (ConnectionResetError, ssl.SSLEOFError):
            return True
        except (TimeoutError, socket.timeout):
            return False

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def get(port, host, path="/", method="GET", headers=(), body=b"", **how):
    with Http(port, host, **how) as http:
        http.request(method, path, [*headers, "Connection: close"], body)
        return http.read(method)


def curl(*args, port=None, host=None, root=None, timeout=60, check=True):
    """Runs curl; (exit code, stdout). host and port set --resolve."""
    argv = ["curl", "-sS", "--max-time", str(timeout)]
    if host:
        argv += ["--resolve", f"{host}:{port}:127.0.0.1"]
    if root:
        argv += ["--cacert", root]
    done = subprocess.run([*argv, *args], capture_output=True, timeout=timeout + 10)
    if check and done.returncode:
        raise AssertionError(f"curl: {done.returncode} {done.stderr.decode()}")
    return done.returncode, done.stdout


def raw_tls_bytes(port, data, timeout=10, half_close=False):
    """Sends bytes as they are to a TCP port, returns all that comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        out = b""
        try:
            while more := s.recv(65536):
                out += more
        except ConnectionResetError:
            pass
        return out
