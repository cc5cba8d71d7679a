/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/console.h: the consoles of all guests, and the service VM's own, on the machine's one serial line. */
#ifndef GUEST_SERVICE_CONSOLE_H
#define GUEST_SERVICE_CONSOLE_H

#include "guest/rt/rt.h"
#include "guest/rt/tty.h"

#define CONSOLE_RING   65536u /* bytes of history; a power of two                                  */
#define CONSOLE_UNSENT 32768u /* of them a guest may have waiting for the line: its output never gets lost */
#define CONSOLE_REPLAY 2048u  /* bytes shown again when a console gets the line                    */
#define CONSOLE_INPUT  256u
#define CONSOLE_NOTICE 512u
#define CONSOLE_NAME   48
#define CONSOLE_ESCAPE 0x01 /* Ctrl-A */

struct console {
	struct tty tty; /* we are the host's end */
	char name[CONSOLE_NAME];
	struct console *next;
	u8 *ring;
	u64 head;      /* bytes ever written                      */
	u64 sent;      /* of them on the line or skipped          */
	bool mid_line; /* the last byte was not a newline         */
	bool starved;  /* output() took less than offered         */
	bool typed;    /* there is input that its guest's end has not been told of */
	u32 in_head, in_tail;
	u8 in[CONSOLE_INPUT];
};

/** Set up, with the service console only; @line gets commands from it, NUL-terminated, may write to it. */
void console_init(void (*line)(char *text));
/** The machine's line: a driver makes itself its host end. */
struct tty *console_wire(void);
/** A console for a guest's device, which makes itself the guest's end of its tty. NULL: no memory. */
struct console *console_new(const char *name);
/** One that nobody has ever used: no device is at its tty's other end. */
void console_free(struct console *c);
/** Give the line to @c. */
void console_focus(struct console *c);
/** The first guest's console, or the service console. */
struct console *console_first(void);
/** Say a line (no newline in it) on the line, whoever has it, with the prefix "trivet: ": the log's sink. */
void console_log(const char *line, size_t len);
/** Write to the service console. */
void console_print(const char *fmt, ...) PRINTF(1, 2);
/** Is nothing waiting for the line? Tries to send first. */
bool console_drained(void);

#endif
