/* main/up.h: `tiphys up`: all controllers, the API and the render workers in one process. */
#ifndef MAIN_UP_H
#define MAIN_UP_H

/* argv[0] is "up". Returns the exit code. */
int up_main(int argc, char **argv);

#endif
