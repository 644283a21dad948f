# How the guests are built: `make guests` builds those that are committed,
# `make guests-large` the others. The build scripts say what each needs.
GUESTS = conformance/guests
TOOLS  = $(GUESTS)/node_modules
ADAPTERS = $(abspath $(TOOLS)/@bytecodealliance/jco/lib)

C_GUESTS    = $(foreach n,hello echo events fileserver counter,examples/$(n)/$(n).wasm) \
	$(foreach n,calls files sockets watch watchdraft,$(GUESTS)/$(n)/$(n).wasm)
C_PROGRAMS  = examples/wc/wc.wasm
RUST_GUESTS = $(foreach n,api fanout notes,examples/$(n)/$(n).wasm) \
	$(foreach n,torture store,$(GUESTS)/$(n)/$(n).wasm)
JS_GUESTS   = $(foreach n,javascript notes-js,examples/$(n)/$(n).wasm) $(GUESTS)/twin/twin.wasm
LEGACY      = $(GUESTS)/legacy/legacy.wasm

.PHONY: guests guests-large
guests: ## the committed guests, built again (C, Rust)
	$(MAKE) -B $(C_GUESTS) $(C_PROGRAMS) $(RUST_GUESTS) $(LEGACY)
	examples/embed/guest/build.sh

guests-large: examples/go/go.wasm $(JS_GUESTS) ## the guests that are not committed (Go, JavaScript)

.SECONDEXPANSION:
$(C_GUESTS): %.wasm: %.c $$(@D)/world.wit
	$(GUESTS)/build-c.sh $(@D)

$(C_PROGRAMS): %.wasm: %.c $(TOOLS)/.built
	ADAPTER=$(ADAPTERS)/wasi_snapshot_preview1.command.wasm $(@D)/build.sh

$(RUST_GUESTS): $$(wildcard $$(@D)/src/*.rs) $$(@D)/Cargo.lock
	$(GUESTS)/build-rust.sh $(@D)

$(LEGACY): $$(wildcard $$(@D)/src/*.rs) $$(@D)/Cargo.lock $(TOOLS)/.built
	$(GUESTS)/build-rust.sh $(@D) $(TOOLS)/jco-2024/src/jco.js

examples/go/go.wasm: $$(wildcard $$(@D)/*/*.go) $$(@D)/go.mod $$(@D)/world.wit $(TOOLS)/.built
	$(GUESTS)/build-go.sh $(@D) $(ADAPTERS)/wasi_snapshot_preview1.reactor.wasm

$(JS_GUESTS): %.wasm: %.js $$(@D)/world.wit $(TOOLS)/.built
	$(GUESTS)/build-javascript.sh $(@D) $(TOOLS)/.bin/componentize-js

$(TOOLS)/.built: $(GUESTS)/package.json
	cd $(GUESTS) && npm install --no-package-lock --no-audit --no-fund
	touch $@
