/* SPDX-License-Identifier: Apache-2.0 */
/* arch/arm64/cpu.c: bring-up of the CPU at EL2, its features, power control, and exceptions of the hypervisor itself.
 */
#include "arch/iface/cpu.h"
#include "arch/arm64/cpu.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/irq.h"
#include "arch/iface/mem.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/lib/print.h"
#include "hv/lib/symbol.h"

/* linker.ld */
extern char image_start[], text_end[];

struct arm_features arm_features;
const u8 arm_pa_bits[ARM_PA_RANGES] = { 32, 36, 40, 42, 44, 48 };
static const struct boot_platform *cpu_platform;
static char cpu_name[32];
u64 cpu_service_root;

#define ID_NIBBLE(v, lo) ((unsigned)((v) >> (lo)&0xf))

/* CPTR_EL2: SVE and SME trap, trace and activity monitors too; FP does not (Arm ARM, D19.2.34). */
#define CPTR_PLAIN (0x33ffUL | BIT(20) | BIT(30))  /* RES1 with TZ and TSM; TTA; TAM */
#define CPTR_VHE   (3UL << 20 | BIT(28) | BIT(30)) /* FPEN; TTA; TAM                 */

/* MDCR_EL2: performance monitors, debug registers, trace filter and statistical profiling trap; HPMN stays. */
#define MDCR_HPMN  0x1fUL
#define MDCR_TRAPS (BIT(5) | BIT(6) | BIT(9) | BIT(10) | BIT(11) | BIT(14) | BIT(19))

/* CNTHCTL_EL2: guests read the physical counter, its timer traps. With E2H the bits of EL0 serve the service VM. */
#define CNTHCTL_PLAIN BIT(0)
#define CNTHCTL_VHE   (BIT(10) | BIT(0) | BIT(1))

void cpu_features(struct arm_features *f)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), isar1 = read_sysreg(id_aa64isar1_el1);
	u64 isar2 = read_sysreg(S3_0_C0_C6_2), mmfr0 = read_sysreg(id_aa64mmfr0_el1);

	f->vhe = read_sysreg(hcr_el2) & HCR_E2H;
	f->pauth = (isar1 & (0xffUL << 4 | 0xffUL << 24)) || (isar2 & 0xff00);
	f->sve = ID_NIBBLE(pfr0, 32);
	f->sme = ID_NIBBLE(read_sysreg(id_aa64pfr1_el1), 24);
	f->rndr = ID_NIBBLE(read_sysreg(id_aa64isar0_el1), 60);
	f->ras = ID_NIBBLE(pfr0, 28);
	f->el0_32 = ID_NIBBLE(pfr0, 0) == 2;
	f->pan = ID_NIBBLE(read_sysreg(id_aa64mmfr1_el1), 20);
	f->pa_bits = arm_pa_bits[MIN(ID_NIBBLE(mmfr0, 0), ARM_PA_RANGES - 1u)];
	f->ipa_bits = MIN(f->pa_bits, 40u);
}

/* Extensions' own controls of EL2: with zero, what guests are not told of traps. Linux needs their access too. */
static void cpu_extensions(void)
{
	unsigned fgt = ID_NIBBLE(read_sysreg(id_aa64mmfr0_el1), 56);

	if (ID_NIBBLE(read_sysreg(id_aa64mmfr1_el1), 40))
		write_sysreg(0, S3_4_C1_C2_2); /* HCRX_EL2 */
	if (fgt) {
		write_sysreg(0, S3_4_C1_C1_4); /* HFGRTR_EL2  */
		write_sysreg(0, S3_4_C1_C1_5); /* HFGWTR_EL2  */
		write_sysreg(0, S3_4_C1_C1_6); /* HFGITR_EL2  */
		write_sysreg(0, S3_4_C3_C1_4); /* HDFGRTR_EL2 */
		write_sysreg(0, S3_4_C3_C1_5); /* HDFGWTR_EL2 */
	}
	if (fgt > 1) {
		write_sysreg(0, S3_4_C3_C1_0); /* HDFGRTR2_EL2 */
		write_sysreg(0, S3_4_C3_C1_1); /* HDFGWTR2_EL2 */
		write_sysreg(0, S3_4_C3_C1_2); /* HFGRTR2_EL2  */
		write_sysreg(0, S3_4_C3_C1_3); /* HFGWTR2_EL2  */
		write_sysreg(0, S3_4_C3_C1_7); /* HFGITR2_EL2  */
	}
	if (arm_features.ras) {
		write_sysreg(0, S3_4_C5_C2_3);	/* VSESR_EL2 */
		write_sysreg(0, S3_4_C12_C1_1); /* VDISR_EL2 */
	}
}

