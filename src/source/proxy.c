/* proxy.c: which proxy a URL goes through, as golang.org/x/net/http/httpproxy decides it. */
#include <arpa/inet.h>
#include <string.h>

#include "source/web.h"

struct address {
    uint8_t byte[16];
    size_t len; /* 4, 16; 0: it is a name */
};

static struct address address_of(str host)
{
    char z[INET6_ADDRSTRLEN + 1];
    struct address a = {0};
    if (!host.len || host.len >= sizeof(z))
        return a;
    memcpy(z, host.at, host.len);
    z[host.len] = 0;
    if (inet_pton(AF_INET, z, a.byte) == 1)
        a.len = 4;
    else if (inet_pton(AF_INET6, z, a.byte) == 1)
        a.len = 16;
    return a;
}

static bool is_loopback(const struct address *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return (a->len == 4 && a->byte[0] == 127) || (a->len == 16 && !memcmp(a->byte, one, 16));
}

static bool in_network(const struct address *a, str network)
{
    str base, bits_text;
    uint64_t bits;
    if (!str_cut(network, '/', &base, &bits_text) || !str_to_u64(bits_text, &bits))
        return false;
    struct address b = address_of(base);
    if (!a->len || a->len != b.len || bits > 8 * a->len)
        return false;
    for (size_t i = 0; i < bits; i++)
        if ((a->byte[i / 8] ^ b.byte[i / 8]) & (0x80 >> (i % 8)))
            return false;
    return true;
}

/* "example.com" and "*.example.com" below, ".example.com" only below. */
static bool in_domain(str host, str domain)
{
    if (str_starts(domain, STR("*.")))
        domain = str_from(domain, 1);
    bool itself = !str_starts(domain, STR("."));
    str name = itself ? domain : str_from(domain, 1);
    if (itself && str_ieq(host, name))
        return true;
    return host.len > name.len + 1 && host.at[host.len - name.len - 1] == '.' &&
           str_ieq(str_from(host, host.len - name.len), name);
}

static bool entry_matches(const struct url *u, str host, const struct address *a, str entry)
{
    str name = entry, port = STR("");
    if (str_is(entry, "*"))
        return true;
    if (str_find_char(entry, '/') >= 0)
        return in_network(a, entry);
    struct address plain = address_of(entry);
    if (!plain.len && str_rcut(entry, ':', &name, &port) && port.len) {
        if (!str_eq(port, url_port(u)))
            return false;
        if (str_starts(name, STR("[")) && str_ends(name, STR("]")))
            name = str_sub(name, 1, name.len - 2);
        plain = address_of(name);
    } else {
        name = entry;
    }
    if (plain.len)
        return plain.len == a->len && !memcmp(plain.byte, a->byte, a->len);
    return name.len && in_domain(host, name);
}

str web_proxy_for(struct arena *a, const struct url *u, str proxy, str no_proxy)
{
    str host = url_hostname(u), entry;
    struct address address = address_of(host);
    if (!proxy.len || str_ieq(host, STR("localhost")) || is_loopback(&address))
        return STR("");
    while (str_next(&no_proxy, ',', &entry)) {
        entry = str_trim(entry);
        if (entry.len && entry_matches(u, host, &address, entry))
            return STR("");
    }
    return str_find(proxy, STR("://")) < 0 ? ARENA_CAT(a, STR("http://"), proxy) : proxy;
}
