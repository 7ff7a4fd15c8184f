/*
 * Records what Redmine answers to a folder, and serves it later without any
 * Redmine: for demonstrations, and for testing clients.
 *
 *   [engine "demo"]
 *   path = record-replay.so
 *   options = mode=record folder=/srv/demo      ... later: mode=replay
 *
 * Each answer is a file that can be read and edited: FOLDER/WHO/METHOD_TARGET-DIGEST.http holds the request's line,
 * the status line, the fields, an empty line, the body. WHO is "anonymous" or a digest of the credentials, keyed with
 * FOLDER/key; with who=any in the options it is "anyone" for everybody. Credentials are not written: they are left
 * out of targets, and keys in answers ("api_key", ?key=...) are overwritten with zeros. The body of a request is no
 * part of its name: of several writes to one target the last answer counts. It is a template for engines that look
 * at answers as they pass (process_response) or answer by themselves (request).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <redmine-cached/engine.h>

#include "censor.h"

#define TARGET_MAX 16384
#define SLUG_MAX   100
#define FIELDS_MAX 128

struct recorder {
	int replay, anyone;
	char folder[PATH_MAX / 2];
	unsigned char key[32];
	int has_key;      /* from the first session on nobody changes either */
	atomic_uint made; /* temporary files */
};

/* An answer on its way into a file. */
struct recording {
	FILE *file;
	char made[PATH_MAX], final[PATH_MAX];
	struct censor censor;
};

