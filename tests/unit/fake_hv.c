/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_hv.c: starts hv/ on the fake machine and calls it as the service VM and guests do. */
#include "tests/unit/fake_hv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "hv/lib/print.h"
#include "hv/lib/string.h"

/*
 * hv/log.c with panic() renamed, as a test's is fake_panic.c's, and libc's formatting: print.c would take the place of
 * the vsnprintf that cmocka prints with.
 */
static int fake_vprint(print_sink sink, void *ctx, const char *fmt, va_list ap)
{
	char text[1024];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	for (const char *p = text; *p; p++)
		sink(ctx, *p);
	return n;
}

#define vprint fake_vprint
#define panic  hv_panic
#include "hv/log.c"
#undef panic
#include "hv/screen.c"
#include "drivers/fb/fb.c"
#undef vprint

struct boot_info hv_boot_info;
struct service_header hv_header;
u64 hv_out[3], hv_seed = 1;
struct vcpu *hv_next;
struct hv_audit hv_audited;

bool str_copy(char *d, const char *s, size_t size)
{
	return (size_t)snprintf(d, size, "%s", s) < size;
}

void hv_region(u64 base, u64 end, u32 kind)
{
	hv_boot_info.region[hv_boot_info.nregions++] =
		(struct boot_region){ .base = base, .size = end - base, .kind = kind };
}

void hv_module(u64 base, u64 size, const char *name)
{
	struct boot_module *m = &hv_boot_info.module[hv_boot_info.nmodules++];

	m->base = base;
	m->size = size;
	(void)str_copy(m->string, name, sizeof(m->string));
}

void hv_find_memory(u64 base)
{
	host_base = base;
	host_power_on();
	memset(vm_table, 0, sizeof(vm_table));
	memset(&hv_boot_info, 0, sizeof(hv_boot_info));
	fb.at = NULL;
	hv_log_restart();
	hv_region(base, base + 0x9f000, BOOT_MEM_RAM);
	hv_region(base + 0x9f000, base + 0x100000, BOOT_MEM_RESERVED);
	hv_region(base + 0x100000, base + HOST_RAM, BOOT_MEM_RAM);
	hv_region(base + T_ACPI, base + HOST_RAM, BOOT_MEM_ACPI); /* overlaps, as real ones do */
	hv_module(base + T_SERVICE, 0x10000, "service");
	hv_module(base + T_INITRD, 0x2000, "initrd");
	hv_header = (struct service_header){ .magic = SERVICE_MAGIC,
					     .version = SERVICE_VERSION,
					     .header_size = 64,
					     .image_size = 0x10000,
					     .entry = 0x40 };
}

void hv_start(void)
{
	memcpy(host_machine + host_base + T_SERVICE, &hv_header, sizeof(hv_header));
	mem_init(&hv_boot_info);
	arch_cpu_init(&hv_boot_info);
	sched_init(this_cpu(), 0);
	smp_start();
	service_create(&hv_boot_info);
}

void hv_log_restart(void)
{
	memset(&log_early, 0, sizeof(log_early));
	log_ring = &log_early;
	log_panicked = false;
}

void hv_boot(void)
{
	hv_find_memory(0);
	hv_start();
}

void hv_off(void)
{
	assert_int_equal(trace_set(0, 0, 0), OK);
	for (u32 gsi = 0; gsi < 0x200; gsi++)
		(void)!virq_attach(gsi, IRQ_DETACH, 0);
}

u64 hv_call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	struct vcpu *v = this_cpu()->service;
	const struct exit x = { .kind = EXIT_HYPERCALL, .next_pc = v->arch.pc + 3 };
	const u64 arg[] = { nr, a, b, c, d, e };

	memcpy(v->regs.gpr, arg, sizeof(arg));
	hv_next = exit_dispatch(v, &x);
	memcpy(hv_out, v->regs.gpr + 1, sizeof(hv_out));
	return v->regs.gpr[0];
}

struct vcpu *hv_wait(u64 vcpu, u64 flags)
{
	(void)hv_call(HV_REPLY_WAIT, vcpu, flags, 0, 0, 0);
	return hv_next;
}

struct vcpu *hv_exit(struct vcpu *v, struct exit x)
{
	struct cpu *c = this_cpu();

	host_script(&x);
	arch_vcpu_run(&v->arch, &x);
	if (v != c->service)
		sched_deadline(c, v);
	return exit_dispatch(v, &x);
}

