// The only C++ of this folder: RE2 behind three C functions.
#include <re2/re2.h>

#include <cstring>

extern "C" {
void *pattern_new(const char *at, size_t len, int *ret_code, char *ret_arg, size_t *io_arg_len);
void pattern_free(void *program);
bool pattern_search(const void *program, const char *at, size_t len);
}

void *pattern_new(const char *at, size_t len, int *ret_code, char *ret_arg, size_t *io_arg_len)
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

void pattern_free(void *program) { delete static_cast<RE2 *>(program); }

bool pattern_search(const void *program, const char *at, size_t len)
{
    return RE2::PartialMatch(re2::StringPiece(at, len), *static_cast<const RE2 *>(program));
}
