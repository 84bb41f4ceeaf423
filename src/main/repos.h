/* main/repos.h: repositories and their credentials, from Secrets labelled
 * argocd.argoproj.io/secret-type repository or repo-creds.
 *
 * A repository Secret of the project wins over one without project; one without credentials
 * inherits from the repo-creds entry with the longest matching URL prefix. Everything is read when
 * asked: the informer holds the Secrets. Source: argo-cd util/db/repository.go. */
#ifndef MAIN_REPOS_H
#define MAIN_REPOS_H

#include "control/informer.h"
#include "source/source.h"

bool repos_is_secret(const struct doc *d); /* NULL: no */
/* false: nothing is configured for this URL. Text lives in the arena. */
bool repos_find(const struct informer *secrets, str url, str project, struct arena *a,
                struct source_repo *ret);

/* What Chart.yaml means by `text`: the URL of a Helm repository or registry, or the name of one as
 * "@name" or "alias:name". Those of another project are not seen. Source: argo-cd
 * reposerver/repository/repository.go (getHelmRepos). */
bool repos_find_chart(const struct informer *secrets, str text, str project, struct arena *a,
                      struct source_repo *ret);

/* Fill in the certificates that argocd-tls-certs-cm has for the repository's host (its key is the
 * name without port); ssh:// and scp forms need none. False: it has none. maps may be NULL. */
bool repos_trust(const struct informer *maps, str ns, struct arena *a, struct source_repo *io_repo);

#endif
