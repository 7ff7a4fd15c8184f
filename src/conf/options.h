/*
 * The settings, one row each, written once: parsing, --check-config,
 * --print-config, the sample file and redmine-cached.conf(5) are all made from
 * these rows. To add a setting, add a row and a member of struct conf (or of
 * the struct of its section).
 *
 * SECTION(name, "NAME" or "", help)
 *   the word of [section]; the second column is not empty where [section "NAME"] exists too
 * OPTION(section, name, member, type, default, min, max, when, help)      a member of struct conf
 * ENGINE_OPTION(section, ...)                                             of struct conf_engine: [engine "NAME"]
 * SESSION_OPTION(section, ...)                                            of struct conf_session: [session "NAME"]
 * LIFETIME_OPTION(section, ...)                                           of struct conf_lifetime: any name
 *   type    what type.h offers: URL(schemes) PATH(words) OBJECT BOOL NUMBER COUNT SIZE SPAN CHOICE(words) ENGINE
 *           TEXT SECRET PROXY(schemes) LISTENERS ACCOUNTS (these two: words on one line)
 *           ADDRESSES HOSTS ORIGINS READS TIMES (these five repeatable)
 *   default as it would be written in the file; min and max likewise, "" where none applies
 *   when    RELOAD: SIGHUP puts it in force; START: needs a restart (a change is logged as such)
 *   help    whole sentences
 *
 * Included with some of these macros defined; those that are not count as nothing.
 */
#ifndef SECTION
#define SECTION(name, named, help)
#endif
#ifndef OPTION
#define OPTION(section, name, member, type, default_text, min, max, when, help)
#endif
#ifndef ENGINE_OPTION
#define ENGINE_OPTION(section, name, member, type, default_text, min, max, when, help)
#endif
#ifndef SESSION_OPTION
#define SESSION_OPTION(section, name, member, type, default_text, min, max, when, help)
#endif
#ifndef LIFETIME_OPTION
#define LIFETIME_OPTION(section, name, member, type, default_text, min, max, when, help)
#endif
/* clang-format off */

SECTION(upstream, "", "The Redmine that is asked.")

OPTION(upstream, url, upstream.url, URL("http https"), "", "", "", START,
	"Where Redmine is, with the path below which it lives if it has one: https://redmine.example.org or "
	"http://127.0.0.1:3000/redmine. The only setting that has to be given.")
OPTION(upstream, ca_file, upstream.ca_file, PATH(""), "", "", "", START,
	"File of the certificates (PEM) that may have signed the one of an https Redmine. Empty: those of the system.")
OPTION(upstream, verify, upstream.verify, BOOL, "yes", "", "", START,
	"Whether the certificate of an https Redmine is verified. Without it anyone on the way can read every key.")
OPTION(upstream, connect_timeout, upstream.connect_timeout_ms, SPAN, "10s", "100ms", "5m", RELOAD,
	"How long making a connection to Redmine may take.")
OPTION(upstream, timeout, upstream.timeout_ms, SPAN, "60s", "100ms", "1h", RELOAD,
	"How long Redmine may take until its answer begins, and how long an answer may stand still.")
OPTION(upstream, compression, upstream.compression, CHOICE("auto yes no"), "auto", "", "", RELOAD,
	"Whether Redmine is asked for compressed answers. auto: when it is not on this machine.")
OPTION(upstream, proxy, upstream.proxy, URL("http https socks5 socks5h"), "", "", "", START,
	"The proxy on the way to Redmine, as http://proxy.example.org:3128. Empty: none; the environment is not asked.")
OPTION(upstream, breaker, upstream.breaker, NUMBER, "10", "0", "1000000", RELOAD,
	"After so many failures in a row (not reached, no answer in time, 502, 503, 504) Redmine is left alone for a "
	"while: what is stored is served, other reads are answered 503 at once, writes are still tried. Then one read "
	"tries whether it is back. 0: it is always asked.")
OPTION(upstream, breaker_pause, upstream.breaker_pause_ms, SPAN, "30s", "100ms", "1h", RELOAD,
	"The longest that Redmine is left alone so. The first pause is a second, each further one twice as long.")

