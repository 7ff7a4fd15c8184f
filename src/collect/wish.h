/*
 * What a request wants of a list beyond one page of Redmine's: all rows, or
 * more than 100, in which form.
 */
#ifndef COLLECT_WISH_H
#define COLLECT_WISH_H

#include "flow/request.h"

struct wish {
	int64_t offset, rows; /* rows: PLAN_ALL for all */
	bool lines;           /* application/x-ndjson: one row a line */
	bool fixed, falling;  /* the list's order, as struct plan_settings says */
	bool keyset, looks;   /* as there */
	bool typed;           /* as splice_read() says */
};

enum wish_kind {
	WISH_NONE,    /* an ordinary request */
	WISH_JOIN,    /* *ret is filled */
	WISH_REFUSED, /* r has its answer: 400 that says what is wrong */
};

/* Reads it from a request that the flow has classified. Any thread. */
enum wish_kind wish_read(struct wish *ret, struct request *r);

#endif
