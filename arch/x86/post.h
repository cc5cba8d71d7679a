/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/post.h: interrupts on their way to a vCPU from elsewhere: posted by any CPU, taken by the vCPU's own. */
#ifndef ARCH_X86_POST_H
#define ARCH_X86_POST_H

#include "arch/iface/vcpu.h"

/**
 * Any CPU: post a message of delivery @mode (enum apic_mode) with @vector to @v. False: its APIC would not take it.
 * The caller tells @v's CPU (vcpu_kicked) behind it, so that it looks.
 */
bool post_accept(struct arch_vcpu *v, u32 mode, u8 vector, bool level);

void post_take_now(struct arch_vcpu *v);

/** On @v's CPU: what has been posted goes into v->apic, in the order INIT, SIPI, NMI, vectors. */
static inline void post_take(struct arch_vcpu *v)
{
	if (unlikely(__atomic_load_n(&v->post.any, __ATOMIC_ACQUIRE)))
		post_take_now(v);
}

#endif
