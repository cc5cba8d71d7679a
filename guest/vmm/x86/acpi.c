/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/acpi.c: the ACPI tables of a guest's PC, written into its RAM. */
#include "guest/vmm/x86/acpi.h"

#include "gen/dsdt.h" /* dsdt_aml_code[], compiled by iasl from dsdt.asl */

#include "guest/vmm/dev/acpi_pm.h"
#include "guest/vmm/dev/ioapic.h"
#include "guest/vmm/x86/pc.h"

#define ACPI_OEM       "TRIVET"
#define ACPI_OEM_TABLE "TRIVETPC"
#define ACPI_ALIGN     16
#define FACS_ALIGN     64
#define ACPI_MAX_TABLE 8192
#define RSDP_ACPI1     20 /* bytes that ACPI 1.0 knew: the first checksum is theirs */

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} PACKED;

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt, length;
	u64 xsdt;
	u8 checksum2, reserved[3];
} PACKED;

/* Generic address structure; space 1 is I/O. */
struct acpi_gas {
	u8 space, width, offset, access;
	u64 address;
} PACKED;

struct acpi_fadt {
	struct acpi_header h;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci_int;
	u32 smi_cmd;
	u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	u8 pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	u16 p_lvl2, p_lvl3, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, mon_alarm, century;
	u16 boot_arch;
	u8 reserved1;
	u32 flags;
	struct acpi_gas reset;
	u8 reset_value;
	u16 arm_boot_arch;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct acpi_gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
	struct acpi_gas sleep_control, sleep_status;
	u64 hypervisor;
} PACKED;

struct acpi_facs {
	char signature[4];
	u32 length, hardware_signature, waking, global_lock, flags;
	u64 x_waking;
	u8 version, reserved[31];
} PACKED;

struct acpi_madt {
	struct acpi_header h;
	u32 lapic, flags;
} PACKED;

struct madt_lapic {
	u8 type, length, uid, apic_id;
	u32 flags;
} PACKED;

struct madt_ioapic {
	u8 type, length, id, reserved;
	u32 address, gsi_base;
} PACKED;

struct madt_override {
	u8 type, length, bus, source;
	u32 gsi;
	u16 flags;
} PACKED;

struct madt_nmi {
	u8 type, length, uid;
	u16 flags;
	u8 lint;
} PACKED;

struct acpi_mcfg {
	struct acpi_header h;
	u64 reserved, base;
	u16 segment;
	u8 bus_start, bus_end;
	u32 reserved1;
} PACKED;

/*
 * The SSDT, in AML (ACPI 6.4, chapter 20):
 *   Name (\COM1, One or Zero)
 *   Name (\W64R, ResourceTemplate () { QWordMemory (...) })
 */
struct acpi_qword_memory {
	u8 tag; /* 8Ah */
	u16 length;
	u8 type, general, specific;
	u64 granularity, min, max, translation, size;
	u8 end_tag, end_checksum; /* 79h, 0: not computed */
} PACKED;

struct acpi_ssdt {
	struct acpi_header h;
	struct {
		u8 name_op;
		char name[4];
		u8 value; /* ZeroOp or OneOp */
	} com1;
	struct {
		u8 name_op;
		char name[4];
		u8 buffer_op, pkg_length, byte_prefix, bytes;
		struct acpi_qword_memory res;
	} PACKED w64r;
} PACKED;

static_assert(sizeof(struct acpi_qword_memory) == 48, "ACPI 6.4, 6.4.3.5.1, and the end tag");

#define AML_NAME	0x08
#define AML_BUFFER	0x11
#define AML_BYTE_PREFIX 0x0a
#define RES_QWORD	0x8a
#define RES_QWORD_LEN	0x2b
#define RES_FIXED	0x0c /* minimum and maximum are */
#define RES_READ_WRITE	0x01
#define RES_END		0x79

static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.4, 5.2.6");
static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 6.4, 5.2.5.3");
static_assert(sizeof(struct acpi_fadt) == 276, "ACPI 6.4, 5.2.9");
static_assert(sizeof(struct acpi_facs) == 64, "ACPI 6.4, 5.2.10");

#define GAS_IO 1

