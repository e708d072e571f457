package link

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// URL is a way to reach the application.
type URL struct {
	// Via is the way: ingress, nodeport, loadbalancer or clusterip.
	Via string `json:"via" pulumi:"via"`
	// URL is the http or https URL at which the application begins.
	URL string `json:"url" pulumi:"url"`
}

// URLArrayOutput is an output with a list of URLs.
type URLArrayOutput struct{ *pulumi.OutputState }

// ElementType is for the SDK.
func (URLArrayOutput) ElementType() reflect.Type { return reflect.TypeFor[[]URL]() }

func init() { pulumi.RegisterOutputType(URLArrayOutput{}) }

// First returns the first URL, empty if there is none.
func (o URLArrayOutput) First() pulumi.StringOutput {
	return o.ApplyT(func(urls []URL) string {
		if len(urls) == 0 {
			return ""
		}
		return urls[0].URL
	}).(pulumi.StringOutput)
}
