# SPDX-License-Identifier: Apache-2.0
# Trivet: `make run` boots a Debian kernel on it, `make test` tries everything. See README.md.

# The architecture: this machine's, where ARCH does not say another. Tests are of all that can be built, or of ARCH.
HOSTARCH := $(if $(filter aarch64,$(shell uname -m)),arm64,x86_64)
ifeq ($(origin ARCH),undefined)
ARCH   := $(HOSTARCH)
ARCHES := $(if $(filter arm64,$(HOSTARCH)),arm64,x86_64 arm64)
else
ARCHES := $(ARCH)
endif
B     := build/$(ARCH)
CC    ?= gcc
NASM  ?= nasm
ifeq ($(origin CC),default)
CC := gcc
endif
HOSTCC := $(CC)

# Folder of the architecture: both 64-bit x86 vendors share one image.
ARCHDIR.x86_64 := x86
ARCHDIR.arm64  := arm64
ARCHDIR := $(ARCHDIR.$(ARCH))
ifeq ($(ARCHDIR),)
$(error ARCH is '$(ARCH)', must be x86_64 or arm64)
endif

# On another machine than the target's: Debian's cross compilers.
CROSS.x86_64 := x86_64-linux-gnu-
CROSS.arm64  := aarch64-linux-gnu-
ifneq ($(ARCH),$(HOSTARCH))
CROSS := $(CROSS.$(ARCH))
CC    := $(CROSS)$(CC)
endif

BASE.x86_64 := -mno-red-zone -fcf-protection=none
BASE.arm64  := -mno-outline-atomics
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
        -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
BASE := -std=gnu17 -g -O2 $(WARN) -ffreestanding -fno-stack-protector -fno-common -fno-strict-aliasing \
        -fno-asynchronous-unwind-tables -fomit-frame-pointer -mgeneral-regs-only $(BASE.$(ARCH)) \
        -I. -Ihv/abi/$(ARCHDIR) -MMD -MP
HVFLAGS.x86_64 := -mcmodel=kernel -fno-pic -fno-pie
# It relocates itself. Before the MMU is on, memory takes aligned accesses alone.
HVFLAGS.arm64  := -fpie -include hv/lib/hidden.h -mstrict-align -mbranch-protection=bti -ffunction-sections -Wa,-march=armv8.5-a
HVFLAGS    := $(BASE) $(HVFLAGS.$(ARCH)) -Iarch/$(ARCHDIR)
# hv/lib/string.c must not be compiled into calls of itself.
NO_IDIOM := $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
GUESTFLAGS := $(BASE) -fpie -include hv/lib/hidden.h -ffunction-sections -fdata-sections -Iguest/rt/$(ARCHDIR) -Iguest/vmm/$(ARCHDIR)

