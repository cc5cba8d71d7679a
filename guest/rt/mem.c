/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/rt/mem.c: memory of the service VM: pages first-fit by address, and small objects in size classes on them. One
 * lock for all of it, not held while memory is cleared.
 */
#include "guest/rt/sys.h"

/* A free range, described in its own first bytes; the list is sorted by address and no two neighbours touch. */
struct mem_range {
	struct mem_range *next;
	u64 size;
};

/* A page of objects of one size. The header keeps objects off the page boundary, which tells them from pages. */
struct mem_slab {
	u32 magic;
	u32 class;
	u64 pad;
};

struct mem_object {
	struct mem_object *next;
};

/* mem_alloc of a page or more: remembered aside, since the pages are the caller's to the last byte. */
struct mem_large {
	struct mem_large *next;
	void *addr;
	size_t size;
};

#define MEM_SLAB_MAGIC 0x534c4142u
#define MEM_MIN_SHIFT  5 /* 32 bytes   */
#define MEM_CLASSES    7 /* to 2048    */
#define MEM_ARENA      SIZE_2M

static struct lock mem_lock = LOCK_INIT(LOCK_MEM);
static struct mem_range *mem_ranges;
static u64 mem_bytes;
static struct mem_object *mem_class[MEM_CLASSES];
static struct mem_large *mem_larges;
static u8 *mem_arena;
static size_t mem_arena_left;

static void mem_insert(u64 base, u64 size)
{
	struct mem_range **p = &mem_ranges, *prev = NULL, *r;

	while (*p != NULL && (u64)(uintptr_t)*p < base) {
		prev = *p;
		p = &prev->next;
	}
	ASSERT(prev == NULL || (u64)(uintptr_t)prev + prev->size <= base);
	ASSERT(*p == NULL || base + size <= (u64)(uintptr_t)*p);
	r = (struct mem_range *)(uintptr_t)base;
	r->next = *p;
	r->size = size;
	*p = r;
	if (r->next != NULL && base + size == (u64)(uintptr_t)r->next) {
		struct mem_range gone = *r->next;

		memset(r->next, 0, sizeof(gone)); /* none of our pointers stays in what a guest may get */
		r->size += gone.size;
		r->next = gone.next;
	}
	if (prev != NULL && (u64)(uintptr_t)prev + prev->size == base) {
		prev->size += r->size;
		prev->next = r->next;
		memset(r, 0, sizeof(*r));
	}
	mem_bytes += size;
}

void mem_add(u64 base, u64 size)
{
	u64 start = round_up(base, PAGE_SIZE), end = round_down(base + size, PAGE_SIZE);

	if (start == 0)
		start = PAGE_SIZE; /* page 0 would be NULL */
	if (end <= start)
		return;
	lock_take(&mem_lock);
	mem_insert(start, end - start);
	lock_drop(&mem_lock);
}

u64 mem_free_bytes(void)
{
	return __atomic_load_n(&mem_bytes, __ATOMIC_RELAXED) + __atomic_load_n(&mem_arena_left, __ATOMIC_RELAXED);
}

/* Under the lock. */
static void *mem_pages(size_t size, size_t align)
{
	struct mem_range **p, *r, *tail;
	u64 base, start, end;

	for (p = &mem_ranges; (r = *p) != NULL; p = &r->next) {
		base = (u64)(uintptr_t)r;
		end = base + r->size;
		start = round_up(base, align);
		if (start < base || start >= end || end - start < size)
			continue;
		if (end - start > size) {
			tail = (struct mem_range *)(uintptr_t)(start + size);
			tail->next = r->next;
			tail->size = end - start - size;
			r->next = tail;
		}
		r->size = start - base;
		if (start == base) {
			*p = r->next;
			memset(r, 0, sizeof(*r));
		}
		mem_bytes -= size;
		return (void *)(uintptr_t)start;
	}
	return NULL;
}

void *page_alloc(size_t size, size_t align)
{
	void *p;

	if (size == 0 || !is_aligned(size, PAGE_SIZE) || align < PAGE_SIZE || (align & (align - 1)) != 0)
		return NULL;
	lock_take(&mem_lock);
	p = mem_pages(size, align);
	lock_drop(&mem_lock);
	return p;
}

