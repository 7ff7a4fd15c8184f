#include "collect/plan_inside.h"
#include "base/hash.h"
#include "redmine/paging.h"

#include <errno.h>

#define BRIDGE_BACK 50 /* rows that the first bridge begins further up; each one more doubles them */

/* The rows met in this pass. */
static struct names *met(struct plan *plan)
{
	return plan->passes > 1 ? &plan->pass : &plan->seen;
}

static uint64_t hash_of(const struct splice_row *row)
{
	return hash_add(HASH_START, row->text, row->size);
}

/* Was it given out lately, and is it what it was? */
static bool stands_still(const struct plan *plan, const struct splice_row *row)
{
	uint64_t oldest = plan->recents > PLAN_RECENT ? plan->recents - PLAN_RECENT : 0;

	for (uint64_t i = plan->recents; i-- > oldest;)
		if (plan->recent[i % PLAN_RECENT].name == row->name)
			return plan->recent[i % PLAN_RECENT].hash == hash_of(row);
	return false;
}

static int note_recent(struct plan *plan, const struct splice *splice, size_t from)
{
	if (!plan->recent && !(plan->recent = calloc(PLAN_RECENT, sizeof(*plan->recent))))
		return -ENOMEM;
	for (size_t i = from; i < splice->count; i++, plan->recents++)
		plan->recent[plan->recents % PLAN_RECENT] = (struct plan_recent){
		        .name = splice->rows[i].name, .hash = hash_of(&splice->rows[i])};
	return 0;
}

/*
 * The first row of the page that is known, or the number of its rows: nothing can lie between the page and what came
 * before it when there is one. Rows in front of it are of no time when the others were there: they were deleted before, or
 * came later.
 */
static size_t first_known(struct plan *plan, const struct plan_page *page)
{
	size_t i = 0;

	if (page->offset == plan->settings.offset || page->below || page->stored || plan->blind)
		return 0;
	for (; i < page->splice.count; i++) {
		uint64_t name = page->splice.rows[i].name;

		if (plan->settings.looks) {
			if (stands_still(plan, &page->splice.rows[i]))
				break;
			continue;
		}
		if (names_has(met(plan), name) || (plan->settings.falling && plan->passes == 1 && name >= plan->lowest))
			break;
	}
	return i;
}

static int fail(struct plan *plan, const char *why)
{
	plan->why = why;
	return PLAN_FAILED;
}

/* Where a bridge by position begins. */
static int64_t bridge_offset(const struct plan *plan)
{
	const struct plan_page *page = plan->first;
	int64_t back = BRIDGE_BACK, offset;
	unsigned in_a_row = 0;

	for (const struct plan_page *p = page; p && p->bridge; p = p->next)
		in_a_row++;
	for (unsigned i = 0; i < in_a_row && back < 1 << 20; i++)
		back *= 2;
	offset = page->offset - back;
	return offset < plan->settings.offset ? plan->settings.offset : offset;
}

/* Another page, further up, in front of the first. */
static int build_bridge(struct plan *plan)
{
	bool keyset = plan->settings.keyset && plan->lowest != UINT64_MAX;
	struct plan_page *bridge;

	if (++plan->bridges > PLAN_BRIDGES + plan->total / PAGING_MAX)
		return fail(plan, "rows come and go faster than they can be read");
	bridge = plan_page_new(plan, keyset ? 0 : bridge_offset(plan), true);
	if (!bridge)
		return -ENOMEM;
	bridge->bridge = true;
	bridge->below = keyset ? plan->lowest : 0;
	bridge->next = plan->first;
	plan->first = bridge;
	plan->pages++;
	return PLAN_AGAIN;
}

/* Which rows of the page are new; the others lose their size. */
static int sort_rows(struct plan *plan, struct plan_page *page, size_t from)
{
	size_t known = 0;

	for (size_t i = 0; i < from; i++)
		page->splice.rows[i].size = 0;
	for (size_t i = from; i < page->splice.count; i++) {
		struct splice_row *row = &page->splice.rows[i];
		int added = 1;

		if (!plan->blind && row->name == 0)
			return fail(plan, "a row without an id");
		if (!plan->blind && plan->passes > 1) {
			added = names_add(&plan->pass, row->name);
			if (added < 0)
				return added;
		}
		known += !added;
		if (!plan->blind) {
			added = names_add(&plan->seen, row->name);
			if (added < 0)
				return added;
			known += plan->passes == 1 && !added;
		}
		if (!added || plan->given == plan->settings.rows)
			row->size = 0;
		else
			plan->given++;
		if (row->name < plan->lowest)
			plan->lowest = row->name;
	}
	if (!page->bridge && !plan->blind && known != (!page->stored && page->offset > plan->settings.offset))
		plan->moved = true;
	plan->moved |= page->bridge || from > 0;
	return PLAN_ROWS;
}

