# submeter -- `make help` prints what there is to make.
OUT  ?= out
V    ?= 0
SAN  ?=
STRICT ?= 0
CC   ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

VERSION := 0.1.0
PKGS := libbpf libelf capstone zlib libbrotlidec libzstd libnghttp2 jansson yaml-0.1 sqlite3 libmicrohttpd \
	libsodium libcap-ng libuv
STD  := -std=gnu17 -D_GNU_SOURCE -DSUBMETER_VERSION='"$(VERSION)"'
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wwrite-strings \
	-Wimplicit-fallthrough $(if $(filter 1,$(STRICT)),-Werror)
HARD := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS ?= -O2 -g
ALL_CFLAGS = $(STD) $(WARN) $(HARD) $(CFLAGS) -Iinclude -I$(OUT)/gen $(shell pkg-config --cflags $(PKGS)) -MMD -MP \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
LIBS = $(shell pkg-config --libs $(PKGS)) -lm
LDFLAGS += -pie -Wl,-z,relro,-z,now
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

Q    := $(if $(filter 1,$(V)),,@)
say   = $(if $(Q),@printf '  %-7s %s\n' $(1) $(2))

MAINS := user/app/main.c user/cli/main.c
SRC   := $(filter-out $(MAINS),$(sort $(wildcard user/*/*.c)))
OBJ   := $(SRC:%.c=$(OUT)/%.o)
UNIT  := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(sort $(wildcard tests/unit/*.c)))
FUZZ  := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(sort $(wildcard tests/fuzz/*.c)))
BPFSRC := $(sort $(wildcard bpf/*.bpf.c))
BPFOBJ := $(BPFSRC:%.c=$(OUT)/%.o)
SKEL  := $(OUT)/gen/submeter.skel.h
EMBED := $(OUT)/gen/book.inc $(OUT)/gen/schema.inc

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo test check lint fmt bench fuzz install deps clean help

help:		## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { sub(/[ \t]+$$/, "", $$1); printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: $(OUT)/bin/submeterd $(OUT)/bin/submeter	## build submeterd and submeter into out/bin

include tools/targets.mk

$(OUT)/bin/submeterd: $(OUT)/user/app/main.o $(OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)
$(OUT)/bin/submeter: $(OUT)/user/cli/main.o $(OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

$(OUT)/%.o: %.c | $(SKEL) $(EMBED)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@
$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) -target bpf -D__TARGET_ARCH_$(ARCH) -O2 -g -Wall -Werror -Ibpf -Iinclude \
		-I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c $< -o $@
$(SKEL): $(BPFOBJ)
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D) && $(BPFTOOL) gen object $(OUT)/bpf/submeter.o $^ && \
		$(BPFTOOL) gen skeleton $(OUT)/bpf/submeter.o name submeter_bpf > $@
# A file as a C array body: the price book and the schema travel inside the binary.
$(OUT)/gen/book.inc: user/price/book.yaml
	$(Q)mkdir -p $(@D) && od -An -v -tu1 $< | sed 's/[0-9]\+/&,/g' > $@
$(OUT)/gen/schema.inc: $(wildcard user/ledger/*.sql)
	$(Q)mkdir -p $(@D) && od -An -v -tu1 $(sort $(wildcard user/ledger/*.sql)) | sed 's/[0-9]\+/&,/g' > $@

$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(OBJ)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS) -lcmocka

-include $(OBJ:.o=.d) $(BPFOBJ:.o=.d) $(patsubst %.c,$(OUT)/%.d,$(MAINS) $(wildcard tests/unit/*.c))
