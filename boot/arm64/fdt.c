/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/fdt.c: the machine's device tree into struct boot_info. Its devices: fdt_dev.c. */
#include "boot/arm64/fdt.h"

#include "boot/arm64/fdt_dev.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

#include <libfdt.h>

#define FDT_VERSION 17u /* of the format: the first that says how long its parts are */

static status_t fdt_fail(struct fdt_parse *f, status_t s, const char *why)
{
	*f->why = why;
	return s;
}

status_t fdt_valid(const void *fdt, size_t max, const char **why)
{
	struct fdt_parse f = { .why = why };

	if (!fdt || !is_aligned((u64)fdt, 8))
		return fdt_fail(&f, ERR_ALIGN, "the device tree's address (x0) is zero or not a multiple of 8");
	if (max < sizeof(struct fdt_header) || fdt_magic(fdt) != FDT_MAGIC)
		return fdt_fail(&f, ERR_FORMAT, "there is no device tree at the address in x0");
	if (fdt_version(fdt) < FDT_VERSION)
		return fdt_fail(&f, ERR_FORMAT, "the device tree is of a version before 17");
	if (fdt_totalsize(fdt) > max)
		return fdt_fail(&f, ERR_RANGE, "the device tree is larger than 2 MiB, or says so");
	/* libfdt looks at parts that are not aligned as if they were. */
	if (!is_aligned(fdt_off_mem_rsvmap(fdt), 8) || !is_aligned(fdt_off_dt_struct(fdt), 4) ||
	    fdt_check_full(fdt, fdt_totalsize(fdt)) != 0)
		return fdt_fail(&f, ERR_FORMAT, "the device tree is corrupt or cut off");
	return OK;
}

/* A property's text, which may lack its end, as much as there is room for. */
static void fdt_text(const struct walk *w, const char *name, char *d, size_t size)
{
	u32 len = 0;
	const char *s = walk_prop(w, name, &len);

	if (s)
		memcpy(d, s, MIN(strnlen(s, len), size - 1));
}

static status_t fdt_region(struct fdt_parse *f, u64 base, u64 size, u32 kind)
{
	struct boot_info *bi = f->bi;

	if (size == 0)
		return OK;
	if (range_bad(base, size) || (base + size - 1) >> 52)
		return fdt_fail(f, ERR_RANGE, "the device tree has memory beyond 52 bits of address");
	for (u32 i = 0; i < bi->nregions && kind == BOOT_MEM_RAM; i++)
		if (bi->region[i].kind == kind && range_overlap(base, size, bi->region[i].base, bi->region[i].size))
			return fdt_fail(f, ERR_RANGE, "two pieces of memory in the device tree overlap");
	if (bi->nregions == BOOT_MAX_REGIONS)
		return fdt_fail(f, ERR_FULL, "the device tree has more than 96 pieces of memory and reservations");
	bi->region[bi->nregions++] = (struct boot_region){ base, size, kind, 0 };
	return OK;
}

/* A /memory node (3.4). */
static status_t fdt_memory(struct fdt_parse *f, const struct walk *w)
{
	const char *type = walk_string(w, "device_type");
	struct boot_range r;
	status_t s = OK;

	if (w->depth != 1 || !type || strcmp(type, "memory") != 0 || !walk_enabled(w) ||
	    walk_prop(w, "hotpluggable", NULL))
		return OK;
	for (unsigned i = 0; s == OK && walk_reg_raw(w, i, &r); i++)
		s = fdt_region(f, r.base, r.size, BOOT_MEM_RAM);
	return s;
}

/* Loaders reserve what they load: the initial RAM disk's pages must stay the service VM's to read. */
static status_t fdt_reserve(struct fdt_parse *f, u64 base, u64 size)
{
	u64 start = round_down(f->initrd->base, PAGE_SIZE);
	u64 end = round_up(f->initrd->base + f->initrd->size, PAGE_SIZE);

	if (f->initrd->size != 0 && range_in(base, size, start, end - start))
		return OK;
	return fdt_region(f, base, size, BOOT_MEM_RESERVED);
}

