/*
 * Clients that read a list page after page, and what is worth fetching before
 * they ask: the part of read-ahead that knows nothing of requests, so that it
 * can be tried with any traffic. As a kernel does with files: the second page
 * after the first makes a walk; each further one doubles the window, up to a
 * ceiling and to the end of the list.
 *
 * A page that was fetched and not asked for is wasted. What may be wasted is
 * a credit: a tenth of all that is fetched, and a little more with time, so that walks of those who
 * stop early stay cheap, and those who go on are served.
 */
#ifndef COLLECT_WALK_H
#define COLLECT_WALK_H

#include "base/macros.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define WALK_WINDOW_MAX 64               /* pages ahead */
#define WALKS           256              /* at a time; the one that was not heard of for longest goes */
#define WALK_IDLE_US    (30 * 1000000LL) /* so long without a page ends a walk */
#define WALK_CREDIT     16               /* pages that may be wasted before anything is known */

struct walk_page {
	int64_t offset;
	bool used, landed;
};

struct walk {
	uint64_t key;     /* 0: free */
	int64_t expected; /* offset of the page that goes on */
	int64_t ahead;    /* offset behind the last page asked for */
	int64_t total;    /* rows of the list, -1: not known */
	unsigned window;
	bool proven;       /* a page that was fetched ahead was asked for: it will go on */
	unsigned unproven; /* pages fetched before that */
	int64_t heard_us;
	unsigned busy;                           /* pages that the client waits for */
	struct walk_page pages[WALK_WINDOW_MAX]; /* fetched and not asked for, or free (used) */
};

struct walks {
	pthread_mutex_t lock;
	struct walk items[WALKS];
	size_t hand;            /* looks for walks that ended */
	uint64_t unproven;      /* pages of walks that may be none */
	uint64_t asked, wasted; /* lately: halved now and then */
	int64_t credit_us;      /* when the credit of time was counted last */
	int64_t extra;          /* that credit, in pages */
	uint64_t all_asked, all_used, all_wasted;
};

/* What to fetch now, in order. */
struct walk_ahead {
	int64_t offsets[WALK_WINDOW_MAX];
	size_t count;
};

/* Nobody walks yet. One thread, before any other call. */
void walks_init(struct walks *walks);
void walks_release(struct walks *walks); /* nobody looks any more */

/* One page that a client asked for. */
struct walk_page_asked {
	int64_t offset, limit; /* rows; limit: 1 to 100 */
	int64_t total;         /* rows of the list, -1: not known */
	bool hit;              /* it was there at once */
	bool alone;            /* as walk_begin() said */
	int64_t now_us;        /* monotonic */
};

/*
 * A client waits for a page, until walk_end(), which notes how many rows the list has as the page says, -1: it does not. key: of the list and who reads it, not 0. False: it waits for another one
 * of these as well, so it fetches several at a time by itself, and nothing is to be fetched for it. Any thread.
 */
bool walk_begin(struct walks *walks, uint64_t key);
void walk_end(struct walks *walks, uint64_t key, int64_t total);

/*
 * What is asked for is to be seen as part of a walk. ceiling: of the window, pages, 0 to WALK_WINDOW_MAX. What is in *ret is
 * to be fetched, and walk_landed() said of each. Any thread.
 */
void walk_note(struct walks *walks, uint64_t key, const struct walk_page_asked *asked, unsigned ceiling,
        struct walk_ahead *ret);

/* Whether that walk goes on. Any thread. */
bool walk_is_known(struct walks *walks, uint64_t key);

/* A page of that walk came. useful: it is kept, more of them make sense. Any thread. */
void walk_landed(struct walks *walks, uint64_t key, int64_t offset, bool useful, int64_t total);

/* Pages fetched ahead since the start: in all, asked for later, given up. Any thread. */
void walks_get_figures(struct walks *walks, uint64_t *ret_asked, uint64_t *ret_used, uint64_t *ret_wasted);

#endif
