# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark is made of: the proxies under test, the backend, the load, and the kernel's accounts.

Every proxy gets the same certificate, one worker, TLS 1.3, keep-alive to the backend, no access log. Proxies
run on core PROXY_CPU alone; backend and load share LOAD_CPU. Peers run from Debian sid's tree by chroot.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import certificates  # noqa: E402
from support.process import Process, free_port, wait_until  # noqa: E402
from support.sallyport import BINARY  # noqa: E402

PROXY_CPU, LOAD_CPU = 0, 1
HOST = "bench.example.com"
# as many descriptors as this machine lets us have; held connections are counted by them
FDS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def cpu_seconds(pids):
    """CPU time used so far by these processes: the scheduler's own figure, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except OSError:
                pass
    return total / 1e9


def family(pid):
    """A process and all its descendants."""
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for task in pathlib.Path(f"/proc/{p}/task").iterdir():
                todo += [int(c) for c in (task / "children").read_text().split()]
        except OSError:
            pass
    return out


def pss_bytes(pids):
    """Memory in the processes, shared pages counted once."""
    total = 0
    for pid in pids:
        try:
            for line in open(f"/proc/{pid}/smaps_rollup"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            pass
    return total


class Bench:
    def __init__(self):
        got = subprocess.run([ROOT / "bench" / "peers"], stdout=subprocess.PIPE, text=True)
        self.tree = pathlib.Path(got.stdout.strip()) if got.returncode == 0 else None
        base = (self.tree or pathlib.Path("/")) / "tmp"
        self.work = base / f"sallyport-bench-{os.getpid()}"
        self.work.mkdir(parents=True)
        self.work.chmod(0o755)
        chain, key = certificates.make(self.work, HOST, "*.bench.example.com", stem="own")
        (self.work / "both.pem").write_text(pathlib.Path(chain).read_text() + pathlib.Path(key).read_text())
        os.chmod(key, 0o644)
        self.build = self.build_programs()
        self.load_program = self.build / "load"
        self.backend_port = free_port()
        self.backend = self.start_backend()

    def inside(self, path=""):
        """The work directory as a program in the tree sees it."""
        return f"/tmp/{self.work.name}/{path}" if self.tree else str(self.work / path)

    def build_programs(self):
        subprocess.run(["cmake", "--build", ROOT / "build" / "release", "--target", "load", "origin",
                        "fill_store", "sallyport"], check=True,
                       stdout=subprocess.DEVNULL)
        return ROOT / "build" / "release" / "bench"

    def run_in_tree(self, name, argv, cpu, env=None):
        # a mount namespace of its own, so that /proc and /dev are there and nothing stays behind
        script = (f"mount --bind /dev {self.tree}/dev && mount -t proc proc {self.tree}/proc && "
                  f"ulimit -n {FDS}; exec chroot {self.tree} \"$@\"")
        return Process(["unshare", "-m", "taskset", "-c", str(cpu), "sh", "-c", script, "sh", *argv],
                       self.work, name, env=env)

    def start_backend(self):
        """Its own and not a server of the field: what it costs is taken from the load's core, and a proxy that waits
        for its load pays for being woken instead of for its work."""
        p = Process(["taskset", "-c", str(LOAD_CPU), self.build / "origin", str(self.backend_port)], self.work, "origin")
        return p.wait_port(self.backend_port)

    def load(self, port, mode, timeout=300, **how):
        """Runs the load; what it reported."""
        argv = ["taskset", "-c", str(LOAD_CPU), self.load_program, str(port), HOST, mode,
                *(f"{k}={v}" for k, v in how.items())]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
        out = json.loads(done.stdout.strip().splitlines()[-1])
        if out["failed"]:
            raise RuntimeError(f"{out['failed']} requests failed: {' '.join(map(str, argv))}")
        return out

    def end(self):
        self.backend.kill()
        shutil.rmtree(self.work, ignore_errors=True)


class Proxy:
    """One server under test. `start` gives self.process; `pids` are what is measured."""

    name = ""
    parses_http = True

    def __init__(self, bench):
        self.bench = bench
        self.port = free_port()
        self.process = None

    def pids(self):
        return family(self.process.pid)

    def cpu(self):
        return cpu_seconds(self.pids())

    def memory(self):
        return pss_bytes(self.pids())

    def stop(self):
        if self.process:
            for pid in self.pids()[1:]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            self.process.kill()

    def version(self):
        return ""


class Sallyport(Proxy):
    name = "sallyport"

    def start(self):
        b = self.bench
        config = b.work / "sallyport.json"
        config.write_text(json.dumps({
            "store": str(b.work / "store"), "workers": 1, "log": {"level": "error", "access": False},
            "listen": {"https": f"127.0.0.1:{self.port}", "http": "off"},
            "timeouts": {"idle": "10m"},
            "sites": {HOST: {"cert": str(b.work / "own.pem"), "key": str(b.work / "own.key"),
                             "to": f"127.0.0.1:{b.backend_port}"}}}))
        self.process = Process(["taskset", "-c", str(PROXY_CPU), BINARY,
                                "run", "-c", config], b.work, "sallyport")
        self.process.wait_port(self.port)

    def version(self):
        return subprocess.run([BINARY, "version"], capture_output=True, text=True).stdout.split("\n")[0]


class Peer(Proxy):
    program, version_args = "", ("-v",)

    def command(self):
        raise NotImplementedError

    def env(self):
        return None

    def start(self):
        self.process = self.bench.run_in_tree(self.name, self.command(), PROXY_CPU, self.env())
        self.process.wait_port(self.port)

    def version(self):
        done = subprocess.run(["chroot", self.bench.tree, self.program, *self.version_args],
                              capture_output=True, text=True)
        return (done.stdout + done.stderr).strip().split("\n")[0]


class Nginx(Peer):
    name, program = "nginx", "nginx"

    def command(self):
        b = self.bench
        (b.work / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; master_process off; pid {b.inside('nginx.pid')};
error_log {b.inside('nginx.log')} crit; worker_rlimit_nofile {FDS};
events {{ worker_connections {FDS}; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 1h; tcp_nodelay on;
  client_max_body_size 0; client_body_temp_path {b.inside('nginx.tmp')}; proxy_temp_path {b.inside('nginx.tmp2')};
  upstream app {{ server 127.0.0.1:{b.backend_port}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{self.port} ssl backlog=4096; server_name {HOST};
    ssl_certificate {b.inside('own.pem')}; ssl_certificate_key {b.inside('own.key')};
    ssl_protocols TLSv1.3; ssl_session_tickets on; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_request_buffering off; }}
  }}
}}
""")
        return ["nginx", "-c", b.inside("nginx.conf")]