SECTION(listen, "", "Where clients connect, and how much of them is taken in.")

OPTION(listen, address, listen.address, ADDRESSES, "127.0.0.1:7336", "", "", START,
	"Where to listen: 127.0.0.1:7336, [::1]:7336, localhost:7336 or unix:/run/redmine-cached/http.sock. "
	"May be given several times.")
OPTION(listen, allowed_hosts, listen.allowed_hosts, HOSTS, "", "", "", RELOAD,
	"Further names by which clients may call this daemon (the Host of a request): cache.example.org with any port, "
	"cache.example.org:80 with that one, * any name. Those it listens on and localhost are always allowed. The names "
	"keep web pages out that make a name of theirs lead here; * lets them in. May be given several times.")
OPTION(listen, allowed_origins, listen.allowed_origins, ORIGINS, "", "", "", RELOAD,
	"Web pages that may ask from a browser, by their origin: https://dashboard.example.org. Each may send and read what "
	"its visitor may, credentials included (CORS). May be given several times.")
OPTION(listen, compression, listen.compression, CHOICE("auto yes no"), "auto", "", "", RELOAD,
	"Whether answers that are kept are sent compressed (zstd, gzip) to clients that accept it. auto: to those on other "
	"machines, or behind a proxy that says X-Forwarded-For.")
OPTION(listen, tls_address, listen.tls_address, ADDRESSES, "", "", "", START,
	"Where to listen with TLS (https), as 0.0.0.0:7443. Where other machines can reach it, listen.token_file, "
	"listen.client_ca or listen.allow_remote has to be given. May be given several times.")
OPTION(listen, certificate, listen.certificate, PATH(""), "", "", "", RELOAD,
	"File of the daemon's certificate (PEM) and those between it and a root, for TLS. Read again at each reload; "
	"connections that are there stay.")
OPTION(listen, certificate_key, listen.certificate_key, PATH(""), "", "", "", RELOAD,
	"File of that certificate's key (PEM), which nobody else should be able to read.")
OPTION(listen, client_ca, listen.client_ca, PATH(""), "", "", "", START,
	"File of the certificates (PEM) that may have signed those of clients. With it, who connects by TLS has to have one; "
	"without it, everybody is let in.")
OPTION(listen, token_file, listen.token_file, SECRET, "", "", "", RELOAD,
	"File of a token, as credential:NAME a systemd credential. With it, who connects by TLS, or to an address that other "
	"machines can reach, has to send what it holds as Redmine-Cached-Access-Token with each request; beside client_ca both have "
	"to be there. It is read anew at a reload, and may not be readable for others, as [session] key_file.")
OPTION(listen, allow_remote, listen.allow_remote, BOOL, "no", "", "", START,
	"Whether an address that other machines can reach may be listened on. Who can connect can ask Redmine with the "
	"keys that he has, over a connection that is not encrypted.")
OPTION(listen, trust_forwarded, listen.trust_forwarded, BOOL, "no", "", "", RELOAD,
	"Whether X-Forwarded-Host and X-Forwarded-Proto tell the address that the client used, for a daemon behind a "
	"web server that sets them.")
OPTION(listen, threads, listen.threads, COUNT, "auto", "1", "256", START,
	"Threads that serve connections. auto: one for each processor.")
OPTION(listen, max_connections, listen.max_connections, NUMBER, "4096", "1", "1000000", START,
	"Connections of clients at a time, over all addresses. Further ones are refused.")
OPTION(listen, idle_timeout, listen.idle_timeout_ms, SPAN, "60s", "1s", "1h", START,
	"How long a connection may stay open without a request, and a client may take nothing of its answer.")
OPTION(listen, header_timeout, listen.header_timeout_ms, SPAN, "15s", "100ms", "10m", RELOAD,
	"How long a client may take to send the head of a request, from its first byte.")
OPTION(listen, header_limit, listen.header_limit, SIZE, "16K", "4K", "1M", START,
	"The largest head of a request; a larger one is answered 431.")
