/*
 * Links that would lead a client around the proxy, rewritten in the bytes of
 * an answer as they pass, without parsing and printing it: JSON members
 * content_url, thumbnail_url, url, html_url, avatar_url whose value begins with the origin's base
 * URL; XML elements of these names; href of atom's <link>. Text that users
 * wrote is never touched, also when it holds the origin's address.
 */
#ifndef REDMINE_LINKS_H
#define REDMINE_LINKS_H

#include "base/buf.h"
#include "redmine/target.h"

struct links; /* one body on its way through; holds back a bounded tail only */

/*
 * from, to: base URLs without a trailing slash ("http://redmine.example.org/redmine", "http://127.0.0.1:7336").
 * A value matches when it is `from` followed by "/", "?", "#" or its end. format: JSON (also JSONP), XML or ATOM. NULL: out of memory.
 * `to` is escaped as the format asks (it cannot hold a quote or "<": checked, NULL).
 */
struct links *links_new(enum target_format format, const char *from, const char *to);
void links_free(struct links *links);

/* Adds what is ready of the body so far to out. 0, -ENOMEM, -ENOBUFS (out's ceiling). */
int links_feed(struct links *links, const char *data, size_t size, struct buf *out) MUST_CHECK;
/* The body is over: adds what was held back. */
int links_finish(struct links *links, struct buf *out) MUST_CHECK;

/* True when the whole body has at least one link to rewrite. Pure. */
bool links_present(enum target_format format, const char *from, const char *data, size_t size);

/*
 * A Location or Content-Location value: absolute below `from` becomes `to` + rest; a path below
 * from_path (the sub-URI, "" for none) becomes to_path + rest; else unchanged. 0 or -ENOMEM/-ENOBUFS.
 */
int links_location(const char *value, const char *from, const char *from_path, const char *to, const char *to_path,
        struct buf *out) MUST_CHECK;

#endif
