/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/virtio_rng.c: a virtio entropy device (virtio 1.2, 5.4). */
#include "guest/vmm/virtio.h"
#include "guest/vmm/virtio_regs.h"

#define RNG_QUEUE_SIZE 16
#define RNG_BUDGET     8   /* requests a kick may take */
#define RNG_MAX	       512 /* bytes a request gets; the driver asks again for more */

struct rng {
	struct virtio dev;
	struct vq_chain chain;
};

static u32 rng_fill(const struct vq_chain *c)
{
	u32 done = 0;
	unsigned i;

	for (i = c->nread; i < c->nread + c->nwrite && done < RNG_MAX; i++) {
		u32 part = MIN(c->seg[i].len, RNG_MAX - done);

		random_bytes(c->seg[i].base, part);
		done += part;
	}
	return done;
}

static void rng_kick(struct virtio *v, unsigned index)
{
	struct rng *r = container_of(v, struct rng, dev);
	struct vq *q = &v->vq[index];
	unsigned n;

	for (n = 0; n < RNG_BUDGET && vq_pop(q, &r->chain) == OK; n++)
		vq_push(q, r->chain.head, rng_fill(&r->chain));
	vq_notify(q);
	if (n == RNG_BUDGET)
		vq_again(q);
}

static const struct virtio_ops rng_ops = { .kick = rng_kick };

status_t virtio_rng_new(struct vm *vm, struct pci_root *root, unsigned devfn)
{
	struct rng *r = mem_alloc(sizeof(*r));
	status_t s;

	if (r == NULL)
		return ERR_NOMEM;
	s = virtio_init(&r->dev, vm, root, devfn, "virtio-rng", 4, 0, 1, RNG_QUEUE_SIZE, &rng_ops);
	if (s != OK)
		mem_free(r);
	return s;
}
