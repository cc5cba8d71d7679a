/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/guest.c: a guest's life: memory, tables and devices once; kernel and first CPU at each start. */
#include "guest/service/guest.h"
#include "guest/rt/hypercall.h"
#include "guest/rt/arch.h"
#include "guest/vmm/virtio.h"

#define GUEST_DONATION	  0x80000UL	/* at first, for a VM's tables and CPUs       */
#define GUEST_DONATE_MORE 0x40000UL	/* when the hypervisor says that it ran out   */
#define GUEST_DONATE_MAX  64		/* times                                      */
#define GUEST_RESTART_NS  1000000000ULL /* at least, from a start or a crash to the next start */

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

static bool guest_fail(const struct guest *g, const char *what, status_t s)
{
	log_line("error: guest %s: %s: status %d", g->config->name, what, (int)s);
	return false;
}

/* More memory for the tables of @vm: true if it is worth trying again. */
static bool guest_donate(const struct vm *vm, unsigned *times)
{
	void *p;

	if ((*times)++ >= GUEST_DONATE_MAX)
		return false;
	p = mem_donation(GUEST_DONATE_MORE);
	return p != NULL && hv_call(HV_VM_DONATE, vm->id, (uintptr_t)p, GUEST_DONATE_MORE, 0, 0).status == OK;
}

/* RAM where the machine has it, in the largest pages that are to be had. */
static bool guest_ram(struct guest *g)
{
	struct vm *vm = &g->vm;
	u64 left = g->config->memory, gpa;
	unsigned times = 0;

	while (left != 0) {
		u64 size = machine_ram(vm->nram, left, &gpa);
		struct vm_ram *r = &vm->ram[vm->nram];
		status_t s;

		r->mem = size >= SIZE_1G ? page_alloc(size, SIZE_1G) : NULL;
		if (r->mem == NULL)
			r->mem = page_alloc(size, SIZE_2M);
		if (r->mem == NULL) {
			log_line("error: guest %s: no %llu MiB of free memory in one piece", vm->name,
				 (unsigned long long)(size >> 20));
			return false;
		}
		memset(r->mem, 0, size); /* a warm reset keeps what former guests left */
		r->gpa = gpa;
		r->size = size;
		vm->nram++;
		/* A call maps at most 1 GiB. */
		s = OK;
		for (u64 off = 0, n; s == OK && off < size; off += n) {
			n = MIN(size - off, (u64)SIZE_1G);
			do {
				s = hv_vm_map(vm->id, gpa + off, r->mem + off, n, MAP_R | MAP_W | MAP_X);
			} while (s == ERR_NOMEM && guest_donate(vm, &times));
		}
		if (s != OK)
			return guest_fail(g, "map memory", s);
		left -= size;
	}
	return true;
}

/* The VM's memory goes back; its consoles, with what they hold, stay where the user may look at them. */
static void guest_unmake(struct guest *g)
{
	struct vm *vm = &g->vm;

	if (hv_call(HV_VM_DESTROY, vm->id, 0, 0, 0, 0).status != OK)
		return; /* then the memory is not ours */
	for (; vm->nram != 0; vm->nram--)
		page_free(vm->ram[vm->nram - 1].mem, vm->ram[vm->nram - 1].size);
}

/* Are the files there? Asked first, since a guest that lacks one needs no memory. */
static bool guest_files(const struct config_vm *c)
{
	const char *file[2 + CONFIG_MAX_MODULES + CONFIG_MAX_DISKS];
	unsigned n = 0;

	file[n++] = c->kernel;
	if (c->initrd[0] != '\0')
		file[n++] = c->initrd;
	for (unsigned i = 0; i < c->nmodules; i++)
		file[n++] = c->module[i].file;
	for (unsigned i = 0; i < c->ndisks; i++)
		file[n++] = c->disk[i].file;
	for (unsigned i = 0; i < n; i++) {
		if (guest_module(file[i]) == NULL) {
			log_line("error: guest %s: no boot module is called '%s'", c->name, file[i]);
			return false;
		}
	}
	return true;
}

static bool guest_configure(struct guest *g)
{
	const char *what;
	status_t s = machine_configure(&g->vm, &service_info, &what);

	return s == OK || guest_fail(g, what, s);
}

