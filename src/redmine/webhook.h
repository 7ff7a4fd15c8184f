/*
 * Deliveries of Redmine 7's webhooks (redmine-api.md 6.4): what one says of what has changed.
 */
#ifndef REDMINE_WEBHOOK_H
#define REDMINE_WEBHOOK_H

#include "redmine/tags.h"

/*
 * Reads a delivery, {"type":"issue.updated","data":{"issue":{"id":12,...}}}, whose signature was found right. ret: the tags
 * of what has changed; none for a type that is not known. 0, or -EINVAL for what is no delivery. Pure.
 */
int webhook_read(struct tags *ret, const char *body, size_t size);

#endif
