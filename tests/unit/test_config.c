/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: guest/service/config.c guest/service/parse.c guest/service/inih.c */
/* CFLAGS: -isystem build/src/libinih */
#include "guest/service/config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hv/lib/util.h"

static struct config c;

/* Parse @size bytes in a block of just that size, so that AddressSanitizer sees a read behind it. */
static status_t parse_bytes(const char *text, size_t size)
{
	char *copy = malloc(size ? size : 1);
	status_t s;

	assert_non_null(copy);
	memcpy(copy, text, size);
	s = config_parse(&c, copy, size);
	free(copy);
	return s;
}

static status_t parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void refused(const char *text, const char *error)
{
	assert_int_equal(parse(text), ERR_FORMAT);
	assert_string_equal(c.error, error);
}

/* A line of [vm a], which is the file's third, must give @error. */
static void refused_line(const char *line, const char *error)
{
	char text[8192];

	snprintf(text, sizeof(text), "[vm a]\nkernel = k\n%s\n", line);
	refused(text, error);
}

static void every_key_arrives(void **state)
{
	assert_int_equal(parse("# comment\n"
			       "; another\n"
			       "[machine]\n"
			       "poweroff-when-done = yes\n"
			       "statistics = yes\n"
			       "\n"
			       "[vm linux]   ; the first\n"
			       "kernel = vmlinuz\n"
			       "initrd = initrd.gz\n"
			       "cmdline = console=ttyS0 root=/dev/vda a:b   ; not this\n"
			       "memory = 512M\t; K, M, G\n"
			       "cpus = 8\n"
			       "disk = disk0.img\n"
			       "  disk = disk1.img , ro, serial=ABC \n"
			       "module = file  two args\n"
			       "module = other\n"
			       "console = both\n"
			       "rng = no\n"
			       "pin = 1, 3-5,0\n"
			       "priority = 7\n"
			       "shares = 250\n"
			       "budget = 20ms / 1s\n"
			       "on-poweroff = restart\n"
			       "on-reboot = stop\n"
			       "on-crash = restart\n"
			       "[vm b-2_.]\n"
			       "kernel=x\n"),
			 OK);
	assert_string_equal(c.error, "");
	assert_true(c.poweroff_when_done);
	assert_true(c.statistics);
	assert_int_equal(c.nvms, 2);
	assert_string_equal(c.vm[0].name, "linux");
	assert_string_equal(c.vm[0].kernel, "vmlinuz");
	assert_string_equal(c.vm[0].initrd, "initrd.gz");
	assert_string_equal(c.vm[0].cmdline, "console=ttyS0 root=/dev/vda a:b");
	assert_int_equal(c.vm[0].memory, 512ull << 20);
	assert_int_equal(c.vm[0].cpus, 8);
	assert_int_equal(c.vm[0].ndisks, 2);
	assert_string_equal(c.vm[0].disk[0].file, "disk0.img");
	assert_false(c.vm[0].disk[0].readonly);
	assert_string_equal(c.vm[0].disk[0].serial, "");
	assert_string_equal(c.vm[0].disk[1].file, "disk1.img");
	assert_true(c.vm[0].disk[1].readonly);
	assert_string_equal(c.vm[0].disk[1].serial, "ABC");
	assert_int_equal(c.vm[0].nmodules, 2);
	assert_string_equal(c.vm[0].module[0].file, "file");
	assert_string_equal(c.vm[0].module[0].args, "two args");
	assert_string_equal(c.vm[0].module[1].file, "other");
	assert_string_equal(c.vm[0].module[1].args, "");
	assert_true(c.vm[0].serial);
	assert_true(c.vm[0].virtio_console);
	assert_false(c.vm[0].rng);
	assert_int_equal(c.vm[0].on_poweroff, ACTION_RESTART);
	assert_int_equal(c.vm[0].on_reboot, ACTION_STOP);
	assert_int_equal(c.vm[0].on_crash, ACTION_RESTART);
	assert_string_equal(c.vm[1].name, "b-2_.");
}

