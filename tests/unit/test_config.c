/* Bad YAML is a table: what is replaced in a good file, and the one line that must come out. */
#include "unit.h"

#include "config/config.h"
#include "config/describe.h"
#include "config/fields.h"

#define KEY_A "ed25519:SLEh9TQQNB8T+B5ghVyDWsCvBHVkt7o1LzfTvnVYFA4="

static const char good[] =
	"name: test\n"                                          /* 1 */
	"operators:\n"
	"  - name: anna\n"
	"    uids: [1000]\n"
	"  - name: ben\n"                                       /* 5 */
	"    uids: [1001]\n"
	"    keys: [\"" KEY_A "\"]\n"
	"links:\n"
	"  - name: daemon\n"
	"    url: ws://127.0.0.1:8079\n"                        /* 10 */
	"    handshake: exai\n"
	"lanes:\n"
	"  - name: kimi\n"
	"    dialect: openai\n"
	"    url: http://127.0.0.1:8080/v1\n"                   /* 15 */
	"    rate: 20/s\n"
	"    max_item: 512MB\n"
	"    in_flight: 64\n"
	"    timeout: 30s\n"
	"  - name: glm\n"                                       /* 20 */
	"    dialect: openai\n"
	"    url: http://127.0.0.1:8080/v2\n"
	"    account: second\n"
	"records:\n"
	"  - name: app\n"                                       /* 25 */
	"    path: app.db\n"
	"    references:\n"
	"      - {table: conversation_files, column: file_id, known_id: k1}\n"
	"policies:\n"
	"  - name: old\n"                                       /* 30 */
	"    lanes: [kimi, glm]\n"
	"    records: app\n"
	"    rules:\n"
	"      - rule: orphan\n"
	"      - rule: age\n"                                   /* 35 */
	"        older_than: 30d\n"
	"    caps: {items: 1000, bytes: 10GB, share: 50%, remain: 0}\n"
	"    approvals: 2\n";

struct row {
	const char *find, *put;
	const char *line;       /* begins with LINE:KEY: */
	const char *says;       /* and holds this */
};

#define BUCKET(name, prefix) "  - name: " name "\n    dialect: s3\n    url: http://127.0.0.1:8081\n    bucket: bbb\n    region: r\n    prefix: " prefix "\n" \
	"    account: " name "\n    key_file: " name "\n"

