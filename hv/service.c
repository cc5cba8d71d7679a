/* SPDX-License-Identifier: Apache-2.0 */
/* hv/service.c: the service VM: made from a boot module, owner of all memory and devices that are not the hypervisor's.
 */
#include "hv/abi/service.h"

#include "arch/iface/mem.h"
#include "hv/lib/string.h"
#include "hv/vm.h"

static u64 service_boot_info_pa;
static const struct boot_info *service_bi;
static u64 service_image, service_image_size;

static const struct boot_module *service_module(const struct boot_info *bi)
{
	for (u32 i = 0; i < bi->nmodules; i++)
		if (strcmp(bi->module[i].string, "service") == 0)
			return &bi->module[i];
	panic("no boot module named \"service\": the boot menu must load service.bin");
}

/* Its header is its maker's word, read through the window: the image is not ours to map. */
static void service_check(const struct boot_module *m, struct service_header *h)
{
	static u8 page[PAGE_SIZE];

	if (m->size < sizeof(*h) || !is_aligned(m->base, PAGE_SIZE) || !range_in(m->base, m->size, 0, 4 * SIZE_1G))
		panic("the service module is too short, or not page-aligned below 4 GiB");
	arch_mem_read(m->base, page);
	memcpy(h, page, sizeof(*h));
	if (h->magic != SERVICE_MAGIC || h->version != SERVICE_VERSION)
		panic("the service module is not a service VM of this version");
	if (h->image_size > m->size || h->entry >= h->image_size || h->guard >= h->image_size ||
	    h->text_size > h->image_size || !is_aligned(h->text_size | h->guard, PAGE_SIZE))
		panic("the service module is truncated: %lu of %lu bytes", m->size, h->image_size);
	if (h->text_size && h->entry >= h->text_size)
		panic("the service module starts beyond its text");
}

static bool service_usable(const struct vm *vm, const struct boot_info *bi, u64 pa)
{
	if (mem_check_free(vm, pa, PAGE_SIZE) != OK)
		return false;
	for (u32 i = 0; i < bi->nmodules; i++)
		if (range_overlap(pa, PAGE_SIZE, bi->module[i].base, bi->module[i].size))
			return false;
	return true;
}

/* @n pages in a row, in RAM of the service VM's that no module lies in. */
static u64 service_pages(const struct vm *vm, const struct boot_info *bi, u64 n)
{
	u64 run = 0;

	for (u64 pa = SIZE_2M; pa < mem_top() && pa < 4 * SIZE_1G; pa += PAGE_SIZE) {
		if (!mem_frame(pa)) { /* a hole */
			pa = round_up(pa + PAGE_SIZE, SIZE_2M) - PAGE_SIZE;
			run = 0;
			continue;
		}
		run = service_usable(vm, bi, pa) ? run + 1 : 0;
		if (run == n)
			return pa - (n - 1) * PAGE_SIZE;
	}
	panic("no %lu KiB of memory to share with the service VM", n * PAGE_SIZE >> 10);
}

/* @size bytes, zeroed, that both can reach. */
static u64 service_share(struct vm *vm, const struct boot_info *bi, u64 size)
{
	u64 n = round_up(size, PAGE_SIZE) >> PAGE_SHIFT, base = service_pages(vm, bi, n);

	for (u64 pa = base; pa < base + n * PAGE_SIZE; pa += PAGE_SIZE) {
		if (mem_share(vm, pa) != OK)
			panic("cannot share a page with the service VM");
		memset(arch_ptr(pa), 0, PAGE_SIZE);
	}
	return base;
}

/* The boot information in consecutive pages that the service VM may read. */
static void service_copy_boot_info(struct vm *vm, const struct boot_info *bi)
{
	const u8 *from = (const u8 *)bi;

	service_boot_info_pa = service_share(vm, bi, sizeof(*bi));
	for (u64 off = 0; off < sizeof(*bi); off += PAGE_SIZE)
		memcpy(arch_ptr(service_boot_info_pa + off), from + off, MIN(PAGE_SIZE, sizeof(*bi) - off));
}

