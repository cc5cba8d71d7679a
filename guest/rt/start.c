/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/start.c: from the first instruction in C to the program, and the two ways to its end. */
#include "guest/rt/hypercall.h"
#include "guest/rt/arch.h"

NORETURN void rt_start(u64 base, u64 mailbox);

static u64 start_base;

void rt_start(u64 base, u64 mailbox)
{
	start_base = base;
	hv_mailbox = (void *)(uintptr_t)mailbox;
	rt_arch_init(base);
	service_main();
}

void rt_init(struct hv_info *info)
{
	struct hv_result r = hv_call(HV_INFO, 0, 0, 0, 0, 0);
	u64 top = 0;

	if (r.status != OK)
		panic("hv_info: status %d", (int)r.status);
	memcpy(info, hv_mailbox, sizeof(*info));
	if (info->abi_version != ABI_VERSION || info->nregions > HV_INFO_REGIONS)
		panic("the hypervisor speaks version %u, this program %u", info->abi_version, ABI_VERSION);
	time_init(info->counter_hz);
	for (unsigned i = 0; i < info->nregions; i++) {
		const struct hv_region *reg = &info->region[i];

		top = MAX(top, reg->base + reg->size);
		/* The first tables may end at 4 GiB: memory behind it is added after rt_arch_map. */
		if (reg->kind == HV_REGION_RAM && reg->base + reg->size <= 4 * SIZE_1G)
			mem_add(reg->base, reg->size);
	}
	rt_arch_map(start_base, top);
	for (unsigned i = 0; i < info->nregions; i++) {
		const struct hv_region *reg = &info->region[i];

		if (reg->kind == HV_REGION_RAM && reg->base + reg->size > 4 * SIZE_1G)
			mem_add(reg->base, reg->size);
	}
	time_set(rt_arch_clock(info));
}

void machine(unsigned what)
{
	(void)hv_call(HV_MACHINE, what, 0, 0, 0, 0);
	cpu_halt();
}

void panic(const char *fmt, ...)
{
	static bool again;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	early_write("\r\ntrivet: PANIC: service VM: ", 29);
	early_write(text, strlen(text));
	early_write("\r\n", 2);
	if (!again) { /* a second panic can only come out of the call below */
		again = true;
		(void)hv_call(HV_MACHINE, MACHINE_POWEROFF, 0, 0, 0, 0);
	}
	cpu_halt();
}