static const struct row rows[] = {
	/* lenient numbers */
	{ "in_flight: 64", "in_flight: 010", "18:lanes[0].in_flight: ", "leading zero" },
	{ "in_flight: 64", "in_flight: 0x40", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: 1e6", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: 5_000", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: 6.4", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: +64", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: -1", "18:lanes[0].in_flight: ", "out of range; it is 1 to 1000" },
	{ "in_flight: 64", "in_flight: -0", "18:lanes[0].in_flight: ", "leading zero" },
	{ "in_flight: 64", "in_flight: 0", "18:lanes[0].in_flight: ", "out of range" },
	{ "in_flight: 64", "in_flight: 1001", "18:lanes[0].in_flight: ", "out of range" },
	{ "in_flight: 64", "in_flight: 64 # ok\n    burst: 64k", "19:lanes[0].burst: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: 9223372036854775808", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: 64 64", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: unlimited", "18:lanes[0].in_flight: ", "not a whole number" },
	{ "in_flight: 64", "in_flight: \"\"", "18:lanes[0].in_flight: ", "has no value" },
	{ "in_flight: 64", "in_flight: ~", "18:lanes[0].in_flight: ", "has no value" },
	{ "in_flight: 64", "in_flight:", "18:lanes[0].in_flight: ", "has no value" },
	{ "max_item: 512MB", "max_item: 512", "17:lanes[0].max_item: ", "not a size" },
	{ "max_item: 512MB", "max_item: 512mb", "17:lanes[0].max_item: ", "not a size" },
	{ "max_item: 512MB", "max_item: 512 MB", "17:lanes[0].max_item: ", "not a size" },
	{ "max_item: 512MB", "max_item: 0.5GB", "17:lanes[0].max_item: ", "not a size" },
	{ "max_item: 512MB", "max_item: 010MB", "17:lanes[0].max_item: ", "leading zero" },
	{ "max_item: 512MB", "max_item: 9223373TB", "17:lanes[0].max_item: ", "not a size" },
	{ "max_item: 512MB", "max_item: 0", "17:lanes[0].max_item: ", "out of range" },
	{ "timeout: 30s", "timeout: 30", "19:lanes[0].timeout: ", "not a duration" },
	{ "timeout: 30s", "timeout: 30sec", "19:lanes[0].timeout: ", "not a duration" },
	{ "timeout: 30s", "timeout: 030s", "19:lanes[0].timeout: ", "leading zero" },
	{ "timeout: 30s", "timeout: -30s", "19:lanes[0].timeout: ", "not a duration" },
	{ "timeout: 30s", "timeout: 2d", "19:lanes[0].timeout: ", "it is 10ms to 1h" },
	{ "timeout: 30s", "timeout: 00:30", "19:lanes[0].timeout: ", "leading zero" },
	{ "rate: 20/s", "rate: 20", "16:lanes[0].rate: ", "not a rate" },
	{ "rate: 20/s", "rate: 0/s", "16:lanes[0].rate: ", "nothing through" },
	{ "rate: 20/s", "rate: 20/d", "16:lanes[0].rate: ", "not a rate" },
	{ "rate: 20/s", "rate: 1000001/s", "16:lanes[0].rate: ", "it is 3/h to 1000000/s" },
	{ "share: 50%", "share: 50", "37:policies[0].caps.share: ", "not a share" },
	{ "share: 50%", "share: 101%", "37:policies[0].caps.share: ", "not a share" },
	{ "share: 50%", "share: 0.5", "37:policies[0].caps.share: ", "not a share" },
	{ "share: 50%", "share: 050%", "37:policies[0].caps.share: ", "leading zero" },
	{ "bytes: 10GB", "bytes: 2", "37:policies[0].caps.bytes: ", "not a size" },
	{ "items: 1000,", "items: -1,", "37:policies[0].caps.items: ", "out of range; it is 0 to" },
	{ "remain: 0", "remain: none", "37:policies[0].caps.remain: ", "not a whole number" },
	{ "older_than: 30d", "older_than: 30", "36:policies[0].rules[1].older_than: ", "not a duration" },
	/* structure */
	{ "rate: 20/s", "ratte: 20/s", "16:lanes[0].ratte: ", "not a key of lane; did you mean `rate`?" },
	{ "rate: 20/s", "Rate: 20/s", "16:lanes[0].Rate: ", "did you mean `rate`?" },
	{ "name: test", "name: test\nzzz: 1", "2:zzz: ", "not a key of configuration; one of name, engine" },
	{ "rate: 20/s", "timeout: 20s", "19:lanes[0].timeout: ", "written twice" },
	{ "lanes:\n  - name: kimi", "name: two\nlanes:\n  - name: kimi", "12:name: ", "written twice" },
	{ "rate: 20/s", "rate: [20/s]", "16:lanes[0].rate: ", "is a list here; it must be one value" },
	{ "rate: 20/s", "rate: {s: 20}", "16:lanes[0].rate: ", "is a section here" },
	{ "lanes: [kimi, glm]", "lanes: kimi", "31:policies[0].lanes: ", "is one value here; it must be a list" },
	{ "lanes: [kimi, glm]", "lanes: []", "31:policies[0].lanes: ", "empty list" },
	{ "lanes: [kimi, glm]", "lanes: [[kimi], glm]", "31:policies[0].lanes[0]: ", "is a list here" },
	{ "lanes: [kimi, glm]", "lanes: [kimi, kimi]", "31:policies[0].lanes[1]: ", "in this list twice" },
	{ "caps: {items: 1000, bytes: 10GB, share: 50%, remain: 0}", "caps: [1]", "37:policies[0].caps: ", "is a list here; it must be a section" },
	{ "links:\n  - name: daemon\n", "links:\n    name: daemon\n", "8:links: ", "is a section here; it must be a list" },
	{ "name: test\n", "", "1:(top): ", "has no `name`" },
	{ "    dialect: openai\n    url: http://127.0.0.1:8080/v1\n", "    dialect: openai\n", "13:lanes[0]: ", "has no `url`" },
	{ "    path: app.db\n", "", "25:records[0].path: ", "is missing" },
	{ "lanes: [kimi, glm]", "lanes: &all [kimi, glm]", "31:policies[0].lanes: ", "anchors" },
	{ "lanes: [kimi, glm]", "lanes: *all", "31:policies[0].lanes: ", "aliases" },
	{ "in_flight: 64", "in_flight: !!int 64", "18:lanes[0].in_flight: ", "tags" },
	{ "in_flight: 64", "<<: {burst: 3}", "18:lanes[0].<<: ", "not a key of lane" },
	{ "in_flight: 64", "? [a]\n    : 1", "18:lanes[0]: ", "not plain text" },
	{ "approvals: 2\n", "approvals: 2\n---\nname: two\n", "39:(top): ", "second document" },
	{ "approvals: 2\n", "approvals: 2\n...\nname: two\n", "40:(top): ", "YAML" },
	{ "    rate: 20/s", "\trate: 20/s", "16:lanes[0].rate: ", "a tab indents this line" },
	{ "rate: 20/s", "rate: 'x", "16:lanes[0].rate: ", "is not YAML" },
	{ "rate: 20/s", "rate: \"\\x00\"", "16:lanes[0].rate: ", "NUL" },
	{ "account: second", "account: \xff\xfe", "23:", "not UTF-8" },
	{ "account: second", "account: \"a\\nb\"", "23:lanes[1].account: ", "control character" },
	/* names and references */
	{ "- name: daemon", "- name: Dae mon", "9:links[0].name: ", "not a name" },
	{ "- name: ben", "- name: anna", "5:operators[1].name: ", "names are unique" },
	{ "lanes: [kimi, glm]", "lanes: [kimmi, glm]", "31:policies[0].lanes[0]: ", "not in `lanes:`; did you mean `kimi`?" },
	{ "records: app", "records: web", "32:policies[0].records: ", "not in `records:`; only app" },
	{ "rate: 20/s", "depends_on: [deamon]", "16:lanes[0].depends_on[0]: ", "did you mean `daemon`?" },
	{ "path: app.db", "path: app.db\n    lanes: [{value: kimi, lane: kimi}]", "32:policies[0].lanes[1]: ", "look like an orphan" },
	{ "    records: app\n", "", "33:policies[0].rules[0].rule: ", "needs records" },
	{ "older_than: 30d", "older_than: 30d\n        of: lastused", "37:policies[0].rules[1].of: ", "write created or last_used" },
	{ "        older_than: 30d\n", "", "35:policies[0].rules[1]: ", "needs `older_than`" },
	{ "rule: orphan", "rule: size", "34:policies[0].rules[0]: ", "needs `larger_than` or `smaller_than`" },
	{ "rule: orphan", "rule: size\n        larger_than: 5MB\n        smaller_than: 5MB", "34:policies[0].rules[0]: ", "selects nothing" },
	{ "rule: orphan", "rule: purpose", "34:policies[0].rules[0]: ", "needs `purposes`" },
	{ "rule: orphan", "rule: name", "34:policies[0].rules[0]: ", "needs `names`" },
	{ "rule: orphan", "rule: orphan\n        keep: newest", "35:policies[0].rules[0].keep: ", "for the duplicate rule" },
	{ "rule: orphan", "rule: duplicate\n        keep: best", "35:policies[0].rules[0].keep: ", "write newest, oldest or referenced" },
	{ "rule: orphan", "rule: soft_deleted", "34:policies[0].rules[0]: ", "needs `longer_than`" },
	{ "rule: orphan", "any:\n        - rule: orphan\n        - rule: size", "36:policies[0].rules[0].any[1]: ", "needs `larger_than`" },
	{ "rule: orphan", "any:\n        - all:\n          - rule: agee", "36:policies[0].rules[0].any[0].all[0].rule: ", "write age" },
	{ "rule: orphan", "any:\n        - all:\n          - any:\n            - rule: orphan", "36:policies[0].rules[0].any[0].all[0].any: ", "nested too deep" },
	{ "rule: orphan", "any: []", "34:policies[0].rules[0].any: ", "group without rules" },
	{ "rule: orphan", "any: [{not: yes}]", "34:policies[0].rules[0].any[0]: ", "has no `rule`" },
	{ "rule: orphan", "rule: orphan\n        all: [{rule: expired}]", "35:policies[0].rules[0].all: ", "beside `rule`" },
	{ "rule: orphan", "any: [{rule: orphan}]\n        all: [{rule: expired}]", "34:policies[0].rules[0].any: ", "beside `all`" },
	{ "rule: orphan", "any: [{rule: orphan}]\n        older_than: 3d", "35:policies[0].rules[0].older_than: ", "for the age rule" },
	{ "rule: orphan", "any: [{rule: age, older_than: 30d}]", "35:policies[0].rules[1]: ", "has the name of another rule" },
	{ "rule: orphan", "any: {rule: orphan}", "34:policies[0].rules[0].any: ", "must be a list" },
	{ "rule: orphan", "any: [{rule: soft_deleted}]", "34:policies[0].rules[0].any[0]: ", "needs `longer_than`" },
	{ "    records: app\n    rules:\n      - rule: orphan", "    rules:\n      - any: [{rule: orphan}]", "33:policies[0].rules[0].any[0].rule: ", "needs records" },
	{ "rule: orphan", "rule: expired\n        longer_than: 3d", "35:policies[0].rules[0].longer_than: ", "for the soft_deleted rule" },
	{ "rule: orphan", "rule: dangling\n        older_than: 3d", "34:policies[0].rules[0].rule: ", "deletes no rows alone" },
	{ "rule: orphan", "rule: orphan\n        older_than: 3d", "35:policies[0].rules[0].older_than: ", "for the age rule" },
	{ "rule: age\n        older_than: 30d", "rule: orphan", "35:policies[0].rules[1]: ", "has the name of another rule of this policy, orphan" },
	/* words, and what does not exist yet */
	{ "dialect: openai\n", "dialect: s3\n    key_file: k\n", "13:lanes[0]: ", "has no `bucket`" },
	{ "dialect: openai\n", "dialect: s3\n    bucket: b-1\n", "13:lanes[0]: ", "has no `key_file`" },
	{ "dialect: openai\n", "dialect: s3\n    key_file: k\n    bucket: Big\n", "16:lanes[0].bucket: ", "no name of a bucket" },
	{ "dialect: openai\n", "dialect: s3\n    key_file: k\n    bucket: a/b\n", "16:lanes[0].bucket: ", "no name of a bucket" },
	{ "dialect: openai\n", "dialect: s3\n    key_file: k\n    bucket: b-1\n    region: \"eu west\"\n", "17:lanes[0].region: ", "no name of a region" },
	{ "dialect: openai\n", "dialect: s3\n    key_file: k\n    bucket: b-1\n    versions: some\n", "17:lanes[0].versions: ", "write current or all" },
	{ "dialect: openai\n", "dialect: s3\n    key_file: k\n    bucket: b-1\n    purposes: [x]\n", "17:lanes[0].purposes: ", "lists are whole" },
	{ "dialect: openai\n", "dialect: openai\n    prefix: logs/\n", "15:lanes[0].prefix: ", "is for the dialect s3" },
	{ "dialect: openai\n    url: http://127.0.0.1:8080/v1", "dialect: exec", "13:lanes[0]: ", "has no `command`" },
	{ "dialect: openai\n    url: http://127.0.0.1:8080/v1", "dialect: exec\n    command: [cleanup.sh, kimi]", "15:lanes[0].command: ", "absolute path" },
	{ "dialect: openai\n    url: http://127.0.0.1:8080/v1", "dialect: exec\n    command: [/c]\n    url: http://127.0.0.1:8080/v1",
	  "16:lanes[0].url: ", "nothing for the dialect exec" },
	{ "dialect: openai\n    url: http://127.0.0.1:8080/v1", "dialect: exec\n    command: [/c]\n    key_file: k",
	  "16:lanes[0].key_file: ", "nothing for the dialect exec" },
	{ "dialect: openai\n    url: http://127.0.0.1:8080/v1", "dialect: openai\n    url: http://127.0.0.1:8080/v1\n    command: [/c]",
	  "16:lanes[0].command: ", "is for the dialect exec" },
	{ "handshake: exai", "handshake: mcp", "11:links[0].handshake: ", "write none, exai, exai-dashboard or json-events" },
	{ "path: app.db", "kind: postgresql", "25:records[0].url: ", "is missing" },
	{ "path: app.db", "kind: postgresql\n    url: http://127.0.0.1/rest/v1", "27:records[0].url: ", "is for kind postgrest" },
	{ "path: app.db", "kind: postgresql\n    url: postgresql://127.0.0.1", "27:records[0].url: ", "names no database" },
	{ "path: app.db", "kind: postgresql\n    url: postgresql://me:secret@127.0.0.1/app", "27:records[0].url: ", "holds a user or password" },
	{ "path: app.db", "kind: postgrest\n    url: postgresql://127.0.0.1/app", "27:records[0].url: ", "is for kind postgresql" },
	{ "path: app.db", "kind: postgrest\n    url: http://h.example/rest\n    key_file: k", "27:records[0].url: ", "without encryption" },
	{ "path: app.db", "kind: postgrest\n    url: http://127.0.0.1/\n    user: me", "28:records[0].user: ", "for kind postgresql only" },
	{ "path: app.db", "path: app.db\n    url: postgresql://127.0.0.1/app", "27:records[0].url: ", "not for kind sqlite" },
	{ "path: app.db", "path: app.db\n    kind: mysql", "27:records[0].kind: ", "write sqlite, postgresql or postgrest" },
	{ "handshake: exai", "handshake: exai\n    floor: 2", "12:links[0].floor: ", "is above connections" },
	{ "handshake: exai", "handshake: exai\n    connections: 4\n    session_id: abc", "13:links[0].session_id: ", "cannot be shared" },
	{ "approvals: 2", "on_abort: restore", "38:policies[0].on_abort: ", "needs escrow" },
	{ "name: test", "name: test\nescrow: {lane: kimi}", "2:escrow.lane: ", "no lane of dialect s3" },
	{ "name: test", "name: test\nescrow: {lane: nowhere}", "2:escrow.lane: ", "is not in `lanes:`" },
	{ "    account: second\n", "    account: second\n" BUCKET("c", "a/") "escrow: {lane: c}\nobjects: [{name: o, type: s3, lane: c}]\n", "32:escrow.lane: ",
	  "is the lane of objects o" },
	{ "    account: second\n", "    account: second\n" BUCKET("c", "a/") BUCKET("d", "a/b/") "escrow: {lane: c}\n", "40:escrow.lane: ", "bucket and prefix of lane d" },
	{ "    account: second\n", "    account: second\n" BUCKET("c", "a/") "    versions: all\nescrow: {lane: c}\n", "33:escrow.lane: ", "versions: current" },
	{ "    dialect: openai\n    url: http://127.0.0.1:8080/v2\n    account: second\n", "    dialect: s3\n    url: http://127.0.0.1:8081\n    bucket: bbb\n    region: r\n    key_file: k\n"
	  "escrow: {lane: glm}\n", "26:escrow.lane: ", "policy old may delete from" },
	{ "approvals: 2", "auto: [cleaning]", "38:policies[0].auto[0]: ", "never opens by itself" },
	{ "approvals: 2", "order: random", "38:policies[0].order: ", "write oldest, newest, largest or smallest" },
	{ "name: test", "name: test\nengine: {log_levels: [link=debug, links=debug]}", "2:engine.log_levels: ", "MODULE=LEVEL" },
	{ "name: test", "name: test\nengine: {log_format: xml}", "2:engine.log_format: ", "write text or json" },
	{ "name: test", "name: test\nengine: {otlp: http://collector.example/v1/metrics}", "2:engine.otlp: ", "without encryption" },
	{ "name: test", "name: test\nengine: {http: 0.0.0.0:9464}", "2:engine.http: ", "not a loopback address" },
	{ "name: test", "name: test\nengine: {http: 127.0.0.1}", "2:engine.http: ", "not a loopback address" },
	{ "name: test", "name: test\nengine: {log_level: loud}", "2:engine.log_level: ", "write error, warn, info or debug" },
	/* people */
	{ "uids: [1000]", "uids: [65534]", "4:operators[0].uids[0]: ", "nobody's id" },
	{ "uids: [1000]", "uids: [anna]", "4:operators[0].uids[0]: ", "not a user id" },
	{ "uids: [1001]", "uids: [1000]", "6:operators[1].uids[0]: ", "belongs to operators[0] too" },
	{ "uids: [1000]", "keys: [\"" KEY_A "\"]", "7:operators[1].keys[0]: ", "belongs to operators[0] too" },
	{ "    uids: [1000]\n", "", "3:operators[0]: ", "neither uids nor keys" },
	{ KEY_A, "ed25519:AAAA", "7:operators[1].keys[0]: ", "not a public key" },
	{ KEY_A, "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "7:operators[1].keys[0]: ", "all zeros" },
	{ "approvals: 2", "canary: 0", "38:policies[0].canary: ", "1 to 10" },
	{ "approvals: 2", "canary: 11", "38:policies[0].canary: ", "1 to 10" },
	{ "approvals: 2", "ramp: 0", "38:policies[0].ramp: ", "1 to 3" },
	{ "approvals: 2", "ramp: 4", "38:policies[0].ramp: ", "1 to 3" },
	{ "approvals: 2", "approvals: 3", "38:policies[0].approvals: ", "asks for 3 operators and `operators:` has 2" },
	{ "approvals: 2", "irreversible_approvals: 3", "38:policies[0].irreversible_approvals: ", "asks for 3 operators" },
	{ "approvals: 2", "approvals: 2\n    irreversible_approvals: 1", "39:policies[0].irreversible_approvals: ", "less than approvals" },
	{ "approvals: 2", "plan_for: 61m", "38:policies[0].plan_for: ", "several must approve" },
	{ "approvals: 2", "plan_for: 25h", "38:policies[0].plan_for: ", "it is 1m to 1d" },
	/* addresses */
	{ "/v2\n    account: second", "/v1/\n    account: second\n    key_file: k", "",
	  "" },
	{ "/v1\n    rate: 20/s\n    max_item: 512MB\n    in_flight: 64\n    timeout: 30s\n  - name: glm\n    dialect: openai\n"
	  "    url: http://127.0.0.1:8080/v2\n    account: second",
	  "/v1\n    key_file: k\n  - name: glm\n    dialect: openai\n    url: http://127.0.0.1:8080/v1\n    account: second\n    key_file: k",
	  "21:lanes[1].key_file: ", "so both are one account" },
	{ "/v2\n    account: second", "/v1/", "22:lanes[1].url: ", "the url and account of lane kimi too" },
	{ "http://127.0.0.1:8080/v1", "HTTP://127.0.0.1:8080/v2\n    account: second", "23:lanes[1].url: ", "of lane kimi too" },
	{ "http://127.0.0.1:8080/v1", "http://a:b@127.0.0.1/", "15:lanes[0].url: ", "holds a user or password" },
	{ "http://127.0.0.1:8080/v1", "ftp://127.0.0.1/", "15:lanes[0].url: ", "does not begin with http" },
	{ "http://127.0.0.1:8080/v1", "http://127.0.0.1:0/", "15:lanes[0].url: ", "broken port" },
	{ "http://127.0.0.1:8080/v1", "http://127.0.0.1/v1?a=b", "15:lanes[0].url: ", "query" },
	{ "http://127.0.0.1:8080/v1", "http://store.example/v1\n    key_file: k", "15:lanes[0].url: ", "without encryption" },
	{ "ws://127.0.0.1:8079", "http://127.0.0.1:8079", "10:links[0].url: ", "does not begin with ws" },
	{ "ws://127.0.0.1:8079", "ws://h.example\n    token_file: t", "10:links[0].url: ", "use wss://" },
	{ "handshake: exai", "token_file: t", "11:links[0].token_file: ", "only sent in the exai hello" },
	{ "handshake: exai", "handshake: exai\n    session_id: a b", "12:links[0].session_id: ", "not a session id" },
	{ "rate: 20/s", "headers: [{name: Authorization, value: x}]", "16:lanes[0].headers[0].name: ", "key_file" },
	{ "rate: 20/s", "headers: [{name: \"a b\", value: x}]", "16:lanes[0].headers[0].name: ", "not the name of a header" },
	{ "rate: 20/s", "headers: [{name: Host, value: x}]", "16:lanes[0].headers[0].name: ", "set by the HTTP client" },
	{ "rate: 20/s", "key_file: ~/k", "16:lanes[0].key_file: ", "begins with ~" },
	{ "rate: 20/s", "retry: {network: {base: 5m}}", "16:lanes[0].retry.network: ", "above its max" },
	{ "rate: 20/s", "retry: {auth: {attempts: 5}}", "16:lanes[0].retry.auth: ", "not a key of retry" },
	{ "rate: 20/s", "breaker: {open: 20m}", "16:lanes[0].breaker.open: ", "longer than open_max" },
	{ "handshake: exai", "handshake: exai\n    events: { id: id }", "12:links[0].events: ", "only for `handshake: json-events`" },
	{ "handshake: exai", "handshake: none\n    notify: { kinds: [hold] }", "12:links[0].notify: ", "only for `handshake: json-events`" },
	{ "handshake: exai", "handshake: json-events\n    events: { ack: yes }", "12:links[0].events.ack: ", "write events.id" },
	{ "handshake: exai", "handshake: json-events\n    events: { window: 0 }", "12:links[0].events.window: ", "1" },
	{ "handshake: exai", "handshake: json-events\n    notify: { kinds: [hold, cycles] }", "12:links[0].notify.kinds: ", "no kind of the log" },
	{ "handshake: exai", "handshake: json-events\n    notify: { kinds: [hold, cycle., grant.approved] }", "", "" },
	{ "handshake: exai", "handshake: exai\n    features: { ping_interval: 5s }", "12:links[0].features: ", "there is no canary" },
	{ "handshake: exai", "handshake: exai\n    connections: 2\n    features: { pong_timeout: 5s }", "", "" },
	{ "handshake: exai", "handshake: exai\n    connections: 2\n    features: { dedup_window: 5 }", "13:links[0].features: ", "window for repeats" },
	{ "handshake: exai", "handshake: exai\n    connections: 2\n    features: { queue_items: 5 }", "13:links[0].features: ", "another queue" },
	{ "handshake: exai", "handshake: exai\n    connections: 2\n    features: { connections: 2 }", "13:links[0].features.connections: ", "fewer cannot be tried" },
	{ "handshake: exai", "handshake: exai\n    features: { connections: 2 }", "", "" },
	{ "handshake: exai", "reconnect_base: 2m", "11:links[0].reconnect_base: ", "longer than reconnect_max" },
	/* records */
	{ "path: app.db", "path: app.db\n    columns: {id: none}", "27:records[0].columns.id: ", "cannot be none" },
	{ "path: app.db", "path: app.db\n    columns: {lane: none}", "27:records[0].columns.lane: ", "there are 2 lanes" },
	{ "path: app.db", "path: app.db\n    columns: {name: \"a;drop\"}", "27:records[0].columns.name: ", "not a column name" },
	{ "path: app.db", "path: app.db\n    table: \"a b\"", "27:records[0].table: ", "not a table or column name" },
	{ ", known_id: k1", "", "28:records[0].references[0]: ", "needs `known_id`" },
	{ "path: app.db", "path: app.db\n    columns: {object: none}", "29:records[0].references[0]: ", "needs `joins`" },
	{ "approvals: 2", "protect: {names: [\"a[b\"]}", "38:policies[0].protect.names[0]: ", "never closes it" },
	{ "approvals: 2", "protect: {referenced: maybe}", "38:policies[0].protect.referenced: ", "neither yes nor no" },
};

static char dir[256], file[300];

static int make_dir(void **state)
{
	(void)state;
	unit_mkdir(dir);
	snprintf(file, sizeof(file), "%s/sluice.yaml", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

static void put(const char *text)
{
	unit_write(file, text, strlen(text), 0600);
}

/* The good file with one place changed. */
static void put_changed(const char *find, const char *with)
{
	struct buf b;
	const char *hit = strstr(good, find);
	assert_non_null(hit);
	buf_init(&b);
	buf_add(&b, good, (size_t)(hit - good));
	buf_adds(&b, with);
	buf_adds(&b, hit + strlen(find));
	put(buf_z(&b));
	buf_done(&b);
}

static struct config *loaded(void)
{
	struct config *c;
	struct err e;
	if (config_load(&c, file, &e) != RC_OK)
		fail_msg("%s", e.text);
	return c;
}

static struct config *with(const char *find, const char *by)
{
	put_changed(find, by);
	return loaded();
}

static bool row_holds(const struct row *r, const struct config_report *rep)
{
	if (!r->line[0])
		return rep->n == 0;
	if (rep->n != 1)
		return false;
	struct buf line;
	buf_init(&line);
	config_report_line(rep, 0, &line);
	const char *z = buf_z(&line) + strlen(file) + 1;
	bool ok = strncmp(z, r->line, strlen(r->line)) == 0 && strstr(z, r->says);
	buf_done(&line);
	return ok;
}

static void each_slip_gives_one_line_with_its_place(void **state)
{
	(void)state;
	int bad = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config_report rep;
		put_changed(rows[i].find, rows[i].put);
		enum rc rc = config_check(file, &rep);
		assert_int_equal(rc, rep.n ? RC_USAGE : RC_OK);
		if (!row_holds(&rows[i], &rep)) {
			bad++;
			print_message("# row %zu, `%s`: want `%s…%s`, have %zu:\n", i, rows[i].put, rows[i].line, rows[i].says, rep.n);
			for (size_t k = 0; k < rep.n; k++)
				print_message("#   %d:%s: %s\n", rep.errors[k].line, rep.errors[k].key, rep.errors[k].text);
		}
		config_report_free(&rep);
	}
	assert_true(ARRAY_LEN(rows) >= 60);
	assert_int_equal(bad, 0);
}

static void all_errors_come_at_once_in_the_order_of_the_file(void **state)
{
	(void)state;
	struct config_report rep;
	struct config *c;
	struct err e;
	put("name: x\nlanes:\n  - name: a\n    dialect: openai\n    url: nonsense\n    rate: 3\n    blub: 1\n"
	    "policies:\n  - name: p\n    lanes: [b]\n    rules: [{rule: age, older_than: 1}]\n    approvals: 1\n");
	assert_int_equal(config_check(file, &rep), RC_USAGE);
	static const int lines[] = { 5, 6, 7, 10, 11, 12 };
	assert_int_equal(rep.n, ARRAY_LEN(lines));
	for (size_t i = 0; i < rep.n; i++)
		assert_int_equal(rep.errors[i].line, lines[i]);
	config_report_free(&rep);
	assert_int_equal(config_load(&c, file, &e), RC_USAGE);
	assert_null(c);
	assert_non_null(strstr(e.text, "(and 5 more)"));
}

static void a_long_sentence_still_says_how_many_more(void **state)
{
	(void)state;
	struct config *c;
	struct err e;
	struct buf b;
	buf_init(&b);
	buf_adds(&b, "name: x\n");
	for (int i = 0; i < 5; i++)
		buf_addf(&b, "k%d_%.*s: 1\n", i, 60, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
	put(buf_z(&b));
	buf_done(&b);
	assert_int_equal(config_load(&c, file, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "(and 4 more)"));
}

static void first_error(const char *text, mode_t mode, const char *want)
{
	struct config *c;
	struct err e;
	unit_write(file, text, strlen(text), mode);
	assert_int_equal(config_load(&c, file, &e), RC_USAGE);
	if (!strstr(e.text, want))
		fail_msg("`%s` is not in: %s", want, e.text);
}

static void a_file_that_is_none_is_refused(void **state)
{
	(void)state;
	struct config *c;
	struct err e;
	first_error("", 0600, ":1:(top): the file is empty");
	first_error("# only words\n\n", 0600, ":1:(top): the file is empty");
	first_error("---\n", 0600, ":1:(top): the file is empty");
	first_error("just text\n", 0600, ":1:(top): is one value here");
	first_error("- name: x\n", 0600, ":1:(top): is a list here");
	first_error("name: x\n", 0602, "may be written by everyone");
	first_error("name: x\n", 0666, "may be written by everyone");
	assert_int_equal(config_load(&c, dir, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "not a regular file"));
	assert_int_equal(config_load(&c, "/nonexistent/x.yaml", &e), RC_USAGE);
	assert_non_null(strstr(e.text, "No such file"));
}

static void a_fifo_does_not_hang_the_start(void **state)
{
	(void)state;
	struct config *c;
	struct err e;
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(config_load(&c, file, &e), RC_USAGE);
	assert_non_null(strstr(e.text, "not a regular file"));
	unlink(file);
}

static void a_file_of_great_depth_or_length_ends_quickly(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b);
	buf_adds(&b, "name: ");
	for (int i = 0; i < 5000; i++)
		buf_addc(&b, '[');
	first_error(buf_z(&b), 0600, "nested deeper");
	buf_clear(&b);
	buf_adds(&b, "name: x\nlanes: [");
	for (int i = 0; i < 60000; i++)
		buf_adds(&b, "a,");
	first_error(buf_z(&b), 0600, "more values than");
	buf_clear(&b);
	for (int i = 0; i < 120000; i++)
		buf_adds(&b, "# padding\n");
	first_error(buf_z(&b), 0600, "at most 1 MiB");
	buf_done(&b);
}

/* Four groups with 15 members each are 64 rules; one more is refused where it stands. */
static void a_policy_has_so_many_rules_and_no_more(void **state)
{
	(void)state;
	struct buf b;
	for (int more = 0; more < 2; more++) {
		buf_init(&b);
		buf_adds(&b, "name: t\noperators: [{name: a, uids: [0]}]\nlanes: [{name: l, dialect: openai, url: \"http://localhost\"}]\n"
			 "policies:\n  - name: p\n    lanes: [l]\n    rules:\n");
		for (int g = 0; g < 4; g++) {
			buf_adds(&b, "      - any:\n");
			for (int i = 0; i < 15 + (more && g == 3); i++)
				buf_addf(&b, "        - {rule: age, name: r%d-%d, older_than: 1d}\n", g, i);
		}
		if (more) {
			first_error(buf_z(&b), 0600, "72:policies[0].rules[3].any[15]: is one rule too many");
		} else {
			put(buf_z(&b));
			struct config *c = loaded();
			assert_string_equal(c->policies[0].rules[3].name, "any-4");
			assert_string_equal(c->policies[0].rules[3].any[14].name, "r3-14");
			config_free(c);
		}
		buf_done(&b);
	}
}

static void hostile_values_are_shown_escaped(void **state)
{
	(void)state;
	first_error("name: x\nengine: {log_level: \"\\e[2J\\u202Etxt\"}\n", 0600, "<U+202E>");
	first_error("name: x\n\"\\e[31mred\": 1\n", 0600, "^[");
}

static void a_password_in_a_url_is_not_repeated(void **state)
{
	(void)state;
	struct config *c;
	struct err e;
	put_changed("http://127.0.0.1:8080/v1", "http://anna:hunter2@127.0.0.1/v1");
	assert_int_equal(config_load(&c, file, &e), RC_USAGE);
	assert_null(strstr(e.text, "hunter2"));
}

/* ---- what a good file becomes ---- */

static void the_good_file_fills_the_structs(void **state)
{
	(void)state;
	put(good);
	struct config *c = loaded();
	assert_string_equal(c->name, "test");
	assert_int_equal(c->n_lanes, 2);
	assert_int_equal(c->lanes[0].rate_mhz, 20000);
	assert_int_equal(c->lanes[0].max_item_bytes, 512000000);
	assert_int_equal(c->lanes[0].timeout_ms, 30000);
	assert_string_equal(c->lanes[0].account, "");
	assert_string_equal(c->lanes[1].account, "second");
	assert_int_equal(c->operators[1].n_keys, 1);
	assert_int_equal(c->policies[0].n_lanes, 2);
	assert_int_equal(c->policies[0].lanes[1], 1);
	assert_int_equal(c->policies[0].records, 0);
	assert_int_equal(c->policies[0].caps.bytes, 10000000000);
	assert_int_equal(c->policies[0].caps.share_bp, 5000);
	assert_int_equal(c->policies[0].irreversible_approvals, 2);
	assert_string_equal(c->policies[0].rules[0].name, "orphan");
	assert_string_equal(c->policies[0].rules[1].name, "age-created-30d");
	assert_int_equal(c->policies[0].rules[0].older_than_ms, -1);
	assert_string_equal(c->records[0].references[0].joins, "supabase_file_id");
	config_free(c);
}

static void absent_means_the_named_default(void **state)
{
	(void)state;
	put("name: t\noperators: [{name: a, uids: [0]}]\nlinks: [{name: w, url: \"wss://h.example/\"}]\n"
	    "lanes: [{name: l, dialect: openai, url: \"http://localhost\"}]\nrecords: [{name: r, path: /a.db}]\n"
	    "policies: [{name: p, lanes: [l], rules: [{rule: age, older_than: 1d}]}]\n");
	struct config *c = loaded();
	const struct cfg_lane *l = &c->lanes[0];
	const struct cfg_policy *p = &c->policies[0];
	assert_int_equal(l->page_items, 1000);
	assert_int_equal(l->in_flight, 64);
	assert_int_equal(l->rate_mhz, 20000);
	assert_int_equal(l->settle_ms, 60000);
	assert_int_equal(l->max_item_bytes, 512000000);
	assert_int_equal(l->quota_items, -1);
	assert_int_equal(l->quota_bytes, -1);
	assert_null(l->key_file);
	assert_int_equal(c->links[0].ping_interval_ms, 20000);
	assert_int_equal(c->links[0].hello_timeout_ms, 15000);
	assert_int_equal(c->links[0].connections, 1);
	assert_int_equal(c->links[0].floor, 1);
	assert_int_equal(c->links[0].spread_ms, 250);
	assert_int_equal(c->links[0].min_uptime_ms, 10000);
	assert_int_equal(c->engine.handshakes_mhz, 50000);
	assert_string_equal(c->links[0].handshake, "none");
	assert_string_equal(c->links[0].url, "wss://h.example");
	assert_int_equal(p->caps.items, 1000);
	assert_int_equal(p->caps.bytes, 10000000000);
	assert_int_equal(p->caps.share_bp, 5000);
	assert_int_equal(p->caps.remain, 0);
	assert_int_equal(p->age_floor_ms, 7200000);
	assert_int_equal(p->approvals, 1);
	assert_int_equal(p->plan_for_ms, 3600000);
	assert_int_equal(p->run_for_ms, 28800000);
	assert_int_equal(p->on_abort, CFG_ABORT_ASK);
	assert_int_equal(p->records, -1);
	assert_false(p->auto_validating || p->auto_committing || p->auto_auditing);
	assert_true(p->protect.referenced);
	assert_string_equal(c->records[0].columns.file_id.name, "provider_file_id");
	assert_false(c->records[0].columns.file_id.given);
	assert_int_equal(c->records[0].n_lanes, 1);
	assert_string_equal(c->records[0].lanes[0].value, "l");
	assert_int_equal(c->engine.clock_skew_ms, 300000);
	assert_null(c->engine.http);
	config_free(c);
}

static void the_retry_tiers_and_breaker_of_the_guard_are_the_defaults(void **state)
{
	(void)state;
	struct retry_policy want;
	struct config *c = with("rate: 20/s", "retry: {timeout: {attempts: 1}}");
	retry_policy_default(&want);
	assert_memory_equal(&c->lanes[1].retry, &want, sizeof(want));
	want.tier[RETRY_TIMEOUT].attempts = 1;
	assert_memory_equal(&c->lanes[0].retry, &want, sizeof(want));
	assert_int_equal(c->lanes[0].breaker.open_ms, 60000);
	assert_int_equal(c->lanes[0].breaker.open_max_ms, 900000);
	assert_int_equal(c->lanes[0].breaker.probe_deadline_ms, 30000);
	config_free(c);
}

static void zero_means_zero(void **state)
{
	(void)state;
	struct config *c = with("caps: {items: 1000, bytes: 10GB, share: 50%, remain: 0}", "caps: {items: 0, bytes: 0, share: 0%}");
	assert_int_equal(c->policies[0].caps.items, 0);
	assert_int_equal(c->policies[0].caps.bytes, 0);
	assert_int_equal(c->policies[0].caps.share_bp, 0);
	config_free(c);
}

static void limits_hold_at_the_limit_and_not_beyond(void **state)
{
	(void)state;
	static const struct {
		const char *put;
		int64_t is;                     /* -1 refused */
	} sizes[] = { { "in_flight: 0", -1 }, { "in_flight: 1", 1 }, { "in_flight: 999", 999 }, { "in_flight: 1000", 1000 },
		      { "in_flight: 1001", -1 }, { "burst: 3", 64 } };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct config *c;
		struct err e;
		put_changed("in_flight: 64", sizes[i].put);
		assert_int_equal(config_load(&c, file, &e), sizes[i].is < 0 ? RC_USAGE : RC_OK);
		if (c)
			assert_int_equal(c->lanes[0].in_flight, sizes[i].is);
		config_free(c);
	}
	config_free(with("approvals: 2", "plan_for: 60m"));
	config_free(with("approvals: 2", "approvals: 2\n    plan_for: 24h"));
}

static void rates_are_exact_or_slower(void **state)
{
	(void)state;
	static const struct {
		const char *put;
		int64_t mhz;
	} rates[] = { { "rate: 90/m", 1500 }, { "rate: 100/h", 27 }, { "rate: 1/s", 1000 }, { "rate: 1000000/s", 1000000000 } };
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct config *c = with("rate: 20/s", rates[i].put);
		assert_int_equal(c->lanes[0].rate_mhz, rates[i].mhz);
		config_free(c);
	}
}

static void relative_paths_begin_at_the_file(void **state)
{
	(void)state;
	char want[400];
	struct config *c = with("rate: 20/s", "key_file: keys/kimi\n    ca_file: /etc/ca.pem");
	snprintf(want, sizeof(want), "%s/keys/kimi", dir);
	assert_string_equal(c->lanes[0].key_file, want);
	assert_string_equal(c->lanes[0].ca_file, "/etc/ca.pem");
	snprintf(want, sizeof(want), "%s/app.db", dir);
	assert_string_equal(c->records[0].path, want);
	config_free(c);
}

static void a_column_may_be_named_or_switched_off(void **state)
{
	(void)state;
	struct config *c = with("path: app.db", "path: app.db\n    columns: {last_used: none, name: title}");
	const struct cfg_columns *k = &c->records[0].columns;
	assert_null(k->last_used.name);
	assert_true(k->last_used.given && k->name.given);
	assert_string_equal(k->name.name, "title");
	assert_false(k->bytes.given);
	config_free(c);
}

static void gates_open_by_themselves_only_when_written(void **state)
{
	(void)state;
	struct config *c = with("approvals: 2", "auto: [validating, auditing]");
	assert_true(c->policies[0].auto_validating && c->policies[0].auto_auditing);
	assert_false(c->policies[0].auto_committing);
	config_free(c);
}

static void entries_are_found_by_name_uid_and_key(void **state)
{
	(void)state;
	put(good);
	struct config *c = loaded();
	assert_ptr_equal(config_lane(c, SLICE_LIT("glm")), &c->lanes[1]);
	assert_int_equal(config_lane_index(c, SLICE_LIT("glm")), 1);
	assert_int_equal(config_lane_index(c, SLICE_LIT("gl")), -1);
	assert_ptr_equal(config_link(c, SLICE_LIT("daemon")), &c->links[0]);
	assert_ptr_equal(config_records(c, SLICE_LIT("app")), &c->records[0]);
	assert_ptr_equal(config_policy(c, SLICE_LIT("old")), &c->policies[0]);
	assert_null(config_policy(c, SLICE_LIT("")));
	assert_ptr_equal(config_operator_uid(c, 1001), &c->operators[1]);
	assert_null(config_operator_uid(c, 65534));
	assert_null(config_operator_uid(c, -1));
	assert_ptr_equal(config_operator_key(c, c->operators[1].keys[0].b), &c->operators[1]);
	assert_string_equal(cfg_role_name(CFG_WATCHER), "watcher");
	assert_string_equal(cfg_order_name(CFG_ORDER_LARGEST), "largest");
	assert_string_equal(cfg_rule_kind_name(CFG_RULE_ORPHAN), "orphan");
	assert_string_equal(cfg_on_abort_name(CFG_ABORT_KEEP), "keep");
	assert_int_equal(config_line(c, "lanes[1].url"), 22);
	assert_int_equal(config_line(c, "lanes[1].rate"), 20);
	config_free(c);
}

static void loopback_is_by_address_and_not_by_prefix(void **state)
{
	(void)state;
	assert_true(cfg_url_loopback("http://127.0.0.1:80/x"));
	assert_true(cfg_url_loopback("ws://localhost"));
	assert_true(cfg_url_loopback("http://[::1]:8080"));
	assert_false(cfg_url_loopback("http://127.example.com"));
	assert_false(cfg_url_loopback("http://localhost.example.com"));
	assert_false(cfg_url_loopback("http://10.0.0.1"));
}

/* ---- hashes ---- */

static struct hash hash_with(const char *find, const char *by, bool policy)
{
	struct config *c = with(find, by);
	struct hash h = policy ? c->policies[0].hash : c->hash;
	config_free(c);
	return h;
}

static void comments_order_of_keys_and_spelt_defaults_do_not_change_the_hash(void **state)
{
	(void)state;
	struct hash h = hash_with("name: test", "name: test", false);
	struct hash comment = hash_with("name: test", "# hello\nname: 'test'", false);
	struct hash order = hash_with("rate: 20/s\n    max_item: 512MB", "max_item: 512000kB\n    rate: 1200/m", false);
	struct hash spelt = hash_with("rate: 20/s", "rate: 20/s\n    burst: 20", false);
	assert_true(hash_eq(&h, &comment));
	assert_true(hash_eq(&h, &order));
	assert_true(hash_eq(&h, &spelt));
}

static void every_changed_value_changes_the_hash(void **state)
{
	(void)state;
	static const struct {
		const char *find, *put;
		bool policy;                    /* changes the policy's hash as well */
	} changes[] = {
		{ "name: test", "name: other", false },
		{ "uids: [1000]", "uids: [1002]", false },
		{ "uids: [1000]", "uids: [1000, 1002]", false },
		{ "    keys: [\"" KEY_A "\"]\n", "", false },
		{ "rate: 20/s", "rate: 21/s", false },
		{ "account: second", "account: third", false },
		{ "lanes: [kimi, glm]", "lanes: [glm, kimi]", true },
		{ "older_than: 30d", "older_than: 31d", true },
		{ "share: 50%", "share: 51%", true },
		{ "approvals: 2", "auto: [auditing]", true },
		{ "approvals: 2", "approvals: 2\n    protect: {ids: [a]}", true },
		{ "approvals: 2", "approvals: 2\n    protect: {referenced: no}", true },
		{ "path: app.db", "path: other.db", true },
		{ "path: app.db", "path: app.db\n    columns: {bytes: none}", true },
		{ "known_id: k1", "known_id: k2", true },
	};
	struct hash whole = hash_with("name: test", "name: test", false), policy = hash_with("name: test", "name: test", true);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct hash h = hash_with(changes[i].find, changes[i].put, false), p = hash_with(changes[i].find, changes[i].put, true);
		if (hash_eq(&h, &whole) || hash_eq(&p, &policy) == changes[i].policy)
			fail_msg("%s", changes[i].put);
	}
}