void cpu_registers(void)
{
	/* Every register that the reset leaves open (Arm ARM, D1.4), before anything depends on it. */
	write_sysreg(arm_features.vhe ? CPTR_VHE : CPTR_PLAIN, cptr_el2);
	write_sysreg((read_sysreg(mdcr_el2) & MDCR_HPMN) | MDCR_TRAPS, mdcr_el2);
	write_sysreg(arm_features.vhe ? CNTHCTL_VHE : CNTHCTL_PLAIN, cnthctl_el2);
	write_sysreg(0, cntvoff_el2);
	write_sysreg(0, hstr_el2);
	cpu_extensions();
	write_sysreg(0, vttbr_el2);
	write_sysreg(0, mdscr_el1);
	write_sysreg(0, osdlr_el1); /* the locks stop a guest's single step: reset may have left them shut */
	write_sysreg(0, oslar_el1);
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	write_sysreg(read_sysreg(mpidr_el1), vmpidr_el2);
	if (arm_features.vhe)
		asm volatile("msr s0_0_c4_c1_4, xzr"); /* MSR PAN, #1 */
	isb();
}

void arch_early_init(void)
{
	arm_cpu()->me = 1;
	cpu_features(&arm_features);
	cpu_registers();
	if (arm_features.pa_bits < 40)
		panic("this CPU has %u bits of physical address, 40 are needed", arm_features.pa_bits);
}

void arch_cpu_init(const struct boot_info *bi)
{
	cpu_platform = &bi->platform;
	smp_init(&bi->platform);
	gic_init(bi);
	clock_init();
	vgic_attach(bi->platform.gic_version == 3 ? &vgic_hw_v3 : &vgic_hw_v2);
	irq_init(bi);
	(void)snprintf(cpu_name, sizeof(cpu_name), "EL2%s, %s", arm_features.vhe ? " with VHE" : "", gic->name);
}

const char *arch_machine_name(void)
{
	return cpu_name;
}

u32 arch_features(void)
{
	return HV_FEATURE_INVARIANT_TSC | HV_FEATURE_1G_PAGES | HV_FEATURE_NEXT_RIP | HV_FEATURE_APIC_HW |
	       HV_FEATURE_DOORBELL_MEM | HV_FEATURE_LINES | (vgic_hw == &vgic_hw_v3 ? ARM_FEATURE_GICV3 : 0) |
	       (arm_features.vhe ? ARM_FEATURE_VHE : 0) | (arm_features.rndr ? ARM_FEATURE_RNDR : 0);
}

void arch_irq_poll(void)
{
	gic_poll();
}

void arch_idle(void)
{
	asm volatile("dsb sy; wfi" : : : "memory");
	gic_poll();
}

void cpu_el0_root(void)
{
	struct arm_cpu *cpu = arm_cpu();

	if (!arm_features.vhe || cpu->el0_root == cpu_service_root || !cpu_service_root)
		return;
	cpu->el0_root = cpu_service_root;
	write_sysreg(cpu_service_root, ttbr0_el2);
	isb();
	asm volatile("tlbi alle2; dsb nsh; isb" : : : "memory");
}

bool arch_device_reserved(u64 pa, u64 size)
{
	return gic_reserved(pa, size);
}

