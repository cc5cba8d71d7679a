/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/cpu.c: exceptions of the service VM. Each is a bug of ours: say where it was and stop. */
#include "guest/rt/arch.h"
#include "guest/rt/cpu.h"
#include "guest/rt/x86/hypercall.h"

/* As trap_common in start.asm pushes it. */
struct cpu_frame {
	u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

void rt_trap(const struct cpu_frame *f);

/* Intel SDM 3A, figures 6-8 and 7-11. */
struct cpu_gate {
	u16 offset_low, sel;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};
static_assert(sizeof(struct cpu_gate) == 16, "a gate of the IDT");

struct PACKED cpu_tss {
	u32 reserved0;
	u64 rsp[3], reserved1, ist[7], reserved2;
	u16 reserved3, iomap;
};
static_assert(sizeof(struct cpu_tss) == 104, "a 64-bit TSS");

struct PACKED cpu_table {
	u16 limit;
	u64 base;
};

#define CPU_SEL_CODE 0x08
#define CPU_SEL_TSS  0x18
#define CPU_GATE_INT 0x8e
#define CPU_NTRAPS   32
#define CPU_TRAP_LEN 16

extern u8 start_trap_table[];

#define CR4_UMIP BIT(11)
#define CR4_SMEP BIT(20)

/* The first instructions of a CPU: what start.asm takes out of struct rt_cpu.start. */
enum { START_CR3, START_NX };

extern u8 start_secondary[];

static struct cpu_gate cpu_idt[CPU_NTRAPS];
static u64 cpu_base;

/* A CPU's own tables, in rt_cpu.arch. */
struct cpu_own {
	u64 gdt[5];
	struct cpu_tss tss;
};
static_assert(sizeof(struct cpu_own) <= sizeof(((struct rt_cpu *)0)->arch), "struct rt_cpu has room for them");

void rt_arch_init(u64 base, void *mailbox)
{
	hypercall_init();
	cpu_base = base;
	for (unsigned i = 0; i < CPU_NTRAPS; i++) {
		u64 at = (uintptr_t)start_trap_table + (u64)i * CPU_TRAP_LEN;

		cpu_idt[i] = (struct cpu_gate){ (u16)at, CPU_SEL_CODE, 1, CPU_GATE_INT, (u16)(at >> 16), at >> 32, 0 };
	}
}

static void cpu_features(void)
{
	u32 r[4];
	u64 cr4;

	cpu_cpuid(0, 0, r);
	if (r[0] < 7)
		return;
	cpu_cpuid(7, 0, r);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= (r[1] & BIT(7) ? CR4_SMEP : 0) | (r[2] & BIT(2) ? CR4_UMIP : 0);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
}

/* A stack overflow cannot be reported on the same stack: exceptions have one of their own. */
void rt_arch_cpu(struct rt_cpu *c)
{
	struct cpu_own *o = (struct cpu_own *)(void *)c->arch;
	struct cpu_table gdtr = { sizeof(o->gdt) - 1, (uintptr_t)o->gdt };
	struct cpu_table idtr = { sizeof(cpu_idt) - 1, (uintptr_t)cpu_idt };
	u64 tss = (uintptr_t)&o->tss;

	o->gdt[1] = 0x00af9b000000ffffULL; /* as in start.asm */
	o->gdt[2] = 0x00cf93000000ffffULL;
	o->gdt[3] = (sizeof(o->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ULL << 40 | (tss >> 24 & 0xff) << 56;
	o->gdt[4] = tss >> 32;
	o->tss.ist[0] = (uintptr_t)c + RT_CPU_TRAP;
	o->tss.iomap = sizeof(o->tss);
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(CPU_SEL_TSS) : "memory");
	cpu_features();
}

u64 rt_arch_entry(struct rt_cpu *c)
{
	u32 r[4];
	u64 cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	ASSERT(cr3 < 4 * SIZE_1G); /* it is loaded in 32-bit mode */
	cpu_cpuid(0x80000001, 0, r);
	c->start[START_CR3] = cr3;
	c->start[START_NX] = r[3] >> 20 & 1;
	return (uintptr_t)start_secondary;
}

void rt_arch_switch(struct rt_cpu *c, void *top, void (*fn)(struct rt_cpu *c))
{
	__asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call *%1; ud2" : : "r"(top), "r"(fn), "D"(c) : "memory");
	__builtin_unreachable();
}

#define CPU_RANDOM_TRIES 10 /* Intel SDM 1, 7.3.17: ten failures in a row mean that it is broken */
#define CPUID1_RDRAND	 BIT(30)

bool cpu_random(u64 *v)
{
	u32 r[4];
	bool ok = false;

	cpu_cpuid(1, 0, r);
	for (unsigned i = 0; (r[2] & CPUID1_RDRAND) && !ok && i < CPU_RANDOM_TRIES; i++)
		__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
	return ok;
}

void rt_trap(const struct cpu_frame *f)
{
	u64 cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	panic("CPU %u: exception %llu, error %llx, at image+%llx, cr2 %llx, rsp %llx, rax %llx, rdi %llx, rsi %llx",
	      cpu_this()->n, (unsigned long long)f->vector, (unsigned long long)f->error,
	      (unsigned long long)(f->rip - cpu_base), (unsigned long long)cr2, (unsigned long long)f->rsp,
	      (unsigned long long)f->rax, (unsigned long long)f->rdi, (unsigned long long)f->rsi);
}
