/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_x86.c: see fake_x86.h. */
#include "fake_x86.h"
#include <stdlib.h>
#include <string.h>

struct fake_x86 fake;

static void *fake_ram(void *ctx, u64 gpa, unsigned len)
{
	if (len == 0 || (gpa & 0xfff) + len > 0x1000)
		abort();
	if (gpa >= FAKE_RAM_SIZE || len > FAKE_RAM_SIZE - gpa)
		return NULL;
	if (fake.on_ram)
		fake.on_ram(&fake, gpa, len);
	return fake.ram + gpa;
}

static void fake_note(u64 addr, unsigned size, u64 value, bool write, bool port)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		abort();
	if (fake.accesses < sizeof(fake.log) / sizeof(fake.log[0]))
		fake.log[fake.accesses] = (struct fake_access){ addr, value, (u8)size, write, port };
	fake.accesses++;
}

static u64 fake_mmio_read(void *ctx, u64 gpa, unsigned size)
{
	fake_note(gpa, size, 0, false, false);
	return fake.answer;
}

static void fake_mmio_write(void *ctx, u64 gpa, unsigned size, u64 value)
{
	fake_note(gpa, size, value, true, false);
}

static u64 fake_port_read(void *ctx, u16 port, unsigned size)
{
	fake_note(port, size, 0, false, true);
	return fake.answer;
}

static void fake_port_write(void *ctx, u16 port, unsigned size, u64 value)
{
	fake_note(port, size, value, true, true);
}

static const u8 *fake_rom(void *ctx, u64 gpa, unsigned len)
{
	return gpa >= FAKE_ROM && gpa + len <= FAKE_ROM + sizeof(fake.rom) ? fake.rom + (gpa - FAKE_ROM) : NULL;
}

static const struct emu_ops fake_ops = { .ram = fake_ram,
					 .rom = fake_rom,
					 .mmio_read = fake_mmio_read,
					 .mmio_write = fake_mmio_write,
					 .port_read = fake_port_read,
					 .port_write = fake_port_write };

void fake_free(void)
{
	free(fake.ram);
	fake.ram = NULL;
}

void fake_reset(void)
{
	fake_free();
	memset(&fake, 0, sizeof(fake));
	fake.ram = calloc(1, FAKE_RAM_SIZE);
	if (!fake.ram)
		abort();
	fake.e.ops = &fake_ops;
	fake.e.ctx = &fake;
	fake.e.regs = &fake.regs;
	fake.e.cache = &fake.cache;
	fake_mode(64);
}

void fake_mode(unsigned bits)
{
	struct vcpu_regs *r = &fake.regs;
	u32 ar = X86_AR_P | X86_AR_S | (bits == 16 ? 0 : bits == 32 ? X86_AR_DB | X86_AR_G : X86_AR_L | X86_AR_G);

	r->rip = 0x1000;
	r->rflags = 2;
	r->cr0 = bits == 16 ? 0 : 1;
	r->efer = bits == 64 ? 0x500 : 0;
	r->cr4 = bits == 64 ? 0x20 : 0;
	for (unsigned s = 0; s < X86_NSREG; s++) {
		r->seg[s].ar = (u16)((ar & (bits == 64 && s != X86_CS ? ~X86_AR_L : ~0u)) | (s == X86_CS ? 11 : 3));
		r->seg[s].limit = bits == 16 ? 0xffff : 0xffffffff;
		r->seg[s].base = 0;
	}
}

void fake_put(u64 gpa, const void *bytes, unsigned len)
{
	if (gpa > FAKE_RAM_SIZE || len > FAKE_RAM_SIZE - gpa)
		abort();
	memcpy(fake.ram + gpa, bytes, len);
}

u64 fake_get(u64 gpa, unsigned size)
{
	u64 v = 0;

	memcpy(&v, fake.ram + gpa, size);
	return v;
}

void fake_set(u64 gpa, unsigned size, u64 v)
{
	fake_put(gpa, &v, size);
}

enum emu_result fake_step(const void *bytes, unsigned len)
{
	fake_put(0x1000, bytes, len);
	fake.accesses = 0;
	memset(&fake.e.fault, 0, sizeof(fake.e.fault));
	return emu_step(&fake.e);
}
