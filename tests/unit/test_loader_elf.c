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

#define INFO 0x2000u

/* Field @at (@bytes) of the good ELF file set to @v must give @s and @error. */
static void refused(bool is64, u32 at, u64 v, unsigned bytes, status_t s, const char *error)
{
	fake_begin();
	fake_make_elf(is64);
	fake_add_pvh(0x100020);
	fake_put(fake_file + at, v, bytes);
	assert_int_equal(fake_load(), s);
	assert_string_equal(fake_in.error, error);
}

static void segments_are_there(void)
{
	const u8 *p = fake_at(0x100000, 0x800);

	for (unsigned i = 0; i < 0x800; i++)
		assert_int_equal(p[i], i < 0x300 ? 0x11 : 0);
	assert_int_equal(*fake_at(0x100800, 1), 0xcc);
	assert_int_equal(*fake_at(0x20007f, 1), 0x22);
	assert_int_equal(*fake_at(0x200080, 1), 0xcc);
}

static void flat_protected_mode(u64 rip)
{
	const struct vcpu_regs *r = &fake_state.regs;

	assert_int_equal(r->rip, rip);
	assert_int_equal(r->cr0, 0x11);
	assert_int_equal(r->cr4 | r->cr3 | r->efer, 0);
	assert_int_equal(r->rflags, 2);
	assert_int_equal(r->seg[X86_CS].ar, 0xc9b);
	assert_int_equal(r->seg[X86_CS].base, 0);
	for (unsigned i = 0; i < X86_NSREG; i++) {
		assert_int_equal(r->seg[i].limit, 0xffffffff);
		if (i != X86_CS)
			assert_int_equal(r->seg[i].ar, 0xc93);
	}
	assert_int_equal(fake_state.tr.limit, 0x67);
	assert_int_equal(r->gpr[X86_RBX], INFO);
}

static void a_pvh_kernel_starts_with_its_information(void **state)
{
	static const u8 initrd[100] = { 9 }, mod[5000] = { 8 };

	for (unsigned is64 = 0; is64 < 2; is64++) {
		const u8 *i, *m;

		fake_begin();
		fake_make_elf(is64);
		fake_add_pvh(0x100020);
		fake_in.initrd = (struct blob){ .name = "rd", .data = initrd, .size = sizeof(initrd) };
		fake_in.module[0] = (struct blob){ .name = "mod", .data = mod, .size = sizeof(mod) };
		fake_in.module_args[0] = "a b";
		fake_in.nmodules = 1;
		assert_int_equal(fake_load(), OK);
		segments_are_there();
		flat_protected_mode(0x100020);
		i = fake_at(INFO, 56);
		assert_int_equal(fake_get(i, 4), 0x336ec578);
		assert_int_equal(fake_get(i + 4, 4), 1);
		assert_int_equal(fake_get(i + 8, 4), 0);
		assert_int_equal(fake_get(i + 12, 4), 2);
		assert_string_equal((char *)fake_at(fake_get(i + 24, 8), 64), "console=ttyS0 quiet");
		assert_int_equal(fake_get(i + 32, 8), 0xe0000);
		assert_int_equal(fake_get(i + 48, 4), 3);
		m = fake_at(fake_get(i + 40, 8), 72);
		assert_int_equal(fake_get(m + 48, 8), 0x100000);
		assert_int_equal(fake_get(m + 56, 8), FAKE_RAM - 0x100000);
		assert_int_equal(fake_get(m + 64, 4), 1);
		m = fake_at(fake_get(i + 16, 8), 64);
		assert_int_equal(fake_get(m, 8), FAKE_RAM - 0x1000);
		assert_int_equal(fake_get(m + 8, 8), sizeof(initrd));
		assert_int_equal(fake_get(m + 32, 8), FAKE_RAM - 0x3000);
		assert_string_equal((char *)fake_at(fake_get(m + 48, 8), 16), "mod a b");
		assert_memory_equal(fake_at(FAKE_RAM - 0x3000, sizeof(mod)), mod, sizeof(mod));
		assert_memory_equal(fake_at(FAKE_RAM - 0x1000, sizeof(initrd)), initrd, sizeof(initrd));
	}
}

