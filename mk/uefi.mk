# SPDX-License-Identifier: Apache-2.0
# mk/uefi.mk: $(B)/trivet.efi, the UEFI application that loads the hypervisor (boot/uefi). Headers, start-up code and linker
# script are gnu-efi's, from the authors' source in Debian's package, as it has no package for another architecture's files
# (docs/dependencies.md). Its warnings are not ours. Included by the Makefile.

EFI := build/src/gnu-efi
EFIARCH.x86_64 := x86_64
EFIARCH.arm64  := aarch64
EFIARCH := $(EFIARCH.$(ARCH))

# Characters of 16 bits; on x86 firmware has Microsoft's calling convention.
EFIFLAGS := $(BASE) -fpie -fshort-wchar -include hv/lib/hidden.h -DGNU_EFI_USE_MS_ABI -isystem $(EFI)/inc
EFI_SRC := boot/names.c $(wildcard boot/uefi/*.c boot/uefi/$(ARCHDIR)/*.c boot/uefi/$(ARCHDIR)/*.S) hv/lib/string.c hv/lib/print.c
EFI_OBJ := $(patsubst %,$(B)/efi-obj/%.o,$(EFI_SRC)) $(B)/efi-obj/gnu-efi/reloc.o
EFI_CRT := $(B)/efi-obj/gnu-efi/crt0.o
# The x86 file is made by objcopy, which knows PE; arm64's start-up code has the PE header in it.
EFI_COPY.x86_64 := --target=efi-app-x86_64
EFI_COPY.arm64  := -O binary
EFI_SECTIONS := $(patsubst %,-j %,.text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc)

$(EFI)/inc/efi.h: mk/debsrc.sh
	@echo "GET   gnu-efi, of Debian's source package"
	@mk/debsrc.sh --orig gnu-efi build/src trixie
	@touch $@

$(EFI_OBJ) $(EFI_CRT): Makefile mk/uefi.mk | $(EFI)/inc/efi.h

$(B)/efi-obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $< (UEFI)"
	@$(CC) $(EFIFLAGS) $(if $(findstring string.c,$<),$(NO_IDIOM)) -c -o $@ $<

$(B)/efi-obj/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "AS    $< (UEFI)"
	@$(CC) $(filter-out -include hv/lib/hidden.h,$(EFIFLAGS)) -D__ASSEMBLER__ -c -o $@ $<

$(B)/efi-obj/gnu-efi/reloc.o:
	@mkdir -p $(@D)
	@echo "CC    gnu-efi"
	@$(CC) -isystem boot/uefi/libc $(EFIFLAGS) -w -c -o $@ $(EFI)/gnuefi/reloc_$(EFIARCH).c

$(EFI_CRT):
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $(EFI)/gnuefi/crt0-efi-$(EFIARCH).S

$(B)/trivet.efi: $(EFI_OBJ)
# For tests: firmware whose last service fails, once or always, or that leaves the serial line alone.
$(B)/guest-test/silent.efi: $(B)/efi-obj/fault-silent.o $(B)/efi-obj/gnu-efi/reloc.o
$(B)/guest-test/stale-once.efi: $(B)/efi-obj/fault-stale-once.o $(B)/efi-obj/gnu-efi/reloc.o
$(B)/guest-test/stale-always.efi: $(B)/efi-obj/fault-stale-always.o $(B)/efi-obj/gnu-efi/reloc.o

$(B)/efi-obj/fault-stale-once.o: EFI_FAULT := -DFAILURES=1 -DSILENT=0
$(B)/efi-obj/fault-stale-always.o: EFI_FAULT := -DFAILURES=100 -DSILENT=0
$(B)/efi-obj/fault-silent.o: EFI_FAULT := -DFAILURES=0 -DSILENT=1

$(B)/efi-obj/fault-stale-once.o $(B)/efi-obj/fault-stale-always.o $(B)/efi-obj/fault-silent.o: tests/emu/uefi/fault.c Makefile mk/uefi.mk | $(EFI)/inc/efi.h
	@mkdir -p $(@D)
	@echo "CC    $< ($(basename $(@F)), UEFI)"
	@$(CC) $(EFIFLAGS) $(EFI_FAULT) -c -o $@ $<

EFI_ALL := $(B)/trivet.efi $(B)/guest-test/stale-once.efi $(B)/guest-test/stale-always.efi $(B)/guest-test/silent.efi
all-$(ARCH): $(EFI_ALL)
$(EFI_ALL): $(EFI_CRT)
	@mkdir -p $(@D)
	@echo "LD    $@"
	@$(CROSS)ld -nostdlib -shared -Bsymbolic -znocombreloc -z noexecstack --no-undefined --no-warn-rwx-segments \
	  --defsym=EFI_SUBSYSTEM=0xa -T $(EFI)/gnuefi/elf_$(EFIARCH)_efi.lds -o $@.so $(EFI_CRT) $(filter-out $(EFI_CRT),$^)
	@$(CROSS)objcopy $(EFI_SECTIONS) $(EFI_COPY.$(ARCH)) $@.so $@
