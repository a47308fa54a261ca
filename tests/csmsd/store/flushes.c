/* Counts how often a process has the system put a file on the disk; loaded before its libraries. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

static long counted;

long flushes(void) { return counted; }

int fsync(int file)
{
    __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    return (int)syscall(SYS_fdatasync, file);
}