static void defaults_are_those_of_the_documentation(void **state)
{
	assert_int_equal(parse("[vm a]\nkernel = k"), OK); /* no newline at the end */
	assert_false(c.poweroff_when_done);
	assert_false(c.statistics);
	assert_string_equal(c.vm[0].kernel, "k");
	assert_string_equal(c.vm[0].initrd, "");
	assert_string_equal(c.vm[0].cmdline, "");
	assert_int_equal(c.vm[0].memory, 256ull << 20);
	assert_int_equal(c.vm[0].cpus, 1);
	assert_int_equal(c.vm[0].ndisks, 0);
	assert_int_equal(c.vm[0].nmodules, 0);
	assert_true(c.vm[0].serial);
	assert_false(c.vm[0].virtio_console);
	assert_true(c.vm[0].rng);
	assert_int_equal(c.vm[0].on_poweroff, ACTION_STOP);
	assert_int_equal(c.vm[0].on_reboot, ACTION_RESTART);
	assert_int_equal(c.vm[0].on_crash, ACTION_STOP);
}

static void crlf_and_byte_order_mark_are_accepted(void **state)
{
	assert_int_equal(parse("\xef\xbb\xbf[vm a]\r\n\r\nkernel = k\r\ncmdline = x y\r\nrng = no\r"), OK);
	assert_string_equal(c.vm[0].kernel, "k");
	assert_string_equal(c.vm[0].cmdline, "x y");
	assert_false(c.vm[0].rng);
}

static void an_empty_command_line_is_a_value(void **state)
{
	assert_int_equal(parse("[vm a]\nkernel = k\ncmdline =\n"), OK);
}

static void each_console_word_means_its_devices(void **state)
{
	assert_int_equal(parse("[vm a]\nkernel=k\nconsole = none\n[vm b]\nkernel=k\nconsole = virtio\n"
			       "[vm c]\nkernel=k\nconsole = serial\n"),
			 OK);
	assert_false(c.vm[0].serial || c.vm[0].virtio_console);
	assert_true(!c.vm[1].serial && c.vm[1].virtio_console);
	assert_true(c.vm[2].serial && !c.vm[2].virtio_console);
}

static void a_wrong_key_is_named_with_its_line(void **state)
{
	refused("# 1\n# 2\n\n[vm linux]\nkernel = k\n\nmemroy = 1G\n", "line 7: unknown key 'memroy' in [vm linux]");
	refused("[machine]\nkernel = k\n", "line 2: unknown key 'kernel' in [machine]");
	refused("kernel = k\n", "line 1: key 'kernel' before the first section");
	refused_line("rng = yes\nrng = yes", "line 4: key 'rng' is twice in [vm a]");
	refused_line("kernel = k", "line 3: key 'kernel' is twice in [vm a]");
	refused_line("initrd =", "line 3: key 'initrd' in [vm a] has no value");
	refused_line("= x", "line 3: unknown key '' in [vm a]");
	refused_line("nonsense", "line 3: not a comment, [section] or key = value");
	refused_line("[vm b", "line 3: not a comment, [section] or key = value");
}

static void a_wrong_value_is_shown(void **state)
{
	refused_line("rng = maybe", "line 3: rng in [vm a] is 'maybe', must be yes or no");
	refused_line("console = tty", "line 3: console in [vm a] is 'tty', must be serial, virtio, both or none");
	refused_line("on-crash = panic", "line 3: on-crash in [vm a] is 'panic', must be stop or restart");
	refused_line("cpus = 0", "line 3: cpus in [vm a] is '0', must be 1 to 8");
	refused_line("cpus = 9", "line 3: cpus in [vm a] is '9', must be 1 to 8");
	refused_line("cpus = 2x", "line 3: cpus in [vm a] is '2x', must be 1 to 8");
	refused_line("cpus = -1", "line 3: cpus in [vm a] is '-1', must be 1 to 8");
	refused_line("cpus = 4294967297", "line 3: cpus in [vm a] is '4294967297', must be 1 to 8");
	refused_line("disk = ,ro", "line 3: disk in [vm a] names no file");
	refused_line("disk = d,rw", "line 3: unknown option 'rw' of disk in [vm a], must be ro or serial=TEXT");
	refused_line("disk = d,", "line 3: unknown option '' of disk in [vm a], must be ro or serial=TEXT");
	refused_line("disk = d,serial=",
		     "line 3: unknown option 'serial=' of disk in [vm a], must be ro or serial=TEXT");
	refused_line("disk = d,serial=123456789012345678901",
		     "line 3: disk's serial in [vm a] is longer than 20 characters");
}

