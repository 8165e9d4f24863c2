# fish completion for sluice, generated from its table of verbs (CONTRIBUTING.md): do not edit
function __sluice_words
	set -l skip 0
	for word in (commandline -opc)[2..-1]
		if test $skip = 1
			set skip 0
			continue
		end
		switch $word
			case --state --config --socket
				set skip 1
			case '-*'
			case '*'
				echo $word
		end
	end
end
function __sluice_stands
	test (string join ' ' (__sluice_words)) = "$argv[1]"
end
function __sluice_verb
	string match -q -- "$argv[1] *" (string join ' ' (__sluice_words))' '
end
complete -c sluice -f
complete -c sluice -n 'true' -l state -r -F -d 'state directory'
complete -c sluice -n 'true' -l config -r -F -d 'configuration'
complete -c sluice -n 'true' -l socket -r -F -d 'the engine\'s socket'
complete -c sluice -n 'true' -l json -d 'print the result as JSON'
complete -c sluice -n '__sluice_stands ""' -a engine
complete -c sluice -n '__sluice_stands ""' -a cycle
complete -c sluice -n '__sluice_stands ""' -a protect
complete -c sluice -n '__sluice_stands ""' -a lane
complete -c sluice -n '__sluice_stands ""' -a plan
complete -c sluice -n '__sluice_stands ""' -a grant
complete -c sluice -n '__sluice_stands ""' -a policy
complete -c sluice -n '__sluice_stands ""' -a dead
complete -c sluice -n '__sluice_stands ""' -a escrow
complete -c sluice -n '__sluice_stands ""' -a audit
complete -c sluice -n '__sluice_stands ""' -a config
complete -c sluice -n '__sluice_stands ""' -a console -d 'the operator console (also: sluice alone)'
complete -c sluice -n '__sluice_verb "console"' -l theme -x -d 'dark, light, mono … or a file'
complete -c sluice -n '__sluice_verb "console"' -l ascii -d 'no characters beyond ASCII'
complete -c sluice -n '__sluice_verb "console"' -l mono -d 'no colours'
complete -c sluice -n '__sluice_verb "console"' -l dump-screen -x -d 'print one screen once'
complete -c sluice -n '__sluice_stands ""' -a watch -d 'the same screens, read-only at the socket'
complete -c sluice -n '__sluice_verb "watch"' -l theme -x -d 'dark, light, mono … or a file'
complete -c sluice -n '__sluice_verb "watch"' -l ascii -d 'no characters beyond ASCII'
complete -c sluice -n '__sluice_verb "watch"' -l mono -d 'no colours'
complete -c sluice -n '__sluice_verb "watch"' -l dump-screen -x -d 'print one screen once'
complete -c sluice -n '__sluice_stands ""' -a status -d 'engine, links, lanes and the cycle'
complete -c sluice -n '__sluice_stands "engine"' -a run -d 'run the engine in the foreground'
complete -c sluice -n '__sluice_stands "engine"' -a start -d 'start the engine in the background'
complete -c sluice -n '__sluice_stands "engine"' -a stop -d 'hold, drain and stop the engine'
complete -c sluice -n '__sluice_stands "cycle"' -a start -d 'start a cycle'
complete -c sluice -n '__sluice_verb "cycle start"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_verb "cycle start"' -l only -r -F -d 'of these items alone: a lane and an id on each line; - is the standard input'
complete -c sluice -n '__sluice_stands "cycle"' -a status -d 'where the cycle stands'
complete -c sluice -n '__sluice_verb "cycle status"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_stands "cycle"' -a step -d 'pass one gate, or open one batch'
complete -c sluice -n '__sluice_verb "cycle step"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_stands "cycle"' -a resume -d 'go on to the next gate'
complete -c sluice -n '__sluice_verb "cycle resume"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_stands "cycle"' -a hold -d 'no new sends; what is in flight settles'
complete -c sluice -n '__sluice_verb "cycle hold"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_stands "cycle"' -a ack -d 'acknowledge failures by their count'
complete -c sluice -n '__sluice_verb "cycle ack"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_stands "cycle"' -a cancel -d 'end a cycle that has deleted nothing'
complete -c sluice -n '__sluice_stands "cycle"' -a abort -d 'stop a cycle for good'
complete -c sluice -n '__sluice_verb "cycle abort"' -l how -x -a 'keep restore' -d 'what becomes of what is deleted'
complete -c sluice -n '__sluice_verb "cycle abort"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_verb "cycle abort"' -l wait -d 'wait until the cycle waits, holds or ends (600); exit by where it stands'
complete -c sluice -n '__sluice_stands "protect"' -a list -d 'items that are protected by hand'
complete -c sluice -n '__sluice_verb "protect list"' -l lane -x -d 'of this lane only'
complete -c sluice -n '__sluice_stands "protect"' -a add -d 'protect an item, whatever a policy says'
complete -c sluice -n '__sluice_verb "protect add"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_stands "protect"' -a remove -d 'protect an item no more'
complete -c sluice -n '__sluice_verb "protect remove"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_stands "lane"' -a exclude -d 'leave a lane out of the open cycle'
complete -c sluice -n '__sluice_verb "lane exclude"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_stands ""' -a breaker -d 'keep a breaker open, leave it to itself, or switch it off for a time'
complete -c sluice -n '__sluice_verb "breaker"' -a 'open auto disable lane link NAME'
complete -c sluice -n '__sluice_verb "breaker"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_verb "breaker"' -l for -x -d '10m; no option = until auto'
complete -c sluice -n '__sluice_stands "plan"' -a show -d 'the frozen plan'
complete -c sluice -n '__sluice_verb "plan show"' -l lane -x -d 'with --items: what a grant would be'
complete -c sluice -n '__sluice_verb "plan show"' -l items -x -d 'first N ranks'
complete -c sluice -n '__sluice_stands "plan"' -a items -d 'items to look at: largest, newest, random, irreversible, all'
complete -c sluice -n '__sluice_verb "plan items"' -l lane -x -d 'one lane only'
complete -c sluice -n '__sluice_verb "plan items"' -l offset -x -d 'from there'
complete -c sluice -n '__sluice_verb "plan items"' -l limit -x -d 'at most'
complete -c sluice -n '__sluice_stands "grant"' -a keygen -d 'make a signing key; prints the line for operators:'
complete -c sluice -n '__sluice_verb "grant keygen"' -F
complete -c sluice -n '__sluice_stands "grant"' -a sign -d 'sign a grant for the plan as it stands'
complete -c sluice -n '__sluice_verb "grant sign"' -l lane -x -d 'lane to grant'
complete -c sluice -n '__sluice_verb "grant sign"' -l items -x -d 'first N ranks (all)'
complete -c sluice -n '__sluice_verb "grant sign"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_verb "grant sign"' -l key -r -F -d 'signing key'
complete -c sluice -n '__sluice_verb "grant sign"' -l operator -x -d 'entry of operators:'
complete -c sluice -n '__sluice_verb "grant sign"' -l on-abort -x -a 'keep restore ask' -d 'what then (ask)'
complete -c sluice -n '__sluice_verb "grant sign"' -l out -r -F -d 'write there, not to standard output'
complete -c sluice -n '__sluice_stands "grant"' -a submit -d 'hand a signed grant to the engine'
complete -c sluice -n '__sluice_verb "grant submit"' -F
complete -c sluice -n '__sluice_stands "grant"' -a list -d 'grants of the cycle, and who approved them'
complete -c sluice -n '__sluice_stands "grant"' -a verify -d 'whose signature a grant file has and what it grants; the engine\'s plan, if one answers'
complete -c sluice -n '__sluice_verb "grant verify"' -F
complete -c sluice -n '__sluice_stands "grant"' -a revoke -d 'take back a grant or proposal before the first delete'
complete -c sluice -n '__sluice_verb "grant revoke"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_stands ""' -a candidates -d 'what the last validation said of each item'
complete -c sluice -n '__sluice_verb "candidates"' -l filter -x -d 'what is typed after / in the console: "lane:kimi age>30d !protected"'
complete -c sluice -n '__sluice_verb "candidates"' -l lane -x -d 'one lane only'
complete -c sluice -n '__sluice_verb "candidates"' -l verdict -x -d 'candidate, protected, ineligible or kept'
complete -c sluice -n '__sluice_verb "candidates"' -l text -x -d 'part of a name or id'
complete -c sluice -n '__sluice_verb "candidates"' -l order -x -d 'rank, size, age, name, id, lane, state, rule, class, where or why'
complete -c sluice -n '__sluice_verb "candidates"' -l desc -d 'largest first'
complete -c sluice -n '__sluice_verb "candidates"' -l offset -x -d 'from there'
complete -c sluice -n '__sluice_verb "candidates"' -l limit -x -d 'at most (100)'
complete -c sluice -n '__sluice_verb "candidates"' -l id -x -d 'one item with its evidence'
complete -c sluice -n '__sluice_stands ""' -a lanes -d 'file stores: lists, quotas, breakers'
complete -c sluice -n '__sluice_stands ""' -a links -d 'WebSocket links and why they are not up'
complete -c sluice -n '__sluice_stands "links"' -a diagnose -d 'look again at a link, rung by rung: where it ends, probably why, what to do'
complete -c sluice -n '__sluice_stands "links"' -a feature -d 'what a few connections try first: on, off, or promoted or rolled back'
complete -c sluice -n '__sluice_verb "links feature"' -a 'NAME FEATURE off canary on promote rollback'
complete -c sluice -n '__sluice_verb "links feature"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_stands "links"' -a retry -d 'try a link now that waits or has given up'
complete -c sluice -n '__sluice_stands ""' -a doctor -d 'every check of what the engine stands on, and what to do; exit 3 if one fails'
complete -c sluice -n '__sluice_stands ""' -a policies -d 'configured policies'
complete -c sluice -n '__sluice_stands "policy"' -a check -d 'every error of a configuration, by line, and its policies in words'
complete -c sluice -n '__sluice_verb "policy check"' -F
complete -c sluice -n '__sluice_stands "policy"' -a explain -d 'every rule on one item of the last discovery, what protects it, what comes of it'
complete -c sluice -n '__sluice_verb "policy explain"' -l lane -x -d 'where more than one has this id'
complete -c sluice -n '__sluice_stands "policy"' -a try -d 'the last discovery judged by another configuration: what it would add and remove'
complete -c sluice -n '__sluice_verb "policy try"' -F
complete -c sluice -n '__sluice_verb "policy try"' -l policy -x -d 'one policy only'
complete -c sluice -n '__sluice_stands "dead"' -a list -d 'what failed for good, by harm'
complete -c sluice -n '__sluice_verb "dead list"' -l lane -x -d 'one lane only'
complete -c sluice -n '__sluice_verb "dead list"' -l belief -x -d 'row_conflict, maybe_deleted, not_restored, maybe_restored_twice or exists'
complete -c sluice -n '__sluice_verb "dead list"' -l offset -x -d 'from there'
complete -c sluice -n '__sluice_verb "dead list"' -l limit -x -d 'at most (100)'
complete -c sluice -n '__sluice_stands "dead"' -a redrive -d 'open a cycle for these dead letters only'
complete -c sluice -n '__sluice_verb "dead redrive"' -l lane -x -d 'all of this lane'
complete -c sluice -n '__sluice_verb "dead redrive"' -l belief -x -d 'all that are believed so'
complete -c sluice -n '__sluice_stands "dead"' -a dismiss -d 'take dead letters off the list'
complete -c sluice -n '__sluice_verb "dead dismiss"' -l lane -x -d 'all of this lane'
complete -c sluice -n '__sluice_verb "dead dismiss"' -l belief -x -d 'all that are believed so'
complete -c sluice -n '__sluice_verb "dead dismiss"' -l reason -x -d 'why'
complete -c sluice -n '__sluice_stands "escrow"' -a list -d 'verified copies of what was or is going to be deleted'
complete -c sluice -n '__sluice_verb "escrow list"' -l lane -x -d 'one lane only'
complete -c sluice -n '__sluice_verb "escrow list"' -l state -x -d 'ok, started or discarded (ok)'
complete -c sluice -n '__sluice_verb "escrow list"' -l limit -x -d 'at most (1000)'
complete -c sluice -n '__sluice_stands "escrow"' -a verify -d 'read copies again and compare; exit 3 if one is damaged or missing'
complete -c sluice -n '__sluice_verb "escrow verify"' -l lane -x -d 'one lane only'
complete -c sluice -n '__sluice_stands "escrow"' -a restore -d 'a copy into a file, or uploaded again under a new id'
complete -c sluice -n '__sluice_verb "escrow restore"' -l lane -x -d 'its lane'
complete -c sluice -n '__sluice_verb "escrow restore"' -l to -r -F -d 'into a new file here; nothing is uploaded'
complete -c sluice -n '__sluice_verb "escrow restore"' -l reason -x -d 'why it is uploaded'
complete -c sluice -n '__sluice_verb "escrow restore"' -l again -d 'although it was, or may have been, before'
complete -c sluice -n '__sluice_stands "audit"' -a tail -d 'newest records of the log'
complete -c sluice -n '__sluice_verb "audit tail"' -l limit -x -d 'at most (20)'
complete -c sluice -n '__sluice_verb "audit tail"' -l kind -x -d 'one kind, or a group like grant.'
complete -c sluice -n '__sluice_verb "audit tail"' -l actor -x -d 'one actor'
complete -c sluice -n '__sluice_verb "audit tail"' -l subject -x -d 'one subject'
complete -c sluice -n '__sluice_verb "audit tail"' -l cycle -x -d 'one cycle'
complete -c sluice -n '__sluice_stands "audit"' -a show -d 'one record and its place in the chain'
complete -c sluice -n '__sluice_stands "audit"' -a verify -d 'recompute the chain'
complete -c sluice -n '__sluice_verb "audit verify"' -l offline -d 'read this state\'s files, not the engine'
complete -c sluice -n '__sluice_verb "audit verify"' -l file -r -F -d 'an export or a copy of sluice.db'
complete -c sluice -n '__sluice_verb "audit verify"' -l anchors -r -F -d 'anchors to compare with; may stand several times'
complete -c sluice -n '__sluice_verb "audit verify"' -l key -x -d 'public key whose signatures count; may stand several times'
complete -c sluice -n '__sluice_stands "audit"' -a export -d 'the whole log, oldest first'
complete -c sluice -n '__sluice_verb "audit export"' -l format -x -a 'jsonl csv' -d 'jsonl'
complete -c sluice -n '__sluice_verb "audit export"' -l signed -d 'its last line signs it'
complete -c sluice -n '__sluice_verb "audit export"' -l to -r -F -d 'into a new file, which appears when it is whole'
complete -c sluice -n '__sluice_stands "audit"' -a seal -d 'close a segment: its records leave the database for a signed file'
complete -c sluice -n '__sluice_stands "audit"' -a key -d 'the public key that signs checkpoints'
complete -c sluice -n '__sluice_stands ""' -a mode -d 'show or set the mode'
complete -c sluice -n '__sluice_verb "mode"' -a 'observe rehearse armed'
complete -c sluice -n '__sluice_stands ""' -a rpc -d 'one raw call of the protocol'
complete -c sluice -n '__sluice_verb "rpc"' -l watch -d 'on a watcher\'s connection'
complete -c sluice -n '__sluice_stands ""' -a paths -d 'where configuration, state and socket are'
complete -c sluice -n '__sluice_stands "config"' -a check -d 'every error of the configuration, by line'
complete -c sluice -n '__sluice_stands ""' -a demo -d 'a whole small world on loopback, cleaned up once'
complete -c sluice -n '__sluice_verb "demo"' -l headless -d 'no console: a signed grant drives it, and the ledger is compared'
complete -c sluice -n '__sluice_verb "demo"' -l seed -x -d 'what chance comes from (1)'
complete -c sluice -n '__sluice_verb "demo"' -l keep -r -F -d 'keep state, ledger and records there'
complete -c sluice -n '__sluice_verb "demo"' -l print-metrics -d 'the metrics page at the end'
complete -c sluice -n '__sluice_verb "demo"' -l fault -x -d 'a rule of sluice-sim(1); may stand several times'
complete -c sluice -n '__sluice_verb "demo"' -l files -x -d 'files in the first lane (240)'
complete -c sluice -n '__sluice_verb "demo"' -l no-faults -d 'without the built-in faults'
complete -c sluice -n '__sluice_verb "demo"' -l until -x -a 'armed' -d 'stop there and wait (for pictures)'
