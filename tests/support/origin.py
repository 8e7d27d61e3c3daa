# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend that records the exact bytes it was sent and answers as a test wants.

    origin = Origin()                     # answers 200 "hello from origin" to everything
    origin = Origin(respond=f)            # f(request, connection) writes what it likes

`request` has method, target, headers (list of pairs, lower-case names), body (bytes), raw (bytes of the
head); `connection` has send(bytes), recv(n), close(), and n, how many requests came on it before.
"""

import dataclasses
import socket
import ssl
import threading

from .process import free_port


@dataclasses.dataclass
class Request:
    method: str
    target: str
    version: str
    headers: list
    raw: bytes
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)

    def get(self, name):
        """The only value of this field, None without; an error when it came twice."""
        values = [v for n, v in self.headers if n == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


class Connection:
    def __init__(self, sock):
        self.sock, self.buffer, self.n = sock, b"", 0

    def recv(self, n=65536):
        if self.buffer:
            out, self.buffer = self.buffer[:n], self.buffer[n:]
            return out
        return self.sock.recv(n)

    def read_until(self, mark):
        while mark not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, self.buffer = self.buffer.split(mark, 1)
        return out

    def read_exactly(self, n):
        while len(self.buffer) < n:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def fields(block):
    pairs = []
    for line in block.split(b"\r\n"):
        if line:
            name, value = line.split(b":", 1)
            pairs.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
    return pairs


def answer(status="200 OK", body=b"hello from origin", headers=()):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def hello(request, connection):
    connection.send(answer(body=b"" if request.method == "HEAD" else b"hello from origin"))


class Origin:
    """`read_body=False` hands the request over before its body, which `respond` then reads itself."""

    def __init__(self, respond=hello, read_body=True, unix=None, tls=None, family=socket.AF_INET,
                 port=None):
        self.respond, self.read_body, self.tls = respond, read_body, tls
        self.requests, self.connections, self.lock = [], 0, threading.Lock()
        self.open = set()
        if unix:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(unix))
            self.port, self.address = None, f"unix:{unix}"
        else:
            self.port = port or free_port()
            self.listener = socket.socket(family)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
            self.listener.bind((host, self.port))
            self.address = f"[::1]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        connection = None
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            connection = Connection(sock)
            while True:
                request = self._read(connection)
                with self.lock:
                    self.requests.append(request)
                self.respond(request, connection)
                connection.n += 1
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            if connection:
                connection.close()

    def _read(self, connection):
        raw = connection.read_until(b"\r\n\r\n") + b"\r\n\r\n"
        first, _, rest = raw.partition(b"\r\n")
        method, target, version = first.decode("latin-1").split(" ")
        request = Request(method, target, version, fields(rest), raw)
        if self.read_body:
            read_body(request, connection)
        return request

    def stop(self):
        # the thread in accept holds the socket open until it is woken
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            still = list(self.open)
        for sock in still:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    @property
    def last(self):
        return self.requests[-1]


def read_body(request, connection):
    if request.get("transfer-encoding"):
        while True:
            size = int(connection.read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                lines = []
                while (line := connection.read_until(b"\r\n")):
                    lines.append(line)
                request.trailers = fields(b"\r\n".join(lines))
                return
            request.body += connection.read_exactly(size)
            connection.read_exactly(2)
    elif (length := request.get("content-length")) is not None:
        request.body = connection.read_exactly(int(length))


class Ask:
    """The endpoint that allows or denies names: `decide(domain)` returns a status, or a function that
    answers itself. Names that cannot exist (the canaries) get the status `canary`, and are counted apart."""

    def __init__(self, decide=lambda domain: 200, canary=404, port=None):
        self.decide, self.canary = decide, canary
        self.origin = Origin(self._respond, port=port)
        self.url = f"http://{self.origin.address}/check"

    def _respond(self, request, connection):
        query = request.target.partition("?")[2]
        pairs = dict(p.split("=", 1) for p in query.split("&") if "=" in p)
        domain = pairs.get("domain", "")
        got = self.canary if domain.endswith(".invalid") else self.decide(domain)
        if callable(got):
            got(request, connection)
        else:
            connection.send(answer(f"{got} Decided", b""))

    def asked(self, domain=None):
        return [r for r in self.origin.requests if ".invalid&" not in r.target
                and (domain is None or f"domain={domain}&" in r.target + "&")]

    def canaries(self):
        return [r for r in self.origin.requests if ".invalid&" in r.target]

    def stop(self):
        self.origin.stop()
