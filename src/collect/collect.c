#include "collect/collect.h"

#include "base/digest.h"
#include "collect/join.h"
#include "collect/read_ahead.h"
#include "collect/wish.h"

/* The whole has a key of its own, made of the page's and of what makes it differ. */
static void narrow_key(struct request *r, const struct wish *wish)
{
	struct digest d;

	digest_start(&d, r->flow->secret);
	digest_add_text(&d, "joined");
	digest_add(&d, r->key.bytes, sizeof(r->key.bytes));
	digest_add(&d, &wish->offset, sizeof(wish->offset));
	digest_add(&d, &wish->rows, sizeof(wish->rows));
	digest_add(&d, &wish->lines, sizeof(wish->lines));
	digest_end(&d, r->key.bytes);
	r->primary = r->key;
}

static enum collector_says classify(void *arg, struct request *r)
{
	struct wish wish;

	switch (wish_read(&wish, r)) {
	case WISH_NONE:
		read_ahead_begin(arg, r);
		return COLLECTOR_PASSES;
	case WISH_REFUSED:
		return COLLECTOR_REFUSES;
	case WISH_JOIN:
		narrow_key(r, &wish);
		r->joins = true;
		return COLLECTOR_JOINS;
	}
	WRONG("a wish outside its enum");
}

static void join(void *arg, struct request *r)
{
	struct wish wish;

	if (wish_read(&wish, r) != WISH_JOIN)
		WRONG("a request that wishes something else now");
	join_start(arg, r, &wish);
}

static void over(void *arg, const struct request *r)
{
	read_ahead_end(arg, r);
}

static void saw(void *arg, const struct request *r)
{
	read_ahead(arg, r);
}

void collect_init(struct collect *collect, struct flow *flow)
{
	*collect = (struct collect){.flow = flow};
	collect->hooks = (struct flow_collector){
	        .classify = classify, .join = join, .saw = saw, .over = over, .arg = collect};
	walks_init(&collect->walks);
	totals_init(&collect->totals);
	flow->collector = &collect->hooks;
}

void collect_release(struct collect *collect)
{
	if (!collect->flow)
		return;
	collect->flow->collector = NULL;
	walks_release(&collect->walks);
	totals_release(&collect->totals);
	collect->flow = NULL;
}
