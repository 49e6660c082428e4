/* SPDX-License-Identifier: MIT */
/*
 * A main() for fuzz targets where there is no libFuzzer: `target FILE|DIR...` hands the target no bytes
 * at all, and then each file named and each file of each directory named. It prints TAP: one test, for
 * a target does not say no, it only crashes. The line in front of a crash names the file. Less than one input in eight
 * that is taken (taken.h) is a corpus of another format.
 */
#include "taken.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t fuzz_taken;

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void die(const char *what, const char *path)
{
	printf("not ok 1 - %s '%s': %s\n", what, path, strerror(errno));
	exit(1);
}

/* The copy is exactly as long as the file, so that the sanitizer sees a read one byte past its end. */
static size_t feed_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t size, before = fuzz_taken;

	if (!file || fstat(fileno(file), &st) < 0)
		die("cannot open", path);
	size = (size_t)st.st_size;
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size)
		die("cannot read", path);
	fclose(file);
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	/* however often it said so */
	fuzz_taken = before + (fuzz_taken > before);
	return 1;
}

/* In the order of their names, so that every run is the same run. */
static size_t feed_directory(const char *path, DIR *dir)
{
	char **names = NULL;
	size_t count = 0, fed = 0;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		size_t len = strlen(path) + strlen(entry->d_name) + 2;

		if (entry->d_name[0] == '.')
			continue;
		names = realloc(names, (count + 1) * sizeof(*names));
		if (!names || !(names[count] = malloc(len)))
			die("no memory for", path);
		snprintf(names[count++], len, "%s/%s", path, entry->d_name);
	}
	closedir(dir);
	if (count)
		qsort(names, count, sizeof(*names), compare);
	for (size_t i = 0; i < count; i++) {
		fed += feed_file(names[i]);
		free(names[i]);
	}
	free(names);
	return fed;
}

int main(int argc, char **argv)
{
	size_t fed = 0;
	bool good;

	printf("1..1\n# no bytes at all\n");
	fflush(stdout);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	fuzz_taken = 0;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);

		fed += dir ? feed_directory(argv[i], dir) : feed_file(argv[i]);
	}
	good = fed && fuzz_taken * 8 >= fed;
	printf("%s 1 - survives %zu inputs, %zu of them taken\n", good ? "ok" : "not ok", fed, fuzz_taken);
	return !good;
}
