#include "plan_world.h"

#include "../unit.h"
#include "redmine/paging.h"

#include <stdio.h>
#include <string.h>

#define ROW_SIZE 16

static void insert_at(struct world *w, size_t at, uint64_t id)
{
	memmove(&w->list[at + 1], &w->list[at], (w->count - at) * sizeof(w->list[0]));
	w->list[at] = id;
	w->count++;
}

static uint64_t remove_at(struct world *w, size_t at)
{
	uint64_t id = w->list[at];

	w->count--;
	memmove(&w->list[at], &w->list[at + 1], (w->count - at) * sizeof(w->list[0]));
	return id;
}

static void change_once(struct world *w)
{
	unsigned what = 1u << chance_below(&w->chance, 3);

	what &= w->changes;
	if (what == CHANGES_INSERT && w->count < WORLD_ROWS - 1 && w->newest < WORLD_ROWS * 4 - 1) {
		w->touched[w->newest + 1] = true;
		insert_at(w, w->falling ? 0 : chance_below(&w->chance, w->count + 1), ++w->newest);
	} else if (what == CHANGES_DELETE && w->count > 0)
		w->gone[remove_at(w, chance_below(&w->chance, w->count))] = true;
	else if (what == CHANGES_MOVE && w->count > 1) {
		uint64_t id = remove_at(w, chance_below(&w->chance, w->count));

		w->touched[id] = true;
		w->version[id]++;
		insert_at(w, chance_below(&w->chance, w->count + 1), id);
	}
}

void world_change(struct world *w, size_t most)
{
	for (size_t i = chance_below(&w->chance, most + 1); i > 0; i--)
		change_once(w);
}

static size_t begin_of(const struct world *w, const struct plan_page *page)
{
	size_t from = 0;

	if (!page->below)
		return (size_t)page->offset < w->count ? (size_t)page->offset : w->count;
	while (from < w->count && w->list[from] > page->below)
		from++;
	return from;
}

/* As it is now: rows change while pages of before are kept. */
static void add_row(struct world *w, struct splice *splice, char *texts, uint64_t id)
{
	char *text = texts + splice->count * ROW_SIZE;

	snprintf(text, ROW_SIZE, "{\"v\":%u}", w->version[id]);
	ASSERT(splice_add(splice, text, strlen(text), w->nameless ? 0 : id) == 0);
}

/* The rows that changed, by falling ids. */
static void answer_look(struct world *w, struct plan *plan, struct plan_page *page)
{
	char *texts = calloc(PAGING_MAX, ROW_SIZE);
	bool here[WORLD_ROWS * 4] = {false};
	struct splice splice = {0};

	w->asked++;
	w->looked++;
	if (w->blinded) {
		free(texts);
		plan_give_up_looking(plan, page);
		return;
	}
	for (size_t i = 0; i < SPLICE_METAS; i++)
		splice.metas[i].value = -1;
	for (size_t i = 0; i < w->count; i++)
		here[w->list[i]] = w->touched[w->list[i]];
	for (uint64_t id = page->below ? page->below : w->newest; id > 0 && splice.count < PAGING_MAX; id--)
		if (here[id])
			add_row(w, &splice, texts, id);
	plan_give(page, &splice, texts);
}

/* What Redmine answers now: the count first, then the rows. */
static void answer(struct world *w, struct plan_page *page, size_t changes)
{
	char *texts = calloc(PAGING_MAX, ROW_SIZE);
	struct splice splice = {0};
	size_t from;

	ASSERT(texts);

	for (size_t i = 0; i < SPLICE_METAS; i++)
		splice.metas[i].value = -1;
	splice.metas[SPLICE_TOTAL].value = (int64_t)(w->count - begin_of(w, page));
	if (!page->below)
		splice.metas[SPLICE_TOTAL].value = (int64_t)w->count;
	world_change(w, changes > 0);
	from = begin_of(w, page);
	w->by_id += page->below > 0;
	for (size_t i = from; i < w->count && i < from + PAGING_MAX; i++)
		add_row(w, &splice, texts, w->list[i]);
	plan_give(page, &splice, texts);
	w->asked++;
}

/* A page that only what is stored can answer. */
static void answer_stored(struct world *w, struct plan_page *page)
{
	const struct world_page *stored = &w->stored[page->offset / PAGING_MAX];
	struct splice splice = {0};

	if (!stored->here) {
		plan_miss(page);
		return;
	}
	for (size_t i = 0; i < SPLICE_METAS; i++)
		splice.metas[i].value = -1;
	splice.metas[SPLICE_TOTAL].value = (int64_t)stored->total;
	for (size_t i = 0; i < stored->count; i++)
		ASSERT(splice_add(&splice, "{}", 2, stored->names[i]) == 0);
	plan_give(page, &splice, NULL);
	w->found++;
}

void world_walk(struct world *w, size_t from, size_t to, size_t changes)
{
	for (size_t k = from; k < to; k++) {
		struct world_page *page = &w->stored[k];

		*page = (struct world_page){.here = true, .total = w->count};
		for (size_t i = k * PAGING_MAX; i < w->count && page->count < PAGING_MAX; i++)
			page->names[page->count++] = w->list[i];
		world_change(w, changes);
	}
}

static void take_rows(struct world *w, struct plan_page *page)
{
	for (size_t i = 0; i < page->splice.count; i++) {
		const struct splice_row *row = &page->splice.rows[i];

		if (row->size == 0)
			continue;
		if (w->given[row->name] && !w->nameless)
			ck_abort_msg("a row twice");
		w->given[row->name] = true;
	}
	plan_page_free(page);
}

bool world_run(struct world *w, const struct plan_settings *settings, size_t changes, struct plan *plan)
{
	struct plan_page *under_way[WORLD_WIDTH + PLAN_BRIDGES], *page;
	size_t count = 0;
	int verdict;

	plan_init(plan, settings);
	plan->settings.drop = free;
	for (;;) {
		while ((page = plan_ask(plan)))
			under_way[count++] = page;
		if (count > 0) {
			size_t one = chance_below(&w->chance, count);

			world_change(w, changes);
			if (under_way[one]->look)
				answer_look(w, plan, under_way[one]);
			else if (under_way[one]->stored)
				answer_stored(w, under_way[one]);
			else
				answer(w, under_way[one], changes);
			under_way[one] = under_way[--count];
		}
		while ((verdict = plan_take(plan, &page)) == PLAN_ROWS)
			take_rows(w, page);
		ASSERT(verdict >= 0 && w->asked < 4000);
		if (verdict == PLAN_DONE || verdict == PLAN_FAILED)
			break;
	}
	while (count > 0) {
		page = under_way[--count];
		if (page->stored)
			answer_stored(w, page);
		else
			answer(w, page, 0);
	}
	return verdict == PLAN_DONE;
}

void world_make(struct world *w, size_t count, uint64_t seed, bool falling, unsigned changes)
{
	memset(w, 0, sizeof(*w));
	w->chance.state = seed;
	w->falling = falling;
	w->changes = changes;
	w->newest = count;
	w->count = count;
	for (size_t i = 0; i < count; i++) {
		w->list[i] = falling ? count - i : i + 1;
		w->was[w->list[i]] = true;
	}
}

size_t world_missed(const struct world *w)
{
	size_t missing = 0;

	for (size_t id = 0; id < ARRAY_SIZE(w->was); id++)
		missing += w->was[id] && !w->gone[id] && !w->given[id];
	return missing;
}
