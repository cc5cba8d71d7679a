/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/x86/machine.c: guest/vmm/machine.h for a PC. */
#include "guest/vmm/machine.h"

#include "guest/vmm/x86/cpuid.h"
#include "guest/vmm/x86/loader.h"

u64 machine_ram(unsigned n, u64 left, u64 *gpa)
{
	*gpa = n == 0 ? 0 : PC_HIGH_RAM;
	return n == 0 ? MIN(left, (u64)PC_LOW_RAM_MAX) : left;
}

status_t machine_configure(struct vm *vm, const struct hv_info *info, const char **what)
{
	unsigned n = cpuid_build(info, vm->nvcpus, cpuid_host, hv_mailbox(), MAILBOX_SIZE / sizeof(struct vm_config));
	status_t s = hv_call(HV_VM_CONFIGURE, vm->id, n, 0, 0, 0).status;

	*what = "set CPUID";
	if (s == OK) {
		*what = "set MSR policies";
		s = pc_msrs(vm->id);
	}
	return s;
}

status_t machine_init(struct machine *m, struct vm *vm, const struct machine_options *opt)
{
	const struct pc_options o = {
		.ncpus = opt->ncpus, .com1 = opt->serial, .info = opt->info, .counter_offset = opt->counter_offset
	};

	return pc_init(&m->pc, vm, &o);
}

struct pci_root *machine_pci(struct machine *m)
{
	return &m->pc.pci;
}

unsigned machine_devfn(const struct vm *vm)
{
	return (vm->nroms != 0 ? PIIX_DEVICE + 1 : 1) << 3;
}

status_t machine_finish(struct machine *m)
{
	return pc_finish(&m->pc, &m->rsdp);
}

status_t machine_load(struct machine *m, struct loader_input *in, struct vcpu_state *state)
{
	if (m->pc.vm->nroms != 0) {
		firmware_start(&m->pc, state);
		return OK;
	}
	in->acpi_rsdp = m->rsdp;
	in->low_top = m->pc.vm->ram[0].size;
	return loader_x86(m->pc.vm, in, state);
}

void machine_cpu_state(struct machine *m, unsigned index, struct vcpu_state *state)
{
	x86_reset_state(state);
}

status_t machine_reset(struct machine *m)
{
	pc_reset(&m->pc);
	return pc_write_tables(&m->pc, &m->rsdp);
}
