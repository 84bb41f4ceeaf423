/* base/banned.h: functions nobody may call; included before every file by the build. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define BANNED(name) name##_is_banned_see_base_banned_h
#undef strcpy
#define strcpy BANNED(strcpy)
#undef strcat
#define strcat BANNED(strcat)
#undef strtok
#define strtok BANNED(strtok)
#undef sprintf
#define sprintf BANNED(sprintf)
#undef atoi
#define atoi BANNED(atoi)
#undef strtol
#define strtol BANNED(strtol)
#undef gmtime
#define gmtime BANNED(gmtime)
#undef localtime
#define localtime BANNED(localtime)
#undef rand
#define rand BANNED(rand)
#undef system
#define system BANNED(system)
#undef popen
#define popen BANNED(popen)
#endif
