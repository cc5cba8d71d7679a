/* SPDX-License-Identifier: Apache-2.0 */
/* boot/acpi.c: reads the static ACPI tables, trusting no length and no address in them. */
#include "boot/acpi.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define ACPI_HEADER    36u
#define ACPI_MAX_TABLE (16u << 20) /* larger is corrupt */
#define ACPI_RSDP_V1   20u
#define ACPI_RSDP_V2   36u

#define GAS_MEMORY 0 /* address space of a generic address structure (5.2.3.2) */
#define GAS_IO	   1

#define MADT_ENABLED	   BIT(0)
#define MADT_POLARITY	   BITS(1, 0)
#define MADT_TRIGGER	   BITS(3, 2)
#define MADT_LOW_OR_LEVEL  3u
#define SPCR_IRQ_8259	   BIT(0)
#define SPCR_IRQ_GSI	   BIT(1)
#define FADT_TMR_VAL_EXT   BIT(8)
#define FADT_RESET_REG_SUP BIT(10)
#define FADT_ARCH_8042	   BIT(1)

/* One run of the parser. */
struct acpi {
	acpi_map_fn map;
	acpi_warn_fn warn;
	struct boot_platform *out;
	bool fadt, madt, mcfg, hpet, spcr; /* seen: a second one is ignored */
};

static u64 acpi_read(const u8 *p, unsigned n)
{
	u64 v = 0;

	while (n-- != 0)
		v = v << 8 | p[n];
	return v;
}

static bool acpi_sum_ok(const u8 *p, size_t n)
{
	u8 sum = 0;

	while (n-- != 0)
		sum += *p++;
	return sum == 0;
}

static bool acpi_rsdp_ok(const u8 *p, size_t len)
{
	return len >= ACPI_RSDP_V1 && memcmp(p, "RSD PTR ", 8) == 0 && acpi_sum_ok(p, ACPI_RSDP_V1);
}

u64 acpi_find_rsdp(acpi_map_fn map, u64 base, u64 size)
{
	const u8 *p = range_bad(base, size) ? NULL : map(base, size);

	for (u64 at = round_up(base, 16) - base; p != NULL && at < size; at += 16) {
		if (acpi_rsdp_ok(p + at, size - at))
			return base + at;
	}
	return 0;
}

/* The table at @pa with a right length and checksum, or NULL. */
static const u8 *acpi_table(const struct acpi *a, u64 pa, u32 *len)
{
	const u8 *p = range_bad(pa, ACPI_HEADER) ? NULL : a->map(pa, ACPI_HEADER);

	if (pa == 0 || p == NULL) {
		a->warn("ACPI: table at 0x%llx is out of reach", (unsigned long long)pa);
		return NULL;
	}
	*len = acpi_read(p + 4, 4);
	if (*len < ACPI_HEADER || *len > ACPI_MAX_TABLE || range_bad(pa, *len)) {
		a->warn("ACPI: table at 0x%llx has length %u", (unsigned long long)pa, *len);
		return NULL;
	}
	p = a->map(pa, *len);
	if (p == NULL || !acpi_sum_ok(p, *len)) {
		a->warn("ACPI: table at 0x%llx is unreadable or has a wrong checksum", (unsigned long long)pa);
		return NULL;
	}
	return p;
}

static void acpi_add_cpu(const struct acpi *a, u32 id, u32 flags)
{
	struct boot_platform *o = a->out;

	if (!(flags & MADT_ENABLED))
		return;
	for (u32 i = 0; i < o->ncpus; i++) {
		if (o->cpu_id[i] == id)
			return; /* listed both as APIC and as x2APIC */
	}
	if (o->ncpus == BOOT_MAX_CPUS)
		a->warn("ACPI: CPU with APIC ID %u ignored: more than %d", id, BOOT_MAX_CPUS);
	else
		o->cpu_id[o->ncpus++] = id;
}

static void acpi_add_irqchip(const struct acpi *a, const u8 *p)
{
	struct boot_platform *o = a->out;

	if (o->nirqchips == BOOT_MAX_IRQCHIPS) {
		a->warn("ACPI: I/O APIC %u ignored: more than %d", p[2], BOOT_MAX_IRQCHIPS);
		return;
	}
	o->irqchip[o->nirqchips++] = (struct boot_irqchip){
		.base = acpi_read(p + 4, 4),
		.gsi_base = acpi_read(p + 8, 4),
		.id = p[2],
	};
}

static void acpi_add_override(const struct acpi *a, const u8 *p)
{
	struct boot_platform *o = a->out;
	u32 flags = acpi_read(p + 8, 2);

	if (o->noverrides == BOOT_MAX_OVERRIDES) {
		a->warn("ACPI: override of IRQ %u ignored: more than %d", p[3], BOOT_MAX_OVERRIDES);
		return;
	}
	o->override[o->noverrides++] = (struct boot_override){
		.irq = p[3],
		.gsi = acpi_read(p + 4, 4),
		.active_low = FIELD(MADT_POLARITY, flags) == MADT_LOW_OR_LEVEL,
		.level = FIELD(MADT_TRIGGER, flags) == MADT_LOW_OR_LEVEL,
	};
}

