# SPDX-License-Identifier: Apache-2.0
# mk/acpica.mk: ACPICA, which interprets firmware's ACPI code, for the x86 service VM (guest/drv/x86/acpi*.c), built with our
# flags from the kernel's copy of it in Debian's package linux-source (docs/dependencies.md). Its warnings are not ours.
# Included by the Makefile after SV_OBJ, to which it adds. What it offers:
#   build/unit/acpica.a   for unit tests (in their LINK line, CFLAGS: $(ACPICA_UNIT_CFLAGS)), with AddressSanitizer

ACPICA := build/src/acpica
ACPICA_CORE := $(ACPICA)/drivers/acpi/acpica
# Our configuration goes first.
ACPICA_HEADERS := -D_LINUX -DBUILDING_ACPICA -isystem guest/drv/x86/acpica -isystem $(ACPICA)/include
ACPICA_CFLAGS := $(ACPICA_HEADERS) -isystem guest/rt/libc -isystem hv/lib/libc
ACPICA_UNIT_CFLAGS := $(ACPICA_HEADERS)
ACPICA_USERS := $(wildcard guest/drv/x86/acpi*.c)

ds := args control debug field init method mthdat object opcode pkginit utils wexec wload wload2 wscope wstate
ev := event gpe gpeblk gpeinit gpeutil glock handler misc region rgnini sci xface xfevnt xfgpe xfregn
ex := concat config convrt create debug dump field fldio misc mutex names oparg1 oparg2 oparg3 oparg6 prep region resnte resolv \
      resop serial store storen storob system trace utils
hw := acpi esleep gpe pci regs sleep valid xface xfsleep
ns := access alloc arguments convert dump eval init load names object parse predef prepkg repair repair2 search utils walk \
      xfeval xfname xfobj
ps := args loop object opcode opinfo parse scope tree utils walk xface
rs := addr calc create dumpinfo info io irq list memory misc serial utils xface
tb := data fadt find instal print utils xface xfload xfroot
ut := address alloc ascii buffer cksum copy excep debug decode delete error eval global hex ids init lock math misc mutex nonansi object \
      osi ownerid predef resdecode resrc state string strsuppt strtoul64 xface xfinit xferror xfmutex
ACPICA_SRC := $(foreach p,ds ev ex hw ns ps rs tb ut,$(addprefix $(p),$(addsuffix .c,$($(p)))))
ACPICA_SV_OBJ := $(ACPICA_SRC:%=$(B)/sv-obj/acpica/%.o)
ACPICA_UNIT_OBJ := $(ACPICA_SRC:%=build/unit/acpica/%.o)

$(ACPICA)/include/acpi/acpi.h: mk/kernelsrc.sh
	@echo "GET   ACPICA, of Debian's package linux-source"
	@mk/kernelsrc.sh $(ACPICA) drivers/acpi/acpica include/acpi
	@[ -e $(ACPICA_CORE)/utcksum.c ] || : >$(ACPICA_CORE)/utcksum.c # newer than Linux 6.1
	@touch $@

$(ACPICA_SV_OBJ) $(ACPICA_UNIT_OBJ): $(ACPICA)/include/acpi/acpi.h mk/acpica.mk $(wildcard guest/drv/x86/acpica/*/*.h guest/drv/x86/acpica/*/*/*.h)

ifeq ($(ARCHDIR),x86)
SV_OBJ += $(ACPICA_SV_OBJ)
$(ACPICA_USERS:%=$(B)/sv-obj/%.o): SV_CFLAGS += $(ACPICA_CFLAGS)
$(ACPICA_USERS:%=$(B)/sv-obj/%.o): | $(ACPICA)/include/acpi/acpi.h
endif

$(ACPICA_SV_OBJ): $(B)/sv-obj/acpica/%.o:
	@mkdir -p $(@D)
	@echo "CC    acpica/$*"
	@$(CC) $(GUESTFLAGS) $(ACPICA_CFLAGS) -Os -w -c -o $@ $(ACPICA_CORE)/$*

$(ACPICA_UNIT_OBJ): build/unit/acpica/%.o:
	@mkdir -p $(@D)
	@echo "CC    acpica/$* (unit tests)"
	@$(HOSTCC) $(UNITFLAGS) $(ACPICA_UNIT_CFLAGS) -fno-sanitize=undefined --param asan-stack=0 -w -c -o $@ $(ACPICA_CORE)/$*

# It reads what is not aligned, as x86 may; and its stack is measured.
build/unit/acpica.a: $(ACPICA_UNIT_OBJ)
	@rm -f $@
	@ar rcs $@ $^
