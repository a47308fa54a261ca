/* Stands between one process and the files of one directory: notes down what is written, lets it fail, slows it down.

   DISK_DIRECTORY  the directory; what lies deeper, SQLite's shared memory and the lock file are left alone
   DISK_JOURNAL    what was done, in its order: a struct entry, then `length` bytes; not set: nothing is noted
   DISK_ORDERS     a struct orders, which may be changed at any time */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 65536

struct orders {
    int64_t failing_in; /* the so-manieth operation from now fails; 0: none */
    int64_t times;      /* and as many after it as make this number together; -1: all */
    int64_t error;      /* with this errno */
    int64_t failed;     /* so many have failed */
    int64_t delay_us;   /* each fsync takes so much longer */
    int64_t noted;      /* bytes in the journal */
};

enum kind { CREATED = 1, WRITTEN, TRUNCATED, SYNCED, RENAMED, UNLINKED, DIRECTORY_SYNCED };

struct entry {
    uint32_t kind;
    uint32_t length; /* of what follows: a name, two names with a NUL between them, or what was written */
    uint64_t inode;
    int64_t place; /* where it was written; the new length; the length of the journal when the fsync began */
};

struct file {
    uint64_t inode; /* 0: none of those that are looked at */
    char is_directory, is_database;
};

static struct file files[MOST_FILES];
static volatile struct orders *orders;
static const char *directory;
static int journal = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("DISK_ORDERS");
    int descriptor = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    void *mapped = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    syscall(SYS_close, descriptor);
    if (mapped == MAP_FAILED)
        return;
    orders = mapped;
    directory = getenv("DISK_DIRECTORY");
    path = getenv("DISK_JOURNAL");
    if (path)
        journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The name within the directory; NULL: it is none that is looked at. */
static const char *name_of(const char *path)
{
    size_t length = directory ? strlen(directory) : 0;
    if (!length || strncmp(path, directory, length) || path[length] != '/')
        return NULL;
    const char *name = path + length + 1;
    const char *dash = strrchr(name, '-');
    if (!*name || strchr(name, '/') || !strcmp(name, "csmsd.lock") || (dash && !strcmp(dash, "-shm")))
        return NULL;
    return name;
}

static void put(const void *bytes, size_t length)
{
    const char *rest = bytes;
    while (length) {
        long done = syscall(SYS_write, journal, rest, length);
        if (done <= 0)
            abort(); /* a journal with a hole would accuse csmsd of what it has not done */
        rest += done;
        length -= (size_t)done;
    }
}

/* To be called with the mutex held. */
static void note(enum kind kind, uint64_t inode, int64_t place, const void *bytes, size_t length)
{
    if (journal < 0)
        return;
    struct entry entry = {kind, (uint32_t)length, inode, place};
    put(&entry, sizeof entry);
    put(bytes, length);
    orders->noted += (int64_t)(sizeof entry + length);
}

static struct file *looked_at(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST_FILES && files[descriptor].inode ? &files[descriptor] : NULL;
}

/* Whether this operation fails by order; errno is set then. To be called with the mutex held. */
static int fails(const struct file *file)
{
    if (!file->is_database || !orders->failing_in || --orders->failing_in)
        return 0;
    if (orders->times > 0)
        orders->times--;
    if (orders->times)
        orders->failing_in = 1; /* the next one, too */
    orders->failed++;
    errno = (int)orders->error;
    return 1;
}