/* ---- files ---- */

static void credentials_must_be_there_and_private(void **state)
{
	(void)state;
	char key[300];
	snprintf(key, sizeof(key), "%s/kimi.key", dir);
	struct config *c = with("rate: 20/s", "key_file: kimi.key");
	struct config_report r = { 0 };
	assert_int_equal(config_check_files(c, &r), RC_USAGE);
	assert_int_equal(r.n, 2);
	assert_string_equal(r.errors[0].key, "lanes[0].key_file");
	assert_int_equal(r.errors[0].line, 16);
	assert_string_equal(r.errors[1].key, "records[0].path");
	config_report_free(&r);
	static const struct {
		mode_t mode;
		const char *text, *says;
	} keys[] = { { 0644, "k", "chmod 600" }, { 0600, "", "is empty" }, { 0640, "k", "chmod 600" }, { 0600, "k", NULL } };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		unit_write(key, keys[i].text, strlen(keys[i].text), keys[i].mode);
		assert_int_equal(config_check_files(c, &r), RC_USAGE);
		assert_int_equal(r.n, keys[i].says ? 2 : 1);
		if (keys[i].says)
			assert_non_null(strstr(r.errors[0].text, keys[i].says));
		config_report_free(&r);
	}
	unlink(key);
	assert_int_equal(symlink("/etc/hostname", key), 0);
	assert_int_equal(config_check_files(c, &r), RC_USAGE);
	assert_non_null(strstr(r.errors[0].text, "symbolic link"));
	config_report_free(&r);
	unlink(key);
	config_free(c);
}

