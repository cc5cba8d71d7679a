/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/acpi_pm.c: ACPI's fixed hardware: PM1 event and control, PM timer, reset. */
#include "guest/vmm/dev/acpi_pm.h"

#define PM_STS	 0x0
#define PM_EN	 0x2
#define PM_CNT	 0x4
#define PM_TMR	 0x8
#define PM_RESET (ACPI_PM_RESET_PORT - ACPI_PM_PORT)

#define PM1_TMR	   BIT(0)
#define PM1_GBL	   BIT(5)
#define PM1_PWRBTN BIT(8)
#define PM1_RTC	   BIT(10)
#define PM1_EVENTS (PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_RTC)

#define CNT_SCI_EN  BIT(0)
#define CNT_SLP_TYP BITS(12, 10)
#define CNT_SLP_EN  BIT(13)
#define CNT_KEPT    (CNT_SLP_TYP | BIT(1))

#define NS_PER_SEC 1000000000ull
#define HALF_TURN  31 /* TMR_STS: bit 31 of the 32-bit timer has changed */

static u64 acpi_pm_ticks(void)
{
	u64 ns = time_ns();

	return ns / NS_PER_SEC * ACPI_PM_TIMER_HZ + ns % NS_PER_SEC * ACPI_PM_TIMER_HZ / NS_PER_SEC;
}

static void acpi_pm_update(struct acpi_pm *pm)
{
	u64 half = acpi_pm_ticks() >> HALF_TURN, next;
	bool sci;

	if (half != pm->half)
		pm->status |= PM1_TMR;
	pm->half = half;
	sci = pm->status & pm->enable & PM1_EVENTS;
	if (sci != pm->sci) {
		pm->sci = sci;
		vm_irq(pm->vm, ACPI_PM_SCI, sci);
	}
	timer_cancel(&pm->timer);
	if (pm->enable & PM1_TMR) {
		next = (half + 1) << HALF_TURN;
		timer_set(&pm->timer, next / ACPI_PM_TIMER_HZ * NS_PER_SEC +
					      (next % ACPI_PM_TIMER_HZ * NS_PER_SEC) / ACPI_PM_TIMER_HZ + 1);
	}
}

static void acpi_pm_expired(struct timer *t)
{
	acpi_pm_update(container_of(t, struct acpi_pm, timer));
}

void acpi_pm_power_button(struct acpi_pm *pm)
{
	lock_take(&pm->lock);
	pm->status |= PM1_PWRBTN;
	acpi_pm_update(pm);
	lock_drop(&pm->lock);
}

void acpi_pm_rtc(struct acpi_pm *pm)
{
	lock_take(&pm->lock);
	pm->status |= PM1_RTC;
	acpi_pm_update(pm);
	lock_drop(&pm->lock);
}

static void acpi_pm_control(struct acpi_pm *pm, u16 v)
{
	pm->control = v & CNT_KEPT;
	if (!(v & CNT_SLP_EN))
		return;
	if (FIELD(CNT_SLP_TYP, v) == ACPI_PM_S5_TYPE || FIELD(CNT_SLP_TYP, v) == ACPI_PM_SOFF_TYPE)
		vm_stop(pm->vm, STOP_POWEROFF, "the guest has powered itself off");
	else
		log_line("%s: ACPI sleep type %u is not offered, ignored", pm->vm->name,
			 (unsigned)FIELD(CNT_SLP_TYP, v));
}

/* The registers as bytes: 16 bytes whose order the ports show. */
static u64 acpi_pm_read(void *dev, u64 off, unsigned size)
{
	struct acpi_pm *pm = dev;
	u8 image[ACPI_PM_PORTS + 8] = { 0 };
	u16 control = pm->control | CNT_SCI_EN;
	u32 tmr = acpi_pm_ticks();
	u64 v = 0;

	acpi_pm_update(pm);
	memcpy(image + PM_STS, &pm->status, 2);
	memcpy(image + PM_EN, &pm->enable, 2);
	memcpy(image + PM_CNT, &control, 2);
	memcpy(image + PM_TMR, &tmr, 4);
	memcpy(&v, image + off, size);
	return v;
}

static void acpi_pm_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct acpi_pm *pm = dev;

	if (size < 4)
		v &= BIT(8 * size) - 1;
	acpi_pm_update(pm);
	switch (off) {
	case PM_STS:
		pm->status &= ~(v & PM1_EVENTS);
		if (size >= 4)
			pm->enable = v >> 16 & PM1_EVENTS;
		break;
	case PM_STS + 1: pm->status &= ~(v << 8 & PM1_EVENTS); break;
	case PM_EN: pm->enable = (size == 1 ? (pm->enable & 0xff00) | (v & 0xff) : v) & PM1_EVENTS; break;
	case PM_EN + 1: pm->enable = ((pm->enable & 0xff) | (v & 0xff) << 8) & PM1_EVENTS; break;
	case PM_CNT: acpi_pm_control(pm, size == 1 ? (pm->control & 0xff00) | (v & 0xff) : v); break;
	case PM_CNT + 1: acpi_pm_control(pm, (pm->control & 0xff) | (v & 0xff) << 8); break;
	case PM_RESET:
		if ((v & 0xff) == ACPI_PM_RESET_VALUE)
			vm_stop(pm->vm, STOP_RESET, "reset through ACPI's reset register");
		break;
	default: break;
	}
	acpi_pm_update(pm);
}

static const struct bus_ops acpi_pm_ops = { acpi_pm_read, acpi_pm_write };

void acpi_pm_reset(struct acpi_pm *pm)
{
	lock_take(&pm->lock);
	pm->status = pm->enable = pm->control = 0;
	pm->half = acpi_pm_ticks() >> HALF_TURN;
	acpi_pm_update(pm);
	lock_drop(&pm->lock);
}

status_t acpi_pm_init(struct acpi_pm *pm, struct vm *vm)
{
	memset(pm, 0, sizeof(*pm));
	pm->vm = vm;
	lock_init(&pm->lock, LOCK_PM);
	timer_init(&pm->timer, acpi_pm_expired, &pm->lock);
	acpi_pm_reset(pm);
	pm->port = (struct bus_region){ ACPI_PM_PORT, ACPI_PM_PORTS, &acpi_pm_ops, pm, &pm->lock };
	return bus_add(&vm->pio, &pm->port);
}
