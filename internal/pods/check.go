package pods

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"webapp-balanced/components/check"
)

// variable matches the name of an environment variable that every shell accepts.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// imageReference matches repository[:tag][@digest], without the rarer forms.
var imageReference = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._/:-]*(@sha256:[0-9a-f]{64})?$`)

// Check adds the problems of the settings for the image and its container.
func (p Pod) Check(problems *check.Problems) {
	if !imageReference.MatchString(p.Image) {
		problems.Add("image", p.Image, "is not an image reference", "use repository:tag, such as quay.io/rhte_2019/webapp:v1")
	}
	check.Port(problems, "port", p.Port, "use the one at which the image answers, 1 to 65535")
	if !strings.HasPrefix(p.MountPath, "/") || path.Clean(p.MountPath) != p.MountPath || p.MountPath == "/" || strings.Contains(p.MountPath, ":") {
		problems.Add("mountPath", p.MountPath, "is not a directory of a container", "use an absolute path without a colon, such as /var/www/public")
	}
	if p.ReadinessPath != "" && !check.IsURLPath(p.ReadinessPath) {
		problems.Add("readinessPath", p.ReadinessPath, "is not a path to request", "use a path that starts with /, with letters, digits, dots, _, ~ and -, such as /health")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		if !variable.MatchString(name) {
			problems.Add("env", name, "is not an environment variable name", "use letters, digits and _; it must not start with a digit")
		}
	}
	if p.TolerationSeconds < 0 || p.TolerationSeconds > 24*60*60 {
		problems.Add("tolerationSeconds", p.TolerationSeconds, "is out of range", "use 0 to 86400, in seconds")
	}
	problems.OneOf("antiAffinity", p.AntiAffinity, "required", "preferred", "off")
	// Values are not repeated: there may be secrets in them.
	if _, err := p.resources(); err != nil {
		problems.Add("resources", "", err.Error(), "use requests and limits, such as {requests: {cpu: 100m, memory: 128Mi}}")
	} else if _, err := p.merged(); err != nil {
		problems.Add("podTemplate", "", err.Error(), "use the fields of a PodTemplateSpec: kubectl explain deployment.spec.template")
	}
}
