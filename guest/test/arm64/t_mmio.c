/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/t_mmio.c: every form of load and store that software uses on devices, on the PL011's baud rate
 * register (IBRD, 16 bits), and forms without a syndrome: those either work or abort, and leave their registers as they
 * were. */
#include "guest/test/arm64/arm64.h"

#define IBRD (UART + 0x24)
#define FBRD (UART + 0x28) /* 6 bits */
#define MIS  (UART + 0x40)

static u64 was_ibrd, was_fbrd;

static void set(u32 v)
{
	*mmio32(IBRD) = v;
}

static u32 get(void)
{
	return *mmio32(IBRD) & 0xffff;
}

#define LOAD(insn, v)  __asm__ volatile(insn : "=&r"(v) : "r"(IBRD), "r"(IBRD - 0x100), "r"(0x100ull) : "memory")
#define STORE(insn, v) __asm__ volatile(insn ::"r"((u64)(v)), "r"(IBRD), "r"(IBRD - 0x100), "r"(0x100ull) : "memory")

static void loads(void)
{
	u64 v;

	set(0x8095);
	LOAD("ldr %w0, [%1]", v);
	t_eq("ldr w", v, 0x8095);
	LOAD("ldrh %w0, [%1]", v);
	t_eq("ldrh w", v, 0x8095);
	LOAD("ldrb %w0, [%1]", v);
	t_eq("ldrb w", v, 0x95);
	LOAD("ldrsb %w0, [%1]", v);
	t_eq("ldrsb w", v, 0xffffff95);
	LOAD("ldrsb %0, [%1]", v);
	t_eq("ldrsb x", v, 0xffffffffffffff95);
	LOAD("ldrsh %w0, [%1]", v);
	t_eq("ldrsh w", v, 0xffff8095);
	LOAD("ldrsh %0, [%1]", v);
	t_eq("ldrsh x", v, 0xffffffffffff8095);
	LOAD("ldrsw %0, [%1]", v);
	t_eq("ldrsw x", v, 0x8095);
	LOAD("ldr %w0, [%2, #0x100]", v);
	t_eq("ldr w, offset", v, 0x8095);
	LOAD("ldur %w0, [%1, #0]", v);
	t_eq("ldur w", v, 0x8095);
	LOAD("ldr %w0, [%2, %3]", v);
	t_eq("ldr w, register offset", v, 0x8095);
	LOAD("ldr %w0, [%2, %w3, uxtw]", v);
	t_eq("ldr w, extended register", v, 0x8095);
	LOAD("ldar %w0, [%1]", v);
	t_eq("ldar w", v, 0x8095);
	LOAD("ldarh %w0, [%1]", v);
	t_eq("ldarh w", v, 0x8095);
	LOAD("ldarb %w0, [%1]", v);
	t_eq("ldarb w", v, 0x95);
	__asm__ volatile("ldr wzr, [%0]" ::"r"(IBRD) : "memory");
	t_eq("ldr wzr changes nothing", get(), 0x8095);
}

static void stores(void)
{
	STORE("str %w0, [%1]", 0x1234);
	t_eq("str w", get(), 0x1234);
	STORE("strh %w0, [%1]", 0x2345);
	t_eq("strh w", get(), 0x2345);
	set(0);
	STORE("strb %w0, [%1]", 0x56);
	t_eq("strb w", get() & 0xff, 0x56);
	STORE("str %w0, [%2, #0x100]", 0x3456);
	t_eq("str w, offset", get(), 0x3456);
	STORE("stur %w0, [%1, #0]", 0x4567);
	t_eq("stur w", get(), 0x4567);
	STORE("str %w0, [%2, %3]", 0x5678);
	t_eq("str w, register offset", get(), 0x5678);
	STORE("stlr %w0, [%1]", 0x6789);
	t_eq("stlr w", get(), 0x6789);
	STORE("stlrh %w0, [%1]", 0x789a);
	t_eq("stlrh w", get(), 0x789a);
	__asm__ volatile("str wzr, [%0]" ::"r"(IBRD) : "memory");
	t_eq("str wzr", get(), 0);
	*mmio32(FBRD) = 0x2a;
	set(0x1111);
	t_eq("neighbours keep theirs", *mmio32(FBRD) & 0x3f, 0x2a);
	__asm__ volatile("ldr %w0, [%1]; str %w0, [%1]; ldr %w0, [%1]; str %w0, [%1]" : "=&r"(was_fbrd) : "r"(FBRD));
	t_eq("one after the other", *mmio32(FBRD) & 0x3f, 0x2a);
}

