package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	propertyerrors "github.com/pulumi/pulumi/sdk/v3/go/pulumi/errors"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"webapp-balanced/internal/stackstate"
)

// refusals lets one preview report the problems of all components. Once Construct returns an error, the
// engine stops its resource monitor (pulumi/pkg, resource/deploy/source_eval.go), and no later component is
// checked. So in a preview, a component with problems returns unknown outputs, and its problems are logged as
// errors. The log alone would not fail the preview: a child resource of the first such component does. Its
// hook returns an error once no component has been under construction for a while.
type refusals struct {
	pulumirpc.UnimplementedCallbacksServer

	quiet    time.Duration // time without a component under construction before the preview fails
	patience time.Duration // longest time before the preview fails

	mu       sync.Mutex
	building int              // components under construction
	changed  time.Time        // when that number last changed
	failing  map[string]error // by the monitor's address: nil where the preview will fail
	begun    chan struct{}    // closed when the engine waits for the hook
}

func newRefusals() *refusals {
	return &refusals{quiet: 2 * time.Second, patience: 30 * time.Second, failing: map[string]error{}}
}

// monitorKey is the context key of the resource monitor's address.
type monitorKey struct{}

// counting counts the components that are under construction.
func (r *refusals) counting(construct func(context.Context, p.ConstructRequest) (p.ConstructResponse, error)) func(context.Context, p.ConstructRequest) (p.ConstructResponse, error) {
	return func(ctx context.Context, request p.ConstructRequest) (p.ConstructResponse, error) {
		r.count(1)
		defer r.count(-1)
		ctx = stackstate.WithRun(ctx, request.MonitorEndpoint)
		// With one resource at a time, a waiting hook would block all others.
		if request.DryRun && request.Parallel > 1 {
			ctx = context.WithValue(ctx, monitorKey{}, request.MonitorEndpoint)
		}
		response, err := construct(ctx, request)
		if err != nil && strings.Contains(err.Error(), "expected destination type to implement pulumi.Input") {
			err = fmt.Errorf("%w: this property cannot be an output as a whole; the elements of a list, a map and an object can, unless the reference says plain", err)
		}
		return response, err
	}
}

func (r *refusals) count(by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.building += by
	r.changed = time.Now()
}

// postpone makes the outputs of a component with problems unknown, logs the problems, and makes the preview
// fail later. It returns the error itself if that is impossible: in an update, in a preview of one resource
// at a time, and if the engine does not accept the hook.
func postpone[C pulumi.ComponentResource](r *refusals, ctx *pulumi.Context, name string, made C, problems *propertyerrors.InputPropertiesError) (C, error) {
	var none C
	monitor, _ := ctx.Context().Value(monitorKey{}).(string)
	if monitor == "" || reflect.ValueOf(made).IsNil() {
		return none, problems
	}
	outputs := reflect.ValueOf(made).Elem()
	for i := range outputs.NumField() {
		if output, ok := outputs.Field(i).Interface().(pulumi.Output); ok {
			outputs.Field(i).Set(reflect.ValueOf(unknown(output.ElementType())))
		}
	}
	urn, err := internals.UnsafeAwaitOutput(ctx.Context(), made.URN())
	if err != nil {
		return none, err
	}
	if err := r.failLater(ctx.Context(), monitor, name, string(urn.Value.(pulumi.URN))); err != nil {
		return none, problems
	}
	// The engine uses the same words for an error of Construct.
	told := fmt.Sprintf("%s:index:%s resource '%s' has a problem: %s", packageName, outputs.Type().Name(), name, problems.Message)
	return made, ctx.Log.Error(told, &pulumi.LogArgs{Resource: made})
}

// unknown returns an unknown output of that type.
func unknown(element reflect.Type) pulumi.Output {
	of := reflect.FuncOf([]reflect.Type{reflect.TypeFor[any]()}, []reflect.Type{element}, false)
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value {
		return []reflect.Value{reflect.Zero(element)}
	}).Interface())
}

// failLater makes a preview fail later. It registers the hook once, for the first component with problems,
// and returns when the engine waits for it.
func (r *refusals) failLater(ctx context.Context, monitor, name, urn string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err, is := r.failing[monitor]
	if !is {
		err = r.register(ctx, monitor, name, urn)
		r.failing[monitor] = err
	}
	return err
}

// register registers the resource that fails the preview.
func (r *refusals) register(ctx context.Context, monitor, name, urn string) error {
	callbacks, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Init: func(server *grpc.Server) error {
		pulumirpc.RegisterCallbacksServer(server, r)
		return nil
	}})
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(monitor, grpc.WithTransportCredentials(insecure.NewCredentials()), rpcutil.GrpcChannelOptions())
	if err != nil {
		return err
	}
	client := pulumirpc.NewResourceMonitorClient(conn)
	const hook = "components have problems"
	if _, err := client.RegisterResourceHook(ctx, &pulumirpc.RegisterResourceHookRequest{
		Name: hook, OnDryRun: true,
		Callback: &pulumirpc.Callback{Target: "127.0.0.1:" + strconv.Itoa(callbacks.Port)},
	}); err != nil {
		return errors.Join(err, conn.Close())
	}
	r.begun = make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		// Not with ctx, which ends with the component.
		_, err := client.RegisterResource(context.Background(), &pulumirpc.RegisterResourceRequest{
			Type: packageName + ":index:Refusal", Name: name, Parent: urn,
			Hooks: &pulumirpc.RegisterResourceRequest_ResourceHooksBinding{BeforeCreate: []string{hook}},
		})
		failed <- errors.Join(err, conn.Close())
	}()
	select {
	case <-r.begun:
		return nil
	case err := <-failed:
		// For example, a preview with other targets does not call the hook.
		return errors.Join(err, errors.New("the engine has not called the hook"))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Invoke is the hook: it waits, and fails the preview.
func (r *refusals) Invoke(ctx context.Context, _ *pulumirpc.CallbackInvokeRequest) (*pulumirpc.CallbackInvokeResponse, error) {
	close(r.begun)
	r.wait(ctx)
	response, err := proto.Marshal(&pulumirpc.ResourceHookResponse{Error: "their errors are told with them"})
	return &pulumirpc.CallbackInvokeResponse{Response: response}, err
}

// wait returns once no component has been under construction for a while.
func (r *refusals) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	for {
		r.mu.Lock()
		rest := r.quiet - time.Since(r.changed)
		if r.building > 0 {
			rest = r.quiet
		}
		r.mu.Unlock()
		if rest <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}
