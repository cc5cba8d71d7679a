/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/arm64/machine.c: guest/vmm/machine.h for the arm64 guest's machine. */
#include "guest/vmm/machine.h"

#include "guest/vmm/arm64/loader.h"

u64 machine_ram(unsigned n, u64 left, u64 *gpa)
{
	/* A second piece is more than virt_init takes: it lies where it would fit, for the error to be told there. */
	*gpa = n == 0 ? VIRT_RAM_BASE : VIRT_MMIO64_BASE + VIRT_MMIO64_SIZE;
	return n == 0 ? MIN(left, VIRT_RAM_MAX) : left;
}

status_t machine_rom(const void *data, u64 size, u64 *gpa, const char **why)
{
	const u32 *code = data;

	*why = "must have a multiple of 4 KiB, at most 64 MiB";
	if (size == 0 || size > VIRT_FLASH_SIZE || !is_aligned(size, PAGE_SIZE))
		return ERR_RANGE;
	*why = "has no code at the reset vector, its first byte";
	if (code[0] == 0 || code[0] == ~0u)
		return ERR_FORMAT;
	*gpa = VIRT_FLASH_BASE;
	return OK;
}

status_t machine_variables(u64 size, u64 rom, u64 *gpa, const char **why)
{
	*why = "must have a multiple of 256 KiB, at most 64 MiB";
	if (size == 0 || size > VIRT_FLASH_SIZE || !is_aligned(size, FLASH_BLOCK_2X16))
		return ERR_RANGE;
	*gpa = VIRT_FLASH_BASE + VIRT_FLASH_SIZE;
	return OK;
}

status_t machine_configure(struct vm *vm, const struct hv_info *info, const char **what)
{
	bool v3 = (info->features & ARM_FEATURE_GICV3) != 0;
	const struct vm_config config[] = {
		{ .what = ARM_CONFIG_GICD, .value = VIRT_GICD_BASE },
		{ .what = v3 ? ARM_CONFIG_GICR : ARM_CONFIG_GICC, .value = v3 ? VIRT_GICR_BASE : VIRT_GICC_BASE },
		{ .what = ARM_CONFIG_MSI, .value = VIRT_V2M_BASE + GICV2M_SETSPI },
		{ .what = ARM_CONFIG_MSI_FIRST, .value = VIRT_MSI_FIRST },
		{ .what = ARM_CONFIG_MSI_COUNT, .value = VIRT_MSI_COUNT },
	};

	*what = "set up the interrupt controller";
	memcpy(hv_mailbox(), config, sizeof(config));
	return hv_call(HV_VM_CONFIGURE, vm->id, ARRAY_SIZE(config), 0, 0, 0).status;
}

status_t machine_init(struct machine *m, struct vm *vm, const struct machine_options *opt)
{
	return virt_init(&m->virt, vm, opt);
}

struct pci_root *machine_pci(struct machine *m)
{
	return &m->virt.pci;
}

unsigned machine_devfn(const struct vm *vm)
{
	return 1 << 3;
}

status_t machine_finish(struct machine *m)
{
	return pci_root_assign(&m->virt.pci); /* the device tree comes with the kernel: it holds its command line */
}

status_t machine_load(struct machine *m, struct loader_input *in, struct vcpu_state *state)
{
	return m->virt.vm->nroms != 0 ? loader_firmware(m, in, state) : loader_arm64(m, in, state);
}

void machine_cpu_state(struct machine *m, unsigned index, struct vcpu_state *state)
{
	arm64_reset_state(state, index);
}

status_t machine_reset(struct machine *m)
{
	virt_reset(&m->virt);
	return OK;
}
