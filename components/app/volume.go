package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
)

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

const volumePrefix = "webapp-balanced-nfs-"

// volumeName has a hash of what the volume is made of.
func (a BalancedAppArgs) volumeName(stack string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{stack, a.Namespace, a.Server, a.Path, a.StorageCapacity, a.StorageRequest, instanceLabel}, "\n")))
	return volumePrefix + hex.EncodeToString(sum[:4])
}

// newVolume makes the volume and its claim and returns the claim's name. Both
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
func (a *Plan) newVolume(ctx *pulumi.Context, namespace pulumi.StringOutput, made owner.Options) (pulumi.StringOutput, error) {
	none := pulumi.StringOutput{}
	objectName := pulumi.String(a.volumeName(ctx.Stack()))
	annotations := a.Annotations(nil)
	if a.released != "" {
		annotations[releasedAnnotation] = pulumi.String(a.released)
	}
	replaced := made.And(pulumi.ReplaceOnChanges([]string{fmt.Sprintf("metadata.annotations[%q]", releasedAnnotation)}))
	if a.releasedNow {
		replaced = replaced.And(pulumi.DeleteBeforeReplace(true))
	}
	modes, class := pulumi.StringArray{pulumi.String("ReadWriteMany")}, pulumi.String("nfs")

	hash := strings.TrimPrefix(string(objectName), volumePrefix)
	volumeResource, claimResource := a.name+"-volume-"+hash, a.name+"-claim-"+hash
	replaced = replaced.And(a.Identity.Before(volumeResource, "PersistentVolume", "", string(objectName))...)
	volume, err := corev1.NewPersistentVolume(ctx, volumeResource, &corev1.PersistentVolumeArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: objectName, Annotations: annotations,
			Labels: pulumi.StringMap{"app": pulumi.String(AppName), instanceLabel: objectName},
		},
		Spec: &corev1.PersistentVolumeSpecArgs{
			Capacity:         pulumi.StringMap{"storage": pulumi.String(a.StorageCapacity)},
			VolumeMode:       pulumi.String("Filesystem"),
			AccessModes:      modes,
			StorageClassName: class,
			// Recycle is deprecated and empties the share; the data is not
			// Kubernetes' to remove.
			PersistentVolumeReclaimPolicy: pulumi.String("Retain"),
			MountOptions:                  pulumi.StringArray{pulumi.String("hard"), pulumi.String("nfsvers=4.1")},
			Nfs:                           &corev1.NFSVolumeSourceArgs{Server: pulumi.String(a.Server), Path: pulumi.String(a.Path)},
			// Without a uid: the volume is kept for our claim before there is one.
			ClaimRef: &corev1.ObjectReferenceArgs{
				ApiVersion: pulumi.String("v1"), Kind: pulumi.String("PersistentVolumeClaim"),
				Namespace: pulumi.String(a.Namespace), Name: objectName,
			},
		},
	}, replaced...)
	if err != nil {
		return none, err
	}
	made = made.And(a.Identity.Before(claimResource, "PersistentVolumeClaim", a.Namespace, string(objectName))...)
	claim, err := corev1.NewPersistentVolumeClaim(ctx, claimResource, &corev1.PersistentVolumeClaimArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: volume.Metadata.Name(), Namespace: namespace, Annotations: a.Annotations(nil)},
		Spec: &corev1.PersistentVolumeClaimSpecArgs{
			StorageClassName: class,
			AccessModes:      modes,
			// A claim with a selector is given no new volume by a StorageClass.
			Selector:  &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{instanceLabel: objectName}},
			Resources: &corev1.VolumeResourceRequirementsArgs{Requests: pulumi.StringMap{"storage": pulumi.String(a.StorageRequest)}},
		},
	}, made...)
	if err != nil {
		return none, err
	}
	return claim.Metadata.Name().Elem(), nil
}