# --- the hypervisor -------------------------------------------------------------------------------
BOOT.x86_64 := boot/*.c boot/multiboot/*.c boot/multiboot/*.asm
BOOT.arm64  := boot/arm64/*.c boot/arm64/*.S
HV_SRC := $(wildcard hv/*.c hv/lib/*.c arch/$(ARCHDIR)/*.c drivers/*/*.c drivers/*/$(ARCHDIR)/*.c arch/$(ARCHDIR)/*.asm \
            arch/$(ARCHDIR)/*.S $(BOOT.$(ARCH)))
HV_OBJ := $(patsubst %,$(B)/hv-obj/%.o,$(HV_SRC))

# --- the service VM -------------------------------------------------------------------------------
SV_SRC := $(wildcard guest/rt/*.c guest/rt/$(ARCHDIR)/*.c guest/vmm/*.c guest/vmm/dev/*.c guest/vmm/$(ARCHDIR)/*.c \
            guest/drv/*.c guest/drv/$(ARCHDIR)/*.c guest/service/*.c guest/service/$(ARCHDIR)/*.c \
            guest/rt/$(ARCHDIR)/*.asm guest/rt/$(ARCHDIR)/*.S) \
          hv/lib/string.c hv/lib/print.c hv/lib/ptab.c hv/lib/pool.c
SV_OBJ := $(patsubst %,$(B)/sv-obj/%.o,$(SV_SRC))

.DEFAULT_GOAL := all
include mk/acpica.mk
include mk/libfdt.mk
include mk/uefi.mk

PYTHON ?= /usr/bin/python3
ASSETS.x86_64 := build/assets
ASSETS.arm64  := build/assets/arm64
ASSETS := $(ASSETS.$(ARCH))/vmlinuz

.PHONY: all
all: say-all deps-build all-$(ARCH)

.PHONY: all-x86_64 all-arm64
all-x86_64: $(B)/trivet.elf $(B)/trivet32.elf $(B)/service.bin guest-test $(B)/guest-test/tiny.mb2 $(B)/guest-test/echo.mb2
all-arm64: $(B)/trivet.Image $(B)/service.bin guest-test $(B)/guest-test/tiny.Image $(B)/guest-test/echo.Image

.PHONY: say-all
say-all:
	@echo "all: building the hypervisor, the service VM and the test guests into $(B)/"

LINK.x86_64 := -static -no-pie
LINK.arm64  := -static-pie -Wl,--no-dynamic-linker -Wl,-z,text -Wl,-z,norelro -Wl,--gc-sections

$(B)/trivet.elf: $(HV_OBJ) $(B)/linker.ld
	@echo "LD    $@"
	@$(CC) -nostdlib $(LINK.$(ARCH)) -Wl,-T,$(B)/linker.ld -Wl,-z,max-page-size=4096 -Wl,--build-id=none \
	  -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@ $(HV_OBJ)

# The same for loaders that know no ELF files of 64 bits (iPXE).
$(B)/trivet32.elf: $(B)/trivet.elf
	@echo "ELF32 $@"
	@$(CROSS)objcopy -S -I elf64-x86-64 -O elf32-i386 $< $@

# Other flags make other objects.
$(HV_OBJ) $(SV_OBJ): Makefile

$(B)/trivet.Image: $(B)/trivet.elf
	@echo "BIN   $@"
	@$(CROSS)objcopy -O binary $< $@

$(B)/linker.ld: linker.ld
	@mkdir -p $(@D)
	@$(CC) -E -P -x c -DARCH_$(ARCHDIR) -I. -o $@ $<

$(B)/hv-obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $<"
	@$(CC) $(HVFLAGS) $(HV_CFLAGS) -c -o $@ $<

# What runs at boot, for pages as they change hands, at an audit or in a panic need not be fast: the image has a limit (make size).
COLD := boot/%.c drivers/%.c $(addprefix hv/,audit.c call_vm.c log.c main.c mem.c report.c screen.c service.c smp.c lib/print.c lib/symbol.c) \
        $(addprefix arch/$(ARCHDIR)/,cpu.c gic.c mem.c report.c smp.c vgic_init.c vmx_caps.c vmx_check.c)
$(patsubst %,$(B)/hv-obj/%.o,$(filter $(COLD),$(HV_SRC))): HV_CFLAGS += -Os

$(B)/hv-obj/hv/lib/string.c.o: HV_CFLAGS += $(NO_IDIOM)
$(B)/sv-obj/hv/lib/string.c.o: SV_CFLAGS += $(NO_IDIOM)

$(B)/hv-obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "NASM  $<"
	@$(NASM) -f elf64 -g -F dwarf -I$(B)/ -I./ -MD $(@:.o=.d) -o $@ $<

$(B)/hv-obj/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "AS    $<"
	@$(CC) $(filter-out -include hv/lib/hidden.h,$(HVFLAGS)) -D__ASSEMBLER__ -c -o $@ $<

$(B)/sv-obj/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "AS    $< (service VM)"
	@$(CC) $(filter-out -include hv/lib/hidden.h,$(GUESTFLAGS)) -D__ASSEMBLER__ -c -o $@ $<

$(B)/sv-obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $< (service VM)"
	@$(CC) $(GUESTFLAGS) $(SV_CFLAGS) -c -o $@ $<

$(B)/sv-obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "NASM  $< (service VM)"
	@$(NASM) -f elf64 -g -F dwarf -I$(B)/ -I./ -MD $(@:.o=.d) -o $@ $<

$(B)/service.elf: $(SV_OBJ) guest/rt/service.ld
	@echo "LD    $@"
	@$(CC) -nostdlib -static-pie -Wl,-T,guest/rt/service.ld -Wl,--no-dynamic-linker -Wl,-z,text -Wl,-z,norelro \
	  -Wl,-z,max-page-size=4096 -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments \
	  -Wl,--gc-sections -o $@ $(SV_OBJ)

$(B)/service.bin: $(B)/service.elf
	@echo "BIN   $@"
	@$(CROSS)objcopy -O binary $< $@

# inih parses the configuration. guest/service/inih.c builds it, with our options and as much of the standard headers as
# it needs, from its Debian source package (docs/dependencies.md), without Debian's patches: they turn options into variables
# and one of ours off. Its warnings are not ours.
INIH := build/src/libinih/ini.c
$(INIH): mk/debsrc.sh
	@echo "GET   Debian's source of libinih"
	@mk/debsrc.sh --pristine libinih build/src trixie
	@touch $@
$(B)/sv-obj/guest/service/inih.c.o $(B)/sv-obj/guest/service/config.c.o: \
  SV_CFLAGS += -isystem guest/rt/libc -isystem hv/lib/libc -isystem $(dir $(INIH))
$(B)/sv-obj/guest/service/inih.c.o $(B)/sv-obj/guest/service/config.c.o build/unit/test_config: | $(INIH)

# --- test guests, built to $(B)/guest-test/NAME.elf or NAME.Image ---------------------------------------------------
.PHONY: guest-test
guest-test:
-include mk/guest-test.mk

$(B)/guest-test/tiny.mb2 $(B)/guest-test/echo.mb2: tests/emu/tiny.asm
	@mkdir -p $(@D)
	@echo "NASM  $< ($(@F))"
	@$(NASM) -f elf64 $(if $(findstring echo,$@),-DECHO) -o $@.o $<
	@ld -n -nostdlib -static --no-warn-rwx-segments -Ttext=0x100000 -o $@ $@.o

$(B)/guest-test/tiny.Image $(B)/guest-test/echo.Image: tests/emu/tiny.S
	@mkdir -p $(@D)
	@echo "AS    $< ($(@F))"
	@$(CC) -nostdlib -static -no-pie -Wl,-Ttext=0 -Wl,--build-id=none $(if $(findstring echo,$@),-DECHO) -o $@.tmp $<
	@$(CROSS)objcopy -O binary $@.tmp $@

# --- guest assets: Debian's kernel, unpacked, and a busybox initramfs -----------------------------------------------
.PHONY: assets run image
$(ASSETS): $(wildcard tests/assets/*.* tests/assets/init tests/assets/tests/*)
	@echo "GET   Debian's kernel, and make an initramfs of busybox ($(@D))"
	@$(PYTHON) tests/assets/build.py --arch $(ARCH) $(@D)

# Packages that are unpacked and not installed: GRUB for arm64's sticks, which cannot be beside this machine's own, and iPXE for
# a test, which would put itself into the machine's boot menu.
UNPACKED.x86_64 := build/assets/ipxe/boot/ipxe.efi
UNPACKED.arm64  := build/assets/arm64/grub-efi-arm64-bin/usr/lib/grub/arm64-efi/moddep.lst
$(UNPACKED.x86_64): PACKAGE := ipxe
$(UNPACKED.arm64): PACKAGE := grub-efi-arm64-bin
$(UNPACKED.$(ARCH)): | $(ASSETS)
	@echo "GET   Debian's package $(PACKAGE), and unpack it"
	@$(PYTHON) tests/assets/build.py --arch $(ARCH) --package $(PACKAGE) $(ASSETS.$(ARCH))

assets: deps-run $(ASSETS) $(UNPACKED.$(ARCH))

# A disk with Debian on it, which firmware boots in tests: mmdebstrap takes a minute for it.
.PHONY: assets-test
DEBIAN.x86_64 := build/assets/debian.img
$(DEBIAN.x86_64): tests/assets/debian.py | deps-run deps-test
	@echo "GET   Debian, installed on a disk for tests ($@)"
	@$(PYTHON) $< $@

assets-test: assets $(DEBIAN.$(ARCH))

# Linux with KVM and QEMU, for an emulated machine: what `make bench` compares with.
.PHONY: assets-bench
BENCH_ASSETS := build/assets/bench/$(ARCH)/vmlinuz
$(BENCH_ASSETS): tests/bench/l1.py tests/bench/l1-init tests/assets/build.py | deps-run deps-bench
	@echo "GET   Debian's kernel and QEMU, to compare with ($(@D))"
	@$(PYTHON) tests/bench/l1.py --arch $(ARCH) --assets $(ASSETS.$(ARCH)) $(@D)

assets-bench: $(BENCH_ASSETS) $(ASSETS)

# --- what it costs: docs/performance.md ---------------------------------------------------------------------------------
.PHONY: bench bench-quick bench-built bench-docs bench-baseline
bench-built: deps-build deps-run deps-test deps-bench
	@for a in $(ARCHES); do $(MAKE) --no-print-directory ARCH=$$a all assets || exit; done

bench: bench-built
	@echo "bench: single operations and whole workloads, on Trivet, under KVM and without a hypervisor: some 15 minutes"
	@for a in $(ARCHES); do $(MAKE) --no-print-directory ARCH=$$a assets-bench || exit; done
	@$(PYTHON) tests/bench/bench.py --arch "$(ARCHES)"

bench-quick: bench-built
	@echo "bench-quick: single operations and a boot, on Trivet alone"
	@$(PYTHON) tests/bench/bench.py --arch "$(ARCHES)" --quick

bench-docs:
	@$(PYTHON) tests/bench/bench.py --document

bench-baseline:
	@$(PYTHON) tests/bench/bench.py --set-baseline

run: deps-build deps-run
	@echo "run: building, then starting a Debian kernel on Trivet for $(ARCH) (CONFIG=file for another guest, ARGS=... for ./trivet)"
	@$(MAKE) --no-print-directory all assets
	@./trivet run --arch $(ARCH) $(if $(CONFIG),--config $(CONFIG)) $(ARGS)

image: deps-build deps-run
	@echo "image: building, then writing $(B)/trivet.img for a stick or a CD (CONFIG=file for other guests, ARGS=... for ./trivet pack)"
	@$(MAKE) --no-print-directory all assets
	@./trivet pack --image --arch $(ARCH) $(or $(CONFIG),$(ASSETS.$(ARCH))/default.ini) -o $(B)/trivet.img $(ARGS)
	@echo "image: ./trivet flash $(B)/trivet.img /dev/sdX writes it to a stick; ./trivet run --arch $(ARCH) --firmware uefi --image $(B)/trivet.img tries it"

# A guest's ACPI DSDT as a C array.
$(B)/gen/dsdt.h: guest/vmm/x86/dsdt.asl
	@mkdir -p $(@D)
	@echo "IASL  $<"
	@iasl -p $(B)/gen/dsdt -tc $< >$(B)/gen/dsdt.log 2>&1 || { cat $(B)/gen/dsdt.log; exit 1; }
	@sed 's/^unsigned char/static const unsigned char/' $(B)/gen/dsdt.hex >$@

$(B)/sv-obj/guest/vmm/x86/acpi.c.o: $(B)/gen/dsdt.h
$(B)/sv-obj/guest/vmm/x86/acpi.c.o: GUESTFLAGS += -I$(B)

# The screen's font as a C array: Unifont, of GRUB's Debian package (docs/dependencies.md).
FONT := /usr/share/grub/ascii.pf2
build/gen/fb_font.h: mk/font.py $(FONT)
	@mkdir -p $(@D)
	@echo "FONT  $(FONT)"
	@$(PYTHON) mk/font.py $(FONT) $@
$(FONT): | build/deps/build

$(B)/hv-obj/drivers/fb/fb.c.o: build/gen/fb_font.h
$(B)/hv-obj/drivers/fb/fb.c.o: HV_CFLAGS += -Ibuild

# --- unit tests: each tests/unit/test_X.c names the sources it needs in a line "LINK: a.c b.c" --------
UB := build/unit
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(UB)/%,$(UNIT_SRC))
UNITFLAGS := -std=gnu17 -g -O1 $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
             -DUNIT_TEST -I. -Ibuild -Ihv/abi/x86 -Iarch/host -Iguest/rt/x86 -Iguest/vmm/x86

define unit_rule
$(UB)/$(1): tests/unit/$(1).c $(2)
	@mkdir -p $$(@D)
	@echo "CC    $$<"
	@$$(HOSTCC) -Itests/unit $$(shell sed -n 's/.*CFLAGS: *\([^*]*\).*/\1/p' tests/unit/$(1).c) $$(UNITFLAGS) -o $$@ tests/unit/$(1).c $(2) -lcmocka
	@$$(HOSTCC) -Itests/unit $$(shell sed -n 's/.*CFLAGS: *\([^*]*\).*/\1/p' tests/unit/$(1).c) $$(UNITFLAGS) -MM -MP -MT $$@ tests/unit/$(1).c $$(filter %.c,$(2)) >$$@.d
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(UNIT_SRC)),$(eval $(call unit_rule,$(t),$(shell sed -n 's/.*LINK: *\([^*]*\).*/\1/p' tests/unit/$(t).c))))
$(UNIT_BIN): | build/gen/fb_font.h
$(UB)/test_acpi $(UB)/test_pc: $(B)/gen/dsdt.h
$(UB)/test_acpi $(UB)/test_pc: UNITFLAGS += -I$(B)

