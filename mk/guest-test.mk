# SPDX-License-Identifier: Apache-2.0
# The test guests: each guest/test/x86/t_NAME.c becomes the Multiboot ELF32 $(B)/guest-test/NAME.elf.
GT     := $(B)/guest-test
GT_LIB := $(patsubst %,$(GT)/obj/%.o,$(wildcard guest/test/lib/*.c) $(wildcard guest/test/x86/*.asm))
GT_ELF := $(patsubst guest/test/x86/t_%.c,$(GT)/%.elf,$(wildcard guest/test/x86/t_*.c))

.PHONY: guest-test
guest-test: $(GT_ELF)

.SECONDARY: $(GT_LIB) $(patsubst %,$(GT)/obj/%.o,$(wildcard guest/test/x86/t_*.c))

$(GT)/obj/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "CC    $< (test guest)"
	@$(CC) $(TESTFLAGS) -c -o $@ $<

$(GT)/obj/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "NASM  $< (test guest)"
	@$(NASM) -f elf64 -MD $(@:.o=.d) -o $@ $<

# The code is 64-bit, but Multiboot loaders want an ELF32: the same bytes in another header.
$(GT)/%.elf: $(GT)/obj/guest/test/x86/t_%.c.o $(GT_LIB) guest/test/x86/test.ld
	@echo "LD    $@"
	@$(CC) -nostdlib -static -no-pie -Wl,-T,guest/test/x86/test.ld -Wl,-z,max-page-size=4096 -Wl,--build-id=none \
	  -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@.64 $(filter %.o,$^)
	@objcopy -O elf32-i386 $@.64 $@

# Their expectations hold on QEMU without any hypervisor: a failure here is the test's, one under Trivet is Trivet's.
GT_PLAIN := cpu io mmio apic irq modes pci memory exitcost hostile-msrstorm hostile-hypercall hostile-portstorm \
            hostile-virtio-corrupt
.PHONY: test-guest-plain
test-guest-plain: $(GT_ELF)
	@truncate -s 1M $(GT)/disk.img
	@set -e; for t in $(GT_PLAIN); do for m in pc q35; do \
	  timeout -k 1 60 qemu-system-x86_64 -M $$m -cpu max -kernel $(GT)/$$t.elf -nographic -no-reboot -net none \
	    -device virtio-rng-pci -drive file=$(GT)/disk.img,if=none,id=d,format=raw -device virtio-blk-pci,drive=d \
	    </dev/null >$(GT)/$$t.$$m.log 2>&1 || true; \
	  if grep -aq '^DONE [0-9]* passed 0 failed' $(GT)/$$t.$$m.log; \
	    then echo "PASS  $$t ($$m): $$(grep -a ^DONE $(GT)/$$t.$$m.log | tr -d '\r')"; \
	    else echo "FAIL  $$t ($$m): see $(GT)/$$t.$$m.log"; exit 1; fi; done; done
