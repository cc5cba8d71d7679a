/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/smp.c: the machine's other CPUs: numbers, start by PSCI CPU_ON (Arm DEN0022), and interrupting them. */
#include "arch/arm64/cpu.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/gic_regs.h"
#include "arch/arm64/irq.h"
#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/lib/util.h"

#define MPIDR_AFFINITY (BITS(39, 32) | BITS(23, 0))
#define START_MS       1000u /* a CPU that has not come by then never will */

#define SCTLR_WXN BIT(19)

/* boot/arm64/entry.S knows these. */
static_assert(offsetof(struct arm_start, hcr) == 0 && offsetof(struct arm_start, mair) == 8 &&
		      offsetof(struct arm_start, tcr) == 16 && offsetof(struct arm_start, ttbr0) == 24 &&
		      offsetof(struct arm_start, ttbr1) == 32 && offsetof(struct arm_start, vbar) == 40 &&
		      offsetof(struct arm_start, sctlr) == 48 && offsetof(struct arm_start, sp) == 56 &&
		      offsetof(struct arm_start, entry) == 64 && offsetof(struct arm_start, early) == 256,
	      "entry.S");
static_assert(ARM_START_LEVEL == 4 && ARM_START_E2H == 5, "entry.S");

extern char boot_cpu[];
NORETURN void smp_enter(void);

struct arm_cpu *smp_cpu[BOOT_MAX_CPUS];
static u64 smp_affinity[BOOT_MAX_CPUS];
static unsigned smp_count;

/* Of a CPU that runs, for comparison with a new one. */
#define SMP_IDS 56 /* ID registers: CRm 1 to 7, op2 0 to 7 */
static u64 smp_ids[SMP_IDS], smp_ctr, smp_hz, smp_vtr;

/* The first is number 0, wherever the tree has it; the others follow in the tree's order. */
void smp_init(const struct boot_platform *p)
{
	struct arm_cpu *cpu = arm_cpu();

	cpu->mpidr = read_sysreg(mpidr_el1) & MPIDR_AFFINITY;
	smp_cpu[0] = cpu;
	smp_affinity[0] = cpu->mpidr;
	smp_count = 1;
	for (u32 i = 0; i < p->ncpus && smp_count < BOOT_MAX_CPUS; i++)
		if ((p->cpu_id[i] & MPIDR_AFFINITY) != cpu->mpidr)
			smp_affinity[smp_count++] = p->cpu_id[i] & MPIDR_AFFINITY;
}

unsigned arch_cpu_count(void)
{
	return smp_count;
}

u64 arch_cpu_hw_id(unsigned n)
{
	return smp_affinity[n];
}

void arch_cpu_kick(unsigned n)
{
	gic->kick(smp_cpu[n]);
}

void arch_cpu_relax(void)
{
	asm volatile("yield" : : : "memory");
	vgic_serve();
	/* What the other CPU has mapped before it told us counts from here on. */
	isb();
}

/* What the code at boot_cpu reads with the caches off, and what it writes. */
static void smp_clean(const struct arm_start *s)
{
	arch_mem_clean(s, sizeof(*s));
}

/* Of this CPU. */
static void smp_note(void)
{
	for (unsigned i = 0; i < SMP_IDS; i++)
		smp_ids[i] = trap_id(1 + i / 8, i % 8);
	smp_ctr = read_sysreg(ctr_el0);
	smp_hz = read_sysreg(cntfrq_el0);
	smp_vtr = vgic_hw == &vgic_hw_v3 ? read_sysreg(ICH_VTR_EL2) : 0;
}

static void smp_prepare(struct arm_cpu *cpu, void *block)
{
	struct arm_start *s = &cpu->start;
	u64 root = mem_root();

	s->hcr = HCR_RW | (arm_features.vhe ? HCR_E2H | HCR_TGE : 0);
	s->mair = read_sysreg(mair_el2);
	s->tcr = read_sysreg(tcr_el2);
	/* The way from physical addresses to ours needs both, with VHE; smp_enter changes it. */
	s->ttbr0 = arm_features.vhe ? mem_first : root;
	s->ttbr1 = arm_features.vhe ? root : 0;
	s->vbar = read_sysreg(vbar_el2);
	s->sctlr = read_sysreg(sctlr_el2) & ~SCTLR_WXN;
	s->sp = (u64)block + ARCH_CPU_BLOCK -
		16; /* what does not return may save nothing: sp is in the block all the same */
	s->entry = (u64)smp_enter;
	s->early = 0;
	__atomic_store_n(&s->state, ARM_START_ASKED, __ATOMIC_RELEASE);
	smp_clean(s);
}

/* Has it got away from boot_cpu? What that has written is behind our cache. */
static u32 smp_state(struct arm_start *s)
{
	u32 state = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);

	if (state != ARM_START_ASKED)
		return state;
	asm volatile("dc civac, %0; dsb sy" : : "r"(&s->early) : "memory");
	return __atomic_load_n(&s->early, __ATOMIC_RELAXED);
}

