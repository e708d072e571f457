package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// apiServer is an API server with a node, two Services and a ConfigMap. It answers 403 to denied paths and
// 500 to broken ones.
func apiServer(t *testing.T, denied []string, broken string) *Client {
	t.Helper()
	answers := map[string]string{
		"/api/v1/nodes":    `{"kind":"NodeList","apiVersion":"v1","items":[{"metadata":{"name":"n"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}}]}`,
		"/api/v1/services": `{"kind":"ServiceList","apiVersion":"v1","items":[{"metadata":{"namespace":"c","name":"controller"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":31716}]}}]}`,
		"/api/v1/namespaces/c/services/controller":           `{"kind":"Service","apiVersion":"v1","metadata":{"namespace":"c","name":"controller"},"spec":{"ports":[{"port":80,"nodePort":31716}]}}`,
		"/apis/networking.k8s.io/v1/ingressclasses":          `{"kind":"IngressClassList","apiVersion":"networking.k8s.io/v1","items":[{"metadata":{"name":"haproxy"},"spec":{"controller":"haproxy.org/x"}}]}`,
		"/apis/networking.k8s.io/v1/ingresses":               `{"kind":"IngressList","apiVersion":"networking.k8s.io/v1","items":[]}`,
		"/api/v1/namespaces/web/secrets/tls":                 `{"kind":"Secret","apiVersion":"v1","metadata":{"namespace":"web","name":"tls"},"type":"Opaque"}`,
		"/apis":                                              `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"metallb.io"}]}`,
		"/api":                                               `{"kind":"APIVersions","versions":["v1"]}`,
		"/api/v1":                                            `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"configmaps","kind":"ConfigMap","namespaced":true,"verbs":["list"]}]}`,
		"/api/v1/namespaces/web":                             `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"web","uid":"1","annotations":{"webapp-balanced/owner":"p/s 0123"}}}`,
		"/api/v1/namespaces/web/configmaps":                  `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[{"metadata":{"namespace":"web","name":"theirs"}},{"metadata":{"namespace":"web","name":"kube-root-ca.crt"}}]}`,
		"/apis/apps/v1/namespaces/web/deployments/theirs":    `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"namespace":"web","name":"theirs","uid":"2"}}`,
		"/apis/apps/v1/namespaces/web/deployments/something": "",
	}
	return serve(t, answers, denied, broken)
}

