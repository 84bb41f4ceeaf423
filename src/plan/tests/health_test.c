/* Built-in health. Expectations: the rules of gitops-engine's health checks (Argo CD 3.6) and texts
 * seen in recordings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan/health.h"
#include "value/json.h"

static const struct {
    const char *object, *code, *message;
} cases[] = {
    {"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}", "", ""},
    {"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"deletionTimestamp\":\"2024-01-"
     "01T00:00:00Z\"}}",
     "Progressing", "Pending deletion"},
    {"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"spec\":{\"paused\":true}}", "Suspended",
     "Deployment is paused"},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"Deployment\",\"metadata\":{\"generation\":2},\"spec\":{\"replicas\":1},"
     "\"status\":{"
     "\"observedGeneration\":1}}",
     "Progressing",
     "Waiting for rollout to finish: observed deployment generation less than desired generation"},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"d\"},\"status\":{\"conditions\":[{"
     "\"type\":\"Progressing\","
     "\"reason\":\"ProgressDeadlineExceeded\"}]}}",
     "Degraded", "Deployment \"d\" exceeded its progress deadline"},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"Deployment\",\"spec\":{\"replicas\":3},\"status\":{\"updatedReplicas\":1}}",
     "Progressing", "Waiting for rollout to finish: 1 out of 3 new replicas have been updated..."},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"Deployment\",\"spec\":{\"replicas\":1},\"status\":{\"updatedReplicas\":1,"
     "\"replicas\":2}}",
     "Progressing", "Waiting for rollout to finish: 1 old replicas are pending termination..."},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"Deployment\",\"spec\":{\"replicas\":1},\"status\":{\"updatedReplicas\":1,"
     "\"replicas\":1}}",
     "Progressing", "Waiting for rollout to finish: 0 of 1 updated replicas are available..."},
    {"{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\"}", "Progressing",
     "Waiting for statefulset spec update to be observed..."},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"StatefulSet\",\"spec\":{\"replicas\":3},\"status\":{\"observedGeneration\":1,"
     "\"readyReplicas\":1}}",
     "Progressing", "Waiting for 2 pods to be ready..."},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"StatefulSet\",\"spec\":{\"replicas\":1},\"status\":{\"observedGeneration\":1,"
     "\"readyReplicas\":1,"
     "\"currentReplicas\":1,\"currentRevision\":\"r\",\"updateRevision\":\"r\"}}",
     "Healthy", "statefulset rolling update complete 1 pods at revision r..."},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"DaemonSet\",\"metadata\":{\"name\":\"d\"},\"status\":{"
     "\"desiredNumberScheduled\":2,"
     "\"updatedNumberScheduled\":2,\"numberAvailable\":1}}",
     "Progressing",
     "Waiting for daemon set \"d\" rollout to finish: 1 of 2 updated pods are available..."},
    {"{\"apiVersion\":\"apps/"
     "v1\",\"kind\":\"ReplicaSet\",\"spec\":{\"replicas\":2},\"status\":{\"availableReplicas\":1}}",
     "Progressing", "Waiting for rollout to finish: 1 out of 2 new replicas are available..."},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"restartPolicy\":\"Always\"},\"status\":{"
     "\"phase\":\"Running\",\"containerStatuses\":[{"
     "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off\"}}}]}}",
     "Degraded", "back-off"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"restartPolicy\":\"Never\"},\"status\":{"
     "\"phase\":\"Failed\",\"containerStatuses\":[{"
     "\"name\":\"c\",\"state\":{\"terminated\":{\"exitCode\":3}}}]}}",
     "Degraded", "container \"c\" failed with exit code 3"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"restartPolicy\":\"Always\"},\"status\":{"
     "\"phase\":\"Running\",\"conditions\":[{"
     "\"type\":\"Ready\",\"status\":\"True\"}]}}",
     "Healthy", ""},
    {"{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"status\":{}}", "Progressing", ""},
    {"{\"apiVersion\":\"batch/"
     "v1\",\"kind\":\"Job\",\"status\":{\"conditions\":[{\"type\":\"Failed\",\"message\":\"Job has "
     "reached the specified "
     "backoff limit\"}]}}",
     "Degraded", "Job has reached the specified backoff limit"},
    {"{\"apiVersion\":\"batch/"
     "v1\",\"kind\":\"Job\",\"status\":{\"conditions\":[{\"type\":\"Suspended\",\"status\":"
     "\"True\",\"message\":\"Job "
     "suspended\"}]}}",
     "Suspended", "Job suspended"},
    {"{\"apiVersion\":\"batch/v1\",\"kind\":\"CronJob\",\"spec\":{},\"status\":{}}", "Healthy",
     "CronJob has not been scheduled yet"},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"spec\":{\"type\":\"LoadBalancer\"}}",
     "Progressing", ""},
    {"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"spec\":{\"type\":\"ClusterIP\"}}", "Healthy",
     ""},
    {"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\"}", "Progressing", ""},
    {"{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"status\":{\"phase\":\"Lost\"}}",
     "Degraded", ""},
    {"{\"apiVersion\":\"autoscaling/v2\",\"kind\":\"HorizontalPodAutoscaler\"}", "Progressing",
     "Waiting to Autoscale"},
    {"{\"apiVersion\":\"autoscaling/"
     "v2\",\"kind\":\"HorizontalPodAutoscaler\",\"status\":{\"conditions\":[{\"type\":"
     "\"AbleToScale\",\"status\":"
     "\"True\",\"message\":\"ok\"},{\"type\":\"ScalingActive\",\"reason\":"
     "\"FailedGetResourceMetric\",\"message\":\"bad\"}]}}",
     "Degraded", "bad"},
    {"{\"apiVersion\":\"autoscaling/v2beta2\",\"kind\":\"HorizontalPodAutoscaler\"}", "Unknown",
     "unsupported HPA GVK: autoscaling/v2beta2, Kind=HorizontalPodAutoscaler"},
    {"{\"apiVersion\":\"apiregistration.k8s.io/"
     "v1\",\"kind\":\"APIService\",\"status\":{\"conditions\":[{\"type\":\"Available\",\"status\":"
     "\"True\","
     "\"reason\":\"Local\",\"message\":\"here\"}]}}",
     "Healthy", "Local: here"},
};

static void each_kind_has_the_health_upstream_gives_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        value v;
        struct err err;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        if (json_parse(str_of(cases[i].object), NULL, &a, &v, &err))
            fail_msg("%s", err.text);
        struct health h = health_of(v, &a);
        if (!str_is(health_code_name(h.code), cases[i].code) ||
            !str_is(h.message, cases[i].message))
            fail_msg("%s: %.*s, %.*s", cases[i].object, STR_FMT(health_code_name(h.code)),
                     STR_FMT(h.message));
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_the_health_upstream_gives_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
