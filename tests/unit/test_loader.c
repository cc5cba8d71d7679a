/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: guest/vmm/x86/loader.c guest/vmm/x86/linux.c guest/vmm/x86/elf.c guest/vmm/x86/pvh.c */
/* LINK: guest/vmm/x86/multiboot.c tests/unit/fake_kernels.c tests/unit/fake_guest_ram.c */
#include "guest/vmm/x86/loader.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_guest_ram.h"
#include "fake_kernels.h"

static void a_reset_cpu_is_at_the_reset_vector(void **state)
{
	struct vcpu_state s;

	memset(&s, 0xcc, sizeof(s));
	x86_reset_state(&s);
	assert_int_equal(s.regs.seg[X86_CS].sel, 0xf000);
	assert_int_equal(s.regs.seg[X86_CS].base + s.regs.rip, 0xfffffff0);
	assert_int_equal(s.regs.seg[X86_CS].ar, 0x9b);
	assert_int_equal(s.regs.seg[X86_DS].ar, 0x93);
	assert_int_equal(s.regs.seg[X86_SS].limit, 0xffff);
	assert_int_equal(s.regs.cr0, 0x60000010);
	assert_int_equal(s.regs.cr2 | s.regs.cr3 | s.regs.cr4 | s.regs.efer, 0);
	assert_int_equal(s.regs.rflags, 2);
	assert_int_equal(s.ldtr.ar, 0x82);
	assert_int_equal(s.tr.ar, 0x8b);
	assert_int_equal(s.gdtr.limit, 0xffff);
	assert_int_equal(s.idtr.limit, 0xffff);
	assert_int_equal(s.dr6, 0xffff0ff0);
	assert_int_equal(s.dr7, 0x400);
	assert_int_equal(s.pat, 0x0007040600070406);
	assert_int_equal(s.apic_base, 0xfee00900);
	assert_int_equal(s.xcr0, 1);
	assert_int_equal(s.counter_offset, 0);
}

static void no_kernel_is_an_error_with_its_name(void **state)
{
	fake_begin();
	fake_in.kernel = (struct blob){ .name = "nothere" };
	assert_int_equal(loader_x86(&fake_vm, &fake_in, &fake_state), ERR_NOENT);
	assert_string_equal(fake_in.error, "nothere: no such file, or it is empty");
	fake_in.kernel.name = NULL;
	assert_int_equal(loader_x86(&fake_vm, &fake_in, &fake_state), ERR_NOENT);
	assert_string_equal(fake_in.error, "kernel: no such file, or it is empty");
}

static void an_unknown_file_is_refused(void **state)
{
	fake_begin();
	for (fake_in.kernel.size = 1; fake_in.kernel.size < sizeof(fake_file); fake_in.kernel.size += 1021) {
		assert_int_equal(fake_load(), ERR_FORMAT);
		assert_string_equal(fake_in.error,
				    "vmlinuz: neither a Linux bzImage nor an ELF file nor a Multiboot kernel");
	}
}

static void a_long_name_does_not_overflow_the_error(void **state)
{
	static char name[1000];

	fake_begin();
	memset(name, 'n', sizeof(name) - 1);
	fake_in.kernel.name = name;
	fake_in.kernel.size = 100;
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_true(strnlen(fake_in.error, sizeof(fake_in.error)) < sizeof(fake_in.error));
}

static void a_guest_without_low_memory_is_refused(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_vm.ram[0].size = 0x1ffff;
	assert_int_equal(fake_load(), ERR_NOMEM);
	fake_vm.ram[0].size = 0x40000; /* and one with nothing above 1 MiB */
	assert_int_equal(fake_load(), ERR_NOMEM);
	fake_vm.ram[0].size = FAKE_RAM;
	fake_in.low_top = 0;
	assert_int_equal(fake_load(), ERR_NOMEM);
}

static void a_wrong_low_top_does_not_lead_out_of_ram(void **state)
{
	fake_begin();
	fake_make_linux();
	fake_in.low_top = ~0ull;
	fake_in.initrd = (struct blob){ .name = "i", .data = fake_file, .size = 4096 };
	fake_put(fake_file + 0x22c, 0xffffffff, 4);
	assert_int_equal(fake_load(), ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_cpu_is_at_the_reset_vector),
		cmocka_unit_test(no_kernel_is_an_error_with_its_name),
		cmocka_unit_test(an_unknown_file_is_refused),
		cmocka_unit_test(a_long_name_does_not_overflow_the_error),
		cmocka_unit_test(a_guest_without_low_memory_is_refused),
		cmocka_unit_test(a_wrong_low_top_does_not_lead_out_of_ram),
	};

	return cmocka_run_group_tests_name("loader", tests, fake_setup, fake_teardown);
}
