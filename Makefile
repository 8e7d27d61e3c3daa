# SPDX-License-Identifier: GPL-3.0-or-later
# A thin front for the CMake presets; `make help` lists what there is.

# `make fuzz SECONDS=300`, `make demo ONCE=1`, `make test PRESET=debug`, `make install PREFIX=/usr`
PRESET  ?= release
PREFIX  ?= /usr/local
SECONDS ?= 30
PYTHON  ?= /usr/bin/python3
WORKERS ?= 12
PYTEST  ?= $(PYTHON) -m pytest -q -p no:cacheprovider -n $(WORKERS) --dist loadgroup

with_binary = SALLYPORT_BINARY=$(CURDIR)/build/$(PRESET)/sallyport

.PHONY: all build test unit scenario asan lint demo fuzz pgo budget bench install clean help

all: build

build: deps
	@deps/build $(PRESET) sallyport

.PHONY: deps
deps:
	@deps/install

# one look into the archive for all that comes from there
.PHONY: fetched
fetched: deps
	@deps/fetch > /dev/null

test: fetched                     ## install, build, run everything
	@PRESET=$(PRESET) $(PYTHON) -B tests/run.py

unit: deps                        ## unit tests and lint under the sanitizers
	@deps/build asan
	@ctest --preset asan -j $$(nproc)

scenario: fetched build           ## scenario tests against the release binary
	@$(with_binary) $(PYTEST) tests/scenario

asan:                             ## scenario tests against the binary with sanitizers
	@$(MAKE) --no-print-directory scenario PRESET=asan

lint:                             ## the structure, without building
	@$(PYTHON) -B tests/lint/lint.py

demo: fetched build               ## a CA, a backend and sallyport on this machine; ONCE=1 stops after it
	@$(with_binary) $(PYTHON) tests/demo/demo.py

fuzz:                             ## every tests/fuzz target for SECONDS
	@deps/install fuzz
	@deps/build fuzz
	@tests/fuzz/run build/fuzz $(SECONDS)

pgo: fetched                      ## build/pgo/sallyport, compiled by the profile of real work
	@bench/train

budget:                           ## instructions for fixed work against bench/budget.json; +5 % fails
	@deps/install budget
	@deps/build release count
	@bench/budget

bench: build                      ## beside nginx, HAProxy, hitch and Caddy
	@$(with_binary) bench/run

install: build                    ## to PREFIX (and DESTDIR)
	@cmake --install build/$(PRESET) --prefix $(PREFIX) --strip

clean:                            ## what was built; the cache of dependencies stays
	@rm -rf build

help:
	@echo 'make            build build/$(PRESET)/sallyport'
	@awk -F '[:#]+' '/^[a-z]+:.*##/ { printf "make %-10s%s\n", $$1, $$NF }' Makefile