static int opened(const char *path, int flags, mode_t mode)
{
    const char *name = name_of(path);
    int is_directory = directory && !strcmp(path, directory);
    if (!name && !is_directory)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&mutex);
    int is_new = name && (flags & O_CREAT) && access(path, F_OK);
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    struct stat found;
    if (descriptor >= 0 && descriptor < MOST_FILES && !fstat(descriptor, &found)) {
        struct file file = {found.st_ino, (char)is_directory, (char)(name && !strncmp(name, "csms.db", 7))};
        files[descriptor] = file;
        if (is_new)
            note(CREATED, file.inode, 0, name, strlen(name));
        else if (flags & O_TRUNC)
            note(TRUNCATED, file.inode, 0, NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
    return descriptor;
}

#define OPEN(name)                                                                                                   \
    int name(const char *path, int flags, ...)                                                                       \
    {                                                                                                                \
        va_list more;                                                                                                \
        va_start(more, flags);                                                                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                      \
        va_end(more);                                                                                                \
        return opened(path, flags, mode);                                                                            \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor)
{
    if (descriptor >= 0 && descriptor < MOST_FILES)
        files[descriptor].inode = 0;
    return REAL(close)(descriptor);
}

static ssize_t written(int descriptor, const void *bytes, size_t length, off_t place)
{
    struct file *file = looked_at(descriptor);
    int at_place = place >= 0;
    if (file) {
        pthread_mutex_lock(&mutex);
        if (fails(file)) {
            pthread_mutex_unlock(&mutex);
            return -1;
        }
        int end = fcntl(descriptor, F_GETFL) & O_APPEND;
        note(WRITTEN, file->inode, at_place ? place : lseek(descriptor, 0, end ? SEEK_END : SEEK_CUR), bytes, length);
    }
    long done = at_place ? syscall(SYS_pwrite64, descriptor, bytes, length, place)
                         : syscall(SYS_write, descriptor, bytes, length);
    if (file) {
        if (done != (long)length)
            abort(); /* the disk is really full: the journal is wrong */
        pthread_mutex_unlock(&mutex);
    }
    return done;
}

ssize_t write(int descriptor, const void *bytes, size_t length)
{
    return looked_at(descriptor) ? written(descriptor, bytes, length, -1) : REAL(write)(descriptor, bytes, length);
}

#define PWRITE(name)                                                                                                 \
    ssize_t name(int descriptor, const void *bytes, size_t length, off_t place)                                      \
    {                                                                                                                \
        return written(descriptor, bytes, length, place);                                                            \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

static int truncated(int descriptor, off_t length)
{
    struct file *file = looked_at(descriptor);
    if (!file)
        return (int)syscall(SYS_ftruncate, descriptor, length);
    pthread_mutex_lock(&mutex);
    int failed = fails(file) ? -1 : (int)syscall(SYS_ftruncate, descriptor, length);
    if (!failed)
        note(TRUNCATED, file->inode, length, NULL, 0);
    pthread_mutex_unlock(&mutex);
    return failed;
}

#define TRUNCATE(name)                                                                                               \
    int name(int descriptor, off_t length)                                                                           \
    {                                                                                                                \
        return truncated(descriptor, length);                                                                        \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

static int synced(int descriptor, long call)
{
    struct file *file = looked_at(descriptor);
    if (!file)
        return (int)syscall(call, descriptor);
    pthread_mutex_lock(&mutex);
    int64_t covered = orders->noted, delay = orders->delay_us;
    int failed = fails(file);
    pthread_mutex_unlock(&mutex);
    if (delay) {
        struct timespec rest = {delay / 1000000, delay % 1000000 * 1000};
        nanosleep(&rest, NULL);
    }
    if (failed || syscall(call, descriptor)) {
        if (failed)
            errno = (int)orders->error;
        return -1;
    }
    pthread_mutex_lock(&mutex);
    note(file->is_directory ? DIRECTORY_SYNCED : SYNCED, file->inode, covered, NULL, 0);
    pthread_mutex_unlock(&mutex);
    return 0;
}

int fsync(int descriptor)
{
    return synced(descriptor, SYS_fsync);
}

int fdatasync(int descriptor)
{
    return synced(descriptor, SYS_fdatasync);
}

int rename(const char *old, const char *new)
{
    const char *from = name_of(old), *to = name_of(new);
    if (!from || !to)
        return (int)syscall(SYS_rename, old, new);
    char names[512];
    size_t length = strlen(from), both = length + 1 + strlen(to);
    if (both > sizeof names)
        abort();
    memcpy(names, from, length + 1);
    memcpy(names + length + 1, to, strlen(to));
    pthread_mutex_lock(&mutex);
    int failed = (int)syscall(SYS_rename, old, new);
    if (!failed)
        note(RENAMED, 0, 0, names, both);
    pthread_mutex_unlock(&mutex);
    return failed;
}

int unlink(const char *path)
{
    const char *name = name_of(path);
    if (!name)
        return (int)syscall(SYS_unlink, path);
    pthread_mutex_lock(&mutex);
    int failed = (int)syscall(SYS_unlink, path);
    if (!failed)
        note(UNLINKED, 0, 0, name, strlen(name));
    pthread_mutex_unlock(&mutex);
    return failed;
}