OPTION(listen, body_limit, listen.body_limit, SIZE, "1G", "0", "16T", RELOAD,
	"The largest body of a request; a larger one is answered 413. 0: no limit.")
OPTION(listen, drain_timeout, listen.drain_timeout_ms, SPAN, "20s", "0", "1h", RELOAD,
	"How long answers under way may take to end when the daemon is asked to stop.")

SECTION(engine, "NAME", "Where and when the questions to Redmine run.")

OPTION(engine, default, engine.default_name, ENGINE, "thread", "", "", START,
	"The engine that asks Redmine for whoever does not name another by Redmine-Cached-Engine. It runs, and every one "
	"that has a section of its own, as [engine \"async\"]. sync: one question at a time. thread: several, a thread for each. process: "
	"several, a process for each. async: many, all from one thread.")
OPTION(engine, ceiling, engine.ceiling, COUNT, "auto", "1", "10000", START,
	"How many questions may be under way at a time over all engines, and what workers = auto never goes beyond. Those "
	"who ask take turns when more is asked. auto: as many as the largest engine may have, 64 for workers = auto.")
ENGINE_OPTION(engine, workers, workers, COUNT, "auto", "1", "10000", START,
	"How many questions may be under way at a time. auto: more as long as Redmine answers more of them in the "
	"same time, fewer when it does not or says that it has too much. sync always has 1.")
ENGINE_OPTION(engine, queue, queue, NUMBER, "4096", "1", "1000000", START,
	"Questions that may wait for a worker. Further ones are answered 503.")
ENGINE_OPTION(engine, recycle_jobs, recycle_jobs, NUMBER, "10000", "0", "1000000000", START,
	"After how many questions a worker of the process engine is replaced by a new one. 0: never.")
ENGINE_OPTION(engine, recycle_memory, recycle_memory, SIZE, "256M", "0", "1T", START,
	"With how much resident memory a worker of the process engine is replaced by a new one, between two questions. "
	"0: never.")
ENGINE_OPTION(engine, path, path, OBJECT, "", "", "", START,
	"The shared object of an engine that is not built in, as record-replay.so; without a \"/\" it is looked for in the "
	"folder that pkg-config --variable=plugindir redmine-cached names. Whoever may write that file is the daemon.")
ENGINE_OPTION(engine, options, options, TEXT, "", "", "", START,
	"What that engine is told, as mode=replay folder=/srv/demo.")

SECTION(session, "NAME", "What a request may choose for itself; with a name: credentials and connections that the "
	"daemon holds for requests which say Redmine-Cached-Session: NAME.")

OPTION(session, wait_limit, session.wait_limit_ms, SPAN, "5m", "1s", "1h", RELOAD,
	"The longest time limit that a request can ask for (Prefer: wait=SECONDS). What is longer is cut to this.")
OPTION(session, workers_limit, session.workers_limit, NUMBER, "16", "1", "1000", RELOAD,
	"The most that a request can ask for as Redmine-Cached-Workers. More is answered 400.")
SESSION_OPTION(session, key_file, key_file, SECRET, "", "", "", RELOAD,
	"File of the API key, as credential:NAME that of a systemd credential. It is read anew at a reload. Others "
	"may not be able to read it; its group may if it is of root's and the group that of the daemon.")
SESSION_OPTION(session, username, username, TEXT, "", "", "", RELOAD,
	"The login for HTTP Basic, with password_file instead of key_file.")
SESSION_OPTION(session, password_file, password_file, SECRET, "", "", "", RELOAD,
	"File of the password, as key_file.")
SESSION_OPTION(session, impersonate, impersonate, TEXT, "", "", "", RELOAD,
	"The login that Redmine is asked as (X-Redmine-Switch-User). The key or user must be an administrator's.")
SESSION_OPTION(session, proxy, proxy, PROXY("http https socks5 socks5h"), "", "", "", RELOAD,
	"The proxy on the way to Redmine. Empty: that of [upstream]. none: no proxy.")
