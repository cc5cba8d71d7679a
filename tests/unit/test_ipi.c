/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CFLAGS: -iquote arch/x86
 * LINK: arch/x86/ipi.c arch/x86/post.c arch/x86/vlapic.c arch/x86/vlapic_reg.c */
/* CFLAGS: -Iarch/x86 */
/* tests/unit/test_ipi.c: which vCPUs of a VM an interrupt of one of them, or a message, reaches. */
#include "arch/x86/vendor.h"
#include "arch/x86/post.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define CPUS   4
#define VECTOR 0x50

static struct arch_vm vm;
static struct arch_vcpu cpu[CPUS];
static u32 kicked; /* bit n: vCPU n */

void vcpu_kicked(struct arch_vcpu *v)
{
	kicked |= 1u << v->id;
}

enum apics { FLAT, CLUSTER, X2 };

/* CPUs 0 to 3; the xAPIC's logical IDs are 01h 02h 04h 08h, in clusters 01h 02h 11h 12h. */
static void vm_of(enum apics mode)
{
	static const u8 cluster[CPUS] = { 0x01, 0x02, 0x11, 0x12 };
	enum vlapic_act act;
	struct vlapic_ipi ipi;

	vm.nvcpus = CPUS;
	kicked = 0;
	for (u32 i = 0; i < CPUS; i++) {
		struct vlapic *a = &cpu[i].apic;

		vm.vcpu[i] = &cpu[i];
		cpu[i].vm = &vm;
		cpu[i].id = i;
		vlapic_init(a, i, i == 0);
		vlapic_write(a, APIC_SVR, 0x1ff, 0, &ipi);
		vlapic_write(a, APIC_DFR, mode == CLUSTER ? 0 : ~0u, 0, &ipi);
		vlapic_write(a, APIC_LDR, (mode == CLUSTER ? cluster[i] : 1u << i) << 24, 0, &ipi);
		if (mode == X2)
			assert_true(vlapic_wrmsr(a, MSR_IA32_APIC_BASE, a->base | APIC_BASE_EXTD, 0, &ipi, &act));
	}
}

/* Who has VECTOR pending? And nobody, after that. */
static u32 has(void)
{
	u32 set = 0;

	for (u32 i = 0; i < CPUS; i++) {
		post_take(&cpu[i]);
		if (vlapic_pending(&cpu[i].apic) == VECTOR)
			set |= 1u << i;
		cpu[i].apic.irr.w[VECTOR / 32] = 0;
		cpu[i].apic.irr.words = 0;
	}
	return set;
}

/* CPU @from writes @lo, with @dest, to its ICR: who gets VECTOR? */
static u32 sent(u32 from, u32 dest, u32 lo)
{
	struct vlapic *a = &cpu[from].apic;
	struct vlapic_ipi ipi;
	enum vlapic_act act;
	u32 set;

	kicked = 0;
	if (vlapic_is_x2apic(a)) {
		assert_true(vlapic_wrmsr(a, 0x830, (u64)dest << 32 | lo | VECTOR, 0, &ipi, &act));
	} else {
		vlapic_write(a, APIC_ICR2, dest << 24, 0, &ipi);
		act = vlapic_write(a, APIC_ICR, lo | VECTOR, 0, &ipi);
	}
	if (act == VLAPIC_IPI)
		x86_ipi(&cpu[from], &ipi);
	set = has();
	assert_int_equal(kicked, set & ~(1u << from)); /* each of the others is told, and nobody else */
	return set;
}

/* A message to @addr: who takes it? */
static u32 message(u32 low, u32 data)
{
	for (u32 i = 0; i < CPUS; i++)
		(void)arch_vcpu_msi(&cpu[i], 0xfee00000u | low, data | VECTOR);
	return has();
}

