/* SPDX-License-Identifier: Apache-2.0 */
/* hv/mem.c: the frame table: one owner a page, grants, donations; and the carving up of RAM at boot. */
#include "hv/mem.h"

#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "hv/lib/string.h"
#include "hv/vm.h"

#define MEM_POOL_PAGES 184 /* our page tables, the service VM's tables and vCPU */
/* What one donation or share takes of it at most: both ends of our mapping, and two cuts in a large leaf of stage 2. */
#define MEM_TABLES    (2 * 3 + 2 * 2)
#define MEM_SPARE     (4 * MEM_TABLES) /* guests' words leave so much of it: what VMs and vCPUs are made of comes first */
#define MEM_CPU_PAGES 8		 /* of the pool, for each CPU but the first: its service vCPU, the guard page's table */
#define MEM_LOW	      0x100000UL /* below it: firmware's, never ours to place in */

static struct frame *frames;
static u64 frame_first, nframes; /* page numbers: of the lowest RAM, how many up to the highest */
static unsigned mem_rights;	 /* of the service VM on its RAM */
static u64 mem_base, mem_size;	 /* what we have carved out */
static u64 mem_blocks;		 /* of it, at its start: blocks of CPUs from number 1 on */
static struct pool boot_pool;
static u64 mem_owed; /* tables that donations have set free, kept in boot_pool to map the memory again at its return */

u64 mem_own_bytes(void)
{
	u64 base, size;

	arch_image_range(&base, &size);
	return size + mem_size;
}

struct pool *mem_pool(void)
{
	return &boot_pool;
}

u64 mem_ram_bytes(void)
{
	u64 pages = 0;

	for (u64 n = 0; n < nframes; n++)
		pages += frames[n].owner != FRAME_NONE;
	return pages << PAGE_SHIFT;
}

u64 mem_top(void)
{
	return (frame_first + nframes) << PAGE_SHIFT;
}

void *mem_cpu_block(unsigned n)
{
	return n != 0 && n <= mem_blocks ? arch_ptr(mem_base + (n - 1) * ARCH_CPU_BLOCK) : NULL;
}

void *mem_log(void)
{
	return arch_ptr(mem_base + mem_size - LOG_BYTES);
}

struct frame *mem_frame(u64 pa)
{
	u64 n = (pa >> PAGE_SHIFT) - frame_first; /* below it: wraps to a large number */

	return n < nframes && frames[n].owner != FRAME_NONE ? &frames[n] : NULL;
}

/* Is the page-aligned [@base, @base+@size) all RAM, and clear of our image and the modules? *@next: try there. */
static bool mem_usable(const struct boot_info *bi, u64 base, u64 size, u64 *next)
{
	u64 image, image_size;

	arch_image_range(&image, &image_size);
	if (range_overlap(base, size, image, image_size)) {
		*next = round_up(image + image_size, PAGE_SIZE);
		return false;
	}
	for (u32 i = 0; i < bi->nmodules; i++)
		if (range_overlap(base, size, bi->module[i].base, bi->module[i].size)) {
			*next = round_up(bi->module[i].base + bi->module[i].size, PAGE_SIZE);
			return false;
		}
	for (u32 i = 0; i < bi->nregions; i++)
		if (bi->region[i].kind != BOOT_MEM_RAM &&
		    range_overlap(base, size, bi->region[i].base, bi->region[i].size)) {
			*next = round_up(bi->region[i].base + bi->region[i].size, PAGE_SIZE);
			return false;
		}
	return true;
}

/* @size bytes of RAM below 4 GiB, as the bootstrap tables reach no further. */
static u64 mem_find(const struct boot_info *bi, u64 size)
{
	for (u32 i = 0; i < bi->nregions; i++) {
		const struct boot_region *r = &bi->region[i];
		u64 end = r->base + r->size, next;
		u64 at = round_up(MAX(r->base, MEM_LOW), SIZE_2M);

		if (r->kind != BOOT_MEM_RAM || end < r->base || r->base >= 4 * SIZE_1G)
			continue;
		end = MIN(end, 4 * SIZE_1G);
		while (at < end && end - at >= size) {
			if (mem_usable(bi, at, size, &next))
				return at;
			if (next <= at)
				break;
			at = mem_blocks ? round_up(next, ARCH_CPU_BLOCK) : next; /* they stand at its start */
		}
	}
	return 0;
}