SESSION_OPTION(session, ca_file, ca_file, PATH(""), "", "", "", RELOAD,
	"File of the certificates (PEM) that may have signed the one of an https Redmine. Empty: as [upstream] says.")
SESSION_OPTION(session, client_certificate, client_certificate, PATH(""), "", "", "", RELOAD,
	"File of the certificate (PEM) that is shown to an https Redmine.")
SESSION_OPTION(session, client_key, client_key, PATH(""), "", "", "", RELOAD,
	"File of that certificate's key (PEM). Empty: it is in the file of the certificate.")
SESSION_OPTION(session, verify, verify, CHOICE("upstream yes no"), "upstream", "", "", RELOAD,
	"Whether the certificate of an https Redmine is verified. upstream: as upstream.verify says.")
SESSION_OPTION(session, http_version, http_version, CHOICE("auto 1.1 2"), "auto", "", "", RELOAD,
	"The version of HTTP spoken to an https Redmine, 2 where it is offered. auto: as the engine does.")
SESSION_OPTION(session, connect_timeout, connect_timeout_ms, SPAN, "0", "0", "5m", RELOAD,
	"How long making a connection to Redmine may take. 0: as upstream.connect_timeout says.")
SESSION_OPTION(session, timeout, timeout_ms, SPAN, "0", "0", "1h", RELOAD,
	"How long Redmine may take until its answer begins, and how long an answer may stand still. 0: as "
	"upstream.timeout says.")
SESSION_OPTION(session, workers, workers, COUNT, "auto", "1", "1000", RELOAD,
	"How many questions one request may have asked at a time, where it does not say Redmine-Cached-Workers.")
SESSION_OPTION(session, engine, engine, TEXT, "", "", "", RELOAD,
	"The engine that asks Redmine, where a request does not say Redmine-Cached-Engine. Empty: engine.default.")
SESSION_OPTION(session, listeners, listeners, LISTENERS, "", "", "", RELOAD,
	"Who may use this session: clients that connect to these values of listen.address. Of listeners, uids with gids, "
	"and token_file at least one must be given, and all that are given must hold.")
SESSION_OPTION(session, uids, uids, ACCOUNTS, "", "", "", RELOAD,
	"Who may use this session: processes of these users that connect to a Unix socket.")
SESSION_OPTION(session, gids, gids, ACCOUNTS, "", "", "", RELOAD,
	"Who may use this session: processes of these groups, as their main one, that connect to a Unix socket. With uids "
	"either will do.")
SESSION_OPTION(session, token_file, token_file, SECRET, "", "", "", RELOAD,
	"Who may use this session: clients that send what this file holds as Redmine-Cached-Token. Read as key_file is.")

SECTION(errands, "", "Requests that are answered 202 at once and done without their client (Prefer: respond-async).")

OPTION(errands, queue, errands.queue, NUMBER, "256", "1", "100000", RELOAD,
	"How many may wait or be under way. Further ones are answered 503.")
OPTION(errands, body_limit, errands.body_limit, SIZE, "8M", "1K", "1G", RELOAD,
	"The largest body of such a request, and of its outcome. A request whose body is larger, or does not say how "
	"large it is, is done with its client, as if it had not preferred otherwise.")
OPTION(errands, memory, errands.memory, SIZE, "64M", "64K", "64G", RELOAD,
	"Bytes of what waits and of the outcomes that are kept. The oldest outcomes make room.")
OPTION(errands, keep, errands.keep_ms, SPAN, "10m", "1s", "1d", RELOAD,
	"How long the outcome is told, from the end of the request.")
OPTION(errands, outcomes, errands.outcomes, NUMBER, "1000", "1", "1000000", RELOAD,
	"How many outcomes are kept.")

SECTION(cache, "", "What is kept.")

OPTION(cache, path, cache.path, PATH("auto"), "auto", "", "", START,
	"The file that keeps answers over a restart. Empty: they are kept in memory only. auto: cache.db in the folder "
	"CACHE_DIRECTORY of the environment (as systemd sets it), else in /var/cache/redmine-cached for root and in "
	"redmine-cached of XDG_CACHE_HOME or ~/.cache for anyone else.")
