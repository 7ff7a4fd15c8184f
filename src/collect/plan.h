/*
 * Which pages of a list are asked, and which of their rows are new: the part of
 * joining that knows nothing of requests and bytes, so that it can be held
 * against thousands of histories.
 *
 * Redmine's pages are windows by position on a list that changes meanwhile: rows
 * come twice, or slip through between two pages. So each page begins with the last row of the page before. A page that has a
 * known row joins what came before without a gap: whatever existed throughout and belongs between the two is in
 * one of them. Where no row is known another page, further up, is put between them (a bridge), read
 * anew. Rows that are known are left out. That is a proof where rows keep their order (the order is fixed, as by
 * id): such a list is whole when a page ends it. Where rows may change places the counts have to agree, too: no page's
 * total_count differs, every page begins with the very row that the one before ended with, no row came unexpectedly twice,
 * and there are as many rows as Redmine says; else the list is read once more, and what is new is put behind. If that does
 * not bring rest within the limits, the plan fails.
 *
 * Pages that lie stored from walks of clients stand end to end, without a row in common. Where all that was stored says the
 * same total_count, and no row twice, they are taken for one list (counted): what is not stored goes on from their last row. When they
 * disagree the list is read anew.
 *
 * Where Redmine can be asked which rows changed since the read began (issues, by a filter) a list whose rows change places is
 * proven, too, without being read again: what joins two pages must be a row that is byte for byte what it was, so it did not move
 * against rows that stood still, and of those none is missed; what moved is among those that changed, which are asked for at the
 * end (the look), and put behind where they were missed.
 *
 * Where Redmine can be asked for the rows below an id (issues in their own order) a bridge is that: no row that comes or
 * goes moves it, so each brings the list on by a page.
 */
#ifndef COLLECT_PLAN_H
#define COLLECT_PLAN_H

#include "collect/names.h"
#include "redmine/splice.h"

#define PLAN_ALL     INT64_MAX
#define PLAN_BRIDGES 40   /* so many at most, and as many as there are pages */
#define PLAN_RECENT  1024 /* rows */
#define PLAN_PASSES  3    /* how often the list is read at most */

struct plan_settings {
	int64_t offset;   /* of the first row wanted */
	int64_t rows;     /* wanted at most; PLAN_ALL */
	int64_t expected; /* rows that the list had lately: pages up to there are asked before it says */
	unsigned width;   /* pages that may be under way or waiting */
	bool fixed;       /* rows keep their order: they come and go, but do not change places */
	bool falling;     /* the order is that of falling ids */
	bool keyset;      /* ... and pages may begin at an id: plan_page's below */
	bool stored;      /* pages that are stored end to end may be used */
	bool looks;       /* which rows changed since the read began can be asked for, in falling order of their ids */
	void (*drop)(void *load); /* frees the load of a page that is here; NULL: loads are nothing to free */
};

enum plan_state { PLAN_UNASKED, PLAN_ASKED, PLAN_HERE };

/* One page. */
struct plan_page {
	struct plan_page *next;
	enum plan_state state;
	int64_t offset; /* with PAGING_MAX rows from there */
	uint64_t below; /* not 0: the first PAGING_MAX rows whose id is this or less; offset says nothing */
	bool fresh;     /* a stored answer will not do */
	bool bridge;
	bool early;   /* asked before the list's first page was here: that it fails says nothing of the list */
	bool useless; /* asked too early: what comes is dropped */
	bool stored;  /* only what is stored will do; else plan_miss() */
	bool missing; /* ... and it is not */
	bool look;    /* of the rows that changed since the read began: the first PAGING_MAX, or those from below on */
	int64_t left; /* stored: rows from offset to the list's end, 0: not known */
	unsigned tries; /* the asker's */
	void *load;     /* what the splice lies in */
	void (*drop)(void *load);
	struct splice splice; /* from plan_give on the plan's */
};

/* A row given out lately, as it was. */
struct plan_recent {
	uint64_t name, hash;
};

struct plan {
	struct plan_settings settings;
	struct plan_page *first, *last;
	unsigned pages;          /* in the list above */
	struct names seen, pass; /* all rows given out; those met in this pass when it is not the first */
	uint64_t lowest;         /* name given out */
	uint64_t last_name;      /* of the last row of the page that was taken last */
	int64_t next_offset;     /* of the page to be asked next */
	int64_t total;           /* as Redmine said last, -1: it did not */
	int64_t given;           /* rows given out */
	int64_t bridges;
	unsigned passes, taken;
	bool looking;               /* the list was read to its end, the look is under way */
	struct plan_recent *recent; /* of settings.looks: PLAN_RECENT of them, a ring; NULL: none yet */
	uint64_t recents;           /* that were put there */
	bool storing;               /* what is stored is looked at */
	bool counted;               /* pages without a row in common are among what was given out */
	bool blind;                 /* rows have no names: positions are all there is */
	bool moved;                 /* signs of change in this pass */
	bool ended;
	const char *why; /* of a failure */
};

enum plan_verdict {
	PLAN_WAIT,   /* the next page is not here yet */
	PLAN_ROWS,   /* a page was taken: its rows whose size is not 0 are to be given out, in order */
	PLAN_AGAIN,  /* pages are to be asked */
	PLAN_DONE,   /* the list is whole */
	PLAN_FAILED, /* it cannot be had: plan->why */
};

/* Allocates nothing. */
void plan_init(struct plan *plan, const struct plan_settings *settings);
/* Frees all. No page may be under way. */
void plan_release(struct plan *plan);

/* The next page to be asked, or NULL: none now. Owned by the plan. */
struct plan_page *plan_ask(struct plan *plan);
/* It came. The splice is taken over, and the load in which its bytes lie. */
void plan_give(struct plan_page *page, struct splice *splice, void *load);

/* It is not stored. */
void plan_miss(struct plan_page *page);
/* A look cannot be had: the counts have to do. */
void plan_give_up_looking(struct plan *plan, struct plan_page *page);

/*
 * Goes on with what is here. ROWS: the page in *ret, taken out of the plan; the caller frees it with plan_page_free() after
 * reading its rows. -ENOMEM, or an enum plan_verdict.
 */
int plan_take(struct plan *plan, struct plan_page **ret);
/* Frees a page with its splice and load. NULL is allowed. */
void plan_page_free(struct plan_page *page);

#endif
