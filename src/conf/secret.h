/*
 * Files that hold a key, a password or a token.
 */
#ifndef CONF_SECRET_H
#define CONF_SECRET_H

#include "base/fail.h"

#include <stdbool.h>

/*
 * Reads the one line that a file holds, without its end. file: an absolute path, or "credential:NAME" for a file in the
 * folder CREDENTIALS_DIRECTORY (systemd.exec(5)), whose permissions are systemd's to set. Any other has to be a regular
 * file of this user's or root's that others can neither read nor write, nor its group; but a file of root's may be
 * readable for the group of this process. 0 with a copy in *ret, to be given back by secret_free(); -EINVAL, or
 * what opening or reading brought, with the reason in fail, which shows nothing of the content; -ENOMEM.
 */
int secret_read(const char *file, char **ret, struct fail *fail);

/*
 * True when text is the secret; NULL never is. Takes as long for every text of the secret's size: nothing of it can be
 * learnt by trying. Pure.
 */
bool secret_is(const char *secret, const char *text);

/* Wipes it and frees it. NULL is allowed. */
void secret_free(char *secret);

#endif
