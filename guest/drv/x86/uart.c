/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/uart.c: driver of the machine's 16550 (PC16550D data sheet, section 8). Never blocks its callers. */
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
#define FCR_RX_8  0x80u /* interrupt at 8 bytes or a pause */
#define LCR_8N1	  0x03u
#define MCR_DTR	  0x01u
#define MCR_RTS	  0x02u
#define MCR_OUT2  0x08u /* gates the interrupt on a PC */
#define LSR_DR	  0x01u
#define LSR_THRE  0x20u
#define LSR_TEMT  0x40u

#define UART_FIFO	16
#define UART_WATCH_NS	10000000ULL /* with an interrupt: catches a lost one   */
#define UART_POLL_NS	2000000ULL  /* without                                 */
#define UART_RX_BURST	64	    /* bytes read at a time, whatever LSR says */
#define UART_WAIT_TRIES 100000

static u8 uart_in(const struct drv_uart *u, unsigned reg)
{
	return cpu_in8((u16)(u->base + reg));
}

static void uart_out(const struct drv_uart *u, unsigned reg, unsigned v)
{
	cpu_out8((u16)(u->base + reg), (u8)v);
}

static u32 uart_tx_used(const struct drv_uart *u)
{
	return u->tx_head - u->tx_tail;
}

/* Fill the transmitter if it is empty, and have it call when it is again if more is left. */
static void uart_tx(struct drv_uart *u)
{
	u8 ier;

	if (uart_tx_used(u) != 0 && (uart_in(u, UART_LSR) & LSR_THRE) != 0) {
		for (unsigned i = 0; i < u->fifo && uart_tx_used(u) != 0; i++)
			uart_out(u, UART_THR, u->tx[u->tx_tail++ % UART_TX_RING]);
	}
	ier = uart_tx_used(u) != 0 ? IER_ERBFI | IER_ETBEI : IER_ERBFI;
	if (ier != u->ier) {
		u->ier = ier;
		uart_out(u, UART_IER, ier);
	}
	if (uart_tx_used(u) != 0 && !timer_armed(&u->timer))
		timer_set(&u->timer, time_ns() + (u->has_irq ? UART_WATCH_NS : UART_POLL_NS));
}

static void uart_room(struct drv_uart *u)
{
	if (u->starved && uart_tx_used(u) <= UART_TX_RING / 2) {
		u->starved = false;
		if (u->tty->room != NULL)
			u->tty->room(u->tty);
	}
}

/* Hand over what the user takes. */
static void uart_deliver(struct drv_uart *u)
{
	while (u->rx_head != u->rx_tail) {
		u32 at = u->rx_tail % UART_RX_RING;
		size_t n = MIN(u->rx_head - u->rx_tail, UART_RX_RING - at);
		size_t took = u->tty->input != NULL ? u->tty->input(u->tty, &u->rx[at], n) : n;

		u->rx_tail += (u32)MIN(took, n);
		if (took < n)
			return;
	}
}

static void uart_rx(struct drv_uart *u)
{
	for (unsigned i = 0; i < UART_RX_BURST && (uart_in(u, UART_LSR) & LSR_DR) != 0; i++) {
		u8 c = uart_in(u, UART_RBR);

		if (u->rx_head - u->rx_tail < UART_RX_RING) /* else lost, as behind any full FIFO */
			u->rx[u->rx_head++ % UART_RX_RING] = c;
	}
	uart_deliver(u);
}

static void uart_service(struct drv_uart *u)
{
	/* Until IIR says that nothing is pending an edge-triggered line would not rise again. */
	for (unsigned i = 0; i < 4; i++) {
		uart_rx(u);
		uart_tx(u);
		if ((uart_in(u, UART_IIR) & 1) != 0)
			break;
	}
	uart_room(u);
}

static void uart_irq(struct irq_handler *h)
{
	struct drv_uart *u = container_of(h, struct drv_uart, irq);

	uart_service(u);
	irq_done(h);
}

static void uart_timer(struct timer *t)
{
	struct drv_uart *u = container_of(t, struct drv_uart, timer);

	uart_service(u);
	if (!u->has_irq)
		timer_set(&u->timer, time_ns() + UART_POLL_NS);
}

static size_t uart_output(struct tty *t, const u8 *buf, size_t len)
{
	struct drv_uart *u = t->host;
	size_t n = MIN(len, (size_t)(UART_TX_RING - uart_tx_used(u)));

	for (size_t i = 0; i < n; i++)
		u->tx[u->tx_head++ % UART_TX_RING] = buf[i];
	uart_tx(u);
	if (n < len)
		u->starved = true;
	return n;
}

static void uart_ready(struct tty *t)
{
	uart_deliver(t->host);
}

status_t drv_uart_init(struct drv_uart *u, struct tty *tty, u16 base, unsigned irq)
{
	memset(u, 0, sizeof(*u));
	u->base = base;
	u->tty = tty;
	timer_init(&u->timer, uart_timer);
	uart_out(u, UART_SCR, 0x5a); /* a scratch register that holds its value is one that is there */
	if (uart_in(u, UART_SCR) != 0x5a)
		return ERR_NOENT;
	uart_out(u, UART_LCR, LCR_8N1);
	uart_out(u, UART_FCR, FCR_ON | FCR_RX_8);
	u->fifo = (uart_in(u, UART_IIR) & IIR_FIFO) == IIR_FIFO ? UART_FIFO : 1;
	uart_out(u, UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	u->irq.fn = uart_irq;
	u->irq.gsi = irq;
	u->irq.flags = IRQ_ISA;
	u->has_irq = irq_attach(&u->irq) == OK;
	u->ier = IER_ERBFI;
	uart_out(u, UART_IER, u->ier);
	if (!u->has_irq)
		timer_set(&u->timer, time_ns() + UART_POLL_NS);
	tty->host = u;
	tty->output = uart_output;
	tty->ready = uart_ready;
	return OK;
}

static void uart_wait_thre(struct drv_uart *u)
{
	for (unsigned i = 0; i < UART_WAIT_TRIES && (uart_in(u, UART_LSR) & LSR_THRE) == 0; i++)
		;
}

void drv_uart_flush(struct drv_uart *u)
{
	u32 used;

	do {
		used = uart_tx_used(u);
		uart_wait_thre(u);
		uart_tx(u);
	} while (uart_tx_used(u) != 0 && uart_tx_used(u) != used);
	for (unsigned i = 0; i < UART_WAIT_TRIES && (uart_in(u, UART_LSR) & LSR_TEMT) == 0; i++)
		;
}
