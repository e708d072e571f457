module webapp-balanced/tools/pause

go 1.26.0
