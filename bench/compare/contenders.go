package main

import (
	"strings"

	"webapp-balanced/lab/tools"
)

const rollout = "kubectl --namespace $NAME rollout status deployment/webapp --timeout=120s"

// These commands follow the tutorial: a file for each of its steps.
const (
	apply = "kubectl apply -f application.yaml -f service.yaml -f ingress.yaml"
	// render writes the files that a user would write by hand. This is not measured.
	render = `for file in application service ingress; do
	sed "s|\${NAME}|$NAME|g; s|\${SERVER}|$SERVER|; s|\${SHARE}|$SHARE|; s|\${IMAGE}|$IMAGE|; s|\${REPLICAS}|1|; s|\${TYPE}|ClusterIP|" -i $file.yaml
done
sed 's/type: ClusterIP/type: NodePort/' service.yaml >node-port.yaml
sed 's/replicas: 1/replicas: 2/' application.yaml >two.yaml`
	share = "$ROOT/bench/share.sh"
)

const (
	ansible = `ansible-playbook -i inventory -e "state=present app=$NAME server=$SERVER share=$SHARE site=$SITE image=$IMAGE replicas=$REPLICAS service_type=$TYPE" -e "{clients: '$CLIENTS'}" playbook.yaml`
	tofu    = `-input=false -var name=$NAME -var server=$SERVER -var share=$SHARE -var site=$SITE -var image=$IMAGE -var replicas=$REPLICAS -var type=$TYPE -var "clients=$(printf '"%s",' $CLIENTS | sed 's/.*/[&]/')" -var ssh_key=$ROOT/.lab/keys/id_ed25519 -var "ssh_host_key=$(cat $ROOT/.lab/keys/host_kubemaster.pub)"`
	up      = "pulumi up --yes --skip-preview"
)

// contenders returns the tools: first "by hand", to which the others are compared, then this program.
func contenders(set tools.Set) []contender {
	helm := set.Program("helm") + " upgrade webapp . --namespace $NAME --install --create-namespace --wait --timeout 2m " +
		"--set image=$IMAGE,replicas=$REPLICAS,nfs.server=$SERVER,nfs.path=$SHARE,service.type=$TYPE,ingress.host=$NAME.test,ingress.enabled=$([ $TYPE = ClusterIP ] && echo true || echo false)"
	tofuProgram, tofuProvider := set.Program("tofu"), tools.VersionOf("terraform-provider-kubernetes")
	return []contender{{
		name: "by hand", version: "ssh, kubectl " + tools.KubernetesVersion,
		prepare: render,
		commands: map[string]string{
			"deploy":  share + " make\n" + apply + "\n" + rollout,
			"nothing": strings.Replace(apply, "apply", "diff", 1),
			"switch":  "kubectl apply -f node-port.yaml\nkubectl --namespace $NAME delete ingress webapp",
			"back":    "kubectl apply -f service.yaml -f ingress.yaml",
			"scale":   "kubectl apply -f two.yaml\n" + rollout,
			"less":    "kubectl apply -f application.yaml\n" + rollout,
			"destroy": strings.Replace(apply, "apply", "delete --ignore-not-found", 1) + "\n" + share + " remove",
		},
	}, {
		name: "this program", version: "Pulumi " + tools.VersionOf("pulumi"),
		prepare: `cp $ROOT/Pulumi.lab.yaml $ROOT/Pulumi.$NAME.yaml
export PULUMI_STACK=$NAME
cd $ROOT
pulumi stack init $NAME --no-select
pulumi config set-all --plaintext exposure=clusterip --plaintext ingress=auto --plaintext replicas=1 --plaintext namespace=$NAME --plaintext host=$NAME.test
pulumi config set --path nfs.path $SHARE
pulumi preview`, // which compiles the program
		commands: inProjectFolder(map[string]string{
			"deploy":  up,
			"nothing": "pulumi preview",
			"switch":  up + " --config exposure=nodeport",
			"back":    up + " --config exposure=clusterip",
			"scale":   up + " --config replicas=2",
			"less":    up + " --config replicas=1",
			"destroy": "pulumi destroy --yes --skip-preview",
		}),
		remove: "cd $ROOT\npulumi stack rm $NAME --yes || true\nrm -f Pulumi.$NAME.yaml",
	}, {
		// Helm's dry run renders the chart, and does not compare it with the cluster: only a plugin does that.
		name: "Helm", version: tools.VersionOf("helm") + " and ssh",
		commands: map[string]string{
			"deploy": share + " make\n" + helm,
			"switch": helm, "back": helm, "scale": helm, "less": helm,
			"destroy": set.Program("helm") + " uninstall webapp --namespace $NAME --wait --timeout 2m --ignore-not-found\nkubectl delete namespace $NAME --ignore-not-found\n" + share + " remove",
		},
	}, {
		name: "Ansible", version: "Debian's 7.7, kubernetes.core 2.4.0",
		prepare: `cat >inventory <<END
kubemaster ansible_ssh_common_args='-F $LAB_SSH_CONFIG'
localhost ansible_python_interpreter=/usr/bin/python3
[all:vars]
ansible_pipelining=true
END`,
		commands: map[string]string{
			"deploy":  ansible,
			"nothing": ansible + " --check --diff",
			"switch":  ansible, "back": ansible, "scale": ansible, "less": ansible,
			"destroy": strings.Replace(ansible, "present", "absent", 1),
		},
	}, {
		name: "OpenTofu", version: tools.VersionOf("tofu") + ", kubernetes " + tofuProvider,
		prepare: `export TF_CLI_CONFIG_FILE=$WORK/tofurc
provider=mirror/registry.opentofu.org/hashicorp/kubernetes/` + tofuProvider + `/linux_amd64
mkdir -p $provider
ln -s ` + set.Program("terraform-provider-kubernetes") + ` $provider/terraform-provider-kubernetes_v` + tofuProvider + `
echo "provider_installation { filesystem_mirror { path = \"$WORK/mirror\" } }" >tofurc
` + tofuProgram + " init -input=false",
		commands: withVariable("KUBE_CONFIG_PATH=$KUBECONFIG TF_CLI_CONFIG_FILE=$WORK/tofurc", map[string]string{
			"deploy":  tofuProgram + " apply -auto-approve " + tofu,
			"nothing": tofuProgram + " plan " + tofu,
			"switch":  tofuProgram + " apply -auto-approve " + tofu,
			"back":    tofuProgram + " apply -auto-approve " + tofu,
			"scale":   tofuProgram + " apply -auto-approve " + tofu,
			"less":    tofuProgram + " apply -auto-approve " + tofu,
			"destroy": tofuProgram + " destroy -auto-approve " + tofu,
		}),
	}}
}

// inProjectFolder makes the commands run in the project's folder, for the benchmark's stack.
func inProjectFolder(commands map[string]string) map[string]string {
	for phase, command := range commands {
		commands[phase] = "export PULUMI_STACK=$NAME\ncd $ROOT\n" + command
	}
	return commands
}

// withVariable adds variables to the environment of the commands.
func withVariable(assignments string, commands map[string]string) map[string]string {
	for phase, command := range commands {
		commands[phase] = "export " + assignments + "\n" + command
	}
	return commands
}
