// Command many is a Pulumi program with SHARES shares, 1 at least, and APPS applications with an Ingress each: the
// benchmark of growth deploys it. The applications have no pods, so that it measures the program and not the cluster.
// SERVER is the NFS server's address, HOST_KEY and PRIVATE_KEY are files, SHARE is the directory of all shares, SITE
// is the directory to publish, and CLIENTS has addresses with spaces between them.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/app"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/share"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
	shares, err1 := strconv.Atoi(os.Getenv("SHARES"))
	apps, err2 := strconv.Atoi(os.Getenv("APPS"))
	hostKey, err3 := os.ReadFile(os.Getenv("HOST_KEY"))
	privateKey, err4 := os.ReadFile(os.Getenv("PRIVATE_KEY"))
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return err
		}
	}
	if shares < 1 {
		return errors.New("SHARES is below 1, and the applications mount a share")
	}
	var clients []pulumi.StringInput
	for client := range strings.FieldsSeq(os.Getenv("CLIENTS")) {
		clients = append(clients, pulumi.String(client))
	}
	var files *share.NfsShare
	for n := range shares {
		var err error
		files, err = share.NewNfsShare(ctx, fmt.Sprintf("files-%02d", n), &share.NfsShareArgs{
			Connection: share.ConnectionArgs{
				Host:       pulumi.String(os.Getenv("SERVER")),
				HostKey:    pulumi.String(string(hostKey)),
				PrivateKey: pulumi.ToSecret(pulumi.String(string(privateKey))).(pulumi.StringOutput),
			},
			Path:    pulumi.Sprintf("%s/%02d", os.Getenv("SHARE"), n),
			Clients: clients,
			Site:    os.Getenv("SITE"),
		})
		if err != nil {
			return err
		}
	}
	// All applications come before the first exposure, which waits for its application: so they start together.
	workloads := make([]*app.BalancedApp, apps)
	for n := range workloads {
		var err error
		if workloads[n], err = app.NewBalancedApp(ctx, application(n), &app.BalancedAppArgs{Replicas: pulumi.Int(0), Mount: files.Mount}); err != nil {
			return err
		}
	}
	for n, workload := range workloads {
		_, err := exposure.NewExposure(ctx, application(n), &exposure.ExposureArgs{
			App: workload.Workload, Host: pulumi.String(application(n) + ".test"), Answers: exposure.AnswersOff,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func application(n int) string { return fmt.Sprintf("growth-%02d", n) }
