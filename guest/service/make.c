/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/service/make.c: what a guest is made of: its devices, once; the VM with its memory and CPUs, from its first
 * start to its end for good, and anew when it is started again.
 */
#include "guest/rt/arch.h"
#include "guest/service/life.h"
#include "guest/vmm/virtio.h"

#define GUEST_DONATION	  0x80000UL /* at first, for a VM's tables and CPUs                                    */
#define GUEST_DONATE_MORE 0x40000UL /* when the hypervisor says that it ran out, twice as much each time */
#define GUEST_SCRUB	  SIZE_2M   /* memory that is cleared in one go                                        */

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

static bool guest_rom_fail(const struct guest *g, unsigned line, const char *key, const char *file, const char *why)
{
	log_line("error: guest %s: line %u: %s '%s' %s", g->config->name, line, key, file, why);
	return false;
}

/* A copy of @m, which the guest can reach by @rights. One that is there already, from before, stays. */
static bool guest_rom_map(struct guest *g, const struct boot_module *m, unsigned rights)
{
	struct vm *vm = &g->vm;
	struct vm_rom *r = &vm->rom[vm->nroms];
	status_t s;

	if (r->mem == NULL) {
		r->mem = page_alloc(m->size, m->size < SIZE_2M ? PAGE_SIZE : SIZE_2M);
		if (r->mem == NULL)
			return guest_fail(g, "memory for firmware", ERR_NOMEM);
		memcpy(r->mem, (const void *)(uintptr_t)m->base, m->size);
	}
	r->size = m->size;
	vm->nroms++;
	do {
		s = hv_vm_map(vm->id, r->gpa, r->mem, r->size, rights);
	} while (s == ERR_NOMEM && guest_donate(vm));
	r->mapped = s == OK;
	return s == OK || guest_fail(g, "map firmware", s);
}

/* The firmware, and its variables, which stay as the guest has written them. */
static bool guest_roms(struct guest *g)
{
	const struct config_vm *c = g->config;
	const struct boot_module *m;
	struct vm *vm = &g->vm;
	const char *why;

	vm->nroms = 0;
	if (c->firmware[0] == '\0')
		return true;
	m = guest_module(c->firmware);
	if (machine_rom((const void *)(uintptr_t)m->base, m->size, &vm->rom[0].gpa, &why) != OK)
		return guest_rom_fail(g, c->firmware_line, "firmware", c->firmware, why);
	if (!guest_rom_map(g, m, MAP_R | MAP_X))
		return false;
	if (c->variables[0] == '\0')
		return true;
	m = guest_module(c->variables);
	if (machine_variables(m->size, vm->rom[0].gpa, &vm->rom[1].gpa, &why) != OK)
		return guest_rom_fail(g, c->variables_line, "variables", c->variables, why);
	return guest_rom_map(g, m, MAP_R);
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
		if (g->again)
			guest_restart(&g->restart);
		g->again = false;
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

void guest_unmake(struct guest *g)
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
	const char *file[3 + CONFIG_MAX_MODULES + CONFIG_MAX_DISKS];
	unsigned n = 0;

	file[n++] = c->firmware[0] != '\0' ? c->firmware : c->kernel;
	if (c->initrd[0] != '\0')
		file[n++] = c->initrd;
	if (c->variables[0] != '\0')
		file[n++] = c->variables;
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
	unsigned devfn = machine_devfn(&g->vm);
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

bool guest_make(struct guest *g)
{
	status_t s;
	u64 id;

	s = guest_give(g, GUEST_DONATION, true, &id);
	if (s != OK)
		return guest_fail(g, "create", s);
	g->vm.id = (u32)id;
	g->life = GUEST_MADE;
	if (guest_ram(g) && guest_roms(g) && guest_configure(g) && guest_vcpus(g))
		return true;
	guest_unmake(g);
	return false;
}

/* One whose devices could not be made either. Only its memory, that guest_scrub has in hand, is not yet back. */
static void guest_forget(struct guest *g)
{
	struct pci_root *pci = machine_pci(&g->machine);

	for (unsigned i = machine_devfn(&g->vm); i < ARRAY_SIZE(pci->dev); i++) {
		if (pci->dev[i] != NULL)
			virtio_free(container_of(pci->dev[i], struct virtio, pci));
	}
	for (unsigned i = 0; i < CONFIG_MAX_DISKS; i++) {
		if (g->disk[i] != NULL)
			ramdisk_free(g->disk[i]);
	}
	console_free(g->serial);
	console_free(g->virtio);
	for (unsigned i = 0; i < VM_MAX_ROMS; i++) {
		if (g->vm.rom[i].mem != NULL)
			page_free(g->vm.rom[i].mem, g->vm.rom[i].size);
	}
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
	work_init(&g->shake, guest_shake_some);
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
