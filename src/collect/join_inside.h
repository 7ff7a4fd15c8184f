/*
 * What join.c, which asks for pages, and join_answer.c, which makes an answer
 * of them, share of one list. Inside the room only.
 */
#ifndef COLLECT_JOIN_INSIDE_H
#define COLLECT_JOIN_INSIDE_H

#include "collect/join.h"
#include "collect/plan.h"
#include "flow/inner.h"
#include "redmine/links.h"

struct join {
	unsigned magic;
#define JOIN_MAGIC 0x10195000
	atomic_uint refs; /* one is the asking's, one a stream's */
	struct collect *collect;
	struct wish wish;
	struct conf *conf;
	const struct conf_session *session; /* borrowed from conf */
	char *target;                       /* the client's */
	size_t path_size;                   /* of it, up to "?" */
	struct fields fields;               /* that its pages are asked with */
	enum target_format format;
	enum job_rank rank;
	unsigned width; /* pages asked for side by side; a quarter more may be here and wait for their turn */
	struct cache_key key;
	bool no_store;

	pthread_mutex_t lock; /* guards the next ones */
	struct plan plan;
	unsigned under_way;
	int64_t since_ms; /* Redmine's clock when the oldest page was made, or ours where it says no Date */
	bool busy, again; /* one thread at a time goes on; what happens meanwhile makes it look again */
	bool over;        /* nothing is asked any more */
	atomic_bool held; /* the reader is slow */

	/* Of the one who goes on. */
	struct request *r;  /* until it is answered; one reference */
	bool whole;         /* answered when it is complete: HEAD, a condition, an inner request */
	bool counts_only;   /* HEAD of what does not fit */
	bool streams;       /* the head was delivered */
	bool begun, wrote;  /* what stands before the rows is written; a row is */
	bool keeps, linked; /* kept: the whole so far; there are links in it */
	struct buf kept;
	uint64_t length;     /* of all so far */
	bool unshared;       /* a page may not be shared, so neither may the whole */
	bool unkept;         /* one may not be kept, so neither may the whole */
	struct entry *model; /* the first page's; NULL: it cannot be shared */
	int64_t fresh_until_ms;
	const char *stale_detail;    /* why a page is past its lifetime (flow/stale.h), NULL: none is */
	struct fields answer_fields; /* of the first page */
	unsigned status;             /* of a first answer that is no page: the list's, too; 0: none */
	struct blob *passed;         /* its body */
	struct buf tail;             /* that of the last page */
	struct links *links;         /* NULL: as they are */
	struct pipe pipe;
	bool failed;
	char why[300];
};

/* One reference less. Any thread. */
void join_unref(struct join *j);

/* join.c: goes on with what is there. Any thread. */
void join_go_on(struct join *j);

/* join_answer.c: the rows of a page; the end; the end that came too early. By the one who goes on. 0 or a negative errno. */
int join_give_rows(struct join *j, struct plan_page *page);
void join_finish(struct join *j);
void join_fail(struct join *j);

/* join_answer.c: notes what the first page, or another one, says of itself. Under the lock. 0 or -ENOMEM. */
int join_note_page(struct join *j, const struct inner_answer *page, bool first);

/* join.c: reads of the stream. */
extern const struct stream_ops join_stream;

#endif
