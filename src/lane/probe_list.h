/* Is an item there, on a lane without a GET of one item: one complete list answers everybody who
 * asked before it began; whoever asks meanwhile waits for the next one. An item is present as soon as
 * a page has it, absent only after the last page, and anything else is no answer. Loop thread. */
#ifndef SLUICE_LANE_PROBE_LIST_H
#define SLUICE_LANE_PROBE_LIST_H

#include "lane/lane_impl.h"

struct probe_list;
struct probe_list *probe_list_new(struct lane *ln);    /* borrows ln */
/* Copies id; calls back exactly once, never before it has returned. */
void probe_list_ask(struct probe_list *p, struct slice id, lane_probe_fn *fn, void *ctx);
/* Nothing is listed any more from here on; what waits is answered by probe_list_free. */
void probe_list_stop(struct probe_list *p);
/* Not while a list of it runs: the lane's owner has ended that before. */
void probe_list_free(struct probe_list *p);

#endif