#define FADT_WBINVD	 BIT(0)
#define FADT_PROC_C1	 BIT(2)
#define FADT_SLP_BUTTON	 BIT(5) /* no fixed sleep button */
#define FADT_TMR_VAL_EXT BIT(8)
#define FADT_RESET_REG	 BIT(10)
#define FADT_LEGACY	 BIT(0) /* boot_arch: ISA devices; no 8042 (bit 1) */
#define FADT_NO_VGA	 BIT(2)
#define FADT_CENTURY	 0x32
#define FADT_NO_CSTATE	 0xffff

#define MADT_PCAT_COMPAT BIT(0)
#define MADT_ENABLED	 BIT(0)
#define MADT_ACTIVE_HIGH 0x1
#define MADT_LEVEL	 0xc

enum { MADT_LAPIC, MADT_IOAPIC, MADT_OVERRIDE, MADT_LAPIC_NMI = 4 };

struct acpi_cursor {
	u8 *mem; /* of @base */
	u64 base, next, end;
	struct acpi_script *script; /* firmware moves the tables, NULL: they are where they stay */
};

static u8 acpi_sum(const void *p, size_t n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum += *b++;
	return -sum;
}

/** Copy a finished table of @len bytes into guest RAM. ERR_NOMEM. */
static status_t acpi_place(struct acpi_cursor *c, const void *table, size_t len, u64 align, u64 *at)
{
	u64 start = round_up(c->next, align);

	if (!range_in(start, len, c->base, c->end - c->base))
		return ERR_NOMEM;
	memcpy(c->mem + (start - c->base), table, len);
	c->next = start + len;
	*at = start;
	return OK;
}

static status_t acpi_table(struct acpi_cursor *c, struct acpi_header *h, const char *sig, u8 rev, size_t len, u64 *at)
{
	memcpy(h->signature, sig, 4);
	h->length = len;
	h->revision = rev;
	memcpy(h->oem, ACPI_OEM, sizeof(h->oem));
	memcpy(h->oem_table, ACPI_OEM_TABLE, sizeof(h->oem_table));
	h->oem_revision = 1;
	memcpy(h->creator, "TRVT", sizeof(h->creator));
	h->creator_revision = 1;
	h->checksum = 0;
	h->checksum = acpi_sum(h, len);
	return acpi_place(c, h, len, ACPI_ALIGN, at);
}

/** In a table that firmware moves, the field of @size bytes at @at is another table's address. */
static void acpi_pointer(struct acpi_cursor *c, u64 at, u8 size)
{
	if (c->script)
		acpi_script_pointer(c->script, ACPI_FILE_TABLES, (u32)(at - c->base), size);
}

/** After its pointers: the checksum of the table of @len bytes at @at changes with them. */
static void acpi_moved(struct acpi_cursor *c, u64 at, size_t len)
{
	u32 off = (u32)(at - c->base), field = off + offsetof(struct acpi_header, checksum);

	if (!c->script)
		return;
	c->mem[field] = 0;
	acpi_script_checksum(c->script, ACPI_FILE_TABLES, field, off, (u32)len);
}

static struct acpi_gas acpi_io(u32 port, u8 width)
{
	/* Access size 0, not said: the PM1 event block is two registers in one address. */
	return (struct acpi_gas){ GAS_IO, width, 0, 0, port };
}

