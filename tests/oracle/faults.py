"""tests/oracle/faults.py: the rules that tools/oracle-check breaks, one at a time. One row each: a name, the part of
tests/oracle whose cases must find it, where, what becomes what. The text to replace occurs exactly once."""

FAULTS = []


def fault(name, part, file, find, replace):
    FAULTS.append({"name": name, "part": part, "file": file, "find": find, "replace": replace})


# --- JSON as Go and Kubernetes read it

fault("invalid UTF-8 is taken as it is", "value", "src/value/json/string.c",
      "        out += utf8_encode(0xfffd, out);", "        *out++ = '?';")
fault("half a surrogate pair is a character", "value", "src/value/json/string.c",
      "    *ret = 0xfffd;\n    return 0;", "    return 0;")
fault("two surrogates stay two characters", "value", "src/value/json/string.c",
      "if (low >= 0xdc00 && low <= 0xdfff) {", "if (low >= 0xdc00 && low < 0xdc00) {")
fault("the last of duplicate keys does not replace the others", "value", "src/value/json/rare.c",
      "        r->duplicates = true;", "        r->duplicates = r->strict;")
fault("strict reading takes duplicate keys", "value", "src/value/json/rare.c",
      "return r->strict ? failed(r, say_duplicate(r, f, at, key)) : true;", "return true;")
fault("integers above int64 are exact", "value", "src/value/json/rare.c",
      "integer && r->source.in->exact_uint64 && str_to_u64(text, &u)", "integer && str_to_u64(text, &u)")
fault("a number may begin with zeroes", "value", "src/value/json/parse.c",
      "bool odd = p == digits || (*digits == '0' && p - digits > 1);", "bool odd = p == digits;")
fault("a number that no double can hold is infinite", "value", "src/value/number.c",
      "    return isfinite(*ret);", "    return isfinite(*ret) || s.len;")

# --- JSON as Go prints it

fault("<, > and & are printed as they are", "value", "src/value/json/print.c",
      "    if (c < 0x20 || html)", "    if (c < 0x20)")
fault("the line separator is printed as it is", "value", "src/value/json/print.c",
      "rune == 0x2028 || rune == 0x2029 ?", "rune == 0x2029 ?")
fault("backspace has no short escape", "value", "src/value/json/print.c",
      "['\\b'] = 'b', ", "")
fault("1e21 is printed without exponent", "value", "src/value/number.c",
      "d < 1e-6 || d >= 1e21", "d < 1e-6 || d >= 1e22")
fault("1e-7 is printed without exponent", "value", "src/value/number.c",
      "d < 1e-6 || d >= 1e21", "d < 1e-7 || d >= 1e21")
fault("negative zero loses its sign", "value", "src/value/number.c",
      "    if (signbit(d)) {", "    if (d < 0) {")
fault("fifteen digits are always enough", "value", "src/value/number.c",
      "if (precision >= 17 || strtod(text, NULL) == d)", "if (precision >= 15 || strtod(text, NULL) == d)")
fault("keys are printed in the order of the text", "value", "src/value/json/print.c",
      "    bool sort = p->flags & JSON_SORT_KEYS;", "    bool sort = p->flags & JSON_NO_HTML;")
fault("an empty map takes two lines", "value", "src/value/json/print.c",
      "    if (n > 0)\n        newline(p);", "    newline(p);")

# --- JSON Patch

fault("a test of a missing key for null fails", "value", "src/value/json_patch.c",
      "(value_is_nil(v) && value_is_nil(want)) || value_identical(v, want)", "value_identical(v, want)")
fault("a move leaves the value where it was", "value", "src/value/json_patch.c",
      "con_get(p, con, key, &v) || con_remove(p, con, key)", "con_get(p, con, key, &v)")
fault("- adds in front of the list", "value", "src/value/json_patch.c",
      "        value_push(p->arena, con, v);", "        value_insert(p->arena, con, 0, v);")
fault("add overwrites the item at its index", "value", "src/value/json_patch.c",
      "        value_insert(p->arena, con, i, v);",
      "        i < value_len(con) ? value_put(p->arena, con, i, v) : value_push(p->arena, con, v);")
fault("a negative index is the first item", "value", "src/value/json_patch.c",
      "i < 0 ? i + (int64_t)slots : i", "i < 0 ? 0 : i")
