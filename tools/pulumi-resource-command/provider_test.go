package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

type provider struct {
	t      *testing.T
	client pulumirpc.ResourceProviderClient
}

// start runs the plugin's program. It says its port on its first line.
func start(t *testing.T) *provider {
	t.Helper()
	cmd := exec.Command(pluginProgram)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the plugin said no port: %v", err)
	}
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &provider{t: t, client: pulumirpc.NewResourceProviderClient(conn)}
	if _, err := p.client.Configure(context.Background(), &pulumirpc.ConfigureRequest{AcceptSecrets: true, AcceptResources: true}); err != nil {
		t.Fatal(err)
	}
	return p
}

var marshalOptions = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true}

func (p *provider) marshal(properties resource.PropertyMap) *structpb.Struct {
	p.t.Helper()
	s, err := plugin.MarshalProperties(properties, marshalOptions)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *provider) unmarshal(s *structpb.Struct) resource.PropertyMap {
	p.t.Helper()
	properties, err := plugin.UnmarshalProperties(s, marshalOptions)
	if err != nil {
		p.t.Fatal(err)
	}
	return properties
}

// check returns the inputs with the provider's defaults.
func (p *provider) check(urn string, inputs resource.PropertyMap) (resource.PropertyMap, []*pulumirpc.CheckFailure) {
	p.t.Helper()
	response, err := p.client.Check(context.Background(), &pulumirpc.CheckRequest{Urn: urn, News: p.marshal(inputs), RandomSeed: make([]byte, 32)})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.unmarshal(response.Inputs), response.Failures
}

func (p *provider) create(urn string, inputs resource.PropertyMap) (resource.PropertyMap, error) {
	p.t.Helper()
	inputs, failures := p.check(urn, inputs)
	if len(failures) > 0 {
		p.t.Fatalf("check: %v", failures)
	}
	response, err := p.client.Create(context.Background(), &pulumirpc.CreateRequest{Urn: urn, Properties: p.marshal(inputs)})
	if err != nil {
		return nil, err
	}
	if response.Id == "" {
		p.t.Error("create gave no id")
	}
	return p.unmarshal(response.Properties), nil
}

func (p *provider) update(urn string, olds, news resource.PropertyMap) (resource.PropertyMap, error) {
	p.t.Helper()
	news, _ = p.check(urn, news)
	response, err := p.client.Update(context.Background(), &pulumirpc.UpdateRequest{Id: "id", Urn: urn, Olds: p.marshal(olds), News: p.marshal(news)})
	if err != nil {
		return nil, err
	}
	return p.unmarshal(response.Properties), nil
}

func (p *provider) diff(urn string, olds, news resource.PropertyMap) *pulumirpc.DiffResponse {
	p.t.Helper()
	news, _ = p.check(urn, news)
	response, err := p.client.Diff(context.Background(), &pulumirpc.DiffRequest{Id: "id", Urn: urn, Olds: p.marshal(olds), News: p.marshal(news)})
	if err != nil {
		p.t.Fatal(err)
	}
	return response
}

func (p *provider) delete(urn string, state resource.PropertyMap) error {
	_, err := p.client.Delete(context.Background(), &pulumirpc.DeleteRequest{Id: "id", Urn: urn, Properties: p.marshal(state)})
	return err
}

func text(s string) resource.PropertyValue { return resource.NewStringProperty(s) }

// command are the inputs of a Command at the server.
func command(server *sshServer, more resource.PropertyMap) resource.PropertyMap {
	inputs := resource.PropertyMap{"connection": resource.NewObjectProperty(server.connection())}
	for key, value := range more {
		inputs[key] = value
	}
	return inputs
}

func plain(v resource.PropertyValue) resource.PropertyValue {
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	return v
}

func expect(t *testing.T, properties resource.PropertyMap, key, want string) {
	t.Helper()
	if got := plain(properties[resource.PropertyKey(key)]); !got.IsString() || got.StringValue() != want {
		t.Errorf("%s is %v, want %q", key, got, want)
	}
}