# Firmware's tables as C arrays: tests/unit/firmware.asl, one of its tables in each.
build/gen/firmware/%.h: tests/unit/firmware.asl
	@mkdir -p $(@D)
	@echo "IASL  $< ($*)"
	@iasl -D $* -p $(@D)/$* -tc $< >$(@D)/$*.log 2>&1 || { cat $(@D)/$*.log; exit 1; }
	@sed 's/^unsigned char .*\[\]/static const unsigned char firmware_$*[]/' $(@D)/$*.hex >$@
$(UB)/test_acpi_end: $(patsubst %,build/gen/firmware/%.h,$(shell sed -n 's/.*build.gen.firmware.\(.*\)\.h.*/\1/p; s/.*"gen.firmware.\(.*\)\.h".*/\1/p' tests/unit/test_acpi_end.c))

# Data races are ThreadSanitizer's to find, which cannot be had together with the others.
$(UB)/test_stress: UNITFLAGS := $(patsubst -fsanitize=address%,-fsanitize=thread,$(UNITFLAGS)) -pthread -Wno-tsan

# --- checks: tests/run.py runs them, counts, and ends with "N passed, N failed, N skipped" --------------------------
.PHONY: test test-unit test-emu lint unit-bin
test: deps-build deps-run deps-test
	@echo "test: unit tests, lint, and whole systems for $(ARCHES), emulated by QEMU (SVM, arm64) and Bochs (VMX)"
	@$(PYTHON) tests/run.py --arch "$(ARCHES)" unit lint emu