/* ---- what is shipped ---- */

static char *top(const char *name)
{
	const char *dir_top = getenv("SLUICE_TOP");
	struct buf b;
	buf_init(&b);
	buf_addf(&b, "%s/%s", dir_top ? dir_top : ".", name);
	return buf_take(&b);
}

static char *shipped(const char *name)
{
	char *path = top(name), *text = unit_read(path);
	free(path);
	return text;
}

static void the_shipped_file_loads(void **state)
{
	(void)state;
	char *text = shipped("data/sluice.yaml");
	put(text);
	struct config *c = loaded();
	assert_int_equal(c->n_lanes, 3);
	struct retry_policy want;
	retry_policy_default(&want);
	assert_memory_equal(&c->lanes[0].retry, &want, sizeof(want));
	config_free(c);
	free(text);
}

/* "    rate: 20/s   # words" → key and value; false for other lines. */
static bool key_line(const char *line, char key[64], char value[200])
{
	while (*line == ' ' || *line == '-')
		line++;
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (n == 0 || n > 63 || line[n] != ':')
		return false;
	snprintf(key, 64, "%.*s", (int)n, line);
	line += n + 1;
	while (*line == ' ')
		line++;
	n = *line == '#' ? 0 : strcspn(line, "\n");
	const char *comment = strstr(line, "  #");
	if (comment && (size_t)(comment - line) < n)
		n = (size_t)(comment - line);
	while (n && line[n - 1] == ' ')
		n--;
	snprintf(value, 200, "%.*s", (int)n, line);
	return true;
}

