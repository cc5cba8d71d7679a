/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/exits.c: what each exit that reaches the service VM does to the guest's devices and registers. */
#include "guest/vmm/arm64/emulate.h"
#include "guest/vmm/arm64/virt.h"
#include "guest/vmm/loop.h"

#define PSTATE_AARCH32 BIT(4)

#define PSCI_64BIT 0x40000000u /* functions have a number for each register width */

static void exits_inject(struct run_page *run, u32 what)
{
	run->inject = what | RUN_INJECT_VALID;
	run->reply = REPLY_INJECT;
}

/* All of its registers, in the mailbox; the general ones are the run page's. */
static struct vcpu_state *exits_state(struct vcpu *v)
{
	struct vcpu_state *st = hv_mailbox();

	if (hv_call(HV_VCPU_GET, v->id, 0, 0, 0, 0).status != OK)
		return NULL;
	memcpy(&st->regs, &v->run->regs, sizeof(st->regs));
	return st;
}

/* The instruction of this exit, if it is one that can be carried out here. */
static bool exits_fetch(const struct vcpu *v, struct a64_insn *insn)
{
	const struct run_page *run = v->run;
	u64 gpa = run->u.mmio.insn_gpa;
	const void *p = is_aligned(gpa, 4) ? vm_mem(v->vm, gpa, 4) : NULL;
	u32 word;

	if (p == NULL && is_aligned(gpa, 4))
		p = vm_rom(v->vm, gpa, 4);
	if (p == NULL || (run->regs.pstate & PSTATE_AARCH32) != 0)
		return false;
	memcpy(&word, p, sizeof(word)); /* another CPU of the guest may be writing there: once */
	return a64_decode(word, insn);
}

/*
 * Hardware says where the access went but not what it is: look at the instruction. What cannot be carried out gets what
 * a bus would answer to an access that it does not take.
 */
static NOINLINE void exits_emulate(struct vcpu *v)
{
	struct run_page *run = v->run;
	struct vcpu_state *st;
	struct a64_insn insn;
	u64 sp;

	if (run->u.mmio.gva == ~0ull) { /* its tables are where no RAM is */
		exits_inject(run, ARM_INJECT_ABORT);
		return;
	}
	/* Where the instruction lies is not known while the tables that tell are away. */
	if (run->u.mmio.insn_gpa == ~0ull && v->vm->nholes != 0) {
		(void)vm_ram_restore(v->vm);
		return;
	}
	if (!exits_fetch(v, &insn)) {
		exits_inject(run, ARM_INJECT_ABORT);
		return;
	}
	st = exits_state(v);
	if (st == NULL) {
		vm_stop(v->vm, STOP_CRASH, "its registers cannot be read");
		return;
	}
	sp = st->sp_el1;
	if (!a64_step(v->vm, st, &insn, run->u.mmio.gva, run->u.mmio.gpa)) {
		exits_inject(run, ARM_INJECT_ABORT);
		return;
	}
	memcpy(&run->regs, &st->regs, sizeof(run->regs));
	run->reply = REPLY_REGS;
	/* EL1's stack pointer is not in the run page. */
	if (st->sp_el1 != sp && hv_call(HV_VCPU_SET, v->id, 0, 0, 0, 0).status != OK)
		vm_stop(v->vm, STOP_CRASH, "its stack pointer cannot be set");
}

/* No device in the place, no syndrome, no data access at all, or just another device than the last time. */
static NOINLINE void exits_mmio_other(struct vcpu *v)
{
	struct run_page *run = v->run;
	struct bus *bus = &v->vm->mmio;
	u64 gpa = run->u.mmio.gpa;
	unsigned size = run->u.mmio.size;

	if (vm_is_ram(v->vm, gpa)) {
		(void)vm_ram_fault(v->vm, gpa); /* no reply flags: the guest tries again */
		return;
	}
	if ((run->u.mmio.access & MAP_X) != 0) {
		exits_inject(run, ARM_INJECT_ABORT);
		return;
	}
	if (run->u.mmio.access == 0) { /* what is no memory is in no cache */
		run->reply = REPLY_SKIP;
		return;
	}
	if (size == 0) {
		exits_emulate(v);
		return;
	}
	if (!a64_bus_answers(v->vm, gpa)) {
		exits_inject(run, ARM_INJECT_ABORT);
		return;
	}
	if ((run->u.mmio.access & MAP_W) != 0)
		bus_write(bus, gpa, size, run->data);
	else
		run->data = bus_read(bus, gpa, size);
	run->reply = REPLY_SKIP;
}

