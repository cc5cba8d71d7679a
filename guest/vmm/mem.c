/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/mem.c: a guest's RAM: as the service VM reaches it, and what of it is in the guest's stage 2. */
#include "guest/vmm/vm.h"
#include "hv/lib/util.h"

void *vm_mem_part(const struct vm *vm, u64 gpa, u64 *len)
{
	unsigned i;

	for (i = 0; i < vm->nram; i++) {
		const struct vm_ram *r = &vm->ram[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size) {
			*len = MIN(*len, r->size - (gpa - r->gpa));
			return r->mem + (gpa - r->gpa);
		}
	}
	return NULL;
}

void *vm_mem(const struct vm *vm, u64 gpa, u64 len)
{
	u64 part = len;
	void *p = vm_mem_part(vm, gpa, &part);

	return p != NULL && part == len ? p : NULL;
}

/* Is all of [@gpa, @gpa+@len) RAM, in whatever pieces? */
static bool mem_is_ram(const struct vm *vm, u64 gpa, u64 len)
{
	u64 part;

	if (len != 0 && range_bad(gpa, len))
		return false;
	for (; len > 0; gpa += part, len -= part) {
		part = len;
		if (vm_mem_part(vm, gpa, &part) == NULL)
			return false;
	}
	return true;
}

status_t vm_read(const struct vm *vm, u64 gpa, void *buf, u64 len)
{
	u8 *to = buf;
	u64 part;

	if (!mem_is_ram(vm, gpa, len))
		return ERR_RANGE;
	for (; len > 0; gpa += part, to += part, len -= part) {
		const void *from;

		part = len;
		from = vm_mem_part(vm, gpa, &part);
		memcpy(to, from, part);
	}
	return OK;
}

status_t vm_write(const struct vm *vm, u64 gpa, const void *buf, u64 len)
{
	const u8 *from = buf;
	u64 part;

	if (!mem_is_ram(vm, gpa, len))
		return ERR_RANGE;
	for (; len > 0; gpa += part, from += part, len -= part) {
		void *to;

		part = len;
		to = vm_mem_part(vm, gpa, &part);
		memcpy(to, from, part);
	}
	return OK;
}

/* Under the lock from here on. The piece of holes that [@gpa, @gpa+@size) touches; nholes: none. */
static unsigned mem_hole(const struct vm *vm, u64 gpa, u64 size)
{
	unsigned i;

	for (i = 0; i < vm->nholes; i++) {
		if (range_overlap(gpa, size, vm->hole[i].gpa, vm->hole[i].size))
			break;
	}
	return i;
}

static status_t mem_map(struct vm *vm, u64 gpa, u64 size)
{
	u64 part = size;
	void *p = vm_mem_part(vm, gpa, &part);
	status_t s;

	do {
		s = hv_vm_map(vm->id, gpa, p, size, MAP_R | MAP_W | MAP_X);
	} while (s == ERR_NOMEM && vm->donate != NULL && vm->donate(vm));
	return s;
}

/* Map hole @i again. */
static status_t mem_fill(struct vm *vm, unsigned i)
{
	status_t s = mem_map(vm, vm->hole[i].gpa, vm->hole[i].size);

	if (s == OK) {
		vm->hole[i] = vm->hole[--vm->nholes];
		vm->refaults++;
	}
	return s;
}

status_t vm_ram_unmap(struct vm *vm, u64 gpa, u64 size)
{
	u64 part = size;
	status_t s;

	if (size == 0 || !is_aligned(gpa | size, PAGE_SIZE) || vm_mem_part(vm, gpa, &part) == NULL || part != size)
		return ERR_RANGE;
	lock_take(&vm->ram_lock);
	if (mem_hole(vm, gpa, size) != vm->nholes) {
		s = ERR_EXISTS;
	} else if (vm->nholes == VM_MAX_HOLES) {
		s = ERR_FULL;
	} else {
		do {
			s = hv_vm_unmap(vm->id, gpa, size);
		} while (s == ERR_NOMEM && vm->donate != NULL && vm->donate(vm));
		if (s == OK)
			vm->hole[vm->nholes++] = (struct vm_hole){ gpa, size };
	}
	lock_drop(&vm->ram_lock);
	return s;
}

static bool mem_failed(struct vm *vm, status_t s)
{
	if (s == OK)
		return false;
	vm_stop(vm, STOP_CRASH, "a piece of its RAM cannot be mapped again: status %d", (int)s);
	return true;
}

bool vm_ram_fault(struct vm *vm, u64 gpa)
{
	status_t s = OK;
	unsigned i;

	if (!vm_is_ram(vm, gpa))
		return false;
	lock_take(&vm->ram_lock);
	i = mem_hole(vm, gpa, 1);
	if (i < vm->nholes)
		s = mem_fill(vm, i);
	lock_drop(&vm->ram_lock);
	(void)mem_failed(vm, s);
	return true;
}

bool vm_ram_restore(struct vm *vm)
{
	status_t s = OK;

	lock_take(&vm->ram_lock);
	while (s == OK && vm->nholes != 0)
		s = mem_fill(vm, vm->nholes - 1);
	lock_drop(&vm->ram_lock);
	return !mem_failed(vm, s);
}
