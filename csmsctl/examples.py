"""Examples of commands, for help and manual: the first of each is what is done with it most."""

# Each line is run: the first ones by `make test`, all of them by `make test-slow`. Of OCPP's commands the first one
# stands in the slice.
EXAMPLES = """\
csmsctl change-availability CP1 --connector 0 --type operative
csmsctl change-configuration 'north-*' --set HeartbeatInterval=300 --set MeterValueSampleInterval=60
csmsctl clear-cache --all --yes
csmsctl data-transfer @north --vendor org.example.csms --json
csmsctl get-configuration @north --key HeartbeatInterval,NumberOfConnectors --csv
csmsctl remote-start north-1 --tag A1B2C3 --connector 1 --dry-run --force
csmsctl remote-stop CP1 --wait
csmsctl reset 'north-*' --type soft --unless-transaction --queue 2h --yes
csmsctl unlock-connector CP1 --connector 2 --dry-run
csmsctl clear-charging-profile --all --purpose TxDefaultProfile --dry-run
csmsctl get-composite-schedule CP1 --connector 0 --duration 3600 --unit W
csmsctl set-charging-profile north-1 --connector 1 --limit 8A
csmsctl get-diagnostics @north
csmsctl signed-update-firmware north-2 --file acme-2.1.bin --signing-certificate signing.pem --bad-signature --dry-run
csmsctl install-certificate north-1 --type manufacturer --certificate root.pem
csmsctl delete-certificate north-1 --serial 1f:02 --dry-run
csmsctl get-installed-certificate-ids north-1 --type manufacturer --json
csmsctl get-log north-1 --type diagnostics --dry-run
csmsctl extended-trigger-message north-1 --message Heartbeat --dry-run
csmsctl update-firmware north-1 --file firmware-2.1.bin --retrieve-date +1h
csmsctl cancel-reservation CP1 --id 7 --dry-run --force
csmsctl reserve-now CP1 --connector 1 --tag A1B2C3 --expires tomorrow --dry-run
csmsctl get-local-list-version @north --json
csmsctl send-local-list CP1 --empty
csmsctl trigger-message @north --message StatusNotification

csmsctl call CP1 Reset '{"type":"Soft"}'
csmsctl call CP1 GetLocalListVersion
csmsctl status 'north-*'
csmsctl status --problems
csmsctl status -o json
csmsctl explain CP1 --connector 1
csmsctl explain CP1 --json
csmsctl watch @north
csmsctl watch

csmsctl cp list 'north-*'
csmsctl cp list --filter connected=no
csmsctl cp list -o name
csmsctl cp show CP1
csmsctl cp show CP1 --json
csmsctl cp add CP1 --label north --generate-password
csmsctl cp add north-1 --label north --security-profile 0
csmsctl cp set CP1 --label south --note 'level 2'
csmsctl cp set CP1 --reassert
csmsctl cp remove CP1
csmsctl cp remove north-2 --yes
csmsctl cp pending
csmsctl cp pending --since today
csmsctl cp accept CP1
csmsctl cp accept north-1 --json
csmsctl cp test CP1 --suite quick --report cp1.md
csmsctl cp test north-1 --suite quick --json
csmsctl cp rotate-key CP1
csmsctl cp rotate-key @north
csmsctl cp secure @garage --to 2 --wait
csmsctl cp secure @north --to 1 --dry-run
csmsctl cp disconnect CP1
csmsctl cp disconnect CP1 --json

csmsctl tag list --status Blocked
csmsctl tag list --sort -created_at --limit 10
csmsctl tag list --csv
csmsctl tag show A1B2C3
csmsctl tag show A1B2C3 --json
csmsctl tag unknown
csmsctl tag unknown -o csv
csmsctl tag add A1B2C3 --expires +52w --note 'Ms Jones'
csmsctl tag add C3D4E5 --parent FAMILY --label garage
csmsctl tag set A1B2C3 --max-transactions 1
csmsctl tag set A1B2C3 --expires 2027-12-31 --note 'until the end of the contract'
csmsctl tag block A1B2C3
csmsctl tag block A1B2C3 --enforce
csmsctl tag unblock A1B2C3
csmsctl tag unblock A1B2C3 --json
csmsctl tag remove A1B2C3
csmsctl tag remove DEPOT --yes
csmsctl tag import tags.csv
csmsctl tag import cards.csv --json
csmsctl tag export --output tags.csv
csmsctl tag export 'A*'

csmsctl tx list --state active
csmsctl tx list @north --since yesterday
csmsctl tx list --since 2026-11-01 --by stop --csv
csmsctl tx show 1
csmsctl tx show 1 --json
csmsctl tx explain 1
csmsctl tx explain 1 --json
csmsctl tx close 1 --reason 'meter replaced'
csmsctl tx close 1 --reason 'cable was pulled' --yes
csmsctl tx reckon 1
csmsctl tx reckon --all --dry-run
csmsctl tx settle 1 --energy 4.2kWh --reason 'as read there'
csmsctl tx settle 1 --undo --reason 'a slip' --yes
csmsctl tx meter 1 --csv
csmsctl tx meter 1 --filter measurand=Power.* --limit 20
csmsctl tx export --since -31d --output october.csv
csmsctl tx export --since monday --locale de --output week.csv
csmsctl tx orphans
csmsctl tx orphans --all --since 30d
csmsctl tx dismiss 1 --reason 'billed by hand'
csmsctl tx dismiss 1 2 --reason 'sent twice'

csmsctl reservation list --state reserved
csmsctl reservation list CP1 --since 1d -o wide
csmsctl reservation show 1
csmsctl reservation show 1 --json

csmsctl profile list
csmsctl profile list 'n*'
csmsctl profile show night
csmsctl profile show night --json
csmsctl profile add night --daily 22:00-06:00=32A,06:00-22:00=8A
csmsctl profile add winter --daily 22:00-06:00=16A,06:00-22:00=6A --time-zone Europe/Amsterdam
csmsctl profile add roof --limit 63A --purpose ChargePointMaxProfile
csmsctl profile remove night
csmsctl profile installed CP1
csmsctl profile installed -o wide
csmsctl profile preview CP1 --connector 1 --with night
csmsctl profile preview CP1 --connector 1 --duration 1d
csmsctl profile verify CP1 --connector 1
csmsctl profile verify CP1 --connector 1 --duration 1h --json
csmsctl profile reassert CP1
csmsctl profile reassert --all

csmsctl circuit list
csmsctl circuit list 'm*' --json
csmsctl circuit show main
csmsctl circuit show main --json
csmsctl circuit add garage --parent main --limit 32A
csmsctl circuit add garage --limit 32A,32A,none --reserve 10A
csmsctl circuit set main --timetable 17:00-20:00=40A
csmsctl circuit set main --timetable none --reading-max-age 5m
csmsctl circuit remove garage
csmsctl circuit remove garage --json
csmsctl circuit member add main north-1 --connector 1 --rating 16A
csmsctl circuit member add main north-1 --phases L2L3L1 --fallback 8A
csmsctl circuit limit main 25A --until +1h
csmsctl circuit limit main --clear
csmsctl circuit reading main --l1 12.4 --l2 8 --l3 9.1
csmsctl circuit reading main --l1 31.5
csmsctl circuit export --output circuits.toml
csmsctl circuit export --json
csmsctl circuit import circuits.toml --dry-run
csmsctl circuit import circuits.toml --yes

csmsctl load status
csmsctl load status --json
csmsctl load explain north-1 --connector 1
csmsctl load explain north-1 --json
csmsctl load manner north-1 --pause one_ampere
csmsctl load manner --json
csmsctl load priority --tag A1B2C3 --weight 3
csmsctl load priority --json
csmsctl load plan circuits.toml
csmsctl load plan circuits.toml --json
csmsctl load pause --until +1h
csmsctl load pause --json
csmsctl load resume
csmsctl load resume --json

csmsctl local-list status
csmsctl local-list status --filter state=drifted
csmsctl local-list show CP1
csmsctl local-list show CP1 -o csv
csmsctl local-list sync --all
csmsctl local-list sync @north --dry-run

csmsctl firmware list
csmsctl firmware list --json
csmsctl firmware add acme-2.1.bin --version 2.1
csmsctl firmware add firmware-2.1.bin --json
csmsctl firmware remove acme-2.1.bin
csmsctl firmware status @north
csmsctl firmware status --since 7d
csmsctl firmware rollout @north --file acme-2.1.bin --canary 1 --parallel 4 --only-idle

csmsctl rollout list
csmsctl rollout list --json
csmsctl rollout show 1
csmsctl rollout show 1 --json
csmsctl rollout report 1 --csv
csmsctl rollout report 1 --filter state=waiting
csmsctl rollout pause 1
csmsctl rollout pause 1 --json
csmsctl rollout resume 1
csmsctl rollout resume 1 --json
csmsctl rollout cancel 1
csmsctl rollout cancel 1 --yes

csmsctl diagnostics list --charge-point CP1
csmsctl diagnostics list --since today
csmsctl diagnostics status CP1
csmsctl diagnostics status -o csv
csmsctl diagnostics get 1 --output cp1.zip
csmsctl diagnostics get 1 --output -
csmsctl diagnostics remove 1

csmsctl config export --all > site.toml
csmsctl config export CP1
csmsctl config plan site.toml
csmsctl config plan site.toml --cached --json
csmsctl config apply site.toml @north
csmsctl config drift site.toml --skip-offline
csmsctl config drift site.toml @north --skip-offline --json

csmsctl task list --charge-point CP1 --since -1d
csmsctl task list --state queued
csmsctl task list --action Reset --since yesterday
csmsctl task show 1
csmsctl task show 1 --json
csmsctl task cancel 1
csmsctl task cancel 1 --json
csmsctl task wait 1 --timeout 600
csmsctl task wait 1 2

csmsctl export transactions --after-cursor billing.cursor --output new.csv
csmsctl export transactions --json

csmsctl report --month last --by parent --tariff tariff.toml
csmsctl report --month 2026-11 --by tag
csmsctl report --month last --by charge-point --tariff tariff.toml --csv
csmsctl log CP1 -f
csmsctl log CP1 --action StatusNotification --since 1h
csmsctl log --direction out --limit 5
csmsctl events -f --json
csmsctl events --type transaction.started --since today
csmsctl events CP1 --limit 10
csmsctl security-events CP1 --since -1d
csmsctl security-events --type InvalidFirmwareSignature --json
csmsctl check --critical offline=3 --warning backup_age=26h
csmsctl check @north --warning offline=1

csmsctl cert init --name csms.local --name 192.168.1.10 --organization 'My CPO'
csmsctl cert init --name csms.local --name 192.168.1.10 --organization 'My CPO' --json
csmsctl cert list --expiring 30d
csmsctl cert list --kind server -o wide
csmsctl cert show 1
csmsctl cert show 2 --json
csmsctl cert sign CP1 --csr cp1.csr --output cp1.pem
csmsctl cert sign north-1
csmsctl cert renew
csmsctl cert renew @north --dry-run
csmsctl cert revoke CP1 --reason 'was stolen'
csmsctl cert revoke 4 --reason 'a test' --yes
csmsctl cert export --output csms-root.pem
csmsctl cert export 2 --with-root
csmsctl cert export-ca csms-ca.key
csmsctl cert export-ca csms-ca-copy.key --json

csmsctl tls check
csmsctl tls check csms.example.com:443 --name csms.example.com
csmsctl tls reload
csmsctl tls reload --json
csmsctl tls hook certbot
csmsctl tls hook certbot --user csms --json

csmsctl backup create csms-backup.db
csmsctl backup create . --json
csmsctl backup verify csms-backup.db
csmsctl backup verify csms-backup.db --json

csmsctl prune meter_values --older-than 400 --dry-run
csmsctl prune tasks --older-than 30 --dry-run --json

csmsctl daemon info
csmsctl daemon info --json
csmsctl daemon reload
csmsctl daemon reload --json
csmsctl daemon wait-ready --timeout 10
csmsctl daemon wait-ready --json

csmsctl auth can-i reset CP1
csmsctl auth can-i remote-start CP1
csmsctl auth whoami
csmsctl auth whoami --json

csmsctl audit --refused --since -7d
csmsctl audit --since -1d --json
csmsctl rpc transaction.list '{"state":"active"}'
csmsctl rpc daemon.figures
csmsctl shell
csmsctl shell --color never
csmsctl batch commands.txt
csmsctl batch commands.txt --parallel 1 --fail-fast
csmsctl help tx list
csmsctl help remote-start
csmsctl version
csmsctl version --json
csmsctl completion bash
csmsctl completion fish
csmsctl simulate
csmsctl simulate --count 3 --auto --speed 60
csmsctl simulate --count 3 --tag TAG --car 3x16A,late=30s --circuits circuits.toml
csmsctl conformance --report report.md
csmsctl conformance --case TC_001_CSMS --case TC_003_CSMS
"""


def examples_of_command(name: str, declared: str = "") -> list[str]:
    """Those of the command that is typed with these words; `declared` is the first one of a command of OCPP."""
    start = f"csmsctl {name}"
    found = [line for line in EXAMPLES.splitlines() if line == start or line.startswith(f"{start} ")]
    return [declared, *found] if declared else found
