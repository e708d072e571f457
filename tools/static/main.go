// Command static is the web server of an image that has nothing in common with the tutorial's:
// it serves /site on port 8080, there is no shell beside it, and it is no root. It is ready when
// /healthz says so. What the environment has as GREETING is at /greeting.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	pod, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	site := http.FileServer(http.Dir("/site"))
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/greeting", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(os.Getenv("GREETING"))) // who went away needs no greeting
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Served-By", pod)
		site.ServeHTTP(w, r)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