static void note_total(struct plan *plan, const struct splice *splice)
{
	int64_t total = splice->metas[SPLICE_TOTAL].value;

	if (plan->first->below)
		return; /* of those below alone */
	if (plan->taken > 0 && total != plan->total)
		plan->moved = true;
	plan->total = total;
}

/*
 * Did the list end with this page when it was read? A full page does not say so, even where the total does: Redmine counts
 * before it reads, and a row that came between the two has pushed the last one out. Of stored ones the counts are all there is.
 */
static bool ends(const struct plan *plan, const struct plan_page *page)
{
	int64_t behind = page->offset + (int64_t)page->splice.count;

	if (plan->given == plan->settings.rows)
		return true;
	return page->splice.count < PAGING_MAX ||
	       ((plan->blind || page->stored) && plan->total >= 0 && behind >= plan->total);
}

/* The first page says what kind of rows these are: pages that were asked early begin where others without names do not. */
static void note_first(struct plan *plan, const struct plan_page *page)
{
	plan->blind = page->splice.count > 0 && page->splice.rows[0].name == 0;
	if (!plan->blind)
		return;
	plan->next_offset = page->offset + plan_stride(plan);
	for (struct plan_page *other = page->next; other; other = other->next)
		other->useless = true;
}

/* Rows that change places: each page has to begin with the very row that the one before ended with. */
static void note_joint(struct plan *plan, const struct plan_page *page)
{
	size_t count = page->splice.count;

	if (plan->taken > 0 && count > 0 && !page->stored && page->splice.rows[0].name != plan->last_name)
		plan->moved = true;
	if (count > 0)
		plan->last_name = page->splice.rows[count - 1].name;
}

static void unlink_first(struct plan *plan)
{
	plan->first = plan->first->next;
	if (!plan->first)
		plan->last = NULL;
	plan->pages--;
}

static int take_page(struct plan *plan, struct plan_page **ret)
{
	struct plan_page *page = plan->first;
	size_t from;
	int r;

	if (plan->taken == 0)
		note_first(plan, page);
	note_total(plan, &page->splice);
	from = first_known(plan, page);
	if (from == page->splice.count && !page->below && page->offset > plan->settings.offset && !plan->blind)
		return build_bridge(plan);
	if (!plan->blind)
		note_joint(plan, page);
	if (plan->settings.looks && !plan->blind && (r = note_recent(plan, &page->splice, from)) < 0)
		return r;
	r = sort_rows(plan, page, from);
	if (r != PLAN_ROWS)
		return r;
	plan->taken++;
	plan->ended = ends(plan, page);
	unlink_first(plan);
	*ret = page;
	return PLAN_ROWS;
}

/* The list is read once more. */
static int begin_pass(struct plan *plan)
{
	if (plan->passes == PLAN_PASSES)
		return fail(plan, "the list changes faster than it can be read");
	plan->passes++;
	names_release(&plan->pass);
	plan->recents = 0;
	plan->taken = 0;
	plan->moved = plan->ended = false;
	plan->next_offset = plan->settings.offset;
	return PLAN_AGAIN;
}

/* The list was read to its end: what changed since that began? */
static int look(struct plan *plan)
{
	if (plan->looking)
		return PLAN_DONE;
	plan->looking = true;
	plan->ended = false;
	plan->taken = 0;
	plan->last_name = 0;
	return PLAN_AGAIN;
}

/* Rows that changed; those that were missed are put behind. */
static int take_look(struct plan *plan, struct plan_page **ret)
{
	struct plan_page *page = plan->first;
	size_t count = page->splice.count;
	uint64_t last = count > 0 ? page->splice.rows[count - 1].name : 0;

	for (size_t i = 0; i < count; i++) {
		struct splice_row *row = &page->splice.rows[i];
		int added = row->name ? names_add(&plan->seen, row->name) : 0;

		if (added < 0)
			return added;
		plan->given += added;
		if (!added)
			row->size = 0;
	}
	plan->ended = count < PAGING_MAX;
	if (!plan->ended && plan->taken > 0 && last >= plan->last_name)
		return fail(plan, "rows that changed do not come in the order of their ids");
	plan->last_name = last;
	plan->taken++;
	unlink_first(plan);
	*ret = page;
	return PLAN_ROWS;
}

