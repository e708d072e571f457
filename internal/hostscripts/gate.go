package hostscripts

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
)

// Gate is the program on the host that a login may run by sudo in place of any shell: it runs
// the scripts that its settings list, on data that it has checked.
const Gate = "/usr/local/sbin/webapp-balanced-host"

//go:embed scripts/gate.sh
var gate string

// InstallGate is a script of sh that, run as root on the NFS host, makes or changes the gate, its
// settings and the rule of sudo: the login may share directories below those given. Scripts of
// other versions that are listed already stay listed, since a share is removed by those that
// made it.
func InstallGate(login string, below []string) string {
	var settings strings.Builder
	for _, directory := range below {
		fmt.Fprintf(&settings, "below %s\n", directory)
	}
	for _, script := range []string{Look, Exports, Publish} {
		sum := sha256.Sum256([]byte(script))
		fmt.Fprintf(&settings, "script %s\n", hex.EncodeToString(sum[:]))
	}
	return fmt.Sprintf(`set -eu
umask 022
# place FILE MODE: puts standard input there in one step.
place() { rm -f "$1.new" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"; }
place %[1]s 755 <<'END OF GATE'
%[2]sEND OF GATE
settings=/etc/webapp-balanced.conf
{
	cat <<'END OF SETTINGS'
%[3]sEND OF SETTINGS
	! test -e $settings || cat $settings
} | awk '!seen[$0]++' | place $settings 644
rule='%[4]s ALL=(root) NOPASSWD: %[1]s'
place /etc/sudoers.d/webapp-balanced-%[4]s 440 <<END
$rule
END
visudo -cq || { rm /etc/sudoers.d/webapp-balanced-%[4]s; exit 1; }
echo "sudo allows: $rule"
`, Gate, gate, settings.String(), login)
}