static void mem_set_owner(u64 base, u64 size, u16 owner)
{
	u64 end = MIN((base + size) >> PAGE_SHIFT, frame_first + nframes);

	for (u64 n = MAX(base >> PAGE_SHIFT, frame_first); n < end; n++)
		frames[n - frame_first] = (struct frame){ .owner = owner };
}

/* RAM becomes the service VM's, page by page; then all that is not RAM or is ours is taken out again. */
static void mem_make_frames(const struct boot_info *bi)
{
	u64 image, image_size;

	mem_set_owner(0, mem_top(), FRAME_NONE);
	for (u32 i = 0; i < bi->nregions; i++) {
		const struct boot_region *r = &bi->region[i];
		u64 base = round_up(r->base, PAGE_SIZE), end = round_down(r->base + r->size, PAGE_SIZE);

		if (r->kind == BOOT_MEM_RAM && end > base)
			mem_set_owner(base, end - base, VM_SERVICE);
	}
	for (u32 i = 0; i < bi->nregions; i++) {
		const struct boot_region *r = &bi->region[i];
		u64 base = round_down(r->base, PAGE_SIZE), end = round_up(r->base + r->size, PAGE_SIZE);

		if (r->kind != BOOT_MEM_RAM && end > base)
			mem_set_owner(base, end - base, FRAME_NONE);
	}
	arch_image_range(&image, &image_size);
	mem_set_owner(image, round_up(image_size, PAGE_SIZE), 0);
	mem_set_owner(mem_base, mem_size, 0);
}

void mem_init(struct boot_info *bi)
{
	u64 top = 0, low = ~0UL, table, pages;

	for (u32 i = 0; i < bi->nregions; i++)
		if (bi->region[i].kind == BOOT_MEM_RAM && !range_bad(bi->region[i].base, bi->region[i].size)) {
			top = MAX(top, bi->region[i].base + bi->region[i].size);
			low = MIN(low, bi->region[i].base);
		}
	top = MIN(round_down(top, PAGE_SIZE), 1UL << 46);
	frame_first = MIN(low, top) >> PAGE_SHIFT;
	nframes = (top >> PAGE_SHIFT) - frame_first;
	table = round_up(nframes * sizeof(struct frame), PAGE_SIZE);
	mem_blocks = bi->platform.ncpus > 1 ? MIN(bi->platform.ncpus, BOOT_MAX_CPUS) - 1 : 0;
	pages = MEM_POOL_PAGES + mem_blocks * MEM_CPU_PAGES;
	mem_size = mem_blocks * ARCH_CPU_BLOCK + table + pages * PAGE_SIZE + LOG_BYTES;
	mem_base = mem_find(bi, mem_size);
	if (!mem_base)
		panic("not enough memory: no %lu KiB in one piece below 4 GiB of %lu MiB", mem_size >> 10, top >> 20);
	memset(arch_ptr(mem_base), 0, mem_blocks * ARCH_CPU_BLOCK);
	frames = arch_ptr(mem_base + mem_blocks * ARCH_CPU_BLOCK);
	mem_make_frames(bi);
	mem_owed = 0;
	pool_init(&boot_pool);
	pool_add_range(&boot_pool, arch_ptr(mem_base + mem_size - LOG_BYTES - pages * PAGE_SIZE), pages);
	arch_mem_init(mem_base, mem_size, &boot_pool);
}

const void *mem_take_module(struct boot_info *bi, const char *name, u64 *size)
{
	u32 n = 0;
	struct boot_module m;

	while (n < bi->nmodules && strcmp(bi->module[n].string, name) != 0)
		n++;
	if (n == bi->nmodules)
		return NULL;
	m = bi->module[n];
	bi->nmodules--;
	memmove(&bi->module[n], &bi->module[n + 1], (bi->nmodules - n) * sizeof(m));
	*size = m.size;
	m.size = round_up(m.size, PAGE_SIZE);
	if (range_bad(m.base, m.size) || !is_aligned(m.base, PAGE_SIZE) || !range_in(m.base, m.size, 0, mem_top()))
		return NULL;
	for (u64 off = 0; off < m.size; off += PAGE_SIZE)
		if (!mem_frame(m.base + off) || mem_frame(m.base + off)->owner != VM_SERVICE)
			return NULL;
	for (u32 i = 0; i < bi->nmodules; i++)
		if (range_overlap(m.base, m.size, bi->module[i].base, bi->module[i].size))
			return NULL;
	if (arch_mem_map(m.base, m.size, 0) != OK)
		return NULL;
	mem_set_owner(m.base, m.size, 0);
	return arch_ptr(m.base);
}

