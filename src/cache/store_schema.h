/*
 * The tables of the cache file, version by version. PRAGMA user_version says which
 * version a file has; each step of the table in store_schema.c takes it one further, and a new file goes
 * through all of them.
 */
#ifndef CACHE_STORE_SCHEMA_H
#define CACHE_STORE_SCHEMA_H

#include "cache/store_link.h"

#define SCHEMA_VERSION        4
#define SCHEMA_APPLICATION_ID 0x52636368 /* "Rcch": tells our files from other people's databases */

/*
 * Brings the file to SCHEMA_VERSION in one transaction. ours: a mark beside it says that it was in use here before, so
 * that what looks foreign is damaged. 0; -EOVERFLOW: it is of a newer version; -EEXIST: it is another
 * program's database, to be left alone; or as link_fail().
 */
int schema_prepare(struct link *link, bool ours, struct fail *fail);

#endif