test-unit: deps-build deps-test
	@echo "test-unit: $(words $(UNIT_BIN)) programs under AddressSanitizer and UBSan"
	@$(PYTHON) tests/run.py unit

test-emu: deps-build deps-run deps-test
	@echo "test-emu: whole systems for $(ARCHES) in emulators, $(if $(T),those that match '$(T)',all of them)"
	@$(PYTHON) tests/run.py --arch "$(ARCHES)" emu $(if $(T),-k '$(T)')

.PHONY: soak
MACHINE ?= svm
HOURS   ?= 1
SEED    ?= 1
soak: deps-build deps-run deps-test
	@echo "soak: tests/emu/test_torture.py on $(MACHINE) for $(HOURS) hours, SEED=$(SEED)"
	@TORTURE_SECONDS=$$(($(HOURS) * 3600)) TORTURE_SEED=$(SEED) $(PYTHON) tests/run.py \
	  --arch "$(if $(findstring arm64,$(MACHINE)),arm64,x86_64)" emu -k 'torture and $(MACHINE)'

lint: deps-test
	@echo "lint: format, static analysis, licences, include rules, size of functions"
	@$(PYTHON) tests/run.py lint

unit-bin: $(UNIT_BIN)

.PHONY: format tidy
format:
	@echo "format: rewriting C sources as .clang-format says"
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

