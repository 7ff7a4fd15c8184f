/*
 * [session "NAME"]: made while the settings are read, completed with what its
 * files hold, and checked as a whole. Inside conf/ only; others ask
 * conf_session() (conf.h).
 */
#ifndef CONF_SESSION_H
#define CONF_SESSION_H

#include "conf/check.h"

/* The row of that name, added with the defaults if there is none; NULL without memory. Borrowed. */
struct conf_session *conf_session_add(struct conf *conf, const char *name);

/*
 * Reads the files of the secrets, looks up users and groups, and checks what one setting alone cannot tell; what is
 * wrong goes to check->problems with the place of its setting. 0, -ENOMEM.
 */
int conf_session_complete(const struct check *check, struct conf_session *session);

/* Wipes and frees what conf_session_complete read, and the name. */
void conf_session_release(struct conf_session *session);

#endif
