/* supply_test.c: what the engine lacks is brought from a peer (tests/peers/web_peer.py) and
 * rendered, wherever the engine runs. */
#include "files/tests/git_fixture.h"
#include "manifests/jail.h"
#include "manifests/manifests.h"
#include "source/tests/chart_world.h"
#include "value/json.h"

#define TABLE                                                                                      \
    "{\"files\":{\"d\":{\"chart\":[\"d\",\"1.2.0\"]}},\"a\":[{\"path\":\"/index.yaml\",\"body\":"  \
    "\"apiVersion: v1\\nentries: {d: [{name: d, version: 1.2.0, apiVersion: v2, urls: "            \
    "[d-1.2.0.tgz]}]}\\n\"},{\"path\":\"/d-1.2.0.tgz\",\"file\":\"d\"},"                           \
    "{\"path\":\"/v.yaml\",\"body\":\"v: remote\\n\"}]}"

enum place {
    IN_POOL,
    IN_JAIL,
    IN_JAIL_WITHOUT_LANDLOCK,
    PLACES,
};

struct stage {
    struct world *w;
    struct jail *jail;
    struct git_fixture git;
    char git_url[PATH_MAX];
    struct manifests *manifests;
};

static void stage_open(struct stage *s, enum place place)
{
    struct err err;
    const struct jail_options jail = {.workers_max = 2,
                                      .no_landlock = place == IN_JAIL_WITHOUT_LANDLOCK};
    *s = (struct stage){0};
    if (place != IN_POOL)
        assert_int_equal(jail_open(&jail, &s->jail, &err), 0);
    s->w = world_open(TABLE);
    if (s->jail)
        assert_int_equal(jail_attach(s->jail, s->w->loop, &err), 0);
    fixture_open(&s->git);
    fixture_work_tree(&s->git, s->git_url);
    struct manifests_options o = {
        .source.cache_dir = arena_printf(&s->w->arena, "%s/git", s->w->folder),
        .jail = s->jail,
    };
    assert_int_equal(manifests_new(s->w->loop, s->w->pool, &o, &s->manifests, &err), 0);
}

static void stage_close(struct stage *s)
{
    manifests_free(s->manifests);
    jail_close(s->jail);
    world_close(s->w);
    fixture_close(&s->git);
}

/* The text's %s are the peer's address. The answer is the world's. */
static const struct manifests_result *get(struct stage *s, str url, str source)
{
    struct err err;
    value v;
    assert_int_equal(json_parse(source, NULL, &s->w->arena, &v, &err), 0);
    struct manifests_request r = {.repo = {.url = url},
                                  .source = v,
                                  .app_name = STR("shop"),
                                  .project = STR("default"),
                                  .flags = MANIFESTS_REFS_NEW};
    manifests_get(s->manifests, &r, world_expect(s->w));
    world_wait(s->w);
    return s->w->answer.rc ? NULL : s->w->answer.result;
}

static const struct manifests_result *get_umbrella(struct stage *s)
{
    return get(s, str_of(s->git_url),
               arena_printf(&s->w->arena,
                            "{\"path\":\"app\",\"helm\":{\"valueFiles\":[\"http://%.*s/v.yaml\"]}}",
                            STR_FMT(s->w->a)));
}

static void write_umbrella(struct stage *s, const char *version)
{
    str text = arena_printf(&s->w->arena,
                            "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- name: d\n"
                            "  version: %s\n  repository: http://%.*s\n",
                            version, STR_FMT(s->w->a));
    fixture_write(&s->git, "app/Chart.yaml", arena_cstr(&s->w->arena, text));
    fixture_write(&s->git, "app/templates/a.yaml",
                  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: own\ndata:\n  v: {{ "
                  ".Values.v | quote }}\n");
    fixture_commit(&s->git, NULL, NULL);
}

static str data_of(const struct manifests_result *r, const char *name, const char *path)
{
    for (size_t i = 0; i < r->n_objects; i++)
        if (str_is(value_path_str(doc_root(r->object[i].object), "metadata.name"), name))
            return value_path_str(doc_root(r->object[i].object), path);
    return STR("");
}

static size_t n_requests(struct stage *s)
{
    size_t n = 0;
    str log = world_read(s->w, "log"), line;
    while (str_next(&log, '\n', &line))
        n++;
    return n;
}

static void dependencies_and_value_files_are_brought(UNUSED void **state)
{
    for (enum place place = IN_POOL; place < PLACES; place++) {
        struct stage s;
        stage_open(&s, place);
        write_umbrella(&s, "1.x");
        const struct manifests_result *r = get_umbrella(&s);
        if (!r) {
            fail_msg("%s", s.w->answer.err.text);
            return;
        }
        assert_int_equal(r->n_objects, 2);
        assert_true(str_is(data_of(r, "own", "data.v"), "remote"));
        assert_true(str_is(data_of(r, "d", "data.version"), "1.2.0"));
        size_t n = n_requests(&s);
        r = get_umbrella(&s);
        assert_true(r->cached); /* of the same commit: nobody is asked, as upstream */
        assert_int_equal(n_requests(&s), n);
        stage_close(&s);
    }
}

static void a_chart_is_a_source(UNUSED void **state)
{
    for (enum place place = IN_POOL; place < PLACES; place++) {
        struct stage s;
        stage_open(&s, place);
        str url = arena_printf(&s.w->arena, "http://%.*s", STR_FMT(s.w->a));
        const struct manifests_result *r =
            get(&s, url, STR("{\"chart\":\"d\",\"targetRevision\":\"1.x\"}"));
        if (!r) {
            fail_msg("%s", s.w->answer.err.text);
            return;
        }
        assert_string_equal(r->revision, "1.2.0");
        assert_null(r->commit);
        assert_int_equal(r->type, RENDER_HELM);
        assert_true(str_is(data_of(r, "d", "data.version"), "1.2.0"));
        stage_close(&s);
    }
}

static void what_a_peer_has_not_is_the_answer(UNUSED void **state)
{
    for (enum place place = IN_POOL; place < PLACES; place++) {
        struct stage s;
        stage_open(&s, place);
        write_umbrella(&s, "9.x");
        assert_null(get_umbrella(&s));
        str wanted = arena_printf(
            &s.w->arena,
            "error building helm chart dependencies: failed to build helm dependencies: failed to "
            "build dependencies: failed running helm: `helm dependency build` failed exit status "
            "1: Error: can't get a valid version for 1 subchart(s): \"d\" (repository "
            "\"http://%.*s\", version \"9.x\"). Make sure a matching chart version exists in the "
            "repo, or change the version constraint in Chart.yaml",
            STR_FMT(s.w->a));
        assert_string_equal(s.w->answer.err.text, arena_cstr(&s.w->arena, wanted));
        stage_close(&s);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], JAIL_ZYGOTE_ARG) == 0)
        return render_zygote_main(3);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dependencies_and_value_files_are_brought),
        cmocka_unit_test(a_chart_is_a_source),
        cmocka_unit_test(what_a_peer_has_not_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