static void a_multiboot_kernel_starts_with_its_information(void **state)
{
	static const u8 initrd[100] = { 9 }, mod[5000] = { 8 };

	for (unsigned is64 = 0; is64 < 2; is64++) {
		const u8 *i, *m;

		fake_begin();
		fake_make_elf(is64);
		fake_add_multiboot(FAKE_ELF_SEG0, 3);
		fake_in.initrd = (struct blob){ .name = "rd", .data = initrd, .size = sizeof(initrd) };
		fake_in.module[0] = (struct blob){ .name = "mod", .data = mod, .size = sizeof(mod) };
		fake_in.module_args[0] = "a b";
		fake_in.nmodules = 1;
		assert_int_equal(fake_load(), OK);
		flat_protected_mode(0x100010);
		assert_int_equal(fake_state.regs.gpr[X86_RAX], 0x2badb002);
		i = fake_at(INFO, 88);
		assert_int_equal(fake_get(i, 4), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
		assert_int_equal(fake_get(i + 4, 4), 639);
		assert_int_equal(fake_get(i + 8, 4), (FAKE_RAM - 0x100000) >> 10);
		assert_string_equal((char *)fake_at(fake_get(i + 16, 4), 64), "kernel.elf console=ttyS0 quiet");
		assert_string_equal((char *)fake_at(fake_get(i + 64, 4), 64), "Trivet");
		assert_int_equal(fake_get(i + 20, 4), 2);
		m = fake_at(fake_get(i + 24, 4), 32);
		assert_int_equal(fake_get(m, 4), 0x201000);
		assert_int_equal(fake_get(m + 4, 4), 0x201000 + sizeof(initrd));
		assert_string_equal((char *)fake_at(fake_get(m + 8, 4), 16), "rd");
		assert_int_equal(fake_get(m + 16, 4), 0x202000);
		assert_int_equal(fake_get(m + 20, 4), 0x202000 + sizeof(mod));
		assert_string_equal((char *)fake_at(fake_get(m + 24, 4), 16), "mod a b");
		assert_memory_equal(fake_at(0x202000, sizeof(mod)), mod, sizeof(mod));
		assert_int_equal(fake_get(i + 44, 4), 3 * 24);
		m = fake_at(fake_get(i + 48, 4), 72);
		assert_int_equal(fake_get(m + 24, 4), 20);
		assert_int_equal(fake_get(m + 28, 8), 0x9fc00);
		assert_int_equal(fake_get(m + 44, 4), 2);
	}
}

static void a_virtual_entry_of_multiboot_is_made_physical(void **state)
{
	fake_begin();
	fake_make_elf(true);
	fake_add_multiboot(FAKE_ELF_SEG0, 0);
	fake_put(fake_file + fake_phdr(0, 16, 8), 0xffffffff80100000, 8);
	fake_put(fake_file + 24, 0xffffffff80100044, 8);
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_state.regs.rip, 0x100044);
	fake_put(fake_file + 24, 0x300000, 8);
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_string_equal(fake_in.error, "kernel.elf: its entry 0x300000 is not in the kernel");
}

static void of_both_headers_multiboot_wins_with_modules(void **state)
{
	static const u8 mod[1] = { 8 };

	fake_begin();
	fake_make_elf(false);
	fake_add_pvh(0x100020);
	fake_add_multiboot(FAKE_ELF_SEG0, 0);
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_state.regs.rip, 0x100020);
	fake_in.module[0] = (struct blob){ .name = "mod", .data = mod, .size = 1 };
	fake_in.nmodules = 1;
	assert_int_equal(fake_load(), OK);
	assert_int_equal(fake_state.regs.rip, 0x100010);
}