static status_t acpi_fadt(struct acpi_cursor *c, u64 facs, u64 dsdt, u64 *at)
{
	struct acpi_fadt f = { .facs = facs,
			       .dsdt = dsdt,
			       .profile = 1, /* desktop */
			       .sci_int = ACPI_PM_SCI,
			       .pm1a_evt = ACPI_PM_PORT,
			       .pm1a_cnt = ACPI_PM1_CNT_PORT,
			       .pm_tmr = ACPI_PM_TMR_PORT,
			       .pm1_evt_len = 4,
			       .pm1_cnt_len = 2,
			       .pm_tmr_len = 4,
			       .p_lvl2 = FADT_NO_CSTATE,
			       .p_lvl3 = FADT_NO_CSTATE,
			       .century = FADT_CENTURY,
			       .boot_arch = FADT_LEGACY | FADT_NO_VGA,
			       .flags =
				       FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_TMR_VAL_EXT | FADT_RESET_REG,
			       .reset = acpi_io(ACPI_PM_RESET_PORT, 8),
			       .reset_value = ACPI_PM_RESET_VALUE,
			       .minor = 0,
			       .x_dsdt = dsdt,
			       .x_pm1a_evt = acpi_io(ACPI_PM_PORT, 32),
			       .x_pm1a_cnt = acpi_io(ACPI_PM1_CNT_PORT, 16),
			       .x_pm_tmr = acpi_io(ACPI_PM_TMR_PORT, 32) };
	status_t st = acpi_table(c, &f.h, "FACP", 6, sizeof(f), at);

	if (st != OK)
		return st;
	acpi_pointer(c, *at + offsetof(struct acpi_fadt, facs), sizeof(f.facs));
	acpi_pointer(c, *at + offsetof(struct acpi_fadt, dsdt), sizeof(f.dsdt));
	acpi_pointer(c, *at + offsetof(struct acpi_fadt, x_dsdt), sizeof(f.x_dsdt));
	acpi_moved(c, *at, sizeof(f));
	return OK;
}

static status_t acpi_madt(struct acpi_cursor *c, unsigned ncpus, u64 *at)
{
	struct {
		struct acpi_madt m;
		struct madt_lapic lapic[VM_MAX_VCPUS];
		u8 rest[64];
	} PACKED t = { .m = { .lapic = PC_LAPIC_BASE, .flags = MADT_PCAT_COMPAT } };
	const struct madt_ioapic ioapic = { MADT_IOAPIC, sizeof(ioapic), 0, 0, IOAPIC_BASE, 0 };
	const struct madt_override timer = { MADT_OVERRIDE, sizeof(timer), 0, 0, 2, 0 };
	const struct madt_override sci = { MADT_OVERRIDE, sizeof(sci), 0,
					   ACPI_PM_SCI,	  ACPI_PM_SCI, MADT_ACTIVE_HIGH | MADT_LEVEL };
	const struct madt_nmi nmi = { MADT_LAPIC_NMI, sizeof(nmi), 0xff, 0, 1 };
	u8 *p = (u8 *)&t.lapic[ncpus];

	for (unsigned i = 0; i < ncpus; i++)
		t.lapic[i] = (struct madt_lapic){ MADT_LAPIC, sizeof(t.lapic[0]), i, i, MADT_ENABLED };
	memcpy(p, &ioapic, sizeof(ioapic));
	p += sizeof(ioapic);
	memcpy(p, &timer, sizeof(timer));
	p += sizeof(timer);
	memcpy(p, &sci, sizeof(sci));
	p += sizeof(sci);
	memcpy(p, &nmi, sizeof(nmi));
	p += sizeof(nmi);
	return acpi_table(c, &t.m.h, "APIC", 5, p - (u8 *)&t, at);
}

static status_t acpi_ssdt(struct acpi_cursor *c, const struct acpi_params *p, u64 *at)
{
	struct acpi_ssdt s = {
		.com1 = { AML_NAME, "COM1", p->com1 },
		.w64r = { AML_NAME, "W64R", AML_BUFFER, sizeof(s.w64r.res) + 3, AML_BYTE_PREFIX, sizeof(s.w64r.res) },
	};

	s.w64r.res = (struct acpi_qword_memory){ .tag = RES_QWORD,
						 .length = RES_QWORD_LEN,
						 .general = RES_FIXED,
						 .specific = RES_READ_WRITE,
						 .min = p->mmio64,
						 .max = p->mmio64 + p->mmio64_size - 1,
						 .size = p->mmio64_size,
						 .end_tag = RES_END };
	return acpi_table(c, &s.h, "SSDT", 2, sizeof(s), at);
}

static status_t acpi_mcfg(struct acpi_cursor *c, u64 ecam, u64 *at)
{
	struct acpi_mcfg m = { .base = ecam };

	return acpi_table(c, &m.h, "MCFG", 1, sizeof(m), at);
}

