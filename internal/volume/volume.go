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
	"webapp-balanced/internal/input"
	"webapp-balanced/internal/outside"
)

// Volume is the volume of an application and its claim, both of one name.
type Volume struct {
	// Ownership marks what is made.
	owner.Ownership
	// Origins says which values are not known yet.
	Origins                         input.Origins
	App                             string // its name begins the volume's
	Stack, Namespace                string
	Mount                           link.Mount
	StorageClass                    string
	StorageCapacity, StorageRequest string
	Labels                          map[string]string
	// released tells the volume from the one before it that its claim has given back, and that
	// Kubernetes therefore gives to nobody any more: another value replaces it. The data is
	// not touched.
	released string
	// releasedNow deletes the volume before it makes it anew: it has the same name.
	releasedNow bool
}

// DefaultStorageClass is the one of which the volume's name does not tell.
const DefaultStorageClass = "nfs"

// instanceLabel tells volumes apart
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
const instanceLabel = "app.kubernetes.io/instance"

// Look finds out whether the volume was given back, and has it made anew then, if it is ours.
func (v *Volume) Look(ctx *pulumi.Context, there outside.Cluster, s *cluster.Snapshot, isOurs bool) error {
	v.released = releasedBefore(v.Identity, v.Name())
	released, err := there.Released(ctx.Context(), s, v.Name())
	if err == nil && released != "" && isOurs {
		v.released, v.releasedNow = released, true
		_ = ctx.Log.Warn("the claim of the volume is gone from the cluster, and Kubernetes gives a volume that was released to nobody: it is made anew, over the same data. "+
			"If the namespace is gone, too, run pulumi up --refresh.", nil)
	}
	return err
}

// releasedAnnotation has the UID of the claim that gave the volume before this one back.
const releasedAnnotation = "webapp-balanced/released"

// releasedBefore is that of a volume in the stack's state, empty for none.
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

// Name has a hash of what the volume is made of.
func (v *Volume) Name() string { return v.App + "-nfs-" + v.hash() }

func (v *Volume) hash() string {
	of := []string{v.Stack, v.Namespace, v.Mount.Server, v.Mount.Path, v.StorageCapacity, v.StorageRequest, instanceLabel}
	if v.StorageClass != DefaultStorageClass { // it came later than the hash
		of = append(of, v.StorageClass)
	}
	sum := sha256.Sum256([]byte(strings.Join(of, "\n")))
	return hex.EncodeToString(sum[:4])
}

// Make makes the volume and its claim and returns the claim's name. Both
// are immutable once made, so their name holds a hash of what they are made
// of: a change makes new ones beside the old, the pods roll over to those, and
// the old ones go. Their resources are named by it, too: one that is replaced in an
// update that then fails is deleted by the next one that succeeds, also if that has
// made it anew, when the change was taken back.
//
// The volume names its claim, and the claim finds it by a label: with the
// volume's name in spec.volumeName, two workers of the controller that binds
// them get into each other's way (one writes the volume's phase, the other's
// write then conflicts), and it looks at the claim again only when it looks at
// all, every 15 s (--pvclaimbinder-sync-period of kube-controller-manager).
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
			// Recycle is deprecated and empties the share; the data is not
			// Kubernetes' to remove.
			PersistentVolumeReclaimPolicy: pulumi.String("Retain"),
			MountOptions:                  pulumi.StringArray{pulumi.String("hard"), pulumi.String("nfsvers=4.1")},
			Nfs: &corev1.NFSVolumeSourceArgs{
				Server: v.Origins.Text("mount", v.Mount.Server), Path: v.Origins.Text("mount", v.Mount.Path),
			},
			// Without a uid: the volume is kept for our claim before there is one.
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
			// A claim with a selector is given no new volume by a StorageClass.
			Selector:  &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{instanceLabel: objectName}},
			Resources: &corev1.VolumeResourceRequirementsArgs{Requests: pulumi.StringMap{"storage": pulumi.String(v.StorageRequest)}},
		},
	}, made...)
	if err != nil {
		return none, err
	}
	return claim.Metadata.Name().Elem(), nil
}
