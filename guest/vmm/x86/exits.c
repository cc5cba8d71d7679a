/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/exits.c: what each exit that reaches the service VM does to the guest's devices and registers. */
#include "guest/vmm/x86/loader.h"
#include "guest/vmm/loop.h"
#include "guest/vmm/x86/emulate.h"
#include "guest/vmm/x86/pc.h"

#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_PF 14

#define KVM_ENOSYS ((u64)-1000) /* of KVM's guest ABI: no such hypercall */

#define RFLAGS_RF BIT(16)
#define EFER_LMA  BIT(10)

#define APIC_BASE_BSP BIT(8)

/* --- how the emulator reaches the guest --------------------------------------------------------------------- */

static void *exits_ram(void *ctx, u64 gpa, unsigned len)
{
	return vm_mem(((struct vcpu *)ctx)->vm, gpa, len);
}

static const u8 *exits_rom(void *ctx, u64 gpa, unsigned len)
{
	return vm_rom(((struct vcpu *)ctx)->vm, gpa, len);
}

static u64 exits_mmio_read(void *ctx, u64 gpa, unsigned size)
{
	return bus_read(&((struct vcpu *)ctx)->vm->mmio, gpa, size);
}

static void exits_mmio_write(void *ctx, u64 gpa, unsigned size, u64 value)
{
	bus_write(&((struct vcpu *)ctx)->vm->mmio, gpa, size, value);
}

static u64 exits_port_read(void *ctx, u16 port, unsigned size)
{
	return bus_read(&((struct vcpu *)ctx)->vm->pio, port, size);
}

static void exits_port_write(void *ctx, u16 port, unsigned size, u64 value)
{
	bus_write(&((struct vcpu *)ctx)->vm->pio, port, size, value);
}

static const struct emu_ops exits_ops = {
	.ram = exits_ram,
	.rom = exits_rom,
	.mmio_read = exits_mmio_read,
	.mmio_write = exits_mmio_write,
	.port_read = exits_port_read,
	.port_write = exits_port_write,
};

static void exits_emu(struct emu *e, struct vcpu *v)
{
	e->ops = &exits_ops;
	e->ctx = v;
	e->regs = &v->run->regs;
	e->cache = &((struct pc *)v->vm->platform)->emu[v->index];
	e->insn = NULL;
	e->insn_len = 0;
	e->access = 0;
	if ((v->run->flags & RUN_OPERAND) != 0) {
		e->at = v->run->u.mmio.gpa;
		e->access = v->run->u.mmio.access;
	}
	e->length = 0;
	e->max_iter = 0;
	if ((v->run->flags & RUN_INSN) != 0) {
		e->insn = v->run->insn;
		e->insn_len = MIN(v->run->insn_len, sizeof(v->run->insn));
	}
}

static void exits_inject(struct run_page *run, u32 vector, bool has_error, u32 error)
{
	run->inject = vector | RUN_INJECT_VALID | (has_error ? RUN_INJECT_ERROR : 0);
	run->error = error;
	run->reply = REPLY_INJECT;
}

/* Have regs current beyond the general registers, which are kept as the handler has changed them. */
static NOINLINE bool exits_fetch_state(struct vcpu *v)
{
	const struct vcpu_state *s = hv_mailbox();
	struct vcpu_regs *regs = &v->run->regs;
	u64 gpr[X86_NGPR];

	if (hv_call(HV_VCPU_GET, v->id, 0, 0, 0, 0).status != OK)
		return false;
	memcpy(gpr, regs->gpr, sizeof(gpr));
	gpr[X86_RSP] = s->regs.gpr[X86_RSP];
	memcpy(regs, &s->regs, sizeof(*regs));
	memcpy(regs->gpr, gpr, sizeof(gpr));
	return true;
}

static inline bool exits_state(struct vcpu *v)
{
	return (v->run->flags & RUN_STATE) != 0 || exits_fetch_state(v);
}

/* What the log needs to name an instruction: its bytes, where they can be read. */
static void exits_bytes(struct vcpu *v, char *text, size_t size)
{
	struct emu e;
	u64 linear = v->run->regs.rip + v->run->regs.seg[X86_CS].base, gpa;
	const u8 *p = v->run->insn;
	unsigned n = v->run->insn_len, used = 0;

	text[0] = '\0';
	exits_emu(&e, v);
	if (e.insn == NULL) {
		n = (unsigned)MIN(15ul, PAGE_SIZE - (linear & ~PAGE_MASK));
		if (emu_translate(&e, linear, false, true, &gpa) != OK)
			return;
		p = vm_mem(v->vm, gpa, n);
		if (p == NULL && (p = vm_rom(v->vm, gpa, n)) == NULL)
			return;
	}
	for (unsigned i = 0; i < n && i < 15 && used + 4 < size; i++)
		used += (unsigned)snprintf(text + used, size - used, " %02x", p[i]);
}