OPTION(cache, memory, cache.memory, SIZE, "64M", "64K", "1T", RELOAD,
	"Bytes of answers held in memory.")
OPTION(cache, size, cache.size, SIZE, "1G", "1M", "16T", RELOAD,
	"Bytes that the file may have.")
OPTION(cache, object_limit, cache.object_limit, SIZE, "8M", "1K", "1G", RELOAD,
	"The largest body that is kept; larger ones pass through.")
OPTION(cache, policy, cache.policy, CHOICE("redmine origin"), "redmine", "", "", RELOAD,
	"Who says how long an answer is fresh. redmine: the lifetimes below, for what is known of Redmine. origin: the "
	"answers themselves by Cache-Control and Expires (RFC 9111); Redmine's own forbid to keep nearly all of them.")
OPTION(cache, credential_check, cache.credential_check_ms, SPAN, "60s", "0", "1d", RELOAD,
	"How long a stored answer is served before Redmine is asked whether the key or password that it was made for is still "
	"good: one small question for each credential in use, at most this often. When Redmine says something else of it than "
	"before, all that is stored for it is dropped. 0: it is never asked.")
OPTION(cache, stale_while_revalidate, cache.stale_while_revalidate_ms, SPAN, "0", "0", "365d", RELOAD,
	"How long past its lifetime an answer is still served at once, while Redmine is asked for a new one in the "
	"background. What a write through the daemon may have changed is never served so. An answer's own "
	"stale-while-revalidate counts instead where RFC 9111 rules.")
OPTION(cache, stale_if_error, cache.stale_if_error_ms, SPAN, "1d", "0", "365d", RELOAD,
	"How long past its lifetime an answer is served when Redmine cannot be reached, does not answer in time, or "
	"answers 500, 502, 503 or 504. Age and Cache-Status say how old it is. 0: the error is passed on. An answer's "
	"own stale-if-error counts instead where RFC 9111 rules.")
OPTION(cache, slow, cache.slow_ms, SPAN, "10s", "0", "1h", RELOAD,
	"How long Redmine may take before an answer that stale_if_error still allows is served instead; Redmine is "
	"then asked again in the background, with all the time of upstream.timeout. 0: it may take that from the start.")

SECTION(collections, "", "Lists that are read as a whole.")

OPTION(collections, workers, collections.workers, NUMBER, "8", "1", "1000", RELOAD,
	"How many pages of one list are asked for side by side, for a client that wants it whole (limit=all) and does not say "
	"Redmine-Cached-Workers.")

OPTION(collections, read_ahead, collections.read_ahead, NUMBER, "16", "0", "64", RELOAD,
	"How many pages are fetched, at most, before a client asks for them that reads a list page after page. 0: none.")

OPTION(collections, batch_limit, collections.batch_limit, NUMBER, "100", "1", "10000", RELOAD,
	"How many reads one POST /-/batch may hold.")
OPTION(collections, batch_memory, collections.batch_memory, SIZE, "256M", "64K", "1T", RELOAD,
	"Bytes of answers that all batches together may hold until their clients take them; a read under way counts with "
	"cache.object_limit. Near it a batch asks for one read at a time, at it further ones are refused with 503.")

SECTION(warm, "", "What is read again and again before anyone asks, so that whoever asks finds it in the cache.")

OPTION(warm, read, warm.reads, READS, "", "", "", RELOAD,
	"A named session and a path to read with it, as dashboard /issues.json?limit=all. May be given several times. Clients that "
	"use that session, or its key, are served from what came.")
OPTION(warm, interval, warm.interval_ms, SPAN, "20s", "1s", "1d", RELOAD,
	"How often each is looked at. It is asked for when what is stored would not last one and a half times as long; with a "
	"lifetime shorter than that, each time. After a change that the daemon knows of, what it has spoilt is asked for at once.")
