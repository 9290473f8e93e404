# SPDX-License-Identifier: Apache-2.0
# The front door: every target sets up what it needs (tools/setup), then leaves the work to meson and
# ninja. `make help` lists the targets.

BUILD ?= build
# Warnings are errors for continuous integration: CI=true make ...
SETUP_ARGS ?= $(if $(CI),-Dwerror=true)
PREFIX ?=
DESTDIR ?=
IDS ?=

.PHONY: all build test demo acceptance bench check format fuzz install sanitize clean help

all: build

help:
	@echo 'make             set up what is missing and build into $(BUILD)/'
	@echo 'make test        every suite; ends with "N passed, N failed"'
	@echo 'make demo        a counter that survives kill -9, told in a few lines'
	@echo 'make acceptance  one line for each requirement; IDS="G28 B15" for some'
	@echo 'make bench       the measurements of docs/performance.md; PEERS=1 adds other systems'
	@echo 'make check       layout, lint, layers'
	@echo 'make format      applies .clang-format'
	@echo 'make sanitize    every suite and some requirements under ASan and UBSan, in build-asan/'
	@echo 'make fuzz        searches with every fuzz target for FOR=60 seconds each (clang)'
	@echo 'make install     PREFIX=/usr/local DESTDIR='
	@echo 'make clean       removes every build directory'

$(BUILD)/build.ninja:
	@tools/setup
	meson setup $(BUILD) $(SETUP_ARGS)

build: $(BUILD)/build.ninja
	@tools/setup
	ninja -C $(BUILD)

# Sets up and builds by itself, so that a failure there is counted too.
test:
	@BUILD='$(BUILD)' SETUP_ARGS='$(SETUP_ARGS)' tools/test-all

demo: build
	@examples/demo $(BUILD)

acceptance: build
	@KEEVE_BUILD='$(BUILD)' IDS='$(IDS)' test/acceptance/run

bench:
	@tools/setup
	@bench/run $(if $(PEERS),--peers)

check:
	@tools/setup check
	@tools/check

format:
	@tools/setup check
	clang-format -i $$(git ls-files '*.c' '*.h')

# SECONDS is a name of the shell's; FOR is how long each target searches.
fuzz:
	@tools/setup
	@tools/fuzz --all $(or $(FOR),60)

sanitize:
	@tools/setup
	@IDS='$(IDS)' tools/sanitize

install: build
	@[ -z '$(PREFIX)' ] || meson configure $(BUILD) -Dprefix='$(PREFIX)'
	DESTDIR='$(DESTDIR)' meson install -C $(BUILD)

clean:
	rm -rf build build-*