void hv_assert_event(struct vcpu *next, u64 kind, u64 cookie)
{
	const u64 *r = this_cpu()->service->regs.gpr;

	assert_ptr_equal(next, this_cpu()->service);
	assert_false(this_cpu()->service_waits);
	assert_int_equal(r[0], OK);
	assert_int_equal(r[1], kind);
	assert_int_equal(r[2], cookie);
}

u64 hv_make_vm(u64 pa, u64 pages, u64 cookie)
{
	assert_int_equal(hv_call(HV_VM_CREATE, pa, pages * PAGE_SIZE, cookie, 0, 0), OK);
	return hv_out[0];
}

struct vcpu *hv_make_vcpu(u64 vm, u64 pa, u64 cookie, u64 index)
{
	assert_int_equal(hv_call(HV_VCPU_CREATE, vm, pa, cookie, index, 0), OK);
	assert_int_equal(hv_out[0], vm << 8 | index);
	return vcpu_get(hv_out[0]);
}

struct run_page *hv_run(struct vcpu *v)
{
	return (struct run_page *)(void *)(host_machine + v->run_pa);
}

/* FNV-1a, a word at a time. */
static void hash(u64 *h, u64 v)
{
	*h = (*h ^ v) * 0x100000001b3UL;
	*h ^= *h >> 32;
}

static void hash_list(u64 *h, const struct list *l)
{
	const struct list *at;

	list_for_each (at, l)
		hash(h, (u64)at);
	hash(h, 0);
}

static void hash_vm(u64 *h, struct vm *vm)
{
	struct ptab_leaf leaf;

	hash(h, vm->id | (u64)vm->rights << 16 | (u64)vm->nvcpus << 32 | (u64)vm->ndonations << 48);
	hash(h, pool_free(vm->pool) | (u64)vm->arch.npolicy << 32);
	for (u64 va = 0; ptab_next(arch_vm_s2(&vm->arch), va, &leaf) == OK; va = leaf.va + leaf.size) {
		hash(h, leaf.va);
		hash(h, leaf.pa ^ leaf.size << 1);
		hash(h, leaf.flags);
	}
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (v)
			hash(h, v->eoi ^ (u64)v->arch.eoi);
		hash(h, v ? v->state | v->exit_kind << 8 | (u64)v->arch.completions << 32 : ~0UL);
		if (v)
			hash(h, v->arch.irqs ^ (u64)v->arch.extint << 63 ^ v->arch.deadline ^ v->deadline ^
					(v->run ? v->arch.pc : 0));
	}
	for (unsigned i = 0; i < vm->ndoorbells; i++) {
		hash(h, vm->bell[i].addr ^ vm->bell[i].match ^ vm->bell[i].cookie);
		hash(h, vm->bell[i].flags | vm->bell[i].used << 16 | vm->bell[i].rung << 17);
	}
}

u64 hv_hash(void)
{
	const struct cpu *c = this_cpu();
	const struct frame *f = mem_frame(host_base);
	u64 h = 0xcbf29ce484222325UL;

	for (u64 i = 0; i < (mem_top() - host_base) >> PAGE_SHIFT;
	     i++) /* the first page is RAM, so this is the table */
		hash(&h, f[i].owner | (u64)f[i].grantee << 16 | (u64)f[i].count << 32 | (u64)f[i].flags << 48);
	hash(&h, pool_free(mem_pool()) | host_mapped_pages << 32);
	hash(&h, (u64)c->current ^ c->pending ^ (u64)c->service_waits << 32);
	hash(&h, c->service_timer ^ c->slice_end ^ host_timer);
	for (unsigned i = 0; i < SCHED_PRIORITIES; i++)
		hash_list(&h, &c->ready[i]);
	hash_list(&h, &c->exits);
	hash_list(&h, &c->doorbells);
	hash_list(&h, &c->timers);
	for (unsigned i = 0; i < VM_MAX; i++)
		if (vm_table[i])
			hash_vm(&h, vm_table[i]);
	for (unsigned i = 0; i < HOST_GSIS; i++)
		hash(&h, host_gsi_on[i] | host_gsi_masked[i] << 1);
	hash(&h, trace_mask);
	return h;
}

u64 hv_audit(void)
{
	audit_run(&hv_audited);
	return hv_audited.violations;
}

u32 hv_random(void)
{
	hv_seed = hv_seed * 6364136223846793005UL + 1442695040888963407UL;
	return (u32)(hv_seed >> 33);
}

const char *hv_log(void)
{
	static char text[LOG_SIZE + 1];

	text[log_copy(0, text, LOG_SIZE)] = 0;
	return text;
}