static void a_size_must_be_one(void **state)
{
	static const char *const bad[] = { "256",
					   "M",
					   "1M",
					   "14M",
					   "17M",
					   "256m",
					   "256MB",
					   "-256M",
					   "0x10M",
					   "0M",
					   "18446744073709551616M",
					   "1025G",
					   "2T",
					   "16383K",
					   "1.5G",
					   "17592186044416M",
					   "256 M" };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[64], error[160];

		snprintf(line, sizeof(line), "memory = %s", bad[i]);
		snprintf(error, sizeof(error),
			 "line 3: memory in [vm a] is '%s', must be 16M to 1024G in steps of 2M, with K, M or G",
			 bad[i]);
		refused_line(line, error);
	}
	assert_int_equal(parse("[vm a]\nkernel=k\nmemory=16384K\n[vm b]\nkernel=k\nmemory=1024G\n"
			       "[vm c]\nkernel=k\nmemory=18M\n"),
			 OK);
	assert_int_equal(c.vm[0].memory, 16ull << 20);
	assert_int_equal(c.vm[1].memory, 1ull << 40);
	assert_int_equal(c.vm[2].memory, 18ull << 20);
}

static void firmware_is_instead_of_a_kernel(void **state)
{
	assert_int_equal(parse("[vm a]\nmemory = 64M\nfirmware = bios.bin\ndisk = d\n"), OK);
	assert_string_equal(c.vm[0].firmware, "bios.bin");
	assert_int_equal(c.vm[0].firmware_line, 3);
	assert_string_equal(c.vm[0].kernel, "");
	refused_line("firmware = f", "line 3: [vm a] has firmware, which takes no kernel");
	refused("[vm a]\nfirmware = f\ninitrd = i\n", "line 2: [vm a] has firmware, which takes no initrd");
	refused("[vm a]\ncmdline = x\nfirmware = f\n", "line 3: [vm a] has firmware, which takes no cmdline");
	refused("[vm a]\nfirmware = f\nmodule = m\n", "line 2: [vm a] has firmware, which takes no module");
	refused("[vm a]\nfirmware = f\nfirmware = g\n", "line 3: key 'firmware' is twice in [vm a]");
	assert_int_equal(parse("[vm a]\nfirmware = f\nvariables = v\n"), OK);
	assert_string_equal(c.vm[0].variables, "v");
	assert_int_equal(c.vm[0].variables_line, 3);
	refused_line("variables = v", "line 3: [vm a] has variables, but no firmware");
	refused("[vm a]\nfirmware =\n", "line 2: key 'firmware' in [vm a] has no value");
}

static void sections_are_checked(void **state)
{
	refused("", "no VM: there is no [vm NAME] section");
	refused("[machine]\npoweroff-when-done = no\n", "no VM: there is no [vm NAME] section");
	refused("[vm a]\nkernel = k\n[vm b]\n[vm c]\nkernel = k\n", "line 3: [vm b] has no kernel and no firmware");
	refused("[vm a]\nkernel = k\n[vm a]\nkernel = k\n", "line 3: VM name 'a' is taken, see line 1");
	refused("[machine]\n[vm a]\nkernel = k\n[machine]\n", "line 4: section [machine] is there twice");
	refused("[disk]\n", "line 1: unknown section [disk], must be [machine] or [vm NAME]");
	refused("[vmx]\n", "line 1: unknown section [vmx], must be [machine] or [vm NAME]");
	refused("[]\n", "line 1: unknown section [], must be [machine] or [vm NAME]");
	refused("[vm]\n", "line 1: a VM needs a name: [vm NAME]");
	refused("[vm ]\n", "line 1: a VM needs a name: [vm NAME]");
	refused("[vm a b]\n", "line 1: VM name 'a b' has more than letters, digits and - _ .");
	refused("[vm a] kernel = k\n", "line 1: text behind the section's ]");
	refused("[vm 12345678901234567890123456789012]\n",
		"line 1: VM name '12345678901234567890123456789012' is longer than 31 characters");
	assert_int_equal(parse("[vm 1234567890123456789012345678901]\nkernel = k\n"), OK);
}