/** All tables but the RSDP, and the XSDT that leads to them. */
static status_t acpi_tables(struct acpi_cursor *c, const struct acpi_params *p, u64 *xsdt_at)
{
	struct acpi_facs facs = { .signature = "FACS", .length = sizeof(facs), .version = 2 };
	struct {
		struct acpi_header h;
		u64 table[4];
	} PACKED xsdt = { 0 };
	u64 table[4], dsdt_at, facs_at;
	status_t st = acpi_place(c, &facs, sizeof(facs), FACS_ALIGN, &facs_at);

	if (st == OK)
		st = acpi_place(c, dsdt_aml_code, sizeof(dsdt_aml_code), ACPI_ALIGN, &dsdt_at);
	if (st == OK)
		st = acpi_fadt(c, facs_at, dsdt_at, &table[0]);
	if (st == OK)
		st = acpi_madt(c, p->ncpus, &table[1]);
	if (st == OK)
		st = acpi_mcfg(c, p->ecam, &table[2]);
	if (st == OK)
		st = acpi_ssdt(c, p, &table[3]);
	if (st != OK)
		return st;
	memcpy(xsdt.table, table, sizeof(table));
	st = acpi_table(c, &xsdt.h, "XSDT", 1, sizeof(xsdt), xsdt_at);
	if (st != OK)
		return st;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		acpi_pointer(c, *xsdt_at + sizeof(xsdt.h) + i * sizeof(table[0]), sizeof(table[0]));
	acpi_moved(c, *xsdt_at, sizeof(xsdt));
	return OK;
}

static void acpi_rsdp(struct acpi_rsdp *r, u64 xsdt)
{
	*r = (struct acpi_rsdp){ .revision = 2, .length = sizeof(*r), .xsdt = xsdt };
	memcpy(r->signature, "RSD PTR ", sizeof(r->signature));
	memcpy(r->oem, ACPI_OEM, sizeof(r->oem));
}

status_t acpi_build(struct vm *vm, const struct acpi_params *p, u64 *rsdp)
{
	struct acpi_cursor c = { vm_mem(vm, p->base, p->size), p->base, p->base, p->base + p->size, NULL };
	struct acpi_rsdp r = { 0 };
	u64 xsdt_at, rsdp_at;
	status_t st;

	if (!c.mem)
		return ERR_RANGE;
	if (p->ncpus == 0 || p->ncpus > VM_MAX_VCPUS)
		return ERR_INVAL;
	memset(c.mem, 0, p->size);
	st = acpi_place(&c, &r, sizeof(r), ACPI_ALIGN, &rsdp_at); /* its place */
	if (st == OK)
		st = acpi_tables(&c, p, &xsdt_at);
	if (st != OK)
		return st;
	acpi_rsdp(&r, xsdt_at);
	r.checksum = acpi_sum(&r, RSDP_ACPI1);
	r.checksum2 = acpi_sum(&r, sizeof(r));
	memcpy(c.mem + (rsdp_at - c.base), &r, sizeof(r));
	*rsdp = rsdp_at;
	return OK;
}

status_t acpi_files(struct acpi_files *f, const struct acpi_params *p)
{
	struct acpi_cursor c = { f->tables, 0, 0, sizeof(f->tables), &f->script };
	struct acpi_rsdp r;
	u64 xsdt_at;
	status_t st;

	if (p->ncpus == 0 || p->ncpus > VM_MAX_VCPUS)
		return ERR_INVAL;
	memset(f, 0, sizeof(*f));
	acpi_script_allocate(&f->script, ACPI_FILE_TABLES, FACS_ALIGN, ACPI_ZONE_HIGH);
	acpi_script_allocate(&f->script, ACPI_FILE_RSDP, ACPI_ALIGN, ACPI_ZONE_FSEG);
	st = acpi_tables(&c, p, &xsdt_at);
	if (st != OK)
		return st;
	acpi_rsdp(&r, xsdt_at);
	memcpy(f->rsdp, &r, sizeof(r));
	acpi_script_pointer(&f->script, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, xsdt), sizeof(r.xsdt));
	acpi_script_checksum(&f->script, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, checksum), 0, RSDP_ACPI1);
	acpi_script_checksum(&f->script, ACPI_FILE_RSDP, offsetof(struct acpi_rsdp, checksum2), 0, sizeof(r));
	f->size = c.next;
	return f->script.full ? ERR_FULL : OK;
}
