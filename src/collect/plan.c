#include "collect/plan_inside.h"

#include "redmine/paging.h"

void plan_init(struct plan *plan, const struct plan_settings *settings)
{
	*plan = (struct plan){.settings = *settings,
	        .next_offset = settings->offset,
	        .total = -1,
	        .passes = 1,
	        .lowest = UINT64_MAX,
	        .storing = settings->stored};
}

void plan_page_free(struct plan_page *page)
{
	if (!page)
		return;
	splice_release(&page->splice);
	if (page->load && page->drop)
		page->drop(page->load);
	free(page);
}

void plan_drop_pages(struct plan *plan)
{
	struct plan_page **at = &plan->first, *page;

	plan->last = NULL;
	while ((page = *at)) {
		if (page->state == PLAN_ASKED) {
			plan->last = page;
			at = &page->next;
			continue;
		}
		*at = page->next;
		plan->pages--;
		plan_page_free(page);
	}
}

void plan_release(struct plan *plan)
{
	plan_drop_pages(plan);
	ASSERT(!plan->first);
	free(plan->recent);
	names_release(&plan->seen);
	names_release(&plan->pass);
}

struct plan_page *plan_page_new(const struct plan *plan, int64_t offset, bool fresh)
{
	struct plan_page *page = calloc(1, sizeof(*page));

	if (page)
		*page = (struct plan_page){.offset = offset, .fresh = fresh, .drop = plan->settings.drop};
	return page;
}

/* The position behind the last row that is wanted. */
static int64_t end_wanted(const struct plan_settings *settings)
{
	return settings->rows > INT64_MAX - settings->offset ? INT64_MAX : settings->offset + settings->rows;
}

int64_t plan_stride(const struct plan *plan)
{
	return plan->blind || plan->storing ? PAGING_MAX : PAGING_MAX - 1;
}

/* Is there a page to be asked behind those that are asked already, before the first one says how long the list is? */
static bool wants_early(const struct plan *plan)
{
	const struct plan_settings *settings = &plan->settings;
	int64_t expected = plan->passes > 1 ? plan->total : settings->expected;

	return !plan->blind && plan->next_offset < expected && plan->next_offset + 1 < end_wanted(settings);
}

/* How long the list is as its first page says, -1: that is not here. */
static int64_t total_so_far(const struct plan *plan)
{
	if (plan->taken > 0)
		return plan->total;
	return plan->first && plan->first->state == PLAN_HERE && !plan->first->missing
	               ? plan->first->splice.metas[SPLICE_TOTAL].value
	               : -1;
}

/* Of what is stored the first page alone, and then those that it says there are; two at least before one is taken. */
static bool wants_stored(const struct plan *plan)
{
	if (plan->pages >= plan->settings.width && (plan->taken > 0 || plan->pages > 1))
		return false;
	return plan->next_offset == plan->settings.offset ||
	       (plan->next_offset < total_so_far(plan) && plan->next_offset < end_wanted(&plan->settings));
}

/* Is there a page to be asked behind those that are asked already? */
static bool wants_more(const struct plan *plan)
{
	if (plan->looking)
		return !plan->ended && plan->pages == 0;
	if (plan->storing && !plan->ended)
		return wants_stored(plan);
	if (plan->ended || plan->pages >= plan->settings.width)
		return false;
	if (plan->next_offset == plan->settings.offset)
		return true;
	if (plan->taken == 0)
		return wants_early(plan);
	if (plan->total < 0)
		return plan->pages == 0;
	if (plan->pages == 0)
		return true;
	if (plan->blind)
		return plan->next_offset < plan->total && plan->next_offset < end_wanted(&plan->settings);
	/* Up to one that holds but the last row, and shows that nothing is behind it. */
	return plan->next_offset < plan->total && plan->next_offset + 1 < end_wanted(&plan->settings);
}

struct plan_page *plan_ask(struct plan *plan)
{
	struct plan_page *page;

	for (page = plan->first; page; page = page->next) {
		/* One that was asked early and failed waits for what becomes of the first. */
		if (page->state == PLAN_UNASKED && !page->useless &&
		        (plan->taken > 0 || page == plan->first || page->stored)) {
			page->state = PLAN_ASKED;
			page->early = false;
			return page;
		}
	}
	if (!wants_more(plan))
		return NULL;
	page = plan_page_new(plan, plan->next_offset, plan->passes > 1);
	if (!page)
		return NULL;
	if (plan->looking) {
		*page = (struct plan_page){.look = true,
		        .fresh = true,
		        .below = plan->taken > 0 ? plan->last_name : 0,
		        .drop = plan->settings.drop};
	}
	page->stored = plan->storing;
	page->left = plan->storing && total_so_far(plan) > page->offset ? total_so_far(plan) - page->offset : 0;
	plan->next_offset += plan_stride(plan);
	page->early = !page->look && plan->passes == 1 && plan->taken == 0 && plan->first;
	page->state = PLAN_ASKED;
	if (plan->last)
		plan->last->next = page;
	else
		plan->first = page;
	plan->last = page;
	plan->pages++;
	return page;
}

void plan_give(struct plan_page *page, struct splice *splice, void *load)
{
	ASSERT(page->state == PLAN_ASKED);
	page->splice = *splice;
	*splice = (struct splice){0};
	page->load = load;
	page->state = PLAN_HERE;
}

void plan_miss(struct plan_page *page)
{
	ASSERT(page->state == PLAN_ASKED && page->stored);
	page->missing = true;
	page->state = PLAN_HERE;
}

void plan_give_up_looking(struct plan *plan, struct plan_page *page)
{
	ASSERT(page->state == PLAN_ASKED && page->look);
	plan->settings.looks = plan->looking = false;
	plan->ended = true; /* as it was when the look began */
	page->state = PLAN_HERE;
}