/* Of a program without page tables of its own: text is not writable, and a stack that overflows does not go on. */
static void service_protect(struct vm *vm, u64 base, const struct service_header *h)
{
	status_t s = OK;

	if (h->text_size)
		s = ptab_protect(arch_vm_s2(&vm->arch), base, h->text_size, PT_R | PT_X, vm->pool);
	if (s == OK && h->guard)
		s = ptab_unmap(arch_vm_s2(&vm->arch), base + h->guard, PAGE_SIZE, vm->pool);
	if (s != OK)
		panic("the service module's pages: status %d", s);
}

/* Each CPU makes its own: what of it lies in the CPU's registers is in the right one's. */
static void service_vcpu_there(void *arg)
{
	struct cpu *c = this_cpu();

	c->service = vcpu_new(arg, c->id, NULL);
	if (!c->service)
		panic("no memory for the service VM's vCPU %u", c->id);
}

void service_create(const struct boot_info *bi)
{
	const struct boot_module *m = service_module(bi);
	struct vm *vm = pool_get(mem_pool());
	struct service_header h;

	service_bi = bi;
	service_check(m, &h);
	ASSERT(vm);
	vm->pool = mem_pool();
	if (vm_init(vm, VM_SERVICE, RIGHT_ALL) != OK)
		panic("no memory for the service VM");
	mem_give_all(vm, h.text_size ? PT_R | PT_W : PT_R | PT_W | PT_X);
	service_protect(vm, m->base, &h);
	service_image = m->base;
	service_image_size = h.image_size;
	control_lock();
	for (unsigned n = 0; n < BOOT_MAX_CPUS; n++)
		if (cpus[n]) {
			cpus[n]->mailbox_pa = service_share(vm, bi, MAILBOX_SIZE);
			cpus[n]->mailbox = arch_ptr(cpus[n]->mailbox_pa);
			cpu_call(cpus[n], service_vcpu_there, vm);
		}
	control_unlock();
	service_copy_boot_info(vm, bi);
	service_start(this_cpu(), m->base + h.entry, m->base);
}

void service_start(struct cpu *c, u64 entry, u64 arg)
{
	arch_vcpu_init_service(&c->service->arch, entry, arg, c->mailbox_pa);
	c->service->state = VCPU_READY;
	c->started = true;
	c->service_waits = false;
}

static void service_region(struct hv_info *i, u64 base, u64 size, u32 kind, u32 index)
{
	if (i->nregions < HV_INFO_REGIONS && size)
		i->region[i->nregions++] =
			(struct hv_region){ .base = base, .size = size, .kind = kind, .index = index };
}

/* The service VM's RAM without image, modules, shared pages and the first MiB (where firmware keeps its own). */
static bool service_free(u64 pa)
{
	const struct frame *f = mem_frame(pa);

	if (!f || f->owner != VM_SERVICE || f->flags || f->grantee || pa < 0x100000)
		return false;
	for (u32 i = 0; i < service_bi->nmodules; i++)
		if (range_overlap(pa, PAGE_SIZE, service_bi->module[i].base, service_bi->module[i].size))
			return false;
	return true;
}

void service_info(struct hv_info *i)
{
	u64 start = 0;

	memset(i, 0, sizeof(*i));
	i->abi_version = ABI_VERSION;
	i->features = arch_features();
	i->counter_hz = arch_counter_hz();
	i->boot_info = service_boot_info_pa;
	i->ncpus = 0;
	for (unsigned n = 0; n < BOOT_MAX_CPUS; n++)
		i->ncpus += cpus[n] != NULL;
	i->hv_bytes = mem_own_bytes();
	i->image_bytes = arch_image_bytes();
	(void)str_copy(i->machine, arch_machine_name(), sizeof(i->machine));
	service_region(i, service_image, service_image_size, HV_REGION_IMAGE, 0);
	for (u32 n = 0; n < service_bi->nmodules; n++)
		service_region(i, service_bi->module[n].base, service_bi->module[n].size, HV_REGION_MODULE, n);
	for (u64 pa = 0; pa <= mem_top(); pa += PAGE_SIZE) {
		bool is_free = service_free(pa);

		if (is_free && !start)
			start = pa;
		if (!is_free && start) {
			service_region(i, start, pa - start, HV_REGION_RAM, 0);
			start = 0;
		}
	}
}
