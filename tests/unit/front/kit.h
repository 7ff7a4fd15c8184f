/*
 * What the tests of this room share: the whole daemon but for main(), inside
 * the test program, before an origin of the test; and a client that speaks raw
 * bytes, so that what really is on the wire is looked at.
 */
#ifndef FRONT_KIT_H
#define FRONT_KIT_H

#include "base/clock.h"
#include "front/front.h"

#include "../unit.h"

#include "../support/origin.h"
#include "../support/usage.h"
#include "../support/wait.h"

#include <errno.h>
#include <string.h>

struct kit {
	struct http_origin *http;
	struct conf *conf;
	struct origin origin;
	struct digest_secret secret;
	struct cache *cache;
	struct engines *engines;
	struct flow flow;
	struct front *front;
	char folder[64];      /* of the Unix socket */
	char unix_path[128];  /* the socket */
	unsigned short port;  /* on 127.0.0.1 */
	char authority[32];   /* "127.0.0.1:PORT" */
	struct gate came, go; /* for acts that wait */
};

/* routes: of the origin, whose arg is the kit. settings: NULL-terminated, may be NULL; those of addresses are given. */
void kit_make(struct kit *kit, const struct http_route *routes, size_t count, const char *const *settings);
void kit_clear(struct kit *kit);
/* New settings, as after SIGHUP. */
void kit_reload(struct kit *kit, const char *const *settings);

/* A port of 127.0.0.1 that was free a moment ago. */
unsigned short kit_free_port(void);
/* Settings from "section.name=value". */
struct conf *kit_conf(const char *const *settings);

/* One connection of a client. */
struct wire {
	int fd;
	struct buf in; /* arrived, not looked at */
};

struct wire_answer {
	unsigned status;
	struct buf head; /* raw, with the empty line */
	struct fields fields;
	struct buf body;
	bool whole; /* it came to its end as its head says */
};

void wire_open(struct wire *wire, const struct kit *kit);
void wire_open_unix(struct wire *wire, const struct kit *kit);
void wire_close(struct wire *wire);
/* Closes with a reset. */
void wire_reset(struct wire *wire);
/* False when the other side is gone. */
bool wire_send(struct wire *wire, const void *data, size_t size);
bool wire_send_text(struct wire *wire, const char *text);
/* Reads one answer, interim ones skipped. method: of the request. False: the connection ended before a head. */
bool wire_read(struct wire *wire, const char *method, struct wire_answer *ret);
void wire_answer_release(struct wire_answer *answer);
/* True when the other side has ended the connection. */
bool wire_at_end(struct wire *wire);
/* Bytes that arrive now, at least one: their number, 0 at the end, negative: reset. */
ssize_t wire_receive(struct wire *wire, char *room, size_t size);

/* Sends "METHOD TARGET HTTP/1.1", a Host and the fields ("Name: value\r\n"..., may be NULL), reads the answer. */
void wire_ask(struct wire *wire, const struct kit *kit, const char *method, const char *target, const char *fields,
        struct wire_answer *ret);
/* The same on a connection of its own. */
void kit_ask(
        const struct kit *kit, const char *method, const char *target, const char *fields, struct wire_answer *ret);
/* Raw bytes on a connection of its own; the status of the first answer, 0: none came. */
unsigned kit_raw(const struct kit *kit, const char *bytes);

#define KIT_JSON "200 OK\r\nContent-Type: application/json; charset=utf-8"

#endif