fault("~0 and ~1 are confused", "value", "src/value/json_patch.c",
      "token.at[++i] == '0' ? '~' : '/'", "token.at[++i] == '1' ? '~' : '/'")
fault("removing a missing key is no error", "value", "src/value/json_patch.c",
      "        if (value_remove(con, key))", "        if (value_remove(con, key) || p)")

# --- JSON Merge Patch

fault("null of a merge patch is a value", "value", "src/value/merge_patch.c",
      "        if (value_is_null(it.val))\n            value_remove(target, it.key);", "        if (!it.i && !target.at)\n            ;")
fault("nulls inside what a merge patch adds are kept", "value", "src/value/merge_patch.c",
      "value_set(a, target, it.key, value_fork(a, pruned(a, it.val)));", "value_set(a, target, it.key, value_fork(a, it.val));")
fault("a merge patch does not remove what is gone", "value", "src/value/merge_patch.c",
      "        if (!value_exists(value_get(to, it.key)))", "        if (!value_exists(value_get(to, it.key)) && !a)")
fault("a three-way merge patch removes what it never applied", "value", "src/value/merge_patch.c",
      "json_merge_patch_create(a, original, modified, &removals, err)", "json_merge_patch_create(a, live, modified, &removals, err)")

# --- strategic merge patch

fault("setElementOrder is not followed", "kube", "src/kube/strategic.c",
      "        rc = in_order(m, merged, order, order_live, r.merge_key, type == VALUE_MAP, &merged);",
      "        value_set(m->s.a, out, field, merged);")
fault("setElementOrder is not made", "kube", "src/kube/strategic_diff.c",
      "    if (o.set_order && ordered)", "    if (o.set_order && ordered && !s)")
fault("retainKeys keeps everything", "kube", "src/kube/strategic.c",
      "        if (!list_has(keep, key))\n            value_remove(out, key);", "        if (!list_has(keep, key) && !m)\n            value_remove(out, key);")
fault("retainKeys is not made", "kube", "src/kube/strategic_diff.c",
      "    if (retain.n && (value_len(patch) || removed))", "    if (retain.n && !s && removed)")
fault("$patch: replace in a list is ignored", "kube", "src/kube/strategic.c",
      "            *ret_replace = true;", "            *ret_replace = false;")
fault("$patch: delete of an item is ignored", "kube", "src/kube/strategic.c",
      "            value_push(s->a, gone, it.val);", "            ;")
fault("$patch: replace of a map merges", "kube", "src/kube/strategic.c",
      '    if (str_is(d, "replace")) {\n        for', '    if (str_is(d, "what")) {\n        for')
fault("deleteFromPrimitiveList deletes everything", "kube", "src/kube/strategic.c",
      "            *ret = delete_scalars(m, live, patch);", "            *ret = delete_scalars(m, live, live);")
fault("lists with a merge key are replaced", "kube", "src/kube/strategic_list.c",
      ".merge = f->patch & KUBE_PATCH_MERGE,", ".merge = false,")
fault("null of a strategic patch is a value", "kube", "src/kube/strategic.c",
      "            if (!(drop_nulls && value_is_null(it.val)) &&", "            if (")
fault("a diff does not say what is gone", "kube", "src/kube/strategic_diff.c",
      "        if (!value_exists(follow_to(&to, it.key)))", "        if (!value_exists(follow_to(&to, it.key)) && !s)")
fault("a first apply deletes what others wrote", "kube", "src/kube/strategic_diff.c",
      "(struct diff_options){.ignore_deletions = true, .set_order = true}", "(struct diff_options){.set_order = true}")

fault("equal maps with merging lists inside are passed over", "kube", "src/kube/strategic_diff.c",
      "    if (!r.sub->merges_lists && value_same_bytes(x, y))", "    if (value_same_bytes(x, y))")

# --- server-side apply

fault("conflicts are overwritten", "kube", "src/kube/apply.c",
      "if (!k->force && find_conflicts(", "if (!k->force && !k && find_conflicts(")
fault("force does not take the field from its manager", "kube", "src/kube/apply.c",
      "        m->set = fieldset_difference(w->a, set_of(w->a, m), changed);",
      "        m->set = set_of(w->a, m);")
fault("what is not applied any more stays", "kube", "src/kube/apply.c",
      "    if (!fieldset_is_empty(last.set))", "    if (!fieldset_is_empty(last.set) && !k)")
