/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/drv/x86/acpi.c: the machine's end as firmware's tables want it: \_S5, \_PTS and the FADT's registers, by
 * ACPICA. Nothing of it runs before that.
 */
#include "guest/drv/x86/acpi.h"

#include <acpi/acpi.h>

#include "guest/drv/x86/acpi_os.h"
#include "guest/rt/rt.h"

#define ROOT_TABLES  16 /* to begin with */
#define LOOP_SECONDS 5	/* seconds that a While of firmware's may take */
#define OFF_NS	     1000000000ULL
#define NO_EVENTS    (ACPI_NO_EVENT_INIT | ACPI_NO_HANDLER_INIT | ACPI_NO_FACS_INIT)

static acpi_status acpi_tables(const struct boot_info *boot)
{
	acpi_status s;

	acpi_gbl_max_loop_iterations = LOOP_SECONDS;
	acpi_gbl_enable_interpreter_slack = TRUE; /* be as forgiving as what firmware is written for */
	acpi_os_begin(boot);
	s = acpi_initialize_subsystem();
	return ACPI_SUCCESS(s) ? acpi_initialize_tables(NULL, ROOT_TABLES, TRUE) : s;
}

status_t acpi_poweroff_prepare(const struct boot_info *boot)
{
	const char *what = "reading the tables";
	acpi_status s = acpi_tables(boot);
	struct acpi_table_header *dsdt;

	/* Without a DSDT ACPICA takes another table for it. */
	if (ACPI_SUCCESS(s))
		s = acpi_get_table(ACPI_SIG_DSDT, 1, &dsdt);
	if (ACPI_SUCCESS(s)) {
		what = "loading the namespace";
		s = acpi_load_tables();
	}
	if (ACPI_SUCCESS(s)) {
		what = "enabling ACPI";
		s = acpi_enable_subsystem(NO_EVENTS);
	}
	if (ACPI_SUCCESS(s)) {
		what = "preparing the devices";
		s = acpi_initialize_objects(ACPI_FULL_INITIALIZATION);
	}
	if (ACPI_SUCCESS(s)) {
		what = "_S5 or _PTS";
		s = acpi_enter_sleep_state_prep(ACPI_STATE_S5);
	}
	if (ACPI_SUCCESS(s))
		return OK;
	log_line("ACPI: %s: %s; powering off without", what, acpi_format_exception(s));
	return ERR_IO;
}

void acpi_poweroff(void)
{
	(void)acpi_enter_sleep_state(ACPI_STATE_S5);
}

/*
 * ACPICA's last step is ours: its own waits for the machine to wake up again, for ever. @a, @b: for the two control
 * registers, or @a for the sleep control register of a machine that has only that.
 */
acpi_status acpi_os_enter_sleep(u8 state, u32 a, u32 b)
{
	if (acpi_gbl_reduced_hardware) {
		(void)acpi_write(a, &acpi_gbl_FADT.sleep_control);
	} else {
		(void)acpi_write(a, &acpi_gbl_FADT.xpm1a_control_block);
		if (acpi_gbl_FADT.xpm1b_control_block.address != 0)
			(void)acpi_write(b, &acpi_gbl_FADT.xpm1b_control_block);
	}
	acpi_os_begin_wait();
	acpi_os_wait(OFF_NS);
	return AE_CTRL_TERMINATE;
}

void acpi_reset_machine(const struct boot_info *boot)
{
	const struct acpi_generic_address *r = &acpi_gbl_FADT.reset_register;

	if (boot->platform.reset_port != 0 || ACPI_FAILURE(acpi_tables(boot)) ||
	    (acpi_gbl_FADT.flags & ACPI_FADT_RESET_REGISTER) == 0)
		return;
	if (r->space_id == ACPI_ADR_SPACE_SYSTEM_MEMORY) {
		(void)acpi_os_write_memory(r->address, acpi_gbl_FADT.reset_value, 8);
	} else if (r->space_id == ACPI_ADR_SPACE_PCI_CONFIG) {
		/* Always bus 0: device, function and offset in words of 16 bits (ACPI 6.4, table 5.1). */
		struct acpi_pci_id id = { 0, 0, (u16)(r->address >> 32), (u16)(r->address >> 16) };

		(void)acpi_os_write_pci_configuration(&id, (u16)r->address, acpi_gbl_FADT.reset_value, 8);
	}
}
