/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/console.c: several consoles on one line: one has it, the others fill their rings, Ctrl-A switches. */
#include "guest/service/console.h"

#define CONSOLE_LINE   128
#define CONSOLE_FETCH  64
#define CONSOLE_PROMPT "trivet> "
#define CONSOLE_ERASE  "\r\x1b[K" /* the line the cursor is on (ECMA-48, 8.3.41) */

/*
 * One lock for all of it. Devices call with theirs held; we call devices, the wire's but tty_read and tty_write, and
 * commands without.
 */
static struct lock console_lock = LOCK_INIT(LOCK_CONSOLE);
static struct tty console_tty; /* we are the guest's end of the machine's line */
static struct console console_service;
static struct console *console_list; /* guests' in order of creation, the service console last */
static struct console *console_focused;
static struct work console_room_work;
static struct work console_line_work; /* reads what is typed on the service console */
static bool console_escaped;
static void (*console_command)(char *text);
static char console_edit[CONSOLE_LINE];
static size_t console_edit_len;
static bool console_prompting; /* the last line of the service console is a prompt */
/* Ours, to go out before the focused console's output. */
static u8 console_notice[CONSOLE_NOTICE];
static u32 console_notice_head, console_notice_tail;

static void console_notify(const char *s)
{
	for (; *s != '\0' && console_notice_head - console_notice_tail < CONSOLE_NOTICE; s++)
		console_notice[console_notice_head++ % CONSOLE_NOTICE] = (u8)*s;
}

/* Send [*tail, head) of a ring of @size bytes; true when all of it went. */
static bool console_send(const u8 *ring, u32 size, u64 *tail, u64 head)
{
	while (*tail != head) {
		u32 at = (u32)(*tail % size);
		size_t n = (size_t)MIN(head - *tail, (u64)(size - at));
		size_t took = tty_write(&console_tty, ring + at, n);

		*tail += took;
		if (took < n)
			return false;
	}
	return true;
}

static void console_pump(void)
{
	struct console *c = console_focused;
	u64 tail = console_notice_tail, head = tail + (u32)(console_notice_head - console_notice_tail);
	bool all = console_send(console_notice, CONSOLE_NOTICE, &tail, head);

	console_notice_tail = (u32)tail;
	if (all)
		(void)console_send(c->ring, CONSOLE_RING, &c->sent, c->head);
	if (c->starved && c->head - c->sent <= CONSOLE_UNSENT / 2)
		work_queue(&console_room_work); /* not from here: the guest's device may be our caller */
}

/* The next console whose guest's end has to be told of room (else of input), and no more after this. */
static struct console *console_next(bool room)
{
	struct console *c;

	lock_take(&console_lock);
	for (c = console_list; c != NULL; c = c->next) {
		if (room && c->starved && c->head - c->sent <= CONSOLE_UNSENT / 2) {
			c->starved = false;
			break;
		}
		if (!room && c->typed) {
			c->typed = false;
			break;
		}
	}
	lock_drop(&console_lock);
	return c;
}

/* Tell everyone who waits for room and has it now. */
static void console_tell_room(struct work *w)
{
	struct console *c;

	while ((c = console_next(true)) != NULL) {
		if (c->tty.room != NULL)
			c->tty.room(&c->tty);
	}
}

/* Tell those for whom something was typed. */
static void console_tell_input(void)
{
	struct console *c;

	while ((c = console_next(false)) != NULL) {
		if (c->tty.input != NULL)
			c->tty.input(&c->tty);
	}
}

static void console_put(struct console *c, const u8 *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		c->ring[c->head++ % CONSOLE_RING] = buf[i];
	if (len != 0)
		c->mid_line = buf[len - 1] != '\n';
	if (c != console_focused)
		c->sent = c->head;
	else if (c->head - c->sent > CONSOLE_RING) /* only log lines and commands get so far */
		c->sent = c->head - CONSOLE_RING;
}

static size_t console_output(struct tty *t, const u8 *buf, size_t len)
{
	struct console *c = t->host;
	size_t n = len;
	u64 waiting;

	lock_take(&console_lock);
	waiting = c->head - c->sent;
	if (c == console_focused)
		n = waiting >= CONSOLE_UNSENT ? 0 : MIN(len, (size_t)(CONSOLE_UNSENT - waiting));
	else
		n = MIN(len, (size_t)CONSOLE_RING);
	console_put(c, buf, n);
	if (n < len)
		c->starved = true;
	console_pump();
	lock_drop(&console_lock);
	return n;
}

