/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/vmm/arm64/loader.c: puts an arm64 kernel into a guest's RAM (Linux: Documentation/arch/arm64/booting.rst), the
 * initrd behind it and the device tree behind that, each at a multiple of 2 MiB.
 */
#include "guest/vmm/arm64/loader.h"
#include "self/insn.h"

/* The header of an Image, little endian. */
struct image_header {
	u32 code[2];
	u64 text_offset; /* from a 2 MiB boundary */
	u64 image_size;	 /* with what is not in the file; 0: a kernel before 3.17 */
	u64 flags;
	u64 reserved[3];
	u32 magic;
	u32 pe;
};
static_assert(sizeof(struct image_header) == 64, "booting.rst, 4");

#define IMAGE_MAGIC	 0x644d5241u /* "ARM\x64" */
#define IMAGE_BIG_ENDIAN BIT(0)
#define IMAGE_OLD_OFFSET 0x80000u
#define IMAGE_MAX_OFFSET SIZE_1G
#define LOAD_UNKNOWN_BSS (16 * 1024 * 1024ULL) /* left behind a file that does not say how much it needs */
#define LOAD_FDT_MAX	 0x10000u	       /* with a command line of any length that we take */
#define LOAD_MAX_CMDLINE 2047u
#define SCTLR_EL1_RESET	 0x30d00980u /* RES1 bits (Arm ARM, D23.2.118): MMU and caches off, little endian */
#define MPIDR_EL1_RES1	 BIT(31)

/* Where the pieces go. */
struct load {
	struct machine *m;
	struct loader_input *in;
	u64 ram, ram_size;	/* the piece of RAM that takes everything */
	u64 kernel, kernel_end; /* entry; end with what the kernel uses before it reads the device tree */
	u64 initrd;
	u64 fdt;
};

static status_t PRINTF(3, 4) load_fail(struct load *l, status_t s, const char *fmt, ...)
{
	char *to = l->in->error;
	size_t size = sizeof(l->in->error), n;
	va_list ap;

	(void)snprintf(to, size, "%.48s: ", l->in->kernel.name ? l->in->kernel.name : "kernel");
	n = strlen(to);
	va_start(ap, fmt);
	(void)vsnprintf(to + n, size - n, fmt, ap);
	va_end(ap);
	return s;
}

/* Does the file have @magic at @off? */
static bool load_has(const struct blob *b, u64 off, const char *magic, size_t len)
{
	return range_in(off, len, 0, b->size) && memcmp((const u8 *)b->data + off, magic, len) == 0;
}

