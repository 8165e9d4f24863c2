# bash completion for sluice, generated from its table of verbs (CONTRIBUTING.md): do not edit
# shellcheck shell=bash disable=SC2207,SC2209
_sluice()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb="" word i
	local takes="" args="" files="" opts="--state --config --socket --json --help"
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--state | --config | --socket) ((i++)) || : ;;
		-*) ;;
		*) verb+=${verb:+ }$word ;;
		esac
	done
	case $prev in
	--state) takes=file ;;
	--config) takes=file ;;
	--socket) takes=file ;;
	esac
	case $verb in
	"") args="console watch status engine cycle protect lane breaker plan grant candidates lanes links doctor policies policy dead escrow audit mode rpc paths config demo" ;;
	"engine") args="run start stop" ;;
	"cycle") args="start status step resume hold ack cancel abort" ;;
	"protect") args="list add remove" ;;
	"lane") args="exclude" ;;
	"plan") args="show items" ;;
	"grant") args="keygen sign submit list verify revoke" ;;
	"policy") args="check explain try" ;;
	"dead") args="list redrive dismiss" ;;
	"escrow") args="list verify restore" ;;
	"audit") args="tail show verify export seal key" ;;
	"config") args="check" ;;
	"console" | "console "*)
		opts+=" --theme --ascii --mono --dump-screen"
		case $prev in
		--theme) takes=text ;;
		--dump-screen) takes=text ;;
		esac
		;;
	"watch" | "watch "*)
		opts+=" --theme --ascii --mono --dump-screen"
		case $prev in
		--theme) takes=text ;;
		--dump-screen) takes=text ;;
		esac
		;;
	"status" | "status "*)
		opts+=" "
		;;
	"engine run" | "engine run "*)
		opts+=" "
		;;
	"engine start" | "engine start "*)
		opts+=" "
		;;
	"engine stop" | "engine stop "*)
		opts+=" "
		;;
	"cycle start" | "cycle start "*)
		opts+=" --wait --only"
		case $prev in
		--only) takes=file ;;
		esac
		;;
	"cycle status" | "cycle status "*)
		opts+=" --wait"
		;;
	"cycle step" | "cycle step "*)
		opts+=" --wait"
		;;
	"cycle resume" | "cycle resume "*)
		opts+=" --wait"
		;;
	"cycle hold" | "cycle hold "*)
		opts+=" --wait"
		;;
	"cycle ack" | "cycle ack "*)
		opts+=" --wait"
		;;
	"cycle cancel" | "cycle cancel "*)
		opts+=" "
		;;
	"cycle abort" | "cycle abort "*)
		opts+=" --how --reason --wait"
		case $prev in
		--how) takes=words args="keep restore" ;;
		--reason) takes=text ;;
		esac
		;;
	"protect list" | "protect list "*)
		opts+=" --lane"
		case $prev in
		--lane) takes=text ;;
		esac
		;;
	"protect add" | "protect add "*)
		opts+=" --reason"
		case $prev in
		--reason) takes=text ;;
		esac
		;;
	"protect remove" | "protect remove "*)
		opts+=" --reason"
		case $prev in
		--reason) takes=text ;;
		esac
		;;
	"lane exclude" | "lane exclude "*)
		opts+=" --reason"
		case $prev in
		--reason) takes=text ;;
		esac
		;;
	"breaker" | "breaker "*)
		opts+=" --reason --for"
		args="open auto disable lane link NAME"
		case $prev in
		--reason) takes=text ;;
		--for) takes=text ;;
		esac
		;;
	"plan show" | "plan show "*)
		opts+=" --lane --items"
		case $prev in
		--lane) takes=text ;;
		--items) takes=text ;;
		esac
		;;
	"plan items" | "plan items "*)
		opts+=" --lane --offset --limit"
		case $prev in
		--lane) takes=text ;;
		--offset) takes=text ;;
		--limit) takes=text ;;
		esac
		;;
	"grant keygen" | "grant keygen "*)
		opts+=" "
		files=1
		;;
	"grant sign" | "grant sign "*)
		opts+=" --lane --items --reason --key --operator --on-abort --out"
		case $prev in
		--lane) takes=text ;;
		--items) takes=text ;;
		--reason) takes=text ;;
		--key) takes=file ;;
		--operator) takes=text ;;
		--on-abort) takes=words args="keep restore ask" ;;
		--out) takes=file ;;
		esac
		;;
	"grant submit" | "grant submit "*)
		opts+=" "
		files=1
		;;
	"grant list" | "grant list "*)
		opts+=" "
		;;
	"grant verify" | "grant verify "*)
		opts+=" "
		files=1
		;;
	"grant revoke" | "grant revoke "*)
		opts+=" --reason"
		case $prev in
		--reason) takes=text ;;
		esac
		;;
	"candidates" | "candidates "*)
		opts+=" --filter --lane --verdict --text --order --desc --offset --limit --id"
		case $prev in
		--filter) takes=text ;;
		--lane) takes=text ;;
		--verdict) takes=text ;;
		--text) takes=text ;;
		--order) takes=text ;;
		--offset) takes=text ;;
		--limit) takes=text ;;
		--id) takes=text ;;
		esac
		;;
	"lanes" | "lanes "*)
		opts+=" "
		;;
	"links" | "links "*)
		opts+=" "
		;;
	"links diagnose" | "links diagnose "*)
		opts+=" "
		;;
	"links feature" | "links feature "*)
		opts+=" --reason"
		args="NAME FEATURE off canary on promote rollback"
		case $prev in
		--reason) takes=text ;;
		esac
		;;
	"links retry" | "links retry "*)
		opts+=" "
		;;
	"doctor" | "doctor "*)
		opts+=" "
		;;
	"policies" | "policies "*)
		opts+=" "
		;;
	"policy check" | "policy check "*)
		opts+=" "
		files=1
		;;
	"policy explain" | "policy explain "*)
		opts+=" --lane"
		case $prev in
		--lane) takes=text ;;
		esac
		;;
	"policy try" | "policy try "*)
		opts+=" --policy"
		files=1
		case $prev in
		--policy) takes=text ;;
		esac
		;;
	"dead list" | "dead list "*)
		opts+=" --lane --belief --offset --limit"
		case $prev in
		--lane) takes=text ;;
		--belief) takes=text ;;
		--offset) takes=text ;;
		--limit) takes=text ;;
		esac
		;;
	"dead redrive" | "dead redrive "*)
		opts+=" --lane --belief"
		case $prev in
		--lane) takes=text ;;
		--belief) takes=text ;;
		esac
		;;
	"dead dismiss" | "dead dismiss "*)
		opts+=" --lane --belief --reason"
		case $prev in
		--lane) takes=text ;;
		--belief) takes=text ;;
		--reason) takes=text ;;
		esac
		;;
	"escrow list" | "escrow list "*)
		opts+=" --lane --state --limit"
		case $prev in
		--lane) takes=text ;;
		--state) takes=text ;;
		--limit) takes=text ;;
		esac
		;;
	"escrow verify" | "escrow verify "*)
		opts+=" --lane"
		case $prev in
		--lane) takes=text ;;
		esac
		;;
	"escrow restore" | "escrow restore "*)
		opts+=" --lane --to --reason --again"
		case $prev in
		--lane) takes=text ;;
		--to) takes=file ;;
		--reason) takes=text ;;
		esac
		;;
	"audit tail" | "audit tail "*)
		opts+=" --limit --kind --actor --subject --cycle"
		case $prev in
		--limit) takes=text ;;
		--kind) takes=text ;;
		--actor) takes=text ;;
		--subject) takes=text ;;
		--cycle) takes=text ;;
		esac
		;;
	"audit show" | "audit show "*)
		opts+=" "
		;;
	"audit verify" | "audit verify "*)
		opts+=" --offline --file --anchors --key"
		case $prev in
		--file) takes=file ;;
		--anchors) takes=file ;;
		--key) takes=text ;;
		esac
		;;
	"audit export" | "audit export "*)
		opts+=" --format --signed --to"
		case $prev in
		--format) takes=words args="jsonl csv" ;;
		--to) takes=file ;;
		esac
		;;
	"audit seal" | "audit seal "*)
		opts+=" "
		;;
	"audit key" | "audit key "*)
		opts+=" "
		;;
	"mode" | "mode "*)
		opts+=" "
		args="observe rehearse armed"
		;;
	"rpc" | "rpc "*)
		opts+=" --watch"
		;;
	"paths" | "paths "*)
		opts+=" "
		;;
	"config check" | "config check "*)
		opts+=" "
		;;
	"demo" | "demo "*)
		opts+=" --headless --seed --keep --print-metrics --fault --files --no-faults --until"
		case $prev in
		--seed) takes=text ;;
		--keep) takes=file ;;
		--fault) takes=text ;;
		--files) takes=text ;;
		--until) takes=words args="armed" ;;
		esac
		;;
	esac
	COMPREPLY=()
	if [[ $takes == file || ( -z $takes && -n $files && $cur != -* ) ]]; then
		COMPREPLY=($(compgen -f -- "$cur"))
	elif [[ $takes == words || ( -z $takes && $cur != -* ) ]]; then
		COMPREPLY=($(compgen -W "$args" -- "$cur"))
	elif [[ -z $takes ]]; then
		COMPREPLY=($(compgen -W "$opts" -- "$cur"))
	fi
}
complete -o filenames -F _sluice sluice
