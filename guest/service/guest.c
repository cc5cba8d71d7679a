/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/service/guest.c: a guest's life: its devices once; the VM, its memory and CPUs from its first start to its end
 * for good, and anew when it is started again; kernel and first CPU's state at each start. All of it on the first CPU.
 */
#include "guest/service/guest.h"
#include "guest/rt/hypercall.h"
#include "guest/rt/arch.h"
#include "guest/vmm/virtio.h"

#define GUEST_DONATION	  0x80000UL	/* at first, for a VM's tables and CPUs       */
#define GUEST_DONATE_MORE 0x40000UL	/* when the hypervisor says that it ran out, twice as much each time */
#define GUEST_SCRUB	  SIZE_2M	/* memory that is cleared in one go          */
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

/* Memory for the tables of @g's VM; the hypervisor has it by @call. */
static status_t guest_give(struct guest *g, u64 size, bool create, u64 *id)
{
	struct hv_result r;
	void *p;

	if (g->ndonations == GUEST_DONATIONS)
		return ERR_FULL;
	p = mem_donation(size);
	if (p == NULL)
		return ERR_NOMEM;
	if (create)
		r = hv_call(HV_VM_CREATE, (uintptr_t)p, size, (uintptr_t)&g->vm, 0, 0);
	else
		r = hv_call(HV_VM_DONATE, g->vm.id, (uintptr_t)p, size, 0, 0);
	if (r.status != OK) {
		page_free(p, size);
		return r.status;
	}
	*id = r.a;
	g->donation[g->ndonations].mem = p;
	g->donation[g->ndonations++].size = size;
	return OK;
}

/* vm->donate: true if it is worth trying again. */
static bool guest_donate(struct vm *vm)
{
	struct guest *g = container_of(vm, struct guest, vm);
	u64 ignored;

	return guest_give(g, GUEST_DONATE_MORE << (g->ndonations - 1), false, &ignored) == OK;
}

/* RAM where the machine has it, in the largest pages that are to be had. */
static bool guest_ram(struct guest *g)
{
	struct vm *vm = &g->vm;
	u64 left = g->config->memory, gpa;

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
			} while (s == ERR_NOMEM && guest_donate(vm));
		}
		if (s != OK)
			return guest_fail(g, "map memory", s);
		left -= size;
	}
	return true;
}

/* The last of a VM's memory, a piece at a time: whoever gets it next must not read what was here. */
static void guest_scrub(struct work *w)
{
	struct guest *g = container_of(w, struct guest, scrub);
	struct vm *vm = &g->vm;
	struct vm_ram *r;
	u64 n;

	if (vm->nram == 0) {
		g->life = GUEST_GONE;
		return;
	}
	r = &vm->ram[vm->nram - 1];
	n = MIN(r->size, GUEST_SCRUB);
	r->size -= n;
	page_free(r->mem + r->size, n);
	if (r->size == 0)
		vm->nram--;
	work_queue(w);
}

/*
 * The VM goes, as far as it was made, and all that it had: no vCPU is left. Devices and consoles, with what they
 * hold, stay; their registers are as after a reset, so that none of them reaches for memory.
 */