/* Give what was typed. */
static size_t console_read(struct tty *t, u8 *buf, size_t len)
{
	struct console *c = t->host;
	size_t n = 0;

	lock_take(&console_lock);
	while (n < len && c->in_head != c->in_tail)
		buf[n++] = c->in[c->in_tail++ % CONSOLE_INPUT];
	lock_drop(&console_lock);
	return n;
}

static void console_set_focus(struct console *c)
{
	struct console *old = console_focused;
	char text[CONSOLE_NAME + 32];
	u64 from;

	old->sent = old->head;
	if (old->starved)
		work_queue(&console_room_work);
	console_focused = c;
	if (c == &console_service && !console_prompting) {
		console_prompting = true;
		console_put(c, (const u8 *)CONSOLE_PROMPT, sizeof(CONSOLE_PROMPT) - 1);
	}
	if (old != c) {
		(void)snprintf(text, sizeof(text), "\r\n[%s; Ctrl-A ? for help]\r\n", c->name);
		console_notify(text);
	}
	/* Whole lines of what has been on it lately. */
	from = c->head > CONSOLE_REPLAY ? c->head - CONSOLE_REPLAY : 0;
	while (from != 0 && from != c->head && c->ring[(from - 1) % CONSOLE_RING] != '\n')
		from++;
	c->sent = from;
	console_pump();
}

void console_focus(struct console *c)
{
	lock_take(&console_lock);
	console_set_focus(c);
	lock_drop(&console_lock);
}

static void console_help(void)
{
	console_notify("\r\nCtrl-A n next console, Ctrl-A s service console, Ctrl-A a types Ctrl-A, Ctrl-A ? help\r\n"
		       "consoles:");
	for (struct console *c = console_list; c != NULL; c = c->next) {
		console_notify(c == console_focused ? " *" : " ");
		console_notify(c->name);
	}
	console_notify("\r\n");
	console_pump();
}

static void console_type(u8 ch)
{
	struct console *c = console_focused;

	/* A guest that does not read loses what is typed, and Ctrl-A still works behind it. */
	if (c->in_head - c->in_tail < CONSOLE_INPUT)
		c->in[c->in_head++ % CONSOLE_INPUT] = ch;
	c->typed = true;
}

static void console_escape(u8 ch)
{
	switch (ch) {
	case 'n':
	case 'N': console_set_focus(console_focused->next != NULL ? console_focused->next : console_list); break;
	case 's':
	case 'S': console_set_focus(&console_service); break;
	case 'a':
	case 'A':
	case CONSOLE_ESCAPE: console_type(CONSOLE_ESCAPE); break;
	default: console_help(); break;
	}
}

static void console_take(u8 ch)
{
	if (console_escaped) {
		console_escaped = false;
		console_escape(ch);
	} else if (ch == CONSOLE_ESCAPE) {
		console_escaped = true;
	} else {
		console_type(ch);
	}
}

/* The line has input. What was typed before a Ctrl-A goes to the console that was in front then. */
static void console_wire_input(struct tty *t)
{
	u8 buf[CONSOLE_FETCH];
	size_t n;

	do {
		lock_take(&console_lock);
		n = tty_read(t, buf, sizeof(buf));
		for (size_t i = 0; i < n; i++)
			console_take(buf[i]);
		lock_drop(&console_lock);
		console_tell_input();
	} while (n == sizeof(buf));
}

static void console_wire_room(struct tty *t)
{
	lock_take(&console_lock);
	console_pump();
	lock_drop(&console_lock);
}

/* --- the service console: a line editor --------------------------------------------------------------------- */

static void console_echo(const char *text)
{
	console_put(&console_service, (const u8 *)text, strlen(text));
}

/* With the lock. True: a line is complete. */
static bool console_service_char(u8 ch)
{
	const char one[] = { (char)ch, '\0' };

	switch (ch) {
	case '\r':
	case '\n':
		console_echo("\r\n");
		console_edit[console_edit_len] = '\0';
		console_edit_len = 0;
		console_prompting = false;
		return true;
	case 0x7f:
	case '\b':
		if (console_edit_len != 0) {
			console_edit_len--;
			console_echo("\b \b");
		}
		break;
	case 0x15: /* Ctrl-U */
		for (; console_edit_len != 0; console_edit_len--)
			console_echo("\b \b");
		break;
	default:
		if (ch >= ' ' && ch < 0x7f && console_edit_len < CONSOLE_LINE - 1) {
			console_edit[console_edit_len++] = (char)ch;
			console_echo(one);
		}
		break;
	}
	return false;
}

