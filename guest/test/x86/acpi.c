/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/acpi.c: ACPI tables, power-off, and the loader's memory map. */
#include "guest/test/x86/x86.h"

extern u32 mb_info, mb_magic;
struct t_range t_map[32];
unsigned t_map_n;

static u32 rd32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return v;
}

static u64 rd64(const u8 *p)
{
	return rd32(p) | (u64)rd32(p + 4) << 32;
}

static const u8 *at(u64 a)
{
	return (const u8 *)(uintptr_t)a;
}

static const u8 *rsdp(void)
{
	for (u64 a = 0xe0000; a < 0x100000; a += 16)
		if (memcmp(at(a), "RSD PTR ", 8) == 0)
			return at(a);
	return NULL;
}

const u8 *acpi_find(const char *sig)
{
	const u8 *r = rsdp();
	bool wide;
	const u8 *sdt;

	if (r == NULL)
		return NULL;
	wide = r[15] >= 2 && rd64(r + 24) != 0 && rd64(r + 24) < 1ull << 32;
	sdt = at(wide ? rd64(r + 24) : rd32(r + 16));
	for (u32 off = 36; off + (wide ? 8 : 4) <= rd32(sdt + 4) && off < 4096; off += wide ? 8 : 4) {
		u64 a = wide ? rd64(sdt + off) : rd32(sdt + off);

		if (a == 0 || a >= 1ull << 32)
			continue;
		if (memcmp(sig, "DSDT", 4) == 0 && memcmp(at(a), "FACP", 4) == 0)
			return at(rd32(at(a) + 40));
		if (memcmp(at(a), sig, 4) == 0)
			return at(a);
	}
	return NULL;
}

/* SLP_TYPa: the first element of the package \_S5, a byte constant or Zero/One. */
static int s5_type(void)
{
	const u8 *d = acpi_find("DSDT");
	u32 len = d != NULL ? rd32(d + 4) : 0;

	for (u32 i = 36; i + 16 < len; i++) {
		const u8 *p = d + i;

		if (memcmp(p, "_S5_\x12", 5) != 0)
			continue;
		p += 5;
		p += (p[0] >> 6) + 1; /* PkgLength */
		p++;		      /* NumElements */
		if (p[0] == 0x0a)
			return p[1] & 7;
		return p[0] <= 1 ? p[0] : 0;
	}
	return -1;
}

void acpi_power_off(void)
{
	const u8 *fadt = acpi_find("FACP");
	int type = s5_type();

	cli();
	if (fadt != NULL && type >= 0)
		outw((u16)rd32(fadt + 64), (u16)(1u << 13 | (u32)type << 10));
	outw(0x604, 0x2000);
	outb(0x64, 0xfe); /* the last resort: reset */
	for (;;)
		__asm__ volatile("cli; hlt");
}

void t_map_init(void)
{
	const u8 *mb = at(mb_info);
	u64 p, end;

	if (mb_magic != 0x2badb002)
		return;
	if (!(rd32(mb) & BIT(6))) {
		t_map[t_map_n++] = (struct t_range){ 0x100000, (u64)rd32(mb + 8) << 10, 1 };
		return;
	}
	p = rd32(mb + 48);
	end = p + rd32(mb + 44);
	while (p < end && t_map_n < ARRAY_SIZE(t_map)) {
		t_map[t_map_n++] = (struct t_range){ rd64(at(p + 4)), rd64(at(p + 12)), rd32(at(p + 20)) };
		p += rd32(at(p)) + 4;
	}
}
