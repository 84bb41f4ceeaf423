/* main/version.h: what we say we are. The first part is the Argo CD release whose API and behaviour
 * this is. */
#ifndef MAIN_VERSION_H
#define MAIN_VERSION_H

#define TIPHYS_VERSION "v3.6.0+tiphys"

#endif
