/*
 * Sockets to listen on, from the addresses of the configuration.
 */
#ifndef FRONT_LISTENER_H
#define FRONT_LISTENER_H

#include "conf/address.h"
#include "conf/conf.h"

#define LISTENERS_MAX 64

struct listener {
	int fd;
	bool unix_socket;
	bool remote;     /* an address that other machines can reach */
	unsigned loop;   /* which event thread accepts on it */
	char *authority; /* "127.0.0.1:7336": what to put into links where a request has no Host; owned */
	char *text;      /* the value of listen.address; owned */
	char *path;      /* of a Unix socket, unlinked at the end; owned, NULL otherwise */
};

struct listeners {
	struct listener items[LISTENERS_MAX];
	size_t count;
};

/*
 * Opens every address of conf->listen: a TCP address once for each event thread (SO_REUSEPORT spreads the
 * connections), a Unix socket once (mode 0666: its folder's permissions say who may connect; a socket left behind by a process
 * that is gone is replaced, a living one is an error). 0; -EADDRINUSE, -EACCES... with the address in fail.
 */
int listeners_open(struct listeners *l, const struct conf *conf, unsigned loops, struct fail *fail);

/* Closes the sockets that are not closed yet, removes the Unix ones from their folders. */
void listeners_close(struct listeners *l);

#endif