tidy:
	@echo "tidy: clang-tidy on the hypervisor and the service VM"
	@clang-tidy --quiet $(filter %.c,$(HV_SRC)) -- $(filter-out -MMD -MP -Werror,$(HVFLAGS))
	@clang-tidy --quiet $(filter-out %/inih.c guest/drv/x86/acpi%,$(filter %.c,$(SV_SRC))) -- $(filter-out -MMD -MP -Werror,$(GUESTFLAGS))

.PHONY: size
size:
	@echo "size: lines of code (no blanks or comments) and bytes, by part"
	@for a in $(ARCHES); do $(MAKE) --no-print-directory ARCH=$$a size-image || exit; done
	@$(PYTHON) mk/size.py $(ARCHES:%=build/%)

.PHONY: size-image
size-image: deps-build $(B)/trivet.elf $(B)/service.bin

# --- what has to be installed: mk/packages ------------------------------------------------------------------------------
.PHONY: deps deps-build deps-run deps-test deps-bench
deps: deps-test
	@for a in $(ARCHES); do $(MAKE) --no-print-directory ARCH=$$a deps-build deps-run || exit; done
deps-build: build/deps/build $(if $(CROSS),build/deps/cross-$(ARCH))
deps-run: build/deps/run build/deps/run-$(ARCH)
deps-test: build/deps/test $(patsubst %,build/deps/test-%,$(filter x86_64,$(ARCHES)))
deps-bench: build/deps/bench
build/deps/%: mk/packages mk/deps.sh
	@mk/deps.sh $*
	@mkdir -p $(@D) && touch $@

