/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/drv/x86/acpi_os.c: what ACPICA asks of an operating system: memory, waiting, semaphores. There is one thread
 * and no interrupt. Firmware's tables may be broken or hostile, so all is counted: once the budget is spent, every
 * allocation, mapping and access fails, and ACPICA gives up.
 */
#include "guest/drv/x86/acpi_os.h"

#include <acpi/acpi.h>

#include "guest/rt/rt.h"
#include "hv/lib/util.h"

#define OS_CALL 64u /* what an allocation or a mapping costs beside its bytes */

struct acpi_os_cache {
	u16 size;
};

/* Before each allocation. */
struct os_block {
	u64 size, pad;
};

struct os_semaphore {
	u32 units;
};

static const struct boot_info *os_boot;
static u64 os_work, os_memory, os_waited;
static uintptr_t os_stack;
static char os_line[80];
static unsigned os_lines;
static u8 os_lock; /* what a lock is told by */

void acpi_os_begin(const struct boot_info *boot)
{
	os_boot = boot;
	os_work = os_memory = os_waited = 0;
	os_lines = 0;
	os_stack = (uintptr_t)__builtin_frame_address(0);
}

/* Tables that nest deeply make ACPICA call itself: it allocates each time. */
static bool os_spend(u64 n)
{
	if (os_stack - (uintptr_t)__builtin_frame_address(0) > ACPI_OS_STACK || n > ACPI_OS_WORK ||
	    os_work + n > ACPI_OS_WORK)
		return false;
	os_work += n;
	return true;
}

bool acpi_os_access(void)
{
	return os_spend(4 * OS_CALL);
}

/* As the hypervisor's frame table has it: whole pages of RAM, less what is also said to be something else. */
static bool os_is_ram(u64 page)
{
	bool ram = false;

	for (u32 i = 0; i < os_boot->nregions; i++) {
		const struct boot_region *r = &os_boot->region[i];

		if (range_bad(r->base, r->size))
			continue;
		if (r->kind == BOOT_MEM_RAM)
			ram |= range_in(page, PAGE_SIZE, r->base, r->size);
		else if (range_overlap(page, PAGE_SIZE, r->base, r->size))
			return false;
	}
	return ram;
}

static bool os_is_irqchip(u64 page)
{
	const struct boot_platform *p = &os_boot->platform;
	u64 lapic = p->lapic_base != 0 ? p->lapic_base : 0xfee00000;

	if (page == (lapic & PAGE_MASK))
		return true;
	for (u32 i = 0; i < p->nirqchips; i++) {
		if (page == (p->irqchip[i].base & PAGE_MASK))
			return true;
	}
	return false;
}

bool acpi_os_may_touch(u64 pa, u64 size)
{
	if (size == 0 || size > ACPI_OS_TABLE)
		return false;
	if (range_in(pa, size, (uintptr_t)os_boot->platform.rsdp, sizeof(os_boot->platform.rsdp)))
		return true;
	/* Page 0 is not mapped here; the service VM has no device above 4 GiB. */
	if (!range_in(pa, size, PAGE_SIZE, 4 * SIZE_1G - PAGE_SIZE))
		return false;
	for (u64 page = pa & PAGE_MASK; page < pa + size; page += PAGE_SIZE) {
		if (os_is_ram(page) || os_is_irqchip(page))
			return false;
	}
	return true;
}

acpi_status acpi_os_initialize(void)
{
	return AE_OK;
}

acpi_status acpi_os_terminate(void)
{
	return AE_OK;
}

acpi_physical_address acpi_os_get_root_pointer(void)
{
	return (uintptr_t)os_boot->platform.rsdp;
}

void *acpi_os_allocate(acpi_size size)
{
	struct os_block *b;

	if (size > ACPI_OS_MEMORY || os_memory + size > ACPI_OS_MEMORY || !os_spend(size + OS_CALL))
		return NULL;
	b = mem_alloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	os_memory += size;
	b->size = size;
	return b + 1;
}

void acpi_os_free(void *p)
{
	struct os_block *b = p;

	if (b == NULL)
		return;
	b--;
	os_memory -= b->size;
	mem_free(b);
}

acpi_status acpi_os_create_cache(char *name, u16 size, u16 depth, struct acpi_os_cache **out)
{
	struct acpi_os_cache *c = acpi_os_allocate(sizeof(*c));

	if (c == NULL)
		return AE_NO_MEMORY;
	c->size = size;
	*out = c;
	return AE_OK;
}

acpi_status acpi_os_delete_cache(struct acpi_os_cache *c)
{
	acpi_os_free(c);
	return AE_OK;
}

acpi_status acpi_os_purge_cache(struct acpi_os_cache *c)
{
	return AE_OK; /* nothing is kept */
}

