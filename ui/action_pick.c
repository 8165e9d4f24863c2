/* A hand-picked plan: the marked items bound a cycle. What the engine would not take is said before it is asked for. */
#include "ui/action_write.h"

#include "base/json.h"
#include "base/text.h"
#include "ui/format.h"

/* What the engine takes: so many, and a message of so many bytes, of which the rest of the request needs some. */
enum { PICKED_MAX = 10000, MESSAGE_MAX = 1 << 20, ENVELOPE = 4096 };

static const struct screen_ops *front(const struct ui *ui)
{
	return ui->page ? ui->page : ui->screen;
}

bool action_on_picked(struct ui *ui, struct buf *why)
{
	if (!front(ui)->picked || front(ui)->picked(ui, NULL) == 0)
		buf_adds(why, "mark items on screen 4 first (Space)");
	else if (!ui->model.cycle.has)
		buf_adds(why, "nothing was discovered yet: start a cycle first");
	else
		return action_can_start(ui, why);
	return false;
}

/* The request; how many it picks. */
static int request(struct ui *ui, struct buf *b)
{
	struct jw w;
	*b = (struct buf){ 0 };
	jw_init(&w, b);
	jw_obj(&w);
	jw_kstr(&w, "policy", ui->model.cycle.policy);
	jw_key(&w, "only");
	jw_arr(&w);
	int marked = front(ui)->picked ? front(ui)->picked(ui, &w) : 0;
	jw_end_arr(&w);
	jw_end_obj(&w);
	return marked;
}

/* Says it if they are not. */
static bool few_enough(struct ui *ui, int marked, const struct buf *b)
{
	char n[FORMAT_TEXT], bytes[FORMAT_TEXT], most[FORMAT_TEXT];
	if (marked <= PICKED_MAX && b->n <= MESSAGE_MAX - ENVELOPE)
		return true;
	ui_note(ui, ROLE_FAIL, "%s marked (%s): at most %s items are picked by hand, in a list of 1 MiB; nothing was started: "
		"take fewer, or write a policy that selects them", format_count(n, marked), format_bytes(bytes, (int64_t)b->n),
		format_count(most, PICKED_MAX));
	return false;
}

static void counted(struct ui *ui, const char *count)
{
	int64_t n;
	struct buf b;
	int marked = request(ui, &b);
	if (!parse_i64(slice_of(count), &n) || n != marked || n <= 0)
		ui_note(ui, ROLE_WARN, "%d marked, not %.20s: no cycle was started", marked, count);
	else if (few_enough(ui, marked, &b))
		ui_do(ui, "cycle.start", &b, "a cycle was started whose plan can hold only these");
	buf_done(&b);
}

void action_run_pick(struct ui *ui, const char *arg)
{
	char policy[80];
	struct buf b;
	int n = request(ui, &b);
	(void)arg;
	if (few_enough(ui, n, &b))
		ui_ask(ui, "", (struct slice){ 0 }, counted, "start a cycle of %s for %d marked item%s only. Type their number (Esc leaves):",
		       text_z(policy, sizeof(policy), ui->model.cycle.policy), n, n == 1 ? "" : "s");
	buf_done(&b);
}
