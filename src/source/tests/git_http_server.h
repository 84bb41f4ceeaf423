/* source/tests/git_http_server.h: a git server over HTTP for tests: `git http-backend` behind a
 * small CGI front that asks for a user and password when told to, and can answer any status
 * instead. One process, one connection at a time. */
#ifndef SOURCE_TESTS_GIT_HTTP_SERVER_H
#define SOURCE_TESTS_GIT_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct git_http_server {
    pid_t pid;
    int port;
};

struct git_http_request {
    char head[16384], method[16], path[1024], query[512];
    char *body;
    size_t body_len;
};

/* The value of a header line, "" when there is none. */
static inline const char *git_http_header(const struct git_http_request *r, const char *name)
{
    static char text[1024];
    text[0] = 0;
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':')
            sscanf(line + 3 + strlen(name), " %1000[^\r]", text);
    return text;
}

static inline int git_http_read(int c, struct git_http_request *r)
{
    size_t len = 0;
    ssize_t n;
    char *end = NULL;
    while (!end && len < sizeof(r->head) - 1 &&
           (n = read(c, r->head + len, sizeof(r->head) - 1 - len)) > 0) {
        len += (size_t)n;
        r->head[len] = 0;
        end = strstr(r->head, "\r\n\r\n");
    }
    if (!end || sscanf(r->head, "%15s %1000[^? ]?%500s", r->method, r->path, r->query) < 2)
        return -1;
    if (strncmp(r->query, "HTTP/", 5) == 0)
        r->query[0] = 0;
    size_t have = len - (size_t)(end + 4 - r->head),
           want = (size_t)strtoul(git_http_header(r, "Content-Length"), NULL, 10);
    r->body = malloc(want + 1);
    memcpy(r->body, end + 4, have);
    while (have < want && (n = read(c, r->body + have, want - have)) > 0)
        have += (size_t)n;
    r->body_len = have;
    end[2] = 0;
    return 0;
}

static inline void git_http_say(int c, const char *text)
{
    if (write(c, text, strlen(text)) < 0)
        _exit(1);
}

static inline void git_http_backend(int c, const struct git_http_request *r, const char *root)
{
    FILE *body = tmpfile();
    fwrite(r->body, 1, r->body_len, body);
    rewind(body);
    char number[32];
    snprintf(number, sizeof(number), "%zu", r->body_len);
    setenv("GIT_PROJECT_ROOT", root, 1);
    setenv("GIT_HTTP_EXPORT_ALL", "1", 1);
    setenv("HOME", "/nonexistent", 1);
    setenv("GIT_CONFIG_COUNT", "1", 1);
    setenv("GIT_CONFIG_KEY_0", "safe.directory", 1);
    setenv("GIT_CONFIG_VALUE_0", "*", 1);
    setenv("PATH_INFO", r->path, 1);
    setenv("QUERY_STRING", r->query, 1);
    setenv("REQUEST_METHOD", r->method, 1);
    setenv("CONTENT_LENGTH", number, 1);
    setenv("CONTENT_TYPE", git_http_header(r, "Content-Type"), 1);
    setenv("HTTP_CONTENT_ENCODING", git_http_header(r, "Content-Encoding"), 1);
    setenv("GIT_PROTOCOL", git_http_header(r, "Git-Protocol"), 1);
    git_http_say(c, "HTTP/1.0 200 OK\r\n");
    dup2(fileno(body), 0);
    dup2(c, 1);
    execlp("git", "git", "http-backend", (char *)NULL);
    _exit(127);
}

static inline void git_http_answer(int c, const char *root, const char *authorization)
{
    struct git_http_request r = {0};
    int status = 0;
    if (git_http_read(c, &r))
        return;
    char text[128];
    if (sscanf(r.path, "/status/%d/", &status) == 1)
        snprintf(text, sizeof(text), "HTTP/1.0 %d x\r\nContent-Length: 0\r\n\r\n", status);
    else if (authorization && strcmp(git_http_header(&r, "Authorization"), authorization) != 0)
        snprintf(
            text, sizeof(text),
            "HTTP/1.0 401 x\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
    else
        git_http_backend(c, &r, root);
    git_http_say(c, text);
}

/* Serve the repositories below `root`; `authorization` (may be NULL): the header clients must send.
 */
static inline void git_http_open(struct git_http_server *s, const char *root,
                                 const char *authorization)
{
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    if (bind(l, (struct sockaddr *)&at, sizeof(at)) || listen(l, 16) ||
        getsockname(l, (struct sockaddr *)&at, &len))
        abort();
    s->port = ntohs(at.sin_port);
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int c = accept(l, NULL, NULL);
            if (fork() == 0) {
                signal(SIGCHLD, SIG_DFL);
                git_http_answer(c, root, authorization);
                _exit(0);
            }
            close(c);
        }
    }
    close(l);
}

static inline void git_http_close(struct git_http_server *s)
{
    kill(s->pid, SIGKILL);
    while (waitpid(s->pid, NULL, 0) < 0) {
    }
}

#endif
