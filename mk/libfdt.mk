# SPDX-License-Identifier: Apache-2.0
# mk/libfdt.mk: libfdt, which reads and writes flattened device trees, built from the source of Debian's package
# device-tree-compiler with our flags (docs/dependencies.md). Its warnings are not ours. Included by the Makefile after
# HV_OBJ and SV_OBJ, to which it adds with ARCH=arm64. What it offers:
#   FDT_CFLAGS        for sources that include <libfdt.h>
#   FDT_HV_OBJ        for the hypervisor: reading
#   FDT_SV_OBJ        for the service VM: reading, and writing from beginning to end (fdt_sw.c)
#   build/unit/libfdt.a   for unit tests (in their LINK line, CFLAGS: $(FDT_UNIT_CFLAGS)): both, with sanitizers

FDT := build/src/device-tree-compiler/libfdt
FDT_CFLAGS := -isystem hv/lib/libc -isystem $(FDT)
FDT_UNIT_CFLAGS := -isystem $(FDT)
FDT_HV_SRC := fdt.c fdt_ro.c fdt_check.c
FDT_SV_SRC := fdt.c fdt_ro.c fdt_sw.c
FDT_UNIT_SRC := $(sort $(FDT_HV_SRC) $(FDT_SV_SRC) fdt_wip.c fdt_rw.c fdt_empty_tree.c)
FDT_HV_OBJ := $(FDT_HV_SRC:%=$(B)/hv-obj/libfdt/%.o)
FDT_SV_OBJ := $(FDT_SV_SRC:%=$(B)/sv-obj/libfdt/%.o)
FDT_UNIT_OBJ := $(FDT_UNIT_SRC:%=build/unit/libfdt/%.o)

ifeq ($(ARCHDIR),arm64)
HV_OBJ += $(FDT_HV_OBJ)
SV_OBJ += $(FDT_SV_OBJ)
endif

# The authors' tar file of Debian's source package: there are no patches of Debian's to it.
$(FDT)/libfdt.h: mk/debsrc.sh
	@echo "GET   libfdt, of Debian's source package device-tree-compiler"
	@mk/debsrc.sh --orig device-tree-compiler build/src trixie
	@touch $@

$(FDT_HV_OBJ): $(B)/hv-obj/libfdt/%.o: $(FDT)/libfdt.h
	@mkdir -p $(@D)
	@echo "CC    libfdt/$*"
	@$(CC) $(HVFLAGS) $(FDT_CFLAGS) -Os -w -c -o $@ $(FDT)/$*

$(patsubst %,$(B)/hv-obj/%.o,$(wildcard boot/arm64/*.c)): HV_CFLAGS += $(FDT_CFLAGS)
$(patsubst %,$(B)/hv-obj/%.o,$(wildcard boot/arm64/*.c)): | $(FDT)/libfdt.h

$(FDT_SV_OBJ): $(B)/sv-obj/libfdt/%.o: $(FDT)/libfdt.h
	@mkdir -p $(@D)
	@echo "CC    libfdt/$* (service VM)"
	@$(CC) $(GUESTFLAGS) $(FDT_CFLAGS) -Os -w -c -o $@ $(FDT)/$*

$(FDT_UNIT_OBJ): build/unit/libfdt/%.o: $(FDT)/libfdt.h
	@mkdir -p $(@D)
	@echo "CC    libfdt/$* (unit tests)"
	@$(HOSTCC) $(UNITFLAGS) $(FDT_UNIT_CFLAGS) -w -c -o $@ $(FDT)/$*

build/unit/libfdt.a: $(FDT_UNIT_OBJ)
	@rm -f $@
	@ar rcs $@ $^

ifeq ($(ARCHDIR),arm64)
$(B)/sv-obj/guest/vmm/arm64/fdt.c.o: SV_CFLAGS += $(FDT_CFLAGS)
$(B)/sv-obj/guest/vmm/arm64/fdt.c.o: | $(FDT)/libfdt.h
endif
