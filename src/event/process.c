/* event/process.c: uv_spawn with three pipes. The child is over when it was reaped and its pipes
 * are closed; then one answer. */
#include "event/process.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "event/private.h"

#define READ_BYTES 65536

struct process {
    uv_process_t child;
    uv_pipe_t in, out, err;
    uv_write_t write;
    int n_open; /* handles not yet closed */
    bool exited, killed;
    struct call call;
    char *input;
    size_t out_bytes_max, err_bytes_max;
    struct buf out_buf, err_buf;
    bool err_cut;
    int exit_code, signal;
    struct err failure; /* kind != 0: the answer */
    char scratch[READ_BYTES];
};

struct result_block {
    struct process_result result;
    struct buf out, err;
};

void process_result_free(void *result)
{
    struct result_block *r = result; /* the result is its first member */
    if (!r)
        return;
    buf_done(&r->out);
    buf_done(&r->err);
    free(r);
}

static void process_end(struct process *p)
{
    struct answer a = {0};
    if (p->failure.kind) {
        a.rc = -p->failure.kind;
        a.err = p->failure;
        buf_done(&p->out_buf);
        buf_done(&p->err_buf);
    } else {
        struct result_block *r = calloc(1, sizeof(*r));
        assert(r);
        r->out = p->out_buf;
        r->err = p->err_buf;
        r->result = (struct process_result){.exit_code = p->signal ? 128 + p->signal : p->exit_code,
                                            .signal = p->signal,
                                            .out = buf_str(&r->out),
                                            .err = buf_str(&r->err),
                                            .err_cut = p->err_cut};
        a.result = &r->result;
        a.drop = process_result_free;
    }
    call_on_end(p->call, NULL, NULL);
    call_answer(p->call, &a);
    free(p->input);
    free(p);
}

static void on_closed(uv_handle_t *h)
{
    struct process *p = h->data;
    if (--p->n_open == 0)
        process_end(p);
}

static void close_handle(void *handle)
{
    uv_handle_t *h = handle;
    if (!uv_is_closing(h))
        uv_close(h, on_closed);
}

static void kill_group(struct process *p)
{
    if (p->child.pid > 0 && !p->exited)
        kill(-p->child.pid, SIGKILL);
    p->killed = true;
}

static void on_unwanted(void *arg) { kill_group(arg); }

static void on_exit_child(uv_process_t *child, int64_t exit_status, int term_signal)
{
    struct process *p = child->data;
    /* Whatever the child left running in its group ends with it; otherwise an inherited pipe would
     * keep us waiting. */
    kill(-child->pid, SIGKILL);
    p->exited = true;
    p->exit_code = (int)exit_status;
    p->signal = term_signal;
    close_handle(&p->in);
    close_handle(child);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct process *p = h->data;
    *ret = uv_buf_init(p->scratch, READ_BYTES); /* read callbacks follow their alloc at once: one
                                                   scratch is enough */
}

static void on_out(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct process *p = s->data;
    if (n < 0) {
        close_handle(s);
    } else if (p->out_buf.len + (size_t)n > p->out_bytes_max) {
        if (!p->failure.kind)
            err_set(&p->failure, ERR_TOO_LARGE, "output is larger than %zu bytes",
                    p->out_bytes_max);
        kill_group(p);
    } else {
        buf_add(&p->out_buf, str_mem(b->base, (size_t)n));
    }
}

static void on_err(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct process *p = s->data;
    if (n < 0) {
        close_handle(s);
        return;
    }
    size_t room = p->err_bytes_max - p->err_buf.len;
    if ((size_t)n > room)
        p->err_cut = true;
    buf_add(&p->err_buf, str_mem(b->base, MIN_OF((size_t)n, room)));
}

/* The child may leave its input unread; that is its right, not an error. */
static void on_written(uv_write_t *w, int status) { close_handle(w->handle); }

static const char **environment(const struct process_input *in, char **ret_path)
{
    static const char path[] = "PATH=";
    const char *own = getenv("PATH");
    size_t bytes = sizeof(path) + (own ? strlen(own) : 0);
    *ret_path = malloc(bytes);
    const char **env = calloc(2, sizeof(*env));
    assert(*ret_path && env);
    snprintf(*ret_path, bytes, "%s%s", path, own ? own : "");
    env[0] = *ret_path;
    return env;
}

static int spawn(struct process *p, struct loop *l, const struct process_input *in)
{
    char *path = NULL;
    const char **path_env = in->env ? NULL : environment(in, &path);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&p->in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&p->err},
    };
    uv_process_options_t o = {.exit_cb = on_exit_child,
                              .file = in->argv[0],
                              .args = (char **)(uintptr_t)in->argv,
                              .env = (char **)(uintptr_t)(in->env ? in->env : path_env),
                              .cwd = in->cwd,
                              .flags = UV_PROCESS_DETACHED,
                              .stdio_count = 3,
                              .stdio = stdio};
    int rc = uv_spawn(loop_uv(l), &p->child, &o);
    free(path_env);
    free(path);
    return rc;
}

static struct process *process_new(struct loop *l, const struct process_input *in, struct call c)
{
    struct process *p = calloc(1, sizeof(*p));
    assert(p);
    p->call = c;
    p->out_bytes_max = in->out_bytes_max ? in->out_bytes_max : PROCESS_OUT_BYTES_DEFAULT;
    p->err_bytes_max = in->err_bytes_max ? in->err_bytes_max : PROCESS_ERR_BYTES_DEFAULT;
    buf_init(&p->out_buf, p->out_bytes_max + 1);
    buf_init(&p->err_buf, p->err_bytes_max + 1);
    uv_pipe_init(loop_uv(l), &p->in, 0);
    uv_pipe_init(loop_uv(l), &p->out, 0);
    uv_pipe_init(loop_uv(l), &p->err, 0);
    p->child.data = p->in.data = p->out.data = p->err.data = p;
    p->n_open = 4;
    return p;
}

void process_run(struct loop *l, const struct process_input *in, struct call c)
{
    struct err err;
    if (l->backend != EVENT_UV) {
        err_set(&err, ERR_UNSUPPORTED, "starting '%s': a simulated loop starts no processes",
                in->argv[0]);
        call_answer_err(c, &err);
        return;
    }
    struct process *p = process_new(l, in, c);
    int rc = spawn(p, l, in);
    if (rc != 0) {
        err_errno(&p->failure, -rc, "starting '%s'", in->argv[0]);
        close_handle(
            &p->child); /* uv_spawn initialises the handle first, so it is closed like the others */
        close_handle(&p->in);
        close_handle(&p->out);
        close_handle(&p->err);
        return;
    }
    if (!call_on_end(c, on_unwanted, p))
        kill_group(p);
    uv_read_start((uv_stream_t *)&p->out, on_alloc, on_out);
    uv_read_start((uv_stream_t *)&p->err, on_alloc, on_err);
    if (in->input.len == 0) {
        close_handle(&p->in);
        return;
    }
    p->input = malloc(in->input.len);
    assert(p->input);
    memcpy(p->input, in->input.at, in->input.len);
    uv_buf_t b = uv_buf_init(p->input, (unsigned)in->input.len);
    if (uv_write(&p->write, (uv_stream_t *)&p->in, &b, 1, on_written) != 0)
        close_handle(&p->in);
}
