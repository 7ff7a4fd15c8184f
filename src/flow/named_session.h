/*
 * [session "NAME"] in a request: whether this client may use it, and what it
 * changes: the credential, the way to Redmine, time limits, the engine.
 */
#ifndef FLOW_NAMED_SESSION_H
#define FLOW_NAMED_SESSION_H

#include "flow/request.h"

/*
 * Puts the session in force that r->fields name, or that is in r->session already (an inner request's, which is not
 * asked who it is). Its credential is then among r->fields as if the client had sent it, the two fields that ask for
 * it are not, and r->session and r->route are set. Without one nothing changes. r->query must have been parsed.
 * False: r is answered: 400 for a name that is unknown or not for this client (which of the two is not told) or a
 * credential of the client's own beside the session's, 403 for a web page of another origin, 503 without memory.
 */
bool named_session_enter(struct request *r) MUST_CHECK;

/*
 * Narrows the identity of r where its session reaches Redmine by another way than [upstream] says (proxy, certificates,
 * verification): what comes that way is shared only with those who use it too. Time limits and versions make no
 * difference. After identity_of() and named_session_enter().
 */
void named_session_narrow(const struct request *r, struct identity *identity);

/*
 * True when r reaches Redmine by another way than [upstream] says, as above: what goes wrong there tells nothing of
 * Redmine as others see it. After named_session_enter().
 */
bool named_session_is_apart(const struct request *r);

/* The longest silence of Redmine, and the time for a connection, in milliseconds: of the settings, the session, the request. */
int64_t named_session_timeout_ms(const struct request *r);
int64_t named_session_connect_timeout_ms(const struct request *r);

#endif
