/* SPDX-License-Identifier: Apache-2.0 */
/* hv/audit.c: walk every stage-2 table and compare it with the owners of pages: isolation, checked while it runs. */
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/vm.h"

static void audit_fail(struct hv_audit *a, const struct vm *vm, u64 gpa, u64 pa, const char *what)
{
	if (a->violations++ != 0)
		return;
	a->vm = vm->id;
	a->gpa = gpa;
	a->pa = pa;
	(void)str_copy(a->what, what, sizeof(a->what));
}

/* May @vm map what is at @pa, a page or @size without RAM, with @flags? NULL, or what is wrong. */
static const char *audit_page(const struct vm *vm, u64 pa, u64 size, unsigned flags)
{
	const struct frame *f = mem_frame(pa);

	if (!f) {
		if (!(vm->rights & RIGHT_DEVICE) && arch_device_guests(pa))
			return flags & PT_DEVICE ? NULL : "maps a device as RAM";
		if (!(vm->rights & RIGHT_DEVICE))
			return "maps what is no RAM without a right to devices";
		return arch_device_reserved(pa, size) ? "maps a device of the hypervisor's" : NULL;
	}
	if (f->owner == 0)
		return "maps a page of the hypervisor's";
	if (f->owner != vm->id && f->grantee != vm->id)
		return "maps a page that it neither owns nor was granted";
	return flags & PT_DEVICE ? "maps RAM as a device" : NULL;
}

static void audit_vm(struct hv_audit *a, struct vm *vm)
{
	struct ptab_leaf leaf;
	u64 va = 0, step;

	while (ptab_next(arch_vm_s2(&vm->arch), va, &leaf) == OK) {
		a->leaves++;
		a->pages += leaf.size >> PAGE_SHIFT;
		for (u64 off = 0; off < leaf.size; off += step) {
			const char *what;

			/* Behind all RAM a leaf of 1 GiB is looked at as one: page by page takes seconds in Bochs. */
			step = (vm->rights & RIGHT_DEVICE) && leaf.pa + off >= mem_top() ? leaf.size - off : PAGE_SIZE;
			what = audit_page(vm, leaf.pa + off, step, leaf.flags);
			if (what)
				audit_fail(a, vm, leaf.va + off, leaf.pa + off, what);
			if (vm->id == VM_SERVICE && leaf.va != leaf.pa)
				audit_fail(a, vm, leaf.va, leaf.pa, "the service VM's map is not the identity");
		}
		va = leaf.va + leaf.size;
	}
}

void audit_run(struct hv_audit *a)
{
	memset(a, 0, sizeof(*a));
	for (unsigned i = 0; i < VM_MAX; i++)
		if (vm_table[i])
			audit_vm(a, vm_table[i]);
}
