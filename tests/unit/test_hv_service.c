/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LINK: arch/host/mem.c arch/host/cpu.c arch/host/vcpu.c tests/unit/fake_hv.c tests/unit/fake_panic.c
 * LINK: hv/mem.c hv/vm.c hv/hypercall.c hv/call_vm.c hv/call_vcpu.c hv/exit.c hv/sched.c hv/smp.c hv/virq.c hv/trace.c hv/audit.c hv/service.c
 * LINK: drivers/uart/x86/ns16550.c drivers/uart/x86/debugcon.c hv/lib/ptab.c hv/lib/pool.c */
/* tests/unit/test_hv_service.c: machines with memory elsewhere or with holes, and what the service VM's header says. */
#include "hv/vm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "arch/iface/mem.h"
#include "tests/unit/fake_hv.h"

#define sv	   vm_table[VM_SERVICE]
#define BASE	   SIZE_1G /* arm64 machines have nothing but devices below */
#define INFO_PAGES (round_up(sizeof(struct boot_info), PAGE_SIZE) / PAGE_SIZE)

static struct ptab_leaf leaf;

static status_t s2(u64 pa)
{
	return ptab_lookup(arch_vm_s2(&sv->arch), pa, &leaf);
}

static int off(void **state)
{
	hv_off();
	host_base = 0;
	return 0;
}

/* The pages behind the mailbox and the boot information are shared, in a row, and hold what they should. */
static void assert_shared(u64 mailbox, u64 info)
{
	static struct hv_info told;

	service_info(&told);
	assert_int_equal(this_cpu()->mailbox_pa, mailbox);
	assert_int_equal(told.boot_info, info);
	assert_memory_equal(host_machine + info, &hv_boot_info, sizeof(hv_boot_info));
	assert_int_equal(mem_frame(mailbox)->flags, FRAME_SHARED);
	for (u64 i = 0; i < INFO_PAGES; i++)
		assert_int_equal(mem_frame(info + i * PAGE_SIZE)->flags, FRAME_SHARED);
	assert_int_equal(hv_audit(), 0);
}

/* --- memory that starts elsewhere ------------------------------------------------------------------------------ */

static void memory_may_start_at_1_gib(void **state)
{
	u64 own = 0;

	hv_find_memory(BASE);
	hv_start();
	assert_int_equal(mem_top(), BASE + HOST_RAM);
	assert_null(mem_frame(0));
	assert_null(mem_frame(BASE - 1));
	assert_null(mem_frame(BASE - PAGE_SIZE));
	assert_null(mem_frame(BASE + HOST_RAM));
	assert_null(mem_frame(~0UL));
	assert_null(mem_frame(1UL << 63));
	for (u64 pa = BASE; pa < BASE + HOST_RAM; pa += PAGE_SIZE) {
		const struct frame *f = mem_frame(pa);
		bool firmware = (pa >= BASE + 0x9f000 && pa < BASE + 0x100000) || pa >= BASE + T_ACPI;

		assert_int_equal(f == NULL, firmware);
		if (f && f->owner == 0) {
			own += PAGE_SIZE;
			assert_int_equal(s2(pa), ERR_UNMAPPED);
		} else {
			assert_int_equal(s2(pa), OK);
			assert_int_equal(leaf.flags & PT_DEVICE ? 1 : 0, firmware);
		}
	}
	assert_int_equal(own, round_up(mem_own_bytes(), PAGE_SIZE));
	assert_int_equal(mem_ram_bytes(), T_ACPI - 0x61000);
	assert_shared(BASE, BASE + PAGE_SIZE);
}

/* The table of frames is of memory, not of what lies below it. */
static void what_is_kept_does_not_grow_with_where_memory_starts(void **state)
{
	u64 kept;

	hv_boot();
	kept = mem_own_bytes();
	hv_find_memory(BASE);
	hv_start();
	assert_int_equal(mem_own_bytes(), kept);
}

