/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wrong_clock: preloaded into a program, its wall clock is off by as many seconds as the file named in
 * WRONG_CLOCK says at the moment; the monotonic one is not. Nothing here allocates, since it is called
 * before the program's allocator is ready (libfaketime recurses there).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *at);
int gettimeofday(struct timeval *restrict at, void *restrict zone);

/* The file may be replaced at any time. */
static long offset_s(void)
{
	const char *path = getenv("WRONG_CLOCK");
	char text[32] = "";
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *at)
{
	int rc = (int)syscall(SYS_clock_gettime, id, at);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		at->tv_sec += offset_s();
	return rc;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}
