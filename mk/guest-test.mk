# SPDX-License-Identifier: Apache-2.0
# The test guests: each guest/test/t_NAME.c and guest/test/(x86|arm64)/t_NAME.c becomes $(B)/guest-test/NAME.elf, a Multiboot
# kernel, or NAME.Image, an arm64 kernel image.
GT      := $(B)/guest-test
GT_ARCH := guest/test/$(ARCHDIR)
GT_LIB  := $(patsubst %,$(GT)/obj/%.o,$(wildcard guest/test/lib/*.c) \
             $(filter-out $(GT_ARCH)/t_%.c,$(wildcard $(addprefix $(GT_ARCH)/*.,c asm S))))
# What t_bench.c of both architectures is linked with besides.
GT_BENCH := $(patsubst %,$(GT)/obj/%.o,$(wildcard $(addprefix guest/test/bench/,*.c $(ARCHDIR)/*.S)))
GT_NAMES := $(patsubst t_%.c,%,$(notdir $(wildcard guest/test/t_*.c $(GT_ARCH)/t_*.c)))
GT_EXT.x86   := elf
GT_EXT.arm64 := Image
GT_OUT := $(patsubst %,$(GT)/%.$(GT_EXT.$(ARCHDIR)),$(GT_NAMES))

.PHONY: guest-test
guest-test: $(GT_OUT)

.SECONDARY: $(GT_LIB) $(GT_BENCH) $(patsubst %,$(GT)/obj/%.o,$(wildcard guest/test/t_*.c $(GT_ARCH)/t_*.c))

# x86: the code is 64-bit, but Multiboot loaders want an ELF32: the same bytes in another header.
GT_FLAGS.x86   := -fno-pic -fno-pie
GT_LINK.x86    := -static -no-pie -Wl,-z,max-page-size=4096
GT_OBJCOPY.x86 := -O elf32-i386
# arm64: it moves itself to where it was loaded; with the MMU off, unaligned accesses may fault.
GT_FLAGS.arm64   := -fpie -fvisibility=hidden -mstrict-align -fno-tree-loop-distribute-patterns
GT_LINK.arm64    := -static-pie -Wl,--no-dynamic-linker -Wl,-z,text -Wl,-z,norelro -Wl,-z,max-page-size=4096
GT_OBJCOPY.arm64 := -O binary

$(GT)/obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $< (test guest)"
	@$(CC) $(BASE) $(GT_FLAGS.$(ARCHDIR)) -c -o $@ $<

$(GT)/obj/%.S.o: %.S
	@mkdir -p $(@D)
	@echo "AS    $< (test guest)"
	@$(CC) $(BASE) $(GT_FLAGS.$(ARCHDIR)) -c -o $@ $<

$(GT)/obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "NASM  $< (test guest)"
	@$(NASM) -f elf64 -I./ -MD $(@:.o=.d) -o $@ $<

define GT_LD
	@echo "LD    $@"
	@$(CC) -nostdlib $(GT_LINK.$(ARCHDIR)) -Wl,-T,$(GT_ARCH)/test.ld -Wl,--build-id=none \
	  -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@.64 $(filter %.o,$^)
	@$(CROSS)objcopy $(GT_OBJCOPY.$(ARCHDIR)) $@.64 $@
endef

$(GT)/%.$(GT_EXT.$(ARCHDIR)): $(GT)/obj/$(GT_ARCH)/t_%.c.o $(GT_LIB) $(GT_ARCH)/test.ld
	$(GT_LD)
$(GT)/%.$(GT_EXT.$(ARCHDIR)): $(GT)/obj/guest/test/t_%.c.o $(GT_LIB) $(GT_ARCH)/test.ld
	$(GT_LD)
$(GT)/bench.$(GT_EXT.$(ARCHDIR)): $(GT_BENCH)

# --- alone ----------------------------------------------------------------------------------------------------------------
# Their expectations hold on QEMU without any hypervisor: a failure here is the test's, one under Trivet is Trivet's.
GT_PLAIN.x86 := cpu io mmio apic irq modes pci memory bench hostile-msrstorm hostile-hypercall hostile-portstorm \
                hostile-virtio-corrupt
GT_PLAIN.arm64 := $(filter-out hostile-exitstorm hostile-bellstorm hostile-idle hostile-spin hostile-wfiloop hostile-stackloop hostile-wildjump,$(GT_NAMES))
GT_MACHINES.x86   := pc q35
GT_MACHINES.arm64 := v2-a72 v2-max v3-a72 v3-max
GT_QEMU.pc     := qemu-system-x86_64 -M pc -cpu max
GT_QEMU.q35    := qemu-system-x86_64 -M q35 -cpu max
GT_QEMU.v2-a72 := qemu-system-aarch64 -M virt,gic-version=2 -cpu cortex-a72 -m 256
GT_QEMU.v2-max := qemu-system-aarch64 -M virt,gic-version=2 -cpu max -m 256
GT_QEMU.v3-a72 := qemu-system-aarch64 -M virt,gic-version=3,its=off -cpu cortex-a72 -m 256
GT_QEMU.v3-max := qemu-system-aarch64 -M virt,gic-version=3 -cpu max -m 256

.PHONY: test-guest-plain
test-guest-plain: $(GT_OUT)
	@truncate -s 1M $(GT)/disk.img
	@set -e; $(foreach m,$(GT_MACHINES.$(ARCHDIR)),for t in $(or $(T),$(GT_PLAIN.$(ARCHDIR))); do \
	  timeout -k 1 60 $(GT_QEMU.$m) -kernel $(GT)/$$t.$(GT_EXT.$(ARCHDIR)) -nographic -no-reboot -net none \
	    -device virtio-rng-pci -drive file=$(GT)/disk.img,if=none,id=d,format=raw -device virtio-blk-pci,drive=d \
	    </dev/null >$(GT)/$$t.$m.log 2>&1 || true; \
	  if grep -aq '^DONE [0-9]* passed 0 failed' $(GT)/$$t.$m.log; \
	    then echo "PASS  $$t ($m): $$(grep -a ^DONE $(GT)/$$t.$m.log | tr -d '\r')"; \
	    else echo "FAIL  $$t ($m): see $(GT)/$$t.$m.log"; exit 1; fi; done; )
