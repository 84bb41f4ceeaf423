#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "value/yaml.h"

#define FILE_BYTES_MAX (4 << 20)

static bool is_folder(str path, struct arena *a)
{
    struct stat st;
    return !stat(arena_cstr(a, path), &st) && S_ISDIR(st.st_mode);
}

static str config_folder(struct cli *c)
{
    const char *dir = getenv("ARGOCD_CONFIG_DIR"), *home = getenv("HOME"),
               *xdg = getenv("XDG_CONFIG_HOME");
    if (dir && *dir)
        return str_of(dir);
    str legacy = ARENA_CAT(c->arena, str_of(home), STR("/.argocd"));
    if (is_folder(legacy, c->arena))
        return legacy;
    if (xdg && *xdg)
        return ARENA_CAT(c->arena, str_of(xdg), STR("/argocd"));
    return ARENA_CAT(c->arena, str_of(home), STR("/.config/argocd"));
}

str config_path(struct cli *c)
{
    str given = cli_flag(c, "config");
    return given.len ? given : ARENA_CAT(c->arena, config_folder(c), STR("/config"));
}

int config_read(struct cli *c, value *ret, struct err *err)
{
    str path = config_path(c);
    struct stat st;
    *ret = VALUE_ABSENT;
    int fd = open(arena_cstr(c->arena, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %.*s", STR_FMT(path));
    if (fstat(fd, &st) || st.st_size > FILE_BYTES_MAX) {
        close(fd);
        return err_set(err, ERR_INVALID, "%.*s is no configuration", STR_FMT(path));
    }
    unsigned mode = st.st_mode & 0777;
    if (mode != 0600 && mode != 0400) {
        close(fd);
        return err_set(err, ERR_INVALID,
                       "config file has incorrect permission flags:-%s.change the file permission "
                       "either to 0400 or 0600.",
                       mode == 0644 ? "rw-r--r--" : "?");
    }
    char *text = arena_alloc(c->arena, (size_t)st.st_size + 1);
    ssize_t n = read(fd, text, (size_t)st.st_size);
    close(fd);
    if (n < 0)
        return err_errno(err, errno, "read %.*s", STR_FMT(path));
    return yaml_parse(str_mem(text, (size_t)n), NULL, c->arena, ret, err);
}

static void make_folders(struct arena *a, str path)
{
    for (size_t i = 1; i < path.len; i++)
        if (path.at[i] == '/')
            (void)!mkdir(arena_cstr(a, str_sub(path, 0, i)), 0700);
}

int config_write(struct cli *c, value config, struct err *err)
{
    str path = config_path(c);
    char *name = arena_cstr(c->arena, path);
    if (!value_len(value_getz(config, "contexts"))) {
        if (unlink(name) && errno != ENOENT)
            return err_errno(err, errno, "remove %s", name);
        return 0;
    }
    struct buf out = BUF_INIT;
    yaml_print(config, YAML_SIGS, AUDIENCE_WIRE, &out);
    make_folders(c->arena, path);
    char *beside = arena_cstr(c->arena, ARENA_CAT(c->arena, path, STR(".new")));
    int r = 0, fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, out.at, out.len) != (ssize_t)out.len || fchmod(fd, 0600) ||
        rename(beside, name))
        r = err_errno(err, errno, "write %s", name);
    if (fd >= 0)
        close(fd);
    buf_done(&out);
    return r;
}

value config_find(value config, const char *key, const char *field, str text)
{
    for (struct value_iter it = value_iter(value_get(config, str_of(key))); value_next(&it);)
        if (str_eq(value_str(value_get(it.val, str_of(field))), text))
            return it.val;
    return VALUE_ABSENT;
}

value config_edit(struct cli *c, value config, const char *key, const char *field, str text)
{
    value found = config_find(config, key, field, text);
    if (value_exists(found))
        return found;
    value list = value_edit_list(c->arena, config, str_of(key));
    value entry = value_new_map(c->arena);
    value_set_str(c->arena, entry, field, text);
    value_push(c->arena, list, entry);
    return entry;
}

void config_remove(value config, const char *key, const char *field, str text)
{
    value list = value_get(config, str_of(key));
    for (size_t i = value_len(list); i-- > 0;)
        if (str_eq(value_str(value_get(value_at(list, i), str_of(field))), text))
            value_remove_at(list, i);
}

int config_server(struct cli *c, struct config_server *io, struct err *err)
{
    value config;
    int r = config_read(c, &config, err);
    if (r)
        return r;
    str named = cli_flag(c, "argocd-context");
    value context;
    if (named.len) {
        context = config_find(config, "contexts", "name", named);
        if (!value_exists(context))
            return err_set(err, ERR_NOT_FOUND, "Context '%.*s' undefined", STR_FMT(named));
    } else if (io->address.len) {
        context = config_find(config, "contexts", "server", io->address);
    } else {
        context = config_find(config, "contexts", "name",
                              value_str(value_getz(config, "current-context")));
    }
    if (!value_exists(context))
        return 0;
    str server = value_str(value_getz(context, "server"));
    value entry = config_find(config, "servers", "server", server);
    value user = config_find(config, "users", "name", value_str(value_getz(context, "user")));
    if (!io->address.len)
        io->address = server;
    io->plaintext = value_bool(value_getz(entry, "plain-text"));
    io->insecure = value_bool(value_getz(entry, "insecure"));
    io->grpc_web = value_bool(value_getz(entry, "grpc-web"));
    io->token = value_str(value_getz(user, "auth-token"));
    io->user = value_str(value_getz(user, "name"));
    return 0;
}
