/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_acpi_pm.c: ACPI's fixed hardware.
 * LINK: guest/vmm/dev/acpi_pm.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/acpi_pm.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

static struct vm vm;
static struct acpi_pm pm;

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	assert_int_equal(acpi_pm_init(&pm, &vm), OK);
	return 0;
}

static void timer_runs_at_its_frequency(void **state)
{
	fake_advance(1000000000ull);
	assert_int_equal(bus_read(&vm.pio, 0x608, 4), 3579545);
	fake_advance(3600000000000ull);
	assert_int_equal(bus_read(&vm.pio, 0x608, 4), (u32)(3601ull * 3579545));
}

static void soft_off_stops_the_vm(void **state)
{
	assert_int_equal(bus_read(&vm.pio, 0x604, 2), 1); /* SCI_EN */
	bus_write(&vm.pio, 0x604, 2, 5 << 10);
	assert_int_equal(fake.nstop, 0);
	bus_write(&vm.pio, 0x604, 2, 3 << 10 | 1 << 13); /* a type that is not offered */
	assert_int_equal(fake.nstop, 0);
	bus_write(&vm.pio, 0x604, 2, 5 << 10 | 1 << 13);
	assert_int_equal(fake.nstop, 1);
	assert_int_equal(fake.stop, STOP_POWEROFF);
}

static void power_button_raises_sci_until_cleared(void **state)
{
	acpi_pm_power_button(&pm);
	assert_false(fake.gsi_level[9]);
	bus_write(&vm.pio, 0x602, 2, 0x100);
	assert_true(fake.gsi_level[9]);
	assert_int_equal(bus_read(&vm.pio, 0x600, 2), 0x100);
	bus_write(&vm.pio, 0x600, 2, 0x001);
	assert_true(fake.gsi_level[9]);
	bus_write(&vm.pio, 0x600, 2, 0x100);
	assert_false(fake.gsi_level[9]);
}

static void rtc_raises_sci_when_enabled(void **state)
{
	bus_write(&vm.pio, 0x602, 2, 0xffff);
	assert_int_equal(bus_read(&vm.pio, 0x602, 2), 0x521); /* RTC_EN, PWRBTN_EN, GBL_EN, TMR_EN */
	bus_write(&vm.pio, 0x602, 2, 0);
	acpi_pm_rtc(&pm);
	assert_false(fake.gsi_level[9]);
	bus_write(&vm.pio, 0x603, 1, 0x04);
	assert_int_equal(bus_read(&vm.pio, 0x602, 2), 0x400);
	assert_true(fake.gsi_level[9]);
	bus_write(&vm.pio, 0x600, 2, 0x400);
	assert_false(fake.gsi_level[9]);
}

static void timer_status_comes_each_half_turn(void **state)
{
	bus_write(&vm.pio, 0x602, 2, 1);
	fake_advance(599000000000ull);
	assert_false(fake.gsi_level[9]);
	fake_advance(2000000000ull);
	assert_true(fake.gsi_level[9]);
	bus_write(&vm.pio, 0x600, 2, 1);
	assert_false(fake.gsi_level[9]);
	fake_advance(600000000000ull);
	assert_true(fake.gsi_level[9]);
}

static void every_access_is_harmless(void **state)
{
	for (unsigned port = 0x600; port < 0x610; port++) {
		for (unsigned size = 1; size <= 4; size *= 2) {
			bus_read(&vm.pio, port, size);
			bus_write(&vm.pio, port, size, 0xdedfdedf); /* neither SLP_EN nor the reset value */
		}
	}
	assert_int_equal(fake.nstop, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(timer_runs_at_its_frequency, setup),
		cmocka_unit_test_setup(soft_off_stops_the_vm, setup),
		cmocka_unit_test_setup(power_button_raises_sci_until_cleared, setup),
		cmocka_unit_test_setup(rtc_raises_sci_when_enabled, setup),
		cmocka_unit_test_setup(timer_status_comes_each_half_turn, setup),
		cmocka_unit_test_setup(every_access_is_harmless, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
