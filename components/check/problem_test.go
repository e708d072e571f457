package check

import "testing"

func TestSuggest(t *testing.T) {
	words := []string{"clusterip", "nodeport", "loadbalancer"}
	for value, want := range map[string]string{
		"nodport": "nodeport", "NodePorts": "nodeport", "loadbalencer": "loadbalancer", "x": "", "": "", "internet": "",
	} {
		if got := Suggest(value, words); got != want {
			t.Errorf("nearest to %q is %q, want %q", value, got, want)
		}
	}
}
