/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/mem.c: a guest's RAM as the service VM reaches it. */
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