/* FOLDER/WHO, and the name of the job's file in it. 0 or a negative errno. */
static int name_file(struct rc_engine *engine, struct rc_job *job, char *folder, char *path)
{
	struct recorder *r = engine->own;
	const char *target = rc_job_target(engine, job);
	char shown[TARGET_MAX], who[65] = "anyone", digest[65];
	char slug[SLUG_MAX + 1];
	size_t used = 0;
	int known = rc_job_shown_target(engine, job, shown, sizeof(shown));

	if (known < 0)
		return known;
	if (!r->anyone && (known = rc_job_who(engine, job, r->key, who)) < 0)
		return known;
	if (r->anyone)
		target = shown;
	else if (known == 0)
		strcpy(who, "anonymous");
	rc_digest(engine, r->key, target, strlen(target), digest);
	for (const char *at = shown + (*shown == '/'); *at && used < SLUG_MAX; at++)
		slug[used++] = isalnum((unsigned char)*at) || strchr(".-=", *at) ? *at : '_';
	slug[used] = '\0';
	snprintf(folder, PATH_MAX, "%s/%.16s", r->folder, who);
	if (snprintf(path, PATH_MAX, "%s/%s_%s-%.16s.http", folder, rc_job_method(engine, job), slug, digest) >=
	        PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* Recording. */

static void complain(struct rc_engine *engine, const char *path, int code)
{
	char text[PATH_MAX + 100];

	snprintf(text, sizeof(text), "%s: not recorded: %s", *path ? path : "a long target", strerror(code));
	rc_log(engine, RC_WARN, text);
}

static int is_left_out(const struct rc_field *field, const char *method)
{
	static const char *const names[] = {"Set-Cookie", "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(field->name, names[i]) == 0)
			return 1;
	return strcasecmp(field->name, "Content-Length") == 0 && strcmp(method, "HEAD") != 0;
}

static void write_head(struct rc_engine *engine, struct rc_job *job, const struct rc_head *head, FILE *file)
{
	const char *method = rc_job_method(engine, job);
	char shown[TARGET_MAX];

	if (rc_job_shown_target(engine, job, shown, sizeof(shown)) >= 0)
		fprintf(file, "%s %s\n", method, shown);
	fprintf(file, "HTTP/1.1 %u %s\n", head->status, head->reason);
	for (size_t i = 0; i < head->field_count; i++) {
		struct censor censor = {0};

		if (is_left_out(&head->fields[i], method))
			continue;
		fprintf(file, "%s: ", head->fields[i].name);
		for (const char *at = head->fields[i].value; *at; at++)
			censor_put(&censor, *at, file);
		censor_end(&censor, file);
		putc_unlocked('\n', file);
	}
	fputc('\n', file);
}

/* Answers to conditional and partial requests are none to the plain one; what may be cut is not kept. */
static void begin_recording(struct rc_engine *engine, struct rc_job *job, const struct rc_head *head)
{
	struct recorder *r = engine->own;
	struct recording *recording;
	char folder[PATH_MAX];
	int fd = -1, code;

	if (head->status == 304 || head->status == 206 || !head->framed)
		return;
	recording = calloc(1, sizeof(*recording));
	if (!recording)
		return;
	code = -name_file(engine, job, folder, recording->final);
	if (code == 0 && mkdir(folder, 0700) < 0 && errno != EEXIST)
		code = errno;
	if (code == 0) {
		snprintf(recording->made, PATH_MAX, "%s/.new-%ld-%u", r->folder, (long)getpid(), r->made++);
		fd = open(recording->made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || !(recording->file = fdopen(fd, "w")))
			code = errno;
	}
	if (code != 0) {
		if (fd >= 0)
			close(fd);
		complain(engine, recording->final, code);
		free(recording);
		return;
	}
	write_head(engine, job, head, recording->file);
	rc_job_set_own(engine, job, recording);
}

static void record_body(struct recording *recording, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		censor_put(&recording->censor, data[i], recording->file);
}

/* The file appears under its name whole or not at all. */
static void end_recording(struct rc_engine *engine, struct recording *recording, int whole)
{
	int failed;

	censor_end(&recording->censor, recording->file);
	failed = ferror(recording->file);
	if (fclose(recording->file) != 0 || failed) {
		complain(engine, recording->final, errno);
		whole = 0;
	}
	if (whole && rename(recording->made, recording->final) < 0) {
		complain(engine, recording->final, errno);
		whole = 0;
	}
	if (!whole)
		unlink(recording->made);
	free(recording);
}

static int process_response(struct rc_engine *engine, struct rc_job *job, const struct rc_piece *piece)
{
	struct recording *recording = rc_job_own(engine, job);

	if (piece->kind == RC_PIECE_HEAD)
		begin_recording(engine, job, piece->head);
	else if (recording && piece->kind == RC_PIECE_BODY)
		record_body(recording, piece->data, piece->size);
	else if (recording)
		end_recording(engine, recording, piece->outcome == RC_DONE);
	return 0;
}

/* What is recorded is to be read: no content coding. */
static void construct_request(struct rc_engine *engine, struct rc_job *job)
{
	rc_job_set_field(engine, job, "Accept-Encoding", NULL);
}

/* Replaying. */

/* Takes the body of the request, and tells bytes of the answer's; 0, or negative: the job is over. */
static int skip_upload(struct rc_engine *engine, struct rc_job *job)
{
	char room[16384];
	ptrdiff_t n = rc_job_has_body(engine, job);

	while (n > 0 || n == RC_HOLD) {
		if (n == RC_HOLD && rc_job_wait(engine, job) < 0)
			return RC_GONE;
		n = rc_job_upload(engine, job, room, sizeof(room));
	}
	return (int)n;
}

static int tell_body(struct rc_engine *engine, struct rc_job *job, const char *data, size_t size)
{
	int r;

	while ((r = rc_job_body(engine, job, data, size)) == RC_HOLD)
		if (rc_job_wait(engine, job) < 0)
			return RC_GONE;
	return r;
}

static void answer_error(struct rc_engine *engine, struct rc_job *job, unsigned status, const char *text)
{
	struct rc_field fields[] = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
	struct rc_head head = {status, status == 504 ? "Gateway Timeout" : "Bad Gateway", fields, 2, 1};
	int r = rc_job_head(engine, job, &head);

	if (r == 0 && strcmp(rc_job_method(engine, job), "HEAD") != 0)
		r = tell_body(engine, job, text, strlen(text));
	rc_job_done(engine, job, r == 0 ? RC_DONE : RC_CUT, 0, r == 0 ? "" : "not taken");
}

/* One line without its end; NULL: the file's end, or too long. */
static char *read_line(FILE *file, char *room, size_t size)
{
	size_t length;

	if (!fgets(room, (int)size, file))
		return NULL;
	length = strlen(room);
	if (length == 0 || room[length - 1] != '\n')
		return NULL;
	room[--length] = '\0';
	if (length > 0 && room[length - 1] == '\r')
		room[length - 1] = '\0';
	return room;
}

struct recorded {
	struct rc_head head;
	struct rc_field fields[FIELDS_MAX];
	char reason[256];
};

static void forget(struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->head.field_count; i++)
		free((char *)recorded->fields[i].name);
}

/* "Name: value"; 0 or -1. */
static int add_field(struct recorded *recorded, const char *line)
{
	const char *colon = strchr(line, ':');
	size_t size = colon ? (size_t)(colon - line) : 0;
	char *copy = size > 0 && recorded->head.field_count < FIELDS_MAX ? strdup(line) : NULL;

	if (!copy)
		return -1;
	copy[size] = '\0';
	recorded->fields[recorded->head.field_count++] = (struct rc_field){
	        copy, copy + size + 1 + strspn(colon + 1, " \t")};
	return 0;
}

/* 0, or the number of the line that is wrong. */
static int read_head(FILE *file, struct recorded *ret)
{
	char line[65536];
	int number = 2;

	ret->head = (struct rc_head){.reason = ret->reason, .fields = ret->fields, .framed = 1};
	if (!read_line(file, line, sizeof(line)))
		return 1;
	if (!read_line(file, line, sizeof(line)) ||
	        sscanf(line, "HTTP/1.1 %3u %255[^\n]", &ret->head.status, ret->reason) < 1 || ret->head.status < 200)
		return 2;
	while (number++, read_line(file, line, sizeof(line))) {
		if (!*line)
			return 0;
		if (add_field(ret, line) < 0)
			return number;
	}
	return number;
}

/* The file says how long the body is. 0 or -1. */
static int add_length(FILE *file, struct recorded *recorded)
{
	unsigned code = recorded->head.status;
	struct stat status;
	char line[64];

	if (code == 204 || code == 304)
		return 0;
	if (fstat(fileno(file), &status) < 0)
		return -1;
	snprintf(line, sizeof(line), "Content-Length: %lld", (long long)status.st_size - ftell(file));
	return add_field(recorded, line);
}

static void replay_file(struct rc_engine *engine, struct rc_job *job, FILE *file, struct recorded *recorded)
{
	int is_head = strcmp(rc_job_method(engine, job), "HEAD") == 0;
	int r = is_head ? 0 : add_length(file, recorded);
	char room[65536];
	size_t n;

	if (r == 0)
		r = rc_job_head(engine, job, &recorded->head);
	while (r == 0 && !is_head && (n = fread(room, 1, sizeof(room), file)) > 0)
		r = tell_body(engine, job, room, n);
	if (r == 0 && ferror(file))
		r = -EIO;
	rc_job_done(engine, job, r == 0 ? RC_DONE : RC_CUT, 0, r == 0 ? "" : "not told to its end");
}

static void replay(struct rc_engine *engine, struct rc_job *job)
{
	char folder[PATH_MAX], path[PATH_MAX], shown[TARGET_MAX] = "", text[PATH_MAX + TARGET_MAX + 100];
	struct recorded recorded;
	int r = name_file(engine, job, folder, path), line;
	FILE *file = r < 0 ? NULL : fopen(path, "re");

	if (r == 0 && !file)
		r = -errno;
	if (!file) {
		rc_job_shown_target(engine, job, shown, sizeof(shown));
		snprintf(text, sizeof(text), "No recording answers %s %s: %s: %s\n", rc_job_method(engine, job), shown,
		        r == -ENAMETOOLONG ? "its name" : path, strerror(-r));
		answer_error(engine, job, 504, text);
		return;
	}
	line = read_head(file, &recorded);
	if (line > 0) {
		snprintf(text, sizeof(text), "A recording cannot be read: %s:%d\n", path, line);
		answer_error(engine, job, 502, text);
	} else {
		replay_file(engine, job, file, &recorded);
	}
	forget(&recorded);
	fclose(file);
}

static void request(struct rc_engine *engine, struct rc_session *session, struct rc_job *job)
{
	const struct recorder *r = engine->own;

	if (!r->replay)
		rc_session_perform(engine, session, job);
	else if (skip_upload(engine, job) < 0)
		rc_job_done(engine, job, RC_CANCELLED, 0, "no longer wanted");
	else
		replay(engine, job);
}

/* Beginning and ending. */

/* Reads FOLDER/key; makes it when there is none and make is not 0. 0 or a negative errno. */
static int load_key(struct recorder *r, int make)
{
	char path[PATH_MAX];
	int fd, code = 0;

	snprintf(path, sizeof(path), "%s/key", r->folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		if (getrandom(r->key, sizeof(r->key), 0) != sizeof(r->key))
			return -EIO;
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 && write(fd, r->key, sizeof(r->key)) != sizeof(r->key))
			code = -EIO;
	} else if (fd >= 0 && read(fd, r->key, sizeof(r->key)) != sizeof(r->key)) {
		code = -EBADMSG;
	}
	if (fd < 0)
		return -errno;
	close(fd);
	r->has_key = code == 0;
	return code;
}

static int read_options(struct rc_engine *engine, struct recorder *r, char *why, size_t why_size)
{
	char mode[16] = "", who[16] = "each";
	int code = rc_options_known(engine, "mode folder who", why, why_size);

	if (code < 0)
		return code;
	rc_option(engine, "mode", mode, sizeof(mode));
	rc_option(engine, "who", who, sizeof(who));
	r->replay = strcmp(mode, "replay") == 0;
	r->anyone = strcmp(who, "any") == 0;
	if (!r->replay && strcmp(mode, "record") != 0)
		snprintf(why, why_size, "mode is to be record or replay");
	else if (!r->anyone && strcmp(who, "each") != 0)
		snprintf(why, why_size, "who is to be each or any");
	else if (rc_option(engine, "folder", r->folder, sizeof(r->folder)) < 1 || *r->folder != '/')
		snprintf(why, why_size, "folder is to be an absolute path");
	else if (access(r->folder, r->replay ? R_OK | X_OK : R_OK | W_OK | X_OK) < 0)
		snprintf(why, why_size, "folder %s: %s", r->folder, strerror(errno));
	else if (r->replay && (code = load_key(r, 0)) < 0)
		snprintf(why, why_size, "folder %s holds no recordings: key: %s", r->folder, strerror(-code));
	else
		return 0;
	return -EINVAL;
}

static int init(struct rc_engine *engine, char *why, size_t why_size)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int code = r ? read_options(engine, r, why, why_size) : -ENOMEM;

	if (code < 0)
		free(r);
	else
		engine->own = r;
	return code;
}

static void release(struct rc_engine *engine)
{
	free(engine->own);
}

/* The first one, before any job, makes the key, which --check-config is not to do. Later ones may come side by side. */
static struct rc_session *create_session(struct rc_engine *engine, char *why, size_t why_size)
{
	struct recorder *r = engine->own;
	int code = r->has_key ? 0 : load_key(r, 1);

	if (code < 0) {
		snprintf(why, why_size, "%s/key: %s", r->folder, strerror(-code));
		return NULL;
	}
	return rc_session_new(engine, 1, why, why_size);
}

static void process_bulk_request(struct rc_engine *engine, struct rc_job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rc_queue_put(engine, jobs[i]);
}

const struct rc_engine_ops rc_plugin = {
        .abi = RC_ENGINE_ABI,
        .size = sizeof(rc_plugin),
        .create_session = create_session,
        .process_bulk_request = process_bulk_request,
        .init = init,
        .release = release,
        .request = request,
        .construct_request = construct_request,
        .process_response = process_response,
};
