/* microkube/request_fuzz.c: requests on a fresh server, one a line: METHOD, target, content type
 * and body separated by blanks. No crash; every answer has a status and a JSON body (or plain
 * text). */
#include "microkube/microkube.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUESTS_MAX 20

static usec fixed_now(void *arg) { return (usec)1700000000 * USEC_PER_SEC; }
static uint64_t counter(void *arg) { return ++*(uint64_t *)arg * 0x9e3779b97f4a7c15u; }

static void ask(struct microkube *mk, str line)
{
    str method, rest = line, target, type, body;
    struct arena a;
    struct mk_response res;
    value v;
    str_cut(rest, ' ', &method, &rest);
    str_cut(rest, ' ', &target, &rest);
    str_cut(rest, ' ', &type, &body);
    struct mk_request req = {.method = method_parse(method),
                             .target = target,
                             .content_type = type,
                             .body = body,
                             .user_agent = STR("fuzz/1"),
                             .accept = STR("application/json")};
    if (mk_request_is_watch(&req))
        return;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    microkube_request(mk, &req, &a, &res);
    if (res.status < 200 || res.status > 599 ||
        (str_has(res.content_type, STR("json")) && json_parse(res.body, NULL, &a, &v, NULL) < 0))
        abort();
    microkube_settle(mk);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t seed = 1;
    struct microkube *mk;
    struct err err;
    struct microkube_config config = {.now = fixed_now,
                                      .random = counter,
                                      .arg = &seed,
                                      .history_events = 64};
    str rest = str_mem(data, size), line;
    if (microkube_open(&config, &mk, &err) < 0)
        abort();
    for (int i = 0; i < REQUESTS_MAX && rest.len && str_next(&rest, '\n', &line); i++)
        ask(mk, line);
    microkube_close(mk);
    return 0;
}