static void exits_unknown(struct vcpu *v, const char *what, u64 where)
{
	char bytes[64];

	exits_bytes(v, bytes, sizeof(bytes));
	vm_stop(v->vm, STOP_CRASH, "cannot emulate CPU %u's instruction at RIP %llx (%s %llx):%s", v->index,
		(unsigned long long)v->run->regs.rip, what, (unsigned long long)where, bytes);
}

/* Go behind the instruction. SVM without next-RIP leaves its length to us. */
static void exits_skip(struct vcpu *v)
{
	struct run_page *run = v->run;
	struct vcpu_regs *regs = &run->regs;
	struct emu e;

	if (likely(run->next_pc != 0)) {
		run->reply = REPLY_SKIP;
		return;
	}
	if (!exits_state(v)) {
		vm_stop(v->vm, STOP_CRASH, "its registers cannot be read");
		return;
	}
	exits_emu(&e, v);
	switch (emu_length(&e)) {
	case EMU_DONE:
		regs->rip += e.length;
		if ((regs->efer & EFER_LMA) == 0 || (regs->seg[X86_CS].ar & X86_AR_L) == 0)
			regs->rip &= 0xffffffffu;
		regs->rflags &= ~RFLAGS_RF;
		run->reply = REPLY_REGS;
		break;
	case EMU_FAULT: run->reply = 0; break; /* another CPU has unmapped the code: run it again, for its fault */
	default: exits_unknown(v, "exit", run->kind); break;
	}
}

/* The hypervisor's CPU doesn't say where an instruction ends: it is told, and the guest makes the exit again. */
static void exits_length(struct vcpu *v)
{
	struct run_page *run = v->run;
	struct emu e;

	exits_emu(&e, v);
	switch (emu_length(&e)) {
	case EMU_DONE: run->data = e.length; break;
	case EMU_FAULT: break;
	default: exits_unknown(v, "exit", run->kind); break;
	}
}

/* One instruction in the emulator, for port strings and device memory. */
static void exits_step(struct vcpu *v, const char *what, u64 where)
{
	struct run_page *run = v->run;
	struct emu e;

	if (!exits_state(v)) {
		vm_stop(v->vm, STOP_CRASH, "its registers cannot be read");
		return;
	}
	pc_set_current(v);
	exits_emu(&e, v);
	switch (emu_step(&e)) {
	case EMU_DONE: run->reply = REPLY_REGS; break;
	case EMU_FAULT:
		exits_inject(run, e.fault.vector, e.fault.has_error, e.fault.error);
		run->reply |= REPLY_REGS; /* what a string instruction has done stays done */
		if (e.fault.vector == VECTOR_PF)
			run->regs.cr2 = e.fault.cr2;
		break;
	default: exits_unknown(v, what, where); break;
	}
}

/* --- the exits ---------------------------------------------------------------------------------------------- */

static void exits_none(struct vcpu *v)
{
}

static void exits_io(struct vcpu *v)
{
	struct run_page *run = v->run;
	unsigned port = run->u.io.port, size = run->u.io.size;

	if (run->u.io.write)
		bus_write(&v->vm->pio, port, size, run->data);
	else
		run->data = bus_read(&v->vm->pio, port, size);
	if (likely(run->next_pc != 0))
		run->reply = REPLY_SKIP;
	else
		exits_skip(v);
}

static void exits_io_string(struct vcpu *v)
{
	exits_step(v, "string access to port", v->run->u.io.port);
}

/* No reply flags: the guest tries again. */
static NOINLINE void exits_ram_fault(struct vcpu *v)
{
	(void)vm_ram_fault(v->vm, v->run->u.mmio.gpa);
	pveoi_again(&((struct pc *)v->vm->platform)->pveoi, v->vm);
}

static void exits_mmio(struct vcpu *v)
{
	struct run_page *run = v->run;

	if (unlikely(vm_is_ram(v->vm, run->u.mmio.gpa)))
		exits_ram_fault(v);
	else if ((run->u.mmio.access & MAP_X) != 0)
		vm_stop(v->vm, STOP_CRASH, "CPU %u runs code at guest-physical %llx, where there is no RAM; RIP %llx",
			v->index, (unsigned long long)run->u.mmio.gpa, (unsigned long long)run->regs.rip);
	else
		exits_step(v, "access to guest-physical", run->u.mmio.gpa);
}

static void exits_sysreg(struct vcpu *v)
{
	struct run_page *run = v->run;

	if (pc_msr(v, run->u.sysreg.index, run->u.sysreg.write != 0, &run->data))
		exits_skip(v);
	else
		exits_inject(run, VECTOR_GP, true, 0);
}

static void exits_hypercall(struct vcpu *v)
{
	v->run->regs.gpr[X86_RAX] = KVM_ENOSYS;
	exits_skip(v);
}

