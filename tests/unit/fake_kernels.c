/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_kernels.c: see its header. */
#include "fake_kernels.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_guest_ram.h"

struct vm fake_vm;
struct loader_input fake_in;
struct vcpu_state fake_state;
u8 fake_file[16384];
static bool fake_is64;

void fake_put(u8 *p, u64 v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = v >> 8 * i;
}

u64 fake_get(const void *p, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (u64)((const u8 *)p)[i] << 8 * i;
	return v;
}

u8 *fake_at(u64 gpa, u64 len)
{
	u8 *p = vm_mem(&fake_vm, gpa, len);

	assert_non_null(p);
	return p;
}

void fake_begin(void)
{
	memset(fake_vm.ram[0].mem, 0xcc, FAKE_RAM);
	memset(&fake_in, 0, sizeof(fake_in));
	memset(&fake_state, 0xcc, sizeof(fake_state));
	memset(fake_file, 0, sizeof(fake_file));
	fake_in.kernel.name = "vmlinuz";
	fake_in.cmdline = "console=ttyS0 quiet";
	fake_in.low_top = FAKE_RAM;
	fake_in.acpi_rsdp = 0xe0000;
}

status_t fake_load(void)
{
	size_t size = fake_in.kernel.size;
	u8 *copy = malloc(size ? size : 1);
	status_t s;

	assert_non_null(copy);
	memcpy(copy, fake_file, size);
	fake_in.kernel.data = copy;
	s = loader_x86(&fake_vm, &fake_in, &fake_state);
	free(copy);
	assert_int_equal(s == OK, fake_in.error[0] == '\0');
	return s;
}

int fake_setup(void **state)
{
	fake_guest_ram(&fake_vm, FAKE_RAM, 0xcc);
	fake_begin();
	return 0;
}

int fake_teardown(void **state)
{
	fake_guest_free(&fake_vm);
	return 0;
}

void fake_make_linux(void)
{
	u8 *f = fake_file;

	f[0x1f1] = 3;
	fake_put(f + 0x1f4, 4096 / 16, 4);
	fake_put(f + 0x1fe, 0xaa55, 2);
	fake_put(f + 0x200, 0x66eb, 2); /* the header ends at 0x268 */
	memcpy(f + 0x202, "HdrS", 4);
	fake_put(f + 0x206, 0x20f, 2);
	f[0x211] = 1;
	fake_put(f + 0x22c, 0x7fffffff, 4);
	fake_put(f + 0x230, 0x200000, 4);
	f[0x234] = 1;
	f[0x235] = 21;
	fake_put(f + 0x236, 1, 2);
	fake_put(f + 0x238, 2047, 4);
	fake_put(f + 0x258, 0x200000, 8);
	fake_put(f + 0x260, 0x100000, 4);
	for (unsigned i = 0; i < 4096; i++)
		f[2048 + i] = i * 7;
	fake_in.kernel.size = 2048 + 4096;
}

u32 fake_phdr(unsigned i, unsigned f64, unsigned f32)
{
	return fake_is64 ? 64 + i * 56 + f64 : 52 + i * 32 + f32;
}

static void fake_segment(unsigned i, u32 type, u64 offset, u64 vaddr, u64 paddr, u64 filesz, u64 memsz)
{
	unsigned n = fake_is64 ? 8 : 4;

	fake_put(fake_file + fake_phdr(i, 0, 0), type, 4);
	fake_put(fake_file + fake_phdr(i, 8, 4), offset, n);
	fake_put(fake_file + fake_phdr(i, 16, 8), vaddr, n);
	fake_put(fake_file + fake_phdr(i, 24, 12), paddr, n);
	fake_put(fake_file + fake_phdr(i, 32, 16), filesz, n);
	fake_put(fake_file + fake_phdr(i, 40, 20), memsz, n);
	fake_put(fake_file + fake_phdr(i, 48, 28), 4, n);
}

void fake_make_elf(bool is64)
{
	u8 *f = fake_file;

	fake_is64 = is64;
	memcpy(f, "\177ELF", 4);
	f[4] = is64 ? 2 : 1;
	f[5] = 1;
	f[6] = 1;
	fake_put(f + 16, 2, 2);
	fake_put(f + 18, is64 ? 62 : 3, 2);
	fake_put(f + 20, 1, 4);
	if (is64) {
		fake_put(f + 24, 0x100010, 8);
		fake_put(f + 32, 64, 8);
		fake_put(f + 54, 56, 2);
		fake_put(f + 56, 3, 2);
	} else {
		fake_put(f + 24, 0x100010, 4);
		fake_put(f + 28, 52, 4);
		fake_put(f + 42, 32, 2);
		fake_put(f + 44, 3, 2);
	}
	fake_segment(0, 1, FAKE_ELF_SEG0, 0x100000, 0x100000, 0x300, 0x800);
	fake_segment(1, 1, FAKE_ELF_SEG1, 0x200000, 0x200000, 0x80, 0x80);
	fake_segment(2, 4, FAKE_ELF_NOTES, 0, 0, 0x40, 0x40);
	memset(f + FAKE_ELF_SEG0, 0x11, 0x300);
	memset(f + FAKE_ELF_SEG1, 0x22, 0x80);
	fake_in.kernel.size = FAKE_ELF_SEG1 + 0x80;
	fake_in.kernel.name = "kernel.elf";
}

void fake_add_pvh(u64 entry)
{
	u8 *n = fake_file + FAKE_ELF_NOTES;

	fake_put(n, 4, 4); /* another note first: "GNU", type 3, 5 bytes */
	fake_put(n + 4, 5, 4);
	fake_put(n + 8, 3, 4);
	memcpy(n + 12, "GNU", 4);
	n += 24;
	fake_put(n, 4, 4);
	fake_put(n + 4, fake_is64 ? 8 : 4, 4);
	fake_put(n + 8, 18, 4);
	memcpy(n + 12, "Xen", 4);
	fake_put(n + 16, entry, fake_is64 ? 8 : 4);
}

void fake_add_multiboot(u32 at, u32 flags)
{
	fake_put(fake_file + at, 0x1badb002, 4);
	fake_put(fake_file + at + 4, flags, 4);
	fake_put(fake_file + at + 8, 0u - 0x1badb002u - flags, 4);
}