.PHONY: help
help:
	@echo "make            build hypervisor and service VM          make run        a Debian kernel on Trivet"
	@echo "make test       everything: unit, lint, emulated systems make test-unit  unit tests alone"
	@echo "make test-emu   emulated systems, T=name for some        make lint       format and rules"
	@echo "make size       lines and bytes by part                  make assets     the default guest's kernel and initrd"
	@echo "make image      a stick or CD with a boot menu            make ARCH=arm64 image   the same for arm64"
	@echo "make format     lay the sources out                      make tidy       clang-tidy, if it is installed"
	@echo "make deps       install what is missing (apt)            make clean      remove build/"
	@echo "make soak       console commands at random for HOURS=1, SEED=1, MACHINE=svm"
	@echo "make test-guest-plain   the test guests on plain QEMU, without Trivet"
	@echo "make bench      what it costs, beside KVM                make bench-quick   Trivet's part alone, in 2 minutes"
	@echo "make assets-bench       Linux with KVM and QEMU, to compare with (tests/bench/peers.py)"
	@echo "ARCH=x86_64 or ARCH=arm64 chooses the architecture (ARCH=arm64 make run); without it tests are of both"
	@echo "ARGS='--machine arm64-nvhe --gic 2' make run: options of ./trivet run; ./trivet run --help lists them"

.PHONY: clean
clean:
	@echo "clean: removing build/"
	@rm -rf build

-include $(shell find build -path build/src -prune -o -path build/assets -prune -o -name '*.d' -print 2>/dev/null)
