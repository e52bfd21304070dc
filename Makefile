# submeter -- `make help` prints what there is to make.
OUT    ?= out
V      ?= 0
SAN    ?=
STRICT ?= 0
CC     ?= cc
CLANG  ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr
DESTDIR ?=

VERSION := 0.1.0
PKGS := libbpf libelf capstone zlib libbrotlidec libzstd libnghttp2 jansson yaml-0.1 sqlite3 libmicrohttpd libcurl libsodium libcap-ng libuv
# Asked once, and only when something is compiled: the packages may not be there before `make deps`.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
STD  := -std=gnu17 -D_GNU_SOURCE -DSUBMETER_VERSION='"$(VERSION)"'
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wwrite-strings \
	-Wimplicit-fallthrough $(if $(filter 1,$(STRICT)),-Werror)
# Hidden: a library that exports the same name must not call ours (libyaml has a yaml_free too).
HARD := -fstack-protector-strong -fvisibility=hidden -fPIE $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer,-D_FORTIFY_SOURCE=2)
CFLAGS ?= -O2 -g
ALL_CFLAGS = $(STD) $(WARN) $(CFLAGS) $(HARD) -Iinclude -I$(OUT)/gen $(PKG_CFLAGS) -MMD -MP
LINK = $(CC) $(CFLAGS) $(HARD) $(LDFLAGS) -pie -Wl,-z,relro,-z,now
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

Q    := $(if $(filter 1,$(V)),,@)
say   = $(if $(Q),@printf '  %-5s %s\n' $(1) $(2))