fault("what another manager owns is pruned", "kube", "src/kube/apply.c",
      "    struct fieldset *kept = fieldset_union(a, named_paths(a, *pruned), owned);",
      "    struct fieldset *kept = fieldset_union(a, named_paths(a, *pruned), owned->n ? NULL : owned);")
fault("atomic lists are merged", "kube", "src/kube/fieldset_typed.c",
      "s && s->type == KUBE_LIST && s->list != KUBE_LIST_ATOMIC", "s && s->type == KUBE_LIST && s->elem")
fault("atomic maps are merged", "kube", "src/kube/fieldset_typed.c",
      "        return granular || !s->atomic;", "        return granular || s;")
fault("items of a map list are known by their place", "kube", "src/kube/fieldset_typed.c",
      "    if (list->list != KUBE_LIST_MAP)\n        return", "    if (list->list != KUBE_LIST_SET)\n        return")
fault("a key's default does not count", "kube", "src/kube/fieldset_typed.c",
      "    if (missing.len && json_parse(", "    if (missing.len && !a && json_parse(")
fault("items with one key are compared one by one", "kube", "src/kube/fieldset_typed.c",
      "    if (nx <= 1 && ny <= 1) {", "    if (nx + ny) {")
fault("managers of another version are compared in this one", "kube", "src/kube/apply.c",
      "    if (!k->versions || str_eq(t.version, version))", "    if (!k->versions || k)")
fault("managers of a version that is gone stay", "kube", "src/kube/apply.c",
      "        if (!version_is_served(k, m.api_version))", "        if (!k && !version_is_served(k, m.api_version))")
fault("a field that became atomic keeps its parts' owners", "kube", "src/kube/fieldset_typed.c",
      "        if (is_atomic(below, granular)) {", "        if (is_atomic(below, granular) && !a) {")
fault("fields from before the first apply belong to nobody", "kube", "src/kube/apply.c",
      "    if (!v.n && value_exists(live))", "    if (!v.n && value_exists(live) && !k)")
fault("updates never become ancient changes", "kube", "src/kube/apply.c",
      "    if (old.n <= KUBE_UPDATE_MANAGERS_MAX)", "    if (old.n)")
fault("an apply that changes nothing has a new time", "kube", "src/kube/apply.c",
      "    if (!value_equal(old, merged))", "    if (k)")

# --- TOML as Helm reads and writes it

fault("a whole float is printed as an integer", "value", "src/value/toml/print.c",
      '        buf_addz(out, ".0");', '        buf_addz(out, "");')
fault("TOML tables come in the order of the map", "value", "src/value/toml/print.c",
      "        qsort(e, value_len(v), sizeof(*e), by_table_and_key);", "        (void)by_table_and_key;")
fault("TOML tables are not indented", "value", "src/value/toml/print.c",
      "static void print_header(struct printer *p, size_t n_key, const char *open, const char *close)\n{\n    buf_fill(p->out, ' ', 2 * (n_key - 1));",
      "static void print_header(struct printer *p, size_t n_key, const char *open, const char *close)\n{")
fault("a TOML list is one of tables when its last item is one", "value", "src/value/toml/print.c",
      "        tables = tables && k == KIND_TABLE;", "        tables = k == KIND_TABLE;")
fault("a TOML key may be written twice", "value", "src/value/toml/parse.c",
      "    if (!n->implicit) {", "    if (!n->implicit && !n) {")
fault("a TOML table that was implied cannot be written", "value", "src/value/toml/parse.c",
      "            name->implicit = true;", "            name->implicit = false;")
fault("a TOML number may begin with zeroes", "value", "src/value/toml/scan.c",
      "    else if (has_leading_zero(s))", "    else if (has_leading_zero(s) && !t)")
fault("0o17 is decimal", "value", "src/value/toml/scan.c",
      "== 'o' ? 8", "== 'o' ? 10")
fault("a backslash at the end of a TOML line keeps the blanks", "value", "src/value/toml/scan.c",
      """        while (j < s.len && strchr(" \\t\\r\\n", s.at[j]))""", """        while (j < s.len && strchr("\\r\\n", s.at[j]))""")
fault("the 29th of February is every year's", "value", "src/value/toml/time.c",
      "    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);", "    bool leap = year < 10000;")
fault("a date without a zone has one", "value", "src/value/toml/time.c",
      "m.has_zone    ? TOML_DATETIME", "m.has_time    ? TOML_DATETIME")

