/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/loader.h: put a kernel into a guest's memory and say in which state its first CPU starts. */
#ifndef GUEST_VMM_LOADER_H
#define GUEST_VMM_LOADER_H

#include "guest/vmm/vm.h"

struct blob {
	const char *name;
	const void *data; /* NULL: none */
	u64 size;
};

#define LOADER_MAX_MODULES 8

struct loader_input {
	struct blob kernel;
	struct blob initrd;
	struct blob module[LOADER_MAX_MODULES]; /* Multiboot modules */
	const char *module_args[LOADER_MAX_MODULES];
	unsigned nmodules;
	const char *cmdline;
	u64 acpi_rsdp;	 /* where the platform has put it, 0: none */
	u64 low_top;	 /* end of RAM below 4 GiB */
	char error[128]; /* why it failed, in words with the file's name */
};

/**
 * Recognise the kernel (Linux bzImage, PVH ELF, Multiboot 1 ELF), load it into @vm's RAM and fill @state. Every field
 * of the file is checked against the file's size and the guest's RAM. ERR_FORMAT, ERR_NOMEM, ERR_NOENT with in->error.
 */
MUST_CHECK status_t loader_x86(struct vm *vm, struct loader_input *in, struct vcpu_state *state);

/** The state of a CPU after INIT (Intel SDM 3A, table 10-1), at the reset vector. */
void x86_reset_state(struct vcpu_state *state);

#endif