static void below_memory_there_are_devices(void **state)
{
	hv_find_memory(BASE);
	hv_start();
	for (u64 pa = 0; pa < BASE; pa += 0x101000) {
		assert_int_equal(s2(pa), OK);
		assert_int_equal(leaf.flags, PT_R | PT_W | PT_DEVICE);
	}
	assert_int_equal(s2(BASE - PAGE_SIZE), OK);
	assert_true(leaf.flags & PT_DEVICE);
	assert_int_equal(mem_check_free(sv, BASE - PAGE_SIZE, PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(sv, BASE - PAGE_SIZE, 2 * PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_check_free(sv, 0, PAGE_SIZE), ERR_OWNER);
	assert_int_equal(mem_grant(sv, BASE - PAGE_SIZE, 2 * PAGE_SIZE, 2), ERR_OWNER);
	assert_int_equal(mem_donate(sv, 0, PAGE_SIZE, 2, NULL), ERR_OWNER);
	assert_int_equal(mem_share(sv, BASE - PAGE_SIZE), ERR_OWNER);
}

static void guests_live_there_as_anywhere(void **state)
{
	u64 vm;

	hv_find_memory(BASE);
	hv_start();
	vm = hv_make_vm(BASE + T_RAM, 64, 0);
	(void)hv_make_vcpu(vm, BASE + T_RAM + SIZE_2M, 0, 0);
	assert_int_equal(hv_call(HV_VM_MAP, vm, 0, BASE + T_RAM + 2 * SIZE_2M, SIZE_2M, MAP_R | MAP_W), OK);
	assert_int_equal(hv_call(HV_VM_MAP, vm, SIZE_2M, BASE - SIZE_2M, SIZE_2M, MAP_R | MAP_W), ERR_OWNER);
	assert_int_equal(hv_audit(), 0);
	assert_int_equal(hv_call(HV_VM_DESTROY, vm, 0, 0, 0, 0), OK);
	assert_int_equal(hv_audit(), 0);
}

static void a_region_at_the_end_of_all_addresses_is_not_taken_for_the_first(void **state)
{
	hv_find_memory(0);
	hv_boot_info.nregions = 0;
	hv_region(~0UL - 0x10000, ~0UL - 0x1000, BOOT_MEM_RAM); /* rounding it up wraps to 0 ... */
	hv_module(0, PAGE_SIZE, "module");			/* ... from where one would look further */
	expect_assert_failure(mem_init(&hv_boot_info));
}

static void no_memory_at_all_is_told_in_words(void **state)
{
	hv_find_memory(0);
	hv_boot_info.nregions = 0;
	expect_assert_failure(mem_init(&hv_boot_info));
	hv_region(0, HOST_RAM, BOOT_MEM_RESERVED);
	expect_assert_failure(mem_init(&hv_boot_info));
}

/* --- holes ----------------------------------------------------------------------------------------------------- */

static void holes_are_passed_over(void **state)
{
	u64 kept;

	hv_boot();
	kept = mem_own_bytes();
	hv_find_memory(0);
	hv_region(SIZE_2M, 3 * SIZE_2M + 0x3000, BOOT_MEM_RESERVED);
	hv_start();
	assert_int_equal(mem_own_bytes(), kept);
	/* Our own memory lies behind the hole; the first 2 MiB that begin with memory are next. */
	assert_null(mem_frame(3 * SIZE_2M + 0x2000));
	assert_int_equal(mem_frame(3 * SIZE_2M + 0x3000)->owner, 0);
	assert_shared(4 * SIZE_2M, 4 * SIZE_2M + PAGE_SIZE);
}

static void a_row_of_pages_does_not_begin_before_a_hole(void **state)
{
	u64 first;

	hv_boot();
	first = this_cpu()->mailbox_pa;
	hv_find_memory(0);
	/* One page for the mailbox, and one that is not enough. */
	hv_region(first + 2 * PAGE_SIZE, 2 * SIZE_2M, BOOT_MEM_RESERVED);
	hv_start();
	assert_int_equal(mem_check_free(sv, first + PAGE_SIZE, PAGE_SIZE), OK);
	assert_shared(first, 2 * SIZE_2M);
}

static void the_boot_information_lies_in_one_piece(void **state)
{
	hv_find_memory(BASE);
	assert_true(INFO_PAGES > 1);
	for (u64 i = 0; i < 3; i++) /* after the mailbox, every other page; then one less than it takes */
		hv_module(BASE + (2 + 2 * i) * PAGE_SIZE, 100, "module");
	hv_module(BASE + (6 + INFO_PAGES) * PAGE_SIZE, PAGE_SIZE, "module");
	hv_start();
	assert_shared(BASE, BASE + (7 + INFO_PAGES) * PAGE_SIZE);
}

static void memory_that_is_full_of_modules_is_told_in_words(void **state)
{
	hv_find_memory(BASE);
	hv_start();
	hv_module(BASE, HOST_RAM, "module");
	expect_assert_failure(service_create(&hv_boot_info));
}

/* --- the header of the service VM's image ----------------------------------------------------------------------- */

static void without_text_all_is_writable_and_executable(void **state)
{
	hv_boot();
	for (u64 pa = T_SERVICE; pa < T_SERVICE + 0x10000; pa += PAGE_SIZE) {
		assert_int_equal(s2(pa), OK);
		assert_int_equal(leaf.flags, PT_R | PT_W | PT_X);
	}
}

static void boot_protected(void)
{
	hv_find_memory(0);
	hv_header.text_size = 0x4000;
	hv_header.guard = 0x9000;
	hv_start();
}

static void text_is_read_only_and_all_else_not_executable(void **state)
{
	boot_protected();
	for (u64 pa = 0; pa < T_ACPI; pa += PAGE_SIZE) {
		bool text = pa >= T_SERVICE && pa < T_SERVICE + 0x4000;

		if (!mem_frame(pa) || mem_frame(pa)->owner == 0)
			continue;
		if (pa == T_SERVICE + 0x9000) {
			assert_int_equal(s2(pa), ERR_UNMAPPED);
			continue;
		}
		assert_int_equal(s2(pa), OK);
		assert_int_equal(leaf.flags, text ? PT_R | PT_X : PT_R | PT_W);
	}
	assert_int_equal(this_cpu()->service->arch.pc, T_SERVICE + 0x40);
	assert_int_equal(hv_audit(), 0);
}

static void memory_comes_back_not_executable(void **state)
{
	u64 vm;

	boot_protected();
	vm = hv_make_vm(T_RAM, 64, 0);
	assert_int_equal(hv_call(HV_VM_DESTROY, vm, 0, 0, 0, 0), OK);
	assert_int_equal(s2(T_RAM), OK);
	assert_int_equal(leaf.flags, PT_R | PT_W);
	/* Text that its owner gives away comes back as memory. */
	vm = hv_make_vm(T_SERVICE, 4, 0);
	assert_int_equal(hv_call(HV_VM_DESTROY, vm, 0, 0, 0, 0), OK);
	assert_int_equal(s2(T_SERVICE), OK);
	assert_int_equal(leaf.flags, PT_R | PT_W);
	assert_int_equal(hv_audit(), 0);
}

static void text_may_be_all_of_the_image(void **state)
{
	hv_find_memory(0);
	hv_header.text_size = hv_header.image_size;
	hv_start();
	assert_int_equal(s2(T_SERVICE + 0xf000), OK);
	assert_int_equal(leaf.flags, PT_R | PT_X);
	assert_int_equal(s2(T_SERVICE + 0x10000), OK);
	assert_int_equal(leaf.flags, PT_R | PT_W);
	assert_int_equal(s2(T_SERVICE - PAGE_SIZE), OK);
	assert_int_equal(leaf.flags, PT_R | PT_W);
}

#define REFUSED(field, value)                       \
	do {                                        \
		hv_find_memory(0);                  \
		hv_header.text_size = 0x4000;       \
		hv_header.guard = 0x9000;           \
		hv_header.field = (value);          \
		expect_assert_failure(hv_start());  \
		assert_int_equal(sv == NULL, true); \
	} while (0)

static void a_header_that_makes_no_sense_is_refused(void **state)
{
	REFUSED(magic, SERVICE_MAGIC + 1);
	REFUSED(version, SERVICE_VERSION + 1);
	REFUSED(image_size, 0);
	REFUSED(image_size, 0x10001);
	REFUSED(image_size, ~0UL);
	REFUSED(image_size, 0x3000);
	REFUSED(entry, 0x10000);
	REFUSED(entry, ~0UL);
	REFUSED(entry, 0x4000); /* not executable */
	REFUSED(text_size, 0x11000);
	REFUSED(text_size, ~0xfffUL);
	REFUSED(text_size, 0x4010);
	REFUSED(text_size, 1);
	REFUSED(guard, 0x10000);
	REFUSED(guard, ~0xfffUL);
	REFUSED(guard, 0x9008);
	REFUSED(guard, 1);
}

static void refused_module(u64 base, u64 size)
{
	hv_find_memory(0);
	hv_start();
	hv_boot_info.module[0].base = base;
	hv_boot_info.module[0].size = size;
	expect_assert_failure(service_create(&hv_boot_info));
}

static void a_module_out_of_place_is_refused(void **state)
{
	static const struct {
		u64 base, size;
	} bad[] = { { T_SERVICE, 63 },		{ T_SERVICE + 8, 0x10000 },
		    { T_SERVICE, 4 * SIZE_1G }, { ~0xfffUL, 0x1000 }, /* its end is 0 */
		    { ~0xfffUL, 0x11000 },	{ 4 * SIZE_1G, 0x10000 } };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		refused_module(bad[i].base, bad[i].size);
	hv_find_memory(0);
	(void)strcpy(hv_boot_info.module[0].string, "servic");
	expect_assert_failure(hv_start());
}

#define T(f) cmocka_unit_test_teardown(f, off)

/* --- a module that the hypervisor keeps ------------------------------------------------------------------------ */

static void the_hypervisor_takes_its_own_module(void **state)
{
	const char *text;
	u64 size = 0;

	hv_find_memory(0);
	hv_module(T_RAM, 0x1801, "hypervisor symbols");
	hv_module(T_RAM + 0x2000, 0x1000, "last");
	memcpy(host_machine + T_RAM, "words", 6);
	memcpy(host_machine + T_SERVICE, &hv_header, sizeof(hv_header));
	mem_init(&hv_boot_info);
	text = mem_take_module(&hv_boot_info, "hypervisor symbols", &size);
	assert_non_null(text);
	assert_string_equal(text, "words");
	assert_int_equal(size, 0x1801);
	assert_int_equal(hv_boot_info.nmodules, 3);
	assert_string_equal(hv_boot_info.module[2].string, "last");
	assert_null(mem_take_module(&hv_boot_info, "hypervisor symbols", &size));
	sched_init(this_cpu(), 0);
	smp_start();
	service_create(&hv_boot_info);
	assert_int_equal(s2(T_RAM), ERR_UNMAPPED); /* the service VM does not reach it */
	assert_int_equal(s2(T_RAM + 0x1000), ERR_UNMAPPED);
	assert_int_equal(s2(T_RAM + 0x2000), OK);
	assert_int_equal(hv_audit(), 0);
}

static void a_module_that_it_cannot_keep_is_left_out(void **state)
{
	static const struct {
		u64 base, size;
	} t[] = {
		{ T_INITRD, 0x1000 },	     /* another's */
		{ T_RAM + 0x10, 0x1000 },    /* not on a page of its own */
		{ T_ACPI - 0x1000, 0x2000 }, /* not all of it in RAM */
		{ HOST_IMAGE, 0x1000 },	     { HOST_RAM, 0x1000 }, { ~0xfffUL, 0x1000 }, { T_RAM, 0 }, { T_RAM, ~0UL },
	};
	u64 size;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		hv_find_memory(0);
		mem_init(&hv_boot_info);
		hv_module(t[i].base, t[i].size, "mine");
		assert_null(mem_take_module(&hv_boot_info, "mine", &size));
		assert_int_equal(hv_boot_info.nmodules, 2);
	}
	hv_boot(); /* for hv_off */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memory_may_start_at_1_gib),
		T(what_is_kept_does_not_grow_with_where_memory_starts),
		T(below_memory_there_are_devices),
		T(guests_live_there_as_anywhere),
		cmocka_unit_test(a_region_at_the_end_of_all_addresses_is_not_taken_for_the_first),
		cmocka_unit_test(no_memory_at_all_is_told_in_words),
		T(holes_are_passed_over),
		T(a_row_of_pages_does_not_begin_before_a_hole),
		T(the_boot_information_lies_in_one_piece),
		T(memory_that_is_full_of_modules_is_told_in_words),
		T(without_text_all_is_writable_and_executable),
		T(text_is_read_only_and_all_else_not_executable),
		T(memory_comes_back_not_executable),
		T(text_may_be_all_of_the_image),
		T(a_header_that_makes_no_sense_is_refused),
		T(a_module_out_of_place_is_refused),
		T(the_hypervisor_takes_its_own_module),
		T(a_module_that_it_cannot_keep_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