/* The list was read to its end: can it be believed? */
static int conclude(struct plan *plan)
{
	bool cut = plan->given == plan->settings.rows;
	bool looks = plan->settings.looks && !plan->blind && !cut;
	int64_t met_rows = (int64_t)met(plan)->count + plan->settings.offset;
	bool agrees = cut || plan->total < 0 || met_rows == plan->total;

	if (plan->blind)
		return plan->moved || (!cut && plan->total >= 0 && plan->given + plan->settings.offset != plan->total)
		               ? fail(plan, "the list changed, and its rows have no ids")
		               : PLAN_DONE;
	if (looks && (!plan->counted || plan->passes > 1 || (!plan->moved && agrees)))
		return look(plan);
	if (plan->settings.fixed || cut || (!plan->moved && agrees))
		return PLAN_DONE;
	return begin_pass(plan);
}

/* What was asked too early and is not under way any more. */
static void drop_useless(struct plan *plan)
{
	while (plan->first && plan->first->useless && plan->first->state != PLAN_ASKED) {
		struct plan_page *page = plan->first;

		unlink_first(plan);
		plan_page_free(page);
	}
}

/* From this page on Redmine is asked; a page in front of it is like any other. NULL: behind the first. */
static void leave_stored(struct plan *plan, struct plan_page *page)
{
	plan->storing = false;
	plan->first->stored = false;
	if (page && page->offset == plan->settings.offset)
		plan->next_offset = page->offset;
	else
		plan->next_offset = (page ? page->offset : plan->settings.offset + PAGING_MAX) - 1;
	for (; page; page = page->next)
		page->useless = true;
	drop_useless(plan);
}

/* Does a stored page go on where those before it ended, as far as counts can say? */
static bool fits(const struct plan *plan, const struct plan_page *page, int64_t total)
{
	const struct splice *splice = &page->splice;

	if (splice->metas[SPLICE_TOTAL].value != total || splice->count == 0 ||
	        (splice->count < PAGING_MAX && page->offset + (int64_t)splice->count != total))
		return false;
	for (size_t i = 0; i < splice->count; i++)
		if (splice->rows[i].name == 0 || names_has(&plan->seen, splice->rows[i].name))
			return false;
	return true;
}

static bool share_rows(const struct splice *a, const struct splice *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			if (a->rows[i].name == b->rows[k].name)
				return true;
	return false;
}

/* The first one is taken when it is known whether the second one is there: with it more than one joint stands on counts alone. */
static int look_at_first_stored(struct plan *plan)
{
	struct plan_page *page = plan->first, *second = page->next;
	int64_t total = page->splice.metas[SPLICE_TOTAL].value;

	if (total < 0 || !fits(plan, page, total)) {
		leave_stored(plan, second);
	} else if (page->offset + (int64_t)page->splice.count >= total || plan->settings.rows <= PAGING_MAX) {
		plan->counted = page->splice.count == PAGING_MAX;
	} else if (!second) {
		return PLAN_AGAIN;
	} else if (second->state != PLAN_HERE) {
		return PLAN_WAIT;
	} else if (second->missing || !fits(plan, second, total) || share_rows(&page->splice, &second->splice)) {
		leave_stored(plan, second);
	} else {
		plan->counted = true;
	}
	return PLAN_ROWS;
}

/* ROWS: the first page may be taken. */
static int look_at_stored(struct plan *plan)
{
	struct plan_page *page = plan->first;

	if (page->state != PLAN_HERE)
		return PLAN_WAIT;
	if (page->missing) {
		leave_stored(plan, page);
		return PLAN_AGAIN;
	}
	if (plan->taken == 0)
		return look_at_first_stored(plan);
	if (fits(plan, page, plan->total))
		return PLAN_ROWS;
	leave_stored(
	        plan, page); /* they are of different times: which, and what slipped through, only Redmine can say */
	return begin_pass(plan);
}

int plan_take(struct plan *plan, struct plan_page **ret)
{
	int verdict = PLAN_ROWS;

	if (plan->ended) {
		plan_drop_pages(plan);
		return plan->first ? PLAN_WAIT : conclude(plan);
	}
	drop_useless(plan);
	if (!plan->first)
		return PLAN_AGAIN;
	if (plan->storing)
		verdict = look_at_stored(plan);
	if (verdict != PLAN_ROWS)
		return verdict;
	if (plan->first->state != PLAN_HERE)
		return PLAN_WAIT;
	return plan->looking ? take_look(plan, ret) : take_page(plan, ret);
}
