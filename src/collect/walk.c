#include "collect/walk.h"

#include <string.h>

#define HALVED_AT        4096     /* pages asked: older ones count half from then on */
#define CREDIT_EVERY_US  10000000 /* of time: one page */
#define CREDIT_EXTRA_MAX 16

void walks_init(struct walks *walks)
{
	memset(walks, 0, sizeof(*walks));
	pthread_mutex_init(&walks->lock, NULL);
}

void walks_release(struct walks *walks)
{
	pthread_mutex_destroy(&walks->lock);
}

/* They count as wasted, or as used, from now on. */
static void prove(struct walks *walks, struct walk *walk)
{
	walks->unproven -= walk->unproven;
	walk->unproven = 0;
}

static void give_up(struct walks *walks, struct walk *walk)
{
	for (size_t i = 0; i < WALK_WINDOW_MAX; i++) {
		if (walk->pages[i].used)
			continue;
		walk->pages[i].used = true;
		walks->wasted++;
		walks->all_wasted++;
	}
	prove(walks, walk);
	walk->proven = false;
	walk->window = 0;
	walk->ahead = 0;
}

/* One walk a call is looked at whether it ended. */
static void reap_one(struct walks *walks, int64_t now_us)
{
	struct walk *walk = &walks->items[walks->hand++ % WALKS];

	if (walk->key && now_us - walk->heard_us > WALK_IDLE_US) {
		give_up(walks, walk);
		walk->key = 0;
	}
}

static struct walk *find(struct walks *walks, uint64_t key)
{
	for (size_t i = 0; i < WALKS; i++)
		if (walks->items[i].key == key)
			return &walks->items[i];
	return NULL;
}

static struct walk *start(struct walks *walks, uint64_t key)
{
	struct walk *oldest = &walks->items[0];

	for (size_t i = 0; i < WALKS; i++) {
		struct walk *walk = &walks->items[i];

		if (!walk->key) {
			oldest = walk;
			break;
		}
		if (walk->heard_us < oldest->heard_us)
			oldest = walk;
	}
	if (oldest->key)
		give_up(walks, oldest);
	*oldest = (struct walk){.key = key, .total = -1, .expected = -1};
	for (size_t i = 0; i < WALK_WINDOW_MAX; i++)
		oldest->pages[i].used = true;
	return oldest;
}

/* The page was fetched ahead: it is used now. Came it and was it not there all the same, a write has spoilt what lies ahead. */
static void use(struct walks *walks, struct walk *walk, int64_t offset, int64_t limit, bool hit)
{
	for (size_t i = 0; i < WALK_WINDOW_MAX; i++) {
		struct walk_page *page = &walk->pages[i];

		if (page->used || page->offset != offset)
			continue;
		page->used = true;
		if (hit || !page->landed) {
			walks->all_used++;
			walk->proven = true;
			prove(walks, walk);
			return;
		}
		walks->wasted++;
		walks->all_wasted++;
		give_up(walks, walk);
		walk->window = 1;
		walk->ahead = offset + limit;
		return;
	}
}

/* How many pages may be wasted still. */
static int64_t credit(struct walks *walks, int64_t now_us)
{
	int64_t passed;

	if (walks->credit_us == 0)
		walks->credit_us = now_us;
	passed = now_us - walks->credit_us;
	if (passed > CREDIT_EVERY_US) {
		walks->extra += passed / CREDIT_EVERY_US;
		walks->credit_us = now_us;
		if (walks->extra > CREDIT_EXTRA_MAX)
			walks->extra = CREDIT_EXTRA_MAX;
	}
	if (walks->asked > HALVED_AT) {
		walks->asked /= 2;
		walks->wasted /= 2;
		walks->extra /= 2;
	}
	return WALK_CREDIT + walks->extra + (int64_t)(walks->asked / 10) - (int64_t)(walks->wasted + walks->unproven);
}

static struct walk_page *free_page(struct walk *walk)
{
	for (size_t i = 0; i < WALK_WINDOW_MAX; i++)
		if (walk->pages[i].used)
			return &walk->pages[i];
	return NULL;
}

