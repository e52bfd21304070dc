/* run.h -- `submeter run`. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

/* How many of these words, which follow `run`, are options of submeter: the rest is the command. */
int run_words(int argc, char **argv);

#endif
