/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_loader_a64.c: arm64 kernels, good and absurd, put into a guest's RAM.
 * CFLAGS: -Ihv/abi/arm64 -Iguest/rt/arm64 -Iguest/vmm/arm64
 * LINK: guest/vmm/arm64/loader.c tests/unit/fake_rt.c
 */
#include "guest/vmm/arm64/loader.h"
#include "self/insn.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "fake_rt.h"

#define MIB	 (1024 * 1024ULL)
#define RAM_SIZE (64 * MIB)
#define RAM	 VIRT_RAM_BASE

static struct machine machine;
static struct vm vm;
static struct loader_input in;
static struct vcpu_state st;
static u8 image[3 * MIB], initrd[5000];

/* What of the guest's RAM has been cleaned in the caches: what was in it then. */
static struct {
	const void *p;
	u64 size;
	u8 first;
} clean;

void cpu_clean(const void *p, u64 size)
{
	assert_null(clean.p);
	clean.p = p;
	clean.size = size;
	clean.first = *(const u8 *)p;
}

/* What the loader has asked of the tree. */
static struct {
	status_t answer;
	unsigned n;
	u64 initrd, initrd_size, gpa, max;
} tree;

status_t virt_fdt(const struct machine *m, const struct loader_input *i, u64 rd, u64 rd_size, u64 gpa, u64 max,
		  u64 *size)
{
	assert_ptr_equal(m, &machine);
	assert_ptr_equal(i, &in);
	tree.n++;
	tree.initrd = rd;
	tree.initrd_size = rd_size;
	tree.gpa = gpa;
	tree.max = max;
	*size = 100;
	return tree.answer;
}

static void put(unsigned off, u64 v, unsigned size)
{
	memcpy(image + off, &v, size);
}

/* An Image with @text_offset, @image_size and @flags. */
static void header(u64 text_offset, u64 image_size, u64 flags)
{
	put(8, text_offset, 8);
	put(16, image_size, 8);
	put(24, flags, 8);
	memcpy(image + 56, "ARM\x64", 4);
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, RAM_SIZE);
	vm.ram[0].gpa = RAM;
	memset(vm.ram[0].mem, 0xee, RAM_SIZE);
	memset(&machine, 0, sizeof(machine));
	machine.virt.vm = &vm;
	memset(&in, 0, sizeof(in));
	memset(&tree, 0, sizeof(tree));
	memset(&clean, 0, sizeof(clean));
	memset(image, 0x5a, sizeof(image));
	memset(initrd, 0x77, sizeof(initrd));
	in.kernel = (struct blob){ "vmlinuz", image, sizeof(image) };
	header(0, 8 * MIB, 0xa);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static const u8 *ram_at(u64 gpa)
{
	assert_in_range(gpa, RAM, RAM + RAM_SIZE - 1);
	return vm.ram[0].mem + (gpa - RAM);
}

/* The kernel is refused with @s, in words that contain @words, and nothing is written. */
static void refused(status_t s, const char *words)
{
	assert_int_equal(loader_arm64(&machine, &in, &st), s);
	assert_non_null(strstr(in.error, words));
	assert_memory_equal(in.error, "vmlinuz: ", 9);
	for (u64 i = 0; i < RAM_SIZE; i += 4096)
		assert_int_equal(vm.ram[0].mem[i], 0xee);
	assert_int_equal(tree.n, 0);
}

static void an_image_is_entered_with_its_tree_in_x0(void **state)
{
	in.initrd = (struct blob){ "initrd", initrd, sizeof(initrd) };
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_string_equal(in.error, "");
	assert_int_equal(st.regs.pc, RAM);
	assert_memory_equal(ram_at(RAM), image, sizeof(image));
	assert_int_equal(*ram_at(RAM + sizeof(image)), 0);
	assert_int_equal(*ram_at(RAM + 8 * MIB - 1), 0);
	assert_int_equal(tree.n, 1);
	assert_int_equal(tree.initrd, RAM + 8 * MIB);
	assert_int_equal(tree.initrd_size, sizeof(initrd));
	assert_memory_equal(ram_at(tree.initrd), initrd, sizeof(initrd));
	assert_int_equal(tree.gpa, RAM + 10 * MIB);
	assert_int_equal(st.regs.x[0], tree.gpa);
	for (unsigned i = 1; i < 31; i++)
		assert_int_equal(st.regs.x[i], 0);
}