/* Each register takes part once, as target and as source. */
static void registers(void)
{
	u64 bad = 0, v;

	for (u32 r = 1; r < 31; r++) {
		static u32 code[8] ALIGNED(64);
		u64 (*fn)(u64 addr, u64 value) = (u64(*)(u64, u64))(u64)code;
		u32 base = r == 2 ? 3 : 2;

		code[0] = 0xaa0003e0 | base; /* mov base, x0 */
		code[1] = 0xaa1e03e5;	     /* mov x5, x30 */
		if (r == 5 || r > 17)	     /* the caller's, or the one that keeps the way back */
			continue;
		code[2] = 0xaa0103e0 | r;	      /* mov xr, x1 */
		code[3] = 0xb9000000 | base << 5 | r; /* str wr, [base] */
		code[4] = 0xaa1f03e0 | r;	      /* mov xr, xzr */
		code[5] = 0xb9400000 | base << 5 | r; /* ldr wr, [base] */
		code[6] = 0xaa0003e0 | r << 16;	      /* mov x0, xr */
		code[7] = 0xd65f00a0;		      /* ret x5 */
		__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(code) : "memory");
		v = fn(IBRD, 0x1000 + r);
		bad += (v & 0xffff) != 0x1000 + r;
	}
	t_eq("every scratch register, in and out", bad, 0);
	t_eq("x4 to x30 over a load", t_regs(2, IBRD), 0);
}

struct odd {
	const char *name;
	void (*fn)(void *);
	u64 base, want_base, v, want;
	bool store;
};

#define ODD_LOAD(fn, insn)                                                       \
	static void fn(void *arg)                                                \
	{                                                                        \
		struct odd *o = arg;                                             \
		u64 b = o->base, v, w;                                           \
		__asm__ volatile(insn : "+&r"(b), "=&r"(v), "=&r"(w)::"memory"); \
		o->base = b;                                                     \
		o->v = v;                                                        \
	}
#define ODD_STORE(fn, insn)                                                                          \
	static void fn(void *arg)                                                                    \
	{                                                                                            \
		struct odd *o = arg;                                                                 \
		u64 b = o->base, s = 0;                                                              \
		__asm__ volatile(insn : "+&r"(b), "+&r"(s) : "r"(o->want), "r"(0x15ull) : "memory"); \
		o->base = b;                                                                         \
	}
ODD_LOAD(ldr_post, "ldr %w1, [%0], #4")
ODD_LOAD(ldr_pre, "ldr %w1, [%0, #4]!")
ODD_LOAD(ldrb_post, "ldrb %w1, [%0], #1")
ODD_LOAD(ldp, "ldp %w1, %w2, [%0]")
ODD_LOAD(ldxr, "ldxr %w1, [%0]; clrex")
ODD_LOAD(ldr_x, "ldr %1, [%0]; lsr %1, %1, #32")
ODD_STORE(str_post, "str %w2, [%0], #-4")
ODD_STORE(str_pre, "str %w2, [%0, #-4]!")
ODD_STORE(stp, "stp %w2, %w3, [%0]")
ODD_STORE(stxr, "ldxr %w1, [%0]; stxr %w1, %w2, [%0]")
ODD_STORE(str_x, "lsl %1, %2, #32; str %1, [%0]")