static void the_header_is_found_where_it_may_be(void **state)
{
	fake_begin();
	fake_make_elf(false);
	fake_in.kernel.size = sizeof(fake_file);
	fake_add_multiboot(8192 - 12, 0);
	assert_int_equal(fake_load(), OK);

	fake_begin();
	fake_make_elf(false);
	fake_in.kernel.size = sizeof(fake_file);
	fake_add_multiboot(8192 - 8, 0); /* reaches out of the first 8 KiB */
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_string_equal(fake_in.error, "kernel.elf: an ELF file with neither a PVH note nor a Multiboot header");
	fake_begin();
	fake_make_elf(false);
	fake_add_multiboot(FAKE_ELF_SEG0 + 2, 0); /* not aligned */
	assert_int_equal(fake_load(), ERR_FORMAT);
	fake_begin();
	fake_make_elf(false);
	fake_add_multiboot(FAKE_ELF_SEG0, 0);
	fake_file[FAKE_ELF_SEG0 + 8] ^= 1; /* checksum */
	assert_int_equal(fake_load(), ERR_FORMAT);
}

static void flags_that_must_be_understood_are(void **state)
{
	for (unsigned bit = 0; bit < 16; bit++) {
		fake_begin();
		fake_make_elf(false);
		fake_add_multiboot(FAKE_ELF_SEG0, 1u << bit);
		assert_int_equal(fake_load(), bit < 3 ? OK : ERR_FORMAT);
		fake_log_lines = bit == 2 ? fake_log_lines - 1 : fake_log_lines;
	}
	assert_int_equal(fake_log_lines, 0); /* one line, for the video mode */
	assert_string_equal(fake_log_last, "test: kernel.elf asks for a video mode, and there is none");
}

/* A flat file: header at 0x10, loaded at 0x100000 from file offset 0. */
static void make_kludge(u32 header_addr, u32 load, u32 load_end, u32 bss_end, u32 entry)
{
	fake_begin();
	memset(fake_file, 0x33, 0x200);
	fake_add_multiboot(0x10, 1u << 16);
	fake_put(fake_file + 0x1c, header_addr, 4);
	fake_put(fake_file + 0x20, load, 4);
	fake_put(fake_file + 0x24, load_end, 4);
	fake_put(fake_file + 0x28, bss_end, 4);
	fake_put(fake_file + 0x2c, entry, 4);
	fake_in.kernel.size = 0x200;
	fake_in.kernel.name = "flat";
}

static void a_flat_kernel_is_loaded_by_its_addresses(void **state)
{
	make_kludge(0x100010, 0x100000, 0, 0, 0x100040);
	assert_int_equal(fake_load(), OK);
	flat_protected_mode(0x100040);
	assert_memory_equal(fake_at(0x100000, 0x200), fake_file, 0x200);
	assert_int_equal(*fake_at(0x100200, 1), 0xcc);

	make_kludge(0x100010, 0x100008, 0x100100, 0x100300, 0x100040);
	assert_int_equal(fake_load(), OK);
	assert_memory_equal(fake_at(0x100008, 0xf8), fake_file + 8, 0xf8);
	assert_int_equal(*fake_at(0x100100, 1), 0);
	assert_int_equal(*fake_at(0x1002ff, 1), 0);
	assert_int_equal(*fake_at(0x100300, 1), 0xcc);
}