static void look_ahead(struct walks *walks, struct walk *walk, int64_t limit, unsigned window, struct walk_ahead *ret)
{
	int64_t end = walk->expected + limit * window;
	struct walk_page *page;

	if (walk->ahead < walk->expected)
		walk->ahead = walk->expected;
	if (walk->total >= 0 && end > walk->total)
		end = walk->total;
	while (walk->ahead < end && ret->count < WALK_WINDOW_MAX && (page = free_page(walk))) {
		*page = (struct walk_page){.offset = walk->ahead};
		ret->offsets[ret->count++] = walk->ahead;
		walk->ahead += limit;
		walks->asked++;
		walks->all_asked++;
		walk->unproven += !walk->proven;
		walks->unproven += !walk->proven;
	}
}

static void note(struct walks *walks, struct walk *walk, const struct walk_page_asked *asked, unsigned ceiling,
        struct walk_ahead *ret)
{
	int64_t left = credit(walks, asked->now_us), offset = asked->offset, limit = asked->limit;

	if (!asked->alone) {
		walk->expected = offset + limit;
		walk->window = 0;
		return;
	}
	if (offset != walk->expected) {
		/* Again, elsewhere, or several at a time in any order: it begins anew where that goes on. */
		if (offset + limit == walk->expected)
			return;
		give_up(walks, walk);
		walk->expected = offset + limit;
		return;
	}
	walk->expected = offset + limit;
	walk->window = walk->window ? walk->window * 2 : 1;
	if (walk->window > ceiling)
		walk->window = ceiling;
	if (left > 0)
		look_ahead(walks, walk, limit, (int64_t)walk->window > left ? (unsigned)left : walk->window, ret);
}

bool walk_begin(struct walks *walks, uint64_t key)
{
	struct walk *walk;
	bool alone;

	pthread_mutex_lock(&walks->lock);
	walk = find(walks, key);
	if (!walk)
		walk = start(walks, key);
	alone = walk->busy++ == 0;
	pthread_mutex_unlock(&walks->lock);
	return alone;
}

void walk_end(struct walks *walks, uint64_t key, int64_t total)
{
	struct walk *walk;

	pthread_mutex_lock(&walks->lock);
	walk = find(walks, key);
	if (walk && walk->busy > 0) /* it may have been forgotten and begun anew meanwhile */
		walk->busy--;
	if (walk && total >= 0)
		walk->total = total;
	pthread_mutex_unlock(&walks->lock);
}

void walk_note(struct walks *walks, uint64_t key, const struct walk_page_asked *asked, unsigned ceiling,
        struct walk_ahead *ret)
{
	struct walk *walk;

	ret->count = 0;
	pthread_mutex_lock(&walks->lock);
	reap_one(walks, asked->now_us);
	walk = find(walks, key);
	if (!walk)
		walk = start(walks, key);
	walk->heard_us = asked->now_us;
	if (asked->total >= 0)
		walk->total = asked->total;
	use(walks, walk, asked->offset, asked->limit, asked->hit);
	note(walks, walk, asked, ceiling, ret);
	pthread_mutex_unlock(&walks->lock);
}

bool walk_is_known(struct walks *walks, uint64_t key)
{
	bool known;

	pthread_mutex_lock(&walks->lock);
	known = find(walks, key) != NULL;
	pthread_mutex_unlock(&walks->lock);
	return known;
}

void walk_landed(struct walks *walks, uint64_t key, int64_t offset, bool useful, int64_t total)
{
	struct walk *walk;

	pthread_mutex_lock(&walks->lock);
	walk = find(walks, key);
	if (walk) {
		for (size_t i = 0; i < WALK_WINDOW_MAX; i++)
			if (!walk->pages[i].used && walk->pages[i].offset == offset)
				walk->pages[i].landed = true;
		if (total >= 0)
			walk->total = total;
		if (!useful) {
			give_up(walks, walk);
			walk->expected = -1; /* begins anew */
		}
	}
	pthread_mutex_unlock(&walks->lock);
}

void walks_get_figures(struct walks *walks, uint64_t *ret_asked, uint64_t *ret_used, uint64_t *ret_wasted)
{
	pthread_mutex_lock(&walks->lock);
	*ret_asked = walks->all_asked;
	*ret_used = walks->all_used;
	*ret_wasted = walks->all_wasted;
	pthread_mutex_unlock(&walks->lock);
}