/* Forms for which the CPU gives no syndrome. Right: the effect, or an abort that changes no register and no memory. */
static void odd_forms(void)
{
	static const struct odd forms[] = {
		{ "ldr w, post-indexed", ldr_post, IBRD, IBRD + 4, 0, 0x4321, false },
		{ "ldr w, pre-indexed", ldr_pre, IBRD - 4, IBRD, 0, 0x4321, false },
		{ "ldrb w, post-indexed", ldrb_post, IBRD, IBRD + 1, 0, 0x21, false },
		{ "ldp w, w", ldp, IBRD, IBRD, 0, 0x4321, false },
		{ "ldxr w", ldxr, IBRD, IBRD, 0, 0x4321, false },
		{ "ldr x", ldr_x, IBRD - 4, IBRD - 4, 0, 0x4321, false },
		{ "str w, post-indexed", str_post, IBRD, IBRD - 4, 0, 0x1235, true },
		{ "str w, pre-indexed", str_pre, IBRD + 4, IBRD, 0, 0x1236, true },
		{ "stp w, w", stp, IBRD, IBRD, 0, 0x1237, true },
		{ "stxr w", stxr, IBRD, IBRD, 0, 0x1238, true },
		{ "str x", str_x, IBRD - 4, IBRD - 4, 0, 0x1239, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
		struct odd copy = forms[i], *o = &copy;
		int x;
		u64 got;

		set(0x4321);
		x = trap_try(o->fn, o);
		got = get();
		if (x < 0) {
			t_check(o->name, o->base == o->want_base);
			if (o->store)
				t_hw("  stored", got, o->want);
			else
				t_hw("  loaded", o->v & 0xffff, o->want);
		} else {
			t_info(o->name, trap_last.iss);
			t_check("  aborts, and has no effect", x == EC_DABT && got == 0x4321);
			t_check("  FAR_EL1 in the page", (trap_last.far & ~0xfffull) == UART);
		}
	}
}

static void atomics(void)
{
	u64 v = 0;
	int x;

	set(0x10);
	if ((mrs(id_aa64isar0_el1) >> 20 & 15) >= 2) {
		v = IBRD;
		x = t_insn(0xb8e00001, &v); /* ldaddal w0, w1, [x0] */
		t_check("ldadd: works or aborts", x < 0 || x == EC_DABT);
	} else {
		t_skip("LSE", "not here");
	}
	v = IBRD & ~63ull;
	x = t_insn(0xd50b7420, &v); /* dc zva, x0 */
	t_info("dc zva on a device", (u32)x);
	t_check("dc zva: ignored or an abort", x < 0 || x == EC_DABT);
	v = IBRD;
	x = t_insn(0xd5087620, &v); /* dc ivac, x0 */
	t_check("dc ivac on a device: ignored or an abort", x < 0 || x == EC_DABT);
	v = IBRD;
	x = t_insn(0xd50b7e20, &v); /* dc civac, x0 */
	t_check("dc civac on a device: ignored or an abort", x < 0 || x == EC_DABT);
	v = IBRD;
	x = t_insn(0xd508781f | 0, &v); /* at s1e1r, xzr: no access at all */
	t_eq("at: no exception", (u32)x, ~0u);
	x = t_load(IBRD + 1, 4, &v);
	t_check("unaligned load: works or faults", x < 0 || x == EC_DABT);
	x = t_store(IBRD + 1, 2, 0);
	t_check("unaligned store: works or faults", x < 0 || x == EC_DABT);
	x = t_load(UART + 0xffe, 4, &v);
	t_check("over the end of the page: works or faults", x < 0 || x == EC_DABT);
	*mmio32(IBRD) = (u32)was_ibrd;
}

static void places(void)
{
	u64 v, was;
	int x;

	t_nothing_at("a hole reads ones or aborts", t_hole);
	was = *mmio32(UART + 0xfe0);
	*mmio32(UART + 0xfe0) = ~0u;
	t_eq("PL011 identification", was & 0xff, 0x11);
	t_eq("  is read-only", *mmio32(UART + 0xfe0), was);
	v = 0;
	for (unsigned i = 0; i < 4; i++)
		v |= (*mmio32(UART + 0xff0 + 4 * i) & 0xff) << 8 * i;
	t_eq("PrimeCell identification", v, 0xb105f00d);
	t_eq("PL011: the transmitter is ready", *mmio32(UART + 0x18) & BIT(5), 0);
	t_eq("PL011: no interrupt unmasked", *mmio32(MIS), 0);
	x = t_load(UART + 0x800, 4, &v);
	t_check("PL011: a register that isn't there", x < 0 || x == EC_DABT);
	x = t_store(0, 4, 0x12345678);
	t_check("store to address 0 (flash or nothing) survived", x < 0 || x == EC_DABT);
	x = t_load(0, 8, &v);
	t_check("load from address 0 survived", x < 0 || x == EC_DABT);
}

static void uart_interrupt(void)
{
	u32 mis;

	irq_clear();
	gic_edge(INTID_UART, false);
	irq_quiet[INTID_UART] = 1;
	gic_enable(INTID_UART);
	*mmio32(UART + 0x44) = 0x7ff;  /* ICR */
	*mmio32(UART + 0x38) = BIT(5); /* IMSC: transmit */
	*mmio32(UART) = '\n';
	t_check("PL011: transmit interrupt", irq_wait(INTID_UART, 1, 500));
	t_eq("  MIS says which", *mmio32(MIS), BIT(5));
	irq_clear();
	gic_enable(INTID_UART);
	t_check("  level: comes again", irq_wait(INTID_UART, 1, 500));
	*mmio32(UART + 0x38) = 0;
	irq_clear();
	gic_enable(INTID_UART);
	irq_wait(INTID_UART, 1, 5);
	t_eq("  masked: quiet", irq_count[INTID_UART], 0);
	*mmio32(UART + 0x38) = BIT(5);
	t_check("  unmasked: comes", irq_wait(INTID_UART, 1, 500));
	*mmio32(UART + 0x44) = BIT(5); /* until the next character has gone */
	mis = *mmio32(MIS);
	irq_clear();
	gic_enable(INTID_UART);
	irq_wait(INTID_UART, 1, 5);
	*mmio32(UART + 0x38) = 0;
	gic_disable(INTID_UART);
	t_eq("  ICR clears it", mis, 0);
	t_eq("  quiet", irq_count[INTID_UART], 0);
}

void t_main(void)
{
	was_ibrd = *mmio32(IBRD);
	loads();
	stores();
	registers();
	odd_forms();
	atomics();
	places();
	uart_interrupt();
	t_puts("INFO MMU off\n");
	t_mmu(false);
	loads();
	stores();
	odd_forms();
	t_mmu(true);
	*mmio32(IBRD) = (u32)was_ibrd;
}
