/*
 * Sockets to listen on, from the addresses of the configuration.
 */
#ifndef FRONT_LISTENER_H
#define FRONT_LISTENER_H

#include "conf/address.h"
#include "conf/conf.h"

#define LISTENERS_MAX 64
#define GIVEN_MAX     16
#define GIVEN_NAME    64

/* A listening socket that the service manager holds and has given us a descriptor of. */
struct given_socket {
	int fd;                /* borrowed: duplicated by whoever uses it */
	char name[GIVEN_NAME]; /* FileDescriptorName= of its unit */
};

struct given_sockets {
	struct given_socket items[GIVEN_MAX];
	size_t count;
};

struct listener {
	int fd;
	bool unix_socket;
	bool tls;        /* clients speak TLS */
	bool remote;     /* an address that other machines can reach */
	unsigned loop;   /* which event thread accepts on it */
	char *authority; /* "127.0.0.1:7336": what to put into links where a request has no Host; owned */
	char *text;      /* the value of listen.address, or what it would be; owned */
	char *path;      /* of a Unix socket of our own, unlinked at the end; owned, NULL otherwise */
};

struct listeners {
	struct listener items[LISTENERS_MAX];
	size_t count;
};

/*
 * Opens every address of conf->listen, those for TLS included: a TCP address once for each event thread (SO_REUSEPORT spreads the
 * connections), a Unix socket once (mode 0666: its folder's permissions say who may connect; a socket left behind by a process
 * that is gone is replaced, a living one is an error). 0; -EADDRINUSE, -EACCES... with the address in fail.
 */
int listeners_open(struct listeners *l, const struct conf *conf, unsigned loops, struct fail *fail);

/*
 * Takes the sockets of the service manager in place of every address of conf->listen: each is polled by each event thread, and none is
 * removed at the end, so that clients who come during a restart wait in its queue. 0; -EINVAL for what is no listening stream
 * socket; -EACCES for one that other machines can reach without listen.allow_remote; one named "https" is for TLS, and may
 * be reached by others if listen.client_ca or listen.token_file is given, too; -E2BIG, -EMFILE...
 */
int listeners_adopt(struct listeners *l, const struct given_sockets *given, const struct conf *conf, unsigned loops,
        struct fail *fail);

/* Closes the sockets that are not closed yet, removes the Unix ones from their folders. */
void listeners_close(struct listeners *l);

#endif