/* What is typed on the service console, on the first CPU alone: there the guests' lives are decided. */
static void console_line(struct work *w)
{
	char line[CONSOLE_LINE];
	bool complete;
	u8 ch;

	while (console_read(&console_service.tty, &ch, 1) != 0) {
		lock_take(&console_lock);
		complete = console_service_char(ch);
		if (complete)
			memcpy(line, console_edit, sizeof(line));
		console_pump();
		lock_drop(&console_lock);
		if (!complete)
			continue;
		console_command(line);
		lock_take(&console_lock);
		console_prompting = true;
		console_echo(CONSOLE_PROMPT);
		console_pump();
		lock_drop(&console_lock);
	}
}

static void console_service_input(struct tty *t)
{
	work_queue_on(0, &console_line_work);
}

static void console_print_char(void *ctx, char c)
{
	if (c == '\n')
		console_put(&console_service, (const u8 *)"\r\n", 2);
	else
		console_put(&console_service, (const u8 *)&c, 1);
}

void console_print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	lock_take(&console_lock);
	(void)vprint(console_print_char, NULL, fmt, ap);
	console_pump();
	lock_drop(&console_lock);
	va_end(ap);
}

static void console_log_to(struct console *c, const char *line, size_t len)
{
	const bool typing = c == &console_service && console_prompting;

	if (typing)
		console_put(c, (const u8 *)CONSOLE_ERASE, sizeof(CONSOLE_ERASE) - 1);
	else if (c->mid_line)
		console_put(c, (const u8 *)"\r\n", 2);
	console_put(c, (const u8 *)"trivet: ", 8);
	console_put(c, (const u8 *)line, len);
	console_put(c, (const u8 *)"\r\n", 2);
	if (typing) { /* what was being typed stands below the line again */
		console_put(c, (const u8 *)CONSOLE_PROMPT, sizeof(CONSOLE_PROMPT) - 1);
		console_put(c, (const u8 *)console_edit, console_edit_len);
	}
}

void console_log(const char *line, size_t len)
{
	lock_take(&console_lock);
	console_log_to(console_focused, line, len);
	if (console_focused != &console_service)
		console_log_to(&console_service, line, len);
	console_pump();
	lock_drop(&console_lock);
}

/* --- set-up -------------------------------------------------------------------------------------------------- */

static bool console_setup(struct console *c, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->ring = mem_alloc(CONSOLE_RING);
	(void)str_copy(c->name, name, sizeof(c->name));
	c->tty.host = c;
	c->tty.output = console_output;
	c->tty.read = console_read;
	return c->ring != NULL;
}

void console_init(void (*line)(char *text))
{
	if (!console_setup(&console_service, "service console"))
		panic("no memory for a console");
	console_service.tty.input = console_service_input;
	console_command = line;
	console_list = &console_service;
	console_focused = &console_service;
	console_escaped = false;
	console_edit_len = 0;
	console_prompting = false;
	console_notice_head = console_notice_tail = 0;
	work_init(&console_room_work, console_tell_room);
	work_init(&console_line_work, console_line);
	memset(&console_tty, 0, sizeof(console_tty));
	console_tty.input = console_wire_input;
	console_tty.room = console_wire_room;
}

struct tty *console_wire(void)
{
	return &console_tty;
}

struct console *console_new(const char *name)
{
	struct console *c = mem_alloc(sizeof(*c)), **p = &console_list;

	if (c == NULL || !console_setup(c, name)) {
		mem_free(c);
		return NULL;
	}
	lock_take(&console_lock);
	while (*p != &console_service)
		p = &(*p)->next;
	c->next = *p;
	*p = c;
	lock_drop(&console_lock);
	return c;
}

void console_free(struct console *c)
{
	struct console **p = &console_list;

	if (c == NULL)
		return;
	lock_take(&console_lock);
	if (console_focused == c)
		console_set_focus(&console_service);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	lock_drop(&console_lock);
	mem_free(c->ring);
	mem_free(c);
}

struct console *console_first(void)
{
	return console_list;
}

bool console_drained(void)
{
	bool drained;

	lock_take(&console_lock);
	console_pump();
	drained = console_focused->sent == console_focused->head && console_notice_head == console_notice_tail;
	lock_drop(&console_lock);
	return drained;
}