/* 5.2.12, with its interrupt controller structures. */
static void acpi_madt(struct acpi *a, const u8 *t, u32 len)
{
	static const u8 need[] = { [0] = 8, [1] = 12, [2] = 10, [5] = 12, [9] = 16 };

	if (len < 44) {
		a->warn("ACPI: MADT too short");
		return;
	}
	a->out->lapic_base = acpi_read(t + 36, 4);
	for (u32 at = 44; at < len; at += t[at + 1]) {
		const u8 *p = t + at;

		if (len - at < 2 || p[1] < 2 || p[1] > len - at) {
			a->warn("ACPI: MADT entry at offset %u is cut off", at);
			return;
		}
		if (p[0] < sizeof(need) && p[1] < need[p[0]]) {
			a->warn("ACPI: MADT entry of type %u is too short", p[0]);
			continue;
		}
		switch (p[0]) {
		case 0: acpi_add_cpu(a, p[3], acpi_read(p + 4, 4)); break;
		case 1: acpi_add_irqchip(a, p); break;
		case 2: acpi_add_override(a, p); break;
		case 5: a->out->lapic_base = acpi_read(p + 4, 8); break;
		case 9: acpi_add_cpu(a, acpi_read(p + 4, 4), acpi_read(p + 8, 4)); break;
		default: break;
		}
	}
}

/* A register's port: from its extended form at @x if the table has one in I/O space, else from @old. */
static u32 acpi_port(const u8 *t, u32 len, u32 old, u32 x)
{
	if (x + 12 <= len && t[x] == GAS_IO) {
		u64 port = acpi_read(t + x + 4, 8);

		if (port != 0 && port <= 0xffff)
			return port;
	}
	if (old == 0 || old + 4 > len || acpi_read(t + old, 4) > 0xffff)
		return 0;
	return acpi_read(t + old, 4);
}

/* 5.2.9. Offsets of the fields are those of table 5.9. */
static void acpi_fadt(struct acpi *a, const u8 *t, u32 len)
{
	struct boot_platform *o = a->out;
	u64 dsdt = 0;
	u32 flags, size;

	if (len < 116) {
		a->warn("ACPI: FADT too short");
		return;
	}
	flags = acpi_read(t + 112, 4);
	o->pm_timer_port = acpi_port(t, len, 76, 208);
	o->pm_timer_32bit = (flags & FADT_TMR_VAL_EXT) != 0;
	o->pm1a_cnt_port = acpi_port(t, len, 64, 172);
	if ((flags & FADT_RESET_REG_SUP) && len >= 129) {
		o->reset_port = acpi_port(t, len, 0, 116);
		o->reset_value = t[128];
	}
	/* Before revision 2 there is no such flag, and every PC has the controller. */
	o->has_8042 = t[8] < 2 || (acpi_read(t + 109, 2) & FADT_ARCH_8042) != 0;

	if (len >= 148)
		dsdt = acpi_read(t + 140, 8);
	if (dsdt == 0)
		dsdt = acpi_read(t + 40, 4);
	t = acpi_table(a, dsdt, &size);
	if (t != NULL && memcmp(t, "DSDT", 4) == 0)
		o->s5_valid = acpi_find_s5(t + ACPI_HEADER, size - ACPI_HEADER, &o->s5_slp_typa) == OK;
}

/* PCI firmware specification 3.3, 4.1.2. */
static void acpi_mcfg(struct acpi *a, const u8 *t, u32 len)
{
	struct boot_platform *o = a->out;

	for (u32 at = 44; at < len && len - at >= 16; at += 16) {
		struct boot_ecam e = { acpi_read(t + at, 8), acpi_read(t + at + 8, 2), t[at + 10], t[at + 11], 0 };

		if (e.bus_start > e.bus_end || o->necam == BOOT_MAX_ECAM)
			a->warn("ACPI: MCFG entry for segment %u ignored", e.segment);
		else
			o->ecam[o->necam++] = e;
	}
}

/*
 * Serial Port Console Redirection Table, revisions 1 to 4 (Microsoft): a 16550 in I/O space. Other chips, and one in
 * memory, are told and left to others.
 */