/* Default of the key in whichever section has it; sections agree on what a key's default is or differ. */
static bool some_default_is(const struct section *s, const char *key, const char *value, bool *known, bool *has_default)
{
	bool hit = false;
	for (const struct field *f = s->fields; f->key; f++) {
		if (strcmp(f->key, key) == 0) {
			*known = true;
			*has_default |= f->def != NULL;
			hit |= !f->def || strcmp(f->def, value) == 0;
		}
		if (f->of && !f->nested)
			hit |= some_default_is(f->of, key, value, known, has_default);
	}
	return hit;
}

static void the_shipped_file_shows_the_defaults(void **state)
{
	(void)state;
	/* examples that differ from the default on purpose */
	static const char *const examples[] = { "handshake", "kind", "match", "connections" };
	char *text = shipped("data/sluice.yaml");
	int lines = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char key[64], value[200];
		if (line[0] == '#' || !key_line(line, key, value))
			continue;
		bool known = false, has_default = false, excused = false;
		bool hit = some_default_is(&section_config, key, value, &known, &has_default);
		for (size_t i = 0; i < ARRAY_LEN(examples); i++)
			excused |= strcmp(examples[i], key) == 0;
		if (!known || (has_default && !hit && !excused))
			fail_msg("data/sluice.yaml: %s: %s", key, value);
		lines++;
	}
	assert_true(lines > 100);
	free(text);
}

