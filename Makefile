# `make help` lists the targets. Only Go is needed, except for the guests.
GO      ?= go
BIN     ?= bin
TIMEOUT ?= 15m

.DEFAULT_GOAL := help
.PHONY: help build test race check generate bench bench-http cross fuzz kv-kill conformance conformance-table conformance-cross

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "%-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the command, into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./cmd/godwit

test: ## everything that needs Go alone
	$(GO) build ./...
	$(GO) test -timeout $(TIMEOUT) ./...

race: ## the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout $(TIMEOUT) ./...

check: ## formatting, vet, generated code up to date, go.mod tidy
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt: $$out"; exit 1; }
	$(GO) vet ./...
	$(MAKE) generate
	git diff --exit-code -- bindings conformance/calls examples/embed tools wit
	$(GO) mod tidy -diff

generate: ## write bindings/ anew
	$(GO) generate ./...

bench: ## benchmarks; the first figures are in conformance/bench/README.md
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./engine/... ./host/... ./conformance/...

# PEER is another server to compare with, such as 'wasmtime serve -S cli --addr
# {addr} {wasm}'; CASES picks cases (LOADFLAGS=-list says which there are).
LOADFLAGS ?=
bench-http: build ## servers through sockets: PEER='command with {addr} and {wasm}' CASES='hello echo' LOADFLAGS='-format json'
	$(GO) run ./conformance/bench/load -godwit $(BIN)/godwit $(if $(PEER),-peer '$(PEER)') $(LOADFLAGS) $(CASES)

ROUNDS ?= 1000
kv-kill: ## kill a program that writes to a bolt store ROUNDS times: nothing acknowledged is lost
	GODWIT_KILL_ROUNDS=$(ROUNDS) $(GO) test -timeout 60m -run '^TestKill$$' -v ./host/keyvalue/bolt

PLATFORMS = linux/amd64 linux/arm64 linux/arm linux/386 linux/riscv64 linux/s390x linux/ppc64le linux/loong64 \
	darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 freebsd/amd64 freebsd/arm64

cross: ## the command for every platform, into dist/
	@for p in $(PLATFORMS); do \
		os=$${p%/*}; arch=$${p#*/}; ext=; test $$os = windows && ext=.exe; \
		echo "$$p"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags='-s -w' -o dist/godwit-$$os-$$arch$$ext ./cmd/godwit || exit 1; \
	done

# The official tests of the Component Model: GODWIT_COMPONENT_MODEL is a checkout
# of WebAssembly/component-model. Tests run in the directories of their packages.
SUITE = GODWIT_COMPONENT_MODEL=$(abspath $(GODWIT_COMPONENT_MODEL))

conformance: ## the official tests of the Component Model, on both engines
	$(SUITE) $(GO) test -timeout $(TIMEOUT) ./conformance/...

conformance-table: ## write the results in conformance/README.md anew
	$(SUITE) $(GO) test -count=1 -run '^TestComponentModelSuite$$' ./conformance/wast -update

# What of the tests runs on another processor, and where qemu-user finds it.
CROSS_TESTS = ./engine/abi ./tools/bindgen ./engine/canon ./engine/component ./engine/core ./engine ./conformance/wast

conformance-cross: ## the same on arm64, riscv64 and s390x, by qemu-user
	@for arch in arm64:aarch64 riscv64:riscv64 s390x:s390x; do \
		qemu=$$(command -v qemu-$${arch#*:} || command -v qemu-$${arch#*:}-static) || { echo "qemu-$${arch#*:} is not installed (Debian: qemu-user)"; exit 1; }; \
		for p in $(CROSS_TESTS); do \
			echo "$${arch%:*} $$p"; \
			$(SUITE) CGO_ENABLED=0 GOARCH=$${arch%:*} $(GO) test -timeout $(TIMEOUT) -exec $$qemu $$p || exit 1; \
		done; \
	done

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME each
	@$(GO) list ./... | while read p; do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

-include conformance/guests/guests.mk
