/* main/main.c: which program is meant: the first argument, or the name we were called by. */
#include <stdio.h>

#include "base/attr.h"

int main(UNUSED int argc, UNUSED char **argv)
{
    fputs("usage: tiphys COMMAND\n", stderr);
    return 2;
}
