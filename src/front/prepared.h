/*
 * Answers kept ready on one event thread: the same bytes of a request get the
 * same bytes of an answer, for as long as the entry behind it is fresh, unspoilt
 * and in the cache. A hit costs a hash, a comparison and no lock.
 *
 * Everything that a decision of the flow depends on is in the request's bytes
 * (all of its fields count), in the entry, the settings and the time; the last
 * three are looked at on every hit. Once a second an answer is made anew, for
 * Age and ttl.
 *
 * Thread: the event thread that owns the table.
 */
#ifndef FRONT_PREPARED_H
#define FRONT_PREPARED_H

#include "cache/cache.h"
#include "front/reply.h"

struct prepared;

struct prepared_answer {
	struct reply reply;
	struct request *r; /* the one that it was made for */
	char *shown;       /* its target without secrets, for the log */
	char identity[8];  /* for the log */
};

/* NULL: out of memory. origin, generations: borrowed. */
struct prepared *prepared_new(const struct origin *origin, const struct generations *generations);
void prepared_free(struct prepared *p);

/* Gathers the bytes of the request at hand: method, target, then name and value of each field. */
void prepared_begin(struct prepared *p, const char *method, const char *target);
void prepared_add(struct prepared *p, const char *name, size_t name_size, const char *value, size_t value_size);

/* The answer for the gathered bytes that is still good under these settings at now_ms, or NULL. Valid until the next call. */
struct prepared_answer *prepared_find(struct prepared *p, const struct conf *conf, int64_t now_ms);

/*
 * Keeps the answer of r, a hit of the flow's (ANSWER_ENTRY), for the gathered bytes. Takes a reference to r, whose answer must not
 * change any more. NULL: no room among hotter ones, out of memory, or too many bytes were
 * gathered; r then is to be answered on its own.
 */
struct prepared_answer *prepared_keep(struct prepared *p, struct request *r, int64_t now_ms);

/* Lets go of answers whose entries have left the cache or were not asked for in the last second. Call once a second. */
void prepared_sweep(struct prepared *p, int64_t now_ms);

#endif
