/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/cpu.c: exceptions of the service VM. Each is a bug of ours: say where it was and stop. */
#include "guest/rt/arch.h"
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

static struct cpu_gate cpu_idt[CPU_NTRAPS];
static struct cpu_tss cpu_tss;
static u64 cpu_gdt[5];
static u8 cpu_trap_stack[8192] ALIGNED(16); /* a stack overflow cannot be reported on the same stack */
static u64 cpu_base;

static void cpu_init(u64 base)
{
	struct cpu_table gdtr = { sizeof(cpu_gdt) - 1, (uintptr_t)cpu_gdt };
	struct cpu_table idtr = { sizeof(cpu_idt) - 1, (uintptr_t)cpu_idt };
	u64 tss = (uintptr_t)&cpu_tss;

	cpu_base = base;
	cpu_gdt[1] = 0x00af9b000000ffffULL; /* as in start.asm */
	cpu_gdt[2] = 0x00cf93000000ffffULL;
	cpu_gdt[3] = (sizeof(cpu_tss) - 1) | (tss & 0xffffff) << 16 | 0x89ULL << 40 | (tss >> 24 & 0xff) << 56;
	cpu_gdt[4] = tss >> 32;
	cpu_tss.ist[0] = (uintptr_t)cpu_trap_stack + sizeof(cpu_trap_stack);
	cpu_tss.iomap = sizeof(cpu_tss);
	for (unsigned i = 0; i < CPU_NTRAPS; i++) {
		u64 at = (uintptr_t)start_trap_table + (u64)i * CPU_TRAP_LEN;

		cpu_idt[i] = (struct cpu_gate){ (u16)at, CPU_SEL_CODE, 1, CPU_GATE_INT, (u16)(at >> 16), at >> 32, 0 };
	}
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(CPU_SEL_TSS) : "memory");
}

void rt_arch_init(u64 base)
{
	hypercall_init();
	cpu_init(base);
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
	panic("exception %llu, error %llx, at image+%llx, cr2 %llx, rsp %llx, rax %llx, rdi %llx, rsi %llx",
	      (unsigned long long)f->vector, (unsigned long long)f->error, (unsigned long long)(f->rip - cpu_base),
	      (unsigned long long)cr2, (unsigned long long)f->rsp, (unsigned long long)f->rax,
	      (unsigned long long)f->rdi, (unsigned long long)f->rsi);
}
