/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/arm64/vgic_pull.c: vCPUs of one VM on several CPUs at once: list registers in another CPU are fetched.
 *
 * Everything of a VM's interrupt controller is changed with its lock held, list registers by the CPU alone that they
 * are in. Who holds the lock waits for nothing. Of an interrupt that stands in a list register of another CPU ("away"):
 *
 * - What is merely sent to it (SGI, MSI, a wire's change) is posted (vgic_post) and the CPU interrupted (vgic_kicked).
 *   It drains that at its next use of the lock, before anything else, and when it saves the interface. So something is
 *   posted only for a vCPU that is loaded, and only of interrupts that are listed there.
 * - A register access that must see or change what a list register holds pulls: vgic_pull asks that CPU to save its
 *   virtual interface, waits without the lock, and goes on when no such interrupt is away. All is in memory then.
 *
 * A CPU that is asked saves at its next vgic_serve, which is at the interrupt that asks (gic_poll: it leaves its guest,
 * its service VM or its idling for that) and in every loop that waits for another CPU: arch_cpu_relax, vgic_pull,
 * vgic_load. It loads the interface again before the guest goes on (todo, vgic_flush), but not while vgic.pulling
 * counts somebody.
 *
 * Why no wait is for ever. A CPU in the hypervisor comes to its end or to one of those loops; interrupts are masked,
 * and no loop is entered with a lock of ours held. So whoever is asked saves, no matter what it waits for itself:
 * another's pull, the end of one, or a lock of hv/ whose holder waits for a third CPU. While vgic.pulling is not 0 no
 * interface of the VM gets loaded, so each pull waits for a number of CPUs that only falls; once none is loaded all
 * pulls end, and loads go on.
 *
 * Why nothing is lost. pulling is counted down with the lock held that the access then uses: nobody has loaded anything
 * in between. One that pulls may be pulled itself meanwhile, its interface is then not loaded during its access, and
 * all of it works on memory. "asked" is taken back before the interface is saved: who asks later asks again. A request
 * may be old, when the interface has been saved for another reason: pulling is 0 then, or another vCPU of the VM is
 * loaded, which nobody else can want loaded either.
 */
#include "arch/arm64/cpu.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/vgic_priv.h"

/* The CPUs, bit n: number n, whose list registers know of interrupts @mask of bank @k. */
static u64 vgic_holders(struct vgic_cpu *c, unsigned k, u32 mask)
{
	const struct vgic *g = c->vgic;
	u64 cpus = 0;
	unsigned i;

	if (k < VGIC_BANKS) {
		const struct vgic_bank *b = vgic_bank(c, k);

		for_each_bit (i, b->listed & mask)
			if (vgic_away(g->cpu[b->lr[i] >> 4]))
				cpus |= BIT(g->cpu[b->lr[i] >> 4]->loaded - 1);
	}
	/* What of them is active in no list register is counted by the CPU alone. */
	for (unsigned t = 0; t < g->nvcpus; t++)
		if (g->cpu[t] && vgic_away(g->cpu[t]) && (k == VGIC_ALL || g->cpu[t]->hidden))
			cpus |= BIT(g->cpu[t]->loaded - 1);
	return cpus;
}

/* Once for each request: a CPU that has been asked and not served has its interrupt pending. */
static void vgic_ask(u64 cpus)
{
	for (; cpus != 0; cpus &= cpus - 1) {
		struct arm_cpu *cpu = smp_cpu[__builtin_ctzll(cpus)];

		if (!__atomic_exchange_n(&cpu->asked, 1, __ATOMIC_SEQ_CST))
			gic->kick(cpu);
	}
}

void vgic_pull(struct vgic_cpu *c, unsigned k, u32 mask)
{
	struct vgic *g = c->vgic;
	u64 cpus = vgic_holders(c, k, mask);

	if (likely(cpus == 0))
		return;
	g->pulling++;
	do {
		vgic_unlock(g);
		vgic_ask(cpus);
		vgic_serve();
		spin_pause();
		spin_lock(&g->lock);
		cpus = vgic_holders(c, k, mask);
	} while (cpus != 0);
	g->pulling--;
}

void vgic_serve(void)
{
	struct arm_cpu *cpu = arm_cpu();

	if (likely(!__atomic_load_n(&cpu->asked, __ATOMIC_RELAXED)))
		return;
	__atomic_store_n(&cpu->asked, 0, __ATOMIC_SEQ_CST);
	if (cpu->vgic)
		vgic_save(cpu->vgic);
}
