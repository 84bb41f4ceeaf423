/* plan/health.h: health of one live object.
 *
 * Built-in checks of issue 3: Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob,
 * Service, Ingress, PersistentVolumeClaim, HorizontalPodAutoscaler, APIService, argoproj Workflow;
 * and "Pending deletion". Lua checks of argocd-cm and the bundled ones are need(eval), not answered
 * here yet. Source: gitops-engine pkg/health; argo-cd resource_customizations (texts recorded in
 * health.jsonl). */
#ifndef PLAN_HEALTH_H
#define PLAN_HEALTH_H

#include "argo/names.h"
#include "value/value.h"

struct health {
    enum health_code code; /* HEALTH_NONE: this kind has no health */
    str message;           /* in the arena, or borrowed from the object */
};

struct health health_of(value live, struct arena *a);

/* The phase of a hook that `live` stands for: Unknown and Degraded fail, Progressing and Suspended
 * run, Healthy and none succeed. */
enum op_phase health_hook_phase(const struct health *h);

/* Worse of two codes. */
static inline enum health_code health_worse(enum health_code a, enum health_code b)
{
    return a > b ? a : b;
}

#endif
