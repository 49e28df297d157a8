/* What ops that pick rows of tables share. */
#ifndef AUTOGRAD_OP_TABLE_H
#define AUTOGRAD_OP_TABLE_H

#include "autograd/graph.h"

/* Whether p is a table and has these rows; false after keeping the failure. */
bool pick_check(graph *g, const char *op, const parameter *p, const uint32_t *row, int64_t count);
/* Announces that the rows are about to be read. */
void pick_touch(graph *g, parameter *p, const uint32_t *row, int64_t count);

#endif
