/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_console.c: the console multiplexer on a fake line.
 * LINK: guest/service/console.c guest/rt/work.c hv/lib/print.c
 */
#include "guest/service/console.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "guest/rt/sys.h"

struct rt_cpu *rt_cpu(unsigned n)
{
	return &fake_cpus[n];
}

void cpu_kick(unsigned n)
{
	fail();
}

static char line[200000];
static size_t line_len, line_room;
static char command[256];
static unsigned rooms;
static u8 typed[1024];
static size_t typed_len, typed_max;

void panic(const char *fmt, ...)
{
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

bool str_copy(char *d, const char *s, size_t size)
{
	size_t n = MIN(strlen(s), size - 1);

	memcpy(d, s, n);
	d[n] = '\0';
	return s[n] == '\0';
}

static void *blocks[64];
static unsigned nblocks;

void *mem_alloc(size_t size)
{
	return blocks[nblocks++] = calloc(1, size);
}

void mem_free(void *p)
{
}

static size_t line_output(struct tty *t, const u8 *buf, size_t len)
{
	size_t n = MIN(len, line_room);

	assert_true(line_len + n < sizeof(line));
	memcpy(line + line_len, buf, n);
	line_len += n;
	line_room -= n;
	line[line_len] = '\0';
	return n;
}

static void line_gives(size_t room)
{
	line_room = room;
	console_wire()->room(console_wire());
	work_run();
}

static const char *waiting = ""; /* on the line, to be read */

static size_t line_read(struct tty *t, u8 *buf, size_t len)
{
	size_t n = MIN(len, strlen(waiting));

	memcpy(buf, waiting, n);
	waiting += n;
	return n;
}

static void type(const char *s)
{
	waiting = s;
	console_wire()->input(console_wire());
	assert_int_equal(*waiting, '\0');
	work_run();
}

static void on_command(char *text)
{
	strcpy(command, text);
	console_print("did %s\n", text);
}

static void guest_input(struct tty *t)
{
	typed_len += tty_read(t, (u8 *)typed + typed_len, typed_max - typed_len);
}

static void guest_room(struct tty *t)
{
	rooms++;
}

static struct console *guest(const char *name)
{
	struct console *c = console_new(name);

	c->tty.input = guest_input;
	c->tty.room = guest_room;
	return c;
}

static size_t say(struct console *c, const char *s)
{
	return tty_write(&c->tty, (const u8 *)s, strlen(s));
}

static void quiet(void)
{
	line_len = 0;
	line[0] = '\0';
}

static int setup(void **state)
{
	quiet();
	line_room = sizeof(line) / 2;
	rooms = 0;
	typed_len = 0;
	typed_max = sizeof(typed);
	command[0] = '\0';
	console_init(on_command);
	console_wire()->output = line_output;
	console_wire()->read = line_read;
	return 0;
}

static int teardown(void **state)
{
	while (nblocks != 0)
		free(blocks[--nblocks]);
	return 0;
}

static void only_the_focused_console_is_on_the_line(void **state)
{
	struct console *a = guest("a"), *b = guest("b");

	assert_ptr_equal(console_first(), a);
	console_focus(a);
	quiet();
	assert_int_equal(say(a, "hello"), 5);
	assert_int_equal(say(b, "hidden"), 6);
	assert_string_equal(line, "hello");
	type("\001n");
	assert_non_null(strstr(line, "[b;"));
	assert_non_null(strstr(line, "hidden"));
}

static void nothing_is_lost_on_a_slow_line(void **state)
{
	static char text[100000];
	struct console *a = guest("a");
	size_t sent = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	console_focus(a);
	quiet();
	line_room = 0;
	while (sent < sizeof(text)) {
		size_t n = tty_write(&a->tty, (const u8 *)text + sent, MIN(sizeof(text) - sent, (size_t)1000));

		sent += n;
		if (n == 0) {
			unsigned before = rooms;

			while (rooms == before)
				line_gives(700);
		}
	}
	line_gives(sizeof(line));
	assert_int_equal(line_len, sizeof(text));
	assert_memory_equal(line, text, sizeof(text));
	assert_true(console_drained());
}

static void a_stalled_line_does_not_take_without_end(void **state)
{
	struct console *a = guest("a");
	size_t sum = 0;

	console_focus(a);
	line_room = 0;
	for (unsigned i = 0; i < 100000; i++)
		sum += say(a, "0123456789");
	assert_int_equal(sum, CONSOLE_UNSENT);
	assert_false(console_drained());
}

static void an_unfocused_guest_is_never_held_up(void **state)
{
	struct console *a = guest("a"), *b = guest("b");

	console_focus(a);
	line_room = 0;
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(say(b, "0123456789"), 10);
}

static void replay_begins_with_a_whole_line(void **state)
{
	struct console *a = guest("a"), *b = guest("b");

	console_focus(a);
	for (unsigned i = 0; i < 10000; i++)
		say(b, "a line of b\n");
	quiet();
	console_focus(b);
	assert_non_null(strstr(line, "help]\r\na line of b\na line of b\n"));
	assert_in_range(line_len, 1000, CONSOLE_REPLAY + 100);
}

static void ctrl_a_a_types_ctrl_a(void **state)
{
	struct console *a = guest("a");

	console_focus(a);
	type("x\001ay");
	assert_int_equal(typed_len, 3);
	assert_memory_equal(typed, "x\001y", 3);
}

static void the_service_console_is_reached_past_a_guest_that_does_not_read(void **state)
{
	struct console *a = guest("a");

	console_focus(a);
	typed_max = 0;
	for (unsigned i = 0; i < 1000; i++)
		type("0123456789");
	type("\001s");
	quiet();
	type("vmsx\b\r");
	assert_string_equal(command, "vms");
	assert_non_null(strstr(line, "did vms\r\ntrivet> "));
}

static void input_waits_until_the_guest_takes_it(void **state)
{
	struct console *a = guest("a");

	console_focus(a);
	typed_max = 2;
	type("abcd");
	assert_int_equal(typed_len, 2);
	typed_max = 100;
	guest_input(&a->tty);
	assert_memory_equal(typed, "abcd", 4);
}

static void a_long_command_is_cut(void **state)
{
	for (unsigned i = 0; i < 1000; i++)
		type("abc");
	type("\r");
	assert_in_range(strlen(command), 100, 127);
}

static void a_log_line_stands_on_a_line_of_its_own(void **state)
{
	struct console *a = guest("a");

	console_focus(a);
	quiet();
	say(a, "half");
	console_log("guest a crashed: x", 18);
	say(a, "more");
	assert_string_equal(line, "half\r\ntrivet: guest a crashed: x\r\nmore");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_focused_console_is_on_the_line, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_lost_on_a_slow_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stalled_line_does_not_take_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unfocused_guest_is_never_held_up, setup, teardown),
		cmocka_unit_test_setup_teardown(replay_begins_with_a_whole_line, setup, teardown),
		cmocka_unit_test_setup_teardown(ctrl_a_a_types_ctrl_a, setup, teardown),
		cmocka_unit_test_setup_teardown(the_service_console_is_reached_past_a_guest_that_does_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(input_waits_until_the_guest_takes_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_command_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(a_log_line_stands_on_a_line_of_its_own, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
