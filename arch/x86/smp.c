/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/smp.c: the machine's CPUs: which there are, and how one is started and interrupted (Intel SDM 3A, 8.4). */
#include "arch/x86/smp.h"
#include "arch/x86/mce.h"

#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/x86/format.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/vendor.h"
#include "hv/lib/log.h"
#include "hv/lib/string.h"

#define SMP_LOW	       0x1000UL	 /* a start-up IPI reaches pages from here ...   */
#define SMP_HIGH       0x9f000UL /* to here                                      */
#define SMP_INIT       0x4500u	 /* ICR: INIT, asserted                          */
#define SMP_STARTUP    0x4600u	 /* ICR: start-up, with the page's number        */
#define SMP_INIT_US    10000u
#define SMP_STARTUP_US 200u
#define SMP_WAIT_US    1000000u

enum smp_state { SMP_WAITS, SMP_UP, SMP_REFUSED };

/* smp_entry.asm: the code, and the words in it that are filled here. */
extern u8 ap_begin[], ap_end[], ap_cr3[], ap_stack[], ap_entry[];

static unsigned smp_n = 1;
static u32 smp_id[BOOT_MAX_CPUS]; /* APIC IDs, the boot CPU's first */
static u64 smp_page;		  /* where the start-up code goes, 0: nowhere */
static u64 smp_cr0;
static u32 smp_state;
static const char *smp_why;

/* A page of RAM below 1 MiB in which no module lies. What is there now comes back. */
static u64 smp_find_page(const struct boot_info *bi)
{
	for (u64 pa = SMP_LOW; pa < SMP_HIGH; pa += PAGE_SIZE) {
		bool ram = false, used = false;

		for (u32 i = 0; i < bi->nregions; i++) {
			const struct boot_region *r = &bi->region[i];

			if (r->kind == BOOT_MEM_RAM)
				ram |= range_in(pa, PAGE_SIZE, r->base, r->size);
			else
				used |= range_overlap(pa, PAGE_SIZE, r->base, r->size);
		}
		for (u32 i = 0; i < bi->nmodules; i++)
			used |= range_overlap(pa, PAGE_SIZE, bi->module[i].base, bi->module[i].size);
		if (ram && !used)
			return pa;
	}
	return 0;
}

void x86_smp_init(const struct boot_info *bi)
{
	const struct boot_platform *p = &bi->platform;

	smp_id[0] = lapic_id();
	for (u32 i = 0; i < p->ncpus && smp_n < BOOT_MAX_CPUS; i++) {
		if (p->cpu_id[i] == smp_id[0])
			continue;
		if (p->cpu_id[i] > 0xfe && !x86_features.x2apic)
			log_printf("trivet: CPU with APIC ID %u needs an x2APIC: it stays off\n", p->cpu_id[i]);
		else
			smp_id[smp_n++] = p->cpu_id[i];
	}
	smp_page = smp_n > 1 ? smp_find_page(bi) : 0;
	if (smp_n > 1 && !smp_page)
		log_printf("trivet: no page of RAM below 1 MiB to start other CPUs from\n");
}

unsigned arch_cpu_count(void)
{
	return smp_n;
}

u64 arch_cpu_hw_id(unsigned n)
{
	return smp_id[n];
}

void arch_cpu_kick(unsigned n)
{
	lapic_send(smp_id[n], VECTOR_KICK);
}

void arch_cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}

static void smp_delay(u32 us)
{
	u64 end = arch_counter() + arch_counter_hz() / 1000000 * us;

	while (arch_counter() < end && __atomic_load_n(&smp_state, __ATOMIC_ACQUIRE) == SMP_WAITS)
		arch_cpu_relax();
}