/* The way of nearly all exits, and the one whose instructions are counted. */
static void exits_mmio(struct vcpu *v)
{
	struct run_page *run = v->run;
	u64 gpa = run->u.mmio.gpa;
	unsigned size = run->u.mmio.size;
	u64 off;
	const struct bus_region *r = bus_hit(&v->vm->mmio, gpa, size, &off);

	if (unlikely(r == NULL || size == 0 || (run->u.mmio.access & MAP_X) != 0)) {
		exits_mmio_other(v);
		return;
	}
	run->reply = REPLY_SKIP;
	/* The hypervisor has cut the value that was written, and cuts the answer. */
	if ((run->u.mmio.access & MAP_W) != 0)
		bus_region_write(r, off, size, run->data);
	else
		run->data = bus_region_read(r, off, size);
}

static void exits_none(struct vcpu *v)
{
}

static void exits_sysreg(struct vcpu *v)
{
	exits_inject(v->run, ARM_INJECT_UNDEFINED);
}

/* The log needs the registers of a guest that has come to grief. */
static void exits_log_state(struct vcpu *v)
{
	const struct vcpu_regs *r = &v->run->regs;
	const struct vcpu_state *st = exits_state(v);
	const char *name = v->vm->name;

	for (unsigned i = 0; i < 28; i += 4)
		log_line("%s: CPU %u: x%u %llx %llx %llx %llx", name, v->index, i, (unsigned long long)r->x[i],
			 (unsigned long long)r->x[i + 1], (unsigned long long)r->x[i + 2],
			 (unsigned long long)r->x[i + 3]);
	log_line("%s: x28 %llx %llx %llx pc %llx pstate %llx sp_el0 %llx", name, (unsigned long long)r->x[28],
		 (unsigned long long)r->x[29], (unsigned long long)r->x[30], (unsigned long long)r->pc,
		 (unsigned long long)r->pstate, (unsigned long long)r->sp_el0);
	if (st != NULL)
		log_line("%s: sp_el1 %llx vbar %llx esr %llx elr %llx far %llx sctlr %llx", name,
			 (unsigned long long)st->sp_el1, (unsigned long long)st->vbar, (unsigned long long)st->esr,
			 (unsigned long long)st->elr, (unsigned long long)st->far, (unsigned long long)st->sctlr);
}

static void exits_fault(struct vcpu *v)
{
	const struct run_page *run = v->run;
	char what[sizeof(run->u.fault.what)];

	memcpy(what, run->u.fault.what, sizeof(what));
	what[sizeof(what) - 1] = '\0';
	exits_log_state(v);
	vm_stop(v->vm, STOP_CRASH, "%s (code %llx, info %llx) of CPU %u at PC %llx",
		what[0] != '\0' ? what : "shut down", (unsigned long long)run->u.fault.code,
		(unsigned long long)run->u.fault.info, v->index, (unsigned long long)run->regs.pc);
}

static void exits_shutdown(struct vcpu *v)
{
	switch (v->run->u.fault.code) {
	case PSCI_SYSTEM_OFF: vm_stop(v->vm, STOP_POWEROFF, "power off through PSCI"); break;
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2 & ~PSCI_64BIT: vm_stop(v->vm, STOP_RESET, "reset through PSCI"); break;
	case PSCI_CPU_OFF: vm_stop(v->vm, STOP_POWEROFF, "its last CPU switched itself off"); break;
	default: exits_fault(v); break;
	}
}

static void exits_odd(struct vcpu *v)
{
	vm_stop(v->vm, STOP_CRASH, "exit %u at PC %llx, which the hypervisor should have served", v->run->kind,
		(unsigned long long)v->run->regs.pc);
}

typedef void (*exits_fn)(struct vcpu *v);

static const exits_fn exits_table[EXIT_COUNT] = {
	[EXIT_NONE] = exits_none,	   [EXIT_SYSREG] = exits_sysreg,
	[EXIT_PAUSE] = exits_none,	   [EXIT_SHUTDOWN] = exits_shutdown,
	[EXIT_ENTRY_FAILED] = exits_fault, [EXIT_STOPPED] = exits_none, /* of an earlier life of this VM: go on */
};

void exit_dispatch(struct vcpu *v)
{
	u32 kind = v->run->kind;

	v->run->reply = 0;
	if (likely(kind == EXIT_MMIO))
		exits_mmio(v);
	else if (kind < EXIT_COUNT && exits_table[kind] != NULL)
		exits_table[kind](v);
	else
		exits_odd(v);
}
