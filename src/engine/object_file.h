/*
 * Whether a file can be a shared object for this program, said in words that
 * the dynamic linker does not have: it calls an object for another machine a
 * file that is not there.
 */
#ifndef ENGINE_OBJECT_FILE_H
#define ENGINE_OBJECT_FILE_H

#include "base/fail.h"

/* 0; a negative errno with "PATH: ..." in fail: not to be read, no ELF file, for another machine, no shared object. */
int object_file_check(const char *path, struct fail *fail);

#endif