static void guest_unmake(struct guest *g)
{
	struct vm *vm = &g->vm;

	if (vm->id != 0 && hv_call(HV_VM_DESTROY, vm->id, 0, 0, 0, 0).status != OK) {
		log_line("error: guest %s: the hypervisor does not let go of it", vm->name);
		return; /* then the memory is not ours */
	}
	vm->id = 0;
	vm->nholes = 0;
	while (g->ndonations != 0) {
		g->ndonations--;
		page_free(g->donation[g->ndonations].mem, g->donation[g->ndonations].size);
	}
	for (unsigned i = 0; i < vm->nvcpus; i++) {
		page_free(vm->vcpu[i].run, PAGE_SIZE);
		vm->vcpu[i].run = NULL;
	}
	g->life = GUEST_SCRUBBED;
	work_queue(&g->scrub);
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

status_t guest_sched(struct guest *g, unsigned i, unsigned cpu)
{
	struct hv_result r = hv_call(HV_VCPU_SCHED, g->vm.vcpu[i].id, cpu | (u64)g->priority << 16, g->shares,
				     time_ticks(g->config->budget), time_ticks(g->config->period));

	if (r.status == OK)
		g->cpu[i] = cpu;
	return r.status;
}

/* Which physical CPU each of its vCPUs is for; false, in words, where the configuration asks for one that is not there.
 */
static bool guest_place(struct guest *g)
{
	static unsigned next; /* of all vCPUs that are not pinned */
	const struct config_vm *c = g->config;

	for (unsigned i = 0; i < c->npin; i++) {
		if (c->pin[i] >= rt_ncpus()) {
			log_line("error: guest %s: pin: there is no CPU %u, this machine has 0 to %u", c->name,
				 c->pin[i], rt_ncpus() - 1);
			return false;
		}
	}
	for (unsigned i = 0; i < c->cpus; i++)
		g->cpu[i] = c->npin != 0 ? c->pin[i % c->npin] : next++ % rt_ncpus();
	g->priority = c->priority;
	g->shares = c->shares;
	return true;
}

static bool guest_vcpu(struct guest *g, struct vcpu *v)
{
	struct hv_result r;
	status_t s;

	v->run = page_alloc(PAGE_SIZE, PAGE_SIZE);
	if (v->run == NULL)
		return guest_fail(g, "run page", ERR_NOMEM);
	memset(v->run, 0, PAGE_SIZE);
	do {
		r = hv_call(HV_VCPU_CREATE, g->vm.id, (uintptr_t)v->run, (uintptr_t)v, v->index, 0);
	} while (r.status == ERR_NOMEM && guest_donate(&g->vm));
	if (r.status != OK)
		return guest_fail(g, "create a CPU", r.status);
	v->id = (u32)r.a;
	s = guest_sched(g, v->index, g->cpu[v->index]);
	return s == OK || guest_fail(g, "place a CPU", s);
}

static bool guest_vcpus(struct guest *g)
{
	for (unsigned i = 0; i < g->vm.nvcpus; i++) {
		if (!guest_vcpu(g, &g->vm.vcpu[i]))
			return false;
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

/* The VM with its memory and CPUs, none of them in a state to run. False: nothing is left of it, soon. */
static bool guest_make(struct guest *g)
{
	status_t s;
	u64 id;

	s = guest_give(g, GUEST_DONATION, true, &id);
	if (s != OK)
		return guest_fail(g, "create", s);
	g->vm.id = (u32)id;
	g->life = GUEST_MADE;
	if (guest_ram(g) && guest_configure(g) && guest_vcpus(g))
		return true;
	guest_unmake(g);
	return false;
}

/* One whose devices could not be made either. Only its memory, that guest_scrub has in hand, is not yet back. */
static void guest_forget(struct guest *g)
{
	struct pci_root *pci = machine_pci(&g->machine);

	for (unsigned i = 1; i < ARRAY_SIZE(pci->dev); i++) {
		if (pci->dev[i] != NULL)
			virtio_free(container_of(pci->dev[i], struct virtio, pci));
	}
	for (unsigned i = 0; i < CONFIG_MAX_DISKS; i++) {
		if (g->disk[i] != NULL)
			ramdisk_free(g->disk[i]);
	}
	console_free(g->serial);
	console_free(g->virtio);
	while (g->life == GUEST_SCRUBBED) /* nobody else runs yet */
		work_run();
	mem_free(g);
}

bool guest_create(const struct config_vm *config)
{
	struct guest *g;

	if (!guest_files(config))
		return false;
	g = mem_alloc(sizeof(*g));
	if (g == NULL) {
		log_line("error: guest %s: out of memory", config->name);
		return false;
	}
	g->config = config;
	vm_init(&g->vm);
	(void)str_copy(g->vm.name, config->name, sizeof(g->vm.name));
	g->vm.nvcpus = config->cpus;
	g->vm.stopped = guest_stopped;
	g->vm.donate = guest_donate;
	timer_init(&g->restart, guest_restart, NULL);
	work_init(&g->scrub, guest_scrub);
	if (guest_place(g) && guest_make(g)) {
		if (guest_platform(g)) {
			guests[nguests++] = g;
			return true;
		}
		guest_unmake(g);
	}
	guest_forget(g);
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

	/* Behind the host bridge at 0 there are only the virtio devices of guest_devices. */
	for (unsigned i = 1; i < ARRAY_SIZE(pci->dev); i++) {
		if (pci->dev[i] != NULL)
			virtio_reset(container_of(pci->dev[i], struct virtio, pci));
	}
	if (machine_reset(&g->machine) != OK && tables)
		log_line("error: guest %s: no room for its tables", g->vm.name);
}

void guest_failed(struct guest *g)
{
	if (g->life == GUEST_MADE) {
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

static void guest_restart(struct timer *t)
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
	if (g->life == GUEST_SCRUBBED)
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
	if (guest_lives(g)) {
		g->stays = true;
		vm_stop(&g->vm, STOP_POWEROFF, "stopped from the service console");
	} else if (!g->ended && g->vm.stop_told) { /* it was to start again */
		timer_cancel(&g->restart);
		guest_end(g);
	}
}