MAINS := user/app/main.c user/cli/main.c
SRC   := $(filter-out $(MAINS),$(sort $(wildcard user/*/*.c)))
OBJ   := $(SRC:%.c=$(OUT)/%.o)
TESTS := $(sort $(wildcard tests/unit/*.c tests/live/*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/main.c,$(sort $(wildcard tests/fuzz/*.c))))
KIT   := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/kit/*.c)))
TBIN  := $(TESTS:tests/%.c=$(OUT)/tests/%) $(FUZZ:%=$(OUT)/tests/fuzz/%)
BPF   := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard bpf/*.bpf.c)))
SKEL  := $(OUT)/gen/submeter.skel.h
EMBED := $(OUT)/gen/book.inc $(OUT)/gen/schema.inc

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo test check test-bins compilers lint fmt bench fuzz live-full live-agents recut mutate install deps clean help line-coverage bombs estimate

all: $(OUT)/bin/submeterd $(OUT)/bin/submeter ## build submeterd and submeter into out/bin
demo: deps ## as root: install what is needed, build, and print the bill of three teams
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tools/demo
test: deps ## as root: all tests
	$(Q)$(MAKE) --no-print-directory compilers
	$(Q)$(MAKE) --no-print-directory all test-bins STRICT=1
	$(Q)$(MAKE) --no-print-directory all test-bins OUT=$(OUT)/san SAN=address,undefined CFLAGS='-O1 -g' STRICT=1
	$(Q)$(PYTHON) tests/run --san $(OUT)/san
check: ## the tests that need neither root nor the network, with sanitizers
	$(Q)$(MAKE) --no-print-directory all test-bins OUT=$(OUT)/san SAN=address,undefined CFLAGS='-O1 -g'
	$(Q)$(PYTHON) tests/run --san $(OUT)/san --only unit
compilers: ## build everything with clang too, warnings are errors
	$(Q)$(MAKE) --no-print-directory all test-bins OUT=$(OUT)/clang CC=$(CLANG) STRICT=1
test-bins: $(TBIN)
live-full: all test-bins ## as root, long: 1,000 calls a client, 500 cold starts, 100 rewrites and kills
	$(Q)SUBMETER_LIVE_CALLS=1000 SUBMETER_LIVE_KILLS=20 SUBMETER_LIVE_COLD=500 SUBMETER_LIVE_REWRITES=100 \
		SUBMETER_LIVE_ATTACHER_KILLS=100 $(PYTHON) tests/run --only live
live-agents: all test-bins ## as root, long: Bun, Claude Code, Codex, Deno and more, 500 MB out of npm
	$(Q)SUBMETER_AGENTS=1 SUBMETER_FETCH=1 $(PYTHON) tests/run -v --only live agents
lint: ## layers, style, tables, links, format
	$(Q)tools/lint
fmt: ## lay the C sources out
	$(Q)clang-format -i $(shell git ls-files '*.c' '*.h' | grep -v '^include/tbl/')
line-coverage: ## which lines of wire/ and conn/ the cases and fuzz corpora run (gcov)
	$(Q)$(MAKE) --no-print-directory test-bins OUT=$(OUT)/cov CC=gcc CFLAGS='-Og -g --coverage'
	$(Q)tools/line-coverage $(OUT)/cov
bombs: $(OUT)/tests/unit/bombs $(OUT)/tests/unit/many ## what hostile bytes cost, below 100 ms each; what 11,000 connections hold
	$(Q)BOMBS_MS=100 $(OUT)/tests/unit/bombs
	$(Q)$(OUT)/tests/unit/many
bench: all ## measure; writes out/bench/latest.json
	$(Q)tools/bench
fuzz: $(FUZZ:%=$(OUT)/fuzz/%) $(OUT)/tests/unit/cases ## run each fuzz target for FUZZ_SECONDS (default 60)
	$(Q)$(OUT)/tests/unit/cases --seeds $(OUT)/seeds
	$(Q)for t in $(FUZZ); do mkdir -p $(OUT)/corpus/$$t $(OUT)/found/$$t; \
		if [ -f tests/fuzz/corpus/$$t/found.a ]; then ar x tests/fuzz/corpus/$$t/found.a --output $(OUT)/found/$$t; fi; \
		$(OUT)/fuzz/$$t -max_total_time=$${FUZZ_SECONDS:-60} -rss_limit_mb=1024 -timeout=5 -max_len=8192 \
			-print_final_stats=1 $(OUT)/corpus/$$t $(OUT)/found/$$t \
			$$(ls -d tests/fuzz/corpus/$$t $(OUT)/seeds/$$t 2>/dev/null) || exit 1; done
recut: $(OUT)/tests/unit/recut ## recorded exchanges said anew RECUT_ROUNDS (default 200) times in every framing and coding
	$(Q)$(OUT)/tests/unit/recut $${RECUT_ROUNDS:-200} $${SEED:-4}
estimate: $(OUT)/bin/submeter ## recorded calls with their usage taken out: how far guesses are from the truth, and how often it is within their bounds
	$(Q)$(PYTHON) tests/estimate.py $(OUT)/bin/submeter
mutate: ## change a line of conn/, wire/ or llm/ COUNT (default 200) times: do the tests notice? SEED=word
	$(Q)$(PYTHON) tests/mutate $${SEED:-$$(git rev-parse --short=12 HEAD)} $${COUNT:-200}
install: all ## into $(DESTDIR)$(PREFIX)
	install -D -m 755 $(OUT)/bin/submeterd $(DESTDIR)$(PREFIX)/sbin/submeterd
	install -D -m 755 $(OUT)/bin/submeter $(DESTDIR)$(PREFIX)/bin/submeter
deps: ## as root: install the packages that tools/deps.txt lists
	$(Q)tools/deps
clean: ## remove out/
	$(Q)rm -rf $(OUT)
help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(OUT)/bin/submeterd: $(OUT)/user/app/main.o $(OBJ)
$(OUT)/bin/submeter: $(OUT)/user/cli/main.o $(OBJ)
$(OUT)/bin/%:
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(LINK) $^ -o $@ $(PKG_LIBS)
# A fuzz target as a plain program: replays files.
$(FUZZ:%=$(OUT)/tests/fuzz/%): $(OUT)/tests/fuzz/main.o
$(OUT)/tests/%: $(OUT)/tests/%.o $(KIT) $(OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(LINK) $^ -o $@ $(PKG_LIBS) -lbrotlienc -lcmocka -lssl -lcrypto
$(OUT)/%.o: %.c | $(SKEL) $(EMBED)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@
$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) -target bpf -D__TARGET_ARCH_$(ARCH) -O2 -g -Wall -Werror -Ibpf -Iinclude \
		-I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c $< -o $@
$(SKEL): $(BPF)
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D) && $(BPFTOOL) gen object $(OUT)/bpf/submeter.o $^ && \
		$(BPFTOOL) gen skeleton $(OUT)/bpf/submeter.o name submeter_bpf > $@
# Files that travel inside the binary, as the body of a C array.
$(OUT)/gen/book.inc: user/price/book.yaml
	$(Q)mkdir -p $(@D) && od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' > $@
$(OUT)/gen/schema.inc: $(sort $(wildcard user/ledger/*.sql))
	$(Q)mkdir -p $(@D) && cat $^ | od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g' > $@
# Fuzz targets: all of user/ with coverage and sanitizers, in a folder of its own.
$(OUT)/fuzz/%: tests/fuzz/%.c $(SRC) $(wildcard include/*.h include/*/*.h tests/fuzz/*.h tests/unit/*.h)
	$(Q)$(MAKE) --no-print-directory fuzz-objects OUT=$(OUT)/fuzz-obj CC=$(CLANG) SAN=fuzzer-no-link,address,undefined
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(STD) -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
		$(PKG_CFLAGS) $< $(SRC:%.c=$(OUT)/fuzz-obj/%.o) -o $@ $(PKG_LIBS)
.PHONY: fuzz-objects
fuzz-objects: $(OBJ)

-include $(OBJ:.o=.d) $(BPF:.o=.d) $(patsubst %.c,$(OUT)/%.d,$(MAINS) $(TESTS) $(wildcard tests/fuzz/*.c tests/kit/*.c))