bool arch_device_guests(u64 pa)
{
	return gic_gicv_pa && pa - gic_gicv_pa < 2 * PAGE_SIZE;
}

/* Firmware may change x4 to x17 (SMCCC 1.0, Arm DEN0028). */
#define PSCI_CHANGES \
	"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"

long cpu_psci(u32 function, u64 a, u64 b, u64 c)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = a;
	register u64 x2 asm("x2") = b;
	register u64 x3 asm("x3") = c;

	if (cpu_platform && cpu_platform->psci == BOOT_PSCI_SMC)
		asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PSCI_CHANGES);
	else if (cpu_platform && cpu_platform->psci == BOOT_PSCI_HVC)
		asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PSCI_CHANGES);
	else
		return PSCI_NOT_SUPPORTED;
	return (int)x0; /* 32 bits by either convention */
}

void arch_reset(void)
{
	(void)cpu_psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	arch_halt();
}

void arch_poweroff(void)
{
	(void)cpu_psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	arch_halt();
}

void arch_halt(void)
{
	for (;;)
		asm volatile("msr daifset, #0xf; wfi");
}

/* --- exceptions of ours --------------------------------------------------------------------------------------- */

#define DUMP_CALLS 16

/* As entry.S stores it. */
struct trap_frame {
	u64 x[31];
	u64 sp;
};

static const struct trap_frame *trap_ours; /* of the exception that ends us */

NORETURN void trap_own(const struct trap_frame *f, u32 vector);

void trap_own(const struct trap_frame *f, u32 vector)
{
	static const char *const name[] = { "synchronous", "IRQ", "FIQ", "SError" };

	trap_ours = f;
	panic("%s exception in the hypervisor: ESR %lx, ELR image+%lx, FAR %lx", name[vector & 3], read_sysreg(esr_el2),
	      read_sysreg(elr_el2) - (u64)image_start, read_sysreg(far_el2));
}

static void dump_registers(const struct trap_frame *f)
{
	for (unsigned i = 0; i < 30; i += 3)
		log_printf("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx\n", i, f->x[i], i + 1, f->x[i + 1], i + 2,
			   f->x[i + 2]);
	log_printf("  x30 %016lx  sp  %016lx  offset %lx\n", f->x[30], f->sp, mem_offset);
}

/* Is there a BL or a BLR before @at (Arm ARM, C6.2)? */
static bool dump_called(u64 at)
{
	u32 insn;

	if (at <= (u64)image_start || at > (u64)text_end || !is_aligned(at, 4))
		return false;
	insn = *(const u32 *)(at - 4);
	return (insn & 0xfc000000) == 0x94000000 || (insn & 0xfffffc1f) == 0xd63f0000;
}

static void dump_name(u64 at, bool call)
{
	symbol_log(at - (u64)image_start, at - (u64)image_start, call);
}

/* There is no chain of frames: what on the stack is an address behind a call may be a return address, or an old one. */
void arch_dump(void)
{
	u64 own = (u64)__builtin_frame_address(0), bottom = (u64)arch_cpu_block() + 2 * PAGE_SIZE;
	u64 top = (u64)arch_cpu_block() + ARCH_CPU_BLOCK, sp = trap_ours ? trap_ours->sp : own;
	unsigned n = 0;

	if (sp < bottom || sp >= top)
		sp = own;
	if (trap_ours) {
		dump_registers(trap_ours);
		log_printf("  stopped at image+\n");
		dump_name(read_sysreg(elr_el2), false);
	}
	log_printf("  perhaps called from image+\n");
	if (trap_ours && dump_called(trap_ours->x[30]))
		dump_name(trap_ours->x[30], true);
	for (sp = round_up(sp, 8); sp < top && n < DUMP_CALLS; sp += 8)
		if (dump_called(*(const u64 *)sp)) {
			dump_name(*(const u64 *)sp, true);
			n++;
		}
}
