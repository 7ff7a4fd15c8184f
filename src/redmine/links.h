/*
 * Links that would lead a client around the proxy, rewritten in the bytes of
 * an answer as they pass, without parsing and printing it: JSON members
 * content_url, thumbnail_url, url, html_url, avatar_url whose value begins with the origin's base
 * URL; XML elements of these names; href of atom's <link>. Text that users
 * wrote is never touched, also when it holds the origin's address.
 *
 * The bytes are searched for the base URL; only where it stands behind a
 * quote (in XML: the ">" of a tag) the bytes before are looked at. In JSON that
 * is enough to know a member: the quote before its name has no backslash before
 * it, so it is no character of a string; a name stands behind it, so it ends
 * no string (only white space and ,:]} can follow one); so it begins a string,
 * the name is the whole of it, and a ":" makes it a member's name. In XML a
 * "<" is always markup, as Redmine writes neither CDATA nor comments; a <link>
 * is read attribute by attribute from its "<". Names and URLs spelt otherwise
 * than Rails spells them ("\/", \uXXXX in a name, single quotes in JSON,
 * attributes on <content_url>, more than LINKS_LOOK_BACK bytes of a <link>
 * before its href) are left as they are.
 */
#ifndef REDMINE_LINKS_H
#define REDMINE_LINKS_H

#include "base/buf.h"
#include "redmine/target.h"

#define LINKS_LOOK_BACK 1024 /* bytes */
#define LINKS_BASE_MAX  2048 /* bytes of a base URL as it stands in a body */

struct links; /* one body on its way through; holds back a bounded tail only: less than a base URL and two bytes */

/*
 * from, to: base URLs without a trailing slash ("http://redmine.example.org/redmine", "http://127.0.0.1:7336").
 * A value matches when it is `from` followed by "/", "?", "#" or its end. format: JSON (also JSONP), XML or ATOM.
 * Both are escaped as the format asks. NULL: out of memory, or a base that is empty, too long or holds a control byte,
 * space, quote, backslash, "<" or ">", or format NONE. Free with links_free. One thread at a time.
 */
struct links *links_new(enum target_format format, const char *from, const char *to);
void links_free(struct links *links); /* NULL is allowed */

/*
 * Adds what is ready of the body so far to out. 0, -ENOMEM, -ENOBUFS (out's ceiling); after a failure only
 * links_free makes sense. However a body is cut into pieces, what comes out is the same.
 */
int links_feed(struct links *links, const char *data, size_t size, struct buf *out) MUST_CHECK;
/* The body is over: adds what was held back. Errors as links_feed; the next feed begins another body. */
int links_finish(struct links *links, struct buf *out) MUST_CHECK;

/* True when the whole body has at least one link to rewrite. False also for a base that links_new refuses. Pure. */
bool links_present(enum target_format format, const char *from, const char *data, size_t size);

/*
 * A Location or Content-Location value: absolute below `from` becomes `to` + rest; a path below
 * from_path (the sub-URI, "" for none) becomes to_path + rest; else unchanged ("//host/path" is no path). Adds to out.
 * 0 or -ENOMEM/-ENOBUFS.
 */
int links_location(const char *value, const char *from, const char *from_path, const char *to, const char *to_path,
        struct buf *out) MUST_CHECK;

#endif
