// One share, and two applications beside each other in one namespace, each exposed in its own way.
import * as path from "path";
import * as pulumi from "@pulumi/pulumi";
import * as balanced from "@webapp-balanced/webapp-balanced";

const config = new pulumi.Config();

const files = new balanced.NfsShare("files", {
    connection: {
        host: config.require("nfsHost"),
        hostKey: config.require("nfsHostKey"),
        privateKey: config.requireSecret("nfsPrivateKey"),
    },
    path: "/srv/nfs/example-typescript",
    clients: config.requireObject<string[]>("nfsClients"),
    site: path.resolve("../../site"),
});

const blog = new balanced.BalancedApp("blog", {
    namespace: "example-typescript",
    image: config.require("blogImage"),
    replicas: 2,
    mount: files.mount,
});
const shop = new balanced.BalancedApp("shop", {
    namespace: blog.namespace, // which blog has made
    createNamespace: false,
    image: config.require("shopImage"),
    port: 8080,
    mountPath: "/site",
    env: { GREETING: config.requireSecret("greeting") },
    podTemplate: { spec: { containers: [{ name: "shop", securityContext: { runAsNonRoot: true } }] } },
    replicas: 2,
    mount: files.mount,
});

// The blog by the ingress controller, the shop by a port of every node.
const blogIsAt = new balanced.Exposure("blog", { app: blog.workload, host: "blog.typescript.example", path: "/" });
const shopIsAt = new balanced.Exposure("shop", { app: shop.workload, type: "NodePort" });

export const blogUrl = blogIsAt.urls[0].url;
export const shopUrl = shopIsAt.urls[0].url;