static void hostile_address_fields_are_refused(void **state)
{
	static const struct {
		u32 f[5];
		status_t s;
	} bad[] = {
		{ { 0x100010, 0x100011, 0, 0, 0x100040 }, ERR_FORMAT },		      /* load behind the header    */
		{ { 0x100011, 0x100000, 0, 0, 0x100040 }, ERR_FORMAT },		      /* from before the file      */
		{ { 0xffffffff, 0, 0, 0, 0x40 }, ERR_FORMAT },			      /* far before the file       */
		{ { 0x100010, 0x100000, 0x100201, 0, 0x100040 }, ERR_FORMAT },	      /* end behind the file       */
		{ { 0x100010, 0x100000, 0xfffff, 0, 0x100040 }, ERR_FORMAT },	      /* end before the start      */
		{ { 0x100010, 0x100000, 0, 0x1001ff, 0x100040 }, ERR_FORMAT },	      /* bss ends in the file      */
		{ { 0x100010, 0x100000, 0, 0xfffff, 0x100040 }, ERR_FORMAT },	      /* bss ends before the start */
		{ { 0x100010, 0x100000, 0, 0, 0x100200 }, ERR_FORMAT },		      /* entry behind              */
		{ { 0x100010, 0x100000, 0, 0, 0xfffff }, ERR_FORMAT },		      /* entry before              */
		{ { 0x100010, 0x100000, 0x100000, 0x100000, 0x100000 }, ERR_FORMAT }, /* nothing              */
		{ { 0x100010, 0x100000, 0, 0xffffffff, 0x100040 }, ERR_NOMEM },	      /* larger than RAM           */
		{ { 0xfffffff0, 0xffffffe0, 0, 0, 0xffffffe8 }, ERR_NOMEM },	      /* wraps past 4 GiB          */
		{ { 0x2010, 0x2000, 0, 0, 0x2040 }, ERR_NOMEM },		      /* on our structures         */
		{ { 0x1ff10, 0x1ff00, 0, 0, 0x1ff40 }, ERR_NOMEM },		      /* partly on them            */
		{ { 0x9fb10, 0x9fb00, 0, 0, 0x9fb40 }, ERR_NOMEM },		      /* into the BIOS area        */
		{ { 0xe0010, 0xe0000, 0, 0, 0xe0040 }, ERR_NOMEM },		      /* on the ACPI tables        */
		{ { 0x7fff10, 0x7fff00, 0, 0, 0x7fff40 }, ERR_NOMEM },		      /* over the end of RAM       */
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_kludge(bad[i].f[0], bad[i].f[1], bad[i].f[2], bad[i].f[3], bad[i].f[4]);
		assert_int_equal(fake_load(), bad[i].s);
		assert_int_equal(*fake_at(0x1000, 1), 0xcc);
	}
	make_kludge(0x100010, 0x100000, 0, 0, 0x100010);
	fake_in.kernel.size = 0x2c; /* the entry field is cut off */
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_string_equal(fake_in.error, "flat: the Multiboot header is cut off");
	make_kludge(0x100010, 0x100000, 0, 0, 0x100010);
	fake_add_multiboot(0x10, 0);
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_string_equal(fake_in.error, "flat: neither ELF nor with addresses in its Multiboot header");
}

static void hostile_elf_headers_are_refused(void **state)
{
	refused(true, 4, 3, 1, ERR_FORMAT, "kernel.elf: not a little-endian ELF file of 32 or 64 bits");
	refused(true, 5, 2, 1, ERR_FORMAT, "kernel.elf: not a little-endian ELF file of 32 or 64 bits");
	refused(true, 16, 1, 2, ERR_FORMAT, "kernel.elf: ELF type 1 for machine 62 is not an x86 kernel");
	refused(true, 18, 183, 2, ERR_FORMAT, "kernel.elf: ELF type 2 for machine 183 is not an x86 kernel");
	refused(true, 54, 55, 2, ERR_FORMAT, "kernel.elf: 3 ELF program headers of 55 bytes");
	refused(true, 56, 0, 2, ERR_FORMAT, "kernel.elf: 0 ELF program headers of 56 bytes");
	refused(true, 56, 65, 2, ERR_FORMAT, "kernel.elf: 65 ELF program headers of 56 bytes");
	refused(true, 54, 65535, 2, ERR_FORMAT, "kernel.elf: the ELF program headers lie outside of the file");
	refused(true, 32, ~0ull, 8, ERR_FORMAT, "kernel.elf: the ELF program headers lie outside of the file");
	refused(true, 32, ~0ull - 100, 8, ERR_FORMAT, "kernel.elf: the ELF program headers lie outside of the file");
	refused(false, 28, ~0u, 4, ERR_FORMAT, "kernel.elf: the ELF program headers lie outside of the file");
}

