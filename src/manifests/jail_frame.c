/* jail_frame.c */
#include "manifests/jail_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int frame_send(int socket, str text, int fd, struct err *err)
{
    union {
        struct cmsghdr align;
        char at[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {(void *)(uintptr_t)text.at, text.len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (text.len == 0 || text.len > JAIL_FRAME_MAX)
        return err_set(err, ERR_TOO_LARGE, "jail: message of %zu bytes", text.len);
    if (fd >= 0) {
        m.msg_control = control.at;
        m.msg_controllen = sizeof(control.at);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    ssize_t n;
    do {
        n = sendmsg(socket, &m, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)text.len ? 0 : err_errno(err, n < 0 ? errno : EIO, "jail: sending");
}

/* Every descriptor that came; true when there was at most one and it is in *ret_fd. */
static bool take_fds(struct msghdr *m, int *ret_fd)
{
    size_t n = 0;
    *ret_fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (n++ == 0)
                *ret_fd = fd;
            else
                close(fd);
        }
    }
    if (n <= 1)
        return true;
    close(*ret_fd);
    *ret_fd = -1;
    return false;
}

int frame_receive(int socket, char *at, size_t *ret_len, int *ret_fd, struct err *err)
{
    union {
        struct cmsghdr align;
        char at[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec iov = {at, JAIL_FRAME_MAX};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.at,
                       .msg_controllen = sizeof(control.at)};
    ssize_t n;
    do {
        n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    *ret_fd = -1;
    if (n < 0 && errno == EAGAIN)
        return err_set(err, ERR_BUSY, "jail: nothing to receive");
    if (n < 0 && errno == ECONNRESET)
        n = 0;
    if (n < 0)
        return err_errno(err, errno, "jail: receiving");
    if (!take_fds(&m, ret_fd) || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        if (*ret_fd >= 0)
            close(*ret_fd);
        *ret_fd = -1;
        return err_set(err, ERR_INVALID, "jail: a message that is too large or carries too much");
    }
    *ret_len = (size_t)n;
    return 0;
}

int sealed_file(const char *name, const str *part, size_t n_parts, int *ret_fd, struct err *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_errno(err, errno, "jail: memory file");
    for (size_t i = 0; i < n_parts; i++) {
        str s = part[i];
        while (s.len) {
            ssize_t n = write(fd, s.at, s.len);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0) {
                int e = n < 0 ? errno : EIO;
                close(fd);
                return err_errno(err, e, "jail: memory file");
            }
            s = str_from(s, (size_t)n);
        }
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL)) {
        int e = errno;
        close(fd);
        return err_errno(err, e, "jail: sealing");
    }
    *ret_fd = fd;
    return 0;
}

int sealed_map(int fd, size_t bytes, size_t bytes_max, void **ret, struct err *err)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return err_set(err, ERR_INVALID, "jail: a file that is not sealed");
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size != bytes ||
        bytes == 0 || bytes > bytes_max)
        return err_set(err, ERR_INVALID, "jail: a file of another size than announced");
    void *at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return err_errno(err, errno, "jail: mapping");
    *ret = at;
    return 0;
}
