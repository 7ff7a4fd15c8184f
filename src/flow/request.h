/*
 * One client's request on its way through the flow, and its answer. The front
 * makes it and delivers the answer; the flow does what lies between.
 */
#ifndef FLOW_REQUEST_H
#define FLOW_REQUEST_H

#include "base/pipe.h"
#include "cache/entry.h"
#include "conf/conf.h"
#include "flow/cache_status.h"
#include "flow/directives.h"
#include "flow/preferences.h"
#include "redmine/identity.h"
#include "redmine/resource.h"
#include "redmine/write_tags.h"
#include "upstream/job.h"

#include <stdatomic.h>

struct engine;
struct errand_lane;
struct flow;
struct request;

enum answer_kind {
	ANSWER_NONE,
	ANSWER_ENTRY,  /* what is stored, or was shared by a flight */
	ANSWER_WHOLE,  /* fields and a body in memory: Redmine's, or a page of the daemon's own */
	ANSWER_STREAM, /* fields now, the body as it comes */
};

/* What the body of a streamed answer comes from: a fetch from Redmine, or what the daemon makes of several. */
struct stream_ops {
	/* Up to size bytes, as pipe_read. The front's thread. */
	ssize_t (*read)(void *owner, char *room, size_t size);
	/* Who is woken when read has more; set before the first read. */
	void (*listen)(void *owner, void (*wake)(void *arg), void *arg);
	/* The reader is done or gone: once. Any thread. */
	void (*leave)(void *owner);
};

struct stream {
	const struct stream_ops *ops; /* NULL: none */
	void *owner;
};

/* An inner request that fetches anew what is stored, and is not answered from it. */
enum request_refresh {
	REFRESH_NOT,
	REFRESH_STALE, /* readers get the old answer while a span lasts */
	REFRESH_SLOW,  /* Redmine was too slow for a reader: those who come meanwhile do not wait for it either */
};

struct answer {
	enum answer_kind kind;
	bool cut; /* the body stays here */
	bool own; /* a page of the daemon's own that says what is wrong */
	unsigned status;
	char *reason; /* owned; NULL: the usual one */
	struct fields
	        fields; /* end-to-end, without Content-Length, Via and Cache-Status; ENTRY: those that are not the entry's */
	struct entry *entry;     /* ENTRY: one reference */
	int64_t usable_until_ms; /* ENTRY with a hit: as policy_judge said; 0: decide anew for each request */
	struct buf body;         /* WHOLE */
	int64_t length;          /* STREAM: bytes, -1: not known. HEAD: of the body that is not sent, -1: not said */
	struct stream stream;    /* STREAM: to be left once */
	struct cache_status cache;
	int64_t upstream_us; /* time that Redmine took, -1: it was not asked */
};

/* What the flow asks of the front. */
struct request_front {
	/* The answer will not be there when flow_start returns. The front's own thread, before flow_start returns. */
	void (*park)(struct request *r);
	/* The answer is there. Any thread, once, only after park. */
	void (*ready)(struct request *r);
	/*
	 * An interim answer (RFC 9110 section 15.2) on its way, with the fields that the client is to get; no text has a
	 * control character. Any thread, only between park and ready. The front may leave it out. NULL: nobody wants to know.
	 */
	void (*interim)(struct request *r, unsigned status, const char *reason, const struct fields *fields);
};

/* Where a client came in, as far as it says who the client is. */
struct request_door {
	const char *listener; /* the value of listen.address; NULL: an inner request. Borrowed from the front */
	bool remote;          /* the client is on another machine */
	bool has_peer;        /* a Unix socket's: its process is known */
	uint32_t uid, gid;    /* of that */
};

struct request {
	unsigned magic;
#define REQUEST_MAGIC 0x7e90e570
	atomic_uint refs;
	const struct request_front *front;
	void *visit; /* the front's own */

