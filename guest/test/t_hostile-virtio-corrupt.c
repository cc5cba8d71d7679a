/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_hostile-virtio-corrupt.c: drives virtio-blk with rings that no driver writes: loops, addresses out
 * of memory, absurd indices and lengths. Expected: DEVICE_NEEDS_RESET (or an error status for the requests that are
 * well formed but impossible), a reset brings the device back each time, PASS. Needs a virtio-blk disk. */
#include "guest/test/lib/t.h"

#define NEEDS_RESET 0x40
#define NEXT	    1
#define WRITE	    2
#define INDIRECT    4
#define QSIZE	    8

struct desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

static struct desc ring[256] ALIGNED(4096);
static volatile u16 avail[2048] ALIGNED(4096);
static volatile u16 used[2048] ALIGNED(4096);
static struct {
	u32 type, reserved;
	u64 sector;
} head ALIGNED(16);
static u8 data[512] ALIGNED(512);
static volatile u8 status;
static struct vpci d;

static void begin(void)
{
	memset(ring, 0, sizeof(ring));
	memset((void *)(uintptr_t)avail, 0, sizeof(avail));
	memset((void *)(uintptr_t)used, 0, sizeof(used));
	vpci_start(&d);
	vpci_queue(&d, 0, QSIZE, (u64)ring, (u64)avail, (u64)used, 0xffff);
	vpci_set_status(&d, 15);
	head.type = 0;
	head.sector = 0;
	status = 0xee;
}

static void good_request(void)
{
	ring[0] = (struct desc){ (u64)&head, 16, NEXT, 1 };
	ring[1] = (struct desc){ (u64)data, 512, NEXT | WRITE, 2 };
	ring[2] = (struct desc){ (u64)&status, 1, WRITE, 0 };
}

static void submit(u16 index)
{
	__sync_synchronize();
	avail[1] = index;
	vpci_kick(&d, 0);
}

/* Wait for the device to answer or to give up. */
static bool broken(void)
{
	for (unsigned i = 0; i < 200 && used[1] == 0; i++) {
		if (vpci_status(&d) & NEEDS_RESET)
			return true;
		delay_us(1000);
	}
	return (vpci_status(&d) & NEEDS_RESET) != 0;
}

static void alive(const char *name)
{
	begin();
	good_request();
	submit(1);
	broken();
	t_check(name, used[1] == 1 && status == 0);
}

/* Either answer is right: broken, or an error for this request; success is not (QEMU bounces what isn't RAM). */
static void refused(const char *name)
{
	bool b = broken();

	t_dev(name, b || (used[1] != 0 && status != 0), true);
	alive("  and a reset brings it back");
}

static void must_break(const char *name)
{
	t_check(name, broken());
	alive("  and a reset brings it back");
}

static void rings(void)
{
	begin();
	ring[0] = (struct desc){ (u64)&head, 16, NEXT, 1 };
	ring[1] = (struct desc){ (u64)data, 512, NEXT | WRITE, 1 };
	submit(1);
	must_break("descriptor loop");
	begin();
	good_request();
	ring[1].next = 200;
	submit(1);
	must_break("next beyond the queue");
	begin();
	good_request();
	avail[2] = 0xffff;
	submit(1);
	must_break("available head beyond the queue");
	begin();
	good_request();
	submit(QSIZE + 100);
	must_break("available index far ahead");
	begin();
	ring[0] = (struct desc){ (u64)&head, 16, NEXT | INDIRECT, 1 };
	submit(1);
	must_break("INDIRECT that was not negotiated");
	begin();
	ring[0] = (struct desc){ (u64)&status, 1, WRITE, 0 };
	submit(1);
	must_break("request without a header");
	begin();
	ring[0] = (struct desc){ (u64)&head, 4, NEXT, 1 };
	ring[1] = (struct desc){ (u64)&status, 1, WRITE, 0 };
	submit(1);
	must_break("header cut short");
}

static void addresses(void)
{
	begin();
	good_request();
	ring[0].addr = 0xffffffffffff0000;
	submit(1);
	refused("header far outside memory");
	begin();
	good_request();
	ring[1].addr = t_hole;
	submit(1);
	refused("data outside memory");
	begin();
	good_request();
	ring[1].addr = ~0ull - 100;
	submit(1);
	refused("data that wraps");
	begin();
	good_request();
	head.sector = ~0ull / 512;
	submit(1);
	refused("sector beyond the disk");
	begin();
	good_request();
	ring[1].len = 0xfffffff0;
	submit(1);
	refused("absurd length");
	begin();
	good_request();
	head.type = 0xdeadbeef;
	submit(1);
	refused("unknown request type");
}

/* Queue addresses themselves wild, then random rings: nothing to expect but that a reset helps. */
static void noise(void)
{
	vpci_start(&d);
	vpci_queue(&d, 0, QSIZE, ~0ull << 12, t_hole, t_device, 0xffff);
	vpci_set_status(&d, 15);
	vpci_kick(&d, 0);
	delay_us(2000);
	alive("queue outside memory, then reset");
	for (unsigned round = 0; round < 50; round++) {
		begin();
		for (unsigned i = 0; i < QSIZE; i++) {
			u64 r = t_rand();

			ring[i] = (struct desc){ (u64)data, (u32)(r >> 40) % 1024, r & 3, (u16)(r >> 16) % 12 };
		}
		for (unsigned i = 0; i < QSIZE; i++)
			avail[2 + i] = (u16)t_rand() % 10;
		submit((u16)t_rand() % 12);
		vpci_kick(&d, (u16)t_rand());
		delay_us(200);
	}
	alive("50 random rings, then reset");
}

void t_main(void)
{
	if (!vpci_open(&d, 2)) {
		t_skip("virtio-blk", "no device");
		return;
	}
	alive("a good request works");
	rings();
	addresses();
	noise();
}