static void all_its_ram_is_cleaned_once_everything_is_there(void **state)
{
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_ptr_equal(clean.p, vm.ram[0].mem);
	assert_int_equal(clean.size, RAM_SIZE);
	assert_int_equal(clean.first, image[0]);
}

static void the_first_cpu_starts_at_el1_with_all_off(void **state)
{
	memset(&st, 0xff, sizeof(st));
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_int_equal(st.regs.pstate, 0x3c5);
	assert_int_equal(st.sctlr, 0x30d00980);
	assert_int_equal(st.mpidr, 0x80000000);
	assert_int_equal(st.cntv_ctl | st.cntp_ctl | st.ttbr0 | st.vbar | st.mdscr | st.cpacr, 0);
	assert_int_equal(st.counter_offset, 0);
}

static void a_later_cpu_has_its_own_affinity(void **state)
{
	arm64_reset_state(&st, 3);
	assert_int_equal(st.mpidr, 0x80000003);
	assert_int_equal(st.regs.pc, 0);
}

static void text_offset_is_counted_from_ram(void **state)
{
	header(0x80000, MIB, 0);
	in.kernel.size = 4096;
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_int_equal(st.regs.pc, RAM + 0x80000);
	assert_int_equal(*ram_at(RAM), 0xee);
	assert_memory_equal(ram_at(RAM + 0x80000), image, 4096);
	assert_int_equal(tree.gpa, RAM + 2 * MIB);
}

static void an_old_kernel_without_a_size_gets_room_for_its_data(void **state)
{
	header(0x1234567890, 0, 0); /* before 3.17 its byte order was the kernel's */
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_int_equal(st.regs.pc, RAM + 0x80000);
	assert_in_range(tree.gpa, RAM + 19 * MIB, RAM + 22 * MIB);
	assert_int_equal(tree.initrd_size, 0);
}

static void a_raw_binary_is_entered_at_the_start_of_ram(void **state)
{
	memset(image + 56, 0, 4);
	in.kernel.size = 12;
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_int_equal(st.regs.pc, RAM);
	assert_memory_equal(ram_at(RAM), image, 12);
	assert_int_equal(*ram_at(RAM + 12), 0);
	assert_true(is_aligned(tree.gpa, 2 * MIB));
	assert_true(tree.gpa >= RAM + 16 * MIB);
}

static void absurd_sizes_are_refused(void **state)
{
	static const u64 sizes[] = { RAM_SIZE + 1, 1ULL << 32, 1ULL << 63, ~0ULL, ~0ULL - 0x1fffff };
	static const u64 offsets[] = { 1ULL << 31, 1ULL << 63, ~0ULL, ~0ULL - 0xfff, 0x1001 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		header(0, sizes[i], 0xa);
		refused(ERR_NOMEM, "MiB of RAM");
	}
	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++) {
		header(offsets[i], MIB, 0xa);
		refused(ERR_FORMAT, "text_offset");
	}
	header(RAM_SIZE, MIB, 0xa);
	refused(ERR_NOMEM, "MiB of RAM");
	header(RAM_SIZE - MIB, 2 * MIB, 0xa);
	refused(ERR_NOMEM, "MiB of RAM");
}

static void what_leaves_no_room_behind_it_is_refused(void **state)
{
	header(0, RAM_SIZE, 0xa);
	refused(ERR_NOMEM, "device tree");
	in.initrd = (struct blob){ "initrd", initrd, sizeof(initrd) };
	refused(ERR_NOMEM, "initrd");
	header(0, 8 * MIB, 0xa);
	in.initrd.size = ~0ULL;
	refused(ERR_NOMEM, "initrd");
	in.initrd.size = RAM_SIZE;
	refused(ERR_NOMEM, "initrd");
}

