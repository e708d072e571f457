// Command many is a Pulumi program with SHARES shares, and APPS applications with an Ingress each: the benchmark of
// growth deploys it. The applications have no pods, so that it measures the program and not the cluster.
package main

import (
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
			Path:    pulumi.Sprintf("/srv/nfs/bench-growth/%02d", n),
			Clients: clients,
			Site:    os.Getenv("SITE"),
		})
		if err != nil {
			return err
		}
	}
	for n := range apps {
		name := fmt.Sprintf("growth-%02d", n)
		application, err := app.NewBalancedApp(ctx, name, &app.BalancedAppArgs{Replicas: pulumi.Int(0), Mount: files.Mount})
		if err != nil {
			return err
		}
		_, err = exposure.NewExposure(ctx, name, &exposure.ExposureArgs{
			App: application.Workload, Host: pulumi.String(name + ".test"), Answers: exposure.AnswersOff,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
