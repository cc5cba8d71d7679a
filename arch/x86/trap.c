/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/trap.c: the hypervisor's GDT, TSS and IDT; its interrupts; and what an exception of ours prints. */
#include "arch/iface/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/mce.h"
#include "arch/x86/percpu.h"
#include "arch/x86/vendor.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/lib/symbol.h"

#define DUMP_CALLS 16

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

struct table_register {
	u16 limit;
	u64 base;
} PACKED;

extern const char text_start[], text_end[]; /* linker.ld */
extern const u64 trap_stubs[256];
extern const char rdmsr_fault[], rdmsr_fixup[];
u64 rdmsr_probe(u32 msr, u64 *value);
void trap_handler(struct trap_frame *f);

static struct idt_gate trap_idt[256] ALIGNED(16);
static const struct trap_frame *trap_ours; /* of the exception that ends us */

const u64 *x86_gdt(void)
{
	return x86_cpu()->gdt;
}

const void *x86_tss(void)
{
	return &x86_cpu()->tss;
}

const void *x86_idt(void)
{
	return trap_idt;
}

bool rdmsr_safe(u32 msr, u64 *v)
{
	return rdmsr_probe(msr, v);
}

static void trap_load_tables(void)
{
	struct x86_cpu *c = x86_cpu();
	struct table_register gdtr = { sizeof(c->gdt) - 1, (u64)c->gdt };
	struct table_register idtr = { sizeof(trap_idt) - 1, (u64)trap_idt };
	u64 base = (u64)&c->tss;

	/* A 64-bit TSS descriptor (Intel SDM 3A, 7.2.3). */
	c->gdt[0] = 0;
	c->gdt[1] = 0x00209b0000000000;
	c->gdt[2] = 0x0000930000000000;
	c->gdt[3] = (sizeof(c->tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 | (base >> 24 & 0xff) << 56;
	c->gdt[4] = base >> 32;
	asm volatile("lgdt %0" : : "m"(gdtr));
	asm volatile("lidt %0" : : "m"(idtr));
	asm volatile("pushq %0\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:"
		     :
		     : "i"(SEL_CODE)
		     : "rax", "memory");
	asm volatile("movl %0, %%ss\n\tmovl %0, %%ds\n\tmovl %0, %%es" : : "r"(SEL_DATA));
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

void x86_idt_init(void)
{
	for (unsigned i = 0; i < 256; i++) {
		u64 a = trap_stubs[i];

		trap_idt[i] = (struct idt_gate){ .offset_low = (u16)a,
						 .selector = SEL_CODE,
						 .type = 0x8e,
						 .offset_mid = (u16)(a >> 16),
						 .offset_high = (u32)(a >> 32) };
	}
	if (x86_features.intel)
		trap_idt[VEC_DF].ist = 1;
	x86_tables_init();
}

void x86_tables_init(void)
{
	struct tss *tss = &x86_cpu()->tss;

	/*
	 * IST works where our TSS is loaded: at boot, and on VMX, whose exits reload TR; not after an SVM exit. A
	 * double fault has the stack's other end: what lies there is not gone back to.
	 */
	tss->ist[0] = (u64)arch_cpu_block() + ARCH_CPU_BLOCK;
	tss->iomap = sizeof(*tss);
	trap_load_tables();
}

static void trap_print(const struct trap_frame *f)
{
	trap_ours = f;
	panic("exception %lu error %lx at %lx\n"
	      "  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n"
	      "  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n"
	      "  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n"
	      "  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n"
	      "  cr0 %lx cr2 %lx cr3 %lx cr4 %lx rflags %lx",
	      f->vector, f->error, f->rip, f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp, f->rsp, f->r8, f->r9,
	      f->r10, f->r11, f->r12, f->r13, f->r14, f->r15, read_cr0(), read_cr2(), read_cr3(), read_cr4(),
	      f->rflags);
}

void trap_handler(struct trap_frame *f)
{
	if (f->vector == VECTOR_SPURIOUS)
		return;
	if (f->vector == VECTOR_TIMER) {
		lapic_timer_fired();
		lapic_eoi();
		return;
	}
	if (f->vector >= VECTOR_GSI0 && f->vector < VECTOR_GSI0 + VECTOR_GSIS) {
		ioapic_arrived(f->vector - VECTOR_GSI0);
		lapic_eoi();
		return;
	}
	if (f->vector == VEC_MC)
		x86_mce_fatal("in the hypervisor");
	if (f->vector == VEC_NMI) {
		log_printf("trivet: NMI in the hypervisor at %lx\n", f->rip);
		return;
	}
	if (f->vector == VEC_GP && f->rip == (u64)rdmsr_fault) {
		f->rip = (u64)rdmsr_fixup;
		return;
	}
	if (f->vector >= 0x20 && f->vector < VECTOR_GSI0)
		return; /* a last interrupt of the 8259, which is masked now */
	trap_print(f);
}

/* Does an instruction before @at call? CALL rel32 is E8; CALL r/m64 is FF /2, of two to seven bytes (SDM 2A). */
static bool trap_called(u64 at)
{
	const u8 *p = (const u8 *)at;

	if (at < (u64)text_start + 8 || at > (u64)text_end)
		return false;
	for (int n = 2; n <= 7; n++)
		if (p[-n] == 0xff && (p[1 - n] & 0x38) == 0x10)
			return true;
	return p[-5] == 0xe8;
}

/* There is no chain of frames: what on the stack is an address behind a call may be a return address, or an old one. */
void arch_dump(void)
{
	u64 bottom = (u64)arch_cpu_block() + CPU_GUARD + PAGE_SIZE, top = (u64)arch_cpu_block() + ARCH_CPU_BLOCK;
	u64 sp = trap_ours ? trap_ours->rsp : (u64)__builtin_frame_address(0);
	unsigned n = 0;

	if (sp < bottom || sp >= top)
		sp = (u64)__builtin_frame_address(0);
	if (trap_ours) {
		log_printf("  stopped at\n");
		symbol_log(trap_ours->rip, trap_ours->rip - (u64)text_start, false);
	}
	log_printf("  perhaps called from\n");
	for (sp = round_up(sp, 8); sp < top && n < DUMP_CALLS; sp += 8) {
		u64 at = *(const u64 *)sp;

		if (trap_called(at)) {
			symbol_log(at, at - (u64)text_start, true);
			n++;
		}
	}
}