/* A child of /reserved-memory (3.5). What is to be placed anywhere (no reg) does not concern us: it is for an OS. */
static status_t fdt_reserved(struct fdt_parse *f, const struct walk *w)
{
	struct boot_range r;
	status_t s = OK;

	if (!walk_in(w, "reserved-memory") || !walk_enabled(w))
		return OK;
	for (unsigned i = 0; s == OK && walk_reg_raw(w, i, &r); i++)
		s = fdt_reserve(f, r.base, r.size);
	return s;
}

/* The header's memory reservation block (5.3). */
static status_t fdt_memreserve(struct fdt_parse *f, const void *fdt)
{
	int n = fdt_num_mem_rsv(fdt);
	status_t s = OK;
	u64 base, size;

	for (int i = 0; s == OK && i < n; i++)
		if (fdt_get_mem_rsv(fdt, i, &base, &size) == 0)
			s = fdt_reserve(f, base, size);
	return s;
}

/* A CPU (3.8). Those past BOOT_MAX_CPUS are not counted: the hypervisor has no use for them. */
static void fdt_cpu(struct boot_platform *p, const struct walk *w)
{
	const char *type = walk_string(w, "device_type");
	struct boot_range r;

	if (walk_in(w, "cpus") && type && strcmp(type, "cpu") == 0 && walk_enabled(w) && walk_reg_raw(w, 0, &r) &&
	    p->ncpus < BOOT_MAX_CPUS)
		p->cpu_id[p->ncpus++] = r.base;
}

/* A child of /chosen that describes a module: QEMU's guest-loader, GRUB's xen_module. */
static status_t fdt_module(struct fdt_parse *f, const struct walk *w)
{
	static const char *const compatible[] = { "multiboot,module", NULL };
	struct boot_info *bi = f->bi;
	struct boot_module *m;
	struct boot_range r;

	if (!walk_in(w, "chosen") || !walk_compatible(w, compatible))
		return OK;
	if (!walk_reg_raw(w, 0, &r) || range_bad(r.base, r.size))
		return fdt_fail(f, ERR_FORMAT, "a module in /chosen has no address, or one past the end");
	if (!is_aligned(r.base, PAGE_SIZE))
		return fdt_fail(f, ERR_ALIGN, "a module in /chosen is not at a multiple of 4 KiB");
	if (bi->nmodules == BOOT_MAX_MODULES)
		return fdt_fail(f, ERR_FULL, "there are more than 24 modules in /chosen");
	m = &bi->module[bi->nmodules++];
	m->base = r.base;
	m->size = r.size;
	fdt_text(w, "bootargs", m->string, sizeof(m->string));
	return OK;
}

/* /chosen (3.6), before anything else: what it says of the RAM disk and the console decides on other nodes. */
static status_t fdt_chosen(struct fdt_parse *f, struct walk *w)
{
	u64 start = 0, end = 0;
	bool first, last;

	w->node = fdt_path_offset(w->fdt, "/chosen");
	if (w->node < 0)
		return OK;
	fdt_text(w, "bootargs", f->bi->cmdline, sizeof(f->bi->cmdline));
	first = walk_prop(w, "linux,initrd-start", NULL);
	last = walk_prop(w, "linux,initrd-end", NULL);
	if (!first && !last)
		return OK;
	if (!walk_number(w, "linux,initrd-start", &start) || !walk_number(w, "linux,initrd-end", &end) ||
	    start >= end || end >> 52)
		return fdt_fail(f, ERR_FORMAT, "linux,initrd-start and linux,initrd-end in /chosen make no sense");
	f->initrd->base = start;
	f->initrd->size = end - start;
	return OK;
}

