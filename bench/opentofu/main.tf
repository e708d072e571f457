terraform {
  required_providers {
    kubernetes = { source = "hashicorp/kubernetes" }
  }
}

variable "name" { type = string }
variable "server" { type = string }
variable "share" { type = string }
variable "site" { type = string }
variable "clients" { type = list(string) }
variable "image" { type = string }
variable "replicas" { type = number }
variable "type" { type = string } # ClusterIP, with an Ingress, or NodePort, without one
variable "ssh_key" { type = string }
variable "ssh_host_key" { type = string }

provider "kubernetes" {} # KUBE_CONFIG_PATH

resource "terraform_data" "share" {
  input = {
    host = var.server, host_key = var.ssh_host_key, key = var.ssh_key, share = var.share
    lines = join("\n", [for client in var.clients : "${var.share} ${client}(rw,sync,no_subtree_check)"])
  }
  triggers_replace = [var.share, var.clients]

  connection {
    host        = self.input.host
    host_key    = self.input.host_key
    private_key = file(self.input.key)
  }
  provisioner "remote-exec" {
    inline = [
      "mkdir -p ${self.input.share}",
      "grep -q '^${self.input.share} ' /etc/exports || echo '${self.input.lines}' >>/etc/exports",
      "exportfs -r",
    ]
  }
  provisioner "remote-exec" {
    when   = destroy
    inline = ["sed -i '\\|^${self.input.share} |d' /etc/exports", "exportfs -r"]
  }
}

resource "terraform_data" "site" {
  triggers_replace = [terraform_data.share.id, sha1(join("", [for file in fileset(var.site, "**") : filesha1("${var.site}/${file}")]))]

  connection {
    host        = var.server
    host_key    = var.ssh_host_key
    private_key = file(var.ssh_key)
  }
  provisioner "file" {
    source      = "${var.site}/"
    destination = var.share
  }
}

resource "kubernetes_namespace_v1" "webapp" {
  metadata { name = var.name }
}

resource "kubernetes_persistent_volume_v1" "site" {
  metadata { name = var.name }
  spec {
    capacity                         = { storage = "10Gi" }
    access_modes                     = ["ReadWriteMany"]
    persistent_volume_reclaim_policy = "Retain"
    storage_class_name               = "nfs"
    mount_options                    = ["hard", "nfsvers=4.1"]
    persistent_volume_source {
      nfs {
        server = var.server
        path   = var.share
      }
    }
  }
  depends_on = [terraform_data.share]
}

resource "kubernetes_persistent_volume_claim_v1" "site" {
  metadata {
    name      = "site"
    namespace = kubernetes_namespace_v1.webapp.metadata[0].name
  }
  spec {
    storage_class_name = "nfs"
    volume_name        = kubernetes_persistent_volume_v1.site.metadata[0].name
    access_modes       = ["ReadWriteMany"]
    resources { requests = { storage = "2Gi" } }
  }
}

resource "kubernetes_deployment_v1" "webapp" {
  metadata {
    name      = "webapp"
    namespace = kubernetes_namespace_v1.webapp.metadata[0].name
    labels    = { app = "webapp" }
  }
  spec {
    replicas = var.replicas
    selector { match_labels = { app = "webapp" } }
    template {
      metadata { labels = { app = "webapp" } }
      spec {
        automount_service_account_token = false
        enable_service_links            = true
        affinity {
          pod_anti_affinity {
            required_during_scheduling_ignored_during_execution {
              label_selector { match_labels = { app = "webapp" } }
              topology_key = "kubernetes.io/hostname"
            }
          }
        }
        container {
          name  = "webapp"
          image = var.image
          port {
            name           = "http"
            container_port = 80
          }
          resources { requests = { cpu = "50m", memory = "64Mi" } }
          readiness_probe {
            http_get {
              path = "/"
              port = 80
            }
            period_seconds  = 2
            timeout_seconds = 20
          }
          lifecycle {
            pre_stop {
              exec { command = ["sleep", "6"] }
            }
          }
          volume_mount {
            name       = "site"
            mount_path = "/var/www/public"
          }
        }
        volume {
          name = "site"
          persistent_volume_claim { claim_name = kubernetes_persistent_volume_claim_v1.site.metadata[0].name }
        }
      }
    }
  }
  depends_on = [terraform_data.site]
}

resource "kubernetes_service_v1" "webapp" {
  metadata {
    name      = "webapp"
    namespace = kubernetes_namespace_v1.webapp.metadata[0].name
  }
  spec {
    type     = var.type
    selector = { app = "webapp" }
    port {
      name        = "http"
      port        = 80
      target_port = 80
    }
  }
}

resource "kubernetes_ingress_v1" "webapp" {
  count = var.type == "ClusterIP" ? 1 : 0
  metadata {
    name        = "webapp"
    namespace   = kubernetes_namespace_v1.webapp.metadata[0].name
    annotations = { "haproxy.org/path-rewrite" = "/" }
  }
  spec {
    ingress_class_name = "haproxy"
    rule {
      host = "${var.name}.test"
      http {
        path {
          path      = "/balanced"
          path_type = "Prefix"
          backend {
            service {
              name = kubernetes_service_v1.webapp.metadata[0].name
              port { number = 80 }
            }
          }
        }
      }
    }
  }
}