void page_free(void *p, size_t size)
{
	if (p == NULL)
		return;
	ASSERT(is_aligned((uintptr_t)p, PAGE_SIZE) && size != 0 && is_aligned(size, PAGE_SIZE));
	memset(p, 0, size); /* whoever gets it next, a guest for one, must not read what was here */
	lock_take(&mem_lock);
	mem_insert((uintptr_t)p, size);
	lock_drop(&mem_lock);
}

/* Under the lock. */
static bool mem_refill(unsigned class)
{
	size_t size = (size_t)1 << (class + MEM_MIN_SHIFT), off;
	struct mem_slab *slab = mem_pages(PAGE_SIZE, PAGE_SIZE);

	if (slab == NULL)
		return false;
	slab->magic = MEM_SLAB_MAGIC;
	slab->class = class;
	for (off = sizeof(*slab); off + size <= PAGE_SIZE; off += size) {
		struct mem_object *o = (struct mem_object *)(void *)((u8 *)slab + off);

		o->next = mem_class[class];
		mem_class[class] = o;
	}
	return true;
}

static void *mem_alloc_large(size_t size)
{
	struct mem_large *l;

	if (size > ~(size_t)0 - PAGE_SIZE)
		return NULL;
	l = mem_alloc(sizeof(*l));
	if (l == NULL)
		return NULL;
	l->size = round_up(size, PAGE_SIZE);
	l->addr = page_alloc(l->size, PAGE_SIZE);
	if (l->addr == NULL) {
		mem_free(l);
		return NULL;
	}
	memset(l->addr, 0, l->size);
	lock_take(&mem_lock);
	l->next = mem_larges;
	mem_larges = l;
	lock_drop(&mem_lock);
	return l->addr;
}

void *mem_alloc(size_t size)
{
	unsigned class = 0;
	struct mem_object *o;

	if (size > (size_t)1 << (MEM_MIN_SHIFT + MEM_CLASSES - 1))
		return mem_alloc_large(size);
	while (((size_t)1 << (class + MEM_MIN_SHIFT)) < size)
		class ++;
	lock_take(&mem_lock);
	o = mem_class[class] != NULL || mem_refill(class) ? mem_class[class] : NULL;
	if (o != NULL)
		mem_class[class] = o->next;
	lock_drop(&mem_lock);
	if (o == NULL)
		return NULL;
	memset(o, 0, (size_t)1 << (class + MEM_MIN_SHIFT));
	return o;
}

static void mem_free_large(void *p)
{
	struct mem_large **pp, *l;

	lock_take(&mem_lock);
	for (pp = &mem_larges; (l = *pp) != NULL && l->addr != p; pp = &l->next)
		;
	if (l != NULL)
		*pp = l->next;
	lock_drop(&mem_lock);
	if (l == NULL)
		panic("mem_free: %p was not allocated", p);
	page_free(l->addr, l->size);
	mem_free(l);
}

void mem_free(void *p)
{
	struct mem_slab *slab = (struct mem_slab *)((uintptr_t)p & PAGE_MASK);
	struct mem_object *o = p;

	if (p == NULL)
		return;
	if ((void *)slab == p) {
		mem_free_large(p);
		return;
	}
	ASSERT(slab->magic == MEM_SLAB_MAGIC && slab->class < MEM_CLASSES);
	lock_take(&mem_lock);
	o->next = mem_class[slab->class];
	mem_class[slab->class] = o;
	lock_drop(&mem_lock);
}

/* Under the lock. What is left of the last block goes back as it came: nobody has written there. */
static bool mem_arena_grow(size_t size)
{
	size_t n = round_up(size, MEM_ARENA);
	u8 *p = mem_pages(n, MEM_ARENA);

	if (p == NULL)
		return false;
	if (mem_arena_left != 0)
		mem_insert((uintptr_t)mem_arena, mem_arena_left);
	mem_arena = p;
	mem_arena_left = n;
	return true;
}

void *mem_donation(size_t size)
{
	u8 *p = NULL;

	size = round_up(size, PAGE_SIZE);
	lock_take(&mem_lock);
	if (size <= mem_arena_left || mem_arena_grow(size)) {
		p = mem_arena;
		mem_arena += size;
		mem_arena_left -= size;
	}
	lock_drop(&mem_lock);
	return p;
}