static void files_of_other_kinds_are_called_by_their_name(void **state)
{
	header(0, 8 * MIB, 0xb);
	refused(ERR_FORMAT, "big-endian");
	memset(image + 56, 0, 4);
	memcpy(image, "\x1f\x8b\x08", 3);
	refused(ERR_FORMAT, "gzip");
	memcpy(image,
	       "\x7f"
	       "ELF",
	       4);
	refused(ERR_FORMAT, "ELF");
	memcpy(image, "MZ\0\0zimg", 8);
	refused(ERR_FORMAT, "EFI");
	memset(image, 0, 8);
	memcpy(image + 0x202, "HdrS", 4);
	refused(ERR_FORMAT, "x86");
}

static void nothing_and_modules_are_refused(void **state)
{
	static char line[4096];

	in.nmodules = 1;
	refused(ERR_FORMAT, "initrd");
	in.nmodules = 0;
	memset(line, 'x', sizeof(line) - 1);
	in.cmdline = line;
	refused(ERR_FORMAT, "command line");
	in.cmdline = NULL;
	in.kernel.size = 0;
	refused(ERR_NOENT, "empty");
	in.kernel.data = NULL;
	refused(ERR_NOENT, "no such file");
	in.kernel = (struct blob){ "vmlinuz", image, sizeof(image) };
	vm.nram = 0;
	refused(ERR_NOMEM, "no RAM");
	vm.nram = 1;
}

static void a_file_shorter_than_the_header_is_not_read_past_its_end(void **state)
{
	static u8 one[1] = { 0x14 };

	in.kernel = (struct blob){ "vmlinuz", one, 1 };
	assert_int_equal(loader_arm64(&machine, &in, &st), OK);
	assert_int_equal(*ram_at(RAM), 0x14);
}

static void a_tree_that_fails_fails_the_kernel(void **state)
{
	tree.answer = ERR_FULL;
	assert_int_equal(loader_arm64(&machine, &in, &st), ERR_FULL);
	assert_non_null(strstr(in.error, "device tree"));
}

/* The tree at the start of RAM, all that it reads with its caches off cleaned, and the CPU at the reset vector. */
static void firmware_starts_at_its_first_byte(void **state)
{
	machine.virt.vm = &vm;
	st.regs.pc = st.regs.x[0] = 1;
	assert_int_equal(loader_firmware(&machine, &in, &st), OK);
	assert_int_equal(tree.n, 1);
	assert_int_equal(tree.gpa, RAM);
	assert_int_equal(tree.initrd_size, 0);
	assert_ptr_equal(clean.p, vm.ram[0].mem);
	assert_int_equal(clean.size, RAM_SIZE);
	assert_int_equal(st.regs.pc, vm.rom[0].gpa);
	assert_int_equal(st.regs.x[0], 0);
	assert_int_equal(st.regs.pstate, 0x3c5);
	tree.answer = ERR_FULL;
	memset(&clean, 0, sizeof(clean));
	assert_int_equal(loader_firmware(&machine, &in, &st), ERR_FULL);
	assert_non_null(strstr(in.error, "device tree"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(firmware_starts_at_its_first_byte),
		TEST(an_image_is_entered_with_its_tree_in_x0),
		TEST(all_its_ram_is_cleaned_once_everything_is_there),
		TEST(the_first_cpu_starts_at_el1_with_all_off),
		TEST(a_later_cpu_has_its_own_affinity),
		TEST(text_offset_is_counted_from_ram),
		TEST(an_old_kernel_without_a_size_gets_room_for_its_data),
		TEST(a_raw_binary_is_entered_at_the_start_of_ram),
		TEST(absurd_sizes_are_refused),
		TEST(what_leaves_no_room_behind_it_is_refused),
		TEST(files_of_other_kinds_are_called_by_their_name),
		TEST(nothing_and_modules_are_refused),
		TEST(a_file_shorter_than_the_header_is_not_read_past_its_end),
		TEST(a_tree_that_fails_fails_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
