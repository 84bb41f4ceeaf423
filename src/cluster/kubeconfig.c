/* cluster/kubeconfig.c */
#include "cluster/kubeconfig.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/digest.h"
#include "value/json.h"
#include "value/yaml.h"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int read_file(str path, struct arena *a, str *ret, struct err *err)
{
    CLEANUP(close_fd) int fd = open(arena_cstr(a, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "reading '%.*s'", STR_FMT(path));
    CLEANUP(buf_done) struct buf b = {.bytes_max = KUBECONFIG_BYTES_MAX};
    for (;;) {
        if (!buf_reserve(&b, 4096))
            return err_set(err, ERR_TOO_LARGE, "reading '%.*s': larger than %zu bytes",
                           STR_FMT(path), KUBECONFIG_BYTES_MAX);
        ssize_t n = read(fd, b.at + b.len, 4096);
        if (n < 0)
            return err_errno(err, errno, "reading '%.*s'", STR_FMT(path));
        if (n == 0)
            break;
        buf_advance(&b, (size_t)n);
    }
    *ret = arena_str(a, buf_str(&b));
    return 0;
}

static str folder_of(str path)
{
    str head, tail;
    return str_rcut(path, '/', &head, &tail) ? head : STR(".");
}

static str beside(str folder, str path, struct arena *a)
{
    return str_starts(path, STR("/")) ? path : ARENA_CAT(a, folder, STR("/"), path);
}

static value named(value list, str name, const char *inside)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (str_eq(value_path_str(it.val, "name"), name))
            return value_get(it.val, str_of(inside));
    return VALUE_ABSENT;
}

/* A PEM from "<key>-data" (base64) or from the file "<key>" names; "" when there is neither. */
static int pem_of(value entry, const char *key, str folder, struct arena *a, str *ret,
                  struct err *err)
{
    str data = value_str(value_get(entry, arena_printf(a, "%s-data", key)));
    str file = value_str(value_get(entry, str_of(key)));
    if (data.len) {
        if (!base64_parse(a, data, ret))
            return err_set(err, ERR_INVALID, "%s-data is not base64", key);
        return 0;
    }
    return file.len ? read_file(beside(folder, file, a), a, ret, err) : 0;
}

static int cluster_entry(value cluster, str folder, struct arena *a, struct kube_access *ret,
                         struct err *err)
{
    ret->server = value_path_str(cluster, "server");
    if (!ret->server.len)
        return err_set(err, ERR_INVALID, "the cluster has no server");
    ret->http.url = ret->server;
    ret->http.tls.insecure = value_bool(value_getz(cluster, "insecure-skip-tls-verify"));
    ret->http.tls.server_name = value_path_str(cluster, "tls-server-name");
    return pem_of(cluster, "certificate-authority", folder, a, &ret->http.tls.ca_pem, err);
}