# --- kyaml's merge

fault("kyaml: items that only the patch has come last", "kube", "src/kube/kyaml_list.c",
      "    bool append = w->how->append;", "    bool append = w->how->append || n_keys;")
fault("kyaml: $patch: replace of a map merges", "kube", "src/kube/kyaml_merge.c",
      "    int r = map_directive(w, origin, &d);\n    if (r == 0 && d != DELETE)\n        *ret = d == REPLACE ? origin : dest;",
      "    int r = map_directive(w, origin, &d);\n    if (r == 0 && d != DELETE)\n        *ret = dest;")
fault("kyaml: $patch: delete of a map is ignored", "kube", "src/kube/kyaml_merge.c",
      "    int r = map_directive(w, origin, &d);\n    if (r == 0 && d != DELETE)", "    int r = map_directive(w, origin, &d);\n    if (r == 0)")
fault("kyaml: $patch: replace of a list merges", "kube", "src/kube/kyaml_merge.c",
      "    int r = list_directive(w, origin, &d);\n    if (r == 0 && d != DELETE)\n        *ret = d == REPLACE ? origin : dest;",
      "    int r = list_directive(w, origin, &d);\n    if (r == 0 && d != DELETE)\n        *ret = dest;")
fault("kyaml: a number in the place of quoted text is a number", "kube", "src/kube/kyaml_merge.c",
      "    v->style = to->style;\n", "")
fault("kyaml: a null that was written down goes", "kube", "src/kube/kyaml_merge.c",
      "        if (!origin && dest && dest->text.len) {", "        if (!origin && dest && !dest->text.at) {")
fault("kyaml: container ports have one key", "kube", "src/kube/kyaml_table.inc",
      'STR_INIT("containerPort,protocol")', 'STR_INIT("containerPort")')
fault("kyaml: new fields come in the order of the patch", "kube", "src/kube/kyaml_merge.c",
      "        qsort(names.at, names.n, sizeof(*names.at), str_cmp_qsort);", "        (void)str_cmp_qsort;")
fault("kyaml: the object keeps its comments", "kube", "src/kube/kyaml_merge.c",
      "    dest->comments = arena_copy(", "    if (!w->a)\n        dest->comments = arena_copy(")
fault("kyaml: a new list has the comments of the old", "kube", "src/kube/kyaml_merge.c",
      "    *to = *v;\n", "    struct yaml_comments *c = to->comments;\n    *to = *v;\n    to->comments = c;\n")
fault("kyaml: a text that old readers take for something else is not quoted", "kube", "src/kube/kyaml_merge.c",
      "        n->style = VALUE_STYLE_DOUBLE;", "        n->style = 0;")
fault("kyaml: a new key is written as in the patch", "kube", "src/kube/kyaml_merge.c",
      "    key->style = v == y ? key_style : 0;", "    key->style = v == y ? 0 * key_style : 0;")
fault("kyaml: a schema in a comment is none", "kube", "src/kube/kyaml_comment.c",
      "text = text.len && text.at[0] == '{' ?", "text = text.len && text.at[0] == 'x' ?")
fault("kyaml: lists without a schema are never merged", "kube", "src/kube/kyaml_merge.c",
      "    return w->how->infer_lists && !k.of_kind &&", "    return w->how->infer_lists && k.type &&")

# --- files as kyaml divides them

fault("kyaml: anything may stand behind ---", "kube", "src/kube/kyaml_read.c",
      "if (behind.len && behind.at[0] != '#')", "if (behind.len && !behind.at[0])")
fault("kyaml: a List stays one document", "kube", "src/kube/kyaml_read.c",
      "        if (parts->n > 1 ||", "        if (parts->n > 0 ||")
fault("kyaml: null is a document", "kube", "src/kube/kyaml_read.c",
      "        if (!f.d.root || is_null(f.d.root))", "        if (!f.d.root)")
fault("kyaml: CR LF is two characters", "kube", "src/kube/kyaml_read.c",
      "split(without_returns(a, text), in", "split(text.len ? text : without_returns(a, text), in")
fault("kyaml: what is merged wins over the map's own", "kube", "src/kube/kyaml_read.c",
      "    if (rc == 0)\n        set_entries(r, map, &index, &own);\n", "    if (rc == 0 && !r->a)\n        set_entries(r, map, &index, &own);\n")