static bool guest_vcpus(struct guest *g)
{
	struct vm *vm = &g->vm;
	unsigned times = 0;

	for (unsigned i = 0; i < vm->nvcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		struct hv_result r;

		v->vm = vm;
		v->index = i;
		v->run = page_alloc(PAGE_SIZE, PAGE_SIZE);
		if (v->run == NULL)
			return guest_fail(g, "run page", ERR_NOMEM);
		memset(v->run, 0, PAGE_SIZE);
		do {
			r = hv_call(HV_VCPU_CREATE, vm->id, (uintptr_t)v->run, (uintptr_t)v, i, 0);
		} while (r.status == ERR_NOMEM && guest_donate(vm, &times));
		if (r.status != OK)
			return guest_fail(g, "create a CPU", r.status);
		v->id = (u32)r.a;
	}
	return true;
}

static struct console *guest_console(const struct guest *g, const char *kind)
{
	char name[CONSOLE_NAME];

	(void)snprintf(name, sizeof(name), "%s %s", g->config->name, kind);
	return console_new(name);
}

static bool guest_devices(struct guest *g)
{
	const struct config_vm *c = g->config;
	struct pci_root *pci = machine_pci(&g->machine);
	unsigned devfn = 1 << 3;
	status_t s = OK;

	if (c->virtio_console) {
		g->virtio = guest_console(g, "virtio-console");
		s = g->virtio == NULL ? ERR_NOMEM : virtio_console_new(&g->vm, pci, devfn, &g->virtio->tty);
		devfn += 1 << 3;
	}
	if (s != OK)
		return guest_fail(g, "virtio console", s);
	for (unsigned i = 0; i < c->ndisks; i++, devfn += 1 << 3) {
		const struct config_disk *d = &c->disk[i];
		const struct boot_module *m = guest_module(d->file);

		g->disk[i] = ramdisk_new((const void *)(uintptr_t)m->base, m->size, d->readonly, d->serial);
		s = g->disk[i] == NULL ? ERR_NOMEM : virtio_blk_new(&g->vm, pci, devfn, g->disk[i]);
		if (s != OK)
			return guest_fail(g, d->file, s);
	}
	s = c->rng ? virtio_rng_new(&g->vm, pci, devfn) : OK;
	return s == OK || guest_fail(g, "virtio entropy device", s);
}

static bool guest_platform(struct guest *g)
{
	struct machine_options o = { .ncpus = g->vm.nvcpus, .info = &service_info };
	status_t s;

	if (g->config->serial) {
		g->serial = guest_console(g, "serial");
		if (g->serial == NULL)
			return guest_fail(g, "console", ERR_NOMEM);
		o.serial = &g->serial->tty;
	}
	g->counter_offset = 0 - cpu_counter(); /* the guest's counter starts at about 0, as after a reset */
	o.counter_offset = g->counter_offset;
	s = machine_init(&g->machine, &g->vm, &o);
	if (s != OK)
		return guest_fail(g, "platform", s);
	if (!guest_devices(g))
		return false;
	s = machine_finish(&g->machine);
	return s == OK || guest_fail(g, "platform", s);
}

static void guest_stopped(struct vm *vm);
static void guest_restart(struct timer *t);

bool guest_create(const struct config_vm *config)
{
	struct guest *g;
	void *donation;
	struct hv_result r;

	if (!guest_files(config))
		return false;
	g = mem_alloc(sizeof(*g));
	donation = mem_donation(GUEST_DONATION);
	if (g == NULL || donation == NULL) {
		log_line("error: guest %s: out of memory", config->name);
		return false;
	}
	g->config = config;
	(void)str_copy(g->vm.name, config->name, sizeof(g->vm.name));
	g->vm.nvcpus = config->cpus;
	g->vm.stopped = guest_stopped;
	timer_init(&g->restart, guest_restart);
	r = hv_call(HV_VM_CREATE, (uintptr_t)donation, GUEST_DONATION, (uintptr_t)&g->vm, 0, 0);
	if (r.status != OK)
		return guest_fail(g, "create", r.status);
	g->vm.id = (u32)r.a;
	if (!guest_ram(g) || !guest_configure(g) || !guest_vcpus(g) || !guest_platform(g)) {
		guest_unmake(g);
		return false;
	}
	guests[nguests++] = g;
	return true;
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
	if (!guest_blob(g, c->kernel, &in.kernel) || (c->initrd[0] != '\0' && !guest_blob(g, c->initrd, &in.initrd)))
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
	memcpy(hv_mailbox, state, sizeof(*state));
	v->parked = v->index != 0;
	v->owed = false;
	v->run->reply = v->parked ? REPLY_HALT : 0;
	v->run->data = 0;
	return hv_call(HV_VCPU_SET, v->id, VCPU_SET_POWER_ON | (v->parked ? VCPU_SET_WAIT : 0), 0, 0, 0).status;
}

