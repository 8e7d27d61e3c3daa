#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the structure: layers, doors, sizes, names, states drawn, a test per file.

lint.py [ROOT]     prints FILE:LINE: what is wrong; what to do, and fails if anything was printed.
"""

import functools
import re
import subprocess
import sys
from pathlib import Path

# What each layer may include besides itself. The linker enforces the same through CMake.
LAYERS = {
    "base": [],
    "conf": ["base"],
    "net": ["base"],
    "net/http": ["net", "base"],
    "certstore": ["net/http", "net", "conf", "base"],
    "acme": ["certstore", "net/http", "net", "conf", "base"],
    "proxy": ["acme", "certstore", "net/http", "net", "conf", "base"],
}

# A unit test folder is named as the layer's library.
UNIT_FOLDERS = {"http": "net/http"}

# A library's header, and the only files that may include it.
DOORS = [
    (r"llhttp\.h", r"net/http/h1_parser\.c"),
    (r"(cjson/)?cJSON\.h", r"base/json\.c"),
    (r"ares\w*\.h", r"net/resolve\w*\.[ch]"),
    (r"intel-ipsec-mb\.h", r"net/tls_bulk\.c"),
    (r"libpsl\.h", r"base/registered_domain\.c"),
    (r"idn2\.h", r"conf/\w+\.c"),
    (r"nghttp2/.*", r"net/http/h2_session\.c"),
    (r"nghttp3/.*", r"net/http/h3_session\.c"),
    (r"ngtcp2/.*", r"net/quic\w*\.[ch]"),
    (r"(wolfssl/.*|user_settings\.h)",
     r"net/(tls_\w+|random\w*|trust\w*|quic_tls)\.[ch]|certstore/(key|x509|csr|digest)\.[ch]"),
]

# Bytes in, events out: no loop, so that they can be tested without one.
WITHOUT_LOOP = re.compile(
    r"(base|conf)/|net/(client_hello|tls_engine)|net/http/(head|\w+_(parser|writer|session))\b")

MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 120  # the style says 100; a line a little over is no reason to stop anybody
TABLE_ROW = re.compile(r"\s*(X\(|\{ |\.\w+ = |\")")  # a row of a table, however long
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
VAGUE_NAME = re.compile(r"(^|_)(utils?|common|misc|helpers?|managers?|types)($|_)")

# .c files without a tests/unit file of their name, and why.
UNTESTED = {
    "certstore/files.c": "the store's crash test runs it and replaces it, call by call",
    "proxy/main.c": "wires the rest together; every scenario test runs it",
}

# Which test holds which acceptance scenario of the ACME client (77 was given up).
SCENARIOS = "tests/scenario/README.md"
SCENARIO_NUMBERS = set(range(1, 81)) - {77}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
SOURCE_SUFFIXES = {".c", ".h"}
SCRIPT_SUFFIXES = {".py", ".sh", ".awk", ".cmake"}


class Lint:
    def __init__(self, root):
        self.root = root
        self.complaints, self.scenario_rows = [], []
        self.files = sorted(self.tracked_and_new())
        self.text = {}
        for name in self.files:
            try:
                self.text[name] = (root / name).read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError):
                pass  # a picture or such; or it went away while we looked
        self.sources = [n for n in self.text if Path(n).suffix in SOURCE_SUFFIXES]

    def tracked_and_new(self):
        """What git knows or would offer to add; everything where there is no git."""
        git = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "-c", "-o", "--exclude-standard"],
            capture_output=True, text=True, check=False)
        if git.returncode == 0:
            return {n for n in git.stdout.split("\0") if n}
        return {str(p.relative_to(self.root)) for p in self.root.rglob("*")
                if p.is_file() and not {".git", "build"} & set(p.relative_to(self.root).parts)}

    def complain(self, name, line, what):
        self.complaints.append((name, line, what))

    def run(self):
        for check in (self.layers, self.cycles, self.doors, self.loops, self.sizes, self.licence,
                      self.states, self.tests, self.names, self.places, self.scenarios):
            check()
        for name, line, what in sorted(self.complaints):
            print(f"{name}:{line}: {what}")
        print(f"lint: {len(self.text)} files, {len(self.complaints)} complaints")
        return 1 if self.complaints else 0

    def includes(self, name):
        for number, line in enumerate(self.text[name].splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1) or found.group(2), found.group(1) is not None

    # --- the checks

    def layers(self):
        for name in self.sources:
            layer = layer_of(name)
            if layer is None:
                continue
            allowed = [layer] + LAYERS[layer]
            for line, target, quoted in self.includes(name):
                target_layer = layer_of(target)
                if quoted and "/" not in target and not name.startswith("tests/"):
                    self.complain(name, line, f'"{target}" does not say its folder; '
                                  "write includes from the top of the repository")
                elif target_layer and target_layer not in allowed:
                    self.complain(name, line, f"{layer} may not include {target_layer} "
                                  f"({target}); it may use {', '.join(allowed[1:]) or 'libc'}: "
                                  "turn the dependency round with a callback, or move the code")

    def cycles(self):
        """Within a folder the files have an order, so there is no way round in a circle."""
        graph = {}
        for name in self.sources:
            if layer_of(name) is None or name.startswith("tests/"):
                continue
            module = str(Path(name).with_suffix(""))
            for line, target, quoted in self.includes(name):
                other = str(Path(target).with_suffix(""))
                if quoted and other != module and not inside(name, module, other):
                    graph.setdefault(module, {}).setdefault(other, (name, line))
        state = {}

        def visit(module, path):
            state[module] = "open"
            for other, (name, line) in graph.get(module, {}).items():
                if state.get(other) == "open":
                    circle = path[path.index(other):] + [other]
                    self.complain(name, line, f"files include each other: {' -> '.join(circle)}; "
                                  "decide which comes first, or take out what both need")
                elif other not in state:
                    visit(other, path + [other])
            state[module] = "done"

        for module in sorted(graph):
            if module not in state:
                visit(module, [module])

    def doors(self):
        for name in self.sources:
            if name.startswith(("tests/", "deps/", "bench/")):
                continue
            for line, target, _ in self.includes(name):
                for header, door in DOORS:
                    if re.fullmatch(header, target) and not re.fullmatch(door, name):
                        self.complain(name, line, f"<{target}> has one door, {door}; "
                                      "use what that file offers, or add to it")

    def loops(self):
        for name in self.sources:
            if WITHOUT_LOOP.match(name):
                for line, target, _ in self.includes(name):
                    if target == "uv.h":
                        self.complain(name, line, "<uv.h> does not belong here: this file takes "
                                      "bytes and gives bytes; leave the loop to its caller")

    def sizes(self):
        for name in self.sources:
            lines = self.text[name].splitlines()
            if len(lines) > MAX_FILE_LINES:
                self.complain(name, len(lines), f"{len(lines)} lines, at most {MAX_FILE_LINES}; "
                              "find the second noun in it and give it a file")
            start = None
            for number, line in enumerate(lines, 1):
                if line == "{":
                    start = number
                elif line.startswith("}") and start:
                    if number - start - 1 > MAX_FUNCTION_LINES:
                        self.complain(name, start, f"function of {number - start - 1} lines, at "
                                      f"most {MAX_FUNCTION_LINES}; split it by its steps")
                    start = None
                if len(line.expandtabs(8)) > MAX_COLUMNS and not TABLE_ROW.match(line):
                    self.complain(name, number, f"longer than {MAX_COLUMNS} columns; break it")

    def licence(self):
        for name, text in self.text.items():
            path = Path(name)
            lines = text.split("\n", 3)[:3]
            if path.suffix in SOURCE_SUFFIXES:
                if lines[0] != f"/* {SPDX} */":
                    self.complain(name, 1, f"first line must be /* {SPDX} */")
            elif path.suffix in SCRIPT_SUFFIXES or path.name in ("CMakeLists.txt", "Makefile") \
                    or text.startswith("#!"):
                if not any(line == f"# {SPDX}" for line in lines):
                    self.complain(name, 1, f"say # {SPDX} in the first lines")

    def states(self):
        """Every state of an X-table is in the drawing at the top of the file (or its header)."""
        for name in self.sources:
            text = self.text[name]
            for table in re.finditer(r"^#define\s+\w*STATES\w*\(X\)((?:.*\\\n)*.*)", text, re.M):
                first = text.count("\n", 0, table.start()) + 1
                other = str(Path(name).with_suffix(".c" if name.endswith(".h") else ".h"))
                drawing = head_comment(text) + head_comment(self.text.get(other, ""))
                for row in re.finditer(r"\bX\(\s*(\w+)", table.group(1)):
                    state = row.group(1)
                    short = state.split("_", 1)[-1]
                    if not re.search(rf"\b({state}|{short})\b", drawing):
                        line = first + table.group(1).count("\n", 0, row.start())
                        self.complain(name, line, f"state {state} is not in the drawing of the "
                                      "head comment; draw where it comes from and goes to")

    def tests(self):
        for name in self.sources:
            layer = layer_of(name)
            if layer is None or not name.endswith(".c") or name.startswith("tests/"):
                continue
            folder = next((u for u, l in UNIT_FOLDERS.items() if l == layer), layer)
            sub = name[len(layer):].rpartition("/")[0]
            words = Path(name).stem.split("_")
            # x509_check.c may be tested through the header of x509.c
            candidates = [f"tests/unit/{folder}{place}/test_{'_'.join(words[:n])}.c"
                          for place in {sub, ""} for n in range(len(words), 0, -1)]
            if name in UNTESTED:
                continue
            if not any(c in self.text for c in candidates):
                self.complain(name, 1, f"has no tests/unit/{folder}{sub}/test_{'_'.join(words)}.c; "
                              "write one, or give the reason in UNTESTED of tests/lint/lint.py")
        for name in UNTESTED:
            if name not in self.text and (self.root / "LICENSE").exists():
                self.complain("tests/lint/lint.py", 1, f"UNTESTED names {name}, which is gone")

    def names(self):
        for name in self.files:
            for part in Path(name).parts:
                if VAGUE_NAME.search(Path(part).stem):
                    self.complain(name, 1, f'"{part}" does not say what is inside; name it '
                                  "after the one thing it does")

    def places(self):
        """Nothing names the machine it was written on, nor its package mirror."""
        forbidden = [(place, "a path of this machine; find it at run time") for place in
                     machine_paths(self.root)]
        forbidden += [(site, "the package mirror of this machine; ask apt-get indextargets")
                      for site in mirror_hosts()]
        for name, text in self.text.items():
            for string, what in forbidden:
                at = text.find(string)
                if at >= 0:
                    self.complain(name, text.count("\n", 0, at) + 1, f"names {what}")


    def scenarios(self):
        """The table of acceptance scenarios has a row for each, and names tests that exist."""
        for line, text in enumerate(self.text.get(SCENARIOS, "").splitlines(), 1):
            row = re.match(r"\| (\d+) \|", text)
            if not row:
                continue
            self.scenario_rows.append(int(row.group(1)))
            for place, test in re.findall(r"`([\w./]+):([\w*]+)`", text):
                self.scenario(line, place, test)
        if SCENARIOS in self.text:
            for number in sorted(SCENARIO_NUMBERS.symmetric_difference(self.scenario_rows)):
                self.complain(SCENARIOS, 1, f"scenario {number} has no row, or should have none")

    def scenario(self, line, place, test):
        folder = "tests/unit/" if place.endswith(".c") else "tests/scenario/"
        kind = r"static void" if place.endswith(".c") else r"def"
        name = re.escape(test).replace(r"\*", r"\w*")
        text = self.text.get(folder + place, "")
        if not re.search(rf"^{kind} {name}\(", text, re.M):
            self.complain(SCENARIOS, line, f"{place} has no {test}; say where that scenario is held now")


def inside(name, module, other):
    """A .c may use the private header of its unit, and the file that was split off it."""
    return name.endswith(".c") and (other.endswith("_private") or
                                    other.startswith(module + "_") or
                                    module.startswith(other + "_"))


def layer_of(name):
    """The layer a file or an include belongs to; a unit test belongs to the one it tests."""
    parts = name.split("/")
    if parts[:2] == ["tests", "unit"] and len(parts) > 3:
        folder = parts[2]
        return UNIT_FOLDERS.get(folder, folder) if folder in UNIT_FOLDERS or folder in LAYERS \
            else None
    if name.startswith("net/http/"):
        return "net/http"
    return parts[0] if len(parts) > 1 and parts[0] in LAYERS else None


def head_comment(text):
    """The first comment after the licence line."""
    found = re.search(r"/\*.*?\*/", text.partition("\n")[2], re.S)
    return found.group(0) if found else ""


def machine_paths(root):
    """Where this tree is, if that is a place of its own and not one every system has."""
    usual = {"bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root",
             "run", "sbin", "srv", "sys", "tmp", "usr", "var"}
    top = root.resolve().parts[1:2]
    paths = [str(root.resolve()) + "/"]
    if top and top[0] not in usual:
        paths.append(f"/{top[0]}/")
    return paths


@functools.cache
def mirror_hosts():
    try:
        apt = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)"],
                             capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    hosts = (line.split("://")[-1].split("/")[0].rpartition("@")[2]
             for line in apt.stdout.splitlines())
    return sorted({host for host in hosts if "." in host})


if __name__ == "__main__":
    sys.exit(Lint(Path(sys.argv[1] if len(sys.argv) > 1 else
                       Path(__file__).resolve().parents[2])).run())