class Haproxy(Peer):
    name, program = "HAProxy", "haproxy"

    def command(self):
        b = self.bench
        (b.work / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn {(FDS - 200) // 2}
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:{self.port} ssl crt {b.inside('both.pem')} alpn http/1.1 backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  default_backend app
backend app
  server s 127.0.0.1:{b.backend_port}
""")
        return ["haproxy", "-db", "-f", b.inside("haproxy.cfg")]


class Hitch(Peer):
    """TLS only: it forwards bytes and reads no HTTP, so it is the floor of what TLS costs."""

    name, program, version_args, parses_http = "hitch", "hitch", ("--version",), False

    def command(self):
        b = self.bench
        (b.work / "hitch.conf").write_text(f"""
frontend = "[127.0.0.1]:{self.port}"
backend = "[127.0.0.1]:{b.backend_port}"
pem-file = "{b.inside('both.pem')}"
workers = 1
backlog = 4096
tls-protos = TLSv1.3
ciphersuites = "TLS_AES_128_GCM_SHA256"
user = "root"
""")
        return ["hitch", "--config", b.inside("hitch.conf")]


class Caddy(Peer):
    name, program, version_args = "Caddy", "caddy", ("version",)

    def env(self):
        # Debian builds it with ML-KEM off by default
        return {"HOME": self.bench.inside(), "XDG_DATA_HOME": self.bench.inside("caddy"), "GOMAXPROCS": "1",
                "GODEBUG": "tlsmlkem=1"}

    def command(self):
        b = self.bench
        (b.work / "Caddyfile").write_text(f"""
{{
  admin off
  auto_https off
  servers {{
    protocols h1
  }}
  log {{
    level ERROR
  }}
}}
https://{HOST}:{self.port} {{
  bind 127.0.0.1
  tls {b.inside('own.pem')} {b.inside('own.key')} {{
    protocols tls1.3
    curves x25519mlkem768 x25519 secp256r1
  }}
  reverse_proxy 127.0.0.1:{b.backend_port}
}}
""")
        return ["caddy", "run", "--config", b.inside("Caddyfile"), "--adapter", "caddyfile"]


PROXIES = [Sallyport, Nginx, Haproxy, Hitch, Caddy]

__all__ = ["Bench", "PROXIES", "Process", "ROOT", "Proxy", "free_port", "wait_until", "time"]
