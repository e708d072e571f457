package hostscripts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"webapp-balanced/internal/exports"
)

// Gate is the program on the host that a login may run with sudo instead of a shell: it runs the scripts
// that its settings list, on data that it has checked.
const Gate = "/usr/local/sbin/webapp-balanced-host"

// GateSettings is the directory of the logins' settings, one file each.
const GateSettings = "/etc/webapp-balanced"

// InstallGate returns an sh script that, run as root on the NFS host, creates or updates the gate, the
// login's settings and its sudo rule: the login may share directories directly below the given ones.
// Listed scripts of other versions stay, since the version that made a share also removes it.
func InstallGate(login string, below []string) string {
	var settings strings.Builder
	for _, directory := range below {
		fmt.Fprintf(&settings, "below %s\n", directory)
	}
	for _, script := range []string{Inspect, Exports, Publish} {
		sum := sha256.Sum256([]byte(script))
		fmt.Fprintf(&settings, "script %s\n", hex.EncodeToString(sum[:]))
	}
	return strings.NewReplacer("GATE_FILE", Gate, "GATE_TEXT", gate(), "SETTINGS_DIRECTORY", GateSettings, "SETTINGS_TEXT", settings.String(), "LOGIN", login, "DIRECTORIES", strings.Join(below, " ")).Replace(installGate)
}

// notForLogins are options that expose more than the share: root's files, and the disk itself. insecure
// would let a program of any user be a client.
var notForLogins = []string{"no_root_squash", "insecure", "pnfs"}

// gate returns the program with the rules for its data.
func gate() string {
	options := slices.DeleteFunc(slices.Sorted(maps.Keys(exports.Options)), func(option string) bool {
		return exports.Options[option] != "" || slices.Contains(notForLogins, option)
	})
	return strings.NewReplacer("PLAIN_OPTIONS", " "+strings.Join(options, " ")+" ",
		"LONGEST_CLIENT", strconv.Itoa(exports.LongestClient), "LONGEST_OPTIONS", strconv.Itoa(exports.LongestOptions), "GATE_AWK", awkProgram("gate.awk")).Replace(scriptFile("gate.sh"))
}

const installGate = `set -eu
umask 022
settings=SETTINGS_DIRECTORY/LOGIN rule='LOGIN ALL=(root) NOPASSWD: GATE_FILE' file=/etc/sudoers.d/webapp-balanced-LOGIN
command -v visudo >/dev/null || { echo "there is no sudo on this host: install it" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "run this as root" >&2; exit 1; }
id LOGIN >/dev/null
# place FILE MODE: puts standard input there in one step.
place() { rm -f "$1.new" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"; }
place GATE_FILE 755 <<'END OF GATE'
GATE_TEXTEND OF GATE
mkdir -p SETTINGS_DIRECTORY
for directory in DIRECTORIES; do
	mkdir -p "$directory"
	[ "$(readlink -f "$directory")" = "$directory" ] || { echo "$directory is really $(readlink -f "$directory"): name that" >&2; exit 1; }
done
{
	cat <<'END OF SETTINGS'
SETTINGS_TEXTEND OF SETTINGS
	! test -e $settings || cat $settings
} | awk '!seen[$0]++' | place $settings 644
echo "$rule" | visudo -cqf - || { echo "sudo does not take the rule, so nothing is allowed: $rule" >&2; exit 1; }
echo "$rule" | place $file 440
echo "sudo allows: $rule"
`
