module webapp-balanced/tools/pulumi-resource-command

go 1.26.0