// serve serves the answers, by path.
func serve(t *testing.T, answers map[string]string, denied []string, broken string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		status := func(code int, reason string) {
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":%q,"code":%d}`, reason, reason, code)
		}
		answer, ok := answers[r.URL.Path]
		switch {
		case slices.Contains(denied, r.URL.Path):
			status(403, "Forbidden")
		case r.URL.Path == broken:
			status(422, "Invalid")
		case ok && answer != "":
			fmt.Fprint(w, answer)
		case strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/web/") || strings.Contains(r.URL.Path, "/namespaces/web/"):
			if strings.HasSuffix(r.URL.Path, "s") && strings.Count(r.URL.Path, "/") <= 6 {
				fmt.Fprint(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[]}`)
				return
			}
			status(404, "NotFound")
		default:
			status(404, "NotFound")
		}
	}))
	t.Cleanup(server.Close)
	return clientOf(t, server.URL)
}

func clientOf(t *testing.T, url string) *Client {
	t.Helper()
	client, err := Connect(Access{Kubeconfig: "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- {name: c, cluster: {server: " + url + "}}\ncontexts:\n- {name: c, context: {cluster: c}}\n"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A missing right hides one fact, and no other.
func TestDenied(t *testing.T) {
	facts := []Fact{Nodes, Services, Controller, IngressClasses, Ingresses, Secrets, Groups, Owners, Contents}
	for _, c := range []struct {
		denied []string
		want   map[Fact]string
	}{
		{nil, nil},
		{[]string{"/api/v1/nodes"}, map[Fact]string{Nodes: "list the nodes"}},
		{[]string{"/api/v1/services"}, map[Fact]string{Services: "list the Services of all namespaces"}},
		{[]string{"/api/v1/services", "/api/v1/namespaces/c/services/controller"}, map[Fact]string{Services: "list the Services of all namespaces", Controller: "read the Service c/controller"}},
		{[]string{"/apis/networking.k8s.io/v1/ingressclasses"}, map[Fact]string{IngressClasses: "list the IngressClasses"}},
		{[]string{"/apis/networking.k8s.io/v1/ingresses"}, map[Fact]string{Ingresses: "list the Ingresses of all namespaces"}},
		{[]string{"/api/v1/namespaces/web/secrets/tls"}, map[Fact]string{Secrets: "read the Secret web/tls"}},
		{[]string{"/apis"}, map[Fact]string{Groups: "list the API groups", Contents: "list the kinds of the API"}},
		{[]string{"/api/v1/namespaces/web"}, map[Fact]string{Owners: "read the Namespace web"}},
		{[]string{"/api/v1/namespaces/web/configmaps"}, map[Fact]string{Contents: "list the configmaps in web"}},
	} {
		client := apiServer(t, c.denied, "")
		s, err := client.Inspect(t.Context(), Query{Controller: "c/controller", Namespace: "web", Service: "service", Secret: "tls"})
		if err != nil {
			t.Errorf("%q: %v", c.denied, err)
			continue
		}
		found, err := client.Objects(t.Context(), s, []Object{{Kind: "Namespace", Name: "web"}, {Kind: "Deployment", Namespace: "web", Name: "theirs"}, {Kind: "Deployment", Namespace: "web", Name: "something"}})
		if err != nil {
			t.Errorf("%q: %v", c.denied, err)
		}
		contents, complete, err := client.Contents(t.Context(), s, "web")
		if err != nil {
			t.Errorf("%q: %v", c.denied, err)
		}
		if _, denied := c.want[Contents]; complete == denied {
			t.Errorf("%q: complete is %v", c.denied, complete)
		}
		for _, fact := range facts {
			doing, denied := c.want[fact]
			if s.Knows(fact) == denied {
				t.Errorf("%q: known is %s: %v", c.denied, fact, !denied)
			}
			if denied && !slices.Contains(s.Denied, Denial{fact, doing}) {
				t.Errorf("%q: denied is %q, want %q", c.denied, s.Denied, doing)
			}
		}
		knows := map[Fact]bool{
			Nodes: len(s.Nodes) == 1, IngressClasses: len(s.IngressClasses) == 1, Controller: s.Controller != nil,
			Secrets: s.Secret != nil && s.Secret.Type == "Opaque", Groups: s.LoadBalancer == "MetalLB",
			Owners: slices.Contains(found, Object{Kind: "Namespace", Name: "web", UID: "1", Owner: "p/s 0123"}), Contents: len(contents) == 1 && contents[0].String() == "ConfigMap web/theirs",
		}
		for fact, is := range knows {
			if _, denied := c.want[fact]; is == denied {
				t.Errorf("%q: read is %s: %v", c.denied, fact, is)
			}
		}
		if !slices.Contains(found, Object{Kind: "Deployment", Namespace: "web", Name: "theirs", UID: "2"}) {
			t.Errorf("%q: of the objects there are %v", c.denied, found)
		}
	}
}

// Any error other than a missing right ends the inspection.
func TestInspectFails(t *testing.T) {
	client := apiServer(t, nil, "/api/v1/nodes")
	if s, err := client.Inspect(t.Context(), Query{}); err == nil || !strings.Contains(err.Error(), "list the nodes of the cluster at http://127.0.0.1:") {
		t.Errorf("%v, %v", s, err)
	}
}

// An inspection takes as long as its slowest answer: the requests run concurrently. Of several errors it always
// returns the same one.
func TestInspectAsksAtOnce(t *testing.T) {
	const together = 8 // nodes, Services, classes, Ingresses, Secret, ConfigMap, groups, version
	all := make(chan struct{})
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == together {
			close(all)
		}
		select {
		case <-all:
		case <-time.After(5 * time.Second):
			t.Errorf("%s waits for others that are not sent", r.URL.Path)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	client := clientOf(t, server.URL)
	for range 3 {
		_, err := client.Inspect(t.Context(), Query{Controller: "c/controller", Namespace: "web", Secret: "tls", ConfigMap: "c/config"})
		if err == nil || !strings.Contains(err.Error(), "list the nodes of") {
			t.Errorf("the error is %v", err)
		}
	}
}

// Inspections at about the same time share the common facts, and each returns what it queries. A later one, or one
// after an error, reads again.
func TestInspectShares(t *testing.T) {
	var lists atomic.Int32
	var isDown atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case isDown.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case r.URL.Path == "/api/v1/services":
			lists.Add(1)
			fmt.Fprint(w, `{"kind":"ServiceList","apiVersion":"v1","items":[
				{"metadata":{"namespace":"web","name":"one"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":31001}]}},
				{"metadata":{"namespace":"web","name":"two"},"spec":{"type":"ClusterIP"}}]}`)
		default:
			fmt.Fprint(w, `{"kind":"List","apiVersion":"v1","items":[]}`)
		}
	}))
	t.Cleanup(server.Close)
	client := clientOf(t, server.URL)
	read := func() error {
		var all errgroup.Group
		for _, name := range []string{"one", "two", "three"} {
			all.Go(func() error {
				s, err := client.Inspect(t.Context(), Query{Namespace: "web", Service: name})
				if err != nil {
					return err
				}
				if has := s.Service != nil && s.Service.Name == name; has != (name != "three") || s.NodePorts[31001] != "web/one" {
					t.Errorf("%s: the Service is %v, the node ports are %v", name, s.Service, s.NodePorts)
				}
				return nil
			})
		}
		return all.Wait()
	}
	for n, prepare := range []func(){
		func() {},
		func() { client.shared.read = time.Now().Add(-sharedFor) },
		func() {
			client.shared.read = time.Now().Add(-sharedFor)
			isDown.Store(true)
			if read() == nil {
				t.Error("an API server that is down is not an error")
			}
			isDown.Store(false)
		},
	} {
		prepare()
		if err := read(); err != nil || int(lists.Load()) != n+1 {
			t.Errorf("read %d: %v, the Services were listed %d times", n+1, err, lists.Load())
		}
	}
}

// Even without a wait for an address, an API server that fails once is asked again.
func TestNoAddressAfterAHiccup(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"kind":"Service","apiVersion":"v1","metadata":{"namespace":"web","name":"s"},"spec":{"type":"LoadBalancer"}}`)
	}))
	t.Cleanup(server.Close)
	addresses, err := clientOf(t, server.URL).WaitForAddress(t.Context(), "web", "s", 0)
	if !errors.Is(err, ErrNoAddress) || addresses != nil || asked != 2 {
		t.Errorf("%q, %v, asked %d times", addresses, err, asked)
	}
}
