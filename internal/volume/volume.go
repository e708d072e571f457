// Package volume makes the PersistentVolume of an NFS share and its claim.
package volume

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/input"
)

// Volume is the volume of an application and its claim, which have the same name.
type Volume struct {
	// Ownership marks the resources.
	owner.Ownership
	// Origins says which values are unknown.
	Origins                         input.Origins
	App                             string // prefix of the volume's name
	Stack, Namespace                string
	Mount                           link.Mount
	StorageClass                    string
	StorageCapacity, StorageRequest string
	Labels                          map[string]string
	// released tells the volume from an earlier one that its claim has released, and that Kubernetes
	// therefore does not bind again: another value replaces the volume. The data is not touched.
	released string
	// releasedNow deletes the volume before it is recreated, since both have the same name.
	releasedNow bool
}

// DefaultStorageClass is the class that is not part of the volume's name.
const DefaultStorageClass = "nfs"

// instanceLabel tells volumes apart
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
const instanceLabel = "app.kubernetes.io/instance"

// Inspect checks whether the volume was released, and has it recreated then, if it is ours.
func (v *Volume) Inspect(ctx *pulumi.Context, there env.Cluster, s *cluster.Snapshot, isOurs bool) error {
	v.released = releasedBefore(v.Identity, v.Name())
	released, err := there.Released(ctx.Context(), s, v.Name())
	if err == nil && released != "" && isOurs {
		v.released, v.releasedNow = released, true
		_ = ctx.Log.Warn("the claim of the volume is gone from the cluster, and Kubernetes does not bind a released volume again: it is recreated, over the same data. "+
			"If the namespace is gone, too, run pulumi up --refresh.", nil)
	}
	return err
}

// releasedAnnotation has the UID of the claim that released the earlier volume.
const releasedAnnotation = "webapp-balanced/released"

// releasedBefore returns that UID of a volume in the stack's state, empty for none.
func releasedBefore(i owner.Identity, volume string) string {
	for urn, outputs := range i.State {
		if metadata := owner.Metadata(outputs); strings.Contains(urn, "PersistentVolume::") && metadata["name"] == volume {
			annotations, _ := metadata["annotations"].(map[string]any)
			if uid, _ := annotations[releasedAnnotation].(string); uid != "" {
				return uid
			}
		}
	}
	return ""
}

// Name has a hash of the volume's settings.
func (v *Volume) Name() string { return v.App + "-nfs-" + v.hash() }

func (v *Volume) hash() string {
	of := []string{v.Stack, v.Namespace, v.Mount.Server, v.Mount.Path, v.StorageCapacity, v.StorageRequest, instanceLabel}
	if v.StorageClass != DefaultStorageClass { // added later than the hash
		of = append(of, v.StorageClass)
	}
	sum := sha256.Sum256([]byte(strings.Join(of, "\n")))
	return hex.EncodeToString(sum[:4])
}

// Make creates the volume and its claim and returns the claim's name. Both are immutable, so their name has a
// hash of their settings: a change creates new ones next to the old, the pods roll over to them, and the old
// ones are deleted. The names of the resources have the hash, too: if an update that replaces one fails, the
// next successful update deletes it, even if it has recreated it, after the change was reverted.
//
// The volume names its claim, and the claim finds it by a label: with the volume's name in spec.volumeName,
// two workers of the binding controller get into conflict (one writes the volume's phase, so the other's
// write fails), and the controller retries the claim only with all others, every 15 s
// (--pvclaimbinder-sync-period of kube-controller-manager).
func (v *Volume) Make(ctx *pulumi.Context, resource string, namespace pulumi.StringOutput, made owner.Options) (pulumi.StringOutput, error) {
	none := pulumi.StringOutput{}
	name, hash := v.Name(), v.hash()
	var objectName pulumi.StringInput = pulumi.String(name)
	if v.Origins.Unknown("mount", "namespace") {
		hash, objectName = "unknown", input.UnknownText() // in this preview
	}
	annotations := v.Annotations(nil)
	if v.released != "" {
		annotations[releasedAnnotation] = pulumi.String(v.released)
	}
	replaced := made.And(pulumi.ReplaceOnChanges([]string{fmt.Sprintf("metadata.annotations[%q]", releasedAnnotation)}))
	if v.releasedNow {
		replaced = replaced.And(pulumi.DeleteBeforeReplace(true))
	}
	labels := pulumi.ToStringMap(v.Labels)
	labels[instanceLabel] = objectName // by which its claim finds it
	modes, class := pulumi.StringArray{pulumi.String("ReadWriteMany")}, pulumi.String(v.StorageClass)

	volumeResource, claimResource := resource+"-volume-"+hash, resource+"-claim-"+hash
	replaced = replaced.And(v.Identity.Before(volumeResource, "PersistentVolume", "", name)...)
	volume, err := corev1.NewPersistentVolume(ctx, volumeResource, &corev1.PersistentVolumeArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: objectName.ToStringOutput().ToStringPtrOutput(), Annotations: annotations, Labels: labels,
		},
		Spec: &corev1.PersistentVolumeSpecArgs{
			Capacity:         pulumi.StringMap{"storage": pulumi.String(v.StorageCapacity)},
			VolumeMode:       pulumi.String("Filesystem"),
			AccessModes:      modes,
			StorageClassName: class,
			// Recycle is deprecated and empties the share; the data is not Kubernetes' to remove.
			PersistentVolumeReclaimPolicy: pulumi.String("Retain"),
			MountOptions:                  pulumi.StringArray{pulumi.String("hard"), pulumi.String("nfsvers=4.1")},
			Nfs: &corev1.NFSVolumeSourceArgs{
				Server: v.Origins.Text("mount", v.Mount.Server), Path: v.Origins.Text("mount", v.Mount.Path),
			},
			// Without a uid: the volume is reserved for our claim before that exists.
			ClaimRef: &corev1.ObjectReferenceArgs{
				ApiVersion: pulumi.String("v1"), Kind: pulumi.String("PersistentVolumeClaim"),
				Namespace: v.Origins.Text("namespace", v.Namespace).ToStringOutput().ToStringPtrOutput(), Name: objectName.ToStringOutput().ToStringPtrOutput(),
			},
		},
	}, replaced...)
	if err != nil {
		return none, err
	}
	made = made.And(v.Identity.Before(claimResource, "PersistentVolumeClaim", v.Namespace, name)...)
	claim, err := corev1.NewPersistentVolumeClaim(ctx, claimResource, &corev1.PersistentVolumeClaimArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: volume.Metadata.Name(), Namespace: namespace, Annotations: v.Annotations(nil), Labels: pulumi.ToStringMap(v.Labels)},
		Spec: &corev1.PersistentVolumeClaimSpecArgs{
			StorageClassName: class,
			AccessModes:      modes,
			// A StorageClass provisions no volume for a claim with a selector.
			Selector:  &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{instanceLabel: objectName}},
			Resources: &corev1.VolumeResourceRequirementsArgs{Requests: pulumi.StringMap{"storage": pulumi.String(v.StorageRequest)}},
		},
	}, made...)
	if err != nil {
		return none, err
	}
	return claim.Metadata.Name().Elem(), nil
}
