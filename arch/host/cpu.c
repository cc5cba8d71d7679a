/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/cpu.c: the fake CPU, its interrupts and its clock: all of it does what the test says. */
#include "arch/iface/io.h"
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "hv/lib/panic.h"
#include "hv/lib/util.h"

static u64 host_cpu[ARCH_CPU_BLOCK / 8] ALIGNED(64);
void *host_block;
unsigned host_ncpus;
u32 host_kicked;
void *host_blocks[HOST_CPUS];
void (*host_on_start)(unsigned n);
void (*host_on_relax)(void);
void (*host_on_idle)(void);
bool host_cpu_dead[HOST_CPUS];
u64 host_counter, host_timer;
u32 host_timer_sets, host_features;
unsigned host_idles, host_polls, host_dumps;
int host_idle_gsi, host_override;
bool host_gsi_on[HOST_GSIS], host_gsi_masked[HOST_GSIS];
#define HOST_COM1 0x3f8
static bool host_divisor; /* LCR's DLAB */
char host_console[512];
u64 host_console_n;
jmp_buf host_end;
bool host_end_armed;

void host_power_on(void)
{
	memset(host_cpu, 0, sizeof(host_cpu));
	host_block = host_blocks[0] = host_cpu;
	host_ncpus = 1;
	host_kicked = 0;
	host_on_start = NULL;
	host_on_relax = NULL;
	host_on_idle = NULL;
	memset(host_cpu_dead, 0, sizeof(host_cpu_dead));
	host_counter = 1000;
	host_timer = ~0UL;
	host_timer_sets = 0;
	host_features = HV_FEATURE_1G_PAGES;
	host_idles = host_polls = host_dumps = 0;
	host_idle_gsi = host_override = -1;
	memset(host_gsi_on, 0, sizeof(host_gsi_on));
	memset(host_gsi_masked, 0, sizeof(host_gsi_masked));
	memset(host_console, 0, sizeof(host_console));
	host_console_n = 0;
	host_end_armed = false;
	host_mem_reset();
	host_vcpu_reset();
}

void arch_early_init(void)
{
}

void arch_cpu_init(const struct boot_info *bi)
{
}

unsigned arch_cpu_count(void)
{
	return host_ncpus;
}

u64 arch_cpu_hw_id(unsigned n)
{
	return 0x10 + n;
}

status_t arch_cpu_start(unsigned n, void *block)
{
	if (host_cpu_dead[n])
		return ERR_IO;
	host_blocks[n] = block;
	if (host_on_start)
		host_on_start(n);
	return OK;
}

void arch_cpu_kick(unsigned n)
{
	host_kicked |= 1u << n;
}

void arch_cpu_relax(void)
{
	if (!host_on_relax)
		panic("a CPU waits for another for ever");
	host_on_relax();
}

const char *arch_machine_name(void)
{
	return "host";
}

u32 arch_features(void)
{
	return host_features;
}

/* Time passes up to the timer, unless a device is to come first. */
void arch_idle(void)
{
	if (host_block != host_cpu && host_on_idle) {
		host_on_idle();
		return;
	}
	host_idles++;
	if (host_idle_gsi >= 0) {
		int gsi = host_idle_gsi;

		host_idle_gsi = -1;
		host_raise((u32)gsi);
		return;
	}
	if (host_timer == ~0UL)
		panic("the CPU idles for ever");
	host_counter = MAX(host_counter, host_timer);
}

void arch_irq_poll(void)
{
	host_polls++;
}

void host_raise(u32 gsi)
{
	if (host_gsi_on[gsi] && !host_gsi_masked[gsi])
		irq_arrived(gsi);
}

status_t arch_irq_attach(u32 gsi, u32 flags, u32 *out)
{
	if (flags & IRQ_ISA) {
		if (gsi > 15)
			return ERR_RANGE;
		if (gsi == 0 && host_override >= 0)
			gsi = (u32)host_override;
	}
	if (gsi >= HOST_GSIS)
		return ERR_NOENT;
	host_gsi_on[gsi] = true;
	host_gsi_masked[gsi] = false;
	*out = gsi;
	return OK;
}

void arch_irq_detach(u32 gsi)
{
	ASSERT(gsi < HOST_GSIS);
	host_gsi_on[gsi] = false;
}

void arch_irq_unmask(u32 gsi)
{
	ASSERT(gsi < HOST_GSIS);
	host_gsi_masked[gsi] = false;
}

u64 arch_counter_hz(void)
{
	return HOST_HZ;
}

void arch_timer_set(u64 when)
{
	host_timer = when;
	host_timer_sets++;
}

bool arch_device_reserved(u64 pa, u64 size)
{
	return range_overlap(pa, size, HOST_DEVICE, PAGE_SIZE) || range_overlap(pa, size, HOST_GUESTS, PAGE_SIZE);
}

static NORETURN void host_stop(enum host_end how)
{
	if (host_end_armed)
		longjmp(host_end, how);
	panic("the machine stopped: %d", how);
}

void arch_reset(void)
{
	host_stop(HOST_RESET);
}

void arch_poweroff(void)
{
	host_stop(HOST_POWEROFF);
}

void arch_halt(void)
{
	host_stop(HOST_HALT);
}

u8 host_io_read8(u64 addr)
{
	return addr == HOST_COM1 + 5 ? 0x60 : 0xff; /* LSR: empty */
}

void host_io_write8(u64 addr, u8 v)
{
	if (addr == HOST_COM1 && !host_divisor)
		host_console[host_console_n++ % (sizeof(host_console) - 1)] = (char)v;
	else if (addr == HOST_COM1 + 3)
		host_divisor = v & 0x80;
}

void arch_dump(void)
{
	host_dumps++;
}

bool arch_device_guests(u64 pa)
{
	return pa == HOST_GUESTS;
}