static status_t fdt_node(struct fdt_parse *f, const struct walk *w)
{
	status_t s = fdt_memory(f, w);

	if (s == OK)
		s = fdt_reserved(f, w);
	if (s == OK)
		s = fdt_module(f, w);
	if (s == OK)
		s = fdt_dev_gic(f, w);
	if (s != OK)
		return s;
	fdt_cpu(&f->bi->platform, w);
	fdt_dev_other(f, w);
	return OK;
}

/* Does a register lie in memory? Then one of the two is wrong, and so is all that we would do. */
static bool fdt_in_ram(const struct boot_info *bi, const struct boot_range *r)
{
	for (u32 i = 0; i < bi->nregions; i++)
		if (bi->region[i].kind == BOOT_MEM_RAM &&
		    range_overlap(r->base, r->size, bi->region[i].base, bi->region[i].size))
			return true;
	return false;
}

static status_t fdt_complete(struct fdt_parse *f)
{
	const struct boot_platform *p = &f->bi->platform;
	const struct boot_range *const regs[] = { &p->gicd, &p->gicc, &p->gich, &p->gicv, &p->uart, &p->rtc };
	bool ram = false;

	for (u32 i = 0; i < f->bi->nregions; i++)
		ram |= f->bi->region[i].kind == BOOT_MEM_RAM;
	if (!ram)
		return fdt_fail(f, ERR_NOENT, "the device tree has no memory");
	if (p->gic_version == 0)
		return fdt_fail(f, ERR_NOENT, "the device tree has no interrupt controller of ours: GICv2 or GICv3");
	if (p->maintenance_irq == 0)
		return fdt_fail(f, ERR_NOENT, "the device tree gives the GIC no maintenance interrupt");
	if (p->timer_irq[FDT_TIMER_VIRT] == 0 || p->timer_irq[FDT_TIMER_HYP] == 0)
		return fdt_fail(f, ERR_NOENT, "the device tree has no timer with virtual and hypervisor interrupts");
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		if (fdt_in_ram(f->bi, regs[i]))
			return fdt_fail(f, ERR_RANGE, "a device's registers lie in memory, says the device tree");
	for (u32 i = 0; i < p->nredists; i++)
		if (fdt_in_ram(f->bi, &p->gicr[i]))
			return fdt_fail(f, ERR_RANGE, "a GIC redistributor lies in memory, says the device tree");
	return OK;
}

status_t fdt_console(const void *fdt, size_t max, struct boot_platform *p)
{
	struct fdt_parse f = { 0 };
	struct walk w;
	const char *why;

	memset(p, 0, sizeof(*p));
	if (fdt_valid(fdt, max, &why) != OK)
		return ERR_FORMAT;
	f.stdout_node = fdt_dev_stdout(fdt);
	for (walk_start(&w, fdt); walk_next(&w);)
		fdt_dev_uart(&f, &w, p);
	return p->uart_kind == BOOT_UART_NONE ? ERR_NOENT : OK;
}

status_t fdt_parse(const void *fdt, size_t max, u64 pa, struct boot_info *bi, struct boot_range *initrd,
		   const char **why)
{
	struct fdt_parse f = { .bi = bi, .initrd = initrd, .why = why };
	struct walk w;
	status_t s;

	memset(bi, 0, sizeof(*bi));
	memset(initrd, 0, sizeof(*initrd));
	s = fdt_valid(fdt, max, why);
	if (s != OK)
		return s;
	bi->fdt = pa;
	f.stdout_node = fdt_dev_stdout(fdt);
	walk_start(&w, fdt);
	s = fdt_chosen(&f, &w);
	if (s == OK)
		s = fdt_region(&f, pa, fdt_totalsize(fdt), BOOT_MEM_RESERVED);
	if (s == OK)
		s = fdt_memreserve(&f, fdt);
	walk_start(&w, fdt);
	while (s == OK && walk_next(&w)) {
		if (w.depth == 0)
			fdt_text(&w, "model", bi->loader, sizeof(bi->loader));
		s = fdt_node(&f, &w);
	}
	return s == OK ? fdt_complete(&f) : s;
}
