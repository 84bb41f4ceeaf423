/* lang/template/func/rows.h: the C functions behind the table in table.c. Private to the room.
 */
#ifndef LANG_TEMPLATE_FUNC_ROWS_H
#define LANG_TEMPLATE_FUNC_ROWS_H

#include "lang/template_func.h"

/* go.c, compare.c */
template_fn func_and_or, func_not, func_call, func_len, func_index, func_go_slice, func_print,
    func_println, func_printf, func_html, func_js, func_urlquery, func_eq, func_ne, func_lt,
    func_le, func_gt, func_ge;

/* helm.c */
template_fn func_include, func_tpl, func_required, func_fail, func_sprig_fail, func_lookup,
    func_no_host;

/* type.c */
template_fn func_default, func_empty, func_coalesce, func_all, func_any, func_ternary, func_type_of,
    func_type_is, func_type_is_like, func_kind_of, func_kind_is, func_deep_equal;

/* string.c */
template_fn func_hello, func_trim, func_trim_all, func_trim_prefix, func_trim_suffix, func_upper,
    func_lower, func_contains, func_has_prefix, func_has_suffix, func_quote, func_squote, func_cat,
    func_indent, func_nindent, func_replace, func_plural, func_repeat, func_substr, func_trunc,
    func_abbrev, func_abbrevboth, func_to_string, func_to_strings, func_join, func_split,
    func_splitn, func_split_list, func_sort_alpha;

/* case.c */
template_fn func_title, func_untitle, func_swapcase, func_initials, func_nospace, func_wrap,
    func_wrap_with, func_snakecase, func_kebabcase, func_camelcase;

/* number.c */
template_fn func_int, func_int64, func_float64, func_to_decimal, func_atoi, func_add, func_add1,
    func_sub, func_mul, func_div, func_mod, func_max, func_min, func_maxf, func_minf, func_ceil,
    func_floor, func_round, func_until, func_until_step, func_seq;

/* decimal.c */
template_fn func_addf, func_add1f, func_subf, func_mulf, func_divf;

/* list.c */
template_fn func_list, func_push, func_prepend, func_first, func_last, func_rest, func_initial,
    func_reverse, func_uniq, func_compact, func_without, func_has, func_slice, func_chunk,
    func_concat;

/* dict.c */
template_fn func_dict, func_get, func_set, func_unset, func_has_key, func_pluck, func_keys,
    func_values, func_pick, func_omit, func_dig, func_deep_copy, func_merge, func_merge_overwrite;

/* encode.c */
template_fn func_b64enc, func_b64dec, func_b32enc, func_b32dec, func_to_json, func_must_to_json,
    func_to_pretty_json, func_must_to_pretty_json, func_to_raw_json, func_must_to_raw_json,
    func_sprig_from_json, func_must_from_json, func_from_json, func_from_json_array, func_to_yaml,
    func_must_to_yaml, func_from_yaml, func_from_yaml_array;

/* date.c */
template_fn func_now, func_date, func_date_in_zone, func_html_date, func_html_date_in_zone,
    func_date_modify, func_must_date_modify, func_duration, func_duration_round, func_ago,
    func_to_date, func_must_to_date, func_unix_epoch;

/* regex.c */
template_fn func_regex_match, func_must_regex_match, func_regex_find, func_must_regex_find,
    func_regex_find_all, func_must_regex_find_all, func_regex_replace_all,
    func_must_regex_replace_all, func_regex_replace_all_literal,
    func_must_regex_replace_all_literal, func_regex_split, func_must_regex_split,
    func_regex_quote_meta;

/* path.c */
template_fn func_base, func_dir, func_clean, func_ext, func_is_abs, func_url_parse, func_url_join;

/* semver.c */
template_fn func_semver, func_semver_compare;

/* crypto.c */
template_fn func_sha1sum, func_sha256sum, func_sha512sum, func_adler32sum, func_bcrypt,
    func_htpasswd, func_derive_password, func_encrypt_aes, func_decrypt_aes;

/* random.c */
template_fn func_rand_bytes, func_rand_alpha_num, func_rand_alpha, func_rand_numeric,
    func_rand_ascii, func_rand_int, func_shuffle, func_uuidv4;

/* cert.c; the forms with a key take it last */
template_fn func_gen_private_key, func_gen_ca, func_gen_self_signed_cert, func_gen_signed_cert,
    func_build_custom_cert;

/* yaml_pretty.c */
template_fn func_to_yaml_pretty;

/* toml.c */
template_fn func_to_toml, func_must_to_toml, func_from_toml;

/* Before vec_push in a loop that input decides: the run's memory bound holds for its growth. */
#define func_room_to_push(c, v)                                                                    \
    ((v)->n < (v)->cap ? 0 : template_room((c), ((v)->cap + 8) * 2 * sizeof(*(v)->at)))

/* strval of Sprig: a string as it is, bytes, an error's or Stringer's text, else %v. */
str func_strval(struct template_call *c, tval v);
/* toStrings: a list's elements by strval without nils; another value: one text; nil: none. */
const str *func_strings(struct template_call *c, tval v, size_t *ret_n);
/* Sprig's empty. */
bool func_is_empty(tval v);

#endif
