/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/service/guest.c: a guest's life, all of it on the first CPU: kernel and first CPU's state at each start,
 * restarts, and the end for good, at which its VM goes (make.c).
 */
#include "guest/service/life.h"
#include "guest/rt/hypercall.h"
#include "guest/rt/arch.h"
#include "guest/vmm/virtio.h"

#define GUEST_RESTART_NS 1000000000ULL /* at least, from a start or a crash to the next start */

struct guest *guests[CONFIG_MAX_VMS];
unsigned nguests;

static const struct boot_info *guest_boot;

void guest_modules(const struct boot_info *boot)
{
	guest_boot = boot;
}

static bool guest_module_is(const char *string, const char *name)
{
	size_t len = 0, base = 0, n = strlen(name);

	while (len < BOOT_STRING && string[len] != '\0' && string[len] != ' ') {
		if (string[len++] == '/')
			base = len;
	}
	return (len == n && memcmp(string, name, n) == 0) || (len - base == n && memcmp(string + base, name, n) == 0);
}

const struct boot_module *guest_module(const char *name)
{
	for (unsigned i = 0; i < guest_boot->nmodules && i < BOOT_MAX_MODULES; i++) {
		if (guest_module_is(guest_boot->module[i].string, name))
			return &guest_boot->module[i];
	}
	/* A path in the configuration, a bare name at the boot loader. */
	for (const char *p = strchr(name, '/'); p != NULL; p = strchr(name, '/'))
		name = p + 1;
	for (unsigned i = 0; i < guest_boot->nmodules && i < BOOT_MAX_MODULES; i++) {
		if (guest_module_is(guest_boot->module[i].string, name))
			return &guest_boot->module[i];
	}
	return NULL;
}

struct guest *guest_by_name(const char *name)
{
	for (unsigned i = 0; i < nguests; i++) {
		if (strcmp(guests[i]->vm.name, name) == 0)
			return guests[i];
	}
	return NULL;
}

bool guest_fail(const struct guest *g, const char *what, status_t s)
{
	log_line("error: guest %s: %s: status %d", g->config->name, what, (int)s);
	return false;
}

static bool guest_blob(struct guest *g, const char *name, struct blob *b)
{
	const struct boot_module *m = guest_module(name);

	if (m == NULL) {
		log_line("error: guest %s: no boot module is called '%s'", g->config->name, name);
		return false;
	}
	b->name = name;
	b->data = (const void *)(uintptr_t)m->base;
	b->size = m->size;
	return true;
}

static bool guest_load(struct guest *g, struct vcpu_state *state)
{
	const struct config_vm *c = g->config;
	struct loader_input in;

	memset(&in, 0, sizeof(in));
	if ((c->kernel[0] != '\0' && !guest_blob(g, c->kernel, &in.kernel)) ||
	    (c->initrd[0] != '\0' && !guest_blob(g, c->initrd, &in.initrd)))
		return false;
	for (unsigned i = 0; i < c->nmodules && i < LOADER_MAX_MODULES; i++) {
		if (!guest_blob(g, c->module[i].file, &in.module[i]))
			return false;
		in.module_args[i] = c->module[i].args;
		in.nmodules++;
	}
	in.cmdline = c->cmdline;
	if (machine_load(&g->machine, &in, state) != OK) {
		log_line("error: guest %s: %s", c->name, in.error);
		return false;
	}
	return true;
}

/* Power on CPU @v in @state. All but the first wait until another one starts them. */
static status_t guest_power_on(struct guest *g, struct vcpu *v, struct vcpu_state *state)
{
	state->counter_offset = g->counter_offset;
	memcpy(hv_mailbox(), state, sizeof(*state));
	v->parked = v->index != 0;
	v->run->reply = v->parked ? REPLY_HALT : 0;
	v->run->data = 0;
	return hv_call(HV_VCPU_SET, v->id, VCPU_SET_POWER_ON | (v->parked ? VCPU_SET_WAIT : 0), 0, 0, 0).status;
}

/* The CPUs but the first, whose @state the loader has filled, go to sleep; then that one can run. */
static bool guest_power(struct guest *g, struct vcpu_state *state)
{
	status_t s = guest_power_on(g, &g->vm.vcpu[0], state);

	if (s != OK)
		return guest_fail(g, "set the first CPU's state", s);
	for (unsigned i = 1; i < g->vm.nvcpus; i++) {
		machine_cpu_state(&g->machine, i, state);
		s = guest_power_on(g, &g->vm.vcpu[i], state);
		if (s != OK)
			return guest_fail(g, "set a CPU's state", s);
	}
	return true;
}

