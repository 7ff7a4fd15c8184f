/*
 * One reading of the settings: immutable once it is shared, counted references.
 * Whoever needs several settings that agree with each other takes a reference
 * and keeps it for that long.
 *
 * The file is INI, read by inih: [section] or [section "NAME"], name = value,
 * comments after ; or # at the start of a line and after ; behind a space.
 * Drop-ins: every *.conf in the folder conf.d beside the file, in order of
 * name, read after it.
 * A repeatable setting (listen.address, listen.allowed_hosts...) collects its
 * values; a drop-in or -o that gives an empty value first forgets the earlier
 * ones, and the first -o of a repeatable setting replaces what files said.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct text_list {
	char **items; /* owned */
	size_t count;
};

enum cache_policy { CACHE_POLICY_REDMINE, CACHE_POLICY_ORIGIN };

/* [engine "NAME"] */
struct conf_engine {
	char *name;       /* NULL in conf->engine.defaults */
	int workers;      /* 0: auto */
	int queue;        /* jobs that may wait */
	char *path;       /* of a plug-in, NULL for the built-in ones; without "/" it is in the folder of plug-ins */
	char *options;    /* what the plug-in is told; NULL: nothing */
	int recycle_jobs; /* 0: never */
	uint64_t recycle_memory; /* bytes, 0: never */
};

/* For [session "NAME"]: as [upstream] says, or other than that. */
enum conf_verify { CONF_VERIFY_UPSTREAM, CONF_VERIFY_YES, CONF_VERIFY_NO };
enum conf_http_version { CONF_HTTP_AUTO, CONF_HTTP_1_1, CONF_HTTP_2 };

/*
 * [session "NAME"]: what the daemon does for requests that name it. NULL, 0 or an empty list: not given. The secrets
 * are read when the settings are, and wiped when the settings are freed.
 */
struct conf_session {
	char *name;
	char *key_file, *username, *password_file, *impersonate;
	char *proxy; /* "none": without one, whatever [upstream] says */
	char *ca_file, *client_certificate, *client_key;
	int verify;                             /* enum conf_verify */
	int http_version;                       /* enum conf_http_version */
	int64_t connect_timeout_ms, timeout_ms; /* 0: as [upstream] */
	int workers;                            /* 0: as without a session */
	char *engine;                           /* NULL: the default one */
	struct text_list listeners, uids, gids; /* who may use it: all that is given must hold; uids or gids */
	char *token_file;

	/* Read from the files; owned. */
	char *key, *password, *token;        /* NULL where no file is given */
	uint32_t *uid_numbers, *gid_numbers; /* as many as uids and gids */
};

/* [lifetime] RESOURCE = SPAN, in the order given; the last row of a name wins */
struct conf_lifetime {
	char *resource; /* a name from redmine/resource.h; checked by conf_check_names */
	int64_t lifetime_ms;
};

struct conf {
	unsigned magic;
#define CONF_MAGIC 0x3c0f19e5
	atomic_uint refs;

	struct {
		char *url;                  /* required: http:// or https://, host, optional port and path */
		char *ca_file;              /* PEM; NULL: the system's */
		bool verify;                /* default yes */
		int64_t connect_timeout_ms; /* 10s */
		int64_t timeout_ms;         /* whole exchange without progress of the answer's head: 60s */
		int compression;            /* enum conf_compression: auto, yes, no */
		char *proxy;                /* NULL: none (the environment is not asked) */
		int breaker;                /* failures in a row after which Redmine is left alone: 10; 0: never */
		int64_t breaker_pause_ms;   /* the longest pause then, 30s */
	} upstream;
	struct {
		struct text_list address;         /* default one: 127.0.0.1:7336 */
		struct text_list tls_address;     /* default: none */
		char *certificate;                /* PEM; NULL: none */
		char *certificate_key;            /* PEM; NULL: none */
		char *client_ca;                  /* PEM; NULL: clients need no certificate */
		char *token_file;                 /* NULL: clients need no token */
		char *token;                      /* what that file holds: read with the settings, wiped with them */
		struct text_list allowed_hosts;   /* default: see front */
		struct text_list allowed_origins; /* of web pages, in lower case; default: none */
		int compression;                  /* enum conf_compression */
		bool allow_remote;                /* a non-loopback address is an error without it */
		bool trust_forwarded;             /* X-Forwarded-Host/-Proto tell the client's address */
		int threads;                      /* 0: auto */
		int max_connections;              /* 4096 */
		int64_t idle_timeout_ms;   /* 60s: kept-alive connection without a request, client that takes nothing */
		int64_t header_timeout_ms; /* 15s: from the first byte of a head to its end */
		uint64_t header_limit;     /* bytes of a request's head, 16K */
		uint64_t body_limit;       /* bytes of a request's body, 1G; 0: none */
		int64_t drain_timeout_ms;  /* SIGTERM: time for answers under way, 20s */
	} listen;
	struct {
		char *default_name;          /* "thread" */
		int ceiling;                 /* over all engines; 0: auto */
		struct conf_engine *items;   /* every [engine "NAME"], and the default one in any case */
		struct conf_engine defaults; /* what an engine without a row has */
		size_t count;
	} engine;
	struct {
		int64_t wait_limit_ms;        /* 5m */
		int workers_limit;            /* 16 */
		struct conf_session *items;   /* every [session "NAME"] */
		struct conf_session defaults; /* what a session has that says nothing */
		size_t count;
	} session;
	struct {
		int queue;           /* 256: that wait or are under way */
		uint64_t body_limit; /* bytes of a request's and of an outcome's body, 8M */
		uint64_t memory;     /* bytes of all of them, 64M */
		int64_t keep_ms;     /* 10m: how long an outcome is told */
		int outcomes;        /* 1000: that are kept */
	} errands;
	struct {
		char *path;            /* SQLite file; "" : memory only */
		uint64_t memory;       /* bytes of the memory tier, 64M */
		uint64_t size;         /* bytes of the file, 1G */
		uint64_t object_limit; /* larger bodies stream through unkept, 8M */
		enum cache_policy policy;
		int64_t credential_check_ms;       /* 60s; 0: never */
		int64_t stale_while_revalidate_ms; /* past its lifetime an answer is served while it is fetched anew: 0 */
		int64_t stale_if_error_ms;         /* ... when Redmine does not answer: 1d */
		int64_t slow_ms;                   /* ... when Redmine took so long: 10s; 0: no limit */
	} cache;
	struct {
		int workers;           /* 8 */
		int read_ahead;        /* pages, 16; 0: none */
		int batch_limit;       /* reads, 100 */
		uint64_t batch_memory; /* bytes, 256M */
	} collections;
	struct {
		char *session;       /* name of a [session "NAME"]; NULL: nothing is watched */
		int64_t interval_ms; /* 10s */
	} watch;
	struct {
		char *address;     /* NULL: none */
		char *secret_file; /* given when address is */
	} webhook;
	struct {
		int clients;          /* 64 */
		int64_t heartbeat_ms; /* 15s */
	} events;
	struct {
		struct text_list reads; /* "SESSION /path" */
		struct text_list times; /* as schedule_parse() reads them; empty: round the clock */
		int64_t interval_ms;    /* 20s */
		int budget;             /* reads a minute, 60 */
	} warm;
	struct {
		struct conf_lifetime *items;
		size_t count;
	} lifetime;
	struct {
		char *socket;   /* "": none */
		bool automatic; /* chosen by the daemon: it does without where it cannot be made */
		int mode;       /* enum conf_control_mode */
	} control;
	struct {
		enum log_level level;
		enum log_format format;
	} log;
};