/* Adds "key:" of every path of the table that the text lacks. */
static void missing_keys(const struct section *s, const char *prefix, const struct config *c, const char *text, struct buf *out)
{
	for (const struct field *f = s->fields; f->key; f++) {
		char path[200], word[80];
		snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "." : "", f->key);
		snprintf(word, sizeof(word), "%s:", f->key);
		/* the line of a key that is written holds it; of one that is not, it is the section's */
		int want = config_line(c, path);
		const char *line = text;
		for (int l = 1; l < want; l++)
			line = strchr(line, '\n') + 1;
		const char *end = strchr(line, '\n'), *hit = strstr(line, word);
		if (!hit || hit > end)
			buf_addf(out, "%s ", path);
		if (f->type == FIELD_LIST)
			strcat(path, "[0]");
		if (f->of && !f->nested)
			missing_keys(f->of, path, c, text, out);
	}
}

static void the_shipped_file_has_every_key_of_the_table(void **state)
{
	(void)state;
	char *text = shipped("data/sluice.yaml");
	struct buf missing;
	buf_init(&missing);
	put(text);
	struct config *c = loaded();
	missing_keys(&section_config, "", c, text, &missing);
	/* the first lane has a url, the first rule is the orphan's, the second the age's */
	assert_string_equal(buf_z(&missing), "links[0].events links[0].events.id links[0].events.type links[0].events.sequence links[0].events.epoch "
		"links[0].events.ack links[0].events.window links[0].events.window_age links[0].notify links[0].notify.kinds links[0].notify.items "
		"links[0].notify.bytes links[0].notify.age links[0].notify.acked links[0].features links[0].features.ping_interval "
		"links[0].features.pong_timeout links[0].features.dedup_window links[0].features.dedup_age links[0].features.queue_items links[0].features.queue_bytes links[0].features.connections links[0].features.share links[0].features.margin links[0].features.sample lanes[0].command lanes[0].bucket lanes[0].region lanes[0].addressing lanes[0].prefix lanes[0].versions objects[0].lane records[0].url records[0].user records[0].writer records[0].key_file records[0].writer_key_file "
		"records[0].ca_file records[0].cleartext records[0].schema records[0].statement_timeout "
		"policies[0].rules[0].all policies[0].rules[0].any policies[0].rules[0].name policies[0].rules[0].older_than policies[0].rules[0].longer_than policies[0].rules[0].of policies[0].rules[0].not "
		"policies[0].rules[0].larger_than policies[0].rules[0].smaller_than policies[0].rules[0].purposes policies[0].rules[0].names "
		"policies[0].rules[0].statuses policies[0].rules[0].keep policies[0].rules[0].above policies[0].rules[0].until "
		"triggers[0].lane triggers[0].above triggers[0].for ");
	static const struct {
		const char *rule, *key;
	} elsewhere[] = {               /* each kind of rule stands in the file with its keys */
		{ "links[1].events", "id" }, { "links[1].events", "type" }, { "links[1].events", "sequence" }, { "links[1].events", "epoch" },
		{ "links[1].events", "ack" }, { "links[1].events", "window" }, { "links[1].events", "window_age" },
		{ "links[1].notify", "kinds" }, { "links[1].notify", "items" }, { "links[1].notify", "bytes" }, { "links[1].notify", "age" },
		{ "links[1].notify", "acked" }, { "links[1].features", "ping_interval" }, { "links[1].features", "pong_timeout" },
		{ "links[1].features", "dedup_window" }, { "links[1].features", "dedup_age" }, { "links[1].features", "queue_items" },
		{ "links[1].features", "queue_bytes" }, { "links[1].features", "connections" }, { "links[1].features", "share" }, { "links[1].features", "margin" }, { "links[1].features", "sample" },
		{ "policies[0].rules[1]", "name" }, { "policies[0].rules[1]", "older_than" }, { "policies[0].rules[1]", "of" },
		{ "policies[1].rules[0]", "not" }, { "policies[1].rules[0]", "larger_than" }, { "policies[1].rules[0]", "smaller_than" },
		{ "policies[1].rules[1]", "purposes" }, { "policies[1].rules[2]", "names" }, { "policies[1].rules[3]", "statuses" },
		{ "policies[1].rules[5]", "longer_than" }, { "policies[1].rules[8]", "all[0].older_than" }, { "policies[1].rules[8].all[1]", "any[1].larger_than" },
		{ "triggers[1]", "lane" }, { "triggers[1]", "above" }, { "triggers[2]", "for" },
		{ "policies[1].rules[6]", "keep" }, { "policies[1].rules[7]", "above" }, { "policies[1].rules[7]", "until" },
	};
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		char key[80];
		snprintf(key, sizeof(key), "%s.%s", elsewhere[i].rule, elsewhere[i].key);
		assert_true(config_line(c, key) > config_line(c, elsewhere[i].rule) || strcmp(elsewhere[i].key, "rule") == 0);
	}
	static const char *const remote[] = { "url", "user", "writer", "key_file", "writer_key_file", "ca_file", "cleartext", "schema",
					      "statement_timeout" };
	for (size_t i = 0; i < ARRAY_LEN(remote); i++) {        /* the second records section has them */
		char key[80];
		snprintf(key, sizeof(key), "records[1].%s", remote[i]);
		assert_true(config_line(c, key) > config_line(c, "records[1].name"));
	}
	assert_true(config_line(c, "objects[1].lane") > config_line(c, "objects[1].name"));
	static const char *const bucket[] = { "bucket", "region", "addressing", "prefix", "versions" };
	for (size_t i = 0; i < ARRAY_LEN(bucket); i++) {        /* the second lane has them */
		char key[80];
		snprintf(key, sizeof(key), "lanes[1].%s", bucket[i]);
		assert_true(config_line(c, key) > config_line(c, "lanes[1].name"));
	}
	config_free(c);
	buf_done(&missing);
	free(text);
}

