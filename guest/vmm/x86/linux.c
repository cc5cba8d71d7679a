/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/linux.c: starts a bzImage by Linux' boot protocol (its Documentation/arch/x86/boot.rst, zero-page.rst).
 */
#include "guest/vmm/x86/load.h"

#include "hv/lib/util.h"

/* The setup header: offsets in the file and, the same, in the zero page. */
#define SETUP_SECTS	  0x1f1u
#define SETUP_SYSSIZE	  0x1f4u /* in 16 bytes */
#define SETUP_VID_MODE	  0x1fau
#define SETUP_BOOT_FLAG	  0x1feu
#define SETUP_JUMP	  0x200u /* its second byte: where the header ends, from SETUP_MAGIC */
#define SETUP_MAGIC	  0x202u
#define SETUP_VERSION	  0x206u
#define SETUP_LOADER	  0x210u
#define SETUP_LOADFLAGS	  0x211u
#define SETUP_CODE32	  0x214u
#define SETUP_RAMDISK	  0x218u
#define SETUP_RAMDISK_LEN 0x21cu
#define SETUP_CMDLINE	  0x228u
#define SETUP_INITRD_MAX  0x22cu
#define SETUP_ALIGN	  0x230u
#define SETUP_RELOCATABLE 0x234u
#define SETUP_XLOADFLAGS  0x236u
#define SETUP_CMDLINE_MAX 0x238u
#define SETUP_PREF_ADDR	  0x258u
#define SETUP_INIT_SIZE	  0x260u
#define SETUP_END	  0x264u /* of what we need: protocol 2.10 */
#define SETUP_AREA_END	  0x290u /* of the header's place in the zero page */

/* Other fields of the zero page. */
#define ZERO_RSDP	  0x070u
#define ZERO_E820_ENTRIES 0x1e8u
#define ZERO_E820	  0x2d0u
#define ZERO_E820_SIZE	  20u

#define BOOT_FLAG	0xaa55u
#define MAGIC		0x53726448u /* "HdrS" */
#define VERSION_INIT	0x20au	    /* the first with init_size and pref_address */
#define VERSION_XLF	0x20cu	    /* the first with xloadflags */
#define LOADED_HIGH	BIT(0)
#define XLF_KERNEL_64	BIT(0)
#define LOADER_UNKNOWN	0xffu
#define VID_MODE_NORMAL 0xffffu
#define ENTRY_64	0x200u

/* What the setup header says, checked. */
struct linux_kernel {
	const u8 *code;	 /* the part that runs in protected mode */
	u64 code_size;	 /* bytes in the file              */
	u64 need;	 /* bytes from the load address that it uses before it reads its memory map */
	u64 pref, align; /* where it would like to be      */
	u64 initrd_max;	 /* highest byte of an initrd      */
	u64 cmdline_max; /* characters                     */
	bool relocatable, is64;
	u64 at; /* where it is put */
};

bool linux_is(const struct blob *b)
{
	const u8 *f = b->data;

	return b->size >= SETUP_VERSION + 2 && load_u16(f + SETUP_BOOT_FLAG) == BOOT_FLAG &&
	       load_u32(f + SETUP_MAGIC) == MAGIC;
}

static status_t linux_parse(struct load *l, struct linux_kernel *k)
{
	const u8 *f = l->in->kernel.data;
	u64 size = l->in->kernel.size;
	u16 version = load_u16(f + SETUP_VERSION);
	u64 setup, syssize;

	if (version < VERSION_INIT)
		return load_fail(l, ERR_FORMAT, "boot protocol %u.%u is too old, 2.10 is needed", version >> 8,
				 version & 0xff);
	if (size < SETUP_END)
		return load_fail(l, ERR_FORMAT, "the setup header is cut off");
	if (!(f[SETUP_LOADFLAGS] & LOADED_HIGH))
		return load_fail(l, ERR_FORMAT, "a zImage; a bzImage is needed");
	setup = ((f[SETUP_SECTS] ? f[SETUP_SECTS] : 4) + 1) * 512ULL;
	syssize = load_u32(f + SETUP_SYSSIZE) * 16ULL;
	if (setup >= size || syssize == 0 || (syssize > size - setup && syssize - (size - setup) >= 16))
		return load_fail(l, ERR_FORMAT, "the file is cut off: %lu of %lu bytes", size, setup + syssize);
	k->code = f + setup;
	k->code_size = MIN(syssize, size - setup); /* a signature may follow */
	k->need = MAX((u64)load_u32(f + SETUP_INIT_SIZE), k->code_size);
	k->pref = load_u64(f + SETUP_PREF_ADDR);
	k->align = load_u32(f + SETUP_ALIGN);
	k->initrd_max = load_u32(f + SETUP_INITRD_MAX);
	k->cmdline_max = load_u32(f + SETUP_CMDLINE_MAX);
	k->relocatable = f[SETUP_RELOCATABLE] != 0;
	k->is64 = version >= VERSION_XLF && (load_u16(f + SETUP_XLOADFLAGS) & XLF_KERNEL_64);
	if (k->is64 && k->code_size <= ENTRY_64)
		return load_fail(l, ERR_FORMAT, "too short for its 64-bit entry");
	if (k->relocatable && (k->align == 0 || (k->align & (k->align - 1)) != 0))
		return load_fail(l, ERR_FORMAT, "kernel_alignment 0x%lx is not a power of two", k->align);
	return OK;
}

