/* reprice.h -- `submeter price reprice`: the one verb of `price` that asks the meter. */
#ifndef CLI_REPRICE_H
#define CLI_REPRICE_H

#include "cli/cli.h"

int reprice_main(const struct cli *cli, int argc, char **argv);

#endif
