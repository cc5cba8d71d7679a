/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_rt.c: a fake of guest/rt and of the hypervisor. What a test links for real wins: all is weak. */
#include "fake_rt.h"

#include <stdio.h>
#include <stdlib.h>

#define WEAK __attribute__((weak))

struct fake_rt fake;
static struct list fake_timers = LIST_INIT(fake_timers);
static struct list fake_work = LIST_INIT(fake_work);
static _Alignas(4096) u8 fake_mailbox[PAGE_SIZE];

WEAK void *hv_mailbox(void)
{
	return fake_mailbox;
}

WEAK struct rt_cpu *rt_cpu(unsigned n)
{
	return n < FAKE_CPUS ? &fake_cpus[n] : NULL;
}

WEAK unsigned rt_ncpus(void)
{
	return 1;
}

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(fake_mailbox, 0, sizeof(fake_mailbox));
	list_init(&fake_timers);
	list_init(&fake_work);
	fake_cpus_reset();
	lock_nmine = 0;
}

WEAK void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("panic: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

WEAK void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.log, sizeof(fake.log), fmt, ap);
	va_end(ap);
}

WEAK u64 time_ns(void)
{
	return fake.now;
}

WEAK u64 time_wall(void)
{
	return fake.wall + fake.now / 1000000000;
}

WEAK void timer_init(struct timer *t, void (*fn)(struct timer *), struct lock *lock)
{
	memset(t, 0, sizeof(*t));
	list_init(&t->link);
	t->fn = fn;
	t->lock = lock;
}

WEAK void timer_set(struct timer *t, u64 when)
{
	struct list *pos;

	list_del(&t->link);
	t->when = when;
	t->armed = true;
	list_for_each (pos, &fake_timers) {
		if (list_entry(pos, struct timer, link)->when > when)
			break;
	}
	list_add_tail(pos, &t->link);
}

WEAK void timer_cancel(struct timer *t)
{
	t->armed = false;
	list_del(&t->link);
}

WEAK bool timer_armed(const struct timer *t)
{
	return t->armed;
}

void fake_advance(u64 ns)
{
	u64 end = fake.now + ns;

	while (!list_empty(&fake_timers)) {
		struct timer *t = list_entry(fake_timers.next, struct timer, link);

		if (t->when > end)
			break;
		fake.now = MAX(fake.now, t->when);
		list_del(&t->link);
		t->armed = false;
		if (t->lock)
			lock_take(t->lock);
		t->fn(t);
		if (t->lock)
			lock_drop(t->lock);
	}
	fake.now = end;
}

WEAK void work_init(struct work *w, void (*fn)(struct work *))
{
	w->queued = 0;
	list_init(&w->link);
	w->fn = fn;
}

WEAK void work_queue(struct work *w)
{
	if (list_empty(&w->link))
		list_add_tail(&fake_work, &w->link);
}

WEAK void work_queue_on(unsigned n, struct work *w)
{
	work_queue(w);
}

unsigned fake_run_work(void)
{
	unsigned n = 0;

	while (!list_empty(&fake_work) && n < 10000) {
		struct work *w = list_entry(fake_work.next, struct work, link);

		list_del(&w->link);
		w->fn(w);
		n++;
	}
	return n;
}

WEAK void *mem_alloc(size_t size)
{
	void *p;

	if (fake.no_memory)
		return NULL;
	if (size < PAGE_SIZE)
		return calloc(1, size);
	p = aligned_alloc(PAGE_SIZE, round_up(size, PAGE_SIZE));
	if (p)
		memset(p, 0, size);
	return p;
}

WEAK void mem_free(void *p)
{
	free(p);
}

WEAK void *page_alloc(size_t size, size_t align)
{
	return fake.no_memory ? NULL : aligned_alloc(align, size);
}

WEAK void page_free(void *p, size_t size)
{
	free(p);
}

WEAK void random_bytes(void *buf, size_t n)
{
	memset(buf, 0xa5, n);
}

WEAK struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	if (fake.ncall < FAKE_MAX)
		fake.call[fake.ncall] = (struct fake_call){ nr, a, b, c, d, e };
	fake.ncall++;
	return fake.result;
}

WEAK status_t hv_vm_map(u32 vm, u64 gpa, const void *mem, u64 size, unsigned flags)
{
	return hv_call(HV_VM_MAP, vm, gpa, (uintptr_t)mem, size, flags).status;
}

WEAK status_t hv_vm_unmap(u32 vm, u64 gpa, u64 size)
{
	return hv_call(HV_VM_UNMAP, vm, gpa, size, 0, 0).status;
}

WEAK void hv_vm_irq(u32 vm, u64 addr, u32 data)
{
	if (fake.nmsi < FAKE_MAX)
		fake.msi[fake.nmsi] = (struct fake_msi){ vm, addr, data };
	fake.nmsi++;
}

