/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_guest_ram.c: vm_mem, vm_read, vm_write and log_line for tests that do without guest/vmm/mem.c. */
#include "fake_guest_ram.h"

#include <stdarg.h>
#include <stdlib.h>

#include "hv/lib/util.h"

unsigned fake_log_lines;
char fake_log_last[160];

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake_log_last, sizeof(fake_log_last), fmt, ap);
	va_end(ap);
	fake_log_lines++;
}

void fake_guest_ram(struct vm *vm, u64 size, u8 fill)
{
	memset(vm, 0, sizeof(*vm));
	memcpy(vm->name, "test", 5);
	vm->nram = 1;
	vm->ram[0] = (struct vm_ram){ .gpa = 0, .size = size, .mem = malloc(size) };
	if (!vm->ram[0].mem)
		abort();
	memset(vm->ram[0].mem, fill, size);
	fake_log_lines = 0;
}

void fake_guest_free(struct vm *vm)
{
	free(vm->ram[0].mem);
	vm->ram[0].mem = NULL;
}

void *vm_mem(const struct vm *vm, u64 gpa, u64 len)
{
	for (unsigned i = 0; i < vm->nram; i++)
		if (vm->ram[i].mem && range_in(gpa, len, vm->ram[i].gpa, vm->ram[i].size))
			return vm->ram[i].mem + (gpa - vm->ram[i].gpa);
	return NULL;
}

status_t vm_read(const struct vm *vm, u64 gpa, void *buf, u64 len)
{
	void *p = vm_mem(vm, gpa, len);

	if (!p)
		return ERR_RANGE;
	memcpy(buf, p, len);
	return OK;
}

status_t vm_write(const struct vm *vm, u64 gpa, const void *buf, u64 len)
{
	void *p = vm_mem(vm, gpa, len);

	if (!p)
		return ERR_RANGE;
	memcpy(p, buf, len);
	return OK;
}