static void hostile_segments_are_refused(void **state)
{
	static const char not_in_file[] = "kernel.elf: ELF segment 0 is not wholly in the file";
	static const u64 paddr[] = { 0x10000,	       0x1f900,	 0x9fb00,    0xa0000, 0xff900,
				     FAKE_RAM - 0x7ff, FAKE_RAM, 1ull << 32, ~0ull,   ~0ull - 0x7ff };
	char error[128];

	fake_begin();
	fake_make_elf(true); /* so that fake_phdr knows */
	refused(true, fake_phdr(0, 32, 16), 0x801, 8, ERR_FORMAT, not_in_file);
	refused(true, fake_phdr(0, 40, 20), 0x2ff, 8, ERR_FORMAT, not_in_file);
	refused(true, fake_phdr(0, 8, 4), 0x1481, 8, ERR_FORMAT, not_in_file);
	refused(true, fake_phdr(0, 8, 4), ~0ull, 8, ERR_FORMAT, not_in_file);
	refused(true, fake_phdr(0, 8, 4), ~0ull - 0x2ff, 8, ERR_FORMAT, not_in_file);
	for (unsigned i = 0; i < sizeof(paddr) / sizeof(paddr[0]); i++) {
		snprintf(error, sizeof(error), "kernel.elf: ELF segment 0 (0x800 bytes at 0x%lx) is not in usable RAM",
			 paddr[i]);
		refused(true, fake_phdr(0, 24, 12), paddr[i], 8, ERR_NOMEM, error);
	}
	refused(true, fake_phdr(0, 40, 20), ~0ull, 8, ERR_NOMEM,
		"kernel.elf: ELF segment 0 (0xffffffffffffffff bytes at 0x100000) is not in usable RAM");
	fake_begin();
	fake_make_elf(false);
	fake_add_pvh(0x100020);
	fake_put(fake_file + fake_phdr(0, 0, 0), 0, 4);
	fake_put(fake_file + fake_phdr(1, 0, 0), 0, 4);
	assert_int_equal(fake_load(), ERR_FORMAT);
	assert_string_equal(fake_in.error, "kernel.elf: an ELF file with nothing to load");
}

static void a_segment_below_1m_is_loaded_where_it_may(void **state)
{
	fake_begin();
	fake_make_elf(true);
	fake_add_pvh(0x100020);
	fake_put(fake_file + fake_phdr(1, 24, 12), 0x20000, 8);
	assert_int_equal(fake_load(), OK);
	assert_int_equal(*fake_at(0x20000, 1), 0x22);
}

static void hostile_notes_are_refused(void **state)
{
	static const char none[] = "kernel.elf: an ELF file with neither a PVH note nor a Multiboot header";
	const u32 note = FAKE_ELF_NOTES, xen = note + 24;

	fake_begin();
	fake_make_elf(true);
	refused(true, note, ~0u, 4, ERR_FORMAT, none);
	refused(true, note + 4, ~0u, 4, ERR_FORMAT, none);
	refused(true, note + 4, 0x31, 4, ERR_FORMAT, none);
	refused(true, xen + 4, 0x40, 4, ERR_FORMAT, none);
	refused(true, xen + 4, 2, 4, ERR_FORMAT, none);
	refused(true, xen + 12, 'x', 1, ERR_FORMAT, none);
	refused(true, fake_phdr(2, 8, 4), 0x1470, 8, ERR_FORMAT, none);
	refused(true, fake_phdr(2, 32, 16), ~0ull, 8, ERR_FORMAT, none);
	refused(true, fake_phdr(2, 32, 16), 11, 8, ERR_FORMAT, none);
	refused(true, fake_phdr(2, 32, 16), 0x2c, 8, ERR_FORMAT, none); /* ends in the entry */
	refused(true, xen + 16, 0x100800, 8, ERR_FORMAT, "kernel.elf: its PVH entry 0x100800 is not in the kernel");
	refused(true, xen + 16, ~0ull, 8, ERR_FORMAT,
		"kernel.elf: its PVH entry 0xffffffffffffffff is not in the kernel");
}

