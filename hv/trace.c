/* SPDX-License-Identifier: Apache-2.0 */
/* hv/trace.c: each exit of the chosen VMs into a ring of the service VM's. */
#include "arch/iface/mem.h"
#include "hv/vm.h"

struct trace_ring *trace_ring;
u64 trace_mask;
static u64 trace_pa, trace_pages, trace_size, trace_head;

void trace_exit(const struct vcpu *v, const struct exit *x)
{
	struct trace_record *r;

	if (!(trace_mask >> v->vm->id & 1))
		return;
	r = &trace_ring->rec[__atomic_fetch_add(&trace_head, 1, __ATOMIC_RELAXED) % trace_size];
	r->time = arch_counter();
	r->vm = v->vm->id;
	r->vcpu = v->id & 0xff;
	r->kind = (u16)x->kind;
	r->pc = arch_vcpu_pc(&v->arch);
	r->a = x->kind == EXIT_MMIO	? x->mmio.gpa
	       : x->kind == EXIT_SYSREG ? x->sysreg.index
	       : x->kind == EXIT_IO	? (u64)x->io.port | (u64)x->io.size << 16 | (u64)x->io.write << 24
					: 0;
	r->b = x->data;
	trace_ring->head = trace_head;
}

/* Pages are shared one by one; a failure in the middle gives back those before it. */
status_t trace_set(u64 pa, u64 pages, u64 mask)
{
	status_t s = OK;
	u64 n;

	if (!pa != !pages || pages > 256)
		return ERR_INVAL;
	for (n = 0; n < pages && s == OK; n++)
		s = mem_share(vm_table[VM_SERVICE], pa + n * PAGE_SIZE);
	if (s != OK) {
		while (--n)
			mem_unshare(pa + (n - 1) * PAGE_SIZE);
		return s;
	}
	trace_mask = 0;
	smp_quiesce(); /* nobody writes to the old one */
	for (n = 0; n < trace_pages; n++)
		mem_unshare(trace_pa + n * PAGE_SIZE);
	trace_pa = pa;
	trace_pages = pages;
	trace_head = 0;
	if (pages) {
		trace_ring = arch_ptr(pa);
		trace_size = (pages * PAGE_SIZE - sizeof(*trace_ring)) / sizeof(struct trace_record);
		trace_ring->head = 0;
		trace_ring->size = trace_size;
		__atomic_store_n(&trace_mask, mask, __ATOMIC_RELEASE);
	}
	return OK;
}
