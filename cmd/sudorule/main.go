// Command sudorule prints an sh script that, run as root on the NFS host, lets a login run the program's scripts with
// sudo, on shares directly below given directories (docs/operations.md).
//
// Its exit status is 0, or 2 for a usage error.
package main

import (
	"flag"
	"fmt"
	"os"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/exports"
	"webapp-balanced/internal/hostscripts"
)

func main() {
	login := flag.String("login", "", "the user who logs in on the NFS host")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: sudorule -login USER DIRECTORY...\nDIRECTORY is one directly below which shares may be, such as /srv/nfs.")
		flag.PrintDefaults()
	}
	flag.Parse()
	var problems check.Problems
	if !check.IsUser(*login) || *login == "root" {
		problems.Add("-login", *login, "is not the name of a user", "name the one that nfs.user has")
	}
	if flag.NArg() == 0 {
		problems.Add("DIRECTORY", "", "is missing", "name the directories directly below which shares may be, such as /srv/nfs")
	}
	for _, directory := range flag.Args() {
		exports.CheckPath(&problems, directory)
	}
	if err := problems.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Print(hostscripts.InstallGate(*login, flag.Args()))
}