WEAK void hv_vm_line(u32 vm, u32 line, bool level)
{
	fake.nline++;
	if (line < ARRAY_SIZE(fake.line))
		fake.line[line] = level;
}

WEAK void hv_vcpu_extint(u32 vcpu, bool level)
{
	fake.nextint++;
	fake.extint_vcpu = vcpu;
	fake.extint = level;
}

WEAK status_t hv_vm_doorbell(u32 vm, u64 addr, unsigned flags, u64 match, void *cookie)
{
	return hv_call(HV_VM_DOORBELL, vm, addr, flags, match, (uintptr_t)cookie).status;
}

WEAK void *vm_mem(const struct vm *vm, u64 gpa, u64 len)
{
	for (unsigned i = 0; i < vm->nram; i++) {
		if (range_in(gpa, len, vm->ram[i].gpa, vm->ram[i].size))
			return vm->ram[i].mem + (gpa - vm->ram[i].gpa);
	}
	return NULL;
}

WEAK status_t vm_read(const struct vm *vm, u64 gpa, void *buf, u64 len)
{
	void *p = vm_mem(vm, gpa, len);

	if (!p)
		return ERR_RANGE;
	memcpy(buf, p, len);
	return OK;
}

WEAK status_t vm_write(const struct vm *vm, u64 gpa, const void *buf, u64 len)
{
	void *p = vm_mem(vm, gpa, len);

	if (!p)
		return ERR_RANGE;
	memcpy(p, buf, len);
	return OK;
}

WEAK void vm_stop(struct vm *vm, enum vm_stop how, const char *why, ...)
{
	va_list ap;

	fake.nstop++;
	fake.stop = how;
	va_start(ap, why);
	vsnprintf(fake.why, sizeof(fake.why), why, ap);
	va_end(ap);
}

WEAK bool vm_ram_fault(struct vm *vm, u64 gpa)
{
	fake.nfault++;
	return vm_is_ram(vm, gpa);
}

WEAK bool vm_ram_restore(struct vm *vm)
{
	vm->nholes = 0;
	return true;
}

WEAK bool vm_park(struct vcpu *v)
{
	bool all = true;

	v->owed = false;
	v->parked = true;
	for (unsigned i = 0; i < v->vm->nvcpus; i++)
		all &= v->vm->vcpu[i].parked;
	return all;
}

static void fake_irq(struct vm *vm, unsigned gsi, bool level)
{
	fake.nirq++;
	if (gsi >= ARRAY_SIZE(fake.gsi_level))
		return;
	if (level && !fake.gsi_level[gsi])
		fake.gsi_edges[gsi]++;
	fake.gsi_level[gsi] = level;
}

void fake_vm_init(struct vm *vm, u64 ram_size)
{
	memset(vm, 0, sizeof(*vm));
	memcpy(vm->name, "test", 5);
	vm->id = 7;
	vm->irq = fake_irq;
	vm->nvcpus = 1;
	vm->vcpu[0].vm = vm;
	vm->vcpu[0].id = 70;
	if (ram_size) {
		vm->nram = 1;
		vm->ram[0] = (struct vm_ram){ 0, ram_size, calloc(1, ram_size) };
	}
}

void fake_vm_free(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nram; i++)
		free(vm->ram[i].mem);
	vm->nram = 0;
}

static size_t fake_tty_output(struct tty *tty, const u8 *buf, size_t len)
{
	struct fake_tty *t = container_of(tty, struct fake_tty, tty);
	size_t n = MIN(MIN(len, t->space), sizeof(t->out) - t->nout);

	memcpy(t->out + t->nout, buf, n);
	t->nout += n;
	t->space -= n;
	return n;
}

static size_t fake_tty_read(struct tty *tty, u8 *buf, size_t len)
{
	struct fake_tty *t = container_of(tty, struct fake_tty, tty);
	size_t n = MIN(len, t->nin);

	t->nread++;
	memcpy(buf, t->in, n);
	memmove(t->in, t->in + n, t->nin - n);
	t->nin -= n;
	return n;
}

void fake_tty_init(struct fake_tty *t)
{
	memset(t, 0, sizeof(*t));
	t->space = sizeof(t->out);
	t->tty.output = fake_tty_output;
	t->tty.read = fake_tty_read;
}

size_t fake_tty_input(struct fake_tty *t, const char *s)
{
	size_t len = MIN(strlen(s), sizeof(t->in) - t->nin), before = t->nin;

	memcpy(t->in + t->nin, s, len);
	t->nin += len;
	t->tty.input(&t->tty);
	return before + len - t->nin;
}

void fake_tty_room(struct fake_tty *t, size_t n)
{
	t->space += n;
	if (t->tty.room)
		t->tty.room(&t->tty);
}
