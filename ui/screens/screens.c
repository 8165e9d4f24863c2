#include "ui/screens/screens.h"

#include <stddef.h>

#include "ui/screens/sort_menu.h"

const struct screen_ops *const screens[] = {
	&screen_overview, &screen_links, &screen_breakers, &screen_candidates, &screen_cycle, &screen_dead, &screen_audit,
	&screen_policies, &screen_checks, &page_help, &page_detail, &page_approve, &page_sort, NULL,
};

const struct screen_ops *screen_by_number(int number)
{
	for (size_t i = 0; screens[i]; i++)
		if (screens[i]->number == number)
			return screens[i];
	return &screen_overview;
}
