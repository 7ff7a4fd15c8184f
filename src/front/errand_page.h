/*
 * /-/requests/ID and /-/requests/ID/answer: what came of a request that was
 * answered 202 ("Prefer: respond-async").
 */
#ifndef FRONT_ERRAND_PAGE_H
#define FRONT_ERRAND_PAGE_H

#include "front/loop.h"

/* True when the target is such a page. */
bool errand_page_own(const char *target);

/*
 * Answers r, a GET or HEAD of such a page. 404 for whoever is not the one who sent the request, as for an ID that is
 * not known. 202 with its state while it is not done. Then .../ID says in JSON what came of it, with the body if it is
 * not large, and .../ID/answer is the answer itself. Event thread; nothing here waits.
 */
void errand_page_answer(struct front *front, struct request *r);

#endif