static void the_shipped_policies_load(void **state)
{
	(void)state;
	static const char *const names[] = { "data/policies/orphans.yaml", "data/policies/stale.yaml", "data/policies/old-files.yaml" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *text = shipped(names[i]);
		struct buf b;
		buf_init(&b);
		buf_add(&b, good, (size_t)(strstr(good, "  - name: old\n") - good));
		buf_adds(&b, text);
		put(buf_z(&b));
		struct config *c = loaded();
		assert_int_equal(c->n_policies, 1);
		config_free(c);
		buf_done(&b);
		free(text);
	}
}

static void the_manual_page_says_what_the_table_says(void **state)
{
	(void)state;
	char *page = shipped("data/man/sluice.yaml.5");
	const char *from = strstr(page, ".\\\" keys begin"), *to = strstr(page, ".\\\" keys end\n");
	assert_true(from && to);
	from = strchr(from, '\n') + 1;
	struct buf want;
	buf_init(&want);
	describe_man(&want);
	/* printed by: test_config --man */
	assert_slice(((struct slice){ from, (size_t)(to - from) }), buf_z(&want));
	buf_done(&want);
	free(page);
}

static void every_default_of_the_table_is_within_its_limits(void **state)
{
	(void)state;
	struct config *c;
	struct err e;
	/* a default that its own parser refused would be an error of this file */
	put("name: t\noperators: [{name: a, uids: [1]}]\nlinks: [{name: w, url: ws://h.example}]\n"
	    "lanes: [{name: l, dialect: openai, url: http://localhost}]\nrecords: [{name: r, path: a, references: "
	    "[{table: t, column: c, known_id: x}]}]\npolicies: [{name: p, lanes: [l], rules: [{rule: age, older_than: 1d}]}]\n");
	assert_int_equal(config_load(&c, file, &e), RC_OK);
	config_free(c);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--man") == 0) {
		struct buf b;
		buf_init(&b);
		describe_man(&b);
		fputs(buf_z(&b), stdout);
		buf_done(&b);
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slip_gives_one_line_with_its_place),
		cmocka_unit_test(all_errors_come_at_once_in_the_order_of_the_file),
		cmocka_unit_test(a_long_sentence_still_says_how_many_more),
		cmocka_unit_test(a_file_that_is_none_is_refused),
		cmocka_unit_test(a_fifo_does_not_hang_the_start),
		cmocka_unit_test(a_file_of_great_depth_or_length_ends_quickly),
		cmocka_unit_test(a_policy_has_so_many_rules_and_no_more),
		cmocka_unit_test(hostile_values_are_shown_escaped),
		cmocka_unit_test(a_password_in_a_url_is_not_repeated),
		cmocka_unit_test(the_good_file_fills_the_structs),
		cmocka_unit_test(absent_means_the_named_default),
		cmocka_unit_test(the_retry_tiers_and_breaker_of_the_guard_are_the_defaults),
		cmocka_unit_test(zero_means_zero),
		cmocka_unit_test(limits_hold_at_the_limit_and_not_beyond),
		cmocka_unit_test(rates_are_exact_or_slower),
		cmocka_unit_test(relative_paths_begin_at_the_file),
		cmocka_unit_test(a_column_may_be_named_or_switched_off),
		cmocka_unit_test(gates_open_by_themselves_only_when_written),
		cmocka_unit_test(entries_are_found_by_name_uid_and_key),
		cmocka_unit_test(loopback_is_by_address_and_not_by_prefix),
		cmocka_unit_test(comments_order_of_keys_and_spelt_defaults_do_not_change_the_hash),
		cmocka_unit_test(every_changed_value_changes_the_hash),
		cmocka_unit_test(credentials_must_be_there_and_private),
		cmocka_unit_test(the_shipped_file_loads),
		cmocka_unit_test(the_shipped_file_shows_the_defaults),
		cmocka_unit_test(the_shipped_file_has_every_key_of_the_table),
		cmocka_unit_test(the_shipped_policies_load),
		cmocka_unit_test(the_manual_page_says_what_the_table_says),
		cmocka_unit_test(every_default_of_the_table_is_within_its_limits),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("config", tests, make_dir, remove_dir);
}
