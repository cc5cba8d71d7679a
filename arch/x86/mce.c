/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch/x86/mce.c: machine checks (Intel SDM 3B, chapter 16; AMD APM 2, chapter 9). One that is raised is the end, with
 * the bank named that holds the error; one found at the start is told.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/mce.h"
#include "hv/lib/log.h"
#include "hv/lib/panic.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"

#define MSR_MCG_CAP	 0x179u
#define MSR_MCG_CTL	 0x17bu
#define MSR_MC_CTL(n)	 (0x400u + 4 * (n))
#define MSR_MC_STATUS(n) (0x401u + 4 * (n))
#define MSR_MC_ADDR(n)	 (0x402u + 4 * (n))
#define MSR_MC_MISC(n)	 (0x403u + 4 * (n))

#define MCG_BANKS     BITS(7, 0)
#define MCG_CTL_P     BIT(8)
#define MCE_MAX_BANKS 32u /* more would reach into other MSRs: 480h is VMX's */

#define STATUS_VALID BIT(63)
#define STATUS_OVER  BIT(62)
#define STATUS_UC    BIT(61)
#define STATUS_MISCV BIT(59)
#define STATUS_ADDRV BIT(58)
#define STATUS_PCC   BIT(57)

#define MCE_TOLD 4	    /* banks in one text */
#define MCE_WAIT (1u << 22) /* rounds for another CPU, which may have the bank, to say it */

static unsigned mce_banks(u64 *cap)
{
	if ((cpuid(1, 0).edx & (CPUID1_MCE | CPUID1_MCA)) != (CPUID1_MCE | CPUID1_MCA) || !rdmsr_safe(MSR_MCG_CAP, cap))
		return 0;
	return MIN((unsigned)(*cap & MCG_BANKS), MCE_MAX_BANKS);
}

/* The compound error codes (SDM 3B, table 16-9; APM 2, 9.3.4); bit 12 says how they are filtered. */
static const char *mce_class(u64 status)
{
	u64 code = status & (BITS(15, 0) & ~BIT(12));

	return code >> 13    ? "of this model's own"
	       : code >> 11  ? "bus or interconnect"
	       : code >> 10  ? "internal"
	       : code >> 9   ? "of this model's own"
	       : code >> 8   ? "cache"
	       : code >> 7   ? "memory controller"
	       : code >> 4   ? "TLB"
	       : code == 0xe ? "generic cache"
			     : "simple";
}

/* Bank @n with @status in words; returns their length. */
static size_t mce_words(char *to, size_t size, unsigned n, u64 status)
{
	u64 addr = 0, misc = 0;
	int len;

	if (status & STATUS_ADDRV)
		(void)rdmsr_safe(MSR_MC_ADDR(n), &addr);
	if (status & STATUS_MISCV)
		(void)rdmsr_safe(MSR_MC_MISC(n), &misc);
	len = snprintf(to, size, "bank %u: %s%s%s, %s, status %lx address %lx misc %lx", n,
		       status & STATUS_UC ? "uncorrected" : "corrected",
		       status & STATUS_PCC ? ", the CPU's state is lost" : "",
		       status & STATUS_OVER ? ", others before it were lost" : "", mce_class(status), status, addr,
		       misc);
	return len < 0 ? 0 : MIN((size_t)len, size - 1);
}

COLD void x86_mce_init(void)
{
	char text[160];
	u64 cap = 0, status;
	unsigned banks = mce_banks(&cap);

	if (banks != 0 && (cap & MCG_CTL_P))
		wrmsr(MSR_MCG_CTL, ~0UL);
	for (unsigned n = 0; n < banks; n++) {
		status = rdmsr(MSR_MC_STATUS(n));
		if (status & STATUS_VALID) {
			(void)mce_words(text, sizeof(text), n, status);
			log_printf("trivet: a machine check of before this start: %s\n", text);
		}
		wrmsr(MSR_MC_CTL(n), ~0UL);
		wrmsr(MSR_MC_STATUS(n), 0);
	}
}

/* What this CPU's banks hold that has one of the bits @which in its status. */
static bool mce_tell(char *to, size_t size, u64 which)
{
	u64 cap = 0, status;
	unsigned banks = mce_banks(&cap), told = 0;
	size_t at = 0;

	*to = '\0';
	for (unsigned n = 0; n < banks && told < MCE_TOLD; n++) {
		status = rdmsr(MSR_MC_STATUS(n));
		if (!(status & STATUS_VALID) || !(status & which))
			continue;
		at += mce_words(to + at, size - at, n, status);
		if (at + 4 < size) {
			memcpy(to + at, "\n  ", 4);
			at += 3;
		}
		told++;
	}
	if (told != 0 && at >= 3)
		to[at - 3] = '\0'; /* the last line's end */
	return told != 0;
}

COLD void x86_mce_fatal(const char *where)
{
	static char
		text[MCE_TOLD * 160]; /* of the CPU that panics: whoever comes here later writes the same or waits */
	bool told = mce_tell(text, sizeof(text), ~0UL);

	for (unsigned i = 0; !told && i < MCE_WAIT; i++)
		asm volatile("pause");
	panic("machine check %s\n  %s", where, told ? text : "no bank of this CPU says why");
}

COLD void x86_mce_check(const char *where)
{
	static char text[MCE_TOLD * 160];

	if (mce_tell(text, sizeof(text), STATUS_UC))
		panic("machine check %s\n  %s", where, text);
}