void mem_flush(struct vm *vm)
{
	if (arch_vm_flush(&vm->arch))
		smp_quiesce();
}

struct mem_range {
	u64 pa, size;
};

static void mem_forget_there(void *arg)
{
	const struct mem_range *r = arg;

	arch_mem_flush(r->pa, r->size);
}

/* We map it no more, on no CPU. */
static void mem_unmap(u64 pa, u64 size)
{
	struct mem_range r = { pa, size };

	arch_mem_unmap(pa, size);
	cpu_call_others(mem_forget_there, &r);
}

static void mem_must(status_t s, u64 base)
{
	if (s != OK)
		panic("stage 2 of the service VM at %lx: status %d", base, s);
}

static void mem_map_device(struct vm *vm, u64 base, u64 end)
{
	while (base < end) {
		u64 stop = base;

		while (stop < end && !arch_device_reserved(stop, PAGE_SIZE)) {
			u64 step = is_aligned(stop, SIZE_1G) && end - stop >= SIZE_1G	? SIZE_1G
				   : is_aligned(stop, SIZE_2M) && end - stop >= SIZE_2M ? SIZE_2M
											: PAGE_SIZE;
			if (step > PAGE_SIZE && arch_device_reserved(stop, step))
				step = step == SIZE_1G && !arch_device_reserved(stop, SIZE_2M) ? SIZE_2M : PAGE_SIZE;
			stop += step;
		}
		if (stop > base)
			mem_must(ptab_map(arch_vm_s2(&vm->arch), base, base, stop - base, PT_R | PT_W | PT_DEVICE,
					  &boot_pool),
				 base);
		base = stop + PAGE_SIZE;
	}
}

/* What of [@base, @end) is the service VM's becomes RAM; what is nobody's, a device; what is ours stays out. */
static void mem_map_range(struct vm *vm, u64 base, u64 end)
{
	while (base < end) {
		struct frame *f = mem_frame(base);
		u64 stop = base;

		if (base >= mem_top()) {
			mem_map_device(vm, base, end);
			return;
		}
		while (stop < end && stop < mem_top() &&
		       (mem_frame(stop) ? mem_frame(stop)->owner : FRAME_NONE) == (f ? f->owner : FRAME_NONE))
			stop += PAGE_SIZE;
		if (!f)
			mem_map_device(vm, base, stop);
		else if (f->owner == vm->id)
			mem_must(ptab_map(arch_vm_s2(&vm->arch), base, base, stop - base, mem_rights, &boot_pool),
				 base);
		base = stop;
	}
}

void mem_give_all(struct vm *vm, unsigned rights)
{
	mem_rights = rights;
	/* Up to 4 GiB and the end of RAM; a 64-bit window for PCI above comes with device assignment. */
	mem_map_range(vm, 0, MAX(round_up(mem_top(), SIZE_2M), 4 * SIZE_1G));
}

/* Is all of [@pa, @pa+@size) @owner's, neither shared nor donated, and granted to nobody but perhaps @to? */
static status_t mem_check(const struct vm *owner, u64 pa, u64 size, u16 to)
{
	if (!is_aligned(pa | size, PAGE_SIZE) || size == 0)
		return ERR_ALIGN;
	if (!range_in(pa, size, 0, mem_top()))
		return ERR_OWNER;
	for (u64 off = 0; off < size; off += PAGE_SIZE) {
		const struct frame *f = mem_frame(pa + off);

		if (!f || f->owner != owner->id)
			return ERR_OWNER;
		if ((f->flags & (FRAME_SHARED | FRAME_DONATED)) || (f->grantee && f->grantee != to) ||
		    f->count == 0xffff)
			return ERR_BUSY;
	}
	return OK;
}

status_t mem_check_free(const struct vm *vm, u64 pa, u64 size)
{
	return mem_check(vm, pa, size, 0);
}

/*
 * Unmap a part of the service VM's memory. A large leaf that is cut is gone for a moment: where hardware wants it so,
 * no other CPU may run on the table meanwhile.
 */
