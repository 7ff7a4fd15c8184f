/*
 * What one setting alone cannot tell: whether the settings agree with each
 * other and with this machine.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/conf.h"
#include "conf/setting.h"

/* The row of that [engine "NAME"], added with the defaults if there is none; NULL without memory. Borrowed. */
struct conf_engine *conf_engine_add(struct conf *conf, const char *name);

/*
 * Fills in what the environment decides (cache.path = auto), adds the row of
 * the default engine, and checks the whole; an error goes to problems with the
 * place of its setting. 0, -ENOMEM.
 */
int conf_complete(struct conf *conf, const struct conf_source *source, const struct settings *settings,
        struct problems *problems);

#endif
