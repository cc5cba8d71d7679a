/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/trap.c: exceptions that a check expects, and accesses and instructions that may cause one. */
#include "guest/test/arm64/arm64.h"

extern u8 try_fail[];

struct trap_info trap_last;

static void trap_fatal(const struct trap_frame *f, u64 vector)
{
	t_puts("FAIL unexpected exception, vector ");
	t_dec(vector);
	t_puts(" ESR ");
	t_hex(mrs(esr_el1));
	t_puts(" ELR ");
	t_hex(f->elr);
	t_puts(" FAR ");
	t_hex(mrs(far_el1));
	t_puts("\n");
	t_check("no unexpected exception", false);
	t_done();
}

void trap_c(struct trap_frame *f, u64 vector)
{
	u64 esr = mrs(esr_el1);

	if ((vector & 3) == 1 || (vector & 3) == 2) {
		irq_handler();
		return;
	}
	if (try_sp == 0)
		trap_fatal(f, vector);
	trap_last.class = (vector & 3) == 3 ? TRAP_SERROR : (u32)(esr >> 26) & 63;
	trap_last.iss = (u32)esr & 0x1ffffff;
	trap_last.far = mrs(far_el1);
	trap_last.elr = f->elr;
	trap_last.spsr = f->spsr;
	f->elr = (u64)try_fail;
	f->spsr = 0x3c5 | (f->spsr & BIT(22)); /* EL1h, all masked, PAN as it was */
}

bool trap_undefined(int x)
{
	return x == EC_UNKNOWN;
}

void irq_on(void)
{
	__asm__ volatile("msr daifclr, #2; isb" ::: "memory");
}

void irq_off(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

struct access {
	u64 addr, v;
	unsigned size;
};

static void trap_load(void *arg)
{
	struct access *a = arg;

	switch (a->size) {
	case 1: __asm__ volatile("ldrb %w0, [%1]" : "=r"(a->v) : "r"(a->addr) : "memory"); break;
	case 2: __asm__ volatile("ldrh %w0, [%1]" : "=r"(a->v) : "r"(a->addr) : "memory"); break;
	case 4: __asm__ volatile("ldr %w0, [%1]" : "=r"(a->v) : "r"(a->addr) : "memory"); break;
	default: __asm__ volatile("ldr %0, [%1]" : "=r"(a->v) : "r"(a->addr) : "memory"); break;
	}
	dsb();
}

static void trap_store(void *arg)
{
	struct access *a = arg;

	switch (a->size) {
	case 1: __asm__ volatile("strb %w0, [%1]" ::"r"(a->v), "r"(a->addr) : "memory"); break;
	case 2: __asm__ volatile("strh %w0, [%1]" ::"r"(a->v), "r"(a->addr) : "memory"); break;
	case 4: __asm__ volatile("str %w0, [%1]" ::"r"(a->v), "r"(a->addr) : "memory"); break;
	default: __asm__ volatile("str %0, [%1]" ::"r"(a->v), "r"(a->addr) : "memory"); break;
	}
	dsb();
}

int t_load(u64 addr, unsigned size, u64 *v)
{
	struct access a = { addr, 0, size };
	int x = trap_try(trap_load, &a);

	*v = a.v;
	return x;
}

int t_store(u64 addr, unsigned size, u64 v)
{
	struct access a = { addr, v, size };

	return trap_try(trap_store, &a);
}

static struct {
	u32 insn, ret;
} trap_code ALIGNED(64);
static u64 trap_x0;

static void trap_run(void *arg)
{
	register u64 x0 __asm__("x0") = trap_x0;

	__asm__ volatile("blr %1"
			 : "+r"(x0)
			 : "r"(&trap_code)
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
			   "x15", "x16", "x17", "x30", "memory", "cc");
	trap_x0 = x0;
}

int t_insn(u32 insn, u64 *x0)
{
	int x;

	trap_code.insn = insn;
	trap_code.ret = 0xd65f03c0; /* ret */
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(&trap_code) : "memory");
	trap_x0 = *x0;
	x = trap_try(trap_run, NULL);
	*x0 = trap_x0;
	return x;
}