bool guest_start(struct guest *g)
{
	struct vcpu_state state;
	status_t s = OK;

	memset(&state, 0, sizeof(state));
	if (!guest_load(g, &state) || !guest_power(g, &state))
		return false;
	g->ended = g->stays = false;
	g->started = time_ns();
	g->starts++;
	vm_running(&g->vm);
	for (unsigned i = g->vm.nvcpus; s == OK && i-- != 0;)
		s = vm_start(&g->vm.vcpu[i]);
	if (s != OK) { /* it comes to its end as others do */
		g->stays = true;
		vm_stop(&g->vm, STOP_CRASH, "a CPU cannot be run: status %d", (int)s);
	}
	return true;
}

void guest_audit(void)
{
	struct hv_result r = hv_call(HV_AUDIT, 0, 0, 0, 0, 0);
	struct hv_audit a;

	if (r.status != OK) {
		log_line("audit: status %d", (int)r.status);
		return;
	}
	memcpy(&a, hv_mailbox(), sizeof(a));
	a.what[sizeof(a.what) - 1] = '\0';
	log_line("audit: %llu leaves, %llu violations", (unsigned long long)a.leaves, (unsigned long long)a.violations);
	if (a.violations != 0)
		log_line("audit: VM %u, guest-physical %llx, physical %llx: %s", a.vm, (unsigned long long)a.gpa,
			 (unsigned long long)a.pa, a.what);
}

/* Devices as at power-on; memory stays as it is, but for what the platform and the loader write into it. */
static void guest_reset(struct guest *g, bool tables)
{
	struct pci_root *pci = machine_pci(&g->machine);

	/* The virtio devices of guest_devices. */
	for (unsigned i = machine_devfn(&g->vm); i < ARRAY_SIZE(pci->dev); i++) {
		if (pci->dev[i] != NULL)
			virtio_reset(container_of(pci->dev[i], struct virtio, pci));
	}
	if (machine_reset(&g->machine) != OK && tables)
		log_line("error: guest %s: no room for its tables", g->vm.name);
}

void guest_failed(struct guest *g)
{
	if (g->life == GUEST_MADE) {
		if (guest_statistics)
			command_log_exits(g);
		guest_reset(g, false);
		guest_unmake(g);
	}
	g->ended = true;
}

/* For good, unless somebody starts it again. */
static void guest_end(struct guest *g)
{
	guest_failed(g);
	service_guest_ended();
}

void guest_restart(struct timer *t)
{
	struct guest *g = container_of(t, struct guest, restart);

	if (g->life == GUEST_GONE && !guest_make(g)) {
		guest_end(g);
		return;
	}
	guest_reset(g, true);
	if (!guest_start(g))
		guest_end(g);
}

bool guest_again(struct guest *g)
{
	if (vm_state(&g->vm) != VM_STOPPED && !g->vm.stop_told)
		return false;
	timer_cancel(&g->restart); /* it may have been to start by itself */
	g->ended = false;
	if (g->life == GUEST_SCRUBBED)
		g->again = true;
	else
		guest_restart(&g->restart);
	return true;
}

void guest_stopped(struct vm *vm)
{
	struct guest *g = container_of(vm, struct guest, vm);
	u64 now = time_ns(), next = g->started + GUEST_RESTART_NS;
	enum config_action action;

	switch (vm->stop_how) {
	case STOP_POWEROFF:
		action = g->config->on_poweroff;
		log_line("guest %s has powered off: %s", vm->name, vm->stop_why);
		break;
	case STOP_RESET:
		action = g->config->on_reboot;
		log_line("guest %s resets: %s", vm->name, vm->stop_why);
		break;
	default:
		action = g->config->on_crash;
		next = now + GUEST_RESTART_NS;
		log_line("guest %s crashed: %s", vm->name, vm->stop_why);
		break;
	}
	guest_audit();
	if (action == ACTION_RESTART && !service_leaving() && !g->stays)
		timer_set(&g->restart, MAX(now, next)); /* loading one again and again would starve the others */
	else
		guest_end(g);
}

void guest_stop(struct guest *g)
{
	if (guest_lives(g)) {
		g->stays = true;
		vm_stop(&g->vm, STOP_POWEROFF, "stopped from the service console");
	} else if (!g->ended && g->vm.stop_told) { /* it was to start again */
		timer_cancel(&g->restart);
		g->again = false;
		guest_end(g);
	}
}