static int user_entry(value user, str folder, struct arena *a, struct kube_access *ret,
                      struct err *err)
{
    static const char *const refused[] = {"exec", "auth-provider", "username"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (value_exists(value_get(user, str_of(refused[i]))))
            return err_set(
                err, ERR_UNSUPPORTED,
                "the user's credentials are of kind '%s'; use a client certificate or a token",
                refused[i]);
    int rc = pem_of(user, "client-certificate", folder, a, &ret->http.tls.cert_pem, err);
    if (rc == 0)
        rc = pem_of(user, "client-key", folder, a, &ret->http.tls.key_pem, err);
    if (rc < 0)
        return rc;
    ret->http.bearer_token = value_path_str(user, "token");
    str file = value_path_str(user, "tokenFile");
    if (!ret->http.bearer_token.len && file.len) {
        ret->token_file = beside(folder, file, a);
        rc = read_file(ret->token_file, a, &ret->http.bearer_token, err);
        ret->http.bearer_token = str_trim(ret->http.bearer_token);
    }
    return rc;
}

static int entries(value config, str context, str folder, struct arena *a, struct kube_access *ret,
                   struct err *err)
{
    ret->context = context.len ? context : value_path_str(config, "current-context");
    value c = named(value_getz(config, "contexts"), ret->context, "context");
    if (!value_exists(c))
        return err_set(err, ERR_NOT_FOUND, "there is no context '%.*s'", STR_FMT(ret->context));
    ret->namespace = value_path_str(c, "namespace");
    str cluster_name = value_path_str(c, "cluster"), user_name = value_path_str(c, "user");
    value cluster = named(value_getz(config, "clusters"), cluster_name, "cluster");
    value user = named(value_getz(config, "users"), user_name, "user");
    if (!value_exists(cluster))
        return err_set(err, ERR_NOT_FOUND, "context '%.*s': there is no cluster '%.*s'",
                       STR_FMT(ret->context), STR_FMT(cluster_name));
    int rc = cluster_entry(cluster, folder, a, ret, err);
    if (rc < 0)
        return err_wrap(err, "cluster '%.*s'", STR_FMT(cluster_name));
    rc = user_entry(user, folder, a, ret, err);
    return rc < 0 ? err_wrap(err, "user '%.*s'", STR_FMT(user_name)) : 0;
}

int kubeconfig_read(str path, str context, struct arena *a, struct kube_access *ret,
                    struct err *err)
{
    str text;
    value config;
    int rc = read_file(path, a, &text, err);
    if (rc < 0)
        return rc;
    const struct yaml_input in = {.name = path, .bytes_max = KUBECONFIG_BYTES_MAX};
    *ret = (struct kube_access){0};
    rc = yaml_parse(text, &in, a, &config, err);
    if (rc == 0)
        rc = entries(config, context, folder_of(path), a, ret, err);
    return rc < 0 ? err_wrap(err, "kubeconfig '%.*s'", STR_FMT(path)) : 0;
}

int kubeconfig_in_cluster(str host, str port, struct arena *a, struct kube_access *ret,
                          struct err *err)
{
    if (!host.len || !port.len)
        return err_set(
            err, ERR_NOT_FOUND,
            "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
    bool v6 = str_find_char(host, ':') >= 0;
    *ret = (struct kube_access){.context = STR("in-cluster")};
    ret->server = ARENA_CAT(a, STR("https://"), v6 ? STR("[") : STR(""), host,
                            v6 ? STR("]:") : STR(":"), port);
    ret->http.url = ret->server;
    ret->token_file = STR(SERVICE_ACCOUNT_DIR "/token");
    int rc = read_file(ret->token_file, a, &ret->http.bearer_token, err);
    if (rc == 0)
        rc = read_file(STR(SERVICE_ACCOUNT_DIR "/ca.crt"), a, &ret->http.tls.ca_pem, err);
    if (rc == 0)
        rc = read_file(STR(SERVICE_ACCOUNT_DIR "/namespace"), a, &ret->namespace, err);
    ret->http.bearer_token = str_trim(ret->http.bearer_token);
    ret->namespace = str_trim(ret->namespace);
    return rc;
}

static int base64_field(value config, const char *path, struct arena *a, str *ret, struct err *err)
{
    str text = value_path_str(config, path);
    if (text.len && !base64_parse(a, text, ret))
        return err_set(err, ERR_INVALID, "%s is not base64", path);
    return 0;
}

int kubeconfig_of_secret(str server, value config, struct arena *a, struct kube_access *ret,
                         struct err *err)
{
    static const char *const refused[] = {"username", "awsAuthConfig", "execProviderConfig"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        value v = value_get(config, str_of(refused[i]));
        if (value_exists(v) && !value_is_null(v) && !(value_is_string(v) && value_str(v).len == 0))
            return err_set(
                err, ERR_UNSUPPORTED,
                "cluster '%.*s': %s is not supported; use bearerToken or a client certificate",
                STR_FMT(server), refused[i]);
    }
    *ret = (struct kube_access){.server = server};
    ret->http.url = server;
    ret->http.bearer_token = value_path_str(config, "bearerToken");
    ret->http.tls.insecure = value_bool(value_path(config, "tlsClientConfig.insecure"));
    ret->http.tls.server_name = value_path_str(config, "tlsClientConfig.serverName");
    int rc = base64_field(config, "tlsClientConfig.caData", a, &ret->http.tls.ca_pem, err);
    if (rc == 0)
        rc = base64_field(config, "tlsClientConfig.certData", a, &ret->http.tls.cert_pem, err);
    if (rc == 0)
        rc = base64_field(config, "tlsClientConfig.keyData", a, &ret->http.tls.key_pem, err);
    return rc < 0 ? err_wrap(err, "cluster '%.*s'", STR_FMT(server)) : 0;
}
