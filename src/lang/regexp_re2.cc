// The only C++ of this room: RE2 behind the C functions of regexp.h.
#include "lang/regexp.h"

#include <re2/re2.h>

#include <cstring>
#include <vector>

void *regexp_new(const char *at, size_t len, int *ret_code, char *ret_arg, size_t *io_arg_len)
{
    RE2::Options options;
    options.set_log_errors(false);
    RE2 *re = new RE2(re2::StringPiece(at, len), options);
    if (re->ok())
        return re;
    *ret_code = re->error_code();
    const std::string &arg = re->error_arg();
    *io_arg_len = arg.size() < *io_arg_len ? arg.size() : *io_arg_len;
    memcpy(ret_arg, arg.data(), *io_arg_len);
    delete re;
    return nullptr;
}

void regexp_free(void *program) { delete static_cast<RE2 *>(program); }

size_t regexp_groups(const void *program)
{
    return static_cast<size_t>(static_cast<const RE2 *>(program)->NumberOfCapturingGroups());
}

int regexp_named(const void *program, const char *name, size_t len)
{
    const auto &names = static_cast<const RE2 *>(program)->NamedCapturingGroups();
    auto found = names.find(std::string(name, len));
    return found == names.end() ? -1 : found->second;
}

bool regexp_match(const void *program, const char *at, size_t len, size_t from,
                  ptrdiff_t *ret_group, size_t n)
{
    std::vector<re2::StringPiece> group(n);
    if (!static_cast<const RE2 *>(program)->Match(re2::StringPiece(at, len), from, len,
                                                  RE2::UNANCHORED, group.data(),
                                                  static_cast<int>(n)))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool took_part = group[i].data() != nullptr;
        ret_group[2 * i] = took_part ? group[i].data() - at : -1;
        ret_group[2 * i + 1] =
            took_part ? group[i].data() - at + static_cast<ptrdiff_t>(group[i].size()) : -1;
    }
    return true;
}
