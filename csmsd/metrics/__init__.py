"""The edge towards monitoring: metrics for Prometheus and `/healthz`, on a listener of their own."""