static void lengths_have_limits(void **state)
{
	char line[4096], *p;

	p = line + sprintf(line, "initrd = ");
	memset(p, 'x', CONFIG_PATH);
	p[CONFIG_PATH] = '\0';
	refused_line(line, "line 3: initrd in [vm a] is longer than 127 characters");
	p = line + sprintf(line, "module = m ");
	memset(p, 'x', CONFIG_PATH);
	p[CONFIG_PATH] = '\0';
	refused_line(line, "line 3: module in [vm a] is longer than 127 characters");
	p = line + sprintf(line, "cmdline = ");
	memset(p, 'x', CONFIG_CMDLINE);
	p[CONFIG_CMDLINE] = '\0';
	refused_line(line, "line 3: cmdline in [vm a] is longer than 2047 characters");
	memset(p, 'x', 3000);
	p[3000] = '\0';
	refused_line(line, "line 3: longer than 2300 characters");
	assert_string_equal(c.vm[0].cmdline, "");
}

static void tables_have_limits(void **state)
{
	char text[8192], *p = text;

	for (unsigned i = 0; i <= CONFIG_MAX_VMS; i++)
		p += sprintf(p, "[vm v%u]\nkernel = k\n", i);
	refused(text, "line 33: more than 16 VMs");
	p = text + sprintf(text, "[vm a]\nkernel = k\n");
	for (unsigned i = 0; i <= CONFIG_MAX_DISKS; i++)
		p += sprintf(p, "disk = d%u\n", i);
	refused(text, "line 11: more than 8 disks in [vm a]");
	p = text + sprintf(text, "[vm a]\nkernel = k\n");
	for (unsigned i = 0; i <= CONFIG_MAX_MODULES; i++)
		p += sprintf(p, "module = m%u x\n", i);
	refused(text, "line 11: more than 8 modules in [vm a]");
}

static void scheduling_is_read_and_checked(void **state)
{
	const u8 pin[] = { 1, 3, 4, 5, 0 };

	assert_int_equal(parse("[vm a]\nkernel = k\npin = 1, 3-5,0\npriority = 7\nshares = 250\nbudget = 20ms / 1s\n"
			       "[vm b]\nkernel = k\nbudget = 30%\n[vm c]\nkernel = k\nbudget = 500us/2ms\n"
			       "[vm d]\nkernel = k\n"),
			 OK);
	assert_int_equal(c.vm[0].npin, sizeof(pin));
	assert_memory_equal(c.vm[0].pin, pin, sizeof(pin));
	assert_int_equal(c.vm[0].priority, 7);
	assert_int_equal(c.vm[0].shares, 250);
	assert_int_equal(c.vm[0].budget, 20000000);
	assert_int_equal(c.vm[0].period, 1000000000);
	assert_int_equal(c.vm[1].budget, 30000000);
	assert_int_equal(c.vm[1].period, 100000000);
	assert_int_equal(c.vm[2].budget, 500000);
	assert_int_equal(c.vm[3].npin, 0);
	assert_int_equal(c.vm[3].priority, 0);
	assert_int_equal(c.vm[3].shares, 100);
	assert_int_equal(c.vm[3].budget, 0);
	refused_line("priority = 8", "line 3: priority in [vm a] is '8', must be 0 to 7");
	refused_line("shares = 0", "line 3: shares in [vm a] is '0', must be 1 to 10000");
	refused_line("shares = 10001", "line 3: shares in [vm a] is '10001', must be 1 to 10000");
}

static void bad_cpus_and_budgets_are_refused(void **state)
{
	static const char *const pin[] = { "256", "1-", "-1", "3-2", "1,,2", "1 2", "all", "0-63,0" };
	static const char *const budget[] = {
		"0%",	    "101%",    "20",	      "20ms",	     "20ms/",		"20ms/10ms",
		"50us/1ms", "1ms/11s", "100us/999us", "1ms/1ms/1ms", "99999999999s/1s", "20%x"
	};
	char line[64], error[240];

	for (unsigned i = 0; i < ARRAY_SIZE(pin); i++) {
		snprintf(line, sizeof(line), "pin = %s", pin[i]);
		snprintf(error, sizeof(error),
			 "line 3: pin in [vm a] is '%s', must be CPUs from 0 to 255, such as 1 or 0,2-3", pin[i]);
		refused_line(line, error);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(budget); i++) {
		snprintf(line, sizeof(line), "budget = %s", budget[i]);
		snprintf(error, sizeof(error),
			 "line 3: budget in [vm a] is '%s', must be 1%% to 100%%, or TIME/PERIOD such as 20ms/100ms: "
			 "at least 100us of 1ms, at most 10s",
			 budget[i]);
		refused_line(line, error);
	}
}