	/* Set by the front before flow_start; lives as long as the request. */
	struct conf *conf; /* one reference */
	char *method;
	char *raw_target;     /* as sent, absolute-form reduced to origin-form */
	struct fields fields; /* the client's, untouched */
	char *authority;      /* how the client addressed us: the Host field, or the listener's address */
	bool secure;          /* ... by https */
	bool has_body;
	int64_t body_size;  /* -1: chunked */
	struct pipe upload; /* written by the front */
	struct request_door door;
	struct preferences preferences;
	const struct conf_session *session; /* of an inner request: in force without asking; borrowed from conf */
	enum job_rank rank;                 /* JOB_INTERACTIVE unless set */
	enum request_refresh refresh;
	size_t inner_limit; /* of an inner request (flow/inner.h): bytes of the body, which is never streamed; 0: a client's */

	/* The flow's. */
	struct flow *flow;
	struct target target; /* slices of raw_target */
	struct query_parts query;
	struct identity identity;
	struct directives directives;
	struct route route;              /* with a session: the way to Redmine */
	struct engine *engine;           /* that the client chose; NULL: the default */
	const struct resource *resource; /* whose rules hold; NULL: RFC 9111 */
	bool sub_path;                   /* the target carries the origin's sub-URI already */
	char *base;                      /* what links to the origin are rewritten to */
	struct {
		struct tags tags;  /* what it spoils */
		atomic_uint waits; /* what its answer still waits for */
		bool ended;
	} write;          /* flow/write.c's */
	bool joins;       /* a list that is made of several pages, see struct flow_collector */
	uint64_t walk;    /* the collector's: whose page it may be; 0: nobody's */
	int64_t walk_end; /* ... in which each limit is what is left up to there; 0: no such one */
	bool walks_alone; /* ... and no other of these was under way when it came */
	struct cache_key key;
	struct cache_key primary; /* the key before a marker led to one of several variants */
	struct entry *stale;      /* to be validated; one reference or NULL */
	enum cache_forward why;   /* why Redmine is asked */
	bool in_turn;             /* nothing of the same identity comes before it any more (flow/errand.h) */
	struct errand_lane *lane; /* of a write that was held: what waits behind it */
	unsigned next_step;
	bool parked;
	bool vouched; /* Redmine was asked about its credential (flow/credentials.h) */
	struct request *next_waiter;
	struct answer answer;
};

/* One reference, or NULL. method and raw_target are copied. */
struct request *request_new(
        const struct request_front *front, void *visit, struct conf *conf, const char *method, const char *raw_target);
struct request *request_ref(struct request *r);
void request_unref(struct request *r);

/* True for HEAD: the answer has no body, its length is said all the same. */
bool request_is_head(const struct request *r);

/* Makes the answer a page of the daemon's own: {"errors":[text]} as Redmine writes errors, or XML for an .xml target. retry_after: seconds, 0: none. */
void request_answer_error(struct request *r, unsigned status, int retry_after, const char *format, ...)
        PRINTF_LIKE(4, 5);

/* Makes the answer that entry, or a 304 where the request's conditions say that the client has it. Takes a reference of its own. */
void request_answer_entry(struct request *r, struct entry *entry);

/* The body of a streamed answer, as pipe_read; and who is woken when there is more, set before the first read. The front's thread. */
ssize_t answer_read(struct answer *answer, char *room, size_t size);
void answer_listen(struct answer *answer, void (*wake)(void *arg), void *arg);

/* Takes the body off an answer that is there, and leaves its head: of an entry only for this request. */
void request_cut_body(struct request *r);

/* Frees what the answer holds; its kind is ANSWER_NONE afterwards. */
void answer_release(struct answer *answer);

/*
 * A web page of another origin makes a browser send what it likes, with the browser's rights to connect. Browsers say
 * where the request is from: Origin (Fetch standard, 3.1) and Sec-Fetch-Site (Fetch Metadata, 2.3). Pure.
 */
bool request_of_foreign_page(const struct request *r);

#endif
