/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/machine.h: a guest's machine, as each architecture puts it together; the service VM's one view of it. */
#ifndef GUEST_VMM_MACHINE_H
#define GUEST_VMM_MACHINE_H

#include "guest/rt/tty.h"
#include "guest/vmm/loader.h"
#include "guest/vmm/pci.h"
#include "guest/vmm/vm.h"

#include "self/machine.h" /* struct machine */

struct machine_options {
	unsigned ncpus;
	struct tty *serial;	    /* NULL: no serial port             */
	const struct hv_info *info; /* of the machine that we run on    */
	u64 counter_offset;	    /* of the vCPUs, as in vcpu_state   */
};

/** Where the next piece of RAM lies, when @left bytes are left and @n pieces are placed; returns its size. */
u64 machine_ram(unsigned n, u64 left, u64 *gpa);
/**
 * Where firmware of @size bytes at @data lies in the guest. ERR_RANGE, ERR_FORMAT, ERR_UNSUPPORTED with *@why: what it
 * must be, in words behind its name.
 */
MUST_CHECK status_t machine_rom(const void *data, u64 size, u64 *gpa, const char **why);
/** The same of the @size bytes of its variables, when the firmware lies at @rom. */
MUST_CHECK status_t machine_variables(u64 size, u64 rom, u64 *gpa, const char **why);
/** Tell the hypervisor of @vm's machine: before its first vCPU. *@what: the part that failed. */
MUST_CHECK status_t machine_configure(struct vm *vm, const struct hv_info *info, const char **what);
/** Assemble the machine around @vm, whose RAM is in place; sets vm->irq and vm->platform. What bus_add says. */
MUST_CHECK status_t machine_init(struct machine *m, struct vm *vm, const struct machine_options *opt);
/** Where PCI functions go. */
struct pci_root *machine_pci(struct machine *m);
/** The first place on @vm's bus that is free: from here on there are only the owner's functions. */
unsigned machine_devfn(const struct vm *vm);
/** After the last device: assign PCI addresses and write what the guest's kernel reads about its machine. */
MUST_CHECK status_t machine_finish(struct machine *m);
/** Load a kernel, where the VM has no firmware, and say in which state the first CPU starts; in->error says what is
 * wrong. */
MUST_CHECK status_t machine_load(struct machine *m, struct loader_input *in, struct vcpu_state *state);
/**
 * The state in which CPU @index, which another one starts, waits for that; the caller adds the counter's offset.
 */
void machine_cpu_state(struct machine *m, unsigned index, struct vcpu_state *state);
/** All devices but PCI's functions back to power-on, tables written anew. What machine_finish says. */
MUST_CHECK status_t machine_reset(struct machine *m);

#endif
