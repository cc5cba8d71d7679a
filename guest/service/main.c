/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/main.c: the service VM's program: read the configuration, make the guests, serve them. */
#include "guest/rt/hypercall.h"
#include "guest/rt/sys.h"
#include "guest/service/firmware.h"
#include "guest/service/guest.h"
#include "guest/service/wire.h"

#define MAIN_FLUSH_TRIES 256

struct hv_info service_info;
static struct config main_config;
static bool main_has_wire;
static enum { LEAVE_NOT, LEAVE_POWEROFF, LEAVE_RESET } main_leaving; /* as told on the service console */

/* Bounded: a line that takes nothing must not keep the machine. */
static void main_drain(void)
{
	for (unsigned i = 0; main_has_wire && i < MAIN_FLUSH_TRIES && !console_drained(); i++)
		wire_flush();
	if (main_has_wire)
		wire_flush();
}

void service_machine(unsigned what)
{
	const struct boot_info *boot = (const struct boot_info *)(uintptr_t)service_info.boot_info;

	main_drain();
	if (firmware_prepare(boot, what)) {
		main_drain();
		(void)hv_call(HV_MACHINE, MACHINE_CLOSE, 0, 0, 0, 0);
		firmware_end(boot, what);
		log_line("ACPI: the machine is still on");
	}
	main_drain();
	machine(what);
}

void service_guest_ended(void)
{
	for (unsigned i = 0; i < nguests; i++) {
		if (!guests[i]->ended)
			return;
	}
	if (main_leaving == LEAVE_RESET) {
		log_line("all guests have stopped: resetting the machine");
		service_machine(MACHINE_RESET);
	}
	if (main_leaving == LEAVE_POWEROFF || main_config.poweroff_when_done) {
		log_line("all guests have stopped: powering off");
		service_machine(MACHINE_POWEROFF);
	}
	log_line("all guests have stopped");
}

bool service_leaving(void)
{
	return main_leaving != LEAVE_NOT;
}

void service_leave(unsigned what)
{
	main_leaving = what == MACHINE_RESET ? LEAVE_RESET : LEAVE_POWEROFF;
	for (unsigned i = 0; i < nguests; i++)
		guest_stop(guests[i]);
	service_guest_ended();
}

static void main_console(const struct boot_info *boot)
{
	console_init(command_line);
	main_has_wire = wire_init(console_wire(), boot);
	log_set_sink(console_log);
	if (!main_has_wire)
		log_line("no serial port");
}

static NORETURN void main_give_up(void)
{
	service_machine(MACHINE_POWEROFF);
}

static void main_configure(void)
{
	const struct boot_module *m = guest_module("config");

	if (m == NULL) {
		log_line("error: no boot module is called 'config'");
		main_give_up();
	}
	if (config_parse(&main_config, (const char *)(uintptr_t)m->base, m->size) != OK) {
		log_line("error: config: %s", main_config.error);
		main_give_up();
	}
	guest_statistics = main_config.statistics;
	if (main_config.nvms == 0) {
		log_line("error: config: no guest in it");
		main_give_up();
	}
}

/* With `statistics`: what the guests that have been made so far leave. */
static void main_memory(unsigned made)
{
	if (guest_statistics)
		log_line("%u guests made, %llu KiB free", made, (unsigned long long)(mem_free_bytes() >> 10));
}

/* What each of the other CPUs does. */
static void main_cpu(void)
{
	loop_run();
}

void service_main(const struct hv_info *info)
{
	const struct boot_info *boot;
	unsigned running = 0;

	service_info = *info;
	boot = (const struct boot_info *)(uintptr_t)service_info.boot_info;
	main_console(boot);
	guest_modules(boot);
	log_line("service VM on %.*s, %u CPUs, counter %llu kHz, %llu MiB free", (int)sizeof(service_info.machine),
		 service_info.machine, service_info.ncpus, (unsigned long long)(service_info.counter_hz / 1000),
		 (unsigned long long)(mem_free_bytes() >> 20));
	main_configure();
	rt_cpus_start(service_info.ncpus, main_cpu);
	/* One that cannot be made or started has said why, and does not keep the others from running. */
	main_memory(0);
	for (unsigned i = 0; i < main_config.nvms; i++) {
		(void)guest_create(&main_config.vm[i]);
		main_memory(nguests);
	}
	main_drain();
	for (unsigned i = 0; i < nguests; i++) {
		struct guest *g = guests[i];

		log_line("guest %s: %llu MiB, %u CPUs, %s %s", g->vm.name,
			 (unsigned long long)(g->config->memory >> 20), g->vm.nvcpus,
			 g->vm.nroms != 0 ? "firmware" : "kernel",
			 g->vm.nroms != 0 ? g->config->firmware : g->config->kernel);
		main_drain();
		if (guest_start(g))
			running++;
		else
			guest_failed(g);
	}
	if (running == 0) {
		log_line("error: no guest could be started: powering off");
		main_give_up();
	}
	main_drain();
	console_focus(console_first());
	loop_run();
}