static void a_disk_of_two_guests_is_read_only_in_both(void **state)
{
	assert_int_equal(parse("[vm a]\nkernel = k\ndisk = d,ro\n[vm b]\nkernel = k\ndisk = e\ndisk = d,ro\n"), OK);
	refused("[vm a]\nkernel = k\ndisk = d\n[vm b]\nkernel = k\ndisk = e\ndisk = d,ro\n",
		"line 4: disk d of [vm b] is [vm a]'s too: ro in both, or not at all");
	refused("[vm a]\nkernel = k\ndisk = d,ro\n[vm x]\nkernel = k\n[vm b]\nkernel = k\ndisk = d\n",
		"line 6: disk d of [vm b] is [vm a]'s too: ro in both, or not at all");
}

static void what_is_not_text_is_refused(void **state)
{
	assert_int_equal(parse_bytes("[vm a]\nker\0nel = k\n", 19), ERR_FORMAT);
	assert_string_equal(c.error, "line 2: control character 0x00: not a text file?");
	assert_int_equal(parse_bytes("\0", 1), ERR_FORMAT);
	assert_string_equal(c.error, "line 1: control character 0x00: not a text file?");
	refused_line("cmdline = a\rb", "line 3: control character 0x0d: not a text file?");
	refused_line("cmdline = \x1b[2J", "line 3: control character 0x1b: not a text file?");
	refused_line("cmdline = \x7f", "line 3: control character 0x7f: not a text file?");
	refused_line("cmdline = \xc3\xa4", "line 3: value of 'cmdline' in [vm a] is not ASCII");
	assert_int_equal(parse("[vm a]\n# \xc3\xa4\nkernel = k\n"), OK); /* comments are free */
}

static void the_first_error_is_the_one_told(void **state)
{
	refused("[vm a]\nfoo = 1\nbar = 2\n", "line 2: unknown key 'foo' in [vm a]");
}

static void any_damage_gives_ok_or_an_error_with_words(void **state)
{
	static const char good[] =
		"[machine]\npoweroff-when-done = yes\n[vm linux]\nkernel = vmlinuz ; x\n"
		"disk = d,ro,serial=ABC\nmodule = m a b\nmemory = 256M\ncpus = 2\n[vm b]\nkernel=k\n";
	static const char bits[] = "[]=:;#,\n\r \t\"\\%s%n\xff\x01M9";
	u64 seed = 0x74726976;

	for (unsigned round = 0; round < 20000; round++) {
		char text[sizeof(good)];
		size_t size = sizeof(good) - 1;

		memcpy(text, good, sizeof(good));
		for (unsigned i = 0; i < 1 + round % 4; i++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			text[(seed >> 33) % size] = bits[(seed >> 20) % sizeof(bits)];
		}
		if (round % 8 == 0)
			size = (seed >> 40) % size;
		if (parse_bytes(text, size) == OK)
			assert_true(c.nvms >= 1 && c.nvms <= 2 && c.error[0] == '\0');
		else
			assert_true(c.error[0] != '\0' && memchr(c.error, 0, sizeof(c.error)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(defaults_are_those_of_the_documentation),
		cmocka_unit_test(crlf_and_byte_order_mark_are_accepted),
		cmocka_unit_test(an_empty_command_line_is_a_value),
		cmocka_unit_test(each_console_word_means_its_devices),
		cmocka_unit_test(a_wrong_key_is_named_with_its_line),
		cmocka_unit_test(a_wrong_value_is_shown),
		cmocka_unit_test(a_size_must_be_one),
		cmocka_unit_test(firmware_is_instead_of_a_kernel),
		cmocka_unit_test(sections_are_checked),
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(tables_have_limits),
		cmocka_unit_test(scheduling_is_read_and_checked),
		cmocka_unit_test(bad_cpus_and_budgets_are_refused),
		cmocka_unit_test(a_disk_of_two_guests_is_read_only_in_both),
		cmocka_unit_test(what_is_not_text_is_refused),
		cmocka_unit_test(the_first_error_is_the_one_told),
		cmocka_unit_test(any_damage_gives_ok_or_an_error_with_words),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