/* Wait until it is up. */
static status_t smp_wait(struct arm_cpu *cpu)
{
	u64 end = arch_counter() + arch_counter_hz() / 1000 * START_MS;
	const char *why = "it does not come";
	u32 state, asked = ARM_START_ASKED;

	while ((state = smp_state(&cpu->start)) == 0 && arch_counter() < end)
		arch_cpu_relax();
	if (state == 0 && !__atomic_compare_exchange_n(&cpu->start.state, &asked, ARM_START_LATE, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		state = asked; /* in the last moment */
	if (state == ARM_START_UP)
		return OK;
	if (state == ARM_START_LEVEL)
		why = "the firmware does not start it at EL2";
	else if (state == ARM_START_E2H)
		why = arm_features.vhe ? "it has no VHE, unlike the first" : "it has VHE and cannot do without";
	if (state != ARM_START_UNLIKE)
		log_printf("trivet: CPU %u, %lx: %s\n", cpu->number, cpu->mpidr, why);
	return ERR_IO;
}

status_t arch_cpu_start(unsigned n, void *block)
{
	struct arm_cpu *cpu = (struct arm_cpu *)(void *)((char *)block + ARCH_CPU_OWN);
	const char *why;
	long e;

	ASSERT(is_aligned((u64)block, ARCH_CPU_BLOCK));
	cpu->number = n;
	cpu->me = n + 1;
	cpu->mpidr = smp_affinity[n];
	why = gic->find(cpu);
	if (why) {
		log_printf("trivet: CPU %u, %lx: %s\n", n, cpu->mpidr, why);
		return ERR_IO;
	}
	mem_guard(block);
	smp_note();
	smp_prepare(cpu, block);
	smp_cpu[n] = cpu;
	e = cpu_psci(PSCI_CPU_ON_64, cpu->mpidr, arch_pa(boot_cpu), arch_pa(cpu));
	if (e != 0) {
		log_printf("trivet: CPU %u, %lx: the firmware does not start it: PSCI error %ld\n", n, cpu->mpidr, e);
		return ERR_IO;
	}
	return smp_wait(cpu);
}

/* --- on the new CPU ---------------------------------------------------------------------------------------------- */

/* What guests see of a CPU, and what we rely on, must be as on the first one. NULL, or what differs. */
static const char *smp_compare(void)
{
	struct arm_features f;

	cpu_features(&f);
	if (f.pa_bits < arm_features.pa_bits)
		return "fewer bits of physical address than the first";
	if (f.pauth != arm_features.pauth || f.ras != arm_features.ras || f.pan != arm_features.pan ||
	    f.el0_32 != arm_features.el0_32 || f.rndr != arm_features.rndr || f.sve != arm_features.sve ||
	    f.sme != arm_features.sme)
		return "features that differ from the first's: pointer authentication, RAS, PAN, AArch32, RNDR, SVE or "
		       "SME";
	for (unsigned i = 0; i < SMP_IDS; i++)
		if (trap_id(1 + i / 8, i % 8) != smp_ids[i])
			return "ID registers that differ from the first's";
	if (read_sysreg(ctr_el0) != smp_ctr)
		return "caches unlike the first's (CTR_EL0)";
	if (read_sysreg(cntfrq_el0) != smp_hz)
		return "a counter of another frequency than the first's (CNTFRQ_EL0)";
	return NULL;
}

static const char *smp_set_up(void)
{
	const char *why = smp_compare();

	if (why)
		return why;
	cpu_registers();
	why = gic->cpu_init();
	if (why)
		return why;
	if (smp_vtr && read_sysreg(ICH_VTR_EL2) != smp_vtr)
		return "a virtual interrupt interface unlike the first's (ICH_VTR_EL2)";
	(void)vgic_hw->init();
	clock_cpu_init();
	irq_cpu_init();
	return NULL;
}

static NORETURN void smp_off(void)
{
	(void)cpu_psci(PSCI_CPU_OFF, 0, 0, 0);
	arch_halt();
}

/* From boot_cpu, on the CPU's own stack, with the MMU on. */
void smp_enter(void)
{
	struct arm_cpu *cpu = arm_cpu();
	u32 asked = ARM_START_ASKED;
	const char *why;

	if (arm_features.vhe) {
		cpu->el0_root = mem_nothing();
		write_sysreg(cpu->el0_root, ttbr0_el2);
		isb();
		asm volatile("tlbi alle2; dsb nsh; isb" : : : "memory");
	}
	mem_wxn();
	why = smp_set_up();
	if (why) {
		log_printf("trivet: CPU %u, %lx, has %s\n", cpu->number, cpu->mpidr, why);
		__atomic_store_n(&cpu->start.state, ARM_START_UNLIKE, __ATOMIC_RELEASE);
		smp_off();
	}
	if (!__atomic_compare_exchange_n(&cpu->start.state, &asked, ARM_START_UP, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		smp_off();
	cpu_main(cpu->number);
}