OPTION(warm, at, warm.times, TIMES, "", "", "", RELOAD,
	"When, in local time: a span in which it is kept so, as 06:30-19:00 or mon-fri 06:30-19:00 or sat,sun 22:00-02:00, or a "
	"moment at which all is asked for once, as mon-fri 06:30. May be given several times. Empty: round the clock.")
OPTION(warm, budget, warm.budget, NUMBER, "60", "1", "6000", RELOAD,
	"How many of these reads may ask Redmine in a minute; a list that is read whole counts once.")

SECTION(lifetime, "", "How long answers are fresh, by resource.")

LIFETIME_OPTION(lifetime, RESOURCE, lifetime_ms, SPAN, "", "0", "365d", RELOAD,
	"How long an answer of that resource is served without asking Redmine again, as issues = 30s. 0: it is not kept. "
	"The resources: issues, issue, relations, relation, time_entries, time_entry, projects, project, memberships, "
	"membership, versions, version, issue_categories, issue_category, files, news, news_item, wiki_index, wiki_page, "
	"current_user, users, user, my_account, groups, group, issue_statuses, trackers, enumerations, custom_fields, roles, "
	"role, queries, search, attachment, download, thumbnail, feeds.")

SECTION(watch, "", "How changes are noticed that were made elsewhere, in Redmine's own pages.")

OPTION(watch, session, watch.session, TEXT, "", "", "", RELOAD,
	"The session by whose eyes: the name of a [session \"NAME\"] with a credential, best that of an administrator; it need not say who "
	"may use it, then nobody else may. Empty: "
	"nothing is watched, and what is changed elsewhere shows when an answer's lifetime is over.")
OPTION(watch, interval, watch.interval_ms, SPAN, "10s", "100ms", "1h", RELOAD,
	"How often each of these is asked for: the issues changed last, the newest time entries, the projects, and "
	"lists of versions that clients read. What no stored answer depends on is not asked for.")

SECTION(webhook, "", "Where Redmine 7 and later may say at once what was changed in it.")

OPTION(webhook, address, webhook.address, TEXT, "", "", "", START,
	"Where its webhooks are taken in: an address that Redmine can reach, as 192.0.2.7:7337; it refuses to call loopback "
	"addresses. Any URL there is good for a webhook. Empty: nowhere.")
OPTION(webhook, secret_file, webhook.secret_file, SECRET, "", "", "", START,
	"File of the secret that was given to Redmine with the webhook, one line, read as the key_file of a session. Only deliveries "
	"that are signed with it are believed.")

SECTION(events, "", "What dashboards are told of changes: GET /-/events.")

OPTION(events, clients, events.clients, NUMBER, "64", "0", "100000", RELOAD,
	"How many may listen at a time; further ones are answered 503. 0: none, there are no events.")
OPTION(events, heartbeat, events.heartbeat_ms, SPAN, "15s", "1s", "1h", RELOAD,
	"After how long without an event a listener is sent an empty comment, so that he and what lies between see that the "
	"connection lives.")

SECTION(control, "", "The socket by which redmine-cachectl gives orders. Who may open it may see and purge what is stored.")

OPTION(control, socket, control.socket, PATH("auto"), "auto", "", "", START,
	"The socket's file. Empty: none. auto: control.sock in the folder RUNTIME_DIRECTORY of the environment (as systemd "
	"sets it), else in redmine-cached of XDG_RUNTIME_DIR, else none.")
OPTION(control, mode, control.mode, CHOICE("0600 0660 0666"), "0600", "", "", START,
	"Who may open it: the daemon's user (and root), its group as well, everybody.")

SECTION(log, "", "What is written to standard error.")

OPTION(log, level, log.level, CHOICE("error warn info debug"), "info", "", "", RELOAD,
	"The least important lines that are written. info has one line a request.")
OPTION(log, format, log.format, CHOICE("text json"), "text", "", "", RELOAD,
	"Lines for people or one JSON object a line.")

/* clang-format on */
#undef SECTION
#undef OPTION
#undef ENGINE_OPTION
#undef SESSION_OPTION
#undef LIFETIME_OPTION
