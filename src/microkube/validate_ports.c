/* microkube/validate_ports.c: ports of Services and of containers.
 *
 * Source: kubernetes pkg/apis/core/validation (validateServicePort, validateContainerPorts),
 * apimachinery util/validation (IsValidPortNum, IsValidPortName). */
#include <inttypes.h>

#include "kube/names.h"
#include "microkube/core.h"

#define PORT_MAX 65535
#define PORT_NAME_BYTES_MAX 15
#define NODE_PORT_MIN 30000
#define NODE_PORT_MAX 32767

static void check_number(struct mk_ctx *c, value v, str field, mk_causes *causes)
{
    int64_t n = value_int(v);
    if (n < 1 || n > PORT_MAX)
        mk_cause(c, causes, "FieldValueInvalid", field,
                 "Invalid value: %" PRId64 ": must be between 1 and 65535, inclusive", n);
}

static bool is_one_of_charset(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("-abcdefghijklmnopqrstuvwxyz0123456789", s.at[i]))
            return false;
    return s.len > 0;
}

static bool has_letter(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] >= 'a' && s.at[i] <= 'z')
            return true;
    return false;
}

/* true: it has no fault. */
static bool check_name(struct mk_ctx *c, str name, str field, mk_causes *causes)
{
    const struct {
        bool bad;
        const char *text;
    } rules[] = {
        {name.len > PORT_NAME_BYTES_MAX, "must be no more than 15 characters"},
        {!is_one_of_charset(name),
         "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"},
        {!has_letter(name), "must contain at least one letter (a-z)"},
        {str_has(name, STR("--")), "must not contain consecutive hyphens"},
        {str_starts(name, STR("-")) || str_ends(name, STR("-")),
         "must not begin or end with a hyphen"},
    };
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (!rules[i].bad)
            continue;
        good = false;
        mk_cause(c, causes, "FieldValueInvalid", field, "Invalid value: \"%.*s\": %s",
                 STR_FMT(name), rules[i].text);
    }
    return good;
}

static void check_protocol(struct mk_ctx *c, value port, str path, mk_causes *causes)
{
    str is = value_path_str(port, "protocol");
    if (!str_is(is, "TCP") && !str_is(is, "UDP") && !str_is(is, "SCTP"))
        mk_cause(c, causes, "FieldValueNotSupported", ARENA_CAT(c->a, path, STR(".protocol")),
                 "Unsupported value: \"%.*s\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                 STR_FMT(is));
}

/* Does an earlier entry of the list have the same values of these fields? */
static bool is_repeated(value list, size_t at, const char *field, const char *also)
{
    value v = value_at(list, at);
    for (size_t i = 0; i < at; i++) {
        value w = value_at(list, i);
        if (value_equal(value_path(v, field), value_path(w, field)) &&
            (!also || value_equal(value_path(v, also), value_path(w, also))))
            return true;
    }
    return false;
}

/* ---- Services ---- */

static void check_service_name(struct mk_ctx *c, value list, size_t at, str path, mk_causes *causes)
{
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    str name = value_path_str(value_at(list, at), "name");
    str field = ARENA_CAT(c->a, path, STR(".name"));
    if (!name.len) {
        if (value_len(list) > 1)
            mk_cause(c, causes, "FieldValueRequired", field, "Required value");
    } else if (!kube_is_dns_label(name, ", ", &why)) {
        mk_cause(c, causes, "FieldValueInvalid", field, "Invalid value: \"%.*s\": %.*s",
                 STR_FMT(name), STR_FMT(buf_str(&why)));
    } else if (is_repeated(list, at, "name", NULL)) {
        mk_cause(c, causes, "FieldValueDuplicate", field, "Duplicate value: \"%.*s\"",
                 STR_FMT(name));
    }
}

static void check_node_port(struct mk_ctx *c, value service, value port, str path,
                            mk_causes *causes)
{
    int64_t n = value_int(value_getz(port, "nodePort"));
    str type = value_path_str(service, "spec.type"),
        field = ARENA_CAT(c->a, path, STR(".nodePort"));
    if (!n)
        return;
    if (str_is(type, "ClusterIP"))
        mk_cause(c, causes, "FieldValueForbidden", field,
                 "Forbidden: may not be used when `type` is 'ClusterIP'");
    else if (!c->dry_run && (n < NODE_PORT_MIN || n > NODE_PORT_MAX)) /* allocating finds it */
        mk_cause(c, causes, "FieldValueInvalid", field,
                 "Invalid value: %" PRId64 ": provided port is not in the valid range. The range "
                 "of valid ports is 30000-32767",
                 n);
}

void mk_check_service_ports(struct mk_ctx *c, value service, mk_causes *causes)
{
    value list = value_path(service, "spec.ports");
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str path = arena_printf(c->a, "spec.ports[%zu]", it.i);
        str field = ARENA_CAT(c->a, path, STR(".targetPort"));
        value target = value_getz(it.val, "targetPort");
        check_service_name(c, list, it.i, path, causes);
        check_number(c, value_getz(it.val, "port"), ARENA_CAT(c->a, path, STR(".port")), causes);
        check_protocol(c, it.val, path, causes);
        if (value_is_string(target))
            check_name(c, value_str(target), field, causes);
        else
            check_number(c, target, field, causes);
        check_node_port(c, service, it.val, path, causes);
    }
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (is_repeated(list, it.i, "port", "protocol"))
            mk_cause(c, causes, "FieldValueDuplicate", arena_printf(c->a, "spec.ports[%zu]", it.i),
                     "Duplicate value: {\"Name\":\"\",\"Protocol\":\"%.*s\",\"AppProtocol\":null,"
                     "\"Port\":%" PRId64 ",\"TargetPort\":0,\"NodePort\":0}",
                     STR_FMT(value_path_str(it.val, "protocol")),
                     value_int(value_getz(it.val, "port")));
}

/* ---- containers ---- */

void mk_check_container_ports(struct mk_ctx *c, value container, str path, mk_causes *causes)
{
    value list = value_getz(container, "ports");
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str at = arena_printf(c->a, "%.*s.ports[%zu]", STR_FMT(path), it.i);
        str name = value_path_str(it.val, "name"), field = ARENA_CAT(c->a, at, STR(".name"));
        if (name.len && check_name(c, name, field, causes) && is_repeated(list, it.i, "name", NULL))
            mk_cause(c, causes, "FieldValueDuplicate", field, "Duplicate value: \"%.*s\"",
                     STR_FMT(name));
        field = ARENA_CAT(c->a, at, STR(".containerPort"));
        if (value_int(value_getz(it.val, "containerPort")))
            check_number(c, value_getz(it.val, "containerPort"), field, causes);
        else
            mk_cause(c, causes, "FieldValueRequired", field, "Required value");
        if (value_int(value_getz(it.val, "hostPort")))
            check_number(c, value_getz(it.val, "hostPort"), ARENA_CAT(c->a, at, STR(".hostPort")),
                         causes);
        check_protocol(c, it.val, at, causes);
    }
}