static void modules_must_exist_and_fit(void **state)
{
	static u8 big[FAKE_RAM];

	for (unsigned pvh = 0; pvh < 2; pvh++) {
		fake_begin();
		fake_make_elf(false);
		if (pvh)
			fake_add_pvh(0x100020);
		else
			fake_add_multiboot(FAKE_ELF_SEG0, 0);
		fake_in.nmodules = 1;
		fake_in.module[0] = (struct blob){ .name = "mod" };
		assert_int_equal(fake_load(), ERR_NOENT);
		fake_in.module[0] = (struct blob){ .name = "mod", .data = big, .size = FAKE_RAM - 0x201000 };
		assert_int_equal(fake_load(), OK);
		fake_in.module[0].size++;
		assert_int_equal(fake_load(), ERR_NOMEM);
		assert_string_equal(fake_in.error, "kernel.elf: no room in RAM for mod (6140 KiB)");
		fake_in.module[0].size = ~0ull;
		assert_int_equal(fake_load(), ERR_NOMEM);
		fake_in.nmodules = LOADER_MAX_MODULES + 1;
		assert_int_equal(fake_load(), ERR_FORMAT);
	}
}

static void any_cut_of_the_file_is_refused(void **state)
{
	fake_begin();
	fake_make_elf(true);
	fake_add_pvh(0x100020);
	for (u64 size = 0; size < FAKE_ELF_SEG1 + 0x80; size += size < 0x480 ? 1 : 37) {
		fake_in.kernel.size = size;
		assert_true(fake_load() != OK);
	}
}

static void any_damage_gives_an_error_or_an_entry_in_ram(void **state)
{
	u64 seed = 0x5eed0002;

	for (unsigned round = 0; round < 6000; round++) {
		if (round % 50 == 0)
			fake_begin();
		fake_make_elf(round & 1);
		if (round & 2)
			fake_add_pvh(0x100020);
		fake_add_multiboot(FAKE_ELF_SEG0, 0);
		fake_in.nmodules = 0;
		for (unsigned i = 0; i < 1 + round % 3; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			fake_file[(seed >> 33) % (seed >> 22 & 1 ? 232 : FAKE_ELF_NOTES + 0x40)] = seed >> 56;
		}
		if (fake_load() == OK)
			assert_true(fake_state.regs.rip >= 0x20000 && fake_state.regs.rip < FAKE_RAM);
	}
}

static void any_address_fields_give_an_error_or_an_entry_in_ram(void **state)
{
	u64 seed = 0x5eed0003;

	for (unsigned round = 0; round < 3000; round++) {
		u32 f[5] = { 0x100010, 0x100000, 0x100200, 0x100400, 0x100040 };

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		f[(seed >> 33) % 5] ^= 1u << (seed >> 59);
		f[(seed >> 20) % 5] += (seed >> 50) % 1024 - 512;
		if (round % 50 == 0)
			fake_begin();
		fake_add_multiboot(0x10, 1u << 16);
		for (unsigned i = 0; i < 5; i++)
			fake_put(fake_file + 0x1c + 4 * i, f[i], 4);
		fake_in.kernel.size = 0x200;
		if (fake_load() == OK)
			assert_true(fake_state.regs.rip >= 0x20000 && fake_state.regs.rip < FAKE_RAM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pvh_kernel_starts_with_its_information),
		cmocka_unit_test(a_multiboot_kernel_starts_with_its_information),
		cmocka_unit_test(a_virtual_entry_of_multiboot_is_made_physical),
		cmocka_unit_test(of_both_headers_multiboot_wins_with_modules),
		cmocka_unit_test(the_header_is_found_where_it_may_be),
		cmocka_unit_test(flags_that_must_be_understood_are),
		cmocka_unit_test(a_flat_kernel_is_loaded_by_its_addresses),
		cmocka_unit_test(hostile_address_fields_are_refused),
		cmocka_unit_test(hostile_elf_headers_are_refused),
		cmocka_unit_test(hostile_segments_are_refused),
		cmocka_unit_test(a_segment_below_1m_is_loaded_where_it_may),
		cmocka_unit_test(hostile_notes_are_refused),
		cmocka_unit_test(modules_must_exist_and_fit),
		cmocka_unit_test(any_cut_of_the_file_is_refused),
		cmocka_unit_test(any_damage_gives_an_error_or_an_entry_in_ram),
		cmocka_unit_test(any_address_fields_give_an_error_or_an_entry_in_ram),
	};

	return cmocka_run_group_tests_name("loader_elf", tests, fake_setup, fake_teardown);
}
