/*
 * The cache file's place on the disk: its folder and mode, who may use it, whether what it holds can be trusted, and
 * setting it aside. Nothing of SQLite.
 *
 * Beside the file PATH lies a small one, PATH-mark. Who has it locked (flock(2)) uses the cache file; a second
 * daemon on the same path is told so. Its one line of fixed length says
 *
 *	redmine-cached 1 TOKEN BOOT open|shut
 *
 * TOKEN  32 hex digits, new at each open and written into the cache file too. Where they differ the cache file is
 *        not the one that was last in use (restored, copied), or somebody overwrote the token with zeros to say
 *        that it missed a change. That is an overwriting in place of a few bytes: it works when the disk is full
 *        and when the cache file itself is locked or damaged.
 * BOOT   the kernel's boot id. "open" with another boot id means that the machine went down with the file in
 *        use, and then the last commits may not have reached the disk (they are not synced one by one).
 *
 * In both cases what the cache file holds is not trusted: a generation that a write raised may be missing in it.
 */
#ifndef CACHE_STORE_FILE_H
#define CACHE_STORE_FILE_H

#include "base/fail.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STORE_TOKEN_SIZE 16

struct store_file {
	char *path;
	int mark_fd;  /* locked; -1: none */
	dev_t device; /* which file it is */
	ino_t inode;
	uint8_t token[STORE_TOKEN_SIZE];
	bool used;   /* the mark was one when it was opened */
	bool intact; /* shut in order, or the machine was not restarted since */
};

/*
 * Makes the folder (its last part only, mode 0700) and an empty file (0600) if missing, locks the mark and reads
 * it. 0; -EBUSY when another process uses the file; -EISDIR and the like when it is no file; the errno of what
 * failed.
 */
int store_file_open(struct store_file *file, const char *path, struct fail *fail);

/* Takes group's and others' rights from the file, once it is known to be ours. 0 or negative errno. */
int store_file_protect(const struct store_file *file, struct fail *fail);

/* Gives the lock back; a zeroed file with mark_fd -1 is fine too. */
void store_file_release(struct store_file *file);

/* True when the mark says that a cache file was in use here before, trusted or not. */
bool store_file_used(const struct store_file *file);

/* True when the cache file that says this token is the one last used, and whole. */
bool store_file_trusts(const struct store_file *file, const uint8_t token[STORE_TOKEN_SIZE]);

/* A fresh token into file->token, written to the mark as open and synced. 0 or negative errno. */
int store_file_begin(struct store_file *file, struct fail *fail);

/* Marks it as shut; to be called when all commits are on the disk. */
void store_file_end(struct store_file *file);

/* See store_ops.distrust. Needs neither the lock nor an open file. A mark that does not exist is as good. */
int store_file_distrust(const char *path, struct fail *fail);

/*
 * Renames the cache file to PATH.WHY-SECONDS (and its journal alike), in place of the one set aside earlier for
 * that reason. The name goes into ret_name. No connection to it may be open. 0 or negative errno.
 */
int store_file_set_aside(
        const struct store_file *file, const char *why, char *ret_name, size_t size, struct fail *fail);

/* Makes the cache file anew, empty, after store_file_set_aside(). 0 or negative errno. */
int store_file_create(const struct store_file *file, struct fail *fail);

/*
 * Notes which file lies there now; and false when another one does, or none: somebody removed or replaced it, and what
 * is written to the one that is open is lost with it.
 */
void store_file_note_place(struct store_file *file);
bool store_file_in_place(const struct store_file *file);

/* Bytes of the cache file and its journal on the disk. */
uint64_t store_file_bytes(const struct store_file *file);

#endif