static status_t mem_cut(struct vm *vm, u64 pa, u64 size)
{
	struct ptab *s2 = arch_vm_s2(&vm->arch);
	bool park = s2->fmt->broken && ptab_splits(s2, pa, size);
	status_t s;

	if (park)
		smp_park();
	s = ptab_unmap(s2, pa, size, vm->pool);
	if (park)
		smp_unpark();
	return s;
}

status_t mem_donate(struct vm *from, u64 pa, u64 size, u16 to, struct pool *pool)
{
	status_t s = size > SIZE_1G ? ERR_RANGE : mem_check_free(from, pa, size);
	size_t before;

	if (s != OK)
		return s;
	if (pool_free(&boot_pool) < mem_owed + MEM_TABLES)
		return ERR_NOMEM;
	s = arch_mem_map(pa, size, 0);
	if (s != OK)
		return s;
	before = pool_free(from->pool);
	s = mem_cut(from, pa, size);
	if (s != OK) {
		mem_unmap(pa, size);
		return s;
	}
	mem_flush(from);
	for (u64 off = 0; off < size; off += PAGE_SIZE)
		*mem_frame(pa + off) = (struct frame){ .owner = 0, .grantee = to, .flags = FRAME_DONATED };
	if (pool_free(from->pool) > before)
		mem_frame(pa)->count = (u16)(pool_free(from->pool) - before);
	mem_owed += mem_frame(pa)->count;
	memset(arch_ptr(pa), 0, size);
	if (pool)
		pool_add_range(pool, arch_ptr(pa), size >> PAGE_SHIFT);
	return OK;
}

void mem_return(struct vm *to, u64 pa, u64 size)
{
	memset(arch_ptr(pa), 0, size);
	mem_unmap(pa, size);
	mem_owed -= mem_frame(pa)->count;
	for (u64 off = 0; off < size; off += PAGE_SIZE)
		*mem_frame(pa + off) = (struct frame){ .owner = to->id };
	/* A table that is missing was set free by a donation that is still out, or this one: mem_owed has kept one for
	 * it. */
	mem_must(ptab_map(arch_vm_s2(&to->arch), pa, pa, size, mem_rights, to->pool), pa);
	mem_flush(to); /* a table walk need not see an entry that no barrier follows */
}

/* Leave @spare tables in the pool. */
static status_t mem_map(u64 pa, u64 spare)
{
	return pool_free(&boot_pool) < mem_owed + spare ? ERR_NOMEM : arch_mem_map(pa, PAGE_SIZE, 0);
}

status_t mem_share(struct vm *vm, u64 pa)
{
	status_t s = mem_check_free(vm, pa, PAGE_SIZE);

	if (s == OK)
		s = mem_map(pa, MEM_TABLES);
	if (s == OK)
		mem_frame(pa)->flags |= FRAME_SHARED;
	return s;
}

void mem_unshare(u64 pa)
{
	mem_frame(pa)->flags &= (u16)~FRAME_SHARED;
	mem_unmap(pa, PAGE_SIZE);
}

status_t mem_share_word(const struct vm *vm, u64 pa)
{
	struct frame *f = mem_frame(pa);
	status_t s = OK;

	if (!f || f->owner != VM_SERVICE || f->grantee != vm->id)
		return ERR_OWNER;
	if (!f->flags)
		s = mem_map(round_down(pa, PAGE_SIZE), MEM_SPARE);
	if (s == OK)
		f->flags += FRAME_WORD;
	return s;
}

void mem_unshare_word(u64 pa)
{
	struct frame *f = mem_frame(pa);

	f->flags -= FRAME_WORD;
	if (!f->flags)
		mem_unmap(round_down(pa, PAGE_SIZE), PAGE_SIZE);
}

status_t mem_grant(const struct vm *owner, u64 pa, u64 size, u16 to)
{
	status_t s = mem_check(owner, pa, size, to);

	if (s != OK)
		return s;
	for (u64 off = 0; off < size; off += PAGE_SIZE) {
		struct frame *f = mem_frame(pa + off);

		f->grantee = to;
		f->count++;
	}
	return OK;
}

void mem_revoke(u64 pa, u64 size, u16 to)
{
	for (u64 off = 0; off < size; off += PAGE_SIZE) {
		struct frame *f = mem_frame(pa + off);

		ASSERT(f && f->grantee == to && f->count);
		if (--f->count == 0)
			f->grantee = 0;
	}
}
