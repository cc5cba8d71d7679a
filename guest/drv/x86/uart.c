/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/uart.c: driver of the machine's 16550 (PC16550D data sheet, section 8): its registers. */
#include "guest/drv/x86/uart.h"
#include "guest/rt/hypercall.h"
#include "self/insn.h"

/* Registers, offsets from the base port. */
#define UART_RBR 0 /* read          */
#define UART_THR 0 /* write         */
#define UART_IER 1
#define UART_IIR 2 /* read          */
#define UART_FCR 2 /* write         */
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_SCR 7

#define IER_ERBFI 0x01u /* received data  */
#define IER_ETBEI 0x02u /* transmitter holding register empty */
#define IIR_FIFO  0xc0u /* the FIFOs are on */
#define FCR_ON	  0x01u
#define FCR_RX_1  0x00u /* interrupt at each byte: at 8, Bochs 2.7 gives the last one of a burst twice */
#define LCR_8N1	  0x03u
#define MCR_DTR	  0x01u
#define MCR_RTS	  0x02u
#define MCR_OUT2  0x08u /* gates the interrupt on a PC */
#define LSR_DR	  0x01u
#define LSR_THRE  0x20u
#define LSR_TEMT  0x40u

#define UART_FIFO   16
#define UART_ROUNDS 8

static struct drv_uart *uart_of(struct serial *s)
{
	return container_of(s, struct drv_uart, serial);
}

static u8 uart_in(const struct drv_uart *u, unsigned reg)
{
	return cpu_in8((u16)(u->base + reg));
}

static void uart_out(const struct drv_uart *u, unsigned reg, unsigned v)
{
	cpu_out8((u16)(u->base + reg), (u8)v);
}

/* Until IIR says that nothing is pending an edge-triggered line would not rise again: a chip that has always more is
 * looked after by the timer. */
static void uart_service(struct serial *s)
{
	for (unsigned i = 0; i < UART_ROUNDS; i++) {
		serial_rx(s);
		serial_tx(s);
		if ((uart_in(uart_of(s), UART_IIR) & 1) != 0)
			return;
	}
	serial_watch(s);
}

static bool uart_receive(struct serial *s, u8 *c)
{
	struct drv_uart *u = uart_of(s);

	if ((uart_in(u, UART_LSR) & LSR_DR) == 0)
		return false;
	*c = uart_in(u, UART_RBR);
	return true;
}

/* Fill the transmitter if it is empty. */
static void uart_send(struct serial *s)
{
	struct drv_uart *u = uart_of(s);

	if ((uart_in(u, UART_LSR) & LSR_THRE) == 0)
		return;
	for (unsigned i = 0; i < u->fifo && serial_tx_used(s) != 0; i++)
		uart_out(u, UART_THR, serial_next(s));
}

static void uart_interrupts(struct serial *s, bool tx)
{
	uart_out(uart_of(s), UART_IER, IER_ERBFI | (tx ? IER_ETBEI : 0));
}

static bool uart_idle(struct serial *s)
{
	return (uart_in(uart_of(s), UART_LSR) & LSR_TEMT) != 0;
}

static const struct serial_ops uart_ops = { uart_service, uart_receive, uart_send, uart_interrupts, uart_idle };

status_t drv_uart_init(struct drv_uart *u, struct tty *tty, u16 base, u32 irq, u32 flags)
{
	memset(u, 0, sizeof(*u));
	u->base = base;
	uart_out(u, UART_SCR, 0x5a); /* a scratch register that holds its value is one that is there */
	if (uart_in(u, UART_SCR) != 0x5a)
		return ERR_NOENT;
	uart_out(u, UART_LCR, LCR_8N1);
	uart_out(u, UART_FCR, FCR_ON | FCR_RX_1);
	u->fifo = (uart_in(u, UART_IIR) & IIR_FIFO) == IIR_FIFO ? UART_FIFO : 1;
	uart_out(u, UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	serial_start(&u->serial, &uart_ops, tty, irq, flags);
	return OK;
}
