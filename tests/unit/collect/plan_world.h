/*
 * A list on which rows come, go and change places between any two pages, whose pages come back in any order: what a plan is
 * held against.
 */
#ifndef TESTS_UNIT_COLLECT_PLAN_WORLD_H
#define TESTS_UNIT_COLLECT_PLAN_WORLD_H

#include "collect/plan.h"

#include "../redmine/chance.h"

#define WORLD_ROWS  4000
#define WORLD_WIDTH 6

enum changes {
	CHANGES_NONE = 0,
	CHANGES_INSERT = 1,
	CHANGES_DELETE = 2,
	CHANGES_MOVE = 4,
};

/* A page that lies stored, of an earlier time. */
struct world_page {
	uint64_t names[100];
	size_t count, total;
	bool here;
};

struct world {
	struct chance chance;
	uint64_t list[WORLD_ROWS];
	size_t count;
	uint64_t newest;
	bool was[WORLD_ROWS * 4], gone[WORLD_ROWS * 4], given[WORLD_ROWS * 4]; /* by id */
	unsigned changes;                                                      /* enum changes */
	bool falling;                                                          /* new rows come first, as issues do */
	size_t asked, by_id, found; /* pages: of Redmine, of these by id, stored */
	bool nameless;
	bool touched[WORLD_ROWS * 4];     /* since the read began */
	unsigned version[WORLD_ROWS * 4]; /* how often they moved: rows say it */
	size_t looked;                    /* pages of looks asked */
	bool blinded;                     /* looks fail */
	struct world_page stored[WORLD_ROWS / 100 + 1];
};

/* So many rows, whose ids fall or rise. */
void world_make(struct world *w, size_t count, uint64_t seed, bool falling, unsigned changes);
/* Up to so many changes. */
void world_change(struct world *w, size_t most);
/* A client walks: the pages from..to (not that one) are stored, with up to so many changes between two. What goes meanwhile did not exist throughout. */
void world_walk(struct world *w, size_t from, size_t to, size_t changes);
/* Runs a plan to its end; true: it says that the list is whole. changes: most of them between two answers. */
bool world_run(struct world *w, const struct plan_settings *settings, size_t changes, struct plan *plan);
/* Rows that existed throughout and were not given. */
size_t world_missed(const struct world *w);

#endif