enum conf_control_mode { CONF_CONTROL_OWNER, CONF_CONTROL_GROUP, CONF_CONTROL_ALL };

enum conf_compression { CONF_COMPRESSION_AUTO, CONF_COMPRESSION_YES, CONF_COMPRESSION_NO };

/* What the command line says of the settings; strings borrowed. */
struct conf_source {
	const char *file;             /* NULL: none */
	const char *const *overrides; /* "SECTION.NAME=VALUE" or "SECTION.SUBSECTION.NAME=VALUE" */
	size_t override_count;
	/* Accepts or refuses a [lifetime] name: conf/ must not know Redmine. NULL accepts all. */
	bool (*resource_known)(const char *name);
	const char *resource_names; /* for the error: "issues, issue, ..."; not NULL where resource_known is not */
	/* The same for the engines that are built in. */
	bool (*engine_known)(const char *name);
	const char *engine_names; /* "sync, thread" */
	/*
	 * Tries a plug-in whose settings are right as such. 0; negative with fail set: what is wrong with its path or, with
	 * *ret_options, with its options. NULL: they are not tried.
	 */
	int (*engine_try)(
	        const struct conf *conf, const struct conf_engine *engine, bool *ret_options, struct fail *fail);
	struct buf *problems; /* gets every error found (up to 20), "\n" between them; NULL: not wanted */
};

/*
 * Reads, checks and completes the settings. An error reads "FILE:LINE: what and
 * what is allowed" or "-o SECTION.NAME: ..."; all of them go to
 * source->problems, the first to fail->text with "(and 3 more)" behind it. On
 * failure *ret is left alone. 0, -EINVAL, -ENOMEM, or what opening or reading
 * a file brought when that came first (-ENOENT, -EACCES...). Owner: the caller
 * holds one reference. Any thread, one at a time.
 */
int conf_load(const struct conf_source *source, struct conf **ret, struct fail *fail);

/* One more reference to it, and back again: the last one frees. conf_ref() returns its argument. Any thread. */
struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf); /* NULL is allowed */

/* The [engine "NAME"] row, or the one of the defaults where there is none. Borrowed. */
const struct conf_engine *conf_engine(const struct conf *conf, const char *name);

/* The [session "NAME"], or NULL. Whether a client may use it is not asked here. Borrowed from conf. */
const struct conf_session *conf_session(const struct conf *conf, const char *name);

/* The [lifetime] of a resource in milliseconds, or fallback_ms where none is given. */
int64_t conf_lifetime_ms(const struct conf *conf, const char *resource, int64_t fallback_ms);

/*
 * For a reload: the settings that differ but need a restart, as "section.name,
 * section.name" in text (cut to size, "" when none). They get the values of old
 * back, so that new is what is in force. Returns their number. new: not shared
 * yet. A value for which there is no memory stays the new one.
 */
size_t conf_needs_restart(const struct conf *old, struct conf *new, char *text, size_t size);

/* The settings in force as a file that conf_load accepts (--print-config). */
void conf_print(const struct conf *conf, FILE *out);

/* The sample file: every row, its help, its default commented out (--print-sample-config); etc/ has a copy. */
void conf_print_sample(FILE *out);

/* The OPTIONS section of redmine-cached.conf(5) in man(7) markup, from the rows. */
void conf_print_manual(FILE *out);

/* "30s" "5m" "1h" "7d" "250ms" "0" to milliseconds; "64M" "1G" "4096" to bytes. 0, -EINVAL, -ERANGE. */
int conf_parse_span(const char *text, int64_t *ret_ms);
int conf_parse_size(const char *text, uint64_t *ret_bytes);

#endif