void *acpi_os_acquire_object(struct acpi_os_cache *c)
{
	return acpi_os_allocate(c->size); /* zeroed */
}

acpi_status acpi_os_release_object(struct acpi_os_cache *c, void *object)
{
	acpi_os_free(object);
	return AE_OK;
}

void *acpi_os_map_memory(acpi_physical_address where, acpi_size size)
{
	if (!acpi_os_may_touch(where, size) || !os_spend(size + OS_CALL))
		return NULL;
	return (void *)(uintptr_t)where;
}

void acpi_os_unmap_memory(void *p, acpi_size size)
{
}

void acpi_os_begin_wait(void)
{
	os_waited = 0;
}

void acpi_os_wait(u64 ns)
{
	u64 end;

	ns = MIN(ns, ACPI_OS_WAIT - os_waited);
	os_waited += ns;
	end = time_ns() + ns;
	while (time_ns() < end)
		;
}

void acpi_os_sleep(u64 ms)
{
	acpi_os_wait(MIN(ms, ACPI_OS_WAIT) * 1000000);
}

void acpi_os_stall(u32 us)
{
	acpi_os_wait(us * 1000ULL);
}

u64 acpi_os_get_timer(void)
{
	return time_ns() / 100;
}

acpi_status acpi_os_create_lock(void **out)
{
	*out = &os_lock;
	return AE_OK;
}

void acpi_os_delete_lock(void *lock)
{
}

acpi_cpu_flags acpi_os_acquire_lock(void *lock)
{
	return 0;
}

void acpi_os_release_lock(void *lock, acpi_cpu_flags flags)
{
}

acpi_status acpi_os_create_semaphore(u32 max, u32 units, acpi_semaphore *out)
{
	struct os_semaphore *s = acpi_os_allocate(sizeof(*s));

	if (s == NULL)
		return AE_NO_MEMORY;
	s->units = units;
	*out = s;
	return AE_OK;
}

acpi_status acpi_os_delete_semaphore(acpi_semaphore s)
{
	acpi_os_free(s);
	return AE_OK;
}

/* Nobody else is there who could signal it. */
acpi_status acpi_os_wait_semaphore(acpi_semaphore handle, u32 units, u16 timeout)
{
	struct os_semaphore *s = handle;

	if (s->units < units)
		return AE_TIME;
	s->units -= units;
	return AE_OK;
}

acpi_status acpi_os_signal_semaphore(acpi_semaphore handle, u32 units)
{
	struct os_semaphore *s = handle;

	s->units += units;
	return AE_OK;
}

acpi_thread_id acpi_os_get_thread_id(void)
{
	return 1;
}

/* Notifications and events of the machine are of no use to one who switches it off. */
acpi_status acpi_os_execute(acpi_execute_type type, acpi_osd_exec_callback fn, void *context)
{
	return AE_SUPPORT;
}

void acpi_os_wait_events_complete(void)
{
}

acpi_status acpi_os_install_interrupt_handler(u32 irq, acpi_osd_handler fn, void *context)
{
	return AE_SUPPORT;
}

acpi_status acpi_os_remove_interrupt_handler(u32 irq, acpi_osd_handler fn)
{
	return AE_SUPPORT;
}

static size_t os_line_length(void)
{
	size_t n = 0;

	while (os_line[n] != '\0' && os_line[n] != '\n')
		n++;
	return n;
}

/* What is wrong with a method or a name, in pieces of lines; the first few lines will do. */
void acpi_os_vprintf(const char *format, va_list args)
{
	size_t used = strlen(os_line);

	(void)vsnprintf(os_line + used, sizeof(os_line) - used, format, args);
	if (strchr(os_line, '\n') == NULL && strlen(os_line) + 1 < sizeof(os_line))
		return;
	if (os_lines++ < ACPI_OS_LINES)
		log_line("ACPI: %.*s", (int)os_line_length(), os_line);
	os_line[0] = '\0';
}

void ACPI_INTERNAL_VAR_XFACE acpi_os_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	acpi_os_vprintf(format, args);
	va_end(args);
}

/* AML's Fatal and BreakPoint. */
acpi_status acpi_os_signal(u32 function, void *info)
{
	return function == ACPI_SIGNAL_FATAL ? AE_ERROR : AE_OK;
}

acpi_status acpi_os_predefined_override(const struct acpi_predefined_names *name, acpi_string *value)
{
	*value = NULL;
	return AE_OK;
}

acpi_status acpi_os_table_override(struct acpi_table_header *old, struct acpi_table_header **table)
{
	*table = NULL;
	return AE_OK;
}

acpi_status acpi_os_physical_table_override(struct acpi_table_header *old, acpi_physical_address *address, u32 *length)
{
	*address = 0;
	*length = 0;
	return AE_OK;
}
