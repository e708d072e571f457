package share

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/hostscripts"
	"webapp-balanced/internal/nfshost"
)

// Plan is a share before its creation: its settings, and what was found on the host.
type Plan struct {
	Settings
	name  string
	share hostscripts.Share
	found hostscripts.Found
	host  env.NFSServer

	unreadable error // why the site could not be read
}

// Path returns the directory's path as NFS 4 clients see it: without symbolic links, if the host could be read.
func (p *Plan) Path() string { return cmp.Or(p.found.Real, p.Settings.Path) }

// Recreated returns when the directory was found missing, see [link.Mount].
func (p *Plan) Recreated() string { return p.found.Recreated() }

// accessProperties are the properties that are needed to read the host.
var accessProperties = []string{"connection.host", "connection.user", "connection.hostKey", "connection.privateKey", "connection.privateKeyPassword", "path", "options"}

// LogIn starts to log in to the host, if the settings are good, while the program does something else. [Prepare]
// returns the error of the login.
func (s Settings) LogIn(ctx *pulumi.Context) {
	if !s.Origins.Unknown(accessProperties...) && len(s.Validate()) == 0 {
		env.Of(ctx).NFSServer(s.Login()).LogIn(ctx.Context())
	}
}

// Prepare reads the site, and the host over one connection: the directory's real path and, to detect drift, the
// share's state there. It changes nothing and takes no lock. The problems include what an update would refuse. An
// error says why the host could not be read. If the site could be read, a preview can still use the plan.
func Prepare(ctx *pulumi.Context, name string, s Settings) (*Plan, check.Problems, error) {
	p := &Plan{Settings: s, name: name, share: hostscripts.Share{
		Project: ctx.Project(), Stack: ctx.Stack(), Name: name, Identity: s.Identity.ID,
		Path: s.Path, Options: s.Options, Clients: s.Clients,
		Adopt: s.Adopt, DeleteOnDestroy: s.DeleteOnDestroy, Sudo: s.Sudo,
	}}
	problems := s.Validate()
	if len(problems) > 0 {
		return p, problems, nil
	}
	p.host = env.Of(ctx).NFSServer(s.Login())
	if s.Site != "" {
		var err error
		if p.share.Files, err = hostscripts.Files(s.Site); err != nil {
			p.unreadable = err
			return p, nil, err
		}
	}
	if s.Origins.Unknown(accessProperties...) {
		return p, nil, nil
	}
	var more []string
	switch {
	case !*s.DetectDrift:
		more = append(more, "inspect nothing")
	case s.Identity.Deployed(name+"-exports", "directory "+s.Path):
		more = append(more, "deployed yes")
	}
	var err error
	if p.found, err = p.inspect(ctx.Context(), more...); err != nil {
		return p, nil, err
	}
	for _, c := range p.found.Conflicts {
		property := c.Property
		if property == "host" {
			property = "connection.host"
		}
		problems.Add(property, s.valueOf(property), c.Reason, c.Hint)
	}
	if drift := p.found.String(); drift != "" {
		_ = ctx.Log.Warn("the NFS host has changed since the last update; the next update repairs this:"+drift, nil)
	}
	for _, warning := range p.found.Warnings {
		_ = ctx.Log.Warn("on the NFS host "+s.Host+", outside this stack: "+warning, nil)
	}
	return p, problems, nil
}

// inspect reads the host with one script, since a process costs more than anything that the script does.
func (p *Plan) inspect(ctx context.Context, more ...string) (hostscripts.Found, error) {
	outputs, err := p.host.Run(ctx, nfshost.Command{
		Line:  p.share.Command("probe", p.share.Block()),
		Stdin: p.share.Input(hostscripts.Inspect, p.share.InspectData(more...)),
	})
	if err != nil {
		return hostscripts.Found{}, err
	}
	return hostscripts.ParseFound(outputs[0], time.Now()), nil
}

func (s Settings) valueOf(property string) string {
	switch property {
	case "connection.host":
		return s.Host
	case "clients":
		return strings.Join(s.Clients, ", ")
	case "options":
		return strings.Join(s.Options, ",")
	case "site":
		return s.Site
	}
	return s.Path
}

// stage copies the files that the host lacks, and reports the progress.
func (p *Plan) stage(ctx *pulumi.Context, share pulumi.Resource) error {
	lacking := p.found.Lacking
	if !*p.DetectDrift {
		found, err := p.inspect(ctx.Context())
		if err != nil {
			return err
		}
		lacking = found.Lacking
	}
	var staged []nfshost.File
	for _, file := range p.share.Files {
		if lacking[file.SHA256] {
			staged = append(staged, nfshost.File{Local: file.Local, Name: file.SHA256})
			delete(lacking, file.SHA256)
		}
	}
	if len(staged) == 0 {
		return nil
	}
	last := -1
	return p.host.Stage(ctx.Context(), p.share.Staging(), staged, func(done, all int64) {
		if percent := int(done * 100 / max(all, 1)); percent != last {
			last = percent
			_ = ctx.Log.Info(fmt.Sprintf("site: %d of %d MB sent, %d %%", done>>20, all>>20, percent), &pulumi.LogArgs{Resource: share, Ephemeral: true})
		}
	})
}
