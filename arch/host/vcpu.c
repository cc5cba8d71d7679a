/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/vcpu.c: fake VMs and vCPUs: a guest is the script of exits that the test wrote. */
#include <string.h>

#include "arch/host/host.h"
#include "hv/lib/panic.h"

bool host_vcpu_init_fails;
unsigned host_vms;
void (*host_meanwhile)(void);
static struct exit host_exits[HOST_SCRIPT];
static unsigned host_first, host_last;

void host_vcpu_reset(void)
{
	host_first = host_last = 0;
	host_vcpu_init_fails = false;
	host_vms = 0;
	host_meanwhile = NULL;
}

void host_script(const struct exit *x)
{
	ASSERT(host_last < HOST_SCRIPT);
	host_exits[host_last++] = *x;
}

status_t arch_vm_init(struct arch_vm *vm, bool service, struct pool *pool)
{
	memset(vm, 0, sizeof(*vm));
	vm->service = service;
	if (ptab_init(&vm->s2, &host_format, &arch_ptab_mem, pool) != OK)
		return ERR_NOMEM;
	host_vms++;
	return OK;
}

void arch_vm_fini(struct arch_vm *vm, struct pool *pool)
{
	host_vms--;
	ptab_destroy(&vm->s2, pool);
	if (vm->policy)
		pool_put(pool, vm->policy);
}

bool arch_vm_flush(struct arch_vm *vm)
{
	vm->flushes++;
	return true;
}

void arch_vcpu_leave(struct arch_vcpu *v)
{
	v->leaves++;
	if (v->late) {
		v->irqs |= v->late;
		v->late = 0;
		vcpu_kicked(v);
	}
}

static status_t host_policy(struct arch_vm *vm, const void *e, u32 n, size_t size, struct pool *pool)
{
	ASSERT(n * size <= PAGE_SIZE);
	if (!vm->policy)
		vm->policy = pool_get(pool);
	if (!vm->policy)
		return ERR_NOMEM;
	if (host_meanwhile)
		host_meanwhile();
	memcpy(vm->policy, e, n * size);
	vm->npolicy = n;
	return OK;
}

status_t arch_vm_configure(struct arch_vm *vm, const struct vm_config *e, u32 n, struct pool *pool)
{
	return host_policy(vm, e, n, sizeof(*e), pool);
}

status_t arch_vm_set_msr(struct arch_vm *vm, const struct msr_policy *e, u32 n, struct pool *pool)
{
	return host_policy(vm, e, n, sizeof(*e), pool);
}

status_t arch_vcpu_init(struct arch_vcpu *v, struct arch_vm *vm, struct vcpu_regs *regs, u32 id, u64 *exits,
			struct pool *pool)
{
	if (host_vcpu_init_fails || pool_free(pool) < 2) {
		host_vcpu_init_fails = false;
		return ERR_NOMEM;
	}
	memset(v, 0, sizeof(*v));
	v->state = pool_get(pool);
	v->regs = regs;
	v->vm = vm;
	v->id = id;
	v->exits = exits;
	v->deadline = ~0UL;
	memset(regs, 0, sizeof(*regs));
	return OK;
}

void arch_vcpu_fini(struct arch_vcpu *v, struct pool *pool)
{
	pool_put(pool, v->state);
}

void arch_vcpu_init_service(struct arch_vcpu *v, u64 entry, u64 image, u64 mailbox)
{
	v->pc = entry;
	v->regs->gpr[1] = image;
	v->regs->gpr[2] = mailbox;
}

void arch_vcpu_run(struct arch_vcpu *v, struct exit *x)
{
	v->runs++;
	*x = host_first < host_last ? host_exits[host_first++] : (struct exit){ .kind = EXIT_NONE };
	if (host_first == host_last)
		host_first = host_last = 0;
}

void arch_vcpu_export(struct arch_vcpu *v)
{
	v->exports++;
	v->regs->rip = v->pc;
}

u32 arch_vcpu_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run)
{
	v->reply = run->reply;
	v->kind = kind;
	v->completions++;
	run->reply = 0;
	if (v->reply & REPLY_REGS)
		v->pc = run->regs.rip;
	return v->reply;
}

void arch_vcpu_undefined(struct arch_vcpu *v)
{
}

void arch_vcpu_get(struct arch_vcpu *v, struct vcpu_state *s)
{
	arch_vcpu_export(v);
	*s = *v->state;
	s->regs = *v->regs;
}

void arch_vcpu_reset_irq(struct arch_vcpu *v, bool wait)
{
	v->deadline = ~0UL;
	v->eoi = NULL;
}

status_t arch_vcpu_set(struct arch_vcpu *v, const struct vcpu_state *s)
{
	if (s->regs.cpl > 3)
		return ERR_INVAL;
	if (host_meanwhile)
		host_meanwhile();
	*v->state = *s;
	*v->regs = s->regs;
	v->pc = s->regs.rip;
	return OK;
}

bool arch_vcpu_awake(struct arch_vcpu *v)
{
	return !v->irqs_off && (v->irqs || v->extint);
}

bool arch_vcpu_can_wake(struct arch_vcpu *v)
{
	return !v->irqs_off;
}

/* The address is the vCPU's number. */
bool arch_vcpu_msi(struct arch_vcpu *v, u64 addr, u32 data)
{
	if (addr != v->id)
		return false;
	v->irqs |= 1UL << (data & 63);
	return true;
}

/* Lines 0 to 63 lead to vCPU 0, the next 64 to vCPU 1, and so on. */
bool arch_vcpu_line(struct arch_vcpu *v, u32 line, bool level)
{
	if (line / 64 != v->id)
		return false;
	v->irqs = level ? v->irqs | 1UL << (line & 63) : v->irqs & ~(1UL << (line & 63));
	return level;
}

void arch_vcpu_extint(struct arch_vcpu *v, bool level)
{
	v->extint = level;
}

/* Offset 0: pending interrupts; 8: end of interrupt @value; 16: deadline. */
bool arch_vcpu_apic(struct arch_vcpu *v, u32 off, bool write, u64 *value, struct exit *more)
{
	*more = (struct exit){ .kind = EXIT_NONE };
	if (off == 0 && !write) {
		*value = v->irqs;
		return true;
	}
	if (off == 8 && write) {
		v->irqs &= ~(1UL << (*value & 63));
		*more = (struct exit){ .kind = EXIT_EOI, .vector = (u32)*value & 63 };
		return true;
	}
	if (off == 16 && write)
		v->deadline = *value;
	return off == 16 && write;
}

void arch_vcpu_timer(struct arch_vcpu *v)
{
	v->ticks++;
	v->irqs |= 1;
	v->deadline = v->period ? v->deadline + v->period : ~0UL;
}
