/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_run.c: for tests of a vendor's world switch without the loop around it, which is test_svm.c's. */
#include "arch/x86/vendor.h"

bool run_before(struct arch_vcpu *v, struct exit *x)
{
	return true;
}

bool run_exit(struct arch_vcpu *v, struct exit *x)
{
	return false;
}

void x86_cpuid(struct arch_vcpu *v)
{
}