/*
 * Choose k->at, and copy. A kernel that cannot be moved goes to 1 MiB and unpacks itself to pref_address; one that can
 * never unpacks itself below that.
 */
static status_t linux_place(struct load *l, struct linux_kernel *k)
{
	u64 run = MAX(k->pref, (u64)LOAD_1M);

	if (k->relocatable)
		run = round_up(run, k->align);
	k->at = k->relocatable ? run : LOAD_1M;
	if (run < k->pref || !load_usable(l, run, k->need) || !load_usable(l, k->at, k->need) ||
	    !load_copy(l, k->at, k->code, k->code_size, k->code_size))
		return load_fail(l, ERR_NOMEM, "needs %lu KiB of RAM at 0x%lx", k->need >> 10, run);
	l->end = MAX(l->end, k->at + k->need);
	if (!k->relocatable)
		l->end = MAX(l->end, k->pref + k->need);
	return OK;
}

static void linux_put(u8 *p, u64 v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = v >> 8 * i;
}

static void linux_e820(struct load *l, u8 *zero)
{
	struct load_range map[LOAD_MAP_MAX];
	unsigned n = load_map(l, map);

	for (unsigned i = 0; i < n; i++) {
		u8 *e = zero + ZERO_E820 + i * ZERO_E820_SIZE;

		linux_put(e, map[i].base, 8);
		linux_put(e + 8, map[i].size, 8);
		linux_put(e + 16, map[i].type, 4);
	}
	zero[ZERO_E820_ENTRIES] = n;
}

static_assert(ZERO_E820 + LOAD_MAP_MAX * ZERO_E820_SIZE <= PAGE_SIZE, "the map fits in the zero page");

/* Fill the zero page: the file's setup header, and what a boot loader must say. */
static void linux_zero_page(struct load *l, const struct linux_kernel *k, u8 *zero, u64 cmdline, u64 initrd)
{
	const u8 *f = l->in->kernel.data;
	u64 end = SETUP_MAGIC + f[SETUP_JUMP + 1];

	end = MIN(MIN(MAX(end, (u64)SETUP_END), (u64)SETUP_AREA_END), l->in->kernel.size);
	memset(zero, 0, PAGE_SIZE);
	memcpy(zero + SETUP_SECTS, f + SETUP_SECTS, end - SETUP_SECTS);
	linux_put(zero + SETUP_VID_MODE, VID_MODE_NORMAL, 2);
	zero[SETUP_LOADER] = LOADER_UNKNOWN;
	linux_put(zero + SETUP_CODE32, k->at, 4);
	linux_put(zero + SETUP_RAMDISK, initrd, 4);
	linux_put(zero + SETUP_RAMDISK_LEN, initrd ? l->in->initrd.size : 0, 4);
	linux_put(zero + SETUP_CMDLINE, cmdline, 4);
	linux_put(zero + ZERO_RSDP, l->in->acpi_rsdp, 8);
	linux_e820(l, zero);
}

status_t linux_load(struct load *l)
{
	u8 *zero = vm_mem(l->vm, LOAD_INFO, PAGE_SIZE);
	const char *cmdline = l->in->cmdline;
	struct linux_kernel k = { 0 };
	u64 initrd = 0, line = 0;
	status_t s = linux_parse(l, &k);

	if (s != OK)
		return s;
	if (!zero)
		return load_fail(l, ERR_NOMEM, "no RAM in the first 128 KiB");
	if (cmdline && strnlen(cmdline, k.cmdline_max + 1) > k.cmdline_max)
		return load_fail(l, ERR_FORMAT, "takes a command line of at most %lu characters", k.cmdline_max);
	s = linux_place(l, &k);
	if (s == OK && l->in->initrd.data && l->in->initrd.size != 0)
		s = load_high(l, &l->in->initrd, k.initrd_max + 1, &initrd);
	if (s == OK)
		s = load_string(l, cmdline, NULL, &line);
	if (s != OK)
		return s;
	linux_zero_page(l, &k, zero, line, initrd);
	s = load_flat_state(l, k.at + (k.is64 ? ENTRY_64 : 0), k.is64);
	l->state->regs.gpr[X86_RSI] = LOAD_INFO; /* the others, EBX, EBP and EDI too, are 0 as the protocol says */
	return s;
}
