/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/trap.c: the IDT, exceptions that a check expects, and counting of interrupts. */
#include "guest/test/x86/x86.h"

extern const u64 isr_table[256];
extern u64 t_gdt[], try_fail[];
extern u8 t_tss[], t_stack_top[];
extern struct {
	u16 limit;
	u64 base;
} PACKED t_idtr;

struct trap_info trap_last;
volatile u32 irq_count[256];
volatile u32 irq_total;
volatile u8 irq_log[256];
volatile u64 irq_rip;
u8 irq_eoi[256];

static struct {
	u16 off0, sel;
	u8 ist, type;
	u16 off1;
	u32 off2, zero;
} idt[256] ALIGNED(16);
static u8 ring0_stack[8192] ALIGNED(16);

void trap_reload(void)
{
	__asm__ volatile("lidt %0" ::"m"(t_idtr));
}

void trap_init(void)
{
	u64 tss = (u64)t_tss;
	u64 rsp0 = (u64)(ring0_stack + sizeof(ring0_stack));

	for (unsigned i = 0; i < 256; i++) {
		idt[i].off0 = (u16)isr_table[i];
		idt[i].off1 = (u16)(isr_table[i] >> 16);
		idt[i].off2 = (u32)(isr_table[i] >> 32);
		idt[i].sel = 0x18;
		idt[i].type = i == X_BP ? 0xee : 0x8e;
	}
	t_idtr.limit = sizeof(idt) - 1;
	t_idtr.base = (u64)idt;
	trap_reload();
	memcpy(t_tss + 4, &rsp0, 8);
	t_tss[102] = 104; /* no I/O bitmap */
	t_gdt[8] = 0x0000890000000067ull | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	t_gdt[9] = tss >> 32;
	__asm__ volatile("ltr %w0" ::"r"(0x40));
}

static void trap_fatal(const struct trap_frame *f)
{
	t_puts("FAIL unexpected exception ");
	t_dec(f->vector);
	t_puts(" error ");
	t_hex(f->error);
	t_puts(" rip ");
	t_hex(f->rip);
	t_puts(" cr2 ");
	t_hex(read_cr2());
	t_puts("\n");
	t_check("no unexpected exception", false);
	t_done();
}

static void trap_exception(struct trap_frame *f)
{
	if (try_rsp == 0)
		trap_fatal(f);
	trap_last.vector = (u32)f->vector;
	trap_last.error = f->error;
	trap_last.rip = f->rip;
	trap_last.cs = f->cs;
	trap_last.rflags = f->rflags;
	trap_last.cr2 = read_cr2();
	__asm__ volatile("mov %%dr6, %0" : "=r"(trap_last.dr6));
	f->rip = (u64)try_fail;
	f->rsp = try_rsp;
	f->cs = 0x18;
	f->ss = 0x10;
	f->rflags = 2;
	try_rsp = 0;
}

void trap_c(struct trap_frame *f)
{
	u8 n = (u8)f->vector;

	/* NMI; and 5, BOUND's, which 64-bit code can't raise: only an illegal interrupt does. */
	if (n < 32 && n != 2 && n != 5) {
		trap_exception(f);
		return;
	}
	irq_count[n]++;
	irq_log[irq_total++ & 255] = n;
	irq_rip = f->rip;
	if (irq_eoi[n] == EOI_LAPIC)
		lapic_write(0xb0, 0);
	if (irq_eoi[n] == EOI_X2APIC)
		wrmsr(0x80b, 0);
	if (irq_eoi[n] == EOI_PIC) {
		if (n >= 0x28)
			outb(0xa0, 0x20);
		outb(0x20, 0x20);
	}
}

void irq_clear(void)
{
	for (unsigned i = 0; i < 256; i++)
		irq_count[i] = 0;
	irq_total = 0;
}

bool irq_wait(u32 vector, u32 n, u32 ms)
{
	bool ok = false;

	sti();
	for (u32 i = 0; i < ms * 4 && !ok; i++) {
		ok = irq_count[vector] >= n;
		if (!ok)
			delay_us(250);
	}
	cli();
	return irq_count[vector] >= n;
}

struct msr_arg {
	u32 n;
	u64 v;
};

static void msr_read(void *arg)
{
	struct msr_arg *m = arg;

	m->v = rdmsr(m->n);
}

static void msr_write(void *arg)
{
	struct msr_arg *m = arg;

	wrmsr(m->n, m->v);
}

bool rdmsr_safe(u32 n, u64 *v)
{
	struct msr_arg m = { n, 0 };
	bool ok = trap_try(msr_read, &m) < 0;

	*v = m.v;
	return ok;
}

bool wrmsr_safe(u32 n, u64 v)
{
	struct msr_arg m = { n, v };

	return trap_try(msr_write, &m) < 0;
}