fault("kyaml: aliases stand for what became of their nodes", "kube", "src/kube/kyaml_read.c",
      "    int rc = map && shared ?", "    int rc = map && shared && !r->a ?")

# --- comments as kyaml keeps them

fault("kyaml: what touches the line above is no foot of it", "yaml", "src/value/yaml/comment.c",
      "g->start_line == g->foot_line && !g->follows_value;", "g->start_line == g->foot_line && !g->s;")
fault("kyaml: a foot in a flow collection is the head of what follows", "yaml", "src/value/yaml/comment.c",
      "        if (closes || yaml_is_breakz(p)) {", "        if (yaml_is_breakz(p)) {")
fault("kyaml: a block ends behind the comments under it", "yaml", "src/value/yaml/scan.c",
      "        end = yaml_block_end(s, end);\n", "")
fault("kyaml: what stands behind a colon is the key's foot", "yaml", "src/value/yaml/scan.c",
      "s->token[s->n_tokens - 1].type == YAML_T_BLOCK_ENTRY ||", "s->token[s->n_tokens - 1].type != YAML_T_SCALAR ||")
fault("kyaml: the head of a document is its first key's", "yaml", "src/value/yaml/parse.c",
      "    if (p->nodes && !is_explicit)", "    if (p->nodes && is_explicit)")
fault("kyaml: nothing divides a foot from what follows", "yaml", "src/value/yaml/node_text.c",
      "    if (w->foot_indent == indent)", "    if (w->foot_indent == indent && !w->out)")
fault("kyaml: what stands behind a key stays behind its value", "yaml", "src/value/yaml/node_print.c",
      "    if (!w->key_line.len || val->kind == YAML_NODE_ALIAS)", "    if (w->key_line.len || val->kind == YAML_NODE_ALIAS)")

# --- YAML as sigs.k8s.io/yaml reads and writes it

fault("y is text", "yaml", "src/value/yaml/resolve.c", '    TRUE_WORD("y"),\n', "")
fault("off is text", "yaml", "src/value/yaml/resolve.c", '    FALSE_WORD("off"),\n', "")
fault("~ is text", "yaml", "src/value/yaml/resolve.c", '    NULL_WORD("~"),\n', "")
fault("a leading 0 is decimal", "yaml", "src/value/yaml/resolve.c", "c == 'b' ? 2 : 8;", "c == 'b' ? 2 : 10;")
fault("_ does not belong to a number", "yaml", "src/value/yaml/resolve.c",
      "    if (memchr(text.at, '_', text.len)) {", "    if (memchr(text.at, '_', text.len) && !ret) {")
fault("<< is a key", "yaml", "src/value/yaml/decode.c",
      "    if (is_merge(key)) {\n        merge(p, map, val, before);", "    if (is_merge(key) && !p) {\n        merge(p, map, val, before);")
fault("two line breaks fold to none", "yaml", "src/value/yaml/scalar.c", "        } else if (!first || n > 0) {", "        } else if (!first || n > 1) {")
fault("a line break folds to nothing", "yaml", "src/value/yaml/scalar.c", "        *w++ = ' ';\n    return w;", "        *w = ' ';\n    return w;")
fault("lines are folded at 90", "yaml", "src/value/yaml/print.h", "#define YAML_WIDTH 80", "#define YAML_WIDTH 90")
fault("a text that looks like a timestamp is not quoted", "yaml", "src/value/yaml/write.c",
      "|| yaml_is_timestamp(s) || yaml_is_base60(s))", "|| yaml_is_base60(s))")
fault("a text that looks sexagesimal is not quoted", "yaml", "src/value/yaml/write.c",
      "|| yaml_is_timestamp(s) || yaml_is_base60(s))", "|| yaml_is_timestamp(s) || (yaml_is_base60(s) && !s.at))")
fault("keys with numbers are in byte order", "yaml", "src/value/yaml/write.c",
      "    if (n != m)\n        return order(n < m);", "    if (n != m)\n        return order(x < y);")
fault("letters come before other characters", "yaml", "src/value/yaml/write.c",
      "order(behind_digit ? letter_x : letter_y)", "order(behind_digit || letter_x)")
fault("texts of several lines are quoted", "yaml", "src/value/yaml/write.c",
      "        return YAML_LITERAL;", "        return YAML_DOUBLE;")
