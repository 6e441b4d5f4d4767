"""Manifests for running Weft and a Ray cluster on Kubernetes: data in, data out, no cluster."""
