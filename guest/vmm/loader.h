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
	u64 acpi_rsdp;	 /* x86: where the platform has put it, 0: none */
	u64 low_top;	 /* x86: end of RAM below 4 GiB */
	char error[128]; /* why it failed, in words with the file's name */
};

#endif