/* The CPUs but the first, whose @state the loader has filled, go to sleep; then that one runs. */
static bool guest_run(struct guest *g, struct vcpu_state *state)
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
	for (unsigned i = g->vm.nvcpus; i-- != 0;) {
		s = loop_vcpu_run(&g->vm.vcpu[i]);
		if (s != OK)
			return guest_fail(g, "run", s);
	}
	return true;
}

bool guest_start(struct guest *g)
{
	struct vcpu_state state;

	memset(&state, 0, sizeof(state));
	if (!guest_load(g, &state))
		return false;
	g->vm.state = VM_RUNNING;
	g->ended = g->stays = false;
	g->started = time_ns();
	g->starts++;
	if (guest_run(g, &state))
		return true;
	for (unsigned i = 0; i < g->vm.nvcpus; i++) {
		struct vcpu *v = &g->vm.vcpu[i];

		if (v->in_guest) /* its event finds a VM that does not run, and nobody who waits for it */
			(void)hv_call(HV_VCPU_STOP, v->id, 0, 0, 0, 0);
	}
	g->vm.stop_told = true;
	g->vm.state = VM_STOPPED;
	return false;
}

void guest_audit(void)
{
	struct hv_result r = hv_call(HV_AUDIT, 0, 0, 0, 0, 0);
	struct hv_audit a;

	if (r.status != OK) {
		log_line("audit: status %d", (int)r.status);
		return;
	}
	memcpy(&a, hv_mailbox, sizeof(a));
	a.what[sizeof(a.what) - 1] = '\0';
	log_line("audit: %llu leaves, %llu violations", (unsigned long long)a.leaves, (unsigned long long)a.violations);
	if (a.violations != 0)
		log_line("audit: VM %u, guest-physical %llx, physical %llx: %s", a.vm, (unsigned long long)a.gpa,
			 (unsigned long long)a.pa, a.what);
}

static void guest_end(struct guest *g)
{
	g->ended = true;
	service_guest_ended();
}

/* Devices as at power-on; memory stays as it is, but for what the platform and the loader write into it. */
static void guest_reset(struct guest *g)
{
	struct pci_root *pci = machine_pci(&g->machine);

	/* Behind the host bridge at 0 there are only the virtio devices of guest_devices. */
	for (unsigned i = 1; i < ARRAY_SIZE(pci->dev); i++) {
		if (pci->dev[i] != NULL)
			virtio_reset(container_of(pci->dev[i], struct virtio, pci));
	}
	if (machine_reset(&g->machine) != OK)
		log_line("error: guest %s: no room for its tables", g->vm.name);
}

static void guest_restart(struct timer *t)
{
	struct guest *g = container_of(t, struct guest, restart);

	guest_reset(g);
	if (!guest_start(g))
		guest_end(g);
}

bool guest_again(struct guest *g)
{
	if ((g->vm.state == VM_CRASHED || g->vm.state == VM_OFF) && !g->vm.stop_told)
		return false;
	timer_cancel(&g->restart); /* it may have been to start by itself */
	guest_restart(&g->restart);
	return true;
}

static void guest_stopped(struct vm *vm)
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
	if (g->vm.state == VM_RUNNING || g->vm.state == VM_PAUSED) {
		g->stays = true;
		vm_stop(&g->vm, STOP_POWEROFF, "stopped from the service console");
	} else if (!g->ended && g->vm.stop_told) { /* it was to start again */
		timer_cancel(&g->restart);
		guest_end(g);
	}
}