static void exits_extint(struct vcpu *v)
{
	v->run->inject = (u32)pc_intack(v->vm->platform) & 0xff;
	v->run->reply = REPLY_EXTINT;
}

static void exits_eoi(struct vcpu *v)
{
	pc_eoi(v->vm->platform, v->run->u.eoi.vector);
}

/* It sleeps and nothing but INIT, SIPI or NMI can wake it. */
static void exits_halt(struct vcpu *v)
{
	if (vm_park(v))
		vm_stop(v->vm, STOP_CRASH, "CPU %u, as all of its CPUs, halted with interrupts off at RIP %llx",
			v->index, (unsigned long long)v->run->regs.rip);
}

static void exits_fault(struct vcpu *v)
{
	struct run_page *run = v->run;
	const struct vcpu_regs *regs = &run->regs;
	char what[sizeof(run->u.fault.what)];

	memcpy(what, run->u.fault.what, sizeof(what));
	what[sizeof(what) - 1] = '\0';
	if (exits_state(v)) {
		log_line("%s: CPU %u: rip %llx rsp %llx rflags %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx", v->vm->name,
			 v->index, (unsigned long long)regs->rip, (unsigned long long)regs->gpr[X86_RSP],
			 (unsigned long long)regs->rflags, (unsigned long long)regs->cr0, (unsigned long long)regs->cr2,
			 (unsigned long long)regs->cr3, (unsigned long long)regs->cr4);
		log_line("%s: rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx cs %x efer %llx", v->vm->name,
			 (unsigned long long)regs->gpr[X86_RAX], (unsigned long long)regs->gpr[X86_RBX],
			 (unsigned long long)regs->gpr[X86_RCX], (unsigned long long)regs->gpr[X86_RDX],
			 (unsigned long long)regs->gpr[X86_RSI], (unsigned long long)regs->gpr[X86_RDI],
			 regs->seg[X86_CS].sel, (unsigned long long)regs->efer);
	}
	vm_stop(v->vm, STOP_CRASH, "%s (code %llx, info %llx) of CPU %u at RIP %llx",
		what[0] != '\0' ? what : "triple fault", (unsigned long long)run->u.fault.code,
		(unsigned long long)run->u.fault.info, v->index, (unsigned long long)regs->rip);
}

/* data: the SIPI's vector, or above 255 for INIT, after which it waits for one (Intel SDM 3A, 10.4.4). */
static void exits_sipi(struct vcpu *v)
{
	struct vcpu_state *s = hv_mailbox();
	u64 vector = v->run->data;

	x86_reset_state(s);
	if (vector >= EXIT_SIPI_INIT && v->index == 0) {
		vm_stop(v->vm, STOP_RESET, "INIT of its boot processor");
		return;
	}
	v->parked = vector >= EXIT_SIPI_INIT;
	if (v->parked) {
		pveoi_off(&((struct pc *)v->vm->platform)->pveoi, v);
		v->run->reply = REPLY_HALT;
		return;
	}
	s->regs.seg[X86_CS].sel = (u16)(vector << 8);
	s->regs.seg[X86_CS].base = vector << 12;
	s->regs.rip = 0;
	s->apic_base &= ~APIC_BASE_BSP;
	s->counter_offset = ((const struct pc *)v->vm->platform)->pvclock.counter_offset;
	if (hv_call(HV_VCPU_SET, v->id, 0, 0, 0, 0).status != OK) {
		vm_stop(v->vm, STOP_CRASH, "CPU %u cannot be started", v->index);
	}
}

static void exits_odd(struct vcpu *v)
{
	vm_stop(v->vm, STOP_CRASH, "exit %u, which the hypervisor should have served", v->run->kind);
}

typedef void (*exits_fn)(struct vcpu *v);

static const exits_fn exits_table[EXIT_COUNT] = {
	[EXIT_NONE] = exits_none,      [EXIT_HYPERCALL] = exits_hypercall,
	[EXIT_IO] = exits_io,	       [EXIT_IO_STRING] = exits_io_string,
	[EXIT_MMIO] = exits_mmio,      [EXIT_SYSREG] = exits_sysreg,
	[EXIT_PAUSE] = exits_none,     [EXIT_HALT] = exits_halt,
	[EXIT_EXTINT] = exits_extint,  [EXIT_EOI] = exits_eoi,
	[EXIT_SHUTDOWN] = exits_fault, [EXIT_ENTRY_FAILED] = exits_fault,
	[EXIT_STOPPED] = exits_none, /* of an earlier life of this VM: go on */
	[EXIT_SIPI] = exits_sipi,      [EXIT_LENGTH] = exits_length,
};

void exit_dispatch(struct vcpu *v)
{
	u32 kind = v->run->kind;

	v->run->reply = 0;
	if (likely(kind < EXIT_COUNT && exits_table[kind] != NULL))
		exits_table[kind](v);
	else
		exits_odd(v);
}
