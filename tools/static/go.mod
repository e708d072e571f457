module webapp-balanced/tools/static

go 1.26.0
