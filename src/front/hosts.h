/*
 * Which names the daemon answers to. A web page that makes its own name
 * resolve to 127.0.0.1 (DNS rebinding) sends that name as Host: it gets nothing.
 */
#ifndef FRONT_HOSTS_H
#define FRONT_HOSTS_H

#include "conf/conf.h"

/* "name", "name:port", an address likewise: what can stand in a URL. Pure. */
bool hosts_well_formed(const char *authority);

/*
 * authority: a Host field's value ("localhost:7336", "[::1]"). Allowed are localhost, 127.0.0.1, [::1], the host of
 * the address at which the request came (listener), those of listen.address and those of listen.allowed_hosts ("name"
 * with any port, "name:port" with that one, "*" all). Pure.
 */
bool hosts_allowed(const struct conf *conf, const char *listener, const char *authority);

#endif
