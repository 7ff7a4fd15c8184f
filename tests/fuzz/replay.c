/*
 * Stands in for libFuzzer: gives a fuzz target every file of the folder CORPUS
 * once, so that what was ever found stays found without clang.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	printf("%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

int main(void)
{
	DIR *folder = opendir(CORPUS);
	struct dirent *entry;
	int count = 0;

	if (!folder) {
		perror(CORPUS);
		return EXIT_FAILURE;
	}
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.' && replay(entry->d_name) == 0)
			count++;
	closedir(folder);
	printf("%d inputs\n", count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
