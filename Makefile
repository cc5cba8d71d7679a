# SPDX-License-Identifier: Apache-2.0
# Trivet: `make run` boots a Debian kernel on it, `make test` tries everything. See README.md.

ARCH  ?= x86_64
B     := build/$(ARCH)
CC    ?= gcc
NASM  ?= nasm
ifeq ($(origin CC),default)
CC := gcc
endif

# Folder of the architecture: both 64-bit x86 vendors share one image.
ARCHDIR.x86_64 := x86
ARCHDIR.arm64  := arm64
ARCHDIR := $(ARCHDIR.$(ARCH))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
        -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
BASE := -std=gnu17 -g -O2 $(WARN) -ffreestanding -fno-stack-protector -fno-common -fno-strict-aliasing \
        -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -mgeneral-regs-only -mno-red-zone -fcf-protection=none \
        -I. -Ihv/abi/$(ARCHDIR) -MMD -MP
HVFLAGS    := $(BASE) -mcmodel=kernel -fno-pic -fno-pie -Iarch/$(ARCHDIR)
GUESTFLAGS := $(BASE) -fpie -fvisibility=hidden
TESTFLAGS  := $(BASE) -fno-pic -fno-pie

# --- the hypervisor -------------------------------------------------------------------------------
HV_SRC := $(wildcard hv/*.c hv/lib/*.c arch/$(ARCHDIR)/*.c drivers/*/*.c boot/*.c boot/multiboot/*.c) \
          $(wildcard arch/$(ARCHDIR)/*.asm boot/multiboot/*.asm)
HV_OBJ := $(patsubst %,$(B)/hv-obj/%.o,$(HV_SRC))

# --- the service VM -------------------------------------------------------------------------------
SV_SRC := $(wildcard guest/rt/*.c guest/rt/$(ARCHDIR)/*.c guest/vmm/*.c guest/vmm/dev/*.c guest/vmm/$(ARCHDIR)/*.c \
            guest/drv/*.c guest/service/*.c) $(wildcard guest/rt/$(ARCHDIR)/*.asm) \
          hv/lib/string.c hv/lib/print.c
SV_OBJ := $(patsubst %,$(B)/sv-obj/%.o,$(SV_SRC))

.PHONY: all
all: $(B)/trivet.elf $(B)/service.bin

$(B)/trivet.elf: $(HV_OBJ) $(B)/linker.ld
	@echo "LD    $@"
	@$(CC) -nostdlib -static -no-pie -Wl,-T,$(B)/linker.ld -Wl,-z,max-page-size=4096 -Wl,--build-id=none \
	  -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@ $(HV_OBJ)

$(B)/linker.ld: linker.ld
	@mkdir -p $(@D)
	@$(CC) -E -P -x c -DARCH_$(ARCHDIR) -I. -o $@ $<

$(B)/hv-obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $<"
	@$(CC) $(HVFLAGS) -c -o $@ $<

$(B)/hv-obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "NASM  $<"
	@$(NASM) -f elf64 -g -F dwarf -I$(B)/ -I./ -MD $(@:.o=.d) -o $@ $<

$(B)/sv-obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $< (service VM)"
	@$(CC) $(GUESTFLAGS) $(SV_CFLAGS) -c -o $@ $<

$(B)/sv-obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "NASM  $< (service VM)"
	@$(NASM) -f elf64 -g -F dwarf -I$(B)/ -I./ -MD $(@:.o=.d) -o $@ $<

# --- unit tests: each tests/unit/test_X.c names the sources it needs in a line "LINK: a.c b.c" --------
UB := build/unit
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(UB)/%,$(UNIT_SRC))
UNITFLAGS := -std=gnu17 -g -O1 $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
             -DUNIT_TEST -I. -Ihv/abi/x86 -Iarch/host -Itests/unit

define unit_rule
$(UB)/$(1): tests/unit/$(1).c $$(shell sed -n 's/.*LINK: *\([^*]*\).*/\1/p' tests/unit/$(1).c)
	@mkdir -p $$(@D)
	@echo "CC    $$<"
	@$$(CC) $$(UNITFLAGS) $$(shell sed -n 's/.*CFLAGS: *\([^*]*\).*/\1/p' tests/unit/$(1).c) -MMD -MP -o $$@ $$(filter %.c,$$^) -lcmocka
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(UNIT_SRC)),$(eval $(call unit_rule,$(t))))

.PHONY: test-unit
test-unit: $(UNIT_BIN)
	@echo "test-unit: running $(words $(UNIT_BIN)) programs under AddressSanitizer and UBSan"
	@set -e; for t in $(UNIT_BIN); do $$t; done

.PHONY: clean
clean:
	@echo "clean: removing build/"
	@rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
