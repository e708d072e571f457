package pods

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"
)

// merged returns the template with the patch, as a JSON map. The error says what is wrong with the patch.
func (p Pod) merged() (map[string]any, error) {
	own, err := p.template()
	if err != nil {
		return nil, err
	}
	template, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	if len(p.Patch) > 0 {
		if err := strict[corev1.PodTemplateSpec](p.Patch); err != nil {
			return nil, err
		}
		if template, err = strategicpatch.StrategicMergePatch(template, p.Patch, corev1.PodTemplateSpec{}); err != nil {
			return nil, fmt.Errorf("cannot be merged: %w", err)
		}
		if err := p.checkMerged(template); err != nil {
			return nil, err
		}
	}
	var merged map[string]any
	if err := json.Unmarshal(template, &merged); err != nil {
		return nil, err
	}
	return withoutEmpty(merged), nil
}

// own is the template without the patch.
func (p Pod) own() (map[string]any, error) {
	p.Patch = nil
	return p.merged()
}

// withoutEmpty removes empty fields that Kubernetes' types write.
func withoutEmpty(object map[string]any) map[string]any {
	for key, value := range object {
		switch value := value.(type) {
		case nil:
			delete(object, key)
		case map[string]any:
			if key == "resources" && len(value) == 0 {
				delete(object, key)
				continue
			}
			withoutEmpty(value)
		case []any:
			for _, element := range value {
				if element, ok := element.(map[string]any); ok {
					withoutEmpty(element)
				}
			}
		}
	}
	return object
}

// checkMerged finds a patch that makes the pods another application's.
func (p Pod) checkMerged(template []byte) error {
	var merged corev1.PodTemplateSpec
	if err := json.Unmarshal(template, &merged); err != nil {
		return err
	}
	for label, value := range p.Selector {
		if merged.Labels[label] != value {
			return fmt.Errorf("changes the label %s, by which the Service finds the pods", label)
		}
	}
	own := false
	for _, container := range merged.Spec.Containers {
		own = own || container.Name == p.Name
		if container.Image == "" {
			return fmt.Errorf("has a container %s without an image; the application's own container is called %s", container.Name, p.Name)
		}
	}
	if !own {
		return fmt.Errorf("removes the application's own container %s", p.Name)
	}
	return nil
}

// strict says which fields of the JSON do not fit T. It ignores the directives of strategic merge patches.
func strict[T any](text []byte) error {
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return errors.New("is not an object")
	}
	plain, err := json.Marshal(withoutDirectives(object))
	if err != nil {
		return err
	}
	var typed T
	unknown, err := kjson.UnmarshalStrict(plain, &typed)
	if err != nil {
		return fmt.Errorf("does not fit: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(unknown) > 0 {
		var b bytes.Buffer
		for i, err := range unknown {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(err.Error())
		}
		return fmt.Errorf("has fields that Kubernetes does not know: %s", b.String())
	}
	return nil
}

func withoutDirectives(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, field := range value {
			if !strings.HasPrefix(key, "$") {
				kept[key] = withoutDirectives(field)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i, element := range value {
			kept[i] = withoutDirectives(element)
		}
		return kept
	}
	return value
}