static void acpi_spcr(struct acpi *a, const u8 *t, u32 len)
{
	static const u8 divisor[] = { [3] = 12, [4] = 6, [6] = 2, [7] = 1 };
	struct boot_serial *s = &a->out->serial;
	u64 port;

	if (len < 80) {
		a->warn("ACPI: SPCR too short");
		return;
	}
	port = acpi_read(t + 44, 8);
	if ((t[36] > 1 && t[36] != 0x12) || t[40] != GAS_IO || port == 0 || port > 0xfff8) {
		a->warn("ACPI: the console of the SPCR is not used: type %u, address space %u", t[36], t[40]);
		return;
	}
	*s = (struct boot_serial){ .port = (u32)port, .divisor = t[58] < sizeof(divisor) ? divisor[t[58]] : 0 };
	if (t[52] & SPCR_IRQ_GSI) {
		s->irq_kind = BOOT_IRQ_GSI;
		s->irq = (u32)acpi_read(t + 54, 4);
	} else if (t[52] & SPCR_IRQ_8259) {
		s->irq_kind = BOOT_IRQ_ISA;
		s->irq = t[53];
	}
}

static void acpi_one(struct acpi *a, u64 pa)
{
	u32 len;
	const u8 *t = acpi_table(a, pa, &len);

	if (t == NULL)
		return;
	if (memcmp(t, "APIC", 4) == 0 && !a->madt) {
		a->madt = true;
		acpi_madt(a, t, len);
	} else if (memcmp(t, "FACP", 4) == 0 && !a->fadt) {
		a->fadt = true;
		acpi_fadt(a, t, len);
	} else if (memcmp(t, "MCFG", 4) == 0 && !a->mcfg) {
		a->mcfg = true;
		acpi_mcfg(a, t, len);
	} else if (memcmp(t, "SPCR", 4) == 0 && !a->spcr) {
		a->spcr = true;
		acpi_spcr(a, t, len);
	} else if (memcmp(t, "DMAR", 4) == 0 || memcmp(t, "IVRS", 4) == 0) {
		a->out->has_iommu = 1;
	} else if (memcmp(t, "HPET", 4) == 0 && !a->hpet && len >= 56 && t[40] == GAS_MEMORY) {
		a->hpet = true;
		a->out->hpet_base = acpi_read(t + 44, 8);
	}
}

/* Each table that the RSDT (@width 4) or XSDT (@width 8) at @pa lists. False: it is not one. */
static bool acpi_root(struct acpi *a, u64 pa, const char *sig, u32 width)
{
	u32 len;
	const u8 *t = acpi_table(a, pa, &len);

	if (t == NULL || memcmp(t, sig, 4) != 0)
		return false;
	for (u32 at = ACPI_HEADER; len - at >= width; at += width) {
		u64 entry = acpi_read(t + at, width);

		if (entry != 0)
			acpi_one(a, entry);
	}
	return true;
}

status_t acpi_parse(const void *rsdp, size_t len, acpi_map_fn map, acpi_warn_fn warn, struct boot_platform *out)
{
	struct acpi a = { .map = map, .warn = warn, .out = out };
	const u8 *p = rsdp;

	memset(out, 0, sizeof(*out));
	if (!acpi_rsdp_ok(p, len))
		return ERR_FORMAT;
	if (p[15] >= 2 && len >= ACPI_RSDP_V2 && acpi_sum_ok(p, ACPI_RSDP_V2) &&
	    acpi_root(&a, acpi_read(p + 24, 8), "XSDT", 8))
		return OK;
	return acpi_root(&a, acpi_read(p + 16, 4), "RSDT", 4) ? OK : ERR_FORMAT;
}

status_t acpi_parse_at(u64 pa, acpi_map_fn map, acpi_warn_fn warn, struct boot_platform *out)
{
	size_t len = ACPI_RSDP_V2;
	const void *p = map(pa, len);

	if (p == NULL) {
		len = ACPI_RSDP_V1;
		p = map(pa, len);
	}
	memset(out, 0, sizeof(*out));
	return p != NULL ? acpi_parse(p, len, map, warn, out) : ERR_FORMAT;
}

/* The AML after the name: PackageOp PkgLength NumElements, then the first constant (20.2.4, 20.2.5). */
static bool acpi_s5_package(const u8 *p, size_t len, u32 *v)
{
	size_t extra;

	if (len < 2 || p[0] != 0x12)
		return false;
	extra = p[1] >> 6;
	if (len < 2 + extra + 3 || p[2 + extra] == 0)
		return false;
	p += 2 + extra + 1;
	if (p[0] <= 1) /* ZeroOp, OneOp */
		*v = p[0];
	else if (p[0] == 0x0a && p[1] <= 7) /* BytePrefix; SLP_TYP has 3 bits */
		*v = p[1];
	else
		return false;
	return true;
}

status_t acpi_find_s5(const u8 *aml, size_t len, u32 *slp_typa)
{
	for (size_t at = 1; at < len && len - at > 4; at++) {
		bool named = aml[at - 1] == 0x08 || (at > 1 && aml[at - 1] == '\\' && aml[at - 2] == 0x08);

		if (named && memcmp(aml + at, "_S5_", 4) == 0 && acpi_s5_package(aml + at + 4, len - at - 4, slp_typa))
			return OK;
	}
	return ERR_NOENT;
}