static void physical_ids_and_shorthands(void **state)
{
	for (unsigned mode = FLAT; mode <= X2; mode++) {
		vm_of(mode);
		assert_int_equal(sent(0, 2, 0), 4);
		assert_int_equal(sent(3, 3, 0), 8);
		assert_int_equal(sent(1, 9, 0), 0);
		assert_int_equal(sent(1, mode == X2 ? ~0u : 0xff, 0), 15);
		assert_int_equal(sent(1, 0, 0x40000), 2);
		assert_int_equal(sent(1, 0, 0x80000), 15);
		assert_int_equal(sent(1, 0, 0xc0000), 13);
	}
}

static void logical_ids(void **state)
{
	vm_of(FLAT);
	assert_int_equal(sent(0, 0x0a, 0x800), 10);
	assert_int_equal(sent(1, 0x0f, 0x800), 15);
	assert_int_equal(sent(1, 0x30, 0x800), 0);
	vm_of(CLUSTER);
	assert_int_equal(sent(0, 0x03, 0x800), 3);
	assert_int_equal(sent(0, 0x12, 0x800), 8);
	assert_int_equal(sent(0, 0x2f, 0x800), 0);
	assert_int_equal(sent(0, 0xff, 0x800), 15);
	vm_of(X2);
	assert_int_equal(sent(0, 0x0a, 0x800), 10);
	assert_int_equal(sent(0, 0x1000a, 0x800), 0); /* the second cluster is empty */
}

static void lowest_priority_is_for_one(void **state)
{
	vm_of(FLAT);
	assert_int_equal(sent(0, 0x0e, 0x900), 2);
	cpu[1].apic.tpr = 0x20;
	assert_int_equal(sent(0, 0x0e, 0x900), 4);
	cpu[2].apic.svr = 0xff; /* software-disabled: takes nothing */
	assert_int_equal(sent(0, 0x0e, 0x900), 8);
	assert_int_equal(sent(0, 0x30, 0x900), 0);
}

static void messages_go_where_they_say(void **state)
{
	vm_of(FLAT);
	assert_int_equal(message(2 << 12, 0), 4);
	assert_int_equal(message(0xff << 12, 0), 15);
	assert_int_equal(message(6 << 12 | 4, 0), 6);
	assert_int_equal(message(6 << 12 | 4, 0x100), 2);	 /* lowest priority */
	assert_int_equal(message(6 << 12 | 4 | 8, 0), 2);	 /* redirection hint */
	assert_int_equal(message(2 << 12 | 8, 0x100), 4);	 /* of one, one */
	assert_int_equal(message(0x30 << 12 | 4 | 8, 0x100), 0); /* nobody is there */
	vm_of(X2);
	assert_int_equal(message(6 << 12 | 4, 0x100), 2);
	assert_int_equal(message(3 << 12, 0), 8);
}

static void init_and_sipi_reach_who_is_meant(void **state)
{
	const struct vlapic_ipi init = { .shorthand = APIC_SHORT_OTHERS, .mode = APIC_INIT };
	const struct vlapic_ipi sipi = { .dest = 2, .mode = APIC_SIPI, .vector = 0x9a };

	vm_of(FLAT);
	x86_ipi(&cpu[0], &sipi);
	assert_int_equal(kicked, 4); /* its CPU looks, */
	post_take(&cpu[2]);
	assert_int_equal(cpu[2].apic.events, 0); /* and it runs */
	kicked = 0;
	x86_ipi(&cpu[0], &init);
	assert_int_equal(kicked, 14);
	x86_ipi(&cpu[0], &sipi);
	for (u32 i = 0; i < CPUS; i++)
		post_take(&cpu[i]);
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(cpu[i].apic.events, (i ? VLAPIC_EV_INIT : 0) | (i == 2 ? VLAPIC_EV_SIPI : 0));
	assert_int_equal(cpu[2].apic.sipi_vector, 0x9a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(physical_ids_and_shorthands),	    cmocka_unit_test(logical_ids),
		cmocka_unit_test(lowest_priority_is_for_one),	    cmocka_unit_test(messages_go_where_they_say),
		cmocka_unit_test(init_and_sipi_reach_who_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