/* The new CPU's first C, on its own stack; tables are the ones of smp_tables. */
static NORETURN void smp_ap(void)
{
	struct x86_cpu *c = x86_cpu();
	const char *why;

	write_cr0(smp_cr0);
	x86_mem_use();
	x86_tables_init();
	why = vendor->cpu_on();
	if (why) {
		smp_why = why;
		__atomic_store_n(&smp_state, SMP_REFUSED, __ATOMIC_RELEASE);
		arch_halt();
	}
	lapic_init_other();
	x86_mce_init();
	__atomic_store_n(&smp_state, SMP_UP, __ATOMIC_RELEASE);
	cpu_main(c->number);
}

/* Tables for the way: ours, and the first 2 MiB at their own addresses. @t: three zeroed pages. */
static void smp_tables(u64 *const t[3])
{
	memcpy(t[0], arch_ptr(x86_mem_root()), PAGE_SIZE);
	t[0][0] = fmt_host4.table(arch_pa(t[1]));
	t[1][0] = fmt_host4.table(arch_pa(t[2]));
	t[2][0] = fmt_host4.leaf(0, PT_R | PT_W | PT_X, 1);
}

/* Put the start-up code where CPU @n will find it, for @block. */
static void smp_prepare(void *block, u64 root)
{
	u8 *page = arch_ptr(smp_page);
	u32 cr3 = (u32)root;
	u64 stack = (u64)block + ARCH_CPU_BLOCK, entry = (u64)smp_ap;

	memcpy(page, ap_begin, (size_t)(ap_end - ap_begin));
	memcpy(page + (ap_cr3 - ap_begin), &cr3, sizeof(cr3));
	memcpy(page + (ap_stack - ap_begin), &stack, sizeof(stack));
	memcpy(page + (ap_entry - ap_begin), &entry, sizeof(entry));
}

static status_t smp_send(unsigned n)
{
	u32 startup = SMP_STARTUP | (u32)(smp_page >> PAGE_SHIFT);

	__atomic_store_n(&smp_state, SMP_WAITS, __ATOMIC_RELEASE);
	lapic_send(smp_id[n], SMP_INIT);
	smp_delay(SMP_INIT_US);
	lapic_send(smp_id[n], startup);
	smp_delay(SMP_STARTUP_US);
	if (__atomic_load_n(&smp_state, __ATOMIC_ACQUIRE) == SMP_WAITS)
		lapic_send(smp_id[n], startup);
	smp_delay(SMP_WAIT_US);
	switch (__atomic_load_n(&smp_state, __ATOMIC_ACQUIRE)) {
	case SMP_UP: return OK;
	case SMP_REFUSED: log_printf("trivet: CPU with APIC ID %u: %s\n", smp_id[n], smp_why); return ERR_IO;
	default:
		lapic_send(smp_id[n], SMP_INIT); /* lest it come when the code is not there any more */
		return ERR_BUSY;
	}
}

status_t arch_cpu_start(unsigned n, void *block)
{
	static u8 saved[PAGE_SIZE];
	struct x86_cpu *c = (struct x86_cpu *)((u8 *)block + ARCH_CPU_OWN);
	struct pool *pool = x86_mem_pool();
	u64 *t[3];
	status_t s;

	if (!smp_page || pool_free(pool) < ARRAY_SIZE(t))
		return ERR_NOMEM;
	s = arch_mem_map(smp_page, PAGE_SIZE, 0);
	if (s != OK)
		return s;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = pool_get(pool);
	smp_tables(t);
	x86_mem_guard(block);
	c->number = n;
	smp_cr0 = read_cr0();
	memcpy(saved, arch_ptr(smp_page), PAGE_SIZE);
	smp_prepare(block, arch_pa(t[0]));
	s = smp_send(n);
	memcpy(arch_ptr(smp_page), saved, PAGE_SIZE);
	arch_mem_unmap(smp_page, PAGE_SIZE);
	for (unsigned i = ARRAY_SIZE(t); i-- != 0;) {
		memset(t[i], 0, PAGE_SIZE);
		pool_put(pool, t[i]);
	}
	return s;
}