/* Files that are no Image, but that people may well try: what they are, in words; NULL: none of them. */
static const char *load_known(const struct blob *b)
{
	static const struct {
		u32 off;
		u8 len;
		char magic[7];
		const char *what;
	} known[] = {
		{ 0, 2, "\x1f\x8b", "compressed by gzip: unpack it first" },
		{ 4, 4, "zimg", "a compressed EFI kernel: unpack the Image in it first" },
		{ 0, 4, "\x28\xb5\x2f\xfd", "compressed by zstd: unpack it first" },
		{ 0, 6,
		  "\xfd"
		  "7zXZ",
		  "compressed by xz: unpack it first" },
		{ 0, 4,
		  "\x7f"
		  "ELF",
		  "an ELF file: an arm64 guest takes a Linux Image or a raw binary" },
		{ 0x202, 4, "HdrS", "a kernel for x86" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (load_has(b, known[i].off, known[i].magic, known[i].len))
			return known[i].what;
	return NULL;
}

/* @size bytes behind @end, at a multiple of 2 MiB. 0: there is no room. */
static u64 load_behind(const struct load *l, u64 end, u64 size)
{
	u64 at = round_up(end, SIZE_2M);

	return at >= end && range_in(at, size, l->ram, l->ram_size) ? at : 0;
}

/* Where @gpa, which the plan has found to be in the guest's RAM, lies for us. */
static u8 *load_mem(const struct load *l, u64 gpa)
{
	return l->m->virt.vm->ram[0].mem + (gpa - l->ram);
}

/* What the header says of an Image; a raw binary is entered at its first byte, at the start of RAM. */
static status_t load_find(struct load *l)
{
	const struct blob *k = &l->in->kernel;
	struct image_header h = { 0 };
	u64 offset = 0, size = 0;
	const char *what;

	memcpy(&h, k->data, MIN(k->size, sizeof(h)));
	if (h.magic == IMAGE_MAGIC) {
		if ((h.flags & IMAGE_BIG_ENDIAN) != 0)
			return load_fail(l, ERR_FORMAT, "a big-endian kernel");
		offset = h.image_size != 0 ? h.text_offset : IMAGE_OLD_OFFSET;
		size = h.image_size;
		if (offset > IMAGE_MAX_OFFSET || !is_aligned(offset, PAGE_SIZE))
			return load_fail(l, ERR_FORMAT, "text_offset %llx makes no sense", (unsigned long long)offset);
	} else if ((what = load_known(k)) != NULL) {
		return load_fail(l, ERR_FORMAT, "%s", what);
	}
	if (size == 0)
		size = k->size + MIN(LOAD_UNKNOWN_BSS, l->ram_size / 4);
	size = MAX(size, k->size);
	if (offset >= l->ram_size || size > l->ram_size - offset)
		return load_fail(l, ERR_NOMEM, "needs %llu MiB of RAM, the guest has %llu MiB",
				 (unsigned long long)((offset + MIN(size, ~offset)) >> 20),
				 (unsigned long long)(l->ram_size >> 20));
	l->kernel = l->ram + offset;
	l->kernel_end = l->kernel + size;
	return OK;
}

/* Decide on all places before anything is written. */
static status_t load_plan(struct load *l)
{
	const struct blob *rd = &l->in->initrd;
	status_t s = load_find(l);
	u64 end;

	if (s != OK)
		return s;
	end = l->kernel_end;
	if (rd->data != NULL && rd->size != 0) {
		l->initrd = load_behind(l, end, rd->size);
		if (l->initrd == 0)
			return load_fail(l, ERR_NOMEM, "no room in RAM for the initrd (%llu KiB) behind the kernel",
					 (unsigned long long)(rd->size >> 10));
		end = l->initrd + rd->size;
	}
	l->fdt = load_behind(l, end, LOAD_FDT_MAX);
	if (l->fdt == 0)
		return load_fail(l, ERR_NOMEM, "no room in RAM for the device tree behind kernel and initrd");
	return OK;
}

static status_t load_check(struct load *l)
{
	const struct loader_input *in = l->in;
	const struct vm *vm = l->m->virt.vm;

	if (in->kernel.data == NULL || in->kernel.size == 0)
		return load_fail(l, ERR_NOENT, "no such file, or it is empty");
	if (in->nmodules != 0)
		return load_fail(l, ERR_FORMAT, "modules are for Multiboot kernels: an arm64 kernel takes an initrd");
	if (in->cmdline != NULL && strnlen(in->cmdline, LOAD_MAX_CMDLINE + 1) > LOAD_MAX_CMDLINE)
		return load_fail(l, ERR_FORMAT, "the command line is longer than %u characters", LOAD_MAX_CMDLINE);
	if (vm->nram == 0 || !is_aligned(vm->ram[0].gpa, SIZE_2M))
		return load_fail(l, ERR_NOMEM, "the guest has no RAM");
	l->ram = vm->ram[0].gpa;
	l->ram_size = vm->ram[0].size;
	return OK;
}

status_t loader_arm64(struct machine *m, struct loader_input *in, struct vcpu_state *st)
{
	struct load l = { .m = m, .in = in };
	u64 fdt_size, rd_size;
	status_t s;

	in->error[0] = '\0';
	s = load_check(&l);
	if (s == OK)
		s = load_plan(&l);
	if (s != OK)
		return s;
	memcpy(load_mem(&l, l.kernel), in->kernel.data, in->kernel.size);
	/* A raw binary's zeroed data is its own business, but after a reset it shall not find its old life. */
	memset(load_mem(&l, l.kernel + in->kernel.size), 0, l.kernel_end - l.kernel - in->kernel.size);
	rd_size = l.initrd != 0 ? in->initrd.size : 0;
	if (rd_size != 0)
		memcpy(load_mem(&l, l.initrd), in->initrd.data, rd_size);
	s = virt_fdt(m, in, l.initrd, rd_size, l.fdt, LOAD_FDT_MAX, &fdt_size);
	if (s != OK)
		return load_fail(&l, s, "the device tree cannot be made");
	cpu_clean(load_mem(&l, l.ram), l.ram_size); /* it starts with its caches off */
	arm64_reset_state(st, 0);
	st->regs.pc = l.kernel;
	st->regs.x[0] = l.fdt;
	return OK;
}

status_t loader_firmware(struct machine *m, struct loader_input *in, struct vcpu_state *st)
{
	const struct vm *vm = m->virt.vm;
	u64 size;
	status_t s = virt_fdt(m, in, 0, 0, vm->ram[0].gpa, LOAD_FDT_MAX, &size);

	if (s != OK) {
		(void)snprintf(in->error, sizeof(in->error), "the device tree cannot be made");
		return s;
	}
	cpu_clean(vm->ram[0].mem, vm->ram[0].size); /* it starts with its caches off */
	for (unsigned i = 0; i < vm->nroms; i++)
		cpu_clean(vm->rom[i].mem, vm->rom[i].size);
	arm64_reset_state(st, 0);
	st->regs.pc = vm->rom[0].gpa;
	return OK;
}

void arm64_reset_state(struct vcpu_state *st, unsigned index)
{
	memset(st, 0, sizeof(*st));
	st->regs.pstate = ARM_PSTATE_EL1H | ARM_PSTATE_DAIF;
	st->sctlr = SCTLR_EL1_RESET;
	st->mpidr = MPIDR_EL1_RES1 | index;
}
